package agent_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// TestForgetfulTill: what waits for the principal can be confirmed until order
// or bill end, long after the last transmission could arrive. A provider that
// says meanwhile that it knows nothing, because one of its copies lags behind,
// does not make the agent pay for the same a second time.
func TestForgetfulTill(t *testing.T) {
	s := newTill(t, nil)
	var err error
	s.provider, err = provider.New(provider.Config{
		Signer: s.PSP.Party.Signer(keys.Proof), Verifier: s.NewVerifier(t), Ledger: s.ledger, Now: s.Clock.Now, TimeToConfirm: 24 * time.Hour,
		Cashier: func(_ context.Context, trade *provider.Trade) (string, error) {
			return "https://cashier.test/" + trade.No, nil
		},
	})
	must(t, err)
	var lags atomic.Bool
	s.setMeddle(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Path == "/queries" && lags.Load() {
			problem.Write(w, protocol.New(protocol.CodeTradeUnknown, "payment_request_id", "PSD-PAY-A402-23", ""), 1)
			return
		}
		next.ServeHTTP(w, r)
	})
	i := s.instant(func(context.Context, payment.Pending) error { return errors.New("the principal puts the phone away") })
	s.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food", Price: acttest.CNY(t, "4.20")}, 5)
	shop, err := i.Shop(acttest.ShopDID, s.URL, s.Client)
	must(t, err)
	order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
	must(t, err)
	_, err = s.Agent.PayOrder(ctx, order)
	wantCode(t, err, protocol.CodeOutcomeUnknown)
	var waiting *payment.AwaitsConfirmation
	var open *agent.Unresolved
	if !errors.As(err, &waiting) || !errors.As(err, &open) {
		t.Fatal(err)
	}
	lags.Store(true)
	end := waiting.Pending.ExpiresAt
	s.Clock.Advance(end.Sub(s.Clock.Now()) - time.Second)
	if !s.Clock.Now().After(acttest.Start.Add(8 * time.Minute)) {
		t.Fatalf("the order ends too early for this test: %v", end)
	}
	_, err = s.Agent.PayOrder(ctx, order)
	if wantCode(t, err, protocol.CodeOutcomeUnknown); !errors.As(err, &open) || open.FinalAfter.Before(end) {
		t.Fatalf("PSD-PAY-A402-23 it may still be confirmed until %v: %v", end, err)
	}
	s.wantReserved(i.Intent(), "4.20")
	must(t, s.agree(ctx, waiting.Pending))
	lags.Store(false)
	_, err = s.Agent.PayOrder(ctx, order)
	must(t, err)
	s.wantCost(420)
	if n := s.called("/payments"); n != 1 {
		t.Errorf("%d payment requests", n)
	}
}
