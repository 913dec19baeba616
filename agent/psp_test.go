package agent_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent/agenttest"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// TestPSPClient holds psp.Client, in front of package provider over HTTPS, to
// the contract of agent.PSP.
func TestPSPClient(t *testing.T) {
	agenttest.PSP(t, func(t *testing.T) agenttest.Provider {
		s := newTill(t, nil)
		raw := s.Issue(t, specified)
		mandate, err := delegation.ParseMandate(raw)
		must(t, err)
		request := func(t *testing.T, scenario payment.Scenario, token string) payment.Request {
			o := commerce.Order{
				MerchantID: acttest.ShopDID, BuyerAgentID: acttest.AgentDID, IssuedAt: acttest.Start, Expires: acttest.Start.Add(10 * time.Minute),
				MerchantOrderID: canon.UUID(), RequestID: "r", IntentID: mandate.Claims().Authorization.IntentID, PSPID: acttest.PSPDID, PaymentMethod: acttest.Method,
				Items:  []commerce.OrderLine{{ItemID: "latte", Name: "Latte", Category: "food", UnitPrice: acttest.CNY(t, "4.20"), Quantity: 1}},
				Amount: acttest.CNY(t, "4.20"), DeliverBy: acttest.Start,
			}
			signed, err := commerce.SignOrder(s.Seller.Signer(keys.Seller), o)
			must(t, err)
			q := payment.Request{
				Scenario: scenario, RequestID: canon.UUID(), PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID, MerchantID: acttest.ShopDID,
				MerchantOrderID: o.MerchantOrderID, Amount: o.Amount, PaymentMethod: acttest.Method, PaymentToken: token, Order: string(signed),
			}
			if scenario != payment.ScenarioINS {
				q.DelegationID, q.IAC = mandate.Claims().ID, string(raw)
			}
			return q
		}
		var lose atomic.Bool
		s.setMeddle(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if lose.CompareAndSwap(true, false) {
				next.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
		return agenttest.Provider{
			PSP:     s.client,
			Good:    func(t *testing.T) payment.Request { return request(t, payment.ScenarioDEL, tillToken) },
			Bad:     func(t *testing.T) payment.Request { return request(t, payment.ScenarioDEL, "unknown") },
			Instant: func(t *testing.T) payment.Request { return request(t, payment.ScenarioINS, tillToken) },
			Paid:    func() int { return int((100000 - s.ledger.Balance(acttest.PrincipalDID, "CNY")) / 420) },
			Lose:    func() { lose.Store(true) },
			Freeze:  func(t *testing.T) { must(t, s.ledger.SetTokenState(tillToken, provider.TokenFrozen)) },
			Confirm: func(t *testing.T, p payment.Pending) { must(t, s.agree(context.Background(), p)) },
			Decline: func(t *testing.T, p payment.Pending) { must(t, s.cancel(context.Background(), p)) },
		}
	})
}
