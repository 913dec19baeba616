package vectors

import (
	"maps"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupVerifyEdges: what a verifier compares, one member at a time. Like those
// of edges.go, these cases were asked for by mutation.
func groupVerifyEdges(b *builder) {
	edgesResult(b)
	edgesShownMandate(b)
}

// edgesResult: the proof inside of the result of a bill (SPEC.md 6.1, 6.2).
func edgesResult(b *builder) {
	answer := func(claims ...any) *letter {
		sent := b.payRequest("DEL")
		bills(field("idempotency_key", "key-1"))(sent)
		of := []any{
			"out_trade_no", billNo, "resource_id", resourceID, "amount", "18.00", "idempotency_key", "key-1",
			"request_method", "GET", "request_fingerprint", fingerprintOf("GET", reportURL, "", ""),
		}
		l := b.payResult("DEL", sent, append(of, claims...)...)
		l.members["merchant_order_id"], l.members["amount"] = billNo, "18.00"
		return l
	}
	p := &post{b: b, group: "result/bill", operation: "payment.result.verify", rule: ids("PSD-PAY-A402-17", "PSD-PAY-DEL-13"), letter: func() *letter { return answer() },
		output: obj{"trade_no": tradeNo, "trade_state": "WAIT_SELLER_FULFILLMENT", "amount": "18.00"}}
	p.first("The result of a bill has the proof for its request.")
	no := func(id, title, name string, value any) {
		p.no(id, title, protocol.CodeProofMismatch, nil, func(l *letter) { l.members["payment_proof"] = answer(name, value).members["payment_proof"] })
	}
	no("010", "The proof inside is for the order of this bill.", "out_trade_no", "bill-5002")
	no("011", "The proof inside is for the resource of this bill.", "resource_id", "report-8")
	no("012", "The proof inside is for the method of this request.", "request_method", "HEAD")
	no("013", "The proof inside is for this request.", "request_fingerprint", fingerprintOf("GET", "https://shop.example/reports/8", "", ""))
	no("014", "The proof inside has the key of this bill.", "idempotency_key", "key-2")
	no("015", "The proof inside of a bill with a key has it.", "idempotency_key", nil)
}

// edgesShownMandate: a payment under a mandate of the second form, bound to the
// request (SPEC.md 8.1, 6.1).
func edgesShownMandate(b *builder) {
	var digest string
	shown := func(changes ...change) *letter {
		l := b.payRequest("DEL")
		g := b.grant(keys.EdDSA, append([]change{selective, bindingClaim("nonce", digestWithout(l, "iac"))}, changes...)...)
		digest = string(canon.Sum([]byte(g.signed())))
		l.members["iac"] = g.sign()
		maps.Copy(l.documents, g.documents)
		l.more["issuers"], l.more["status"] = g.issuers, g.status
		return l
	}
	shown()
	p := &post{b: b, group: "pay/shown", operation: "payment.request.verify", rule: ids("PSD-PAY-DEL-05", "PRV-01"), letter: func() *letter { return shown() },
		output: changed(copyOf(b.payOutput("DEL")), []any{"mandate.payload_digest", digest})}
	p.first("A mandate of the second form is shown to the provider, for this request.")
	no := func(id, title string, code protocol.Code, changes ...change) {
		p.no(id, title, code, nil, func(l *letter) { l.members["iac"] = shown(changes...).members["iac"] })
	}
	no("010", "A mode that was withheld is none, and decides nothing.", protocol.CodeConstraintWithheld, without("delegation_mode"))
	no("011", "A limit that was withheld leaves the payment undecided.", protocol.CodeConstraintWithheld, without("ext/commerce/max_single_amount"))
	no("012", "A mandate that was shown for another request is none for this.", protocol.CodeClaimsConflict, bindingClaim("nonce", occasion))
	no("013", "A mandate that was shown to another provider is none here.", protocol.CodeAudienceMismatch, bindingClaim("aud", psp2DID))
	no("014", "A mandate that nobody shows is not the agent's to use.", protocol.CodeFieldMissing, shows(func(p *presentation) { p.cut = true }))
}
