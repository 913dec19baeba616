package vectors

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sealed"
)

// sealedCases makes cases of sealed.open.
type sealedCases struct {
	b  *builder
	ok spec
}

func (p *sealedCases) with(id, title string, alg keys.Algorithm, others int, places []int, changes ...func(*parcel)) spec {
	x := p.b.parcel(alg, changes...)
	return p.b.valid(spec{id: "sealed/" + id, title: title, requirements: ids("PRV-02"), features: featuresOf(alg),
		operation: "sealed.open", input: x.input(), output: x.output(others, places...)})
}

func (p *sealedCases) not(id, title string, code protocol.Code, changes ...func(*parcel)) {
	p.b.invalid(p.ok, spec{id: "sealed/" + id, title: title, code: code, requirements: ids("PRV-02")}, func(in obj) {
		clear(in)
		maps.Copy(in, p.b.parcel(keys.EdDSA, changes...).input())
	})
}

// Changes of a parcel.

func parcelClaim(name string, value any) func(*parcel) {
	return func(p *parcel) { set(p.claims, name, value) }
}

func parcelPart(i int, change func(*sealPart)) func(*parcel) {
	return func(p *parcel) { change(p.parts[i]) }
}

// jweOf changes a member of the first part's JWE, behind the encryption.
func jweOf(name string, value any) func(*parcel) {
	return parcelPart(0, func(x *sealPart) { x.jwe = func(e obj) { set(e, name, value) } })
}

// protectedOf is another protected header of the first part, encrypted under it.
func protectedOf(header string) func(*parcel) {
	return parcelPart(0, func(x *sealPart) { x.protected = header })
}

func plainOf(i int, name string, value any) func(*parcel) {
	return parcelPart(i, func(x *sealPart) { set(x.plain, name, value) })
}

func readBy(keyIDs ...string) func(*parcel) { return func(p *parcel) { p.reader = keyIDs } }

func arranged(f func(list) list) func(*parcel) { return func(p *parcel) { p.arrange = f } }

func digested(f func(list) list) func(*parcel) { return func(p *parcel) { p.digests = f } }

// groupSealed: payloads that are signed and then encrypted (SPEC.md 8.3).
func groupSealed(b *builder) {
	p := &sealedCases{b: b}
	ed := keys.EdDSA
	p.ok = p.with("open/001", "A reader opens what is for it, and sees that there is nothing else.", ed, 0, []int{0, 1})
	p.with("open/002", "Another reader, with a key on the other curve, opens its part and nothing of the others.", ed, 1, []int{1}, readBy(pspSeal))
	p.with("open/003", "Order means nothing.", ed, 0, []int{1, 0}, arranged(func(l list) list { slices.Reverse(l); return l }))
	p.with("open/004", "A forwarder may leave parts out.", ed, 1, []int{1}, arranged(func(l list) list { return l[1:] }))
	p.with("open/005", "A reader with an older key still opens what was sealed for it.", ed, 0, []int{0, 1}, readBy(shopOldSeal, shopSeal))
	p.with("open/006", "A manifest by ES256.", keys.ES256, 0, []int{0, 1})
	p.with("open/007", "A merchant may be the sender.", ed, 0, []int{0, 1}, func(p *parcel) {
		p.signer = b.signer(shop2DID+"#sell", keys.Seller, ed)
		p.header, p.documents, p.sender, p.purpose = headerOf(p.signer, sealed.Type), documents(p.signer), shop2DID, keys.Seller
		p.claims["iss"], p.parts[0].plain["sender"], p.parts[1].plain["sender"] = shop2DID, shop2DID, shop2DID
	})
	p.with("open/008", "The algorithm may stand with each reader instead of in the protected header.", ed, 0, []int{0, 1}, parcelPart(1, func(x *sealPart) {
		x.protected, x.shared = `{"enc":"A256GCM"}`, obj{"alg": "ECDH-ES+A256KW"}
	}))
	p.with("open/009", "A message that was sent at most five minutes ago is read.", ed, 0, []int{0, 1}, parcelClaim("iat", ago(5*time.Minute)))
	p.with("open/010", "A minute of a clock that is ahead is borne.", ed, 0, []int{0, 1}, parcelClaim("iat", ago(-time.Minute)))
	p.with("open/011", "A part may say anything that is strict JSON.", ed, 0, []int{0, 1}, plainOf(0, "content", list{1, "two", obj{"three": false}}))
	p.with("open/012", "The protected header is not in canonical form: the bytes count.", ed, 0, []int{0, 1}, protectedOf(`{ "enc": "A256GCM", "alg": "ECDH-ES+A256KW" }`))
	p.not("open/020", "Who is no reader opens nothing.", protocol.CodeAudienceMismatch, readBy(shop2DID+"#e1"))
	p.not("open/021", "A reader whose part was left out has no part.", protocol.CodeAudienceMismatch, readBy(pspSeal), arranged(func(l list) list { return l[:1] }))
	p.not("open/022", "A message that was seen is not new.", protocol.CodeReplayed, func(p *parcel) { p.before = 1 })
	p.not("open/023", "A message of more than five minutes ago is too old.", protocol.CodeRequestExpired, parcelClaim("iat", ago(5*time.Minute+time.Second)))
	p.not("open/024", "A message of more than a minute ahead is none of now.", protocol.CodeRequestExpired, parcelClaim("iat", ago(-time.Minute-time.Second)))
	p.not("open/025", "Another sender than the one that was expected is refused.", protocol.CodeClaimsConflict, func(p *parcel) { p.sender = otherDID })
	sealedManifest(b, p)
	sealedHeader(p)
	sealedKeys(p)
	sealedContent(p)
	sealedEdges(p)
	sealedPoints(p)
	sealedKeyID(p)
}

// sealedManifest: what was signed.
func sealedManifest(b *builder, p *sealedCases) {
	invalid := func(id, title string, code protocol.Code, changes ...func(*parcel)) {
		p.not("manifest/"+id, title, code, changes...)
	}
	other := func(purpose keys.Purpose) func(*parcel) {
		return func(p *parcel) {
			p.signer = b.signer(buyerDID+"#other", purpose, keys.EdDSA)
			p.header, p.documents = headerOf(p.signer, sealed.Type), documents(p.signer)
		}
	}
	invalid("001", "A manifest by a key for status lists is refused.", protocol.CodeKeyPurpose, other(keys.Status))
	invalid("002", "A manifest by a key for another purpose than the one that was expected is refused.", protocol.CodeKeyPurpose, other(keys.Seller))
	invalid("003", "A manifest by somebody else under the sender's key id is refused.", protocol.CodeSignatureInvalid, func(p *parcel) {
		p.signer = b.signer(otherDID+"#k1", keys.AgentRequest, keys.EdDSA)
	})
	invalid("004", "A manifest that was changed behind the signature is refused.", protocol.CodeSignatureInvalid, func(p *parcel) {
		p.finish = part(1, func(s string) string { return strings.Replace(s, `"message-7"`, `"message-8"`, 1) })
		p.parts[0].jwe = func(e obj) { e["aad"] = canon.EncodeBase64([]byte("message-8")) }
		p.parts[1].jwe = p.parts[0].jwe
	})
	invalid("005", "A token of another kind is no manifest.", protocol.CodeTypeMismatch, func(p *parcel) { set(p.header, "typ", "act-possession+jwt") })
	invalid("006", "The issuer is the one whose key signed.", protocol.CodeClaimsConflict, parcelClaim("iss", otherDID))
	invalid("007", "A claim that is not known is refused: a manifest names no readers.", protocol.CodeFieldUnknown, parcelClaim("readers", list{shopDID}))
	invalid("008", "A digest stands once.", protocol.CodeFieldInvalid, digested(func(l list) list { return append(l, l[0]) }))
	invalid("009", "Digests are by SHA-256.", protocol.CodeFieldInvalid, digested(func(l list) list {
		return append(l, strings.Replace(l[0].(string), "sha-256:", "sm3:", 1))
	}))
	invalid("010", "A message has eight parts at most.", protocol.CodeTooLarge, digested(func(l list) list {
		for len(l) < 9 {
			l = append(l, string(canon.Sum([]byte{byte(len(l))})))
		}
		return l
	}))
	invalid("011", "There are not more parts than were signed.", protocol.CodeFieldInvalid, arranged(func(l list) list { return append(l, l[0]) }))
	invalid("012", "A part that was not signed is refused, though it is under the content key that a reader knows.", protocol.CodeSignatureInvalid,
		digested(func(l list) list { l[0] = string(canon.Sum([]byte("something else"))); return l }))
	invalid("013", "A part that stands twice takes the place of another.", protocol.CodeSignatureInvalid, arranged(func(l list) list { return list{l[0], l[0]} }))
	invalid("014", "A member beside manifest and parts is refused.", protocol.CodeFieldUnknown, func(p *parcel) { p.envelope = func(e obj) { e["note"] = "x" } })
	invalid("015", "A message has a manifest.", protocol.CodeFieldMissing, func(p *parcel) { p.envelope = func(e obj) { delete(e, "manifest") } })
	invalid("016", "A message of more than 64 KiB is refused.", protocol.CodeTooLarge, plainOf(0, "content", strings.Repeat("x", 49000)))
	invalid("017", "The sender's document cannot be had.", protocol.CodeKeyUnavailable, func(p *parcel) { p.documents = obj{} })
}

// sealedHeader: algorithms and places of members.
func sealedHeader(p *sealedCases) {
	invalid := func(id, title string, code protocol.Code, changes ...func(*parcel)) {
		p.not("header/"+id, title, code, changes...)
	}
	invalid("001", "Agreement without wrapping cannot have several readers.", protocol.CodeAlgorithmRefused, protectedOf(`{"alg":"ECDH-ES","enc":"A256GCM"}`))
	invalid("002", "RSA is none of the algorithms.", protocol.CodeAlgorithmRefused, protectedOf(`{"alg":"RSA1_5","enc":"A256GCM"}`))
	invalid("003", "A key that everybody knows wraps nothing.", protocol.CodeAlgorithmRefused, protectedOf(`{"alg":"dir","enc":"A256GCM"}`))
	invalid("004", "Passwords wrap nothing.", protocol.CodeAlgorithmRefused, protectedOf(`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM"}`))
	invalid("005", "Another cipher is refused.", protocol.CodeAlgorithmRefused, protectedOf(`{"alg":"ECDH-ES+A256KW","enc":"A128CBC-HS256"}`))
	invalid("006", "Without a cipher there is no content.", protocol.CodeAlgorithmRefused, protectedOf(`{"alg":"ECDH-ES+A256KW"}`))
	for i, c := range []struct{ title, member string }{
		{"Compressed content is not unpacked: it may be a bomb.", `"zip":"DEF"`},
		{"A critical extension is not understood.", `"crit":["exp"]`},
		{"A key id would tell everybody for whom it is.", `"kid":"` + shopSeal + `"`},
		{"The work of a password is the sender's to choose.", `"p2c":100000000`},
		{"A name of a party is not used.", `"apu":"QQ"`},
		{"An address of keys leads anywhere.", `"jku":"https://evil.example/keys"`},
	} {
		invalid("01"+string(rune('0'+i)), c.title, protocol.CodeHeaderRefused, protectedOf(`{"alg":"ECDH-ES+A256KW","enc":"A256GCM",`+c.member+`}`))
	}
	invalid("016", "A member of the header that stands in two places is refused.", protocol.CodeHeaderRefused, parcelPart(0, func(x *sealPart) { x.shared = obj{"alg": "ECDH-ES+A256KW"} }))
	invalid("017", "The cipher stands in the protected header only.", protocol.CodeHeaderRefused, parcelPart(0, func(x *sealPart) { x.shared = obj{"enc": "A256GCM"} }))
	invalid("018", "A key id beside the key of a reader is refused.", protocol.CodeFieldUnknown, parcelPart(0, func(x *sealPart) { x.shared = obj{"kid": shopSeal} }))
	invalid("019", "A header for all that nobody protects is refused.", protocol.CodeFieldUnknown, jweOf("unprotected", obj{"alg": "ECDH-ES+A256KW"}))
	invalid("020", "A wrapped key outside of the readers is refused.", protocol.CodeFieldUnknown, jweOf("encrypted_key", strings.Repeat("A", 54)))
	invalid("021", "The additional data is the message id, or a part of another message could stand here.", protocol.CodeClaimsConflict, jweOf("aad", canon.EncodeBase64([]byte("message-8"))))
	invalid("022", "A protected header that was changed refuses the message, though it says the same.", protocol.CodeSignatureInvalid,
		jweOf("protected", canon.EncodeBase64([]byte(`{"enc":"A256GCM","alg":"ECDH-ES+A256KW"}`))))
	invalid("023", "A member that stands twice in the header has no one meaning.", protocol.CodeMalformed, protectedOf(`{"alg":"ECDH-ES+A256KW","alg":"ECDH-ES+A256KW","enc":"A256GCM"}`))
}

// sealedKeys: points, lengths and bytes.
func sealedKeys(p *sealedCases) {
	invalid := func(id, title string, code protocol.Code, changes ...func(*parcel)) {
		p.not("key/"+id, title, code, changes...)
	}
	point := func(change func(epk obj)) func(*parcel) { return parcelPart(0, func(x *sealPart) { x.epk = change }) }
	other := func(x []byte) func(epk obj) {
		return func(epk obj) {
			clear(epk)
			maps.Copy(epk, obj{"kty": "OKP", "crv": "X25519", "x": canon.EncodeBase64(x)})
		}
	}
	big := slices.Repeat([]byte{0xff}, 32)
	big[0], big[31] = 0xed, 0x7f // 2^255 - 19
	invalid("001", "A point that is not on the curve gives the private key away, step by step.", protocol.CodeFieldInvalid, point(func(epk obj) { epk["y"] = epk["x"] }))
	invalid("002", "A key of X25519 of small order makes everybody a reader.", protocol.CodeFieldInvalid, point(other(make([]byte, 32))))
	invalid("003", "A key of X25519 that is not reduced has two spellings.", protocol.CodeFieldInvalid, point(other(big)))
	invalid("004", "An ephemeral key without a coordinate is none.", protocol.CodeFieldMissing, point(func(epk obj) { delete(epk, "y") }))
	invalid("005", "An ephemeral key with its private half is no secret.", protocol.CodeHeaderRefused, point(func(epk obj) { epk["d"] = epk["x"] }))
	invalid("006", "An ephemeral key has no other members.", protocol.CodeHeaderRefused, point(func(epk obj) { epk["kid"] = "x" }))
	invalid("007", "Another curve is refused.", protocol.CodeAlgorithmRefused, point(func(epk obj) { epk["crv"] = "P-384" }))
	invalid("008", "Without an ephemeral key there is no agreement.", protocol.CodeFieldMissing, parcelPart(0, func(x *sealPart) {
		x.jwe = func(e obj) { delete(e["recipients"].(list)[0].(obj)["header"].(obj), "epk") }
	}))
	invalid("009", "A wrapped key that is for nobody makes a part nobody's, and there is no other.", protocol.CodeAudienceMismatch,
		parcelPart(0, func(x *sealPart) {
			x.jwe = func(e obj) { e["recipients"].(list)[0].(obj)["encrypted_key"] = strings.Repeat("A", 54) }
		}), arranged(func(l list) list { return l[:1] }))
	invalid("010", "A wrapped key has one length.", protocol.CodeFieldInvalid, parcelPart(0, func(x *sealPart) {
		x.jwe = func(e obj) { e["recipients"].(list)[0].(obj)["encrypted_key"] = strings.Repeat("A", 32) }
	}))
	invalid("011", "An initialization vector has 96 bits.", protocol.CodeFieldInvalid, jweOf("iv", strings.Repeat("A", 22)))
	invalid("012", "A shorter tag is guessed sooner.", protocol.CodeFieldInvalid, jweOf("tag", strings.Repeat("A", 16)))
	invalid("013", "A tag that was changed refuses the message.", protocol.CodeSignatureInvalid, jweOf("tag", strings.Repeat("A", 22)))
	invalid("014", "A ciphertext that was changed refuses the message.", protocol.CodeSignatureInvalid, parcelPart(0, func(x *sealPart) {
		x.jwe = func(e obj) {
			c := e["ciphertext"].(string)
			e["ciphertext"] = map[bool]string{true: "B", false: "A"}[c[0] == 'A'] + c[1:]
		}
	}))
	invalid("015", "Base64url has no padding.", protocol.CodeMalformed, parcelPart(0, func(x *sealPart) {
		x.jwe = func(e obj) { e["tag"] = e["tag"].(string) + "==" }
	}))
	invalid("016", "A part has eight readers at most.", protocol.CodeTooLarge, parcelPart(0, func(x *sealPart) {
		x.jwe = func(e obj) { e["recipients"] = slices.Repeat(e["recipients"].(list), 9) }
	}))
}

// sealedContent: what the plaintext of a part says of itself.
func sealedContent(p *sealedCases) {
	invalid := func(id, title string, code protocol.Code, changes ...func(*parcel)) {
		p.not("content/"+id, title, code, changes...)
	}
	invalid("001", "A part of another message of the same sender is refused.", protocol.CodeClaimsConflict, plainOf(0, "message_id", "message-8"))
	invalid("002", "A part that somebody else wrote, and that the sender signed without reading, is refused.", protocol.CodeClaimsConflict, plainOf(0, "sender", otherDID))
	invalid("003", "A part that was sealed for another is passed on by one of its readers.", protocol.CodeAudienceMismatch, plainOf(0, "readers", list{pspDID}))
	invalid("004", "Readers are sorted, so that a part has one text.", protocol.CodeFieldInvalid, plainOf(1, "readers", list{shopDID, pspDID}))
	invalid("005", "A reader is named once.", protocol.CodeFieldInvalid, plainOf(0, "readers", list{shopDID, shopDID}))
	invalid("006", "Two parts with one name have no one meaning.", protocol.CodeClaimsConflict, plainOf(1, "name", "delivery_address"))
	invalid("007", "A name is of small letters, digits and underscores.", protocol.CodeFieldInvalid, plainOf(0, "name", "Delivery Address"))
	invalid("008", "A salt of 16 bytes is none of ours.", protocol.CodeFieldInvalid, plainOf(0, "salt", canon.EncodeBase64(bytesOf("short", 16))))
	invalid("009", "A part without a salt can be guessed by its digest.", protocol.CodeFieldMissing, plainOf(0, "salt", nil))
	invalid("010", "A member that is not known is refused.", protocol.CodeFieldUnknown, plainOf(0, "note", "x"))
	invalid("011", "A content of null is none.", protocol.CodeFieldInvalid, parcelPart(0, func(x *sealPart) { x.plain["content"] = raw("null") }))
	invalid("012", "A plaintext that is no JSON is refused.", protocol.CodeMalformed, parcelPart(0, func(x *sealPart) {
		x.text = func(string) string { return "hello" }
	}))
}
