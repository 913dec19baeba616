package verifier_test

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol/delegation"
)

// BenchmarkStatusLookup asks for the state of one mandate of a million, whose
// list has been fetched and verified before.
func BenchmarkStatusLookup(b *testing.B) {
	h := newStatusHost(b)
	l := delegation.NewStatusList(1 << 20)
	if err := l.Set(777_777, delegation.StatusSuspended); err != nil {
		b.Fatal(err)
	}
	raw, err := delegation.SignStatusList(h.signers[statusKey], h.uri, l, epoch, epoch.Add(10*time.Minute), time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	h.serve(raw)
	client, ctx, now := h.client(plain), context.Background(), h.clock()
	ref := delegation.StatusReference{URI: h.uri, Index: 777_777}
	b.ReportAllocs()
	for b.Loop() {
		if s, err := client.Status(ctx, ref, bankDID, now); err != nil || s != delegation.StatusSuspended {
			b.Fatal(s, err)
		}
	}
	if n := h.fetches.Load(); n != 1 {
		b.Fatalf("%d fetches", n)
	}
}
