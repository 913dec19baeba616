package vectors

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/guomi"
	"github.com/actprotocol/act-go/protocol/keys"
)

// sm2Key is the SM2 key of a name.
func (b *builder) sm2Key(name string) *guomi.Signer {
	s, err := guomi.NewSigner(bytesOf("sm2 key "+name, 32))
	if err != nil {
		b.fail(name, "%w", err)
	}
	return s
}

// sm2Sign signs by it; SM2 draws a number for each signature, so that it is kept.
func (b *builder) sm2Sign(kept, name, message string) string {
	return b.keep(kept, func() ([]byte, error) {
		sig, err := b.sm2Key(name).Sign([]byte(message))
		return []byte(canon.EncodeBase64(sig)), err
	})
}

// decoded are the bytes of a text in base64url.
func (b *builder) decoded(text any) []byte {
	out, err := canon.DecodeBase64(asText(text))
	if err != nil {
		b.fail("base64url", "%w", err)
	}
	return out
}

// groupGuomi: SM2 and SM3, for who has them (SPEC.md 8.6).
func groupGuomi(b *builder) {
	feature := []string{"guomi"}
	sm3Of := func(published string) obj {
		digest, err := hex.DecodeString(published)
		if err != nil {
			b.fail("guomi/digest", "%w", err)
		}
		return obj{"digest": "sm3:" + canon.EncodeBase64(digest)}
	}
	hash := b.valid(spec{id: "guomi/digest/001", title: "The first example of GB/T 32905.", requirements: ids("TSD-ATT-OFF-05"), features: feature, operation: "guomi.digest",
		input: obj{"text": "abc"}, output: sm3Of("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")})
	b.also(hash, spec{id: "guomi/digest/002", title: "The second example of GB/T 32905, of one whole block.",
		output: sm3Of("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732")}, put("text", strings.Repeat("abcd", 16)))
	const message = "act-go/1 attestation-record\n{}"
	key := b.sm2Key("guomi")
	ok := b.valid(spec{id: "guomi/signature/001", title: "A signature by SM2 with the identity of GM/T 0009.", requirements: ids("TSD-ATT-OFF-11"), features: feature, operation: "guomi.verify",
		input: obj{"jwk": object(key.Public().JWK()), "message": message, "signature": b.sm2Sign("sm2-signature", "guomi", message)}})
	sig, err := canon.DecodeBase64(asText(ok.input["signature"]))
	if err != nil || len(sig) != 64 {
		b.fail(ok.id, "no signature")
		return
	}
	changed := func(f func(s []byte) []byte) func(in obj) {
		return put("signature", canon.EncodeBase64(f(slices.Clone(sig))))
	}
	jwkWith := func(name string, value any) func(in obj) { return func(in obj) { set(in["jwk"].(obj), name, value) } }
	zero := make([]byte, 32)
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		change    func(in obj)
	}{
		{"010", "Another message.", protocol.CodeSignatureInvalid, put("message", message+" ")},
		{"011", "A bit of r was changed.", protocol.CodeSignatureInvalid, changed(func(s []byte) []byte { s[5] ^= 1; return s })},
		{"012", "A bit of s was changed.", protocol.CodeSignatureInvalid, changed(func(s []byte) []byte { s[40] ^= 1; return s })},
		{"013", "r is zero.", protocol.CodeSignatureInvalid, changed(func(s []byte) []byte { return slices.Concat(zero, s[32:]) })},
		{"014", "s is zero.", protocol.CodeSignatureInvalid, changed(func(s []byte) []byte { return slices.Concat(s[:32], zero) })},
		{"015", "A signature that is a byte short.", protocol.CodeSignatureInvalid, changed(func(s []byte) []byte { return s[:63] })},
		{"016", "Somebody else's key.", protocol.CodeSignatureInvalid, put("jwk", object(b.sm2Key("another").Public().JWK()))},
		{"017", "A point that is not on the curve.", protocol.CodeFieldInvalid, jwkWith("y", ok.input["jwk"].(obj)["x"])},
		{"018", "A key on P-256 is none of SM2.", protocol.CodeAlgorithmRefused, jwkWith("crv", "P-256")},
		{"019", "A coordinate that is too short.", protocol.CodeFieldInvalid, jwkWith("x", strings.Repeat("A", 42))},
		{"020", "A private member: the key is no secret any more.", protocol.CodeFieldInvalid, jwkWith("d", strings.Repeat("A", 43))},
		{"021", "Padding.", protocol.CodeMalformed, put("signature", asText(ok.input["signature"])+"==")},
		{"022", "A kind of key that is no text.", protocol.CodeFieldInvalid, jwkWith("kty", 7)},
		{"023", "A key of another kind.", protocol.CodeAlgorithmRefused, jwkWith("kty", "OKP")},
		{"024", "A coordinate that is no base64url.", protocol.CodeMalformed, jwkWith("x", strings.Repeat("!", 43))},
		{"025", "Coordinates that share their bytes otherwise: 33 and 31.", protocol.CodeFieldInvalid, func(in obj) {
			point := slices.Concat(b.decoded(in["jwk"].(obj)["x"]), b.decoded(in["jwk"].(obj)["y"]))
			set(in["jwk"].(obj), "x", canon.EncodeBase64(point[:33]))
			set(in["jwk"].(obj), "y", canon.EncodeBase64(point[33:]))
		}},
		{"026", "A zero byte before s is a second spelling.", protocol.CodeSignatureInvalid, changed(func(s []byte) []byte { return slices.Concat(s[:32], []byte{0}, s[32:]) })},
		{"027", "A signature of less than one number.", protocol.CodeSignatureInvalid, changed(func(s []byte) []byte { return s[:31] })},
	} {
		b.invalid(ok, spec{id: "guomi/signature/" + c.id, title: c.title, code: c.code}, c.change)
	}
	guomiRecords(b, feature)
}

// guomiRecords: records that name these algorithms (SPEC.md 10.1).
func guomiRecords(b *builder, feature []string) {
	sm3 := func(a *account) {
		a.guomi = true
		set(a.record, "privacy.hash_algorithm", "SM3")
		a.hashed = func(payload string, salt []byte) []byte {
			return sm3Bytes(guomi.Digest(append([]byte(payload), salt...)))
		}
	}
	sm2 := func(kept string) func(*account) {
		return func(a *account) {
			a.guomi = true
			a.suiteKeys = obj{shopAttest: object(b.sm2Key("shop").Public().JWK())}
			a.signing = func(_ int, sig obj, message string) string {
				sig["signature_type"] = "SM2"
				whole := object([]byte(strings.TrimPrefix(message, "act-go/1 attestation-record\n")))
				whole["signature_type"] = "SM2"
				sig["signature"] = b.sm2Sign(kept, "shop", "act-go/1 attestation-record\n"+string(b.value("record", whole)))
				return message
			}
		}
	}
	says := func(id, title, conclusion, signer string, changes ...func(*account)) {
		output := obj{"conclusion": conclusion, "whole": conclusion == "VERIFIED"}
		if signer != "" {
			output["signer"] = signer
		}
		b.valid(spec{id: "guomi/record/" + id, title: title, requirements: ids("TSD-ATT-OFF-05", "TSD-ATT-OFF-11"), features: feature, operation: "attestation.record.verify",
			input: b.account(keys.EdDSA, changes...).input(), output: output})
	}
	says("001", "A record with a payload hash by SM3.", "VERIFIED", "", sm3)
	says("002", "A record with a signature by SM2.", "VERIFIED", "", sm2("sm2-record"))
	says("003", "SHA-256 under the name of SM3 is another hash.", "PAYLOAD_HASH_MISMATCH", "", sm3, func(a *account) { a.hashed = nil })
	says("004", "A key of the suite that cannot be had says nothing of the record.", "PUBLIC_KEY_UNAVAILABLE", shopDID, sm2("sm2-record"), func(a *account) { a.suiteKeys = obj{} })
	says("005", "A key of the suite that is another's.", "SIGNATURE_INVALID", shopDID, sm2("sm2-record"), func(a *account) {
		a.suiteKeys = obj{shopAttest: object(b.sm2Key("another").Public().JWK())}
	})
}
