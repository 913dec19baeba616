package merchant_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/merchanttest"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestMemoryNotifications(t *testing.T) {
	merchanttest.NotificationStore(t, func(testing.TB) merchant.NotificationStore { return new(merchant.MemoryNotifications) })
}

// told is a payment that has arrived, by the provider's word.
func told(t testing.TB, w *acttest.World, sequence int64) []byte {
	return w.PSP.Notification(payment.Notification{
		Sequence: sequence, Event: payment.NotifyCompleted, TradeNo: "T1", MerchantOrderID: "o-1", Amount: acttest.CNY(t, "18.00"),
	})
}

func post(h http.Handler, body []byte) int {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/notify", bytes.NewReader(body)))
	return rec.Code
}

func TestNotificationHandler(t *testing.T) {
	w := acttest.NewWorld(t)
	seen := new(merchant.MemoryNotifications)
	var heard []int64
	var fails error
	h := w.Shop.NotificationHandler(seen, func(_ context.Context, n payment.Notification) error {
		if fails == nil {
			heard = append(heard, n.Sequence)
		}
		return fails
	})
	if code := post(h, told(t, w, 1)); code != http.StatusNoContent || len(heard) != 1 {
		t.Fatalf("PSD-PAY-DEL-13: %d, heard %v", code, heard)
	}
	for range 2 { // told again, signed anew
		if code := post(h, told(t, w, 1)); code != http.StatusNoContent || len(heard) != 1 {
			t.Fatalf("PSD-PAY-DEL-13: a repetition: %d, heard %v", code, heard)
		}
	}
	fails = errors.New("the shop's own database is away")
	if code := post(h, told(t, w, 2)); code != http.StatusServiceUnavailable {
		t.Fatalf("what was not worked off was answered %d", code)
	}
	fails = nil
	if code := post(h, told(t, w, 2)); code != http.StatusNoContent || len(heard) != 2 {
		t.Fatalf("PSD-PAY-INS-06: %d, heard %v", code, heard)
	}
	if last, _ := seen.Noticed(context.Background(), acttest.PSPDID); last != 2 {
		t.Fatalf("worked off up to %d", last)
	}
	for name, c := range map[string]struct {
		body []byte
		want int
	}{
		"not signed": {[]byte(`{}`), http.StatusBadRequest},
		"changed":    {[]byte(strings.Replace(string(told(t, w, 3)), "18.00", "19.00", 1)), http.StatusUnauthorized},
		"for another": {w.PSP.Notification(payment.Notification{MerchantID: "did:act:other.example/shop", Sequence: 3, Event: payment.NotifyCompleted,
			TradeNo: "T1", MerchantOrderID: "o-1", Amount: acttest.CNY(t, "18.00")}), http.StatusForbidden},
		"too large": {bytes.Repeat([]byte(" "), 1<<17), http.StatusRequestEntityTooLarge},
	} {
		if code := post(h, c.body); code != c.want || len(heard) != 2 {
			t.Errorf("PSD-PAY-DEL-13 %s: %d, want %d; heard %v", name, code, c.want, heard)
		}
	}
	late := told(t, w, 3)
	w.Clock.Advance(6 * time.Minute)
	if code := post(h, late); code != http.StatusUnauthorized || len(heard) != 2 {
		t.Errorf("PSD-PAY-DEL-13 an old one, sent again by somebody: %d", code)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/notify", nil))
	if rec.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", rec.Code)
	}
}

// TestNotificationsTogether: of transmissions of one notification that arrive
// at one time, one is worked off.
func TestNotificationsTogether(t *testing.T) {
	w := acttest.NewWorld(t)
	var calls, inside, most atomic.Int64
	h := w.Shop.NotificationHandler(new(merchant.MemoryNotifications), func(context.Context, payment.Notification) error {
		calls.Add(1)
		most.Store(max(most.Load(), inside.Add(1)))
		time.Sleep(5 * time.Millisecond)
		inside.Add(-1)
		return nil
	})
	var all sync.WaitGroup
	for range 16 {
		body := told(t, w, 1)
		all.Go(func() {
			if code := post(h, body); code != http.StatusNoContent {
				t.Errorf("%d", code)
			}
		})
	}
	all.Wait()
	if calls.Load() != 1 || most.Load() != 1 {
		t.Errorf("PSD-PAY-DEL-13 worked off %d times, %d at one time", calls.Load(), most.Load())
	}
}

// TestNotificationStoreFails: a store that cannot tell makes the provider tell
// again.
func TestNotificationStoreFails(t *testing.T) {
	w := acttest.NewWorld(t)
	s := &brokenNotifications{err: errors.New("broken")}
	calls := 0
	h := w.Shop.NotificationHandler(s, func(context.Context, payment.Notification) error { calls++; return nil })
	if code := post(h, told(t, w, 1)); code != http.StatusServiceUnavailable || calls != 0 {
		t.Errorf("%d, worked off %d times", code, calls)
	}
	s.err = nil
	s.advance = errors.New("broken")
	if code := post(h, told(t, w, 1)); code != http.StatusServiceUnavailable || calls != 1 {
		t.Errorf("%d, worked off %d times", code, calls)
	}
}

type brokenNotifications struct {
	merchant.MemoryNotifications
	err, advance error
}

func (b *brokenNotifications) Noticed(ctx context.Context, psp string) (int64, error) {
	if b.err != nil {
		return 0, b.err
	}
	return b.MemoryNotifications.Noticed(ctx, psp)
}

func (b *brokenNotifications) Advance(ctx context.Context, psp string, sequence int64) error {
	if b.advance != nil {
		return b.advance
	}
	return b.MemoryNotifications.Advance(ctx, psp, sequence)
}
