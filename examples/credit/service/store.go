package service

import (
	"context"
	"sync"
)

// A Store keeps documents by kind and id.
//
// Do runs f with all others kept out, and keeps what it has put exactly when f
// returns nil; durable, in a store that survives its process, before Do
// returns. f runs at most once, and the Tx is of no use after it. TestStores is
// the contract, run for every implementation.
type Store interface {
	Do(ctx context.Context, f func(Tx) error) error
}

// A Tx is the view of one Do.
type Tx interface {
	// Get returns a document, or nil when there is none.
	Get(kind Kind, id string) ([]byte, error)
	// Put sets a document.
	Put(kind Kind, id string, doc []byte) error
	// Forget removes the documents of a kind that were put with a time before
	// this one, in Unix seconds (see PutUntil).
	Forget(kind Kind, before int64) error
	// PutUntil is Put of a document that may be forgotten from that time on.
	PutUntil(kind Kind, id string, doc []byte, until int64) error
}

// A Kind is a kind of documents.
type Kind string

// The kinds.
const (
	kindAssociation   Kind = "association"   // by credential id
	kindApplication   Kind = "application"   // the credential id of an application
	kindAuthorization Kind = "authorization" // by authorization id
	kindReplay        Kind = "replay"        // used-up nonces and keys
	kindRequest       Kind = "request"       // verification requests by sender and id
	kindRecord        Kind = "record"        // verification records
)

// A MemoryStore lives as long as its process.
type MemoryStore struct {
	mu   sync.Mutex
	docs map[[2]string]entry
}

type entry struct {
	doc   []byte
	until int64 // 0 for ever
}

// NewMemoryStore makes an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{docs: map[[2]string]entry{}} }

// Do implements Store.
func (m *MemoryStore) Do(ctx context.Context, f func(Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	tx := &memoryTx{store: m, changed: map[[2]string]entry{}}
	if err := f(tx); err != nil {
		return err
	}
	for key, e := range tx.changed {
		m.docs[key] = e
	}
	for _, forget := range tx.forget {
		for key, e := range m.docs {
			if _, again := tx.changed[key]; !again && forget(key, e) {
				delete(m.docs, key)
			}
		}
	}
	return nil
}

type memoryTx struct {
	store   *MemoryStore
	changed map[[2]string]entry
	forget  []func([2]string, entry) bool
}

func (t *memoryTx) Get(kind Kind, id string) ([]byte, error) {
	key := [2]string{string(kind), id}
	if e, ok := t.changed[key]; ok {
		return append([]byte(nil), e.doc...), nil
	}
	e, ok := t.store.docs[key]
	for _, forget := range t.forget {
		ok = ok && !forget(key, e)
	}
	if !ok {
		return nil, nil
	}
	return append([]byte(nil), e.doc...), nil
}

func (t *memoryTx) Put(kind Kind, id string, doc []byte) error { return t.PutUntil(kind, id, doc, 0) }

func (t *memoryTx) PutUntil(kind Kind, id string, doc []byte, until int64) error {
	t.changed[[2]string{string(kind), id}] = entry{append([]byte(nil), doc...), until}
	return nil
}

func (t *memoryTx) Forget(kind Kind, before int64) error {
	t.forget = append(t.forget, func(key [2]string, e entry) bool {
		return key[0] == string(kind) && e.until != 0 && e.until < before
	})
	return nil
}
