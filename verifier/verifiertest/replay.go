// Package verifiertest holds the contract of verifier.ReplayStore as a test
// that every implementation can run against itself.
//
// The contract promises that whatever passes may stand behind a
// verifier.Verifier: exactly one of any number of concurrent uses succeeds,
// scopes are kept apart, and a store that is full says so.
package verifiertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/verifier"
)

// ReplayStore runs the contract. open returns a fresh, empty store that holds
// at least 1000 nonces and reads the given clock; a store with a clock of its
// own may ignore it, and the parts that need time to pass are then skipped by
// returning controlled = false.
func ReplayStore(t *testing.T, open func(t *testing.T, now func() time.Time) (store verifier.ReplayStore, controlled bool)) {
	t.Helper()
	t.Run("once", func(t *testing.T) { replayOnce(t, open) })
	t.Run("apart", func(t *testing.T) { replayApart(t, open) })
	t.Run("concurrent", func(t *testing.T) { replayConcurrent(t, open) })
	t.Run("arguments", func(t *testing.T) { replayArguments(t, open) })
	t.Run("time", func(t *testing.T) { replayTime(t, open) })
}

type opener = func(t *testing.T, now func() time.Time) (verifier.ReplayStore, bool)

func wantCode(t *testing.T, err error, want protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}

func replayOnce(t *testing.T, open opener) {
	store, _ := open(t, time.Now)
	ctx, until := context.Background(), time.Now().Add(time.Hour)
	if err := store.Use(ctx, "payment-request did:act:a.example/a", "n1", until); err != nil {
		t.Fatalf("first use: %v", err)
	}
	for range 3 {
		wantCode(t, store.Use(ctx, "payment-request did:act:a.example/a", "n1", until), protocol.CodeReplayed)
	}
	// Another end of life does not make it another nonce.
	wantCode(t, store.Use(ctx, "payment-request did:act:a.example/a", "n1", until.Add(time.Hour)), protocol.CodeReplayed)
}

func replayApart(t *testing.T, open opener) {
	store, _ := open(t, time.Now)
	until := time.Now().Add(time.Hour)
	// Pairs that a careless join of scope and nonce would mix up.
	for _, p := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"a", "b c"}, {"a b", "c"}, {"a", "BC"}, {"a", "bc "},
		{"s", strings.Repeat("x", 256)}, {"s", strings.Repeat("x", 255)}} {
		if err := store.Use(context.Background(), p[0], p[1], until); err != nil {
			t.Errorf("use of %q, %q: %v", p[0], p[1], err)
		}
	}
}

func replayConcurrent(t *testing.T, open opener) {
	store, _ := open(t, time.Now)
	until := time.Now().Add(time.Hour)
	const nonces, callers = 20, 32
	for n := range nonces {
		var wins, others atomic.Int32
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range callers {
			wg.Go(func() {
				<-start
				switch err := store.Use(context.Background(), "scope", fmt.Sprint("nonce-", n), until); {
				case err == nil:
					wins.Add(1)
				case protocol.CodeOf(err) != protocol.CodeReplayed:
					others.Add(1)
				}
			})
		}
		close(start)
		wg.Wait()
		if wins.Load() != 1 || others.Load() != 0 {
			t.Fatalf("nonce %d: %d of %d uses succeeded and %d failed otherwise, want 1 and 0", n, wins.Load(), callers, others.Load())
		}
	}
}

func replayArguments(t *testing.T, open opener) {
	store, _ := open(t, time.Now)
	ctx, now := context.Background(), time.Now()
	wantCode(t, store.Use(ctx, "", "n", now.Add(time.Hour)), protocol.CodeFieldMissing)
	wantCode(t, store.Use(ctx, "s", "", now.Add(time.Hour)), protocol.CodeFieldMissing)
	wantCode(t, store.Use(ctx, "s", "n", now.Add(-time.Hour)), protocol.CodeFieldInvalid)
	// The refused calls used nothing up.
	if err := store.Use(ctx, "s", "n", now.Add(time.Hour)); err != nil {
		t.Errorf("use after refused ones: %v", err)
	}
	wantCode(t, store.Use(ctx, "s", "n", now.Add(time.Hour)), protocol.CodeReplayed)
}

func replayTime(t *testing.T, open opener) {
	var offset atomic.Int64
	base := time.Now()
	now := func() time.Time { return base.Add(time.Duration(offset.Load())) }
	store, controlled := open(t, now)
	if !controlled {
		t.Skip("the store has a clock of its own")
	}
	ctx := context.Background()
	until := base.Add(7 * time.Minute)
	if err := store.Use(ctx, "s", "n", until); err != nil {
		t.Fatal(err)
	}
	offset.Store(int64(7*time.Minute - time.Nanosecond))
	wantCode(t, store.Use(ctx, "s", "n", until.Add(time.Hour)), protocol.CodeReplayed)
	offset.Store(int64(7 * time.Minute))
	if err := store.Use(ctx, "s", "n", until.Add(time.Hour)); err != nil && !errors.Is(err, protocol.ErrUndetermined) && protocol.CodeOf(err) != protocol.CodeReplayed {
		t.Errorf("use after its time: %v", err) // a store may keep longer
	}
}
