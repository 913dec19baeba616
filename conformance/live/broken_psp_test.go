package live_test

import (
	"context"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/conformance/live"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/verifier"
)

// caught runs the checks that have to notice a defect, and those that have to
// pass all the same.
func caught(t *testing.T, s *live.Scenario, notice, pass []string) {
	t.Helper()
	results := run(t, s, append(notice, pass...)...)
	for _, id := range notice {
		if r, ok := results[id]; !ok || r.Verdict == conformance.Pass || r.Verdict == conformance.Skip {
			t.Errorf("%s did not notice: %s %s", id, r.Verdict, r.Actual.Reason)
		}
	}
	for _, id := range pass {
		if r := results[id]; r.Verdict != conformance.Pass {
			t.Errorf("%s: %s, actual %s %s %s", id, r.Verdict, r.Actual.Outcome, r.Actual.Code, r.Actual.Message)
		}
	}
}

// ofPSP names checks of a provider.
func ofPSP(names ...string) []string { return prefixed("live/psp/", names) }

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + n
	}
	return out
}

// A book is a ledger with a defect; what it does not name it does right.
type book struct {
	*provider.MemoryLedger
	request func(provider.Request) provider.Request
	payment func(provider.Payment) provider.Payment
	instant bool // pays what should wait
	anybody bool // gives a proof to each consumer
}

func (b *book) of(r provider.Request) provider.Request {
	if b.request != nil {
		return b.request(r)
	}
	return r
}

func (b *book) Lookup(ctx context.Context, r provider.Request) (*provider.Trade, error) {
	return b.MemoryLedger.Lookup(ctx, b.of(r))
}

func (b *book) Refuse(ctx context.Context, r provider.Request, e *protocol.Error) (*provider.Trade, error) {
	return b.MemoryLedger.Refuse(ctx, b.of(r), e)
}

func (b *book) UseNonce(ctx context.Context, n provider.Nonce) error {
	return b.MemoryLedger.UseNonce(ctx, b.of(provider.Request{Nonce: n}).Nonce)
}

func (b *book) Pay(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	id := p.Request.ID
	p.Request = b.of(p.Request)
	if b.payment != nil {
		p = b.payment(p)
	}
	t, err := b.MemoryLedger.Pay(ctx, p)
	if err != nil {
		return nil, err
	}
	made := *t
	made.RequestID = id
	return &made, nil
}

func (b *book) Begin(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	p.Request = b.of(p.Request)
	t, err := b.MemoryLedger.Begin(ctx, p)
	if err == nil && b.instant {
		return b.MemoryLedger.Settle(ctx, t.No, provider.Confirmation{Method: "nobody", At: time.Now()})
	}
	return t, err
}

func (b *book) Consume(ctx context.Context, merchant, tradeNo, consumer string) (*provider.Trade, error) {
	if !b.anybody {
		return b.MemoryLedger.Consume(ctx, merchant, tradeNo, consumer)
	}
	t, err := b.MemoryLedger.Consume(ctx, merchant, tradeNo, "the first that comes")
	if err != nil {
		return nil, err
	}
	again := *t
	again.Consumer = consumer
	return &again, nil
}

// forgetful is a replay store that forgets at once.
type forgetful struct{}

func (forgetful) Use(context.Context, string, string, time.Time) error { return nil }

// credulous is a status source that has never heard of a revocation.
type credulous struct{}

func (credulous) Status(context.Context, delegation.StatusReference, string, time.Time) (delegation.Status, error) {
	return delegation.StatusActive, nil
}

// Each defect of a provider is noticed by the checks that should notice it.
func TestBrokenPSP(t *testing.T) {
	t.Parallel()
	with := func(b book) func(*provider.MemoryLedger) provider.Ledger {
		return func(l *provider.MemoryLedger) provider.Ledger { b.MemoryLedger = l; return &b }
	}
	forget := func(r provider.Request) provider.Request { r.Nonce.Value = canon.Nonce(); return r }
	for _, test := range []struct {
		name   string
		defect broken
		notice []string
		pass   []string
	}{
		{"forgets nonces", broken{ledger: with(book{request: forget}), config: func(c *verifier.Config) { c.Replay = forgetful{} }},
			ofPSP("replay/001", "replay/002", "replay/003", "replay/008", "instant/011", "query/006", "proof/014"), ofPSP("pay/001", "idempotency/001")},
		{"no idempotency", broken{ledger: with(book{request: func(r provider.Request) provider.Request { r.ID += canon.Nonce(); return r }})},
			ofPSP("idempotency/001", "idempotency/002", "idempotency/004", "idempotency/005"), ofPSP("pay/001", "replay/001")},
		{"trusts the agent's sum", broken{ledger: with(book{payment: func(p provider.Payment) provider.Payment { p.Mandate.Total = math.MaxInt64; return p }})},
			ofPSP("limit/001", "limit/002", "limit/008", "refund/007"), ofPSP("pay/001", "limit/003", "limit/006")},
		{"rounds amounts", broken{ledger: with(book{payment: func(p provider.Payment) provider.Payment {
			p.Amount -= p.Amount % 100
			p.Amount = max(p.Amount, 100)
			return p
		}})},
			ofPSP("pay/003", "limit/001"), ofPSP("pay/001")},
		{"ignores the status", broken{config: func(c *verifier.Config) { c.Status = credulous{} }},
			ofPSP("status/001", "status/002", "status/003", "status/004", "status/005", "status/006", "status/007", "status/008", "status/013", "http/010"), ofPSP("pay/001")},
		{"trusts every issuer", broken{config: func(c *verifier.Config) { c.Issuers = verifier.IssuerFunc(func(string, string) bool { return true }) }},
			ofPSP("mandate/007"), ofPSP("pay/001", "mandate/009")},
		{"pays without asking the principal", broken{ledger: with(book{instant: true})},
			ofPSP("instant/001", "instant/002", "instant/102", "instant/103"), ofPSP("pay/001")},
		{"gives a proof to everybody", broken{ledger: with(book{anybody: true})}, ofPSP("proof/002", "proof/004"), ofPSP("proof/001", "proof/003")},
		{"answers anything with 500", broken{front: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sorry", http.StatusInternalServerError) })
		}}, ofPSP("pay/001", "message/001", "replay/001", "http/009", "http/013"), nil},
		{"takes every method, and lets others keep its answers", broken{front: careless},
			ofPSP("http/009", "http/012", "http/013"), ofPSP("pay/001")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			caught(t, testPSP(t, test.defect), test.notice, test.pass)
		})
	}
}

// careless answers 200 to whatever is no POST, and sends no Cache-Control.
func careless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			_, _ = w.Write([]byte("{}"))
			return
		}
		next.ServeHTTP(uncached{w}, r)
	})
}

type uncached struct{ http.ResponseWriter }

func (w uncached) WriteHeader(status int) {
	w.Header().Del("Cache-Control")
	w.ResponseWriter.WriteHeader(status)
}

func (w uncached) Write(b []byte) (int, error) {
	w.Header().Del("Cache-Control")
	return w.ResponseWriter.Write(b)
}
