package provider_test

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/verifier"
)

// TestStrangersFillNoBook: an instant payment needs no mandate, so that anybody
// with a DID of their own, an order that they signed themselves and a token that
// they made up gets as far as the checks of the order. What is refused to them
// is not kept for ever (SPEC.md 6.8), whichever check refuses.
func TestStrangersFillNoBook(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   protocol.Code
		change func(*till, *provider.Config)
		send   func(*till, *payment.Request)
	}{
		{"a token that is made up", protocol.CodeInstrumentInvalid, nil, func(*till, *payment.Request) {}},
		{"a token of another agent", protocol.CodeInstrumentMismatch, nil, func(l *till, q *payment.Request) {
			l.must(l.ledger.BindToken(provider.Token{ID: q.PaymentToken, Principal: acttest.PrincipalDID, Agent: "did:act:agents.example/another",
				Currency: "CNY", ValidFrom: acttest.Start, ValidUntil: acttest.Start.Add(time.Hour)}))
		}},
		{"an order of another amount", protocol.CodeOrderMismatch, nil, func(l *till, q *payment.Request) { q.MerchantOrderID += "x" }},
		{"an order that is over", protocol.CodeOrderExpired, nil, func(l *till, q *payment.Request) {
			l.order(q, func(o *commerce.Order) { o.Expires = o.IssuedAt.Add(time.Second) })
			l.w.Clock.Advance(time.Second)
		}},
		{"a provider without a cashier", protocol.CodeMethodNotAllowed, func(_ *till, c *provider.Config) { c.Cashier = nil }, func(*till, *payment.Request) {}},
		{"a provider with risk control", protocol.CodeInstrumentInvalid, func(l *till, c *provider.Config) {
			c.Risk = func(context.Context, *verifier.AuthorizedPayment) error {
				l.Error("risk control is asked about a stranger")
				return nil
			}
		}, func(*till, *payment.Request) {}},
	} {
		t.Run("PSD-PAY-INS-01 "+c.name, func(t *testing.T) {
			l := newTill(t, c.change)
			q := l.request(payment.ScenarioINS, "18.00")
			q.PaymentToken = "pt-made-up"
			c.send(l, &q)
			body := l.sign(q)
			_, err := l.provider.Pay(ctx, body)
			l.passing(err, c.code)
			_, err = l.ledger.Query(ctx, q.BuyerAgentID, q.RequestID)
			l.want(err, protocol.CodeTradeUnknown)
			_, err = l.provider.Pay(ctx, body)
			l.want(err, protocol.CodeReplayed)
			if len(l.shown) != 0 || len(l.ledger.Trades()) != 0 {
				t.Errorf("the cashier was called, or something was begun")
			}
		})
	}
	t.Run("a ledger that cannot tell whose the token is", func(t *testing.T) {
		l := newTill(t, nil)
		q := l.request(payment.ScenarioINS, "18.00")
		p := l.with(func(c *provider.Config) { c.Ledger = silent{l.ledger} })
		_, err := p.Pay(ctx, l.sign(q))
		l.passing(err, protocol.CodeServiceUnavailable)
		_, err = l.ledger.Query(ctx, q.BuyerAgentID, q.RequestID)
		l.want(err, protocol.CodeTradeUnknown)
	})
	t.Run("what the token's own agent is refused stays refused", func(t *testing.T) {
		l := newTill(t, nil)
		q := l.request(payment.ScenarioINS, "18.00")
		q.MerchantOrderID += "x"
		_, err := l.send(q)
		l.stored(err, q, protocol.CodeOrderMismatch)
	})
}

// silent does not answer what it is asked about instruments.
type silent struct{ provider.Ledger }

func (silent) Instrument(context.Context, provider.Instrument) (provider.Facts, error) {
	return provider.Facts{}, protocol.New(protocol.CodeServiceUnavailable, "", "", "")
}
