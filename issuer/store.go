package issuer

import (
	"context"
	"crypto/rand"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// A Source identifies what a mandate was made from. There is at most one
// mandate for each.
type Source struct {
	Delegator string
	Digest    canon.Digest // of the confirmed ISR
}

// A Record is what an issuer keeps of a mandate: enough to give it out again,
// to know its state, and to show who changed that and when.
type Record struct {
	DelegationID string
	Source       Source
	Agent        string // DID
	Audience     string // DID of the PSP
	Holder       string // RFC 7638 thumbprint of the key in cnf
	Start, End   time.Time
	Index        int     // in the status list
	Mandate      []byte  // the token
	Events       []Event // changes of state, oldest first; append-only
}

// An Event is a change of state that was carried out.
type Event struct {
	Command delegation.Command
	Actor   delegation.Actor
	At      time.Time
	Status  delegation.Status // what the list says from here on
}

// A Store keeps Records. It must be durable where mandates outlive the
// process: a state that is forgotten makes a revoked mandate Active again.
//
// What is stored is never changed except by Append, and never deleted. Package
// issuertest has the contract as a test.
type Store interface {
	// Create stores the record that sign returns for a free index of the list,
	// and returns it. When there is a record of this source already, it is
	// returned and sign is not called. Both happen atomically; an error of
	// sign stores nothing and uses no index up. A list without a free index
	// is service_unavailable.
	Create(ctx context.Context, source Source, size int, sign func(index int) (Record, error)) (Record, error)
	// Get returns a record by its delegation id, or field_invalid.
	Get(ctx context.Context, delegationID string) (Record, error)
	// Append adds an event to a record that has exactly seen events, and
	// otherwise fails with state_conflict.
	Append(ctx context.Context, delegationID string, seen int, e Event) error
	// Version returns a number that grows with every event of any record.
	Version(ctx context.Context) (uint64, error)
	// NotActive returns the index and status of every record whose last event
	// left it other than Active, with the version that this is the state of.
	NotActive(ctx context.Context) (map[int]delegation.Status, uint64, error)
}

// MemoryStore is a Store in memory, for tests and demonstrations.
type MemoryStore struct {
	mu        sync.Mutex
	records   map[string]*Record
	bySource  map[Source]string
	byIndex   map[int]string
	notActive map[int]delegation.Status
	version   uint64
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{
		records: make(map[string]*Record), bySource: make(map[Source]string),
		byIndex: make(map[int]string), notActive: make(map[int]delegation.Status),
	}
}

// Create implements Store. Indices are random, so that a mandate does not tell
// how many were issued before it.
func (m *MemoryStore) Create(_ context.Context, source Source, size int, sign func(index int) (Record, error)) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id, ok := m.bySource[source]; ok {
		return m.records[id].clone(), nil
	}
	index, err := m.freeIndex(size)
	if err != nil {
		return Record{}, err
	}
	r, err := sign(index)
	if err != nil {
		return Record{}, err
	}
	if _, taken := m.records[r.DelegationID]; taken || r.Index != index || r.Source != source {
		return Record{}, protocol.New(protocol.CodeRequestConflict, "delegation_id", "ADD-IAC-ISS-04", "not a record of this source and index")
	}
	kept := r.clone()
	m.records[r.DelegationID], m.bySource[source], m.byIndex[index] = &kept, r.DelegationID, r.DelegationID
	return r, nil
}

func (m *MemoryStore) freeIndex(size int) (int, error) {
	if len(m.byIndex) >= size {
		return 0, protocol.New(protocol.CodeServiceUnavailable, "status", "ADD-IAC-ISS-13", "the status list is full")
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(size)))
	if err != nil {
		return 0, err
	}
	index := int(n.Int64())
	for { // at least one is free
		if _, taken := m.byIndex[index]; !taken {
			return index, nil
		}
		index = (index + 1) % size
	}
}

// Get implements Store.
func (m *MemoryStore) Get(_ context.Context, delegationID string) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.records[delegationID]
	if !ok {
		return Record{}, errUnknown()
	}
	return r.clone(), nil
}

// Append implements Store.
func (m *MemoryStore) Append(_ context.Context, delegationID string, seen int, e Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.records[delegationID]
	if !ok {
		return errUnknown()
	}
	if len(r.Events) != seen {
		return protocol.New(protocol.CodeStateConflict, "delegation_id", "ADD-IAC-LCM-02", "the state has changed meanwhile")
	}
	r.Events = append(r.Events, e)
	m.version++
	if e.Status == delegation.StatusActive {
		delete(m.notActive, r.Index)
	} else {
		m.notActive[r.Index] = e.Status
	}
	return nil
}

// Version implements Store.
func (m *MemoryStore) Version(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version, nil
}

// NotActive implements Store.
func (m *MemoryStore) NotActive(context.Context) (map[int]delegation.Status, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[int]delegation.Status, len(m.notActive))
	for i, s := range m.notActive {
		out[i] = s
	}
	return out, m.version, nil
}

func (r *Record) clone() Record {
	c := *r
	c.Mandate, c.Events = slices.Clone(r.Mandate), slices.Clone(r.Events)
	return c
}

func errUnknown() error {
	return protocol.New(protocol.CodeFieldInvalid, "delegation_id", "ADD-IAC-LCM-02", "no mandate of this issuer")
}
