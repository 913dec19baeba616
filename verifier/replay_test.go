package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/verifier"
	"github.com/actprotocol/act-go/verifier/verifiertest"
)

func TestMemoryReplayContract(t *testing.T) {
	verifiertest.ReplayStore(t, func(_ *testing.T, now func() time.Time) (verifier.ReplayStore, bool) {
		return verifier.NewMemoryReplay(1000, now), true
	})
}

// A full store refuses; it never makes room by forgetting a live nonce.
func TestMemoryReplayFull(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	m := verifier.NewMemoryReplay(3, func() time.Time { return now })
	ctx := context.Background()
	for i := range 3 {
		if err := m.Use(ctx, "s", fmt.Sprint(i), now.Add(time.Duration(i+1)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	err := m.Use(ctx, "s", "more", now.Add(time.Minute))
	if protocol.CodeOf(err) != protocol.CodeServiceUnavailable || !errors.Is(err, protocol.ErrUndetermined) {
		t.Fatalf("a full store answered %v", err)
	}
	for i := range 3 {
		if err := m.Use(ctx, "s", fmt.Sprint(i), now.Add(time.Minute)); protocol.CodeOf(err) != protocol.CodeReplayed {
			t.Errorf("nonce %d was forgotten: %v", i, err)
		}
	}
	now = now.Add(time.Minute) // the first one ends
	if err := m.Use(ctx, "s", "more", now.Add(time.Hour)); err != nil {
		t.Errorf("after one ended: %v", err)
	}
	if m.Len() != 3 {
		t.Errorf("%d nonces held, want 3", m.Len())
	}
}

// Against a model: a map of live nonces with their ends.
func TestMemoryReplayModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const capacity = 8
		now := time.Unix(1_800_000_000, 0)
		m := verifier.NewMemoryReplay(capacity, func() time.Time { return now })
		model := map[string]time.Time{}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "pass")) * time.Second)
			for n, until := range model {
				if !until.After(now) {
					delete(model, n)
				}
			}
			nonce := fmt.Sprint(rapid.IntRange(0, 12).Draw(t, "nonce"))
			until := now.Add(time.Duration(rapid.IntRange(1, 10).Draw(t, "life")) * time.Second)
			var want protocol.Code
			if _, used := model[nonce]; used {
				want = protocol.CodeReplayed
			} else if len(model) == capacity {
				want = protocol.CodeServiceUnavailable
			} else {
				model[nonce] = until
			}
			if got := protocol.CodeOf(m.Use(context.Background(), "s", nonce, until)); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			if m.Len() != len(model) {
				t.Fatalf("%d held, model has %d", m.Len(), len(model))
			}
		}
	})
}

func BenchmarkMemoryReplay(b *testing.B) {
	m := verifier.NewMemoryReplay(1<<16, nil)
	scope := "payment-request did:act:agents.example/" + strings.Repeat("a", 40)
	var n atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			// Lives of 20 ms keep the store well under its capacity.
			if err := m.Use(context.Background(), scope, fmt.Sprint(n.Add(1)), time.Now().Add(20*time.Millisecond)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
