package vectors

import (
	"crypto/sha256"
	"maps"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The paid request of the cases, and its bill.
const (
	reportURL  = "https://shop.example/reports/7?lang=en"
	billNo     = "bill-5001"
	resourceID = "report-7"
	methodName = "act:payment/wallet"
)

// fingerprintOf is the fingerprint of a request (SPEC.md 6.4) whose target has
// its normal form.
func fingerprintOf(method, uri, media, body string) string {
	hash := sha256.Sum256([]byte(body))
	return sha256Digest(method + "\n" + uri + "\n" + media + "\n" + canon.EncodeBase64(hash[:]))
}

// groupFingerprint: fingerprints of requests (SPEC.md 6.4).
func groupFingerprint(b *builder) {
	rule := ids("PSD-PAY-A402-16")
	type request struct{ method, uri, contentType, body string }
	in := func(r request) obj {
		return obj{"method": r.method, "uri": r.uri, "content_type": r.contentType, "body": canon.EncodeBase64([]byte(r.body))}
	}
	get := fingerprintOf("GET", reportURL, "", "")
	ok := b.valid(spec{id: "fingerprint/form/001", title: "Method, target, media type and body, each on a line.", requirements: rule, operation: "fingerprint.compute",
		input: in(request{method: "GET", uri: reportURL}), output: obj{"request_fingerprint": get}})
	also := func(id, title, want string, r request) {
		b.also(ok, spec{id: "fingerprint/" + id, title: title, output: obj{"request_fingerprint": want}}, func(input obj) { clear(input); maps.Copy(input, in(r)) })
	}
	post := fingerprintOf("POST", "https://shop.example/a", "application/json", `{"n":1}`)
	also("form/002", "A body is hashed before it is hashed with the rest.", post, request{"POST", "https://shop.example/a", "application/json", `{"n":1}`})
	also("media/001", "A media type has no parameters.", post, request{"POST", "https://shop.example/a", "application/json; charset=utf-8", `{"n":1}`})
	also("media/002", "A media type is in lower case.", post, request{"POST", "https://shop.example/a", "Application/JSON", `{"n":1}`})
	also("target/001", "Scheme and host are in lower case.", get, request{method: "GET", uri: "HTTPS://Shop.EXAMPLE/reports/7?lang=en"})
	also("target/002", "The usual port is dropped.", get, request{method: "GET", uri: "https://shop.example:443/reports/7?lang=en"})
	also("target/003", "An empty port is dropped.", get, request{method: "GET", uri: "https://shop.example:/reports/7?lang=en"})
	also("target/004", "A fragment is not sent.", get, request{method: "GET", uri: reportURL + "#page-2"})
	also("target/005", "Another port is kept.", fingerprintOf("GET", "https://shop.example:8443/", "", ""), request{method: "GET", uri: "https://shop.example:8443/"})
	also("target/006", "An empty path is a slash.", fingerprintOf("GET", "https://shop.example/", "", ""), request{method: "GET", uri: "https://shop.example"})
	also("target/007", "An empty path before a query is a slash.", fingerprintOf("GET", "https://shop.example/?a", "", ""), request{method: "GET", uri: "https://shop.example?a"})
	also("target/008", "A question mark with nothing behind it is kept.", fingerprintOf("GET", "https://shop.example/a?", "", ""), request{method: "GET", uri: "https://shop.example/a?"})
	also("target/009", "Path and query stay byte for byte: nothing is decoded.", fingerprintOf("GET", "https://shop.example/%61/%2F?q=%20+", "", ""), request{method: "GET", uri: "https://shop.example/%61/%2F?q=%20+"})
	also("target/010", "Path and query keep their case.", fingerprintOf("GET", "https://shop.example/A?B=c", "", ""), request{method: "GET", uri: "https://shop.example/A?B=c"})
	also("target/011", "Dots in a path stay where they are.", fingerprintOf("GET", "https://shop.example/a/../b/./c", "", ""), request{method: "GET", uri: "https://shop.example/a/../b/./c"})
	also("target/012", "The usual port of another scheme is none of this one.", fingerprintOf("GET", "https://shop.example:80/", "", ""), request{method: "GET", uri: "https://shop.example:80/"})
	also("body/001", "A body may be any bytes.", fingerprintOf("PUT", "https://shop.example/a", "application/octet-stream", "\x00\r\n"), request{"PUT", "https://shop.example/a", "application/octet-stream", "\x00\r\n"})
	for i, c := range []struct {
		title string
		r     request
	}{
		{"A method is in capitals.", request{method: "get", uri: reportURL}},
		{"A method is not empty.", request{uri: reportURL}},
		{"A target has a scheme.", request{method: "GET", uri: "//shop.example/a"}},
		{"A target has a host.", request{method: "GET", uri: "https:///a"}},
		{"A target has no line feed, which would begin another line.", request{method: "GET", uri: "https://shop.example/a\nb"}},
		{"A target is ASCII, as it is sent.", request{method: "GET", uri: "https://shop.example/ä"}},
	} {
		b.invalid(ok, spec{id: "fingerprint/refused/" + three(i+1), title: c.title, code: protocol.CodeFieldInvalid}, func(input obj) { clear(input); maps.Copy(input, in(c.r)) })
	}
}

// A header is the value of one of the three headers in the making.
type header struct {
	b        *builder
	protocol obj
	method   obj
	signer   *keys.Signer        // of a bill; nil does not sign
	claims   obj                 // of the proof inside a Payment-Proof
	proof    *keys.Signer        // who signs it
	typ      string              // of that token
	finish   func(string) string // changes the JSON
	lines    func(string) list   // of the encoded value; one line
	rest     obj                 // of the input
}

// A stroke makes another header of one.
type stroke func(*header)

func field(path string, value any) stroke { return func(h *header) { set(h.protocol, path, value) } }
func detail(name string, value any) stroke {
	return func(h *header) { set(h.method, name, value) }
}
func outside(name string, value any) stroke { return func(h *header) { h.rest[name] = value } }
func inside(path string, value any) stroke  { return func(h *header) { set(h.claims, path, value) } }

// text is the JSON of the header, signed.
func (h *header) text() string {
	all := obj{"protocol": h.protocol, "method": h.method}
	if h.signer != nil {
		delete(h.protocol, "signature_content")
		signed := "act-go/1 " + keys.KindBill + "\n" + string(h.b.value("bill", all))
		h.protocol["signature_content"] = canon.EncodeBase64(h.b.coreSign(h.signer, signed))
	}
	if h.claims != nil {
		if _, given := h.protocol["payment_proof"]; !given {
			h.protocol["payment_proof"] = h.token()
		}
	}
	text := h.b.textOf("header", all)
	if h.finish != nil {
		text = h.finish(text)
	}
	return text
}

// token is the value of payment_proof.
func (h *header) token() string {
	header := headerOf(h.proof, h.typ)
	return canon.EncodeBase64([]byte(h.b.token(h.proof, h.b.textOf("header", header), h.b.textOf("proof", h.claims))))
}

func (h *header) input() obj {
	value := canon.EncodeBase64([]byte(h.text()))
	lines := list{value}
	if h.lines != nil {
		lines = h.lines(value)
	}
	in := maps.Clone(h.rest)
	in["lines"] = lines
	return in
}

// bill is a good Payment-Needed for reportURL.
func (b *builder) bill(strokes ...stroke) *header {
	h := &header{b: b, signer: b.seller(), rest: obj{}, protocol: obj{
		"method_id": methodName, "method_version": "1.0.0", "out_trade_no": billNo, "amount": "18.00", "currency": "CNY", "resource_id": resourceID,
		"pay_before": utc(now.Add(10 * time.Minute)), "seller_unique_id": shopDID, "request_method": "GET", "request_fingerprint": fingerprintOf("GET", reportURL, "", ""),
		"replay_window_seconds": 86400, "signer_id": sellerKey, "signature_type": "ED25519",
	}, method: obj{"psp_id": pspDID, "endpoint": pspEndpoint, "category": "food/drink/coffee"}}
	for _, s := range strokes {
		s(h)
	}
	return h
}

// A402 cases of one operation.
type sheet struct {
	b         *builder
	group     string
	operation string
	make      func(...stroke) *header
	ok        spec
}

func (s *sheet) first(title string, rule []string, output obj) {
	s.ok = s.b.valid(spec{id: s.group + "/001", title: title, requirements: rule, operation: s.operation, input: s.make().input(), output: output})
}

func (s *sheet) yes(id, title string, rule []string, output obj, strokes ...stroke) {
	if output == nil {
		output = s.ok.output
	}
	s.b.valid(spec{id: s.group + "/" + id, title: title, requirements: rule, operation: s.operation, input: s.make(strokes...).input(), output: output})
}

func (s *sheet) no(id, title string, code protocol.Code, rule []string, strokes ...stroke) {
	s.b.invalid(s.ok, spec{id: s.group + "/" + id, title: title, code: code, requirements: rule}, func(in obj) {
		clear(in)
		maps.Copy(in, s.make(strokes...).input())
	})
}

func (s *sheet) at(id, title string, code protocol.Code, rule []string, clock time.Time) {
	s.b.invalid(s.ok, spec{id: s.group + "/" + id, title: title, code: code, requirements: rule, clock: clock}, nil)
}

// encoding adds what holds of all three headers. The ids are from 080 on.
func (s *sheet) encoding(rule string) {
	form := ids("PSD-PAY-A402-03")
	lines := func(f func(string) list) stroke { return func(h *header) { h.lines = f } }
	text := func(f func(string) string) stroke { return func(h *header) { h.finish = f } }
	s.no("080", "A header that stands twice might be read as either.", protocol.CodeMalformed, form, lines(func(v string) list { return list{v, v} }))
	s.no("081", "An empty header has no content.", protocol.CodeMalformed, form, lines(func(string) list { return list{""} }))
	s.no("082", "A header has no padding.", protocol.CodeMalformed, form, text(func(t string) string { return t + strings.Repeat(" ", (3-len(t)%3)%3+1) }), lines(func(v string) list { return list{v + strings.Repeat("=", 4-len(v)%4)} }))
	s.no("083", "A header is in the alphabet of URLs.", protocol.CodeMalformed, form, lines(func(v string) list { return list{"+/" + v[2:]} }))
	s.no("084", "More than 8 KiB are not decoded.", protocol.CodeTooLarge, form, text(func(t string) string { return t + strings.Repeat(" ", 6200) }))
	s.no("085", "A header is JSON.", protocol.CodeMalformed, form, text(func(t string) string { return t[1:] }))
	s.no("086", "A header has two members and no third.", protocol.CodeFieldUnknown, form, text(func(t string) string { return `{"extra":1,` + t[1:] }))
	s.no("087", "A header has a method.", protocol.CodeFieldMissing, form, func(h *header) { h.method = nil }, text(func(t string) string { return strings.Replace(t, `"method":null,`, "", 1) }))
	s.no("088", "A method is not empty.", protocol.CodeFieldMissing, ids(rule), func(h *header) { h.method = obj{} })
	s.no("089", "A member that stands twice has no one meaning.", protocol.CodeMalformed, form, text(func(t string) string {
		return strings.Replace(t, `"protocol":{`, `"protocol":{"out_trade_no":"other",`, 1)
	}))
	s.no("090", "An unknown member of protocol is refused.", protocol.CodeFieldUnknown, ids(rule), field("discount", "1.00"))
	s.yes("091", "The method is open.", ids("PSD-PAY-A402-13"), nil, detail("note", obj{"amount": "0.01", "currency": "USD"}))
	s.yes("092", "An extension never changes the meaning of a base field.", ids("PSD-PAY-A402-13"), nil, detail("amount", "0.01"), detail("out_trade_no", "other"))
}

// lacks adds a case for each member that protocol must have.
func (s *sheet) lacks(start int, rule string, names ...string) {
	for i, name := range names {
		s.no(three(start+i), "A header without "+name+" says too little.", protocol.CodeFieldMissing, ids(rule), func(h *header) {
			h.finish = func(t string) string {
				var o obj
				if err := canon.Decode([]byte(t), &o); err != nil {
					h.b.fail(name, "%w", err)
				}
				delete(o["protocol"].(obj), name)
				return h.b.textOf("header", o)
			}
		})
	}
}

// groupNeeded: Payment-Needed (SPEC.md 6.4, 6.5).
func groupNeeded(b *builder) {
	output := obj{"method_id": methodName, "out_trade_no": billNo, "resource_id": resourceID, "seller_unique_id": shopDID, "amount": "18.00", "currency": "CNY"}
	rule := ids("PSD-PAY-A402-20")
	s := &sheet{b: b, group: "a402/needed", operation: "a402.needed.parse", make: b.bill}
	s.first("A bill says what is asked, by whom, for which request, until when.", ids("PSD-PAY-A402-01", "PSD-PAY-A402-03", "PSD-PAY-A402-20"), output)
	s.lacks(10, "PSD-PAY-A402-20", "method_id", "method_version", "out_trade_no", "amount", "currency", "resource_id", "pay_before", "seller_unique_id",
		"request_method", "request_fingerprint", "replay_window_seconds", "signer_id", "signature_content", "signature_type")
	for i, c := range []struct {
		title, name string
		value       any
		requirement string
	}{
		{"A method has the form of the schema.", "method_id", "urn:Act:payment", "PSD-PAY-A402-20"},
		{"A version is three numbers.", "method_version", "1.0", "PSD-PAY-A402-20"},
		{"A version has no leading zeros.", "method_version", "01.0.0", "PSD-PAY-A402-20"},
		{"An amount is a string.", "amount", 18, "PSD-PAY-A402-13"},
		{"An amount has no more decimals than its currency.", "amount", "18.000", "PSD-PAY-A402-13"},
		{"An amount has no exponent.", "amount", "1.8e1", "PSD-PAY-A402-13"},
		{"A currency is one of ISO 4217.", "currency", "cny", "PSD-PAY-A402-13"},
		{"A time is RFC 3339.", "pay_before", "tomorrow", "PSD-PAY-A402-20"},
		{"A request method is in capitals.", "request_method", "Get", "PSD-PAY-A402-16"},
		{"A fingerprint is by SHA-256 and by nothing else.", "request_fingerprint", "sm3:" + strings.Repeat("A", 43), "PSD-PAY-A402-16"},
		{"A fingerprint is whole.", "request_fingerprint", "sha-256:" + strings.Repeat("A", 42), "PSD-PAY-A402-16"},
		{"A replay window is a number of whole seconds.", "replay_window_seconds", "86400", "PSD-PAY-A402-20"},
		{"A replay window ends.", "replay_window_seconds", 2592001, "PSD-PAY-A402-20"},
		{"A replay window is not negative.", "replay_window_seconds", -1, "PSD-PAY-A402-20"},
		{"An id has at most 256 characters.", "out_trade_no", strings.Repeat("x", 257), "PSD-PAY-A402-20"},
		{"A signature type has the form of the schema.", "signature_type", "Ed25519", "PSD-PAY-A402-20"},
		{"A confirmation has a digest by SHA-256.", "commerce_confirmation", obj{"confirmation_id": "c-1", "confirmation_digest": "x"}, "PSD-PAY-A402-20"},
	} {
		s.no(three(i+30), c.title, protocol.CodeFieldInvalid, ids(c.requirement), field(c.name, c.value))
	}
	s.no("050", "A request that may change something has an idempotency key.", protocol.CodeFieldMissing, ids("PSD-PAY-A402-16"), field("request_method", "POST"))
	s.yes("051", "With an idempotency key such a request is billed.", ids("PSD-PAY-A402-16"), nil, field("request_method", "POST"), field("idempotency_key", "key-1"))
	s.yes("052", "A safe request may have one too.", rule, nil, field("idempotency_key", "key-1"))
	s.yes("053", "An id may be of any characters by the schema.", rule, changed(maps.Clone(output), []any{"out_trade_no", "账单 1"}), field("out_trade_no", "账单 1"))
	s.yes("054", "A bill may refer to a confirmation.", rule, nil, field("commerce_confirmation", obj{"confirmation_id": "c-1", "confirmation_digest": sha256Digest("c"), "confirmation_uri": "https://shop.example/c/1"}))
	s.yes("055", "A method of another family is one by the schema.", rule, changed(maps.Clone(output), []any{"method_id", "alipay:agent/pay"}), field("method_id", "alipay:agent/pay"))
	s.yes("056", "The last second of the longest replay window is inside.", rule, nil, field("replay_window_seconds", 2592000))
	s.encoding("PSD-PAY-A402-20")
	neededVerify(b, output)
}

// neededVerify: a bill that an agent got for its own request.
func neededVerify(b *builder, output obj) {
	request := func(method, uri, body string) obj {
		return obj{"method": method, "uri": uri, "content_type": "", "body": canon.EncodeBase64([]byte(body))}
	}
	s := &sheet{b: b, group: "a402/bill", operation: "a402.needed.verify", make: func(strokes ...stroke) *header {
		return b.bill(append([]stroke{func(h *header) {
			h.rest = obj{"agent": buyerDID, "psp_id": pspDID, "methods": list{walletURN}, "request": request("GET", reportURL, ""), "documents": b.parties()}
		}}, strokes...)...)
	}}
	rule, method, bound, open := ids("PSD-PAY-A402-20"), ids("PSD-PAY-A402-17"), ids("PSD-PAY-A402-16"), ids("PSD-PAY-A402-18")
	s.first("A bill that the seller signed, for this request, by a method and provider of the agent's, in time.", ids("PSD-PAY-A402-16", "PSD-PAY-A402-17", "PSD-PAY-A402-18", "PSD-PAY-A402-20"), output)
	s.yes("002", "What the body says decides nothing: machines use the header.", ids("PSD-PAY-A402-04"), nil, outside("answer_body", `{"amount":"0.01","currency":"CNY","seller_unique_id":"`+shop2DID+`","out_trade_no":"other"}`))
	s.yes("003", "A bill may name the buyer.", rule, nil, field("buyer_unique_id", buyerDID))
	s.no("004", "A bill for another buyer is not the agent's to pay.", protocol.CodeAgentMismatch, rule, field("buyer_unique_id", otherDID))
	s.no("010", "A method that the agent does not support is not paid by.", protocol.CodeMethodNotAllowed, method, field("method_id", "act:payment/card"))
	s.no("011", "A method in another form is none that the agent supports.", protocol.CodeFieldInvalid, method, field("method_id", "alipay:agent/pay"))
	s.no("012", "Another version of a method is another specification.", protocol.CodeFieldInvalid, method, field("method_version", "2.0.0"))
	s.no("013", "A bill that is payable through another provider is not paid through this one.", protocol.CodeAudienceMismatch, method, detail("psp_id", psp2DID))
	s.no("014", "A bill without a provider cannot be paid.", protocol.CodeFieldMissing, method, detail("psp_id", nil))
	s.no("015", "A bill without an endpoint says too little.", protocol.CodeFieldMissing, method, detail("endpoint", nil))
	s.no("016", "A bill without a category could not be judged by a mandate.", protocol.CodeFieldMissing, rule, detail("category", nil))
	s.no("017", "A bill for nothing is none.", protocol.CodeFieldInvalid, rule, field("amount", "0.00"))
	s.no("018", "In this profile sellers have DIDs.", protocol.CodeFieldInvalid, rule, field("seller_unique_id", "shop-1"))
	s.no("019", "In this profile ids are visible ASCII.", protocol.CodeFieldInvalid, rule, field("out_trade_no", "账单-1"))
	s.no("020", "A bill for another target is not for this request.", protocol.CodeOrderMismatch, bound, outside("request", request("GET", "https://shop.example/reports/8?lang=en", "")))
	s.no("021", "A bill for another query is not for this request.", protocol.CodeOrderMismatch, bound, outside("request", request("GET", "https://shop.example/reports/7?lang=de", "")))
	s.no("022", "A bill for another method is not for this request.", protocol.CodeOrderMismatch, bound, outside("request", request("HEAD", reportURL, "")))
	s.no("023", "A bill for another body is not for this request.", protocol.CodeOrderMismatch, bound, outside("request", request("GET", reportURL, "x")))
	s.no("024", "The method of a bill is that of the request, beside the fingerprint.", protocol.CodeOrderMismatch, bound, field("request_method", "HEAD"))
	s.no("025", "A request that carried a key is billed under this key.", protocol.CodeOrderMismatch, bound, outside("idempotency_key", "key-1"))
	s.no("026", "A request that carried a key is not billed under another.", protocol.CodeOrderMismatch, bound, outside("idempotency_key", "key-1"), field("idempotency_key", "key-2"))
	s.yes("027", "A seller may choose the key of a request without one.", bound, nil, field("idempotency_key", "key-9"))
	s.no("028", "A header that is none has no bill.", protocol.CodeMalformed, rule, func(h *header) { h.lines = func(string) list { return list{"AAAA"} } })
	s.at("030", "From pay_before on a bill is not paid.", protocol.CodeOrderExpired, open, now.Add(10*time.Minute))
	s.b.also(s.ok, spec{id: "a402/bill/031", title: "A second before it is.", requirements: open, clock: now.Add(10*time.Minute - time.Second)}, nil)
	s.yes("032", "A time with an offset is the moment that it means.", open, nil, field("pay_before", "2026-11-01T18:10:00+08:00"))
	signature := func(id, title string, code protocol.Code, strokes ...stroke) { s.no(id, title, code, rule, strokes...) }
	changes := func(old, new string) stroke {
		return func(h *header) { h.finish = func(t string) string { return strings.Replace(t, old, new, 1) } }
	}
	signature("040", "The signature covers the amount.", protocol.CodeSignatureInvalid, changes(`"amount":"18.00"`, `"amount":"81.00"`))
	signature("041", "The signature covers how the amount is written.", protocol.CodeSignatureInvalid, changes(`"amount":"18.00"`, `"amount":"18.0"`))
	signature("042", "The signature covers the number.", protocol.CodeSignatureInvalid, changes(billNo, "bill-5002"))
	signature("043", "The signature covers the members of the method.", protocol.CodeSignatureInvalid, changes("food/drink/coffee", "books/travel"))
	signature("044", "The signature covers what was not there.", protocol.CodeSignatureInvalid, changes(`"method":{`, `"method":{"note":"x",`))
	signature("045", "The signature covers the time.", protocol.CodeSignatureInvalid, changes(utc(now.Add(10*time.Minute)), utc(now.Add(20*time.Minute))))
	signature("046", "A key of another party does not sign for the seller.", protocol.CodeClaimsConflict, field("signer_id", shop2DID+"#s1"))
	signature("047", "A key for agent requests signs no bill.", protocol.CodeKeyPurpose, outside("documents", documents(b.signer(sellerKey, keys.AgentRequest, keys.EdDSA))))
	signature("048", "The algorithm is that of the key.", protocol.CodeAlgorithmRefused, field("signature_type", "ES256"))
	signature("049", "An algorithm that is none of ours is refused.", protocol.CodeAlgorithmRefused, field("signature_type", "RSA2"))
	signature("050", "A seller whose document cannot be had is not known.", protocol.CodeKeyUnavailable, outside("documents", documents(b.buyer())))
	signature("051", "A key that was compromised signs no bill.", protocol.CodeKeyNotValid, func(h *header) {
		set(h.rest["documents"].(obj)[shopDID].(obj)["verificationMethod"].(list)[0].(obj), "actCompromised", true)
	})
	s.yes("052", "Another spelling of the same JSON is the same bill.", rule, nil, changes(`"method":{`, ` "method" : { `))
	s.no("053", "A bill of more than 3 KiB is not paid.", protocol.CodeTooLarge, ids("PSD-PAY-A402-03"), detail("note", strings.Repeat("x", 2400)))
	b.invalid(s.ok, spec{id: "a402/bill/054", title: "Who is not the provider's agent pays nothing: no method in common.", code: protocol.CodeMethodNotAllowed, requirements: method}, put("methods", list{cardURN}))
}
