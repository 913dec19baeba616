package vectors

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// coreSign signs bytes by a signer, whatever they are.
func (b *builder) coreSign(s *keys.Signer, message string) []byte {
	sig, err := s.Sign(s.Purpose(), []byte(message))
	if err != nil {
		b.fail(s.KeyID(), "%w", err)
	}
	return sig
}

// groupSignature: signatures beside what they sign (SPEC.md 2.1).
func groupSignature(b *builder) {
	agent, seller := coreKeys(b)
	const message = "act-go/1 a402-bill\n{}"
	encode := base64.RawURLEncoding.EncodeToString
	ed := b.coreSign(agent, message)
	okp := b.valid(spec{
		id: "signature/ed25519/001", title: "A signature by Ed25519.", features: []string{"ed25519"}, operation: "signature.verify",
		input: obj{"signature_type": "ED25519", "jwk": jwk(agent), "message": message, "signature": encode(ed)}, output: obj{},
	})
	changed := func(sig []byte, at int) string {
		sig = slices.Clone(sig)
		sig[at] ^= 1
		return encode(sig)
	}
	sig := encode(ed)
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		change    func(in obj)
	}{
		{"signature/ed25519/002", "A bit of R was changed.", protocol.CodeSignatureInvalid, put("signature", changed(ed, 0))},
		{"signature/ed25519/003", "A bit of S was changed.", protocol.CodeSignatureInvalid, put("signature", changed(ed, 33))},
		{"signature/ed25519/004", "S plus the order of the group: the same equation, another spelling.", protocol.CodeSignatureInvalid, put("signature", encode(plusOrder(ed)))},
		{"signature/ed25519/005", "Another message.", protocol.CodeSignatureInvalid, put("message", message+" ")},
		{"signature/ed25519/006", "Another kind of message with the same content.", protocol.CodeSignatureInvalid, put("message", "act-go/1 payment-request\n{}")},
		{"signature/ed25519/007", "The name of the other algorithm.", protocol.CodeAlgorithmRefused, put("signature_type", "ES256")},
		{"signature/ed25519/008", "The name of JOSE is not the name in messages.", protocol.CodeAlgorithmRefused, put("signature_type", "EdDSA")},
		{"signature/ed25519/009", "A name that nobody has.", protocol.CodeAlgorithmRefused, put("signature_type", "NONE")},
		{"signature/ed25519/010", "A signature whose unused bits are not zero has a second spelling.", protocol.CodeMalformed, put("signature", sig[:85]+string(rune(sig[85]+1)))},
		{"signature/ed25519/011", "A signature with padding.", protocol.CodeMalformed, put("signature", sig+"==")},
		{"signature/ed25519/012", "All zero.", protocol.CodeSignatureInvalid, put("signature", encode(make([]byte, 64)))},
	} {
		b.invalid(okp, spec{id: c.id, title: c.title, code: c.code}, c.change)
	}
	signatureES256(b, seller, message, changed)
}

// plusOrder adds the order of Ed25519's group to S.
func plusOrder(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(sig[:32]), sum...)
}

func signatureES256(b *builder, seller *keys.Signer, message string, changed func([]byte, int) string) {
	encode := base64.RawURLEncoding.EncodeToString
	ec := b.coreSign(seller, message)
	ok := b.valid(spec{
		id: "signature/es256/001", title: "A signature by ES256: r and s, 32 bytes each.", features: []string{"es256"}, operation: "signature.verify",
		input: obj{"signature_type": "ES256", "jwk": jwk(seller), "message": message, "signature": encode(ec)}, output: obj{},
	})
	order := seller.Public().Crypto().(*ecdsa.PublicKey).Params().N
	mirrored := new(big.Int).Sub(order, new(big.Int).SetBytes(ec[32:])).FillBytes(make([]byte, 32))
	b.also(ok, spec{id: "signature/es256/002", title: "The mirrored s verifies too, which is why bytes of signatures tell no replay."},
		put("signature", encode(slices.Concat(ec[:32], mirrored))))
	digest := sha256.Sum256([]byte(message))
	der, err := b.key(coreSell, keys.ES256).Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		b.fail(coreSell, "%w", err)
	}
	zero := make([]byte, 32)
	n := order.FillBytes(make([]byte, 32))
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		change    func(in obj)
	}{
		{"signature/es256/003", "A signature in DER.", protocol.CodeSignatureInvalid, put("signature", encode(der))},
		{"signature/es256/004", "A bit of r was changed.", protocol.CodeSignatureInvalid, put("signature", changed(ec, 5))},
		{"signature/es256/005", "A bit of s was changed.", protocol.CodeSignatureInvalid, put("signature", changed(ec, 40))},
		{"signature/es256/006", "r is zero.", protocol.CodeSignatureInvalid, put("signature", encode(slices.Concat(zero, ec[32:])))},
		{"signature/es256/007", "s is zero.", protocol.CodeSignatureInvalid, put("signature", encode(slices.Concat(ec[:32], zero)))},
		{"signature/es256/008", "r and s are the order of the group.", protocol.CodeSignatureInvalid, put("signature", encode(slices.Concat(n, n)))},
		{"signature/es256/009", "The name of the other algorithm.", protocol.CodeAlgorithmRefused, put("signature_type", "ED25519")},
		{"signature/es256/010", "Somebody else's key.", protocol.CodeSignatureInvalid, put("jwk", jwk(b.signer(coreDID+"#other", keys.Seller, keys.ES256)))},
		{"signature/es256/011", "A signature that is a byte short.", protocol.CodeSignatureInvalid, put("signature", encode(ec[:63]))},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: c.code}, c.change)
	}
	signatureEdges(b, ok, ec)
}

// compact makes a token of the texts of header and payload as they are.
func (b *builder) compact(s *keys.Signer, header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	return input + "." + encode(b.coreSign(s, input))
}

// groupJWS: compact JWS (SPEC.md 2.2).
func groupJWS(b *builder) {
	agent, seller := coreKeys(b)
	const header, payload = `{"alg":"EdDSA","kid":"` + coreAgent + `","typ":"act-possession+jwt"}`, `{"iss":"` + coreDID + `","n":1}`
	token := b.compact(agent, header, payload)
	ok := b.valid(spec{
		id: "jws/compact/001", title: "A token of the kind and by the key that are expected.", requirements: []string{"ADD-IAC-ISS-08"}, features: []string{"ed25519", "es256"},
		operation: "jws.verify",
		input:     obj{"token": token, "typ": keys.TypePossession, "purpose": string(keys.AgentRequest), "documents": documents(agent, seller)},
		output:    obj{"key_id": coreAgent, "payload": object([]byte(payload))},
	})
	b.also(ok, spec{id: "jws/compact/002", title: "Ed25519 is the newer name of the same algorithm."},
		put("token", b.compact(agent, strings.Replace(header, "EdDSA", "Ed25519", 1), payload)))
	b.also(ok, spec{id: "jws/compact/003", title: "The payload is what was signed, byte by byte, and need not be canonical."},
		put("token", b.compact(agent, header, ` { "n" : 1.0, "iss": "`+coreDID+`" }`)))
	b.also(ok, spec{id: "jws/compact/004", title: "A token by ES256.", output: obj{"key_id": coreSell, "payload": object([]byte(payload))}}, func(in obj) {
		in["token"] = b.compact(seller, `{"alg":"ES256","kid":"`+coreSell+`","typ":"act-order+jwt"}`, payload)
		in["typ"], in["purpose"] = keys.TypeOrder, string(keys.Seller)
	})
	head := func(h string) func(in obj) { return put("token", b.compact(agent, h, payload)) }
	replace := func(old, new string) func(in obj) { return head(strings.Replace(header, old, new, 1)) }
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		change    func(in obj)
	}{
		{"jws/header/001", "A token without a signature.", protocol.CodeAlgorithmRefused, put("token", strings.Join(append(strings.Split(b.compact(agent, strings.Replace(header, "EdDSA", "none", 1), payload), ".")[:2], ""), "."))},
		{"jws/header/002", "A public key as the secret of an HMAC.", protocol.CodeAlgorithmRefused, put("token", hs256(agent, strings.Replace(header, "EdDSA", "HS256", 1), payload))},
		{"jws/header/003", "The algorithm of another kind of key.", protocol.CodeAlgorithmRefused, replace("EdDSA", "ES256")},
		{"jws/header/004", "An algorithm that nobody has.", protocol.CodeAlgorithmRefused, replace("EdDSA", "XX512")},
		{"jws/header/005", "A critical extension that is not understood.", protocol.CodeHeaderRefused, replace(`{`, `{"crit":["exp"],"exp":1,`)},
		{"jws/header/006", "A key in the header is anybody's key.", protocol.CodeHeaderRefused, replace(`{`, `{"jwk":`+string(agent.Public().JWK())+`,`)},
		{"jws/header/007", "An address of keys in the header leads anywhere.", protocol.CodeHeaderRefused, replace(`{`, `{"jku":"https://evil.example/keys",`)},
		{"jws/header/008", "A certificate in the header is not asked for.", protocol.CodeHeaderRefused, replace(`{`, `{"x5u":"https://evil.example/cert",`)},
		{"jws/header/009", "A payload that is not encoded.", protocol.CodeHeaderRefused, replace(`{`, `{"b64":false,`)},
		{"jws/header/010", "Another kind of token of ours.", protocol.CodeTypeMismatch, replace("act-possession+jwt", "act-order+jwt")},
		{"jws/header/011", "The kind in capitals.", protocol.CodeTypeMismatch, replace("act-possession+jwt", "ACT-POSSESSION+JWT")},
		{"jws/header/012", "The kind as a media type.", protocol.CodeTypeMismatch, replace("act-possession+jwt", "application/act-possession+jwt")},
		{"jws/header/013", "A member that stands twice in the header.", protocol.CodeMalformed, replace(`{`, `{"alg":"EdDSA",`)},
		{"jws/header/014", "A relative key id names no signer.", protocol.CodeFieldInvalid, replace(coreAgent, "#agent")},
		{"jws/header/015", "A key id that the document does not have.", protocol.CodeKeyUnknown, replace(coreAgent, coreDID+"#other")},
		{"jws/header/016", "A signer whose document is not to be had.", protocol.CodeKeyUnavailable, replace(coreAgent, "did:act:core.example/other#agent")},
		{"jws/header/017", "No key id.", protocol.CodeFieldMissing, replace(`"kid":"`+coreAgent+`",`, "")},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: c.code, requirements: []string{"ADD-IAC-ISS-12"}}, c.change)
	}
	jwsParts(b, ok, token, header, payload)
}

func jwsParts(b *builder, ok spec, token, header, payload string) {
	agent, _ := coreKeys(b)
	parts := strings.Split(token, ".")
	flip := func(i int) string {
		p := slices.Clone(parts)
		data, err := base64.RawURLEncoding.DecodeString(p[i])
		if err != nil {
			b.fail(ok.id, "%w", err)
		}
		data[len(data)-2] ^= 1
		p[i] = base64.RawURLEncoding.EncodeToString(data)
		return strings.Join(p, ".")
	}
	last := parts[2][:85] + string(rune(parts[2][85]+1))
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		change    func(in obj)
	}{
		{"jws/compact/005", "A bit of the payload was changed.", protocol.CodeSignatureInvalid, put("token", flip(1))},
		{"jws/compact/006", "A bit of the signature was changed.", protocol.CodeSignatureInvalid, put("token", flip(2))},
		{"jws/compact/007", "Unused bits of the signature that are not zero.", protocol.CodeMalformed, put("token", parts[0]+"."+parts[1]+"."+last)},
		{"jws/compact/008", "Padding.", protocol.CodeMalformed, put("token", token+"==")},
		{"jws/compact/009", "Two parts.", protocol.CodeMalformed, put("token", parts[0]+"."+parts[1])},
		{"jws/compact/010", "Four parts.", protocol.CodeMalformed, put("token", token+"."+parts[2])},
		{"jws/compact/011", "A line feed behind the token.", protocol.CodeMalformed, put("token", token+"\n")},
		{"jws/compact/012", "A payload that is no strict JSON.", protocol.CodeMalformed, put("token", b.compact(agent, header, `{"n":1,"n":2}`))},
		{"jws/compact/013", "A payload that is no JSON at all.", protocol.CodeMalformed, put("token", b.compact(agent, header, `hello`))},
		{"jws/compact/014", "A token in the JSON form of JWS.", protocol.CodeMalformed, put("token", `{"protected":"`+parts[0]+`","payload":"`+parts[1]+`","signature":"`+parts[2]+`"}`)},
		{"jws/compact/015", "A key that is declared for another purpose.", protocol.CodeKeyPurpose, put("purpose", string(keys.IssueIdentity))},
		{"jws/compact/016", "A token of more than 64 KiB.", protocol.CodeTooLarge, put("token", b.compact(agent, header, `{"x":"`+strings.Repeat("x", 49200)+`"}`))},
		{"jws/compact/017", "A signature by somebody else under this key id.", protocol.CodeSignatureInvalid, put("token", b.compact(b.signer(coreDID+"#other", keys.AgentRequest, keys.EdDSA), header, payload))},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: c.code}, c.change)
	}
}

// hs256 makes a token with an HMAC by the bytes of a public key.
func hs256(s *keys.Signer, header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(header)) + "." + encode([]byte(payload))
	mac := hmac.New(sha256.New, s.Public().JWK())
	mac.Write([]byte(input))
	return input + "." + encode(mac.Sum(nil))
}

// signedText signs an object as a message of a kind, as the object says it is to
// be signed: the caller may have its members as it likes.
func (b *builder) signedText(s *keys.Signer, kind string, message obj) string {
	signed := "act-go/1 " + kind + "\n" + string(b.value(kind, message))
	message["signature"] = base64.RawURLEncoding.EncodeToString(b.coreSign(s, signed))
	return b.textOf(kind, message)
}

// groupMessage: messages signed outside JOSE (SPEC.md 2.3).
func groupMessage(b *builder) {
	agent, seller := coreKeys(b)
	const kind = keys.KindCartRequest
	base := func(change func(m obj)) obj {
		m := obj{
			"request_id": "r-1", "buyer_agent_id": coreDID, "nonce": nonce("message"), "signer_id": coreAgent, "signature_type": "ED25519",
			"signature_covered_fields": list{"buyer_agent_id", "nonce", "request_id", "signature_covered_fields", "signature_type", "signer_id"},
		}
		if change != nil {
			change(m)
		}
		return m
	}
	digest := func(m obj) string { return sha256Digest(string(b.value(kind, m))) }
	ok := b.valid(spec{
		id: "message/signed/001", title: "A message whose signature covers every member but itself.", requirements: []string{"PSD-PAY-DEL-03"}, features: []string{"ed25519", "es256"},
		operation: "signed_message.verify",
		input:     obj{"message": b.signedText(agent, kind, base(nil)), "kind": kind, "purpose": string(keys.AgentRequest), "documents": documents(agent, seller)},
		output:    obj{"key_id": coreAgent, "digest": digest(base(nil))},
	})
	text := ok.input["message"].(string)
	b.also(ok, spec{id: "message/signed/002", title: "White space in transit means nothing."}, put("message", strings.ReplaceAll(text, `,"`, ` , "`)))
	sorted := base(func(m obj) {
		m["Z"], m["signature_covered_fields"] = "1", list{"Z", "buyer_agent_id", "nonce", "request_id", "signature_covered_fields", "signature_type", "signer_id"}
	})
	b.also(ok, spec{id: "message/signed/003", title: "Names are sorted by code unit: capitals come first.", output: obj{"key_id": coreAgent, "digest": digest(sorted)}},
		put("message", b.signedText(agent, kind, sorted)))
	fields := func(names ...any) func(in obj) {
		return put("message", b.signedText(agent, kind, base(func(m obj) { m["signature_covered_fields"] = list(names) })))
	}
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		change    func(in obj)
	}{
		{"message/signed/004", "A message of another kind with the same members.", protocol.CodeSignatureInvalid, put("kind", keys.KindPaymentQuery)},
		{"message/signed/005", "A member was changed.", protocol.CodeSignatureInvalid, put("message", strings.Replace(text, `"r-1"`, `"r-2"`, 1))},
		{"message/signed/006", "A member that the list does not name.", protocol.CodeFieldInvalid, fields("buyer_agent_id", "nonce", "signature_covered_fields", "signature_type", "signer_id")},
		{"message/signed/007", "A list that is not sorted.", protocol.CodeFieldInvalid, fields("request_id", "buyer_agent_id", "nonce", "signature_covered_fields", "signature_type", "signer_id")},
		{"message/signed/008", "A list that names what is not there.", protocol.CodeFieldInvalid, fields("amount", "buyer_agent_id", "nonce", "request_id", "signature_covered_fields", "signature_type", "signer_id")},
		{"message/signed/009", "A list that names the signature.", protocol.CodeFieldInvalid, fields("buyer_agent_id", "nonce", "request_id", "signature", "signature_covered_fields", "signature_type", "signer_id")},
		{"message/signed/010", "A list that names a member twice.", protocol.CodeFieldInvalid, fields("buyer_agent_id", "nonce", "nonce", "request_id", "signature_covered_fields", "signature_type", "signer_id")},
		{"message/signed/011", "A member that was added behind the signature.", protocol.CodeFieldInvalid, put("message", strings.Replace(text, "{", `{"amount":"1.00",`, 1))},
		{"message/signed/012", "A member that stands twice.", protocol.CodeMalformed, put("message", strings.Replace(text, "{", `{"request_id":"r-1",`, 1))},
		{"message/signed/013", "The algorithm of another kind of key.", protocol.CodeAlgorithmRefused, put("message", b.signedText(agent, kind, base(func(m obj) { m["signature_type"] = "ES256" })))},
		{"message/signed/014", "No signature.", protocol.CodeFieldMissing, put("message", b.textOf(kind, base(nil)))},
		{"message/signed/015", "A key that is declared for another purpose.", protocol.CodeKeyPurpose, put("message", b.signedText(seller, kind, base(func(m obj) {
			m["signer_id"], m["signature_type"] = coreSell, "ES256"
		})))},
		{"message/signed/016", "The message alone was signed, without its kind before it.", protocol.CodeSignatureInvalid, put("message", b.bareText(agent, base(nil)))},
		{"message/signed/017", "An array is no message.", protocol.CodeFieldInvalid, put("message", "["+text+"]")},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: c.code}, c.change)
	}
}

// bareText signs an object without a kind.
func (b *builder) bareText(s *keys.Signer, message obj) string {
	message["signature"] = canon.EncodeBase64(b.coreSign(s, string(b.value("bare", message))))
	return b.textOf("bare", message)
}
