package vectors

import (
	"maps"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// payResult answers the payment of the cases, by letter to it.
func (b *builder) payResult(scenario string, sent *letter, claims ...any) *letter {
	own := changed(b.proofClaims(), []any{"request_method", nil, "request_fingerprint", nil, "out_trade_no", orderNo, "resource_id", orderNo, "amount", "48.50",
		"iat", numericDate(now), "exp", numericDate(now.Add(24 * time.Hour))})
	h := &header{b: b, claims: changed(own, claims), proof: b.payer(), typ: keys.TypePaymentProof}
	l := &letter{b: b, kind: keys.KindPaymentResult, signer: b.payer(), documents: b.parties(),
		more: obj{"sent": sent.text(), "thumbprint": b.buyer().Public().Thumbprint()}, members: obj{
			"scenario": scenario, "request_id": payID, "trade_no": tradeNo, "delegation_id": grantID, "merchant_order_id": orderNo, "psp_id": pspDID, "buyer_agent_id": buyerDID, "merchant_id": shopDID,
			"amount": "48.50", "currency": "CNY", "trade_state": "WAIT_SELLER_FULFILLMENT", "paid_at": utc(now), "spent_total": "68.50", "payment_proof": h.token(), "proof_expires_at": utc(now.Add(24 * time.Hour)),
		}}
	if scenario == "INS" {
		delete(l.members, "delegation_id")
		delete(l.members, "spent_total")
	}
	return l
}

// proves replaces the proof in a result.
func proves(claims ...any) edit {
	return func(l *letter) {
		again := l.b.payResult("DEL", l.b.payRequest("DEL"), claims...)
		l.members["payment_proof"] = again.members["payment_proof"]
	}
}

// groupResult: results and refusals of payments (SPEC.md 6.1).
func groupResult(b *builder) {
	output := obj{"trade_no": tradeNo, "trade_state": "WAIT_SELLER_FULFILLMENT", "amount": "48.50"}
	p := &post{b: b, group: "result/directed", operation: "payment.result.verify", output: output, rule: ids("PSD-PAY-DEL-13"), letter: func() *letter { return b.payResult("DEL", b.payRequest("DEL")) }}
	p.first("A result says that this request was paid, and has the proof.")
	p.lacking(10, "request_id", "trade_no", "scenario", "delegation_id", "merchant_order_id", "merchant_id", "amount", "currency", "trade_state", "paid_at", "spent_total", "payment_proof", "proof_expires_at")
	p.no("030", "A result of another request is none of this.", protocol.CodeRequestConflict, nil, member("request_id", "pay-2"))
	p.no("031", "A result of another agent is none of this.", protocol.CodeAgentMismatch, nil, member("buyer_agent_id", otherDID))
	p.no("032", "A payment to somebody else is not what was asked for.", protocol.CodeOrderMismatch, nil, member("merchant_id", shop2DID))
	p.no("033", "A payment of another order is not what was asked for.", protocol.CodeOrderMismatch, nil, member("merchant_order_id", "order-7002"))
	p.no("034", "A payment under another mandate is not what was asked for.", protocol.CodeOrderMismatch, nil, member("delegation_id", "urn:uuid:00000000-0000-4000-8000-000000000000"))
	p.no("035", "A payment of another scenario is not what was asked for.", protocol.CodeModeMismatch, nil, member("scenario", "AUP"))
	money := ids("PSD-PAY-DEL-10", "PSD-PAY-DEL-13")
	p.no("036", "What the agent records is what the provider confirmed, and that is what was asked for.", protocol.CodeOrderMismatch, money, member("amount", "48.49"))
	p.no("037", "A result is about money that has moved.", protocol.CodeFieldInvalid, nil, member("trade_state", "WAIT_BUYER_PAY"))
	p.no("038", "A state that nobody knows is none.", protocol.CodeFieldInvalid, nil, member("trade_state", "PAID"))
	p.yes("039", "A repeated answer may come long after the payment.", nil, nil, member("paid_at", utc(now.Add(-12*time.Hour))))
	p.yes("040", "Another spelling of the amount is the same amount.", nil, money, member("amount", "48.5"))
	p.answering()
	proof := ids("PSD-PAY-A402-17", "PSD-PAY-DEL-13")
	for i, c := range []struct {
		title string
		value []any
	}{
		{"The proof inside is of this trade.", []any{"trade_no", "trade-9002"}},
		{"The proof inside is for this order.", []any{"out_trade_no", "order-7002", "resource_id", "order-7002"}},
		{"The proof inside is for this payee.", []any{"aud", shop2DID}},
		{"The proof inside is of this payer.", []any{"payer", otherDID}},
		{"The proof inside is of this amount.", []any{"amount", "48.49"}},
		{"The proof inside is for the agent's key.", []any{"cnf.jkt", b.seller().Public().Thumbprint()}},
		{"The proof inside ends when the result says.", []any{"exp", numericDate(now.Add(23 * time.Hour))}},
		{"The proof inside is by the method of the request.", []any{"method_id", "act:payment/card"}},
		{"The proof inside of an order is for no request.", []any{"resource_id", resourceID, "request_method", "GET", "request_fingerprint", sha256Digest("x")}},
	} {
		p.no(three(i+50), c.title, protocol.CodeProofMismatch, proof, proves(c.value...))
	}
	p.no("060", "The proof inside is a proof.", protocol.CodeMalformed, proof, member("payment_proof", "AAAA"))
	p.no("061", "The proof inside is complete.", protocol.CodeFieldMissing, proof, proves("jti", nil))
	i := &post{b: b, group: "result/instant", operation: "payment.result.verify", output: output, rule: ids("PSD-PAY-INS-06"), letter: func() *letter { return b.payResult("INS", b.payRequest("INS")) }}
	i.first("The result of an instant payment has no mandate and no total.")
	i.no("002", "It names none.", protocol.CodeFieldInvalid, nil, member("delegation_id", grantID))
	i.no("003", "It counts none.", protocol.CodeFieldInvalid, nil, member("spent_total", "48.50"))
	i.no("004", "It is of the amount that was asked for.", protocol.CodeOrderMismatch, nil, member("amount", "58.50"))
	refusals(b)
	makes(b)
}

// refusals: which answers settle a request (SPEC.md 6.1).
func refusals(b *builder) {
	rule := ids("PSD-PAY-A402-23", "PSD-PAY-DEL-11")
	add := func(id, title string, status int, body string, settled bool, code string) {
		out := obj{"settled": settled}
		if settled {
			out["code"] = code
		}
		b.valid(spec{id: "result/refusal/" + id, title: title, requirements: rule, operation: "payment.refusal.read", output: out,
			input: obj{"status": status, "body": body, "sent": b.payRequest("DEL").text(), "key_id": agentKey, "key": b.privateJWK(agentKey, keys.EdDSA)}})
	}
	body := func(code, outcome, about string) string {
		e := obj{"code": code, "outcome": outcome}
		if about != "" {
			e["payment_request_id"] = about
		}
		return b.textOf("body", obj{"error": e})
	}
	add("001", "A refusal that names the request is its answer for good.", 403, body("total_limit_exceeded", "denied", payID), true, "total_limit_exceeded")
	add("002", "Another code that is stored.", 402, body("balance_insufficient", "denied", payID), true, "balance_insufficient")
	add("003", "A refusal without the request speaks of one message, and leaves the outcome open.", 403, body("total_limit_exceeded", "denied", ""), false, "")
	add("004", "A refusal of another request says nothing of this.", 403, body("total_limit_exceeded", "denied", "pay-2"), false, "")
	add("005", "What is undetermined settles nothing, whatever it names.", 503, body("status_unavailable", "undetermined", payID), false, "")
	add("006", "A denial with the status of a failed server is not believed.", 500, body("total_limit_exceeded", "denied", payID), false, "")
	add("007", "A code that nobody knows settles nothing.", 403, body("no_fun", "denied", payID), false, "")
	add("008", "A page in between settles nothing.", 403, "<html>Forbidden</html>", false, "")
	add("009", "An empty answer settles nothing.", 403, "", false, "")
	add("010", "A redirect settles nothing.", 302, body("total_limit_exceeded", "denied", payID), false, "")
	add("011", "Too many requests settle nothing.", 429, body("too_many_requests", "denied", ""), false, "")
}

// makes: payment requests as agents write them (SPEC.md 6.1, 6.8).
func makes(b *builder) {
	add := func(id, title, scenario string, requirements []string) spec {
		l := b.payRequest(scenario)
		input := obj{"members": maps.Clone(l.members), "key_id": agentKey, "key": b.privateJWK(agentKey, keys.EdDSA)}
		var message obj
		if err := canon.Decode([]byte(l.text()), &message); err != nil {
			b.fail(id, "%w", err)
		}
		return b.valid(spec{id: "make/" + id, title: title, requirements: requirements, operation: "payment.request.make", features: []string{"ed25519"}, input: input, output: obj{"message": message}})
	}
	in := func(name string, value any) func(obj) {
		return func(input obj) {
			if value == nil {
				delete(input["members"].(obj), name)
			} else {
				input["members"].(obj)[name] = value
			}
		}
	}
	directed := add("directed/001", "A directed payment names its mandate and its order, and its signature covers every member.", "DEL", ids("PSD-PAY-DEL-02", "PSD-PAY-DEL-03"))
	autonomous := add("autonomous/001", "So does an autonomous payment.", "AUP", ids("PSD-PAY-AUP-06", "PSD-PAY-DEL-03"))
	instant := add("instant/001", "An instant payment has no mandate.", "INS", ids("PSD-PAY-INS-08", "PSD-PAY-INS-05"))
	b.invalid(directed, spec{id: "make/directed/002", title: "Without its mandate none is sent.", code: protocol.CodeFieldMissing}, in("iac", nil))
	b.invalid(directed, spec{id: "make/directed/003", title: "Without an order none is sent.", code: protocol.CodeFieldMissing}, in("order", nil))
	b.invalid(directed, spec{id: "make/directed/004", title: "An agent signs for nobody else.", code: protocol.CodeClaimsConflict}, in("buyer_agent_id", otherDID))
	b.invalid(directed, spec{id: "make/directed/005", title: "An amount with more decimals than its currency is not sent.", code: protocol.CodeFieldInvalid}, in("amount", "48.505"))
	b.invalid(autonomous, spec{id: "make/autonomous/002", title: "Without its mandate none is sent.", code: protocol.CodeFieldMissing}, in("iac", nil))
	b.invalid(autonomous, spec{id: "make/autonomous/003", title: "Without naming it neither.", code: protocol.CodeFieldMissing}, in("delegation_id", nil))
	b.invalid(instant, spec{id: "make/instant/002", title: "With a mandate none is sent.", code: protocol.CodeFieldInvalid}, in("iac", directed.input["members"].(obj)["iac"]))
	b.invalid(instant, spec{id: "make/instant/003", title: "Without a token none is sent.", code: protocol.CodeFieldMissing}, in("payment_token", nil))
}

// question is a signed message that somebody sends to the provider.
func (b *builder) question(kind string, s *keys.Signer, members obj) *letter {
	m := obj{"request_id": askID, "nonce": nonce(kind), "timestamp": utc(now), "psp_id": pspDID}
	maps.Copy(m, members)
	return &letter{b: b, kind: kind, signer: s, documents: b.parties(), more: obj{"recipient": pspDID}, members: m}
}

// reply is a signed message of the provider, to a question.
func (b *builder) reply(kind string, sent *letter, members obj) *letter {
	m := obj{"request_id": sent.members["request_id"], "psp_id": pspDID}
	maps.Copy(m, members)
	return &letter{b: b, kind: kind, signer: b.payer(), documents: b.parties(), more: obj{"sent": sent.text()}, members: m}
}

// groupAsk: what agents ask a provider (SPEC.md 6.1, 6.10).
func groupAsk(b *builder) {
	p := &post{b: b, group: "ask/payment", operation: "payment_query.verify", output: obj{"key_id": agentKey}, rule: ids("PSD-PAY-A402-23"), letter: func() *letter {
		return b.question(keys.KindPaymentQuery, b.buyer(), obj{"buyer_agent_id": buyerDID, "payment_request_id": payID})
	}}
	p.first("When the outcome is not known, it is asked for before anything else.")
	p.lacking(10, "request_id", "nonce", "timestamp", "psp_id", "buyer_agent_id", "payment_request_id")
	p.envelope("buyer_agent_id", keys.Seller)
	ask := func() *letter {
		return b.question(keys.KindInstrumentQuery, b.buyer(), obj{"buyer_agent_id": buyerDID, "payment_token": walletID})
	}
	q := &post{b: b, group: "ask/instrument", operation: "instrument_query.verify", output: obj{"key_id": agentKey}, rule: ids("PSD-PAY-AUP-02"), letter: ask}
	q.first("Before a payment an agent asks whether its instrument is usable.")
	q.yes("002", "A sub-account is asked about likewise.", nil, nil, member("payment_token", nil), member("subaccount_id", "sub-1"))
	q.no("003", "A question is about an instrument.", protocol.CodeFieldMissing, nil, member("payment_token", nil))
	q.no("004", "A question is about one instrument.", protocol.CodeFieldInvalid, nil, member("subaccount_id", "sub-1"))
	q.envelope("buyer_agent_id", keys.Seller)
	rule := ids("PSD-PAY-AUP-02", "PSD-PAY-A402-05")
	r := &post{b: b, group: "ask/state", operation: "payment.instrument.verify", output: obj{"key_id": proofKey}, rule: rule, letter: func() *letter {
		return b.reply(keys.KindInstrumentState, ask(), obj{"buyer_agent_id": buyerDID, "payment_token": walletID, "state": "ACTIVE", "valid_until": utc(now.Add(time.Hour)), "available": "80.00", "currency": "CNY", "as_of": utc(now)})
	}}
	r.first("A provider says that an instrument is usable, until when, and for how much.")
	r.yes("002", "A token without a ceiling tells no amount.", nil, nil, member("available", nil), member("currency", nil))
	r.yes("003", "A period without an end tells none.", nil, nil, member("valid_until", nil))
	for i, state := range []string{"FROZEN", "CANCELLED", "EXPIRED", "NOT_YET_VALID"} {
		r.yes(three(i+4), "An instrument may be "+state+", and nothing is available then.", nil, ids("PSD-PAY-AUP-02", "PSD-AGT-SUB-02"), member("state", state), member("available", "0.00"), member("valid_until", nil))
	}
	r.lacking(10, "request_id", "buyer_agent_id", "payment_token", "state", "as_of")
	r.no("020", "A state that nobody knows is none.", protocol.CodeFieldInvalid, nil, member("state", "SLEEPING"))
	r.no("021", "Nothing is available of what is not active.", protocol.CodeFieldInvalid, nil, member("state", "FROZEN"))
	r.no("022", "An amount has its currency.", protocol.CodeFieldMissing, nil, member("currency", nil))
	r.no("023", "What is active has not ended.", protocol.CodeFieldInvalid, nil, member("valid_until", utc(now)))
	r.no("024", "An answer to another question is none to this.", protocol.CodeRequestConflict, nil, member("request_id", "ask-2"))
	r.no("025", "An answer about another agent's is none.", protocol.CodeAgentMismatch, nil, member("buyer_agent_id", otherDID))
	r.no("026", "An answer about another instrument is none.", protocol.CodeInstrumentMismatch, nil, member("payment_token", "token-2"))
	r.no("027", "An answer of long ago is not of now.", protocol.CodeRequestExpired, nil, member("as_of", utc(now.Add(-5*time.Minute-time.Second))))
	r.no("028", "An answer of the future is not of now either.", protocol.CodeRequestExpired, nil, member("as_of", utc(now.Add(61*time.Second))))
	r.no("029", "A sub-account always tells what it has.", protocol.CodeFieldMissing, nil, func(l *letter) {
		l.members["subaccount_id"] = "sub-1"
		for _, name := range []string{"payment_token", "available", "currency"} {
			delete(l.members, name)
		}
		l.more["sent"] = b.question(keys.KindInstrumentQuery, b.buyer(), obj{"buyer_agent_id": buyerDID, "subaccount_id": "sub-1"}).text()
	})
	drawn := func(l *letter) {
		set(l.members, "payment_token", nil)
		l.members["subaccount_id"] = "sub-1"
		l.more["sent"] = b.question(keys.KindInstrumentQuery, b.buyer(), obj{"buyer_agent_id": buyerDID, "subaccount_id": "sub-1"}).text()
	}
	r.yes("030", "A sub-account is told of likewise.", nil, nil, drawn)
	r.no("031", "An answer about another sub-account is none.", protocol.CodeInstrumentMismatch, nil, drawn, member("subaccount_id", "sub-2"))
	r.answering()
}
