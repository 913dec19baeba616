package vectors

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/multiformats/go-multibase"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The cases of this file were asked for by mutation: each is the one that
// notices when a check of the library is removed (conformance/MUTATION.md).

// groupEdges: the edges of identifiers, keys, documents, numbers and headers.
func groupEdges(b *builder) {
	edgesDID(b)
	edgesJWK(b)
	edgesDocument(b)
	edgesNumber(b)
	edgesHeader(b)
	edgesMessage(b)
	edgesMandate(b)
	edgesIdentity(b)
}

// didKey is the did:key of bytes, whatever they are.
func didKey(b *builder, codec, value []byte) string {
	text, err := multibase.Encode(multibase.Base58BTC, append(codec[:len(codec):len(codec)], value...))
	if err != nil {
		b.fail("did:key", "%w", err)
	}
	return "did:key:" + text
}

func edgesDID(b *builder) {
	label := strings.Repeat("l", 63)
	ok := b.valid(spec{
		id: "did/edge/001", title: "A host name may have labels of 63 characters.", requirements: ids("IDN-02"), operation: "did.parse",
		input: obj{"did": "did:act:" + label + ".example/coffee"}, output: obj{"method": "act", "url": "https://" + label + ".example/.well-known/act/coffee/did.json"},
	})
	p256, ed := []byte{0x80, 0x24}, []byte{0xed, 0x01}
	b.also(ok, spec{id: "did/edge/002", title: "A did:key of P-256 is a compressed point.", output: obj{"method": "key"}},
		put("did", "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv")) // of the did:key method's own test vectors
	long := label + "." + label + "." + label + "." + label[:61]
	b.also(ok, spec{id: "did/edge/003", title: "A host name may have 253 characters.", output: obj{"method": "web", "url": "https://" + long + "/.well-known/did.json"}}, put("did", "did:web:"+long))
	for _, c := range []struct{ id, title, did string }{
		{"004", "A label of 64 characters.", "did:act:" + label + "l.example/coffee"},
		{"005", "A host name of 254 characters.", "did:web:" + long + "l"},
		{"006", "An empty label.", "did:act:shop..example/coffee"},
		{"007", "A host name that begins with a point.", "did:act:.shop.example/coffee"},
		{"008", "A label that begins with a hyphen.", "did:act:-shop.example/coffee"},
		{"009", "A label that ends with a hyphen.", "did:act:shop-.example/coffee"},
		{"010", "No host.", "did:act:/coffee"},
		{"011", "Port 0 is no port.", "did:act:shop.example%3A0/coffee"},
		{"012", "A port with a leading zero would be a second spelling.", "did:act:shop.example%3A08443/coffee"},
		{"013", "A sign before a port.", "did:act:shop.example%3A+8443/coffee"},
		{"014", "An empty port.", "did:act:shop.example%3A/coffee"},
		{"015", "A method alone.", "did:act"},
		{"016", "A segment of one point.", "did:web:shop.example:.:users"},
		{"017", "An identifier that is longer than any needs to be.", "did:web:shop.example:" + strings.Repeat("u", 2048)},
		{"018", "A did:key of P-256 whose x is on no point of the curve.", didKey(b, p256, append([]byte{2}, make([]byte, 31)...))},
		{"019", "A did:key of one byte.", didKey(b, nil, []byte{0xed})},
		{"020", "A did:key of secp256k1.", didKey(b, []byte{0xe7, 0x01}, append([]byte{2}, bytesOf("x", 32)...))},
		{"021", "A did:key of Ed25519 that is a byte short.", didKey(b, ed, bytesOf("x", 31))},
		{"022", "A did:key of Ed25519 of small order, for which anybody makes signatures.", didKey(b, ed, make([]byte, 32))},
		{"023", "A did:key without a key.", "did:key:"},
		{"024", "A did:key with a character that base58 does not have.", "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMs0"},
		{"025", "A did:key of P-256 that is not compressed would be a second spelling.", didKey(b, p256, append([]byte{4}, bytesOf("x", 64)...))},
	} {
		b.invalid(ok, spec{id: "did/edge/" + c.id, title: c.title, code: protocol.CodeFieldInvalid}, put("did", c.did))
	}
}

func edgesJWK(b *builder) {
	// A key whose y is near p, 2^255-19, in its first and last bytes.
	near := func() []byte {
		for i := 0; ; i++ {
			public := ed25519.NewKeyFromSeed(bytesOf(fmt.Sprintf("near %d", i), 32)).Public().(ed25519.PublicKey)
			if public[31]&0x7f == 0x7f && public[0] >= 0xec {
				return public
			}
		}
	}()
	encode := base64.RawURLEncoding.EncodeToString
	okp := func(x []byte) string { return b.textOf("jwk", obj{"kty": "OKP", "crv": "Ed25519", "x": encode(x)}) }
	ok := b.valid(spec{
		id: "jwk/edge/001", title: "A key that resembles those that are refused is none of them.", requirements: ids("IDN-02"), features: []string{"ed25519"}, operation: "jwk.parse",
		input: obj{"jwk": okp(near)}, output: obj{"algorithm": "EdDSA", "thumbprint": thumbprint(obj{"kty": "OKP", "crv": "Ed25519", "x": encode(near)})},
	})
	minusOne := []byte{0xec}
	for range 30 {
		minusOne = append(minusOne, 0xff)
	}
	order8 := []byte{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}
	other8 := []byte{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05}
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		jwk       string
	}{
		{"002", "The point of order 2.", protocol.CodeFieldInvalid, okp(append(minusOne, 0x7f))},
		{"003", "A point of order 4.", protocol.CodeFieldInvalid, okp(make([]byte, 32))},
		{"004", "A point of order 8.", protocol.CodeFieldInvalid, okp(order8)},
		{"005", "The other point of order 8.", protocol.CodeFieldInvalid, okp(other8)},
		{"006", "A coordinate of 33 bytes.", protocol.CodeFieldInvalid, okp(append(near[:32:32], 0))},
		{"007", "A key is an object.", protocol.CodeFieldInvalid, `"key"`},
		{"008", "A kty that is no string.", protocol.CodeFieldInvalid, strings.Replace(okp(near), `"OKP"`, `7`, 1)},
		{"009", "An algorithm that nobody has.", protocol.CodeAlgorithmRefused, strings.Replace(okp(near), "{", `{"alg":"Ed448",`, 1)},
	} {
		b.invalid(ok, spec{id: "jwk/edge/" + c.id, title: c.title, code: c.code}, put("jwk", c.jwk))
	}
	ec := jwk(b.signer(coreSell, keys.Seller, keys.ES256))
	second := b.valid(spec{
		id: "jwk/edge/010", title: "A key of P-256 with a name.", requirements: ids("IDN-02"), features: []string{"es256"}, operation: "jwk.parse",
		input: obj{"jwk": b.textOf("jwk", obj{"kty": "EC", "crv": "P-256", "x": ec["x"], "y": ec["y"], "kid": "k"})}, output: obj{"algorithm": "ES256", "thumbprint": thumbprint(ec)},
	})
	b.invalid(second, spec{id: "jwk/edge/011", title: "A second coordinate that is cut short.", code: protocol.CodeFieldInvalid},
		put("jwk", b.textOf("jwk", obj{"kty": "EC", "crv": "P-256", "x": ec["x"], "y": strings.Repeat("A", 42), "kid": "k"})))
	b.invalid(second, spec{id: "jwk/edge/012", title: "A second coordinate with padding.", code: protocol.CodeMalformed},
		put("jwk", b.textOf("jwk", obj{"kty": "EC", "crv": "P-256", "x": ec["x"], "y": ec["y"].(string) + "=", "kid": "k"})))
}

// edgesDocument: entries for encryption beside those that verify.
func edgesDocument(b *builder) {
	agent, seller := coreKeys(b)
	both := obj{"keys": list{outputKey(agent), outputKey(seller)}}
	const sealID, sealID2 = coreDID + "#seal", coreDID + "#seal2"
	p256 := encryptionEntry(b.decryption(sealID2, ecdh.P256()))
	make := func(change func(seal, second obj)) string {
		seal, second := encryptionEntry(b.decryption(sealID, ecdh.X25519())), b.copy("entry", p256)
		if change != nil {
			change(seal, second)
		}
		return b.textOf("document", document(coreDID, entry(agent), entry(seller), seal, second))
	}
	ok := b.valid(spec{
		id: "document/seal/001", title: "Keys for which others seal stand beside those that verify.", requirements: ids("IDN-02", "PRV-02"), features: []string{"ed25519", "es256"},
		operation: "did.document", input: obj{"did": coreDID, "text": make(nil)}, output: both,
	})
	jwkOf := func(e obj) obj { return e["publicKeyJwk"].(obj) }
	for _, c := range []struct {
		id, title string
		change    func(seal, second obj)
	}{
		{"002", "A kind of key for encryption that the profile does not have is left out.", func(seal, _ obj) { jwkOf(seal)["crv"] = "X448" }},
		{"003", "A key for another algorithm of agreement is left out.", func(seal, _ obj) { jwkOf(seal)["alg"] = "ECDH-ES" }},
		{"004", "A key that says what it is for, and that is right.", func(seal, _ obj) {
			jwkOf(seal)["alg"], jwkOf(seal)["use"], jwkOf(seal)["key_ops"] = "ECDH-ES+A256KW", "enc", list{"deriveBits"}
		}},
		{"005", "A key for another algorithm of agreement is left out whatever else it says it is for.", func(seal, _ obj) {
			jwkOf(seal)["alg"], jwkOf(seal)["use"] = "ECDH-ES", "sig"
		}},
	} {
		b.also(ok, spec{id: "document/seal/" + c.id, title: c.title}, put("text", make(c.change)))
	}
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		change    func(seal, second obj)
	}{
		{"010", "The point of a key that verifies serves no second purpose.", protocol.CodeFieldInvalid, func(_, second obj) { second["publicKeyJwk"] = jwk(seller) }},
		{"011", "A key for encryption under the id of one that verifies.", protocol.CodeFieldInvalid, func(seal, _ obj) { seal["id"] = coreAgent }},
		{"012", "Two keys for encryption with one id.", protocol.CodeFieldInvalid, func(_, second obj) { second["id"] = sealID }},
		{"013", "A key for encryption whose period ends before it begins.", protocol.CodeFieldInvalid, func(seal, _ obj) {
			seal["actValidFrom"], seal["actValidUntil"] = "2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"
		}},
		{"014", "A key for encryption under somebody else's id.", protocol.CodeFieldInvalid, func(seal, _ obj) { seal["id"] = "did:act:core.example/other#seal" }},
		{"015", "A relative id of a key for encryption.", protocol.CodeFieldInvalid, func(seal, _ obj) { seal["id"] = "#seal" }},
		{"016", "A key that is for signatures is for no encryption.", protocol.CodeKeyPurpose, func(seal, _ obj) { jwkOf(seal)["use"] = "sig" }},
		{"017", "A key that may verify and not derive.", protocol.CodeKeyPurpose, func(seal, _ obj) { jwkOf(seal)["key_ops"] = list{"verify"} }},
		{"018", "A key of X25519 has no y.", protocol.CodeFieldInvalid, func(seal, second obj) { jwkOf(seal)["y"] = jwkOf(second)["y"] }},
		{"019", "A key of P-256 has a y.", protocol.CodeFieldMissing, func(_, second obj) { delete(jwkOf(second), "y") }},
		{"020", "A second coordinate that is cut short.", protocol.CodeFieldInvalid, func(_, second obj) { jwkOf(second)["y"] = strings.Repeat("A", 42) }},
		{"021", "A coordinate that is cut short.", protocol.CodeFieldInvalid, func(seal, _ obj) { jwkOf(seal)["x"] = strings.Repeat("A", 42) }},
		{"022", "A key without kty.", protocol.CodeFieldMissing, func(seal, _ obj) { delete(jwkOf(seal), "kty") }},
		{"023", "A private member: the key is no secret any more.", protocol.CodeFieldInvalid, func(seal, _ obj) { jwkOf(seal)["d"] = jwkOf(seal)["x"] }},
		{"024", "A point that is not on P-256.", protocol.CodeFieldInvalid, func(_, second obj) { jwkOf(second)["y"] = jwkOf(second)["x"] }},
		{"025", "A point of X25519 with its highest bit set would be a second name.", protocol.CodeFieldInvalid, func(seal, _ obj) {
			jwkOf(seal)["x"] = jwkOf(seal)["x"].(string)[:41] + "_8"
		}},
		{"026", "The point of X25519 for which every secret is zero.", protocol.CodeFieldInvalid, func(seal, _ obj) { jwkOf(seal)["x"] = strings.Repeat("A", 43) }},
		{"027", "A beginning of a period that is no time.", protocol.CodeFieldInvalid, func(seal, _ obj) { seal["actValidFrom"] = "today" }},
		{"028", "An end of a period that is no time.", protocol.CodeFieldInvalid, func(seal, _ obj) { seal["actValidUntil"] = "tomorrow" }},
	} {
		b.invalid(ok, spec{id: "document/seal/" + c.id, title: c.title, code: c.code}, put("text", make(c.change)))
	}
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		text      string
	}{
		{"030", "A document is an object.", protocol.CodeFieldInvalid, "[" + make(nil) + "]"},
		{"031", "A document without id is nobody's.", protocol.CodeFieldMissing, strings.Replace(make(nil), `"id":"`+coreDID+`",`, "", 1)},
		{"032", "An entry is an object.", protocol.CodeFieldInvalid, strings.Replace(make(nil), `"verificationMethod":[`, `"verificationMethod":["`+coreAgent+`",`, 1)},
		{"033", "Entries are a list.", protocol.CodeFieldInvalid, b.textOf("document", obj{"id": coreDID, "verificationMethod": "none"})},
		{"034", "An id that is no identifier.", protocol.CodeFieldInvalid, strings.Replace(make(nil), `"id":"`+coreDID+`",`, `"id":"core",`, 1)},
	} {
		b.invalid(ok, spec{id: "document/seal/" + c.id, title: c.title, code: c.code}, put("text", c.text))
	}
	documentEdges(b, ok, make(nil))
}

func edgesNumber(b *builder) {
	ok := b.valid(spec{
		id: "money/edge/001", title: "A number of an intent, and its exact value.", requirements: ids("ADD-INT-ICS-09"),
		operation: "money.number", input: obj{"number": "18.5", "currency": "CNY"}, output: obj{"amount": "18.50", "minor": "1850"},
	})
	for _, c := range []struct{ id, title, number string }{
		{"002", "A number whose minor units would wrap around 64 bits.", "4e17"},
		{"003", "A number far above all amounts.", "1e19"},
		{"004", "A number above the largest amount.", "92233720368547758.08"},
		{"005", "A text is no number.", "ten"},
		{"006", "Nothing is no number.", ""},
	} {
		b.invalid(ok, spec{id: "money/edge/" + c.id, title: c.title, code: protocol.CodeFieldInvalid}, put("number", c.number))
	}
	decimal := b.valid(spec{
		id: "money/edge/010", title: "An amount of a message.", operation: "money.parse", input: obj{"amount": "18.00", "currency": "CNY"}, output: obj{"amount": "18.00", "minor": "1800"},
	})
	b.invalid(decimal, spec{id: "money/edge/011", title: "Letters are no digits.", code: protocol.CodeFieldInvalid}, put("amount", "1a.00"))
	b.invalid(decimal, spec{id: "money/edge/012", title: "An amount that would wrap around 64 bits.", code: protocol.CodeFieldInvalid}, put("amount", "400000000000000000.00"))
	b.invalid(decimal, spec{id: "money/edge/013", title: "Two points.", code: protocol.CodeFieldInvalid}, put("amount", "1.8.00"))
}

// edgesHeader: headers that are nearly the one form. Some parsers read the form
// that nearly all writers use by themselves, and must not read more.
func edgesHeader(b *builder) {
	good := `{"alg":"EdDSA","kid":"` + bankIssue + `","typ":"vc+jwt"}`
	f := b.family("mandate/heading/001", "A header may be escaped: it is JSON.", keys.EdDSA, ids("ADD-IAC-ISS-14"), nil, heading(strings.Replace(good, "vc+jwt", `vc\u002bjwt`, 1)))
	f.with("mandate/heading/002", "The members of a header stand in any order.", ids("ADD-IAC-ISS-14"), nil, heading(`{"typ":"vc+jwt","kid":"`+bankIssue+`","alg":"EdDSA"}`))
	f.with("mandate/heading/003", "A header may have white space.", ids("ADD-IAC-ISS-14"), nil, heading("{ \"alg\" : \"EdDSA\",\n\"kid\":\""+bankIssue+"\",\"typ\":\"vc+jwt\" } "))
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		header    string
	}{
		{"010", "A header that does not begin with a brace.", protocol.CodeMalformed, "x" + good[1:]},
		{"011", "A header that does not end with a brace.", protocol.CodeMalformed, good[:len(good)-1] + "x"},
		{"012", "A semicolon between members.", protocol.CodeMalformed, strings.Replace(good, `","`, `";"`, 1)},
		{"013", "An equals sign for a colon.", protocol.CodeMalformed, strings.Replace(good, `":"`, `"="`, 1)},
		{"014", "A single quote before a name.", protocol.CodeMalformed, strings.Replace(good, `{"`, `{'`, 1)},
		{"015", "A value that does not end.", protocol.CodeMalformed, `{"alg":"EdDSA}`},
		{"016", "A control character in a value.", protocol.CodeMalformed, strings.Replace(good, bankIssue, bankIssue+"\x01", 1)},
		{"017", "A byte that is not UTF-8 in a value.", protocol.CodeMalformed, strings.Replace(good, bankIssue, bankIssue+"\xff", 1)},
		{"018", "A comma before the end.", protocol.CodeMalformed, good[:len(good)-1] + ",}"},
		{"019", "A letter beyond ASCII in a value is JSON, and no key.", protocol.CodeFieldInvalid, strings.Replace(good, bankIssue, bankIssue+"\u00e9", 1)},
		{"020", "A header without members.", protocol.CodeFieldMissing, "{}"},
		{"021", "A header with a member of one letter, and without those it needs.", protocol.CodeFieldMissing, `{"a":1}`},
		{"022", "A header is an object.", protocol.CodeFieldInvalid, `["EdDSA"]`},
		{"023", "A header of one character.", protocol.CodeFieldInvalid, "7"},
		{"024", "A header that is no JSON.", protocol.CodeMalformed, "header"},
	} {
		f.not("mandate/heading/"+c.id, c.title, c.code, ids("ADD-IAC-ISS-14"), heading(c.header))
	}
	f.not("mandate/heading/030", "No header at all.", protocol.CodeMalformed, ids("ADD-IAC-ISS-14"), finish(func(t string) string { return t[strings.IndexByte(t, '.'):] }))
	f.not("mandate/heading/031", "A carriage return in a part, which many decoders skip.", protocol.CodeMalformed, ids("ADD-IAC-ISS-14"), finish(func(t string) string { return t[:9] + "\r" + t[9:] }))
	f.not("mandate/heading/032", "No payload at all.", protocol.CodeMalformed, ids("ADD-IAC-ISS-14"), finish(func(t string) string {
		return t[:strings.IndexByte(t, '.')+1] + t[strings.LastIndexByte(t, '.'):]
	}))
	f.not("mandate/heading/033", "A text without points.", protocol.CodeMalformed, ids("ADD-IAC-ISS-14"), finish(func(t string) string { return strings.ReplaceAll(t, ".", "") }))
}

func heading(text string) change { return func(g *grant) { g.headerText = text } }

// edgesMessage: the four members of a signed message.
func edgesMessage(b *builder) {
	agent, seller := coreKeys(b)
	const kind = keys.KindCartRequest
	message := func(change func(m obj)) obj {
		m := obj{"nonce": nonce("edge"), "signer_id": coreAgent, "signature_type": "ED25519", "signature_covered_fields": list{"nonce", "signature_covered_fields", "signature_type", "signer_id"}}
		if change != nil {
			change(m)
		}
		return m
	}
	text := b.signedText(agent, kind, message(nil))
	ok := b.valid(spec{
		id: "message/edge/001", title: "A message of its four members and a nonce.", requirements: ids("PSD-PAY-DEL-03"), features: []string{"ed25519", "es256"}, operation: "signed_message.verify",
		input:  obj{"message": text, "kind": kind, "purpose": string(keys.AgentRequest), "documents": documents(agent, seller)},
		output: obj{"key_id": coreAgent, "digest": sha256Digest(string(b.value(kind, message(nil))))},
	})
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		text      string
	}{
		{"002", "An empty signature is none.", protocol.CodeFieldMissing, b.textOf(kind, message(func(m obj) { m["signature"] = "" }))},
		{"003", "A signature that is no base64url.", protocol.CodeMalformed, b.textOf(kind, message(func(m obj) { m["signature"] = "!!!" }))},
		{"004", "A signature that is no text.", protocol.CodeFieldInvalid, b.textOf(kind, message(func(m obj) { m["signature"] = 7 }))},
		{"005", "A signer that is no text.", protocol.CodeFieldInvalid, b.signedText(agent, kind, message(func(m obj) { m["signer_id"] = 7 }))},
		{"006", "A signer that is the id of no key.", protocol.CodeFieldInvalid, b.signedText(agent, kind, message(func(m obj) { m["signer_id"] = "agent" }))},
		{"007", "A signer with a quote.", protocol.CodeFieldInvalid, b.signedText(agent, kind, message(func(m obj) { m["signer_id"] = coreAgent + `"` }))},
		{"008", "An algorithm that nobody has.", protocol.CodeAlgorithmRefused, b.signedText(agent, kind, message(func(m obj) { m["signature_type"] = "RS256" }))},
		{"009", "An algorithm that is no text.", protocol.CodeFieldInvalid, b.signedText(agent, kind, message(func(m obj) { m["signature_type"] = list{"ED25519"} }))},
		{"010", "Covered fields that are no list.", protocol.CodeFieldInvalid, b.signedText(agent, kind, message(func(m obj) { m["signature_covered_fields"] = "nonce" }))},
		{"011", "No signer.", protocol.CodeFieldMissing, b.signedText(agent, kind, message(func(m obj) { delete(m, "signer_id") }))},
		{"012", "No covered fields.", protocol.CodeFieldMissing, b.signedText(agent, kind, message(func(m obj) { delete(m, "signature_covered_fields") }))},
		{"013", "No algorithm.", protocol.CodeFieldMissing, b.signedText(agent, kind, message(func(m obj) { delete(m, "signature_type") }))},
		{"014", "An object without members is no message.", protocol.CodeFieldMissing, "{}"},
		{"015", "A text that is no JSON.", protocol.CodeMalformed, "message"},
	} {
		b.invalid(ok, spec{id: "message/edge/" + c.id, title: c.title, code: c.code}, put("message", c.text))
	}
}

func edgesMandate(b *builder) {
	f := b.family("mandate/edge/001", "A mandate whose texts are as long as they may be.", keys.EdDSA, ids("ADD-IAC-ISS-14"), nil, claim("vc.control_proof_ref", strings.Repeat("a", 1024)))
	invalid := func(id, title, requirement string, changes ...change) {
		f.not("mandate/edge/"+id, title, protocol.CodeFieldInvalid, ids(requirement), changes...)
	}
	invalid("002", "Evidence of control is plain text.", "ADD-IAC-ISS-13", claim("vc.control_proof_ref", "a\x00b"))
	for i, uri := range []string{"https://:443/status/1", "https:///status/1", "https://bank.example/%zz", "https://bank.example/" + strings.Repeat("s", 1024), "https:status", "ftp://bank.example/1"} {
		invalid("01"+string(rune('0'+i)), "An address of a list that leads nowhere, or is too long.", "ADD-IAC-LCM-10", claim("status.status_list.uri", uri))
	}
	invalid("020", "An index has no exponent.", "ADD-IAC-LCM-10", claim("status.status_list.idx", raw("3e0")))
	invalid("021", "An index has no fraction.", "ADD-IAC-LCM-10", claim("status.status_list.idx", raw("3.0")))
	invalid("022", "A list is an object.", "ADD-IAC-LCM-10", claim("status.status_list", list{3, bankList}))
	invalid("023", "A status is an object.", "ADD-IAC-LCM-10", claim("status", bankList))
	invalid("024", "A confirmation is an object.", "ADD-IAC-ISS-10", claim("cnf", "k1"))
	invalid("025", "A credential is an object.", "ADD-IAC-ISS-14", claim("vc", "a credential"))
	invalid("026", "A payload is an object.", "ADD-IAC-ISS-14", claim("vc.credentialSubject", list{}))
	invalid("027", "Types are a list.", "ADD-IAC-ISS-14", claim("vc.type", "ACTIntentAuthorization"))
	invalid("028", "An amount is a number.", "ADD-INT-ICS-09", subject("max_total_amount", "200"))
	invalid("029", "Payment methods are a list.", "ADD-INT-ICS-11", subject("allowed_payment_methods", walletURN))
	invalid("030", "A namespace of ext is an object.", "ADD-IAC-ISS-07", subject("ext.commerce", list{}))
	invalid("031", "A number of retries is no text.", "ADD-INT-ICS-15", subject("ext.agent_behavior.max_retry_count", "2"))
	invalid("032", "A number of retries is whole.", "ADD-INT-ICS-15", subject("ext.agent_behavior.max_retry_count", raw("2.5")))
	invalid("033", "A number of retries is not negative.", "ADD-INT-ICS-15", subject("ext.agent_behavior.max_retry_count", -1))
	for i, merchant := range []string{"shop", ":shop", "did:", "1did:act:shop.example/coffee", "d_d:act:shop.example/coffee", "did:act:shop.example/c offee"} {
		invalid("04"+string(rune('0'+i)), "A merchant is named by an absolute URI.", "ADD-INT-ICS-14", subject("ext.commerce.allowed_merchants", list{merchant}))
	}
	for i, category := range []string{"", "/food", "food/", "food//tea", "fo\x00od", strings.Repeat("f", 257)} {
		invalid("05"+string(rune('0'+i)), "A category is segments of text between single slashes.", "ADD-INT-ICS-14", subject("ext.commerce.allowed_categories", list{category}))
	}
	f.not("mandate/edge/060", "A type of a credential stands first.", protocol.CodeTypeMismatch, ids("ADD-IAC-ISS-14"), claim("vc.type", list{"Credential", "ACTIntentAuthorization"}))
	f.not("mandate/edge/061", "A key that lies under another than the issuer.", protocol.CodeClaimsConflict, ids("ADD-IAC-ISS-10"), claim("iss", pspDID))
}

func edgesIdentity(b *builder) {
	a := &album{b: b, alg: keys.EdDSA}
	a.ok = a.with("edge/001", "A credential whose capabilities have names of the full length.", ids("IDN-01"), nil, is("capabilities", list{strings.Repeat("c", 256)}))
	a.not("edge/002", "A capability of more than 256 characters.", protocol.CodeFieldInvalid, "IDN-01", is("capabilities", list{strings.Repeat("c", 257)}))
	a.not("edge/003", "A capability with a space.", protocol.CodeFieldInvalid, "IDN-01", is("capabilities", list{"act pay"}))
	a.not("edge/004", "An empty provider is none.", protocol.CodeFieldMissing, "IDN-01", is("provider", ""))
	a.not("edge/005", "A provider that is no identifier.", protocol.CodeFieldInvalid, "IDN-01", is("provider", "house"))
	a.not("edge/006", "A reference to a list without address.", protocol.CodeFieldMissing, "IDN-01", states("status.status_list.uri", ""))
	a.not("edge/007", "An answer to a challenge that is no nonce.", protocol.CodeFieldInvalid, "IDN-01", answers("nonce", "!!!"))
	a.not("edge/008", "An answer to a challenge of too few bytes.", protocol.CodeFieldInvalid, "IDN-01", answers("nonce", "AAAA"))
	a.not("edge/009", "The type of a credential stands first.", protocol.CodeTypeMismatch, "IDN-01", states("vc.type", list{"Credential", "ACTAgentIdentity"}))
}
