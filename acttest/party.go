package acttest

import (
	"context"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// A Party is somebody with a DID and keys: fresh ones in each test.
type Party struct {
	DID      identity.DID
	Document *identity.Document
	signers  map[keys.Purpose]*keys.Signer
}

// NewParty returns a party with one Ed25519 key for each purpose.
func NewParty(t TB, did string, purposes ...keys.Purpose) *Party {
	t.Helper()
	return NewPartyWith(t, keys.EdDSA, did, purposes...)
}

// NewPartyWith is NewParty with keys of another algorithm.
func NewPartyWith(t TB, alg keys.Algorithm, did string, purposes ...keys.Purpose) *Party {
	t.Helper()
	id, err := identity.ParseDID(did)
	check(t, err)
	p := &Party{DID: id, Document: &identity.Document{ID: id}, signers: make(map[keys.Purpose]*keys.Signer)}
	for _, purpose := range purposes {
		private, err := keys.Generate(alg)
		check(t, err)
		s, err := keys.NewSigner(did+"#"+string(purpose), purpose, private)
		check(t, err)
		p.signers[purpose] = s
		p.Document.Keys = append(p.Document.Keys, identity.Key{ID: s.KeyID(), Public: s.Public(), Purpose: purpose})
	}
	return p
}

// Signer returns the party's key for a purpose, or nil.
func (p *Party) Signer(purpose keys.Purpose) *keys.Signer { return p.signers[purpose] }

// A Directory is a verifier.KeySource of documents in memory that can be taken
// out of order. It is safe for concurrent use.
type Directory struct {
	mu   sync.Mutex
	keys verifier.StaticKeys
	down bool
}

// Add puts the document of a party into the directory.
func (d *Directory) Add(p *Party) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys == nil {
		d.keys = make(verifier.StaticKeys)
	}
	d.keys[p.DID] = p.Document
}

// SetDown makes every look-up fail with key_unavailable, or work again.
func (d *Directory) SetDown(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
}

// Key implements verifier.KeySource.
func (d *Directory) Key(ctx context.Context, keyID string, purpose keys.Purpose, at time.Time) (keys.PublicKey, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyUnavailable, "kid", "IDN-02", "the directory is down")
	}
	return d.keys.Key(ctx, keyID, purpose, at)
}

// Statuses is a verifier.StatusSource in memory. An index that was never set
// is Active. It is safe for concurrent use.
type Statuses struct {
	mu   sync.Mutex
	set  map[delegation.StatusReference]delegation.Status
	down bool
}

// Set sets the status that a reference points to.
func (s *Statuses) Set(ref delegation.StatusReference, status delegation.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = make(map[delegation.StatusReference]delegation.Status)
	}
	s.set[ref] = status
}

// SetDown makes every question fail with status_unavailable, or work again.
func (s *Statuses) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Status implements verifier.StatusSource.
func (s *Statuses) Status(_ context.Context, ref delegation.StatusReference, _ string, _ time.Time) (delegation.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return 0, protocol.New(protocol.CodeStatusUnavailable, "status", "ADD-IAC-LCM-10", "the status service is down")
	}
	return s.set[ref], nil
}

func check(t TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
