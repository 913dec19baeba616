package live

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// instant is a purchase for which the principal will be asked.
func (p *probe) instant(y *payer, amount string) *purchase {
	b := p.purchase(y, amount)
	p.confirm(b, func(o *commerce.Order) { o.DelegationID = "" })
	b.message["scenario"] = "INS"
	delete(b.message, "delegation_id")
	delete(b.message, "iac")
	return b
}

// begin asks for an instant payment. A provider without a cashier ends the check
// as skipped.
func (p *probe) begin(b *purchase) (conformance.Answer, *payment.Pending) {
	return p.waiting(b, p.pspPost("/payments", p.transmit(b)))
}

// waiting judges an answer that has to say that the payment waits.
func (p *probe) waiting(b *purchase, r reply) (conformance.Answer, *payment.Pending) {
	if r.err != nil || r.status != http.StatusAccepted {
		if r.status == http.StatusOK {
			return conformance.Answer{Outcome: conformance.Invalid, Code: protocol.CodeStateConflict}, nil // paid, and nobody was asked
		}
		a := r.refused()
		if a.Code == protocol.CodeMethodNotAllowed {
			p.skip("the provider has no cashier")
		}
		return a, nil
	}
	u, err := payment.ParsePending(bytes.TrimSpace(r.body))
	if err == nil {
		err = p.believe(u, time.Now())
	}
	if err == nil && (u.Pending.RequestID != b.message["request_id"] || u.Pending.Amount.String() != b.message["amount"] ||
		u.Pending.MerchantOrderID != b.message["merchant_order_id"] || u.Pending.BuyerAgentID != b.payer.agent.did) {
		err = protocol.New(protocol.CodeOrderMismatch, "", "PSD-PAY-INS-02", "what the request said")
	}
	if err != nil {
		return unread(err), nil
	}
	return accepted(), &u.Pending
}

// begun is begin where the payment has to wait.
func (p *probe) begun(b *purchase) *payment.Pending {
	a, w := p.begin(b)
	p.expect("the beginning of an instant payment", a)
	return w
}

// decide has the principal confirm or cancel.
func (p *probe) decide(action string, b *purchase, w *payment.Pending) {
	p.act(action, "cashier_url", w.CashierURL, "trade_no", w.TradeNo, "principal", b.payer.principal)
}

// pspInstantChecks are about payments that the principal confirms.
func pspInstantChecks() []Check {
	never := func(id, req, title string, code protocol.Code, change func(*probe, *purchase)) Check {
		return must("psp/instant/"+id, req, title, refused(code), func(p *probe) conformance.Answer {
			b := p.instant(p.payerWith("100.00"), "18.00")
			p.begun(p.instant(b.payer, "1.00")) // there is a cashier
			change(p, b)
			a, _ := p.begin(b)
			return a
		})
	}
	return append(pspDecidedChecks(),
		must("psp/instant/001", "PSD-PAY-INS-03 PSD-PAY-INS-01", "An instant payment waits for the principal; the answer says so and has the order's terms.",
			observed("answer", "accepted", "trade_state", "WAIT_BUYER_PAY", "https", "yes"), func(p *probe) conformance.Answer {
				w := p.begun(p.instant(p.payerWith("100.00"), "18.00"))
				return observed("answer", "accepted", "trade_state", string(w.TradeState), "https", yes(strings.HasPrefix(w.CashierURL, "https://")))
			}),
		must("psp/instant/002", "PSD-PAY-INS-04 PSD-PAY-INS-03", "While an instant payment waits, its money is neither moved nor held: another payment can have it.", accepted(), func(p *probe) conformance.Answer {
			y := p.payerWith("18.00")
			p.begun(p.instant(y, "18.00"))
			return p.pay(p.purchase(y, "18.00"))
		}),
		must("psp/instant/003", "PSD-PAY-INS-06", "The same content in a new transmission, and a query, get the same trade and the same address.", observed("again", "yes", "query", "yes"), func(p *probe) conformance.Answer {
			b := p.instant(p.payerWith("100.00"), "18.00")
			w, again := p.begun(b), p.begun(b)
			a, q := p.waiting(b, p.ask("/queries", keys.KindPaymentQuery, b.signer, "buyer_agent_id", b.payer.agent.did, "payment_request_id", b.id))
			p.expect("the query", a)
			return observed("again", yes(w.TradeNo == again.TradeNo && w.CashierURL == again.CashierURL && w.ExpiresAt.Equal(again.ExpiresAt)),
				"query", yes(q.TradeNo == w.TradeNo && q.CashierURL == w.CashierURL))
		}),
		never("004", "PSD-PAY-INS-01 PSD-PAY-INS-07", "A request that is old never reaches the cashier.", protocol.CodeRequestExpired, set("timestamp", canon.FormatTime(time.Now().Add(-time.Hour)))),
		never("005", "PSD-PAY-INS-01 PSD-PAY-INS-07", "A request with a token that does not exist never reaches the cashier.", protocol.CodeInstrumentInvalid, set("payment_token", "token-of-nobody")),
		never("006", "PSD-PAY-INS-01 PSD-PAY-INS-07", "A request with another agent's token never reaches the cashier.", protocol.CodeInstrumentMismatch, func(p *probe, b *purchase) {
			b.message["payment_token"] = p.payerWith("100.00").token
		}),
		never("007", "PSD-PAY-INS-05 PSD-PAY-INS-02", "An amount that is not the order's never reaches the cashier.", protocol.CodeOrderMismatch, set("amount", "17.00")),
		never("008", "PSD-PAY-INS-08", "An instant payment has no mandate: a request with one is refused.", protocol.CodeFieldInvalid, func(_ *probe, b *purchase) {
			b.message["iac"], b.message["delegation_id"] = b.payer.iac, b.payer.claims.ID
		}),
		never("009", "PSD-PAY-INS-01", "An order that was made under a mandate is not confirmed by the principal's presence.", protocol.CodeOrderMismatch, func(p *probe, b *purchase) {
			p.confirm(b, func(o *commerce.Order) { o.DelegationID = b.payer.claims.ID })
		}),
		must("psp/instant/010", "PSD-PAY-INS-01 PSD-PAY-INS-07", "An instant payment whose signature does not verify never reaches the cashier.", refused(protocol.CodeSignatureInvalid), func(p *probe) conformance.Answer {
			b := p.instant(p.payerWith("100.00"), "18.00")
			p.begun(p.instant(b.payer, "1.00"))
			body := p.transmit(b)
			body = bytes.Replace(body, []byte(`"amount":"18.00"`), []byte(`"amount":"17.00"`), 1)
			a, _ := p.waiting(b, p.pspPost("/payments", body))
			return a
		}),
		must("psp/instant/011", "PSD-PAY-INS-01 PSD-PAY-INS-07", "The same bytes a second time are a replay.", refused(protocol.CodeReplayed), func(p *probe) conformance.Answer {
			b := p.instant(p.payerWith("100.00"), "18.00")
			body := p.transmit(b)
			a, _ := p.waiting(b, p.pspPost("/payments", body))
			p.expect("the beginning of an instant payment", a)
			a, _ = p.waiting(b, p.pspPost("/payments", body))
			return a
		}),
	)
}

// pspDecidedChecks are about what the principal's word, or silence, does.
func pspDecidedChecks() []Check {
	return []Check{
		must("psp/instant/101", "PSD-PAY-INS-03 PSD-PAY-INS-06", "After the principal's confirmation the equal request is answered with the result, of the same trade.", observed("answer", "accepted", "same_trade", "yes"), func(p *probe) conformance.Answer {
			b := p.instant(p.payerWith("18.00"), "18.00")
			w := p.begun(b)
			p.decide("confirm", b, w)
			a, r := p.result(b, p.pspPost("/payments", p.transmit(b)))
			p.expect("the answer after the confirmation", a)
			return observed("answer", "accepted", "same_trade", yes(r.TradeNo == w.TradeNo))
		}),
		must("psp/instant/102", "PSD-PAY-INS-04 PSD-PAY-INS-07", "A payment that the principal has cancelled is refused for good, and its money is there.", observed("cancelled", "confirmation_failed", "money", "accepted"), func(p *probe) conformance.Answer {
			y := p.payerWith("18.00")
			b := p.instant(y, "18.00")
			p.decide("cancel", b, p.begun(b))
			a, _ := p.result(b, p.pspPost("/payments", p.transmit(b)))
			return observed("cancelled", word(a), "money", word(p.pay(p.purchase(y, "18.00"))))
		}),
		must("psp/instant/103", "PSD-PAY-INS-04 PSD-PAY-INS-07", "A payment that nobody confirms in time is refused for good, and its money is there.", observed("late", "confirmation_failed", "money", "accepted"), func(p *probe) conformance.Answer {
			y := p.payerWith("18.00")
			b := p.instant(y, "18.00")
			p.confirm(b, func(o *commerce.Order) { o.Expires = time.Now().Add(3 * time.Second).UTC().Truncate(time.Second) })
			w := p.begun(b)
			if left := time.Until(w.ExpiresAt); left > 10*time.Second {
				return observed("late", "expires_at is later than the end of the order", "money", "")
			}
			p.wait(time.Until(w.ExpiresAt) + 500*time.Millisecond)
			a, _ := p.query(b, y.agent)
			return observed("late", word(a), "money", word(p.pay(p.purchase(y, "18.00"))))
		}),
		must("psp/instant/104", "PSD-PAY-INS-04 PSD-PAY-INS-03", "When the order is paid by another request while the principal is asked, the confirmation pays nothing.", observed("waiting", "order_paid", "money", "accepted"), func(p *probe) conformance.Answer {
			y := p.payerWith("36.00")
			b := p.instant(y, "18.00")
			w := p.begun(b)
			other := p.purchase(y, "18.00")
			other.message["merchant_order_id"], other.message["order"] = b.message["merchant_order_id"], b.message["order"]
			p.paid("the payment of the same order under a mandate", other)
			p.act("confirm_refused", "cashier_url", w.CashierURL, "trade_no", w.TradeNo, "principal", y.principal)
			a, _ := p.query(b, y.agent)
			return observed("waiting", word(a), "money", word(p.pay(p.purchase(y, "18.00"))))
		}),
	}
}

// refund asks as a merchant to give back.
func (p *probe) refund(b *purchase, r *payment.Result, id, amount string) (conformance.Answer, *payment.RefundResult) {
	return p.refunded(b.seller, p.refundReply(b.seller, r.TradeNo, id, amount))
}

func (p *probe) refundReply(seller *party, tradeNo, id, amount string) reply {
	return p.ask("/refunds", keys.KindRefundRequest, seller.signer(keys.Seller), "request_id", id, "merchant_id", seller.did, "trade_no", tradeNo,
		"amount", amount, "currency", p.scenario.currency(), "reason", "RETURNED")
}

// refunded judges an answer to a refund request.
func (p *probe) refunded(seller *party, reply reply) (conformance.Answer, *payment.RefundResult) {
	r := p.offered(reply)
	if r.err != nil || r.status != http.StatusOK {
		return r.refused(), nil
	}
	u, err := payment.ParseRefundResult(bytes.TrimSpace(r.body))
	if err == nil {
		err = p.believe(u, time.Now())
	}
	if err == nil && u.Result.MerchantID != seller.did {
		err = protocol.New(protocol.CodeAudienceMismatch, "merchant_id", "", "")
	}
	if err != nil {
		return unread(err), nil
	}
	return accepted(), &u.Result
}

// pspRefundChecks are about refunds, where they are offered.
func pspRefundChecks() []Check {
	return []Check{
		must("psp/refund/001", "PSD-PAY-A402-11", "A refund of a part moves no state and is counted.", observed("total", "5.00", "trade_state", "WAIT_SELLER_FULFILLMENT"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, f := p.refund(b, r, canon.UUID(), "5.00")
			p.expect("the refund", a)
			return observed("total", f.RefundedTotal.String(), "trade_state", string(f.TradeState))
		}),
		must("psp/refund/002", "PSD-PAY-A402-11", "A refund of the whole closes a trade that waits for the seller.", observed("total", "18.00", "trade_state", "TRADE_CLOSED"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, f := p.refund(b, r, canon.UUID(), "18.00")
			p.expect("the refund", a)
			return observed("total", f.RefundedTotal.String(), "trade_state", string(f.TradeState))
		}),
		must("psp/refund/003", "PSD-PAY-A402-12", "All refunds together are never more than was paid.", observed("first", "accepted", "beyond", "refund_exceeded"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			first, _ := p.refund(b, r, canon.UUID(), "10.00")
			beyond, _ := p.refund(b, r, canon.UUID(), "8.01")
			return observed("first", word(first), "beyond", word(beyond))
		}),
		must("psp/refund/004", "PSD-PAY-A402-12", "The same refund request in a new transmission is not carried out again.", observed("same", "yes", "total", "5.00"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			id := canon.UUID()
			a, one := p.refund(b, r, id, "5.00")
			p.expect("the refund", a)
			a, two := p.refund(b, r, id, "5.00")
			p.expect("the same refund again", a)
			return observed("same", yes(one.RefundNo == two.RefundNo), "total", p.trade(b.seller, "trade_no", r.TradeNo).RefundedTotal.String())
		}),
		must("psp/refund/005", "PSD-PAY-A402-12", "A refund request id that comes again with another amount is a conflict.", refused(protocol.CodeRequestConflict), func(p *probe) conformance.Answer {
			b, r := p.sold()
			id := canon.UUID()
			a, _ := p.refund(b, r, id, "5.00")
			p.expect("the refund", a)
			a, _ = p.refund(b, r, id, "6.00")
			return a
		}),
		must("psp/refund/006", "PSD-PAY-A402-12", "Another merchant cannot refund a trade, nor learn that it is there.", refused(protocol.CodeTradeUnknown), func(p *probe) conformance.Answer {
			b, r := p.sold()
			p.offered(p.refundReply(b.seller, r.TradeNo, canon.UUID(), "1.00"))
			m := p.anotherMerchant()
			return p.refundReply(m, r.TradeNo, canon.UUID(), "1.00").refused()
		}),
		must("psp/refund/007", "PSD-PAY-DEL-07", "A refund gives no headroom back: what was spent under the mandate stays spent.", observed("refund", "accepted", "then", "total_limit_exceeded"), func(p *probe) conformance.Answer {
			y := p.lowered(p.payerWith("100.00"), "18")
			b := p.purchase(y, "18.00")
			r := p.paid("the payment", b)
			a, _ := p.refund(b, r, canon.UUID(), "18.00")
			return observed("refund", word(a), "then", word(p.pay(p.purchase(y, "0.01"))))
		}),
		must("psp/refund/008", "PSD-PAY-A402-12", "Of eight refunds of the whole at once, one is carried out.", observed("paid", "1", "refund_exceeded", "7"), func(p *probe) conformance.Answer {
			b, r := p.sold()
			p.offered(p.ask("/refunds", keys.KindRefundRequest, b.seller.signer(keys.Seller)))
			bodies := make([][]byte, 8)
			for i := range bodies {
				bodies[i] = p.sign(b.seller.signer(keys.Seller), keys.KindRefundRequest, map[string]any{
					"request_id": canon.UUID(), "nonce": canon.Nonce(), "timestamp": canon.FormatTime(time.Now()), "psp_id": p.scenario.PSP.ID,
					"merchant_id": b.seller.did, "trade_no": r.TradeNo, "amount": "18.00", "currency": p.scenario.currency(), "reason": "DUPLICATE",
				})
			}
			return p.race(8, func(i int) conformance.Answer {
				a, _ := p.refunded(b.seller, p.pspPost("/refunds", bodies[i]))
				return a
			}, protocol.CodeRefundExceeded)
		}),
		must("psp/refund/009", "PSD-PAY-A402-15 PSD-PAY-A402-11", "What was given back as a whole is not delivered: its proof is no longer consumed.", refused(protocol.CodeStateConflict), func(p *probe) conformance.Answer {
			b, r := p.sold()
			a, _ := p.refund(b, r, canon.UUID(), "18.00")
			p.expect("the refund", a)
			a, _ = p.consume(b.seller, r.PaymentProof, "delivery-1")
			return a
		}),
	}
}
