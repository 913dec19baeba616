package vectors

import (
	"maps"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupPayEdges: the edges of what is said about payments. Like those of
// edges.go, these cases were asked for by mutation.
func groupPayEdges(b *builder) {
	edgesFingerprint(b)
	edgesAddress(b)
	edgesBill(b)
	edgesProof(b)
	edgesPaid(b)
	edgesAnswer(b)
	edgesProfile(b)
}

// A wrong value of a member, and what it breaks.
type wrong struct {
	title, name string
	value       any
}

func edgesFingerprint(b *builder) {
	of := func(uri, contentType string) obj {
		return obj{"method": "GET", "uri": uri, "content_type": contentType, "body": canon.EncodeBase64(nil)}
	}
	ok := b.valid(spec{id: "fingerprint/edge/001", title: "A host may be an address of IPv6.", requirements: ids("PSD-PAY-A402-16"), operation: "fingerprint.compute",
		input: of("https://[2001:db8::1]:8443/a", ""), output: obj{"request_fingerprint": fingerprintOf("GET", "https://[2001:db8::1]:8443/a", "", "")}})
	also := func(id, title, want string, in obj) {
		b.also(ok, spec{id: "fingerprint/edge/" + id, title: title, output: obj{"request_fingerprint": want}}, func(input obj) { clear(input); maps.Copy(input, in) })
	}
	also("002", "A media type may have all characters of a token.", fingerprintOf("GET", "https://shop.example/a", "application/vnd.x-1+json", ""), of("https://shop.example/a", "application/vnd.x-1+json"))
	also("003", "A target without TLS is one.", fingerprintOf("GET", "http://shop.example/a", "", ""), of("http://shop.example:80/a", ""))
	for i, c := range []struct{ title, uri, media string }{
		{"A target is of http or https.", "ftp://shop.example/a", ""},
		{"A scheme is followed by two slashes.", "https:shop.example/a", ""},
		{"A port has no leading zero.", "https://shop.example:08443/a", ""},
		{"A port has at most five digits.", "https://shop.example:100000/a", ""},
		{"A port is of digits.", "https://shop.example:84a3/a", ""},
		{"An address of IPv6 ends with its bracket.", "https://[2001:db8::1/a", ""},
		{"An address of IPv6 is not empty.", "https://[]/a", ""},
		{"An address of IPv6 has hexadecimal digits.", "https://[2001:db8::g]/a", ""},
		{"After an address of IPv6 stands a port or nothing.", "https://[2001:db8::1]x/a", ""},
		{"A host has no other characters.", "https://shop!.example/a", ""},
		{"A media type has two parts.", "https://shop.example/a", "text"},
		{"The first part of a media type is a token.", "https://shop.example/a", "te xt/plain"},
		{"The second part of a media type is a token.", "https://shop.example/a", "text/pl@in"},
		{"The first part of a media type is not empty.", "https://shop.example/a", "/plain"},
		{"The second part of a media type is not empty.", "https://shop.example/a", "text/"},
		{"A port stands behind a colon.", "https://[2001:db8::1]8443/a", ""},
	} {
		b.invalid(ok, spec{id: "fingerprint/edge/" + three(i+10), title: c.title, code: protocol.CodeFieldInvalid}, func(input obj) { clear(input); maps.Copy(input, of(c.uri, c.media)) })
	}
	b.invalid(ok, spec{id: "fingerprint/edge/009", title: "A target has a limit.", code: protocol.CodeTooLarge}, put("uri", "https://shop.example/"+strings.Repeat("a", 9000)))
}

// edgesAddress: addresses have one spelling (SPEC.md 5.6).
func edgesAddress(b *builder) {
	const at = "capabilities.act:payment:negotiation.capability_url"
	input := func(url string) obj {
		return obj{"card": b.signedCard(agentCard(at, url)), "agent": shopDID, "documents": b.parties()}
	}
	ok := b.valid(spec{id: "card/address/001", title: "An address may have an address of IPv6 for a host.", requirements: ids("CID-PCA-NEG-02"), operation: "agent_card.verify",
		input: input("https://[2001:db8::1]:8443/a"), output: obj{"key_id": sellerKey, "mode": "one-way", "url": "https://[2001:db8::1]:8443/a"}})
	for i, url := range []string{"https://:8443/a", "https://.shop.example/a", "https://shop.example./a", "https://shop.example/a b", "https://shop.example/%zz", "https://shop_.example/a",
		"https://shop.example/" + strings.Repeat("a", 2048), "ftp://shop.example/a", "https://", "https:///a", "https://shop.example:0/a", "https://[2001:db8::1]x/a", "https://shop.example:/a", "https://[2001:DB8::1]/a"} {
		title := "An address has one spelling, and this is not it: " + url + "."
		if len(title) > 200 {
			title = "An address has at most 2048 characters."
		}
		b.invalid(ok, spec{id: "card/address/" + three(i+10), title: title, code: protocol.CodeFieldInvalid}, func(in obj) { clear(in); maps.Copy(in, input(url)) })
	}
}

var longID = strings.Repeat("i", 257)

func edgesBill(b *builder) {
	s := &sheet{b: b, group: "a402/asked", operation: "a402.needed.parse", make: b.bill}
	output := obj{"method_id": methodName, "out_trade_no": billNo, "resource_id": resourceID, "seller_unique_id": shopDID, "amount": "18.00", "currency": "CNY"}
	rule := ids("PSD-PAY-A402-20")
	s.first("A bill whose members are at their edges is one.", rule, output)
	s.yes("002", "A bill names the buyer and the confirmation.", rule, nil, field("buyer_unique_id", buyerDID), field("commerce_confirmation", obj{"confirmation_id": "c-1", "confirmation_digest": sha256Digest("c"), "confirmation_uri": "urn:example:c"}))
	for i, c := range []wrong{
		{"A method has a limit.", "method_id", "act:payment/" + strings.Repeat("m", 160)},
		{"A method has a family.", "method_id", "payment"},
		{"A signature type has two characters or more.", "signature_type", "E"},
		{"A signature type has a limit.", "signature_type", strings.Repeat("E", 33)},
		{"A signature type has capitals and digits.", "signature_type", "ED 25519"},
		{"An amount has a limit.", "amount", strings.Repeat("1", 81)},
		{"An amount has a limit of decimals.", "amount", "1." + strings.Repeat("0", 19)},
		{"A fingerprint says by what it is made.", "request_fingerprint", strings.Repeat("A", 43)},
		{"A fingerprint has the alphabet of URLs.", "request_fingerprint", "sha-256:" + strings.Repeat("+", 43)},
		{"A resource is not of more than 256 characters.", "resource_id", longID},
		{"A seller is not of more than 256 characters.", "seller_unique_id", longID},
		{"A buyer is not of more than 256 characters.", "buyer_unique_id", longID},
		{"An idempotency key is not of more than 256 characters.", "idempotency_key", longID},
		{"A signer is not of more than 1024 characters.", "signer_id", strings.Repeat("s", 1025)},
		{"A request method is of letters.", "request_method", "G3T"},
		{"A request method has a limit.", "request_method", strings.Repeat("G", 33)},
		{"A confirmation has an id.", "commerce_confirmation", obj{"confirmation_id": longID, "confirmation_digest": sha256Digest("c")}},
		{"An address of a confirmation is visible.", "commerce_confirmation", obj{"confirmation_id": "c-1", "confirmation_digest": sha256Digest("c"), "confirmation_uri": "https://shop.example/a b"}},
		{"An address of a confirmation is absolute.", "commerce_confirmation", obj{"confirmation_id": "c-1", "confirmation_digest": sha256Digest("c"), "confirmation_uri": "/c/1"}},
		{"An address of a confirmation has a limit.", "commerce_confirmation", obj{"confirmation_id": "c-1", "confirmation_digest": sha256Digest("c"), "confirmation_uri": "urn:" + strings.Repeat("c", 2048)}},
		{"An address of a confirmation is one.", "commerce_confirmation", obj{"confirmation_id": "c-1", "confirmation_digest": sha256Digest("c"), "confirmation_uri": "https://shop.example/%zz"}},
	} {
		s.no(three(i+10), c.title, protocol.CodeFieldInvalid, rule, field(c.name, c.value))
	}
	text := func(t string) stroke { return func(h *header) { h.finish = func(string) string { return t } } }
	s.no("040", "A header is an object.", protocol.CodeFieldInvalid, rule, text("[]"))
	s.no("041", "A header of a text is none.", protocol.CodeFieldInvalid, rule, text(`"bill"`))
	s.no("042", "A header without members is none.", protocol.CodeFieldMissing, rule, text("{}"))
	s.no("043", "The protocol of a header is an object.", protocol.CodeFieldInvalid, rule, text(`{"protocol":"2.1","method":{"a":1}}`))
	s.no("044", "The method of a header is an object.", protocol.CodeFieldInvalid, rule, func(h *header) {
		h.finish = func(t string) string {
			return t[:strings.Index(t, `"method":{`)] + `"method":"x",` + t[strings.Index(t, `"protocol"`):]
		}
	})
	s.no("045", "No header is no bill.", protocol.CodeMalformed, rule, func(h *header) { h.lines = func(string) list { return list{} } })
}

func edgesProof(b *builder) {
	s := &sheet{b: b, group: "a402/shown", operation: "a402.proof.parse", make: b.proof}
	rule := ids("PSD-PAY-A402-21")
	s.first("A proof whose members are at their edges is one.", rule, obj{"method_id": methodName, "out_trade_no": billNo, "resource_id": resourceID, "buyer_unique_id": buyerDID, "trade_no": tradeNo})
	for i, c := range []wrong{
		{"A method has a family.", "method_id", "payment"},
		{"An order is not of more than 256 characters.", "out_trade_no", longID},
		{"A resource is not of more than 256 characters.", "resource_id", longID},
		{"A trade is not of more than 256 characters.", "trade_no", longID},
		{"A buyer is not of more than 256 characters.", "buyer_unique_id", longID},
		{"An idempotency key is not of more than 256 characters.", "idempotency_key", longID},
		{"A proof is a text.", "payment_proof", 7},
	} {
		s.no(three(i+10), c.title, protocol.CodeFieldInvalid, rule, field(c.name, c.value))
	}
}

// edgesPaid: what is wrong inside of a proof.
func edgesPaid(b *builder) {
	rule := ids("PSD-PAY-A402-07")
	s := &sheet{b: b, group: "a402/inner", operation: "a402.proof.verify", make: func(strokes ...stroke) *header {
		return b.proof(append([]stroke{func(h *header) {
			h.rest = obj{
				"psp_id": pspDID, "payee": shopDID, "order_number": billNo, "resource_id": resourceID, "amount": "18.00", "currency": "CNY", "method_id": methodName,
				"request": obj{"method": "GET", "uri": reportURL, "content_type": "", "body": ""}, "payer": buyerDID, "thumbprint": b.buyer().Public().Thumbprint(), "documents": b.parties(),
			}
		}}, strokes...)...)
	}}
	s.first("A proof inside of which everything is in its form.", rule, obj{"trade_no": tradeNo, "payer": buyerDID})
	for i, c := range []wrong{
		{"A provider is named by an identifier.", "iss", "psp"},
		{"A merchant is named by an identifier.", "aud", "shop"},
		{"A payer is named by an identifier.", "payer", "buyer"},
		{"An id is of visible characters.", "jti", "proof 1"},
		{"A trade is of visible characters.", "trade_no", "trade 1"},
		{"An order is of visible characters.", "out_trade_no", "order 1"},
		{"A resource is of visible characters.", "resource_id", "report 7"},
		{"A method has a name.", "method_id", "act:payment/"},
		{"A method is of the one form.", "method_id", walletURN},
		{"A thumbprint is base64url.", "cnf.jkt", "!!!"},
		{"A thumbprint has 32 bytes.", "cnf.jkt", "AAAA"},
		{"A request method is of capitals.", "request_method", "get"},
		{"A fingerprint is by SHA-256.", "request_fingerprint", "sm3:" + strings.Repeat("A", 43)},
		{"A time is not negative.", "iat", -1},
		{"A time is in the years that have four digits.", "exp", raw("253402300800")},
		{"A proof ends after it is made.", "exp", numericDate(now.Add(-2 * 60 * 1e9))},
		{"A proof is of money.", "amount", "0.00"},
		{"A currency is one of ISO 4217.", "currency", "XYZ"},
		{"A method has its family.", "method_id", "wallet"},
	} {
		s.no(three(i+10), c.title, protocol.CodeFieldInvalid, rule, inside(c.name, c.value))
	}
	for i, name := range []string{"iss", "aud", "jti", "iat", "exp", "trade_no", "out_trade_no", "resource_id", "amount", "currency", "payer", "method_id", "cnf", "cnf.jkt", "request_method", "request_fingerprint"} {
		s.no(three(i+40), "A proof that does not name "+name+" inside says too little.", protocol.CodeFieldMissing, rule, inside(name, nil))
	}
	s.no("060", "A proof of a request that may change something has its key.", protocol.CodeFieldMissing, ids("PSD-PAY-A402-16"), inside("request_method", "POST"))
	s.no("061", "A proof is signed by the provider it names.", protocol.CodeClaimsConflict, rule, inside("iss", psp2DID))
	s.no("062", "A proof is closed inside as well.", protocol.CodeFieldUnknown, rule, inside("note", "x"))
	s.no("063", "What a proof holds is base64url.", protocol.CodeMalformed, rule, field("payment_proof", "A"))
}

// edgesAnswer: members of answers and questions in forms that are not theirs.
func edgesAnswer(b *builder) {
	for _, k := range []struct {
		group, operation, title string
		rule                    []string
		output                  obj
		letter                  func() *letter
		wrong                   []wrong
	}{
		{"edge/result", "payment.result.verify", "A result whose members are in their forms.", ids("PSD-PAY-DEL-13"), obj{"trade_no": tradeNo, "trade_state": "WAIT_SELLER_FULFILLMENT", "amount": "48.50"},
			func() *letter { return b.payResult("DEL", b.payRequest("DEL")) }, []wrong{
				{"A provider is named by an identifier.", "psp_id", "psp"}, {"An agent is named by an identifier.", "buyer_agent_id", "buyer"}, {"A merchant is named by an identifier.", "merchant_id", "shop"},
				{"A trade is of visible characters.", "trade_no", "trade 1"}, {"A time is RFC 3339.", "paid_at", "today"}, {"A payment is made before its proof ends.", "proof_expires_at", utc(now.Add(-60 * 1e9))},
				{"What was spent is no less than what is paid.", "spent_total", "1.00"}, {"An amount is of digits.", "amount", "all"},
				{"A state is one that money has moved in.", "trade_state", "TRADE_CREATE"}, {"A scenario is one of three.", "scenario", "XXX"}, {"An id is of visible characters.", "request_id", "pay 1"},
				{"A mandate is named by visible characters.", "delegation_id", "grant 1"}, {"An order is named by visible characters.", "merchant_order_id", "order 1"}, {"A currency is one of ISO 4217.", "currency", "XYZ"},
			}},
		{"edge/query", "payment_query.verify", "A question whose members are in their forms.", ids("PSD-PAY-A402-23"), obj{"key_id": agentKey}, func() *letter {
			return b.question(keys.KindPaymentQuery, b.buyer(), obj{"buyer_agent_id": buyerDID, "payment_request_id": payID})
		}, []wrong{
			{"A provider is named by an identifier.", "psp_id", "psp"}, {"An agent is named by an identifier.", "buyer_agent_id", "buyer"}, {"An id is of visible characters.", "request_id", "ask 1"},
			{"A payment is named by visible characters.", "payment_request_id", "pay 1"}, {"A nonce is base64url.", "nonce", "!!!"}, {"A time is RFC 3339.", "timestamp", "now"},
		}},
		{"edge/instrument", "instrument_query.verify", "A question about an instrument whose members are in their forms.", ids("PSD-PAY-AUP-02"), obj{"key_id": agentKey}, func() *letter {
			return b.question(keys.KindInstrumentQuery, b.buyer(), obj{"buyer_agent_id": buyerDID, "payment_token": walletID})
		}, []wrong{
			{"A provider is named by an identifier.", "psp_id", "psp"}, {"An agent is named by an identifier.", "buyer_agent_id", "buyer"}, {"An id is of visible characters.", "request_id", "ask 1"},
			{"A token is of visible characters.", "payment_token", "token 1"}, {"A nonce is base64url.", "nonce", "!!!"},
		}},
	} {
		p := &post{b: b, group: k.group, operation: k.operation, output: k.output, rule: k.rule, letter: k.letter}
		p.first(k.title)
		for i, w := range k.wrong {
			p.no(three(i+10), w.title, protocol.CodeFieldInvalid, nil, member(w.name, w.value))
		}
		if k.group == "edge/result" {
			p.no("040", "A proof has a limit.", protocol.CodeTooLarge, nil, member("payment_proof", strings.Repeat("A", 8200)))
		}
	}
}

// edgesProfile: what the profile asks beyond the schema of the headers.
func edgesProfile(b *builder) {
	request := obj{"method": "GET", "uri": reportURL, "content_type": "", "body": ""}
	rule := ids("PSD-PAY-A402-20")
	s := &sheet{b: b, group: "a402/profile", operation: "a402.needed.verify", make: func(strokes ...stroke) *header {
		return b.bill(append([]stroke{func(h *header) {
			h.rest = obj{"agent": buyerDID, "psp_id": pspDID, "methods": list{walletURN}, "request": request, "documents": b.parties()}
		}}, strokes...)...)
	}}
	s.first("A bill of the profile, with a category of three segments.", rule, obj{"method_id": methodName, "out_trade_no": billNo, "resource_id": resourceID, "seller_unique_id": shopDID, "amount": "18.00", "currency": "CNY"})
	for i, c := range []wrong{
		{"A resource is of visible characters.", "resource_id", "report 7"}, {"A buyer is named by an identifier.", "buyer_unique_id", "buyer"}, {"An idempotency key is of visible characters.", "idempotency_key", "key 1"},
		{"A signer is an absolute key id.", "signer_id", "#s1"}, {"A method has a name.", "method_id", "act:payment/"}, {"A name of a method begins with a letter or digit.", "method_id", "act:payment/-a"},
	} {
		s.no(three(i+10), c.title, protocol.CodeFieldInvalid, rule, field(c.name, c.value))
	}
	s.no("020", "An algorithm of the schema that is not the profile's.", protocol.CodeAlgorithmRefused, rule, field("signature_type", "RS256"))
	for i, category := range []string{"food//tea", "/food", "food/", "food/ tea", "food /tea", "a\x00b", strings.Repeat("c", 257), "\u202efood"} {
		s.no(three(i+30), "A category is of segments of text between single slashes.", protocol.CodeFieldInvalid, rule, detail("category", category))
	}
	for i, url := range []string{"ftp://psp.example/act", "https:///act", "https://ann@psp.example/act", "psp", "https://psp.example/%zz", "https://psp.example/a b", "https://psp.example/a#b"} {
		s.no(three(i+40), "An endpoint is an absolute URL of the web.", protocol.CodeFieldInvalid, rule, detail("endpoint", url))
	}
	s.no("050", "A provider is named by an identifier.", protocol.CodeFieldInvalid, rule, detail("psp_id", "psp"))
	paid := &sheet{b: b, group: "a402/outer", operation: "a402.proof.verify", make: func(strokes ...stroke) *header {
		return b.proof(append([]stroke{func(h *header) {
			h.rest = obj{
				"psp_id": pspDID, "payee": shopDID, "order_number": billNo, "resource_id": resourceID, "amount": "18.00", "currency": "CNY", "method_id": methodName,
				"request": request, "payer": buyerDID, "thumbprint": b.buyer().Public().Thumbprint(), "documents": b.parties(),
			}
		}}, strokes...)...)
	}}
	paid.first("A proof of the profile.", ids("PSD-PAY-A402-21"), obj{"trade_no": tradeNo, "payer": buyerDID})
	for i, c := range []wrong{
		{"An order is of visible characters.", "out_trade_no", "order 1"}, {"A resource is of visible characters.", "resource_id", "report 7"}, {"A trade is of visible characters.", "trade_no", "trade 1"},
		{"A buyer is named by an identifier.", "buyer_unique_id", "buyer"}, {"An idempotency key is of visible characters.", "idempotency_key", "key 1"}, {"A method has a name.", "method_id", "act:payment/"},
	} {
		paid.no(three(i+10), c.title, protocol.CodeFieldInvalid, ids("PSD-PAY-A402-21"), field(c.name, c.value))
	}
	paid.no("020", "A key outside is the key inside.", protocol.CodeClaimsConflict, ids("PSD-PAY-A402-21"), field("idempotency_key", "key-1"))
	pay := &post{b: b, group: "edge/pay", operation: "payment.request.verify", output: b.payOutput("DEL"), rule: ids("PSD-PAY-DEL-03"), letter: func() *letter { return b.payRequest("DEL") }}
	pay.first("A payment request whose members are in their forms.")
	pay.no("010", "A method has a name.", protocol.CodeFieldInvalid, nil, member("payment_method", "urn:act:payment:"))
	pay.no("011", "A name of a method is in lower case.", protocol.CodeFieldInvalid, nil, member("payment_method", "urn:act:payment:Wallet"))
	pay.no("012", "A name of a method has a limit.", protocol.CodeFieldInvalid, nil, member("payment_method", "urn:act:payment:"+strings.Repeat("m", 129)))
	pay.no("013", "An order is not empty.", protocol.CodeFieldMissing, nil, member("order", ""))
	pay.no("015", "A bill is not empty.", protocol.CodeFieldMissing, nil, member("order", nil), member("bill", ""))
	pay.no("014", "An amount is more than nothing.", protocol.CodeFieldInvalid, nil, member("amount", "0.00"))
	result := &post{b: b, group: "edge/paid", operation: "payment.result.verify", output: obj{"trade_no": tradeNo, "trade_state": "WAIT_SELLER_FULFILLMENT", "amount": "48.50"}, rule: ids("PSD-PAY-DEL-13"), letter: func() *letter { return b.payResult("DEL", b.payRequest("DEL")) }}
	result.first("A result whose state is one of money that has moved.")
	result.no("010", "Before anybody asked for money none has moved.", protocol.CodeFieldInvalid, nil, member("trade_state", "CREATE"))
}
