package psp_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TestRefusedAndAccepted: a status that accepts, or sends elsewhere, and a body
// that refuses for good contradict each other. Believing the body would release
// an amount that the provider may be about to pay.
func TestRefusedAndAccepted(t *testing.T) {
	w := acttest.NewWorld(t)
	status := 0
	q := request(t, w, "18.00")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"error":{"code":"balance_insufficient","outcome":"denied","payment_request_id":"` + q.RequestID + `"}}`))
	}))
	defer server.Close()
	c := client(t, w, server.URL, w.Buyer.Signer(keys.AgentRequest))
	for _, status = range []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNonAuthoritativeInfo, http.StatusFound, http.StatusTemporaryRedirect} {
		for _, scenario := range []payment.Scenario{payment.ScenarioDEL, payment.ScenarioINS} {
			ask := q
			if scenario == payment.ScenarioINS {
				ask = instant(t, w, "18.00")
				ask.RequestID = q.RequestID
			}
			_, err := c.Pay(ctx, ask)
			if protocol.CodeOf(err) != protocol.CodeOutcomeUnknown {
				t.Errorf("PSD-PAY-A402-23 %s, status %d: %v", scenario, status, err)
			}
			_, err = c.Query(ctx, ask)
			if protocol.CodeOf(err) != protocol.CodeOutcomeUnknown {
				t.Errorf("PSD-PAY-A402-23 query about %s, status %d: %v", scenario, status, err)
			}
		}
	}
	status = http.StatusPaymentRequired
	_, err := c.Pay(ctx, q)
	wantCode(t, err, protocol.CodeBalanceInsufficient)
}
