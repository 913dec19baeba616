package vectors

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupDelivery: consumptions and fulfilments (SPEC.md 6.3).
func groupDelivery(b *builder) {
	token := b.proof().token()
	consume := func() *letter {
		return b.question(keys.KindProofConsumption, b.seller(), obj{"merchant_id": shopDID, "payment_proof": token, "consumer": "delivery-1"})
	}
	bound := ids("PSD-PAY-A402-08", "PSD-PAY-A402-15")
	p := &post{b: b, group: "delivery/consumption", operation: "proof_consumption.verify", output: obj{"key_id": sellerKey}, rule: bound, letter: consume}
	p.first("A merchant claims a proof for one delivery.")
	p.lacking(10, "request_id", "nonce", "timestamp", "psp_id", "merchant_id", "payment_proof", "consumer")
	p.no("020", "What is no token is no proof.", protocol.CodeMalformed, nil, member("payment_proof", "AAAA"))
	p.no("021", "A proof of more than 8 KiB is not looked into.", protocol.CodeTooLarge, nil, member("payment_proof", strings.Repeat("A", 8196)))
	p.envelope("merchant_id", keys.AgentRequest)
	r := &post{b: b, group: "delivery/consumed", operation: "proof_consumption_result.verify", output: obj{"key_id": proofKey}, rule: bound, letter: func() *letter {
		return b.reply(keys.KindProofConsumptionResult, consume(), obj{"trade_no": tradeNo, "out_trade_no": billNo, "merchant_id": shopDID, "consumer": "delivery-1", "amount": "18.00", "currency": "CNY", "trade_state": "WAIT_SELLER_FULFILLMENT", "consumed_at": utc(now)})
	}}
	r.first("The provider says that this delivery has the proof.")
	r.lacking(10, "request_id", "trade_no", "out_trade_no", "merchant_id", "consumer", "amount", "currency", "trade_state", "consumed_at")
	r.no("020", "An answer to another request is none to this.", protocol.CodeRequestConflict, nil, member("request_id", "ask-2"))
	r.no("021", "Another delivery has the proof.", protocol.CodeRequestConflict, nil, member("consumer", "delivery-2"))
	r.answering()
	confirm := func() *letter {
		return b.question(keys.KindFulfilmentConfirmation, b.seller(), obj{"merchant_id": shopDID, "trade_no": tradeNo, "consumer": "delivery-1", "delivered_at": utc(now.Add(-time.Second))})
	}
	done := ids("PSD-PAY-A402-10")
	f := &post{b: b, group: "delivery/fulfilment", operation: "fulfilment_confirmation.verify", output: obj{"key_id": sellerKey}, rule: done, letter: confirm}
	f.first("A merchant says that it has delivered.")
	f.lacking(10, "request_id", "nonce", "timestamp", "psp_id", "merchant_id", "trade_no", "consumer", "delivered_at")
	f.envelope("merchant_id", keys.AgentRequest)
	g := &post{b: b, group: "delivery/fulfilled", operation: "fulfilment_result.verify", output: obj{"key_id": proofKey}, rule: done, letter: func() *letter {
		return b.reply(keys.KindFulfilmentResult, confirm(), obj{"trade_no": tradeNo, "merchant_id": shopDID, "trade_state": "TRADE_FINISHED", "confirmed_at": utc(now)})
	}}
	g.first("The provider says that the trade is finished.")
	g.lacking(10, "request_id", "trade_no", "merchant_id", "trade_state", "confirmed_at")
	g.no("020", "An answer about another trade is none to this.", protocol.CodeRequestConflict, nil, member("trade_no", "trade-9002"))
	g.answering()
}

// groupRefund: refunds (SPEC.md 6.12).
func groupRefund(b *builder) {
	rule := ids("PSD-PAY-A402-11")
	ask := func() *letter {
		return b.question(keys.KindRefundRequest, b.seller(), obj{"merchant_id": shopDID, "trade_no": tradeNo, "amount": "12.50", "currency": "CNY", "reason": "NOT_DELIVERED"})
	}
	p := &post{b: b, group: "refund/request", operation: "refund_request.verify", output: obj{"key_id": sellerKey}, rule: rule, letter: ask}
	p.first("A merchant gives a part of one payment back.")
	p.lacking(10, "request_id", "nonce", "timestamp", "psp_id", "merchant_id", "trade_no", "amount", "currency", "reason")
	p.yes("020", "The payment may be named by its order.", nil, nil, member("trade_no", nil), member("merchant_order_id", orderNo))
	p.no("021", "A payment is named in one way.", protocol.CodeFieldInvalid, nil, member("merchant_order_id", orderNo))
	p.no("022", "Nothing is not given back.", protocol.CodeFieldInvalid, nil, member("amount", "0.00"))
	p.no("023", "A reason is one of the list: there is no text beside it.", protocol.CodeFieldInvalid, nil, member("reason", "the customer was angry"))
	p.envelope("merchant_id", keys.AgentRequest)
	compareCases(p, keys.KindRefundRequest, member("amount", "12.5"), member("reason", "OTHER"))
	r := &post{b: b, group: "refund/result", operation: "refund_result.verify", output: obj{"key_id": proofKey}, rule: rule, letter: func() *letter {
		return b.reply(keys.KindRefundResult, ask(), obj{"merchant_id": shopDID, "refund_no": "refund-1", "trade_no": tradeNo, "merchant_order_id": orderNo, "amount": "12.50", "currency": "CNY", "refunded_total": "12.50", "reason": "NOT_DELIVERED", "trade_state": "WAIT_SELLER_FULFILLMENT", "refunded_at": utc(now)})
	}}
	r.first("The provider says that this much was given back.")
	r.lacking(10, "request_id", "merchant_id", "refund_no", "trade_no", "merchant_order_id", "amount", "currency", "refunded_total", "reason", "trade_state", "refunded_at")
	r.no("030", "An answer to another request is none to this.", protocol.CodeRequestConflict, nil, member("request_id", "ask-2"))
	r.no("031", "A refund of another trade was not asked for.", protocol.CodeOrderMismatch, nil, member("trade_no", "trade-9002"))
	r.no("032", "A smaller refund was not asked for.", protocol.CodeOrderMismatch, nil, member("amount", "12.49"))
	r.no("033", "A refund in another currency was not asked for.", protocol.CodeOrderMismatch, nil, member("currency", "USD"))
	r.no("034", "Another reason was not given.", protocol.CodeOrderMismatch, nil, member("reason", "OTHER"))
	r.no("035", "What was not paid is not given back.", protocol.CodeFieldInvalid, nil, member("trade_state", "WAIT_BUYER_PAY"))
	r.no("036", "All refunds together are at least this one.", protocol.CodeFieldInvalid, nil, member("refunded_total", "12.49"))
	byOrder := func(l *letter) {
		q := ask()
		delete(q.members, "trade_no")
		q.members["merchant_order_id"] = orderNo
		l.more["sent"] = q.text()
	}
	r.yes("037", "A refund may be asked for by the order.", nil, nil, byOrder)
	r.no("038", "A refund of another order was not asked for.", protocol.CodeOrderMismatch, nil, byOrder, member("merchant_order_id", "order-7002"))
	r.answering()
}

// groupTradeState: questions about trades (SPEC.md 6.13).
func groupTradeState(b *builder) {
	rule := ids("PSD-PAY-A402-23")
	ask := func() *letter {
		return b.question(keys.KindTradeQuery, b.seller(), obj{"merchant_id": shopDID, "trade_no": tradeNo})
	}
	p := &post{b: b, group: "trade/query", operation: "trade_query.verify", output: obj{"key_id": sellerKey}, rule: rule, letter: ask}
	p.first("A merchant asks what has become of a trade.")
	p.lacking(10, "request_id", "nonce", "timestamp", "psp_id", "merchant_id", "trade_no")
	p.no("020", "A trade is named in one way.", protocol.CodeFieldInvalid, nil, member("merchant_order_id", orderNo))
	agent := func(l *letter) {
		l.signer = b.buyer()
		l.members["buyer_agent_id"] = buyerDID
	}
	p.yes("021", "The agent that paid asks likewise.", obj{"key_id": agentKey}, nil, agent)
	p.no("022", "A key for selling does not ask in the name of an agent.", protocol.CodeClaimsConflict, nil, member("buyer_agent_id", buyerDID))
	p.no("023", "A key for agent requests does not ask as the merchant.", protocol.CodeClaimsConflict, nil, func(l *letter) { l.signer = b.buyer() })
	p.no("024", "An agent that asks is named by a DID.", protocol.CodeFieldInvalid, nil, agent, member("buyer_agent_id", "buyer"))
	p.envelope("merchant_id", keys.AgentRequest)
	refund := func(changes ...any) obj {
		return changed(obj{"refund_no": "refund-1", "refund_request_id": "ref-1", "amount": "12.50", "reason": "NOT_DELIVERED", "refunded_at": utc(now.Add(-time.Minute))}, changes)
	}
	r := &post{b: b, group: "trade/state", operation: "trade_state.verify", output: obj{"key_id": proofKey}, rule: rule, letter: func() *letter {
		return b.reply(keys.KindTradeState, ask(), obj{"merchant_id": shopDID, "buyer_agent_id": buyerDID, "trade_no": tradeNo, "merchant_order_id": orderNo, "amount": "48.50", "currency": "CNY", "trade_state": "WAIT_SELLER_FULFILLMENT",
			"paid_at": utc(now.Add(-time.Hour)), "refunded_total": "12.50", "refunds": list{refund()}, "as_of": utc(now)})
	}}
	r.first("A provider tells the state of a trade, and what of it was given back.")
	r.lacking(10, "request_id", "merchant_id", "buyer_agent_id", "trade_no", "merchant_order_id", "amount", "currency", "trade_state", "refunded_total", "as_of")
	r.yes("020", "Where nothing was given back there is no list.", nil, nil, member("refunds", nil), member("refunded_total", "0.00"))
	r.yes("021", "A trade that waits for its payment was not paid.", nil, nil, member("refunds", nil), member("refunded_total", "0.00"), member("paid_at", nil), member("trade_state", "WAIT_BUYER_PAY"))
	r.no("022", "A sum is that of the list.", protocol.CodeFieldInvalid, nil, member("refunded_total", "12.51"))
	r.no("023", "A list is not empty.", protocol.CodeFieldInvalid, nil, member("refunds", list{}), member("refunded_total", "0.00"))
	r.no("024", "No more than all is given back.", protocol.CodeFieldInvalid, nil, member("refunds", list{refund("amount", "48.51")}), member("refunded_total", "48.51"))
	r.no("025", "What was paid has a time of payment.", protocol.CodeFieldMissing, nil, member("paid_at", nil))
	r.no("026", "CREATE is before there is a trade.", protocol.CodeFieldInvalid, nil, member("trade_state", "CREATE"), member("paid_at", nil), member("refunds", nil), member("refunded_total", "0.00"))
	r.no("027", "An answer to another question is none to this.", protocol.CodeRequestConflict, nil, member("request_id", "ask-2"))
	r.no("028", "An answer about another trade is none.", protocol.CodeOrderMismatch, nil, member("trade_no", "trade-9002"))
	r.no("029", "An answer about another merchant's trade is none.", protocol.CodeOrderMismatch, nil, member("merchant_id", shop2DID))
	r.no("030", "An answer of long ago is not of now.", protocol.CodeRequestExpired, nil, member("as_of", utc(now.Add(-5*time.Minute-time.Second))))
	r.no("031", "To an agent that asked a trade of another agent is none.", protocol.CodeAgentMismatch, nil, member("buyer_agent_id", otherDID), func(l *letter) {
		q := ask()
		agent(q)
		l.more["sent"] = q.text()
	})
	refunds := func(n int) edit {
		return func(l *letter) {
			all := list{}
			for i := range n {
				all = append(all, refund("refund_no", "refund-"+strconv.Itoa(i), "amount", "0.10"))
			}
			l.members["refunds"], l.members["refunded_total"] = all, "6."+strconv.Itoa(n-60)+"0"
		}
	}
	r.yes("032", "A trade may have 64 refunds.", nil, nil, refunds(64))
	r.no("033", "A trade has no more than 64 refunds.", protocol.CodeFieldInvalid, nil, refunds(65))
	r.no("034", "A refund has a number without spaces.", protocol.CodeFieldInvalid, nil, member("refunds", list{refund("refund_no", "refund 1")}))
	r.no("035", "A refund names its request without spaces.", protocol.CodeFieldInvalid, nil, member("refunds", list{refund("refund_request_id", "ref 1")}))
	closed := []edit{member("trade_state", "TRADE_CLOSED"), member("paid_at", nil)}
	none := []edit{member("refunds", nil), member("refunded_total", "0.00")}
	r.yes("036", "A trade may be closed that was not paid.", nil, nil, slices.Concat(closed, none)...)
	r.no("037", "Of a trade that was not paid nothing was given back.", protocol.CodeFieldInvalid, nil, closed...)
	r.no("038", "What waits for its payment has no time of payment.", protocol.CodeFieldInvalid, nil, append(none, member("trade_state", "WAIT_BUYER_PAY"))...)
	byOrder := func(l *letter) {
		q := ask()
		delete(q.members, "trade_no")
		q.members["merchant_order_id"] = orderNo
		l.more["sent"] = q.text()
	}
	r.yes("060", "A trade may be asked about by its order.", nil, nil, byOrder)
	r.no("061", "An answer about another order is none.", protocol.CodeOrderMismatch, nil, byOrder, member("merchant_order_id", "order-7002"))
	r.answering()
}

// groupNotification: notifications (SPEC.md 6.14).
func groupNotification(b *builder) {
	rule := ids("PSD-PAY-DEL-13", "PSD-PAY-INS-06")
	p := &post{b: b, group: "notification/paid", operation: "payment_notification.verify", output: obj{"key_id": proofKey, "event": "PAYMENT_COMPLETED", "sequence": 7}, rule: rule, letter: func() *letter {
		return &letter{b: b, kind: keys.KindPaymentNotification, signer: b.payer(), documents: b.parties(), more: obj{"recipient": shopDID, "psp_id": pspDID}, members: obj{
			"psp_id": pspDID, "merchant_id": shopDID, "sequence": 7, "timestamp": utc(now), "event": "PAYMENT_COMPLETED", "occurred_at": utc(now.Add(-time.Minute)), "trade_no": tradeNo, "merchant_order_id": orderNo,
			"amount": "48.50", "currency": "CNY", "trade_state": "WAIT_SELLER_FULFILLMENT",
		}}
	}}
	p.first("A provider tells a merchant that the money has arrived.")
	p.lacking(10, "merchant_id", "sequence", "timestamp", "event", "occurred_at", "trade_no", "merchant_order_id", "amount", "currency", "trade_state")
	back := []edit{member("event", "PAYMENT_REFUNDED"), member("refund_no", "refund-1"), member("refund_request_id", "ref-1"), member("refund_amount", "12.50"), member("refunded_total", "12.50")}
	p.yes("030", "A refund tells how much and for which request.", obj{"key_id": proofKey, "event": "PAYMENT_REFUNDED", "sequence": 7}, nil, back...)
	p.yes("031", "An instant payment that nobody confirmed is closed.", obj{"key_id": proofKey, "event": "PAYMENT_CLOSED", "sequence": 7}, nil, member("event", "PAYMENT_CLOSED"), member("trade_state", "TRADE_CLOSED"))
	p.no("032", "A completed payment has nothing of a refund.", protocol.CodeFieldInvalid, nil, back[1:]...)
	p.no("033", "A refund has all of it.", protocol.CodeFieldMissing, nil, append(back, member("refund_no", nil))...)
	p.no("034", "A completed payment waits for its delivery.", protocol.CodeFieldInvalid, nil, member("trade_state", "WAIT_BUYER_PAY"))
	p.no("035", "What was never paid is not given back.", protocol.CodeFieldInvalid, nil, append(back, member("trade_state", "WAIT_BUYER_PAY"))...)
	p.no("036", "A number counts from 1.", protocol.CodeFieldInvalid, nil, member("sequence", 0))
	p.no("037", "A number is a number.", protocol.CodeFieldInvalid, nil, member("sequence", "7"))
	p.no("038", "An event is one of three.", protocol.CodeFieldInvalid, nil, member("event", "PAYMENT_HELD"))
	p.no("039", "A word to another merchant is none to this.", protocol.CodeAudienceMismatch, nil, member("merchant_id", shop2DID))
	p.no("040", "A word of long ago is signed anew.", protocol.CodeRequestExpired, nil, member("timestamp", utc(now.Add(-5*time.Minute-time.Second))))
	p.yes("041", "The largest number is that which every reader keeps.", obj{"key_id": proofKey, "event": "PAYMENT_COMPLETED", "sequence": 9007199254740991}, nil, member("sequence", raw("9007199254740991")))
	p.no("042", "A larger one is refused.", protocol.CodeFieldInvalid, nil, member("sequence", raw("9007199254740992")))
	for i, c := range []struct {
		title string
		code  protocol.Code
		name  string
		value any
	}{
		{"A refund names the request that asked for it.", protocol.CodeFieldMissing, "refund_request_id", nil},
		{"A request is named without spaces.", protocol.CodeFieldInvalid, "refund_request_id", "ref 1"},
		{"All refunds together are at least this one.", protocol.CodeFieldInvalid, "refunded_total", "12.49"},
		{"All refunds together are at most what was paid.", protocol.CodeFieldInvalid, "refunded_total", "48.51"},
	} {
		p.no(three(i+43), c.title, c.code, nil, slices.Concat(back, []edit{member(c.name, c.value)})...)
	}
	p.answering()
}
