package merchanttest

import (
	"context"
	"sync"
	"testing"

	"github.com/actprotocol/act-go/merchant"
)

// NotificationStore is the contract of a merchant.NotificationStore. open
// returns a fresh and empty one. That it survives a crash is the store's own to
// test.
func NotificationStore(t *testing.T, open func(t testing.TB) merchant.NotificationStore) {
	t.Helper()
	ctx := context.Background()
	const one, two = "did:act:pay.example/one", "did:act:pay.example/two"
	check := func(t *testing.T, s merchant.NotificationStore, psp string, want int64) {
		t.Helper()
		if got, err := s.Noticed(ctx, psp); err != nil || got != want {
			t.Fatalf("PSD-PAY-DEL-13: worked off up to %d, %v, want %d", got, err, want)
		}
	}
	advance := func(t *testing.T, s merchant.NotificationStore, psp string, sequence int64) {
		t.Helper()
		if err := s.Advance(ctx, psp, sequence); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("PSD-PAY-DEL-13 the last that was worked off, for each provider", func(t *testing.T) {
		s := open(t)
		check(t, s, one, 0)
		advance(t, s, one, 1)
		advance(t, s, one, 7)
		check(t, s, one, 7)
		check(t, s, two, 0)
		advance(t, s, two, 3)
		check(t, s, one, 7)
		check(t, s, two, 3)
	})
	t.Run("PSD-PAY-DEL-13 it never goes back", func(t *testing.T) {
		s := open(t)
		advance(t, s, one, 7)
		advance(t, s, one, 3)
		advance(t, s, one, 7)
		check(t, s, one, 7)
		advance(t, s, one, 1<<53-1)
		check(t, s, one, 1<<53-1)
	})
	t.Run("PSD-PAY-DEL-13 of many at one time the highest stays", func(t *testing.T) {
		s := open(t)
		var all sync.WaitGroup
		for i := range int64(32) {
			all.Go(func() {
				if err := s.Advance(ctx, one, i+1); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		check(t, s, one, 32)
	})
}
