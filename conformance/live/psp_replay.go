package live

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// addKey puts another key into the document of a party.
func (p *probe) addKey(x *party, s *keys.Signer, compromised bool) {
	x.document.Keys = append(x.document.Keys, identity.Key{ID: s.KeyID(), Purpose: s.Purpose(), Public: s.Public(), Compromised: compromised})
	p.publish(x)
}

// pspReplayChecks are about repetition, time and idempotency.
func pspReplayChecks() []Check {
	return []Check{
		must("psp/replay/001", "PSD-PAY-DEL-04 PSD-PAY-INS-01", "The same bytes a second time are a replay.", refused(protocol.CodeReplayed), func(p *probe) conformance.Answer {
			b := p.purchase(p.payer(), "18.00")
			body := p.transmit(b)
			a, _ := p.result(b, p.pspPost("/payments", body))
			p.expect("the payment", a)
			a, _ = p.result(b, p.pspPost("/payments", body))
			return a
		}),
		must("psp/replay/002", "PSD-PAY-DEL-04", "A nonce that was used with another request is a replay.", refused(protocol.CodeReplayed), func(p *probe) conformance.Answer {
			y := p.payer()
			one, two := p.purchase(y, "1.00"), p.purchase(y, "2.00")
			one.message["nonce"] = canon.Nonce()
			two.message["nonce"] = one.message["nonce"]
			p.paid("the first payment", one)
			return p.pay(two)
		}),
		must("psp/replay/003", "PSD-PAY-DEL-04 PSD-PAY-DEL-07", "Of the same bytes sent eight times at once, one is a payment and seven are replays.",
			observed("paid", "1", "replayed", "7"), func(p *probe) conformance.Answer {
				b := p.purchase(p.payer(), "18.00")
				body := p.transmit(b)
				return p.race(8, func(int) conformance.Answer { a, _ := p.result(b, p.pspPost("/payments", body)); return a }, protocol.CodeReplayed)
			}),
		must("psp/replay/004", "PSD-PAY-DEL-04", "A request that is older than five minutes is refused.", refused(protocol.CodeRequestExpired), aged(-6*time.Minute)),
		must("psp/replay/005", "PSD-PAY-DEL-04", "A request that is dated two minutes ahead is refused.", refused(protocol.CodeRequestExpired), aged(2*time.Minute)),
		must("psp/replay/006", "PSD-PAY-DEL-04", "A request that is four minutes old is taken.", accepted(), aged(-4*time.Minute)),
		must("psp/replay/007", "PSD-PAY-DEL-04", "A request that is dated half a minute ahead is taken: clocks differ.", accepted(), aged(30*time.Second)),
		must("psp/replay/008", "PSD-PAY-DEL-04", "A request that was refused because it is dated ahead has used its nonce: it does not become good when its time comes.",
			refused(protocol.CodeReplayed), func(p *probe) conformance.Answer {
				b := p.purchase(p.payer(), "18.00")
				b.message["timestamp"] = canon.FormatTime(time.Now().Add(66 * time.Second))
				body := p.transmit(b)
				if a, _ := p.result(b, p.pspPost("/payments", body)); a.Code != protocol.CodeRequestExpired {
					p.expect("a request that is dated ahead, to be refused with request_expired", conformance.Answer{Outcome: conformance.Error, Message: word(a)})
				}
				p.wait(8 * time.Second)
				a, _ := p.result(b, p.pspPost("/payments", body))
				return a
			}),
	}
}

// pspIdempotencyChecks are about the one answer that a request has.
func pspIdempotencyChecks() []Check {
	return []Check{
		must("psp/idempotency/001", "PSD-PAY-DEL-04 PSD-PAY-DEL-07", "The same content in a new transmission gets the first answer, and is not paid again.",
			observed("answer", "accepted", "same_trade", "yes", "same_proof", "yes", "spent_total", "18.00"), func(p *probe) conformance.Answer {
				b := p.purchase(p.payer(), "18.00")
				one := p.paid("the payment", b)
				two := p.paid("the same content again", b)
				p.paid("another payment", p.purchase(b.payer, "1.00"))
				three := p.paid("the same content a third time", b)
				return observed("answer", "accepted", "same_trade", yes(one.TradeNo == two.TradeNo && two.TradeNo == three.TradeNo),
					"same_proof", yes(one.PaymentProof == two.PaymentProof), "spent_total", three.SpentTotal.String())
			}),
		must("psp/idempotency/002", "PSD-PAY-DEL-04", "A request id that comes again with another amount is a conflict.", refused(protocol.CodeRequestConflict), func(p *probe) conformance.Answer {
			y := p.payer()
			one, two := p.purchase(y, "18.00"), p.purchase(y, "19.00")
			two.message["request_id"] = one.message["request_id"]
			p.paid("the first payment", one)
			return p.pay(two)
		}),
		must("psp/idempotency/003", "PSD-PAY-DEL-04", "A request id belongs to its agent: another agent's request under it is another request.", accepted(), func(p *probe) conformance.Answer {
			one := p.purchase(p.payerWith("100.00"), "18.00")
			p.paid("the first agent's payment", one)
			two := p.purchase(p.payerWith("100.00"), "18.00")
			two.message["request_id"] = one.message["request_id"]
			return p.pay(two)
		}),
		must("psp/idempotency/004", "PSD-PAY-DEL-07 PSD-PAY-DEL-04", "Of the same content in eight transmissions at once, all get the one answer, and one payment is made.",
			observed("answers", "8", "trades", "1", "spent_total", "18.00"), sameContentAtOnce),
		must("psp/idempotency/005", "PSD-PAY-DEL-04", "A refusal that is stored stays the answer, also when money has come since.", refused(protocol.CodeBalanceInsufficient), func(p *probe) conformance.Answer {
			y := p.payerWith("1.00")
			b := p.purchase(y, "18.00")
			if a := p.pay(b); a.Code != protocol.CodeBalanceInsufficient {
				p.expect("a payment without money, to be refused with balance_insufficient", conformance.Answer{Outcome: conformance.Error, Message: word(a)})
			}
			p.act("deposit", "deposit_id", canon.UUID(), "principal", y.principal, "amount", "100.00", "currency", p.scenario.currency())
			return p.pay(b)
		}),
		must("psp/idempotency/006", "PSD-PAY-DEL-04", "A refusal that is stored says so, with the id of the payment request; one that speaks of a message does not.",
			observed("stored", "yes", "message", "no"), func(p *probe) conformance.Answer {
				b := p.purchase(p.payerWith("1.00"), "18.00")
				stored, err := p.pspPost("/payments", p.transmit(b)).refusal()
				p.fault("a payment without money", err)
				c := p.purchase(b.payer, "18.00")
				c.message["timestamp"] = canon.FormatTime(time.Now().Add(-time.Hour))
				late, err := p.pspPost("/payments", p.transmit(c)).refusal()
				p.fault("a payment that is late", err)
				return observed("stored", yes(stored.Payment == b.id), "message", yes(late.Payment != ""))
			}),
		must("psp/order/101", "CID-CART-CFM-05 PSD-PAY-DEL-07", "An order that was paid is not paid again by another request.", refused(protocol.CodeOrderPaid), func(p *probe) conformance.Answer {
			one := p.purchase(p.payer(), "18.00")
			p.paid("the first payment", one)
			two := p.sameOrder(one)
			return p.pay(two)
		}),
		must("psp/order/102", "CID-CART-CFM-05 PSD-PAY-DEL-07", "Of eight requests for one order at once, one pays it.", observed("paid", "1", "order_paid", "7"), func(p *probe) conformance.Answer {
			one := p.purchase(p.payer(), "18.00")
			bodies, all := make([][]byte, 8), make([]*purchase, 8)
			for i := range bodies {
				all[i] = p.sameOrder(one)
				bodies[i] = p.transmit(all[i])
			}
			return p.race(8, func(i int) conformance.Answer { a, _ := p.result(all[i], p.pspPost("/payments", bodies[i])); return a }, protocol.CodeOrderPaid)
		}),
	}
}

// sameOrder is another request for the order of a purchase.
func (p *probe) sameOrder(b *purchase) *purchase {
	c := p.purchase(b.payer, b.order.Amount.String())
	c.message["merchant_order_id"] = b.order.MerchantOrderID
	p.confirm(c, func(o *commerce.Order) { *o = b.order })
	return c
}

// aged is a check of a payment that is signed with another time.
func aged(d time.Duration) func(*probe) conformance.Answer {
	return changed(func(_ *probe, b *purchase) { b.message["timestamp"] = canon.FormatTime(time.Now().Add(d)) })
}

// race does something n times at once and counts what was accepted and what was
// refused with a code. Any other answer is shown as such.
func (p *probe) race(n int, do func(i int) conformance.Answer, code protocol.Code) conformance.Answer {
	answers := make([]conformance.Answer, n)
	together(n, func(i int) { answers[i] = do(i) })
	paid, refusedWith := 0, 0
	for _, a := range answers {
		switch {
		case a.Outcome == conformance.Valid:
			paid++
		case a.Code == code:
			refusedWith++
		default:
			return observed("paid", fmt.Sprint(paid), "another_answer", word(a))
		}
	}
	return observed("paid", fmt.Sprint(paid), string(code), fmt.Sprint(refusedWith))
}

func sameContentAtOnce(p *probe) conformance.Answer {
	const n = 8
	b := p.purchase(p.payer(), "18.00")
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = p.transmit(b)
	}
	var answered atomic.Int64
	trades := make([]string, n)
	together(n, func(i int) {
		r := p.pspPost("/payments", bodies[i])
		// A provider that is still at it may say so; it is asked again.
		if r.status == http.StatusServiceUnavailable {
			return
		}
		if a, result := p.result(b, r); a.Outcome == conformance.Valid {
			answered.Add(1)
			trades[i] = result.TradeNo
		}
	})
	for i, no := range trades {
		if no == "" {
			trades[i] = p.paid("the same content again", b).TradeNo
			answered.Add(1)
		}
	}
	different := map[string]bool{}
	for _, no := range trades {
		different[no] = true
	}
	last := p.paid("the same content at last", b)
	return observed("answers", fmt.Sprint(answered.Load()), "trades", fmt.Sprint(len(different)), "spent_total", last.SpentTotal.String())
}
