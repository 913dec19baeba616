// Package issuertest holds the contract of issuer.Store as a test that every
// implementation can run against itself.
//
// What passes keeps one mandate for each confirmation, gives no index away
// twice, and loses no change of state when two arrive at once.
package issuertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// Store runs the contract. open returns a fresh, empty store.
func Store(t *testing.T, open func(t *testing.T) issuer.Store) {
	t.Helper()
	t.Run("create", func(t *testing.T) { create(t, open(t)) })
	t.Run("create concurrently", func(t *testing.T) { createConcurrently(t, open(t)) })
	t.Run("full list", func(t *testing.T) { fullList(t, open(t)) })
	t.Run("events", func(t *testing.T) { events(t, open(t)) })
	t.Run("append concurrently", func(t *testing.T) { appendConcurrently(t, open(t)) })
	t.Run("copies", func(t *testing.T) { copies(t, open(t)) })
}

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func source(n int) issuer.Source {
	return issuer.Source{Delegator: "did:act:bank.example/ann", Digest: canon.Sum(fmt.Append(nil, n))}
}

// sign makes a record as an issuer would.
func sign(n int) func(index int) (issuer.Record, error) {
	return func(index int) (issuer.Record, error) {
		return issuer.Record{
			DelegationID: fmt.Sprint("urn:delegation:", n), Source: source(n), Agent: "did:act:agents.example/a",
			Audience: "did:act:psp.example/p", Holder: "thumbprint", Start: start, End: start.Add(time.Hour),
			Index: index, Mandate: fmt.Append(nil, "token ", n),
		}, nil
	}
}

func mustCreate(t *testing.T, s issuer.Store, n, size int) issuer.Record {
	t.Helper()
	r, err := s.Create(context.Background(), source(n), size, sign(n))
	if err != nil {
		t.Fatalf("create %d: %v", n, err)
	}
	return r
}

func wantCode(t *testing.T, err error, want protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}

func create(t *testing.T, s issuer.Store) {
	ctx := context.Background()
	first := mustCreate(t, s, 1, 100)
	if first.Index < 0 || first.Index >= 100 {
		t.Errorf("index %d is outside the list", first.Index)
	}
	again, err := s.Create(ctx, source(1), 100, func(int) (issuer.Record, error) {
		t.Error("sign was called for a source that has a record")
		return issuer.Record{}, errors.New("no")
	})
	if err != nil || again.DelegationID != first.DelegationID || string(again.Mandate) != string(first.Mandate) || again.Index != first.Index {
		t.Errorf("the second create of a source gave %+v, %v", again, err)
	}
	refused := errors.New("the key service is away")
	if _, err := s.Create(ctx, source(2), 100, func(int) (issuer.Record, error) { return issuer.Record{}, refused }); !errors.Is(err, refused) {
		t.Errorf("an error of sign came back as %v", err)
	}
	if got := mustCreate(t, s, 2, 100); got.DelegationID != "urn:delegation:2" {
		t.Error("an error of sign left something behind")
	}
	_, err = s.Create(ctx, source(3), 100, sign(1)) // a delegation id that is taken
	if err == nil {
		t.Error("two records with one delegation id")
	}
	if _, err := s.Get(ctx, "urn:delegation:nobody"); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
		t.Errorf("an unknown mandate: %v", err)
	}
}

func createConcurrently(t *testing.T, s issuer.Store) {
	var wg sync.WaitGroup
	var signed atomic.Int32
	ids := make([]string, 16)
	for i := range ids {
		wg.Go(func() {
			r, err := s.Create(context.Background(), source(1), 100, func(index int) (issuer.Record, error) {
				signed.Add(1)
				r, err := sign(1)(index)
				r.DelegationID = fmt.Sprint("urn:delegation:caller-", i)
				return r, err
			})
			if err == nil {
				ids[i] = r.DelegationID
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("one source has the mandates %q", ids)
		}
	}
	if n := signed.Load(); n != 1 {
		t.Errorf("%d mandates were signed, want 1", n)
	}
}

func fullList(t *testing.T, s issuer.Store) {
	seen := map[int]bool{}
	for n := range 12 {
		r := mustCreate(t, s, n, 12)
		if seen[r.Index] {
			t.Fatalf("index %d was given away twice", r.Index)
		}
		seen[r.Index] = true
	}
	_, err := s.Create(context.Background(), source(12), 12, sign(12))
	wantCode(t, err, protocol.CodeServiceUnavailable)
}

func events(t *testing.T, s issuer.Store) {
	ctx := context.Background()
	r := mustCreate(t, s, 1, 100)
	before, err := s.Version(ctx)
	if err != nil {
		t.Fatal(err)
	}
	suspended := issuer.Event{Command: delegation.Suspend, Actor: delegation.ActorPrincipal, At: start.Add(time.Minute), Status: delegation.StatusSuspended}
	if err := s.Append(ctx, r.DelegationID, 0, suspended); err != nil {
		t.Fatal(err)
	}
	wantCode(t, s.Append(ctx, r.DelegationID, 0, suspended), protocol.CodeStateConflict)
	wantCode(t, s.Append(ctx, r.DelegationID, 2, suspended), protocol.CodeStateConflict)
	wantCode(t, s.Append(ctx, "urn:delegation:nobody", 0, suspended), protocol.CodeFieldInvalid)
	got, err := s.Get(ctx, r.DelegationID)
	if err != nil || len(got.Events) != 1 || got.Events[0] != suspended || !got.Start.Equal(r.Start) || !got.End.Equal(r.End) {
		t.Fatalf("stored %+v, %v", got, err)
	}
	list, version, err := s.NotActive(ctx)
	if err != nil || len(list) != 1 || list[r.Index] != delegation.StatusSuspended || version <= before {
		t.Fatalf("list %v, version %d after %d, %v", list, version, before, err)
	}
	resumed := issuer.Event{Command: delegation.Resume, Actor: delegation.ActorPrincipal, At: start.Add(2 * time.Minute), Status: delegation.StatusActive}
	if err := s.Append(ctx, r.DelegationID, 1, resumed); err != nil {
		t.Fatal(err)
	}
	list, later, err := s.NotActive(ctx)
	if err != nil || len(list) != 0 || later <= version {
		t.Errorf("list %v, version %d after %d, %v", list, later, version, err)
	}
	if now, err := s.Version(ctx); err != nil || now != later {
		t.Errorf("version %d, %v, want %d", now, err, later)
	}
}

func appendConcurrently(t *testing.T, s issuer.Store) {
	r := mustCreate(t, s, 1, 100)
	var wg sync.WaitGroup
	var won atomic.Int32
	for range 16 {
		wg.Go(func() {
			e := issuer.Event{Command: delegation.Revoke, Actor: delegation.ActorAgent, At: start, Status: delegation.StatusRevoked}
			if s.Append(context.Background(), r.DelegationID, 0, e) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d appends saw the same state, want 1", won.Load())
	}
}

func copies(t *testing.T, s issuer.Store) {
	ctx := context.Background()
	r := mustCreate(t, s, 1, 100)
	r.Mandate[0] = 'X'
	got, err := s.Get(ctx, r.DelegationID)
	if err != nil || string(got.Mandate) != "token 1" {
		t.Errorf("a caller changed what is stored: %q, %v", got.Mandate, err)
	}
	list, _, err := s.NotActive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	list[r.Index] = delegation.StatusRevoked
	if list, _, _ = s.NotActive(ctx); len(list) != 0 {
		t.Error("a caller changed the stored list")
	}
}
