package vectors

import (
	"maps"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// proofClaims are those of a provider's proof for the bill of the cases.
func (b *builder) proofClaims() obj {
	return obj{
		"iss": pspDID, "aud": shopDID, "jti": "proof-1", "iat": numericDate(now.Add(-time.Minute)), "exp": numericDate(now.Add(24*time.Hour - time.Minute)),
		"trade_no": tradeNo, "out_trade_no": billNo, "resource_id": resourceID, "amount": "18.00", "currency": "CNY", "payer": buyerDID, "method_id": methodName,
		"request_method": "GET", "request_fingerprint": fingerprintOf("GET", reportURL, "", ""), "cnf": obj{"jkt": b.buyer().Public().Thumbprint()},
	}
}

// proof is a good Payment-Proof for reportURL.
func (b *builder) proof(strokes ...stroke) *header {
	h := &header{b: b, rest: obj{}, claims: b.proofClaims(), proof: b.payer(), typ: keys.TypePaymentProof, protocol: obj{
		"method_id": methodName, "method_version": "1.0.0", "out_trade_no": billNo, "resource_id": resourceID, "buyer_unique_id": buyerDID, "trade_no": tradeNo,
		"expires_at": utc(now.Add(24*time.Hour - time.Minute)), "request_method": "GET", "request_fingerprint": fingerprintOf("GET", reportURL, "", ""),
	}, method: obj{"psp_id": pspDID}}
	for _, s := range strokes {
		s(h)
	}
	return h
}

// both changes a member of the header and the claim of that name.
func both(name string, value any) stroke {
	return func(h *header) { h.protocol[name], h.claims[name] = value, value }
}

// groupProof: Payment-Proof (SPEC.md 6.2, 6.4, 6.5).
func groupProof(b *builder) {
	s := &sheet{b: b, group: "a402/proof", operation: "a402.proof.parse", make: b.proof}
	s.first("A proof names its trade, its order, its request and its end.", ids("PSD-PAY-A402-03", "PSD-PAY-A402-21"),
		obj{"method_id": methodName, "out_trade_no": billNo, "resource_id": resourceID, "buyer_unique_id": buyerDID, "trade_no": tradeNo})
	s.lacks(10, "PSD-PAY-A402-21", "method_id", "method_version", "out_trade_no", "resource_id", "buyer_unique_id", "payment_proof", "trade_no", "expires_at", "request_method", "request_fingerprint")
	for i, c := range []struct {
		title, name string
		value       any
		requirement string
	}{
		{"A proof is of one alphabet, without dots.", "payment_proof", "e30.e30.AA", "PSD-PAY-A402-21"},
		{"A time is RFC 3339.", "expires_at", "2026-11-02", "PSD-PAY-A402-21"},
		{"A fingerprint is by SHA-256.", "request_fingerprint", "md5:AAAA", "PSD-PAY-A402-16"},
		{"A request method is in capitals.", "request_method", "get", "PSD-PAY-A402-16"},
		{"A version is three numbers.", "method_version", "1", "PSD-PAY-A402-21"},
	} {
		s.no(three(i+30), c.title, protocol.CodeFieldInvalid, ids(c.requirement), field(c.name, c.value))
	}
	s.no("040", "A proof for a request that may change something has its key.", protocol.CodeFieldMissing, ids("PSD-PAY-A402-16"), field("request_method", "POST"))
	s.encoding("PSD-PAY-A402-21")
	proofVerify(b)
	cartProof(b)
}

// proofVerify: a proof that a seller got with a request.
func proofVerify(b *builder) {
	request := func(method, uri string) obj {
		return obj{"method": method, "uri": uri, "content_type": "", "body": ""}
	}
	s := &sheet{b: b, group: "a402/paid", operation: "a402.proof.verify", make: func(strokes ...stroke) *header {
		return b.proof(append([]stroke{func(h *header) {
			h.rest = obj{
				"psp_id": pspDID, "payee": shopDID, "order_number": billNo, "resource_id": resourceID, "amount": "18.00", "currency": "CNY", "method_id": methodName,
				"request": request("GET", reportURL), "payer": buyerDID, "thumbprint": b.buyer().Public().Thumbprint(), "documents": b.parties(),
			}
		}}, strokes...)...)
	}}
	form, bound := ids("PSD-PAY-A402-07"), ids("PSD-PAY-A402-08")
	retry := ids("PSD-PAY-A402-06", "PSD-PAY-A402-16")
	s.first("A proof by the seller's provider, for this order and request, by the agent that paid, in its time.", ids("PSD-PAY-A402-07", "PSD-PAY-A402-08", "PSD-PAY-A402-16", "PSD-PAY-A402-21"), obj{"trade_no": tradeNo, "payer": buyerDID})
	twice := func(id, title, name string, value any) {
		s.no(id, title, protocol.CodeProofMismatch, bound, both(name, value))
	}
	twice("010", "A proof for another order pays nothing here.", "out_trade_no", "bill-5002")
	twice("011", "A proof for another resource pays nothing here.", "resource_id", "report-8")
	twice("012", "A proof by another method pays nothing here.", "method_id", "act:payment/card")
	s.no("013", "A proof of a smaller amount does not pay the price.", protocol.CodeProofMismatch, bound, inside("amount", "17.99"))
	s.no("014", "A proof of a greater amount is for something else.", protocol.CodeProofMismatch, bound, inside("amount", "18.01"))
	s.no("015", "The same number in another currency is another amount.", protocol.CodeProofMismatch, bound, inside("currency", "USD"))
	s.yes("016", "An amount is compared by its value.", bound, nil, inside("amount", "18"))
	s.no("017", "A proof for another merchant pays nothing here.", protocol.CodeAudienceMismatch, bound, inside("aud", shop2DID))
	s.no("018", "A proof that another agent shows is not its own.", protocol.CodeProofMismatch, bound, outside("payer", otherDID))
	s.no("019", "A proof that is shown with another key was copied.", protocol.CodeProofMismatch, bound, outside("thumbprint", b.signer(buyerDID+"#k2", keys.AgentRequest, keys.EdDSA).Public().Thumbprint()))
	s.no("020", "The request that is sent again has the same target.", protocol.CodeProofMismatch, retry, outside("request", request("GET", "https://shop.example/reports/8?lang=en")))
	s.no("021", "The request that is sent again has the same query.", protocol.CodeProofMismatch, retry, outside("request", request("GET", "https://shop.example/reports/7")))
	s.no("022", "The request that is sent again has the same method.", protocol.CodeProofMismatch, retry, outside("request", request("HEAD", reportURL)))
	s.no("027", "The method is that of the request, beside the fingerprint.", protocol.CodeProofMismatch, retry, both("request_method", "HEAD"))
	s.no("028", "A header that is none has no proof.", protocol.CodeMalformed, form, func(h *header) { h.lines = func(string) list { return list{"AAAA"} } })
	body := request("GET", reportURL)
	body["body"] = canon.EncodeBase64([]byte("x"))
	s.no("023", "The request that is sent again has the same body.", protocol.CodeProofMismatch, retry, outside("request", body))
	s.no("024", "A bill with a key is paid by a proof with this key.", protocol.CodeProofMismatch, ids("PSD-PAY-A402-16"), outside("idempotency_key", "key-1"))
	s.yes("025", "With the key of the bill it is.", ids("PSD-PAY-A402-16"), nil, outside("idempotency_key", "key-1"), both("idempotency_key", "key-1"))
	s.no("026", "Another key is another purchase.", protocol.CodeProofMismatch, ids("PSD-PAY-A402-16"), outside("idempotency_key", "key-1"), both("idempotency_key", "key-2"))
	s.at("030", "At its end a proof is over.", protocol.CodeProofExpired, form, now.Add(24*time.Hour-time.Minute))
	b.also(s.ok, spec{id: "a402/paid/031", title: "A second before its end a proof is good.", requirements: form, clock: now.Add(24*time.Hour - time.Minute - time.Second)}, nil)
	s.no("032", "A proof of the future is not made yet.", protocol.CodeProofInvalid, form, inside("iat", numericDate(now.Add(61*time.Second))))
	s.yes("033", "A provider's clock may be a minute ahead.", form, nil, inside("iat", numericDate(now.Add(time.Minute))))
	outer := ids("PSD-PAY-A402-21")
	for i, c := range []struct{ name, value string }{
		{"out_trade_no", "bill-5002"}, {"resource_id", "report-8"}, {"trade_no", "trade-9002"}, {"buyer_unique_id", otherDID}, {"method_id", "act:payment/card"},
		{"expires_at", utc(now.Add(48 * time.Hour))}, {"request_method", "HEAD"}, {"request_fingerprint", sha256Digest("other")},
	} {
		s.no(three(i+40), "What stands outside is what was signed inside: "+c.name+".", protocol.CodeClaimsConflict, outer, field(c.name, c.value))
	}
	s.no("048", "The provider outside is the one that signed inside.", protocol.CodeClaimsConflict, outer, detail("psp_id", psp2DID))
	s.yes("049", "An end is compared as a moment.", outer, nil, field("expires_at", "2026-11-02T17:59:00+08:00"))
	s.no("050", "A proof by a provider that nobody named is worth nothing.", protocol.CodeIssuerUntrusted, bound, outside("psp_id", psp2DID))
	s.no("051", "A key for status lists signs no proof.", protocol.CodeKeyPurpose, bound, outside("documents", documents(b.signer(proofKey, keys.Status, keys.EdDSA))))
	s.no("052", "A provider whose document cannot be had leaves the proof undecided.", protocol.CodeKeyUnavailable, bound, outside("documents", documents(b.buyer())))
	s.no("053", "A proof that somebody else signed is none.", protocol.CodeSignatureInvalid, bound, func(h *header) {
		h.proof = keyNamed(b, "forger", proofKey, keys.Proof)
	})
	s.no("054", "A token of another kind is no proof.", protocol.CodeTypeMismatch, bound, func(h *header) { h.typ = keys.TypeOrder })
	s.no("055", "A key of another party does not sign for the provider.", protocol.CodeClaimsConflict, bound, func(h *header) {
		h.proof = b.signer(psp2DID+"#p1", keys.Proof, keys.EdDSA)
		h.rest["documents"].(obj)[psp2DID] = document(psp2DID, entry(h.proof))
	})
	claimForm(s)
}

// claimForm: the claims inside.
func claimForm(s *sheet) {
	rule := ids("PSD-PAY-A402-08")
	for i, name := range []string{"jti", "iat", "exp", "amount", "currency", "cnf", "payer"} {
		s.no(three(i+60), "A proof without "+name+" says too little.", protocol.CodeFieldMissing, rule, inside(name, nil))
	}
	s.no("070", "A proof is closed.", protocol.CodeFieldUnknown, rule, inside("discount", "1.00"))
	s.no("071", "A proof begins before it ends.", protocol.CodeFieldInvalid, rule, inside("iat", numericDate(now.Add(24*time.Hour-time.Minute))))
	s.no("072", "A proof is not for nothing.", protocol.CodeFieldInvalid, rule, inside("amount", "0.00"))
	s.no("073", "A thumbprint has 32 bytes.", protocol.CodeFieldInvalid, rule, inside("cnf.jkt", "AAAA"))
	s.no("074", "A proof for a request has its fingerprint.", protocol.CodeFieldMissing, ids("PSD-PAY-A402-16"), inside("request_fingerprint", nil))
	s.no("075", "A payer is named by a DID.", protocol.CodeFieldInvalid, rule, inside("payer", "ann"))
}

// cartProof: a proof for an order (SPEC.md 5.4, 6.2).
func cartProof(b *builder) {
	claims := func(changes ...any) obj {
		return changed(changed(b.proofClaims(), []any{"request_method", nil, "request_fingerprint", nil, "out_trade_no", orderNo, "resource_id", orderNo, "amount", "48.50"}), changes)
	}
	input := func(changes ...any) obj {
		h := &header{b: b, claims: claims(changes...), proof: b.payer(), typ: keys.TypePaymentProof}
		return obj{
			"payment_proof": h.token(), "psp_id": pspDID, "payee": shopDID, "order_number": orderNo, "resource_id": orderNo, "amount": "48.50", "currency": "CNY", "method_id": methodName,
			"payer": buyerDID, "thumbprint": b.buyer().Public().Thumbprint(), "documents": b.parties(),
		}
	}
	ok := b.valid(spec{id: "a402/cart/001", title: "A proof for an order has no request.", requirements: ids("PSD-PAY-A402-08", "CID-CART-CFM-05"), operation: "a402.proof.verify", input: input(), output: obj{"trade_no": tradeNo, "payer": buyerDID}})
	no := func(id, title string, code protocol.Code, changes ...any) {
		b.invalid(ok, spec{id: "a402/cart/" + id, title: title, code: code, requirements: ids("PSD-PAY-A402-08", "CID-CART-CFM-05")}, func(in obj) {
			clear(in)
			maps.Copy(in, input(changes...))
		})
	}
	no("010", "A proof for another order pays nothing here.", protocol.CodeProofMismatch, "out_trade_no", "order-7002", "resource_id", "order-7002")
	no("011", "A proof for a request pays no order.", protocol.CodeProofMismatch, "request_method", "GET", "request_fingerprint", fingerprintOf("GET", reportURL, "", ""))
	no("012", "The resource of an order is its number.", protocol.CodeClaimsConflict, "resource_id", resourceID)
	no("013", "A proof for an order has no idempotency key.", protocol.CodeFieldInvalid, "idempotency_key", "key-1")
	no("014", "A proof of a smaller amount does not pay the order.", protocol.CodeProofMismatch, "amount", "48.49")
	b.invalid(ok, spec{id: "a402/cart/016", title: "A proof of more than 8 KiB is not looked into.", code: protocol.CodeTooLarge}, put("payment_proof", strings.Repeat("A", 8196)))
	b.invalid(ok, spec{id: "a402/cart/015", title: "A proof that is no token at all is none.", code: protocol.CodeMalformed}, put("payment_proof", "AAAA"))
}

// groupValidation: Payment-Validation (SPEC.md 6.4, 6.5, 6.6).
func groupValidation(b *builder) {
	fault := func() obj {
		return obj{
			"error_id": "ACT-A402-PROOF_INVALID", "category": "PAYMENT_PROOF_VALIDATION", "phase": "PROOF_VALIDATION", "retryability": "AFTER_CORRECTION",
			"valid_next_actions": list{"OBTAIN_NEW_PROOF", "RETRY_VALIDATION", "CREATE_NEW_REQUIREMENT", "ABORT"}, "message": "The proof is for something else.", "details": obj{"code": "proof_mismatch"},
		}
	}
	make := func(strokes ...stroke) *header {
		h := &header{b: b, rest: obj{}, protocol: obj{
			"method_id": methodName, "method_version": "1.0.0", "out_trade_no": billNo, "resource_id": resourceID, "trade_no": tradeNo, "request_fingerprint": fingerprintOf("GET", reportURL, "", ""),
			"validation_status": "VALID", "delivery_status": "DELIVERED", "fulfillment_status": "NOT_CONFIRMED", "transaction_state": "WAIT_BUYER_RECEIPT", "validated_at": utc(now),
		}, method: obj{"psp_id": pspDID}}
		for _, s := range strokes {
			s(h)
		}
		return h
	}
	rule, phase := ids("PSD-PAY-A402-22"), ids("PSD-PAY-A402-23")
	state := func(validation, delivery, fulfillment, transaction string) obj {
		return obj{"validation_status": validation, "delivery_status": delivery, "fulfillment_status": fulfillment, "transaction_state": transaction}
	}
	says := func(o obj) stroke {
		return func(h *header) {
			for name, value := range o {
				if name != "category" {
					h.protocol[name] = value
				}
			}
		}
	}
	s := &sheet{b: b, group: "a402/validation", operation: "a402.validation.parse", make: make}
	s.first("A validation tells check, delivery, fulfilment and trade apart.", ids("PSD-PAY-A402-03", "PSD-PAY-A402-19", "PSD-PAY-A402-22"), state("VALID", "DELIVERED", "NOT_CONFIRMED", "WAIT_BUYER_RECEIPT"))
	for i, o := range []obj{
		state("VALID", "NOT_STARTED", "NOT_CONFIRMED", "WAIT_SELLER_FULFILLMENT"), state("VALID", "STARTED", "NOT_CONFIRMED", "WAIT_SELLER_FULFILLMENT"), state("VALID", "FAILED", "NOT_CONFIRMED", "WAIT_SELLER_FULFILLMENT"),
		state("VALID", "DELIVERED", "PENDING", "WAIT_BUYER_RECEIPT"), state("VALID", "DELIVERED", "CONFIRMED", "TRADE_FINISHED"), state("VALID", "DELIVERED", "FAILED", "WAIT_BUYER_RECEIPT"), state("VALID", "UNKNOWN", "NOT_CONFIRMED", "WAIT_SELLER_FULFILLMENT"),
	} {
		s.yes(three(i+2), "A run claims what was reached: "+o["delivery_status"].(string)+", "+o["fulfillment_status"].(string)+".", phase, o, says(o))
	}
	invalid := func(strokes ...stroke) []stroke {
		return append([]stroke{says(state("INVALID", "NOT_STARTED", "NOT_CONFIRMED", "WAIT_BUYER_PAY")), field("error", fault())}, strokes...)
	}
	refused := state("INVALID", "NOT_STARTED", "NOT_CONFIRMED", "WAIT_BUYER_PAY")
	refused["category"] = "PAYMENT_PROOF_VALIDATION"
	s.yes("010", "A proof that is refused has its error.", ids("PSD-PAY-A402-09", "PSD-PAY-A402-12", "PSD-PAY-A402-22"), refused, invalid()...)
	unknown := state("UNKNOWN", "NOT_STARTED", "NOT_CONFIRMED", "WAIT_SELLER_FULFILLMENT")
	unknown["category"] = "SYSTEM"
	system := changed(fault(), []any{"error_id", "ACT-A402-SYSTEM_UNAVAILABLE", "category", "SYSTEM", "phase", "PAYMENT", "retryability", "QUERY_FIRST", "valid_next_actions", list{"QUERY_PAYMENT_STATUS", "ABORT"}, "details.code", "service_unavailable", "retry_after_seconds", 5})
	s.yes("011", "A proof that cannot be checked now is UNKNOWN, with the advice to ask first.", ids("PSD-PAY-A402-22", "PSD-PAY-A402-23"), unknown, says(unknown), field("error", system))
	s.no("012", "INVALID has an error.", protocol.CodeFieldMissing, rule, says(refused))
	s.no("013", "UNKNOWN has an error.", protocol.CodeFieldMissing, rule, says(unknown))
	s.no("014", "VALID has none.", protocol.CodeFieldInvalid, rule, field("error", fault()))
	s.no("015", "No delivery follows from a proof that is not valid.", protocol.CodeFieldInvalid, phase, invalid(field("delivery_status", "DELIVERED"))...)
	s.no("016", "No delivery begins while it is not known whether the proof is valid.", protocol.CodeFieldInvalid, phase, says(unknown), field("error", system), field("delivery_status", "STARTED"))
	s.no("017", "Nothing is confirmed that was not delivered.", protocol.CodeFieldInvalid, phase, says(state("VALID", "STARTED", "CONFIRMED", "WAIT_SELLER_FULFILLMENT")))
	s.no("018", "Nothing waits for confirmation that was not delivered.", protocol.CodeFieldInvalid, phase, says(state("VALID", "FAILED", "PENDING", "WAIT_SELLER_FULFILLMENT")))
	s.lacks(20, "PSD-PAY-A402-22", "method_id", "method_version", "out_trade_no", "resource_id", "trade_no", "request_fingerprint", "validation_status", "delivery_status", "fulfillment_status", "transaction_state", "validated_at")
	for i, c := range []struct{ name, value string }{
		{"validation_status", "OK"}, {"delivery_status", "SENT"}, {"fulfillment_status", "DONE"}, {"transaction_state", "PAID"}, {"validated_at", "now"},
	} {
		s.no(three(i+35), "A member has a value of its list: "+c.name+".", protocol.CodeFieldInvalid, rule, field(c.name, c.value))
	}
	s.no("040", "A validation names its provider.", protocol.CodeFieldMissing, rule, detail("psp_id", nil), detail("note", "x"))
	validationError(s, invalid, refused)
	ref := obj{"type": "DELIVERY", "digest": sha256Digest("d"), "uri": "https://shop.example/e/1"}
	s.yes("060", "A validation may name evidence.", rule, nil, field("evidence_refs", list{ref}))
	s.no("061", "Evidence is named once.", protocol.CodeFieldInvalid, rule, field("evidence_refs", list{ref, ref}))
	s.no("062", "Evidence is of a kind of the list.", protocol.CodeFieldInvalid, rule, field("evidence_refs", list{obj{"type": "PHOTO", "digest": sha256Digest("d")}}))
	many := list{}
	for i := range 21 {
		many = append(many, obj{"type": "DELIVERY", "digest": sha256Digest(strings.Repeat("x", i))})
	}
	s.yes("063", "Twenty pieces of evidence are read.", rule, nil, field("evidence_refs", many[:20]))
	s.no("064", "More than twenty pieces are too many.", protocol.CodeTooLarge, rule, field("evidence_refs", many))
	for i, name := range []string{"out_trade_no", "resource_id", "trade_no"} {
		s.no(three(i+65), "By the profile an id has no spaces: "+name+".", protocol.CodeFieldInvalid, rule, field(name, "no 1"))
	}
	s.encoding("PSD-PAY-A402-22")
}

// validationError: the error of a validation.
func validationError(s *sheet, invalid func(...stroke) []stroke, refused obj) {
	rule := ids("PSD-PAY-A402-22", "PSD-PAY-A402-12")
	for i, name := range []string{"error_id", "category", "phase", "retryability", "valid_next_actions", "message"} {
		s.no(three(i+41), "An error without "+name+" cannot be acted on.", protocol.CodeFieldMissing, rule, invalid(field("error."+name, nil))...)
	}
	for i, c := range []struct {
		title, name string
		value       any
	}{
		{"An error id has a form of its own.", "error_id", "PROOF_INVALID"},
		{"A category is one of eleven.", "category", "OTHER"},
		{"A phase is one of seven.", "phase", "SHIPPING"},
		{"A retryability is one of six.", "retryability", "MAYBE"},
		{"An action stands once.", "valid_next_actions", list{"ABORT", "ABORT"}},
		{"An action is one of the list.", "valid_next_actions", list{"PAY_TWICE"}},
		{"A wait is at most a day.", "retry_after_seconds", 86401},
		{"Details are an object.", "details", "proof_mismatch"},
	} {
		s.no(three(i+47), c.title, protocol.CodeFieldInvalid, rule, invalid(field("error."+c.name, c.value))...)
	}
	for i, c := range []struct {
		title, name string
		value       any
	}{
		{"An error id is of capitals, digits and underscores.", "error_id", "ACT-A402-Proof-invalid"},
		{"An error id has at most 96 characters.", "error_id", "ACT-A402-" + strings.Repeat("A", 88)},
		{"A message has at most 1024 characters.", "message", strings.Repeat("m", 1025)},
	} {
		s.no(three(i+57), c.title, protocol.CodeFieldInvalid, rule, invalid(field("error."+c.name, c.value))...)
	}
	s.no("055", "An error is closed.", protocol.CodeFieldUnknown, rule, invalid(field("error.stack", "x"))...)
	s.yes("056", "Details are open.", rule, refused, invalid(field("error.details", obj{"more": list{1}}))...)
}
