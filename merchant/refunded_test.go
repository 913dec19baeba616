package merchant_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

// giveBack refunds all of a bought report, as the shop.
func (l *till) giveBack(outTradeNo string) {
	l.t.Helper()
	seller, err := psp.New(psp.Config{
		ID: acttest.PSPDID, Endpoint: l.PSP.Server.URL, Signer: l.Seller.Signer(keys.Seller), Verifier: l.NewVerifier(l.t),
		HTTP: l.PSP.Server.Client(), Now: l.Clock.Now,
	})
	must(l.t, err)
	made, err := seller.Refund(context.Background(), payment.RefundRequest{
		RequestID: canon.UUID(), MerchantOrderID: outTradeNo, Amount: acttest.CNY(l.t, "2.50"), Reason: payment.RefundNotDelivered,
	})
	must(l.t, err)
	if made.TradeState == payment.StateTradeFinished {
		return
	}
	if made.TradeState != payment.StateTradeClosed {
		l.t.Fatalf("the trade is in %s", made.TradeState)
	}
}

// TestGivenBack: what was given back pays for nothing any more, whether its
// proof was consumed before or not; what was delivered before is handed out as
// before.
func TestGivenBack(t *testing.T) {
	for name, consumed := range map[string]bool{"before it was used": false, "after a delivery that failed": true} {
		t.Run("PSD-PAY-A402-08 "+name, func(t *testing.T) {
			l := newTill(t, acttest.Options{})
			proof, no := l.buy("GET", reportPath, "")
			good := *l.handler.Load()
			served := int64(0)
			if consumed {
				l.handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
				l.do(l.request("GET", reportPath, "", l.proven(proof, l.buyer())))
				l.handle(good)
				served = 1
			}
			l.giveBack(no)
			got := l.do(l.request("GET", reportPath, "", l.proven(proof, l.buyer())))
			if got.status != http.StatusPaymentRequired || strings.Contains(got.body, answerText) {
				t.Errorf("%d %s", got.status, got.body)
			}
			l.wantServed(served)
		})
	}
	t.Run("PSD-PAY-A402-15 what was delivered stays delivered", func(t *testing.T) {
		l := newTill(t, acttest.Options{})
		proof, no := l.buy("GET", reportPath, "")
		first := l.do(l.request("GET", reportPath, "", l.proven(proof, l.buyer())))
		must(t, l.Shop.Flush(context.Background()))
		l.giveBack(no)
		again := l.do(l.request("GET", reportPath, "", l.proven(proof, l.buyer())))
		if first.status != http.StatusOK || again.status != http.StatusOK || again.body != first.body {
			t.Errorf("first %d, again %d", first.status, again.status)
		}
		l.wantServed(1)
	})
}
