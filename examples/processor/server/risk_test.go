package server_test

import (
	"context"
	"sync"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/verifier"
)

// TestRiskAndVerdicts: a processor's own risk control is asked last, and its
// owner is told of every payment that was decided.
func TestRiskAndVerdicts(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	phone := w.device(w.Owner)
	var mu sync.Mutex
	var verdicts []provider.Verdict
	w.restart(func(c *server.Config) {
		c.Risk = func(_ context.Context, p *verifier.AuthorizedPayment) error {
			if p.Amount().Minor() > 20_00 {
				return protocol.New(protocol.CodeAccessDenied, "", "", "never told")
			}
			return nil
		}
		c.Decided = func(v provider.Verdict) {
			mu.Lock()
			defer mu.Unlock()
			verdicts = append(verdicts, v)
		}
	})
	w.wantRefusal("/payments", w.Sign(w.latte("20.01")), protocol.CodeRiskRefused)
	paid := w.pay(w.Sign(w.latte("18.00")))
	pending := w.waits(w.Instant(w.token, "2.00"))
	_, err := phone.Decide(ctx, pending.CashierURL, agrees)
	w.must(err)
	mu.Lock()
	defer mu.Unlock()
	if len(verdicts) != 4 {
		t.Fatalf("PSD-PAY-AUP-03: %d verdicts", len(verdicts))
	}
	if v := verdicts[0]; v.Decision.Allowed() || v.Trade != nil || protocol.CodeOf(v.Decision.Err()) != protocol.CodeRiskRefused {
		t.Errorf("PSD-PAY-AUP-03: %+v", v)
	}
	if v := verdicts[1]; !v.Decision.Allowed() || v.Trade.No != paid.TradeNo {
		t.Errorf("%+v", v)
	}
	for i, state := range []payment.State{payment.StateWaitBuyerPay, payment.StateWaitSellerFulfillment} {
		if v := verdicts[2+i]; !v.Decision.Allowed() || v.Trade.No != pending.TradeNo || v.Trade.State != state {
			t.Errorf("PSD-PAY-INS-03: %+v, want %s", v, state)
		}
	}
	w.sound()
}
