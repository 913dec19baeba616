package merchant

import (
	"context"
	"net/http"
	"sync"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// A NotificationStore remembers how far the notifications of providers have
// been worked off. Both methods are safe for concurrent use. Errors are
// *protocol.Error; a store that cannot tell fails with service_unavailable, and
// the provider tells again. A shop that must survive a crash needs a durable
// one. Package merchanttest has the contract as a test.
type NotificationStore interface {
	// Noticed is the highest sequence that Advance was called with for a
	// provider; 0 before.
	Noticed(ctx context.Context, psp string) (int64, error)
	// Advance records a sequence as worked off, with all before it. A lower one
	// than that of before changes nothing.
	Advance(ctx context.Context, psp string, sequence int64) error
}

// NotificationHandler takes the notifications of the shop's provider
// (SPEC.md 6.14; PSD-PAY-INS-06, PSD-PAY-DEL-13): that a payment has arrived,
// was given back, or will not come. Mount it at the URL that is registered at
// the provider.
//
// Each notification is verified, and work is called with one after the other in
// the provider's order. When it returns nil the provider is told 204 and the
// sequence is remembered; what comes again then is answered without calling
// work. When it returns an error the provider tells the same one again, and
// none behind it before. So work may be called twice for one notification, if a
// crash comes in between or two processes share the store, and must not do
// twice what may happen once: Notification.Sequence and TradeNo are good keys.
//
// A notification is news, not a proof: whether to deliver is still decided by
// the proof that the buyer brings. Compare the amount with the order's.
func (s *Shop) NotificationHandler(seen NotificationStore, work func(context.Context, payment.Notification) error) http.Handler {
	turn := make(chan struct{}, 1) // a provider that hung up comes again while the first is still being worked on
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			notAllowed(w, "POST")
			return
		}
		body, err := readBody(w, r, canon.DefaultMaxBytes)
		if err != nil {
			problem.WriteStatus(w, http.StatusRequestEntityTooLarge, err, 0)
			return
		}
		if err := s.notified(r.Context(), body, turn, seen, work); err != nil {
			problem.Write(w, err, retrySeconds)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	})
}

func (s *Shop) notified(ctx context.Context, body []byte, turn chan struct{}, seen NotificationStore, work func(context.Context, payment.Notification) error) error {
	if s.act == nil {
		return errNoPSP()
	}
	verified, err := s.config.Verifier.Notification(ctx, body, verifier.NotificationExpectation{PSP: s.act.psp.ID(), Merchant: s.id})
	if err != nil {
		return err
	}
	n := verified.Value()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return unavailable("another notification is being worked on", ctx.Err())
	}
	last, err := seen.Noticed(ctx, n.PSPID)
	if err != nil || n.Sequence <= last {
		return err
	}
	// From here on it is worked off to its end, although the provider hangs up.
	ctx = context.WithoutCancel(ctx)
	if err := work(ctx, n); err != nil {
		return unavailable("the notification could not be worked off", err)
	}
	return seen.Advance(ctx, n.PSPID, n.Sequence)
}

// MemoryNotifications is a NotificationStore that forgets with the process: for
// tests and demonstrations. The zero value is empty and ready.
type MemoryNotifications struct {
	mu   sync.Mutex
	last map[string]int64
}

// Noticed implements NotificationStore.
func (m *MemoryNotifications) Noticed(_ context.Context, psp string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last[psp], nil
}

// Advance implements NotificationStore.
func (m *MemoryNotifications) Advance(_ context.Context, psp string, sequence int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		m.last = make(map[string]int64)
	}
	m.last[psp] = max(m.last[psp], sequence)
	return nil
}

var _ NotificationStore = (*MemoryNotifications)(nil)
