package live

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// lowered gives a payer another mandate, with a total.
func (p *probe) lowered(y *payer, total delegation.Number) *payer {
	p.grant(y, func(c *delegation.Claims) { c.Authorization.MaxTotalAmount = total })
	return y
}

// bounded gives a payer another mandate, in which the agent chooses.
func (p *probe) bounded(y *payer) *payer {
	p.grant(y, func(c *delegation.Claims) { c.Authorization.DelegationMode = delegation.Bounded })
	return y
}

// ask sends a message of somebody else than a payment request: members, a nonce
// and the time.
func (p *probe) ask(path, kind string, s *keys.Signer, pairs ...any) reply {
	m := map[string]any{"request_id": canon.UUID(), "nonce": canon.Nonce(), "timestamp": canon.FormatTime(time.Now()), "psp_id": p.scenario.PSP.ID}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		m[name] = pairs[i+1]
		if pairs[i+1] == nil {
			delete(m, name)
		}
	}
	return p.pspPost(path, p.sign(s, kind, m))
}

// consume presents a proof as a merchant does before it delivers.
func (p *probe) consume(seller *party, proof, consumer string) (conformance.Answer, *payment.ConsumptionResult) {
	r := p.ask("/consumptions", keys.KindProofConsumption, seller.signer(keys.Seller), "merchant_id", seller.did, "payment_proof", proof, "consumer", consumer)
	if r.err != nil || r.status != http.StatusOK {
		return r.refused(), nil
	}
	u, err := payment.ParseConsumptionResult(bytes.TrimSpace(r.body))
	if err == nil {
		err = p.believe(u, time.Now())
	}
	if err != nil {
		return unread(err), nil
	}
	if u.Result.Consumer != consumer || u.Result.MerchantID != seller.did {
		return unread(protocol.New(protocol.CodeProofMismatch, "consumer", "PSD-PAY-A402-08", "")), nil
	}
	return accepted(), &u.Result
}

// fulfil confirms a delivery.
func (p *probe) fulfil(seller *party, tradeNo, consumer string, at time.Time) (conformance.Answer, *payment.FulfilmentResult) {
	r := p.ask("/fulfilments", keys.KindFulfilmentConfirmation, seller.signer(keys.Seller), "merchant_id", seller.did, "trade_no", tradeNo,
		"consumer", consumer, "delivered_at", canon.FormatTime(at))
	if r.err != nil || r.status != http.StatusOK {
		return r.refused(), nil
	}
	u, err := payment.ParseFulfilmentResult(bytes.TrimSpace(r.body))
	if err == nil {
		err = p.believe(u, time.Now())
	}
	if err != nil {
		return unread(err), nil
	}
	return accepted(), &u.Result
}

// sold is a payment that was made.
func (p *probe) sold() (*purchase, *payment.Result) {
	b := p.purchase(p.payer(), "18.00")
	return b, p.paid("the payment", b)
}

// pspProofChecks are about what a merchant does with a proof.
func pspProofChecks() []Check {
	return []Check{
		must("psp/proof/001", "PSD-PAY-A402-08", "A proof is given to the merchant whose it is, with amount and order of the payment.",
			observed("amount", "18.00", "order", "yes", "trade_state", "WAIT_SELLER_FULFILLMENT"), func(p *probe) conformance.Answer {
				b, r := p.sold()
				a, c := p.consume(b.seller, r.PaymentProof, "delivery-1")
				p.expect("the consumption", a)
				return observed("amount", c.Amount.String(), "order", yes(c.OutTradeNo == b.order.MerchantOrderID), "trade_state", string(c.TradeState))
			}),
		must("psp/proof/002", "PSD-PAY-A402-08 PSD-PAY-A402-15", "A proof delivers once: a second consumer is refused.", refused(protocol.CodeProofUsed), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, _ := p.consume(b.seller, r.PaymentProof, "delivery-1")
			p.expect("the first consumption", a)
			a, _ = p.consume(b.seller, r.PaymentProof, "delivery-2")
			return a
		}),
		must("psp/proof/003", "PSD-PAY-A402-15", "The same consumer gets the same answer again.", observed("answer", "accepted", "same", "yes"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, one := p.consume(b.seller, r.PaymentProof, "delivery-1")
			p.expect("the first consumption", a)
			a, two := p.consume(b.seller, r.PaymentProof, "delivery-1")
			p.expect("the second consumption", a)
			return observed("answer", "accepted", "same", yes(one.TradeNo == two.TradeNo && one.ConsumedAt.Equal(two.ConsumedAt)))
		}),
		must("psp/proof/004", "PSD-PAY-A402-15", "Of eight consumers at once, one has the proof.", observed("paid", "1", "proof_used", "7"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			return p.race(8, func(i int) conformance.Answer {
				a, _ := p.consume(b.seller, r.PaymentProof, fmt.Sprint("delivery-", i))
				return a
			}, protocol.CodeProofUsed)
		}),
		must("psp/proof/005", "PSD-PAY-A402-08", "Another merchant's proof is refused.", refused(protocol.CodeProofMismatch), func(p *probe) conformance.Answer {
			_, r := p.sold()
			a, _ := p.consume(p.anotherMerchant(), r.PaymentProof, "delivery-1")
			return a
		}),
		must("psp/proof/006", "PSD-PAY-A402-08", "A proof that the provider has not signed is refused.", refused(protocol.CodeProofInvalid), func(p *probe) conformance.Answer {
			b, r := p.sold()
			u, err := payment.ParseProofClaims(r.PaymentProof)
			p.fault("the proof", err)
			c, forger := u.Claims, p.fresh("psp", keys.Proof)
			c.PSPID = forger.did
			forged, err := payment.SignProofClaims(forger.signer(keys.Proof), c)
			p.fault("the suite's proof", err)
			a, _ := p.consume(b.seller, forged, "delivery-1")
			return a
		}),
	}
}

// pspFulfilmentChecks are about confirmations of deliveries.
func pspFulfilmentChecks() []Check {
	return []Check{
		must("psp/proof/007", "PSD-PAY-A402-10 PSD-PAY-A402-11", "After the confirmation of a delivery the trade is finished.",
			observed("trade_state", "TRADE_FINISHED"), func(p *probe) conformance.Answer {
				b, r := p.sold()
				a, _ := p.consume(b.seller, r.PaymentProof, "delivery-1")
				p.expect("the consumption", a)
				a, f := p.fulfil(b.seller, r.TradeNo, "delivery-1", time.Now())
				p.expect("the confirmation", a)
				return observed("trade_state", string(f.TradeState))
			}),
		must("psp/proof/008", "PSD-PAY-A402-10 PSD-PAY-A402-11", "A delivery cannot be confirmed before the proof was consumed.", refused(protocol.CodeStateConflict), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, _ := p.fulfil(b.seller, r.TradeNo, "delivery-1", time.Now())
			return a
		}),
		must("psp/proof/009", "PSD-PAY-A402-10", "A delivery is confirmed by its consumer and by no other.", refused(protocol.CodeProofUsed), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, _ := p.consume(b.seller, r.PaymentProof, "delivery-1")
			p.expect("the consumption", a)
			a, _ = p.fulfil(b.seller, r.TradeNo, "delivery-2", time.Now())
			return a
		}),
		must("psp/proof/010", "PSD-PAY-A402-10", "Another merchant cannot confirm a delivery, nor learn that there is such a trade.", refused(protocol.CodeTradeUnknown), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, _ := p.consume(b.seller, r.PaymentProof, "delivery-1")
			p.expect("the consumption", a)
			a, _ = p.fulfil(p.anotherMerchant(), r.TradeNo, "delivery-1", time.Now())
			return a
		}),
		must("psp/proof/011", "PSD-PAY-A402-10", "A delivery that is said to have been before the payment is refused.", refused(protocol.CodeFieldInvalid), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, _ := p.consume(b.seller, r.PaymentProof, "delivery-1")
			p.expect("the consumption", a)
			a, _ = p.fulfil(b.seller, r.TradeNo, "delivery-1", r.PaidAt.Add(-10*time.Minute))
			return a
		}),
		must("psp/proof/012", "PSD-PAY-A402-10", "A confirmation that is repeated gets the first answer.", observed("answer", "accepted", "same", "yes"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, _ := p.consume(b.seller, r.PaymentProof, "delivery-1")
			p.expect("the consumption", a)
			a, one := p.fulfil(b.seller, r.TradeNo, "delivery-1", time.Now())
			p.expect("the first confirmation", a)
			a, two := p.fulfil(b.seller, r.TradeNo, "delivery-1", time.Now())
			p.expect("the second confirmation", a)
			return observed("answer", "accepted", "same", yes(one.ConfirmedAt.Equal(two.ConfirmedAt)))
		}),
		must("psp/proof/013", "ADD-IAC-ISS-12", "A consumption by a key that is not for selling is refused.", refused(protocol.CodeKeyPurpose), func(p *probe) conformance.Answer {
			_, r := p.sold()
			m := p.fresh("merchant", keys.Proof)
			return p.ask("/consumptions", keys.KindProofConsumption, m.signer(keys.Proof), "merchant_id", m.did, "payment_proof", r.PaymentProof, "consumer", "delivery-1").refused()
		}),
		must("psp/proof/014", "PSD-PAY-A402-08", "A consumption that is sent twice, byte for byte, is a replay.", refused(protocol.CodeReplayed), func(p *probe) conformance.Answer {
			b, r := p.sold()
			body := p.sign(b.seller.signer(keys.Seller), keys.KindProofConsumption, map[string]any{
				"request_id": canon.UUID(), "nonce": canon.Nonce(), "timestamp": canon.FormatTime(time.Now()), "psp_id": p.scenario.PSP.ID,
				"merchant_id": b.seller.did, "payment_proof": r.PaymentProof, "consumer": "delivery-1",
			})
			if first := p.pspPost("/consumptions", body); first.status != http.StatusOK {
				p.expect("the consumption", first.refused())
			}
			return p.pspPost("/consumptions", body).refused()
		}),
	}
}

// query asks what became of a payment request.
func (p *probe) query(b *purchase, agent *party) (conformance.Answer, *payment.Result) {
	r := p.ask("/queries", keys.KindPaymentQuery, agent.signer(keys.AgentRequest), "buyer_agent_id", agent.did, "payment_request_id", b.message["request_id"])
	return p.result(b, r)
}

// pspQueryChecks are about the questions of agents and merchants.
func pspQueryChecks() []Check {
	return []Check{
		must("psp/query/001", "PSD-PAY-A402-23 PSD-PAY-DEL-13", "A query tells the payment that was made, with the same trade and proof.", observed("same_trade", "yes", "same_proof", "yes"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, q := p.query(b, b.payer.agent)
			p.expect("the query", a)
			return observed("same_trade", yes(q.TradeNo == r.TradeNo), "same_proof", yes(q.PaymentProof == r.PaymentProof))
		}),
		must("psp/query/002", "PSD-PAY-A402-23", "A query about a request that was never sent says so.", refused(protocol.CodeTradeUnknown), func(p *probe) conformance.Answer {
			b := p.purchase(p.payer(), "18.00")
			a, _ := p.query(b, b.payer.agent)
			return a
		}),
		must("psp/query/003", "PSD-PAY-DEL-09", "Another agent learns nothing of a payment.", refused(protocol.CodeTradeUnknown), func(p *probe) conformance.Answer {
			b, _ := p.sold()
			a, _ := p.query(b, p.fresh("agent", keys.AgentRequest))
			return a
		}),
		must("psp/query/004", "PSD-PAY-A402-23", "A query tells the refusal that was stored.", refused(protocol.CodeBalanceInsufficient), func(p *probe) conformance.Answer {
			b := p.purchase(p.payerWith("1.00"), "18.00")
			if a := p.pay(b); a.Code != protocol.CodeBalanceInsufficient {
				p.expect("a payment without money, to be refused", conformance.Answer{Outcome: conformance.Error, Message: word(a)})
			}
			a, _ := p.query(b, b.payer.agent)
			return a
		}),
		must("psp/query/005", "PSD-PAY-A402-11", "A query tells the state of now.", observed("trade_state", "TRADE_FINISHED"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, _ := p.consume(b.seller, r.PaymentProof, "delivery-1")
			p.expect("the consumption", a)
			a, _ = p.fulfil(b.seller, r.TradeNo, "delivery-1", time.Now())
			p.expect("the confirmation", a)
			a, q := p.query(b, b.payer.agent)
			p.expect("the query", a)
			return observed("trade_state", string(q.TradeState))
		}),
		must("psp/query/006", "PSD-PAY-DEL-04", "A query that is sent twice, byte for byte, is a replay.", refused(protocol.CodeReplayed), func(p *probe) conformance.Answer {
			b, _ := p.sold()
			body := p.sign(b.signer, keys.KindPaymentQuery, map[string]any{
				"request_id": canon.UUID(), "nonce": canon.Nonce(), "timestamp": canon.FormatTime(time.Now()), "psp_id": p.scenario.PSP.ID,
				"buyer_agent_id": b.payer.agent.did, "payment_request_id": b.id,
			})
			a, _ := p.result(b, p.pspPost("/queries", body))
			p.expect("the query", a)
			return p.pspPost("/queries", body).refused()
		}),
		must("psp/query/007", "PSD-PAY-A402-23", "A merchant learns by its order number what became of a trade.", observed("trade", "yes", "trade_state", "WAIT_SELLER_FULFILLMENT", "refunded", "0.00"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			s := p.trade(b.seller, "merchant_order_id", b.order.MerchantOrderID)
			return observed("trade", yes(s.TradeNo == r.TradeNo), "trade_state", string(s.State), "refunded", s.RefundedTotal.String())
		}),
		must("psp/query/008", "PSD-PAY-A402-23", "A merchant learns nothing of another's trade.", refused(protocol.CodeTradeUnknown), func(p *probe) conformance.Answer {
			_, r := p.sold()
			m := p.anotherMerchant()
			return p.offered(p.ask("/trades", keys.KindTradeQuery, m.signer(keys.Seller), "merchant_id", m.did, "trade_no", r.TradeNo)).refused()
		}),
	}
}

// offered ends the check as skipped when the provider does not have the address.
func (p *probe) offered(r reply) reply {
	if _, err := r.refusal(); r.err == nil && r.status == http.StatusNotFound && err != nil {
		p.skip("the provider does not have this address")
	}
	return r
}

// trade asks as a merchant for one trade.
func (p *probe) trade(seller *party, by, id string) *payment.TradeState {
	r := p.offered(p.ask("/trades", keys.KindTradeQuery, seller.signer(keys.Seller), "merchant_id", seller.did, by, id))
	if r.err != nil || r.status != http.StatusOK {
		p.expect("the merchant's query", r.refused())
	}
	u, err := payment.ParseTradeState(bytes.TrimSpace(r.body))
	p.fault("the trade-state", err)
	p.fault("the signature of the trade-state", p.believe(u, time.Now()))
	return &u.State
}

// instrument asks for the state of a payer's instrument.
func (p *probe) instrument(agent *party, y *payer) (conformance.Answer, *payment.InstrumentState) {
	by, id := "payment_token", y.token
	if y.subaccount != "" {
		by, id = "subaccount_id", y.subaccount
	}
	r := p.offered(p.ask("/instruments", keys.KindInstrumentQuery, agent.signer(keys.AgentRequest), "buyer_agent_id", agent.did, by, id))
	if r.err != nil || r.status != http.StatusOK {
		return r.refused(), nil
	}
	u, err := payment.ParseInstrumentState(bytes.TrimSpace(r.body))
	if err == nil {
		err = p.believe(u, time.Now())
	}
	if err != nil {
		return unread(err), nil
	}
	return accepted(), &u.State
}

// pspInstrumentChecks are about what an agent may learn of its instrument.
func pspInstrumentChecks() []Check {
	state := func(doing string, y func(*probe) *payer) func(*probe) conformance.Answer {
		return func(p *probe) conformance.Answer {
			payer := y(p)
			a, s := p.instrument(payer.agent, payer)
			p.expect(doing, a)
			available := "none"
			if s.Available.Valid() {
				available = s.Available.String()
			}
			return observed("state", string(s.State), "available", available)
		}
	}
	return []Check{
		must("psp/instrument/001", "PSD-AGT-SUB-02 PSD-PAY-AUP-02", "A sub-account tells its agent what it holds.", observed("state", "ACTIVE", "available", "50.00"),
			state("the query", func(p *probe) *payer { return p.purse("50.00") })),
		must("psp/instrument/002", "PSD-AGT-SUB-02", "A frozen sub-account says so, and has nothing to give.", observed("state", "FROZEN", "available", "0.00"),
			state("the query", func(p *probe) *payer {
				y := p.purse("50.00")
				p.act("subaccount_state", "subaccount_id", y.subaccount, "state", "frozen")
				return y
			})),
		must("psp/instrument/003", "PSD-PMT-BND-01", "A token without a ceiling does not tell the balance behind it.", observed("state", "ACTIVE", "available", "none"),
			state("the query", func(p *probe) *payer { return p.payerWith("50.00") })),
		must("psp/instrument/004", "PSD-PMT-BND-03", "A token with a ceiling tells what is left of it.", observed("state", "ACTIVE", "available", "2.00"),
			state("the query", func(p *probe) *payer {
				y := p.limited("20.00", "")
				p.paid("a payment", p.purchase(y, "18.00"))
				return y
			})),
		must("psp/instrument/005", "PSD-PMT-BND-01 PSD-PMT-BND-04", "Another agent learns nothing of a token.", refused(protocol.CodeInstrumentMismatch), func(p *probe) conformance.Answer {
			a, _ := p.instrument(p.fresh("agent", keys.AgentRequest), p.payer())
			return a
		}),
		must("psp/instrument/006", "PSD-PMT-BND-04", "A token that does not exist is not usable.", refused(protocol.CodeInstrumentInvalid), func(p *probe) conformance.Answer {
			y := p.payer()
			y.token = "token-of-nobody"
			a, _ := p.instrument(y.agent, y)
			return a
		}),
	}
}
