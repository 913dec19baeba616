package vectors

import (
	"maps"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// sale is the order of the payments' cases: of two lattes and a tea, inside of
// the boundaries of the mandate of authorization.
func (b *builder) sale(changes ...func(*confirmation)) string {
	return b.confirmation(changes...).token()
}

// payRequest pays the order of the cases under the grant of the cases.
func (b *builder) payRequest(scenario string, changes ...change) *letter {
	l := &letter{b: b, kind: keys.KindPaymentRequest, signer: b.buyer(), documents: b.parties(), members: obj{
		"scenario": scenario, "request_id": payID, "nonce": nonce("pay"), "timestamp": utc(now), "psp_id": pspDID, "buyer_agent_id": buyerDID, "merchant_id": shopDID,
		"merchant_order_id": orderNo, "amount": "48.50", "currency": "CNY", "payment_method": walletURN, "payment_token": walletID,
	}, more: obj{"recipient": pspDID, "issuers": list{}, "status": obj{}}}
	if scenario == "INS" {
		l.members["order"] = b.sale(confirms("delegation_id", nil))
		l.more["cashier"] = true
		return l
	}
	if scenario == "AUP" {
		changes = append([]change{subject("delegation_mode", "BOUNDED")}, changes...)
	}
	g := b.grant(keys.EdDSA, changes...)
	l.members["delegation_id"], l.members["order"] = grantID, b.sale()
	l.members["iac"] = g.sign()
	maps.Copy(l.documents, g.documents)
	l.more["issuers"], l.more["status"] = g.issuers, g.status
	return l
}

// payOutput is what payment.request.verify says of payRequest. Its digest is of
// the payload of the mandate.
func (b *builder) payOutput(scenario string, changes ...change) obj {
	out := obj{
		"agent_id": buyerDID, "payee": shopDID, "order_number": orderNo, "amount": "48.50", "currency": "CNY", "intent_id": intentID, "expires": utc(now.Add(10 * time.Minute)),
		"proof": obj{"resource_id": orderNo, "method_id": methodName, "jkt": b.buyer().Public().Thumbprint()},
	}
	if scenario == "INS" {
		return out
	}
	if scenario == "AUP" {
		changes = append([]change{subject("delegation_mode", "BOUNDED")}, changes...)
	}
	out["mandate"] = obj{
		"issuer": bankDID, "delegation_id": grantID, "delegator_identity": annDID, "max_total_amount": "200.00",
		"payload_digest": string(canon.Sum([]byte(b.grant(keys.EdDSA, changes...).signed()))),
	}
	return out
}

// under replaces the mandate of a request.
func under(changes ...change) edit {
	return func(l *letter) {
		if l.members["scenario"] == "AUP" {
			changes = append([]change{subject("delegation_mode", "BOUNDED")}, changes...)
		}
		g := l.b.grant(keys.EdDSA, changes...)
		l.members["iac"] = g.sign()
		maps.Copy(l.documents, g.documents)
		l.more["issuers"], l.more["status"] = g.issuers, g.status
	}
}

// buys replaces the order of a request.
func buys(changes ...func(*confirmation)) edit {
	return func(l *letter) { l.members["order"] = l.b.sale(changes...) }
}

// bills has a bill in place of the order, and what it says in the request.
func bills(strokes ...stroke) edit {
	return func(l *letter) {
		h := l.b.bill(strokes...)
		delete(l.members, "order")
		l.members["bill"] = canon.EncodeBase64([]byte(h.text()))
		l.members["merchant_order_id"], l.members["amount"] = billNo, "18.00"
	}
}

// groupPay: payment requests under a mandate (SPEC.md 6.1).
func groupPay(b *builder) {
	p := &post{b: b, group: "pay/request", operation: "payment.request.verify", output: b.payOutput("DEL"), letter: func() *letter { return b.payRequest("DEL") },
		rule: ids("PSD-PAY-DEL-02")}
	p.first("A directed payment: request, mandate and order agree, and every boundary holds.")
	p.lacking(10, "scenario", "request_id", "nonce", "timestamp", "psp_id", "buyer_agent_id", "merchant_id", "merchant_order_id", "amount", "currency", "payment_method", "payment_token", "delegation_id", "iac", "order")
	p.no("030", "There are three scenarios.", protocol.CodeFieldInvalid, nil, member("scenario", "GIFT"))
	p.no("031", "An amount is more than zero.", protocol.CodeFieldInvalid, nil, member("amount", "0.00"))
	p.no("032", "An amount is a string.", protocol.CodeFieldInvalid, nil, member("amount", raw("48.50")))
	p.no("033", "A payment is for an order or a bill, and not for both.", protocol.CodeFieldInvalid, nil, member("bill", canon.EncodeBase64([]byte(b.bill().text()))))
	p.no("034", "A method has the name that mandates use.", protocol.CodeFieldInvalid, nil, member("payment_method", methodName))
	p.no("035", "A token and a sub-account are not both debited.", protocol.CodeFieldInvalid, ids("PSD-AGT-SUB-04"), member("subaccount_id", "sub-1"), member("subaccount_authorization", "e30.e30.AA"))
	p.no("036", "A sub-account needs its authorization.", protocol.CodeFieldMissing, ids("PSD-AGT-SUB-04"), member("payment_token", nil), member("subaccount_id", "sub-1"))
	p.no("037", "An authorization needs its sub-account.", protocol.CodeFieldMissing, ids("PSD-AGT-SUB-04"), member("payment_token", nil), member("subaccount_authorization", "e30.e30.AA"))
	p.yes("038", "An amount is compared by its value.", nil, nil, member("amount", "48.5"))
	p.rule = ids("PSD-PAY-DEL-04")
	p.envelope("buyer_agent_id", keys.Seller)
	compareCases(&post{b: b, group: p.group, rule: ids("PSD-PAY-DEL-04"), letter: p.letter}, keys.KindPaymentRequest, member("amount", "48.5"), member("payment_token", "token-2"))
	payMandate(p)
	payOrder(p)
	payBill(b, p)
	payBoundaries(p)
}

// payMandate: the mandate of a payment (PSD-PAY-DEL-05).
func payMandate(p *post) {
	b := p.b
	p.group = "pay/mandate"
	p.rule = ids("PSD-PAY-DEL-05", "PSD-PAY-DEL-11")
	p.no("001", "The holder's key signs the request: another key of the agent does not.", protocol.CodeAgentMismatch, nil, func(l *letter) {
		l.signer = b.signer(buyerDID+"#k2", keys.AgentRequest, keys.EdDSA)
		l.documents[buyerDID] = document(buyerDID, entry(b.buyer()), entry(l.signer))
	})
	p.no("002", "A mandate of another agent is not this one's.", protocol.CodeAgentMismatch, nil, under(claim("sub", otherDID), subject("agent_id", otherDID)))
	p.no("003", "A mandate that the request does not name is another.", protocol.CodeClaimsConflict, nil, member("delegation_id", "urn:uuid:00000000-0000-4000-8000-000000000000"))
	p.no("004", "A mandate for another provider is of no use here.", protocol.CodeAudienceMismatch, nil, under(claim("aud", psp2DID)))
	p.no("005", "A revoked mandate pays nothing.", protocol.CodeMandateRevoked, nil, under(statusOf(map[int]byte{3: 1})))
	p.no("006", "A suspended mandate pays nothing.", protocol.CodeMandateSuspended, nil, under(statusOf(map[int]byte{3: 2})))
	p.no("007", "A mandate whose state cannot be learned pays nothing.", protocol.CodeStatusUnavailable, nil, given("status", obj{}))
	p.no("008", "An issuer that nobody trusts issues nothing.", protocol.CodeIssuerUntrusted, nil, given("issuers", list{}))
	p.no("009", "An issuer that is trusted for others does not speak for this principal.", protocol.CodeIssuerUntrusted, nil, given("issuers", list{obj{"issuer": bankDID, "delegator": bobDID}}))
	p.no("010", "A mandate that was changed after signing is found.", protocol.CodeSignatureInvalid, nil, under(finish(part(1, func(s string) string { return s[:len(s)-1] + " }" }))))
	p.no("011", "A mandate of tomorrow pays nothing today.", protocol.CodeMandateNotYetValid, nil, under(window(now.Add(time.Hour), now.Add(2*time.Hour))))
	p.no("012", "A mandate of yesterday pays nothing today.", protocol.CodeMandateExpired, nil, under(window(now.Add(-2*time.Hour), now)))
	mode := ids("PSD-PAY-DEL-12", "PSD-PAY-AUP-01", "PSD-PAY-DEL-05")
	p.no("013", "A BOUNDED mandate pays nothing that is directed.", protocol.CodeModeMismatch, mode, under(subject("delegation_mode", "BOUNDED")))
	p.no("014", "A mode that nobody knows pays nothing.", protocol.CodeFieldInvalid, mode, under(subject("delegation_mode", "FREE")))
	p.no("015", "A mandate that is not understood allows nothing.", protocol.CodeConstraintUnknown, nil, under(subject("ext.commerce.allowed_regions", list{"CN"})))

	a := &post{b: b, group: "pay/autonomous", operation: "payment.request.verify", output: b.payOutput("AUP"), letter: func() *letter { return b.payRequest("AUP") }, rule: ids("PSD-PAY-AUP-01", "PSD-PAY-AUP-03", "PSD-PAY-AUP-06")}
	a.first("An autonomous payment under a BOUNDED mandate.")
	a.no("002", "A SPECIFIED mandate pays nothing that is autonomous.", protocol.CodeModeMismatch, mode, under(subject("delegation_mode", "SPECIFIED")))
	a.no("003", "Without a mandate nothing is autonomous.", protocol.CodeFieldMissing, ids("PSD-PAY-AUP-06"), member("iac", nil))
	a.no("004", "Without naming its mandate neither.", protocol.CodeFieldMissing, ids("PSD-PAY-AUP-06"), member("delegation_id", nil))
	intent := ids("PSD-PAY-AUP-03", "PSD-PAY-DEL-04")
	a.no("005", "An order for another intent is not what the mandate is for.", protocol.CodeOrderMismatch, intent, buys(confirms("intent_id", "urn:uuid:00000000-0000-4000-8000-000000000000")))
	a.no("006", "A category outside of the mandate is not paid.", protocol.CodeCategoryNotAllowed, intent, buys(lined("category", "toys")))
	a.no("007", "A single limit holds for what is autonomous.", protocol.CodeSingleLimitExceeded, intent, under(subject("ext.commerce.max_single_amount", 48)))
	a.no("008", "A key of the agent that is not the holder's signs nothing.", protocol.CodeAgentMismatch, ids("PSD-PAY-AUP-06"), func(l *letter) {
		l.signer = b.signer(buyerDID+"#k2", keys.AgentRequest, keys.EdDSA)
		l.documents[buyerDID] = document(buyerDID, entry(b.buyer()), entry(l.signer))
	})
}

// window moves the window of a mandate, which is issued when it begins.
func window(from, to time.Time) change {
	return func(g *grant) {
		for path, value := range (obj{
			"nbf": numericDate(from), "exp": numericDate(to), "iat": numericDate(minTime(from, now)),
			"vc.credentialSubject.validity_start_time": utc(from), "vc.credentialSubject.validity_end_time": utc(to),
		}) {
			set(g.claims, path, value)
		}
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// payOrder: the order of a payment (CID-CART-CFM-05).
func payOrder(p *post) {
	b := p.b
	p.group, p.rule = "pay/order", ids("CID-CART-CFM-05")
	p.no("001", "An amount that the agent altered is not the order's.", protocol.CodeOrderMismatch, nil, member("amount", "48.49"))
	p.no("002", "A currency that the agent altered is not the order's.", protocol.CodeOrderMismatch, nil, buys(confirms("currency", "USD")))
	p.no("003", "A number that the agent altered is not the order's.", protocol.CodeOrderMismatch, nil, member("merchant_order_id", "order-7002"))
	p.no("004", "A payee that did not sign is not the order's.", protocol.CodeOrderMismatch, nil, member("merchant_id", shop2DID))
	p.no("005", "A method that the order does not name is not the order's.", protocol.CodeOrderMismatch, nil, member("payment_method", cardURN))
	p.no("006", "An order for another buyer is not paid by this one.", protocol.CodeAgentMismatch, nil, buys(confirms("sub", otherDID), confirms("buyer_agent_id", otherDID)))
	p.no("007", "An order for another provider is not paid here.", protocol.CodeAudienceMismatch, nil, buys(confirms("psp_id", psp2DID)))
	p.no("008", "An order under another mandate is not paid under this one.", protocol.CodeOrderMismatch, nil, buys(confirms("delegation_id", "urn:uuid:00000000-0000-4000-8000-000000000000")))
	p.yes("009", "An order may leave the mandate out.", nil, nil, buys(confirms("delegation_id", nil)))
	p.no("010", "An order for another intent than the mandate's is not paid under it.", protocol.CodeOrderMismatch, ids("PSD-PAY-DEL-04"), buys(confirms("intent_id", "urn:uuid:00000000-0000-4000-8000-000000000000")))
	p.yes("011", "Where the mandate names no intent, that of the order stands.", changed(b.payOutput("DEL", noIntent), []any{"intent_id", intentID}), ids("PSD-PAY-DEL-04"), under(noIntent))
	locked := ids("CID-CART-CFM-04")
	p.no("012", "An order whose lock has ended is not paid.", protocol.CodeOrderExpired, locked, buys(confirms("iat", numericDate(now.Add(-10*time.Minute))), confirms("exp", numericDate(now))))
	p.no("013", "An order that the merchant did not sign is none.", protocol.CodeSignatureInvalid, locked, buys(func(c *confirmation) { c.signer = keyNamed(b, "forger", sellerKey, keys.Seller) }))
	p.no("014", "An order by a key that sells nothing is none.", protocol.CodeKeyPurpose, locked, func(l *letter) {
		l.documents[shopDID] = document(shopDID, entry(b.signer(sellerKey, keys.Proof, keys.EdDSA)))
	})
	p.no("015", "A merchant whose document cannot be had leaves the order undecided.", protocol.CodeKeyUnavailable, locked, func(l *letter) { delete(l.documents, shopDID) })
	p.no("016", "An order that does not add up is none.", protocol.CodeFieldInvalid, ids("CID-CART-CFM-05"), buys(confirms("amount", "48.49")), member("amount", "48.49"))
	p.no("017", "A token of another kind is no order.", protocol.CodeTypeMismatch, nil, buys(func(c *confirmation) { c.header["typ"] = keys.TypePaymentProof }))
}

// noIntent has a mandate carry the conversation in place of the intent's id.
func noIntent(g *grant) {
	set(g.claims, "vc.credentialSubject.intent_id", nil)
	set(g.claims, "vc.credentialSubject.conversation_history", obj{"user_intent_raw": list{obj{"role": "user", "content": "coffee", "create_time": utc(grantIssued)}}, "input_mode": list{"TEXT"}})
}

// payBill: a bill in place of an order (SPEC.md 6.1, 6.4).
func payBill(b *builder, p *post) {
	output := changed(b.payOutput("DEL"), []any{"order_number", billNo, "amount", "18.00", "proof.resource_id", resourceID, "proof.request_method", "GET", "proof.request_fingerprint", fingerprintOf("GET", reportURL, "", "")})
	good := p.letter
	q := &post{b: b, group: "pay/bill", operation: p.operation, output: output, rule: ids("PSD-PAY-A402-17", "PSD-PAY-A402-20"), letter: func() *letter {
		l := good()
		bills(field("idempotency_key", nil))(l)
		return l
	}}
	q.first("A bill goes with a directed payment as an order does.")
	q.yes("002", "The idempotency key of a bill is in its proof.", changed(copyOf(output), []any{"proof.idempotency_key", "key-1"}), nil, bills(field("idempotency_key", "key-1")))
	q.no("003", "A bill for another buyer is not paid by this one.", protocol.CodeAgentMismatch, nil, bills(field("buyer_unique_id", otherDID)))
	q.no("004", "An amount that the agent altered is not the bill's.", protocol.CodeOrderMismatch, nil, bills(), member("amount", "1.50"))
	q.no("005", "A number that the agent altered is not the bill's.", protocol.CodeOrderMismatch, nil, bills(), member("merchant_order_id", "bill-5002"))
	q.no("006", "After pay_before a bill is not paid.", protocol.CodeOrderExpired, ids("PSD-PAY-A402-18"), bills(field("pay_before", utc(now))))
	q.no("007", "A bill that was changed after signing is none.", protocol.CodeSignatureInvalid, nil, bills(func(h *header) { h.signer = keyNamed(b, "forger", sellerKey, keys.Seller) }))
	q.no("008", "The signed category of a bill is judged by the mandate.", protocol.CodeCategoryNotAllowed, ids("PSD-PAY-DEL-04"), bills(detail("category", "toys")))
	q.no("009", "A bill of more than 8 KiB is not read.", protocol.CodeTooLarge, ids("PSD-PAY-A402-03"), bills(func(h *header) { h.method["note"] = longText(6200) }))
	q.no("010", "A bill of more than 3 KiB is not paid.", protocol.CodeTooLarge, ids("PSD-PAY-A402-03"), bills(func(h *header) { h.method["note"] = longText(2400) }))
	q.no("011", "A bill through another provider is not paid here.", protocol.CodeAudienceMismatch, nil, bills(detail("psp_id", psp2DID)))
	q.no("013", "A bill that is none is not paid.", protocol.CodeMalformed, nil, bills(), member("bill", "AAAA"))
	q.yes("012", "Two transmissions of a bill that costs nothing more are one.", nil, nil, member("timestamp", utc(now.Add(-time.Second))))
}

func longText(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = 'x'
	}
	return string(text)
}

// copyOf copies an output, with the objects in it.
func copyOf(o obj) obj {
	out := obj{}
	for name, value := range o {
		if inner, ok := value.(obj); ok {
			value = copyOf(inner)
		}
		out[name] = value
	}
	return out
}

// payBoundaries: the boundaries of the mandate, judged by what was signed
// (PSD-PAY-DEL-04, -06).
func payBoundaries(p *post) {
	p.group, p.rule = "pay/bounds", ids("PSD-PAY-DEL-06", "PSD-PAY-DEL-11")
	p.no("001", "A payment over the single limit is refused.", protocol.CodeSingleLimitExceeded, nil, under(subject("ext.commerce.max_single_amount", raw("48.49"))))
	p.no("002", "A payment under the minimum is refused.", protocol.CodeBelowMinimum, nil, under(subject("ext.commerce.min_single_amount", raw("48.51")), subject("ext.commerce.max_single_amount", 60)))
	p.no("003", "A method that the mandate does not allow is refused.", protocol.CodeMethodNotAllowed, nil, under(subject("allowed_payment_methods", list{cardURN})))
	p.no("004", "A mandate in another currency pays nothing.", protocol.CodeCurrencyMismatch, nil, under(subject("currency", "USD")))
	meaning := ids("PSD-PAY-DEL-04", "PSD-PAY-DEL-11")
	p.no("005", "A payee that the mandate does not allow is refused.", protocol.CodeMerchantNotAllowed, meaning, under(subject("ext.commerce.allowed_merchants", list{shop2DID})))
	p.no("006", "A payee that the mandate forbids is refused.", protocol.CodeMerchantNotAllowed, meaning, under(subject("ext.commerce.forbidden_merchants", list{shopDID})))
	p.no("007", "One line outside of the categories refuses the whole.", protocol.CodeCategoryNotAllowed, meaning, buys(lined("category", "toys/games")))
	p.no("008", "A line in a forbidden category is refused.", protocol.CodeCategoryNotAllowed, meaning, buys(lined("category", "food/alcohol/wine")))
	p.no("009", "A line in a wider category than a forbidden one is undecided.", protocol.CodeFactMissing, meaning, buys(lined("category", "food")))
	p.no("010", "A promise to deliver too late is refused.", protocol.CodeDeliveryNotMet, meaning, buys(confirms("deliver_by", utc(now.Add(3*time.Hour)))))
	p.no("011", "The order's category counts, and what the agent says does not: it has no place.", protocol.CodeFieldUnknown, meaning, member("categories", list{"food/drink"}))
	p.no("013", "What the agent says it has spent has no place in a request.", protocol.CodeFieldUnknown, ids("PSD-PAY-DEL-07"), member("spent_total", "0.00"))
	p.yes("014", "A single limit is the last amount that is allowed.", p.b.payOutput("DEL", subject("ext.commerce.max_single_amount", raw("48.50"))), nil, under(subject("ext.commerce.max_single_amount", raw("48.50"))))
}

// groupInstant: instant payment (SPEC.md 6.8).
func groupInstant(b *builder) {
	p := &post{b: b, group: "instant/request", operation: "payment.request.verify", output: b.payOutput("INS"), letter: func() *letter { return b.payRequest("INS") }, rule: ids("PSD-PAY-INS-01", "PSD-PAY-INS-08")}
	p.first("An instant payment has an order and a token, and no mandate.")
	p.lacking(10, "request_id", "timestamp", "merchant_order_id", "amount", "currency", "payment_token", "order")
	p.no("020", "An instant payment carries no mandate that nobody would judge.", protocol.CodeFieldInvalid, ids("PSD-PAY-INS-08"), under())
	p.no("021", "An instant payment names no mandate.", protocol.CodeFieldInvalid, ids("PSD-PAY-INS-08"), member("delegation_id", grantID))
	p.no("022", "An instant payment is not from a sub-account.", protocol.CodeFieldInvalid, ids("PSD-PAY-INS-08"), member("subaccount_id", "sub-1"), member("subaccount_authorization", "e30.e30.AA"))
	p.no("023", "A provider without a cashier takes no instant payment.", protocol.CodeMethodNotAllowed, ids("PSD-PAY-INS-03"), given("cashier", false))
	own := ids("PSD-PAY-INS-05")
	p.no("024", "An amount that the agent altered is not the order's.", protocol.CodeOrderMismatch, own, member("amount", "1.00"))
	p.no("025", "A number that the agent altered is not the order's.", protocol.CodeOrderMismatch, own, member("merchant_order_id", "order-7002"))
	p.no("026", "A currency that the agent altered is not the order's.", protocol.CodeOrderMismatch, own, member("currency", "USD"))
	p.no("027", "An order that was made under a mandate is not for an instant payment.", protocol.CodeOrderMismatch, own, buys())
	p.no("028", "A payee that did not sign is not the order's.", protocol.CodeOrderMismatch, own, member("merchant_id", shop2DID))
	p.rule = ids("PSD-PAY-INS-01", "PSD-PAY-INS-07")
	p.envelope("buyer_agent_id", keys.Seller)
	billed := changed(b.payOutput("INS"), []any{"intent_id", nil, "order_number", billNo, "amount", "18.00", "proof.resource_id", resourceID, "proof.request_method", "GET", "proof.request_fingerprint", fingerprintOf("GET", reportURL, "", "")})
	p.yes("030", "A bill is paid instantly as an order is.", billed, own, bills())
	pending(b)
}

// pending: the word that an instant payment waits (SPEC.md 6.8).
func pending(b *builder) {
	p := &post{b: b, group: "instant/pending", operation: "payment.pending.verify", output: obj{"key_id": proofKey}, rule: ids("PSD-PAY-INS-06"), letter: func() *letter {
		return &letter{b: b, kind: keys.KindPaymentPending, signer: b.payer(), documents: b.parties(), more: obj{"sent": b.payRequest("INS").text()}, members: obj{
			"request_id": payID, "trade_no": tradeNo, "psp_id": pspDID, "buyer_agent_id": buyerDID, "merchant_id": shopDID, "merchant_order_id": orderNo, "amount": "48.50", "currency": "CNY",
			"trade_state": "WAIT_BUYER_PAY", "cashier_url": "https://psp.example/cashier/9f2c", "expires_at": utc(now.Add(5 * time.Minute)),
		}}
	}}
	p.first("A provider says where the principal confirms, and until when.")
	p.lacking(10, "request_id", "trade_no", "merchant_id", "merchant_order_id", "amount", "currency", "trade_state", "cashier_url", "expires_at")
	p.no("020", "A word about another request is none about this.", protocol.CodeRequestConflict, nil, member("request_id", "pay-2"))
	p.no("021", "A word to another agent is none to this.", protocol.CodeAgentMismatch, nil, member("buyer_agent_id", otherDID))
	p.no("022", "Another payee is not what was asked for.", protocol.CodeOrderMismatch, nil, member("merchant_id", shop2DID))
	p.no("023", "Another order is not what was asked for.", protocol.CodeOrderMismatch, nil, member("merchant_order_id", "order-7002"))
	p.no("024", "Another amount is not shown to the principal.", protocol.CodeOrderMismatch, nil, member("amount", "58.50"))
	p.no("025", "What has been paid does not wait.", protocol.CodeFieldInvalid, nil, member("trade_state", "WAIT_SELLER_FULFILLMENT"))
	p.no("026", "The principal is not sent where anybody listens.", protocol.CodeFieldInvalid, nil, member("cashier_url", "http://psp.example/cashier/9f2c"))
	p.no("027", "An address has no user, who would hide the host.", protocol.CodeFieldInvalid, nil, member("cashier_url", "https://psp.example@evil.example/cashier"))
	p.no("028", "An address has no fragment.", protocol.CodeFieldInvalid, nil, member("cashier_url", "https://psp.example/cashier#x"))
	p.no("029", "When the time is over nobody is sent to the cashier.", protocol.CodeRequestExpired, nil, member("expires_at", utc(now)))
	p.answering()
	b.invalid(p.ok, spec{id: "instant/pending/030", title: "Only an instant payment waits for the principal.", code: protocol.CodeModeMismatch, requirements: ids("PSD-PAY-INS-06")}, put("sent", b.payRequest("DEL").text()))
}
