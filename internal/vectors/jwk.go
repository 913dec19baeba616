package vectors

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupJWK: public keys (SPEC.md 2.1).
func groupJWK(b *builder) {
	ed, ec := jwk(b.signer(coreAgent, keys.AgentRequest, keys.EdDSA)), jwk(b.signer(coreSell, keys.Seller, keys.ES256))
	with := func(key obj, name string, value any) string {
		changed := b.copy("jwk", key)
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
		return b.textOf("jwk", changed)
	}
	okp := b.valid(spec{
		id: "jwk/okp/001", title: "An Ed25519 key as JWK.", requirements: []string{"IDN-02"}, features: []string{"ed25519"}, operation: "jwk.parse",
		input: obj{"jwk": with(ed, "kty", "OKP")}, output: obj{"algorithm": "EdDSA", "thumbprint": thumbprint(ed)},
	})
	b.also(okp, spec{id: "jwk/okp/002", title: "Members that say nothing about verifying are ignored."}, put("jwk", with(ed, "kid", "agent")))
	b.also(okp, spec{id: "jwk/okp/003", title: "A key for signatures."}, put("jwk", with(ed, "use", "sig")))
	b.also(okp, spec{id: "jwk/okp/004", title: "The thumbprint of RFC 8037, appendix A.3.",
		output: obj{"algorithm": "EdDSA", "thumbprint": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}},
		put("jwk", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	small := base64.RawURLEncoding.EncodeToString(append([]byte{1}, make([]byte, 31)...))
	notCanonical, _ := hex.DecodeString("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		jwk       string
	}{
		{"jwk/okp/005", "A private member: the key is no secret any more.", protocol.CodeFieldInvalid, with(ed, "d", strings.Repeat("A", 43))},
		{"jwk/okp/006", "A key for encryption.", protocol.CodeKeyPurpose, with(ed, "use", "enc")},
		{"jwk/okp/007", "A key that may sign and not verify.", protocol.CodeKeyPurpose, with(ed, "key_ops", list{"sign"})},
		{"jwk/okp/008", "A coordinate that is too short.", protocol.CodeFieldInvalid, with(ed, "x", strings.Repeat("A", 42))},
		{"jwk/okp/009", "A coordinate with padding.", protocol.CodeMalformed, with(ed, "x", ed["x"].(string)+"=")},
		{"jwk/okp/010", "A point of small order, for which anybody makes signatures.", protocol.CodeFieldInvalid, with(ed, "x", small)},
		{"jwk/okp/011", "A point that is not in its canonical form.", protocol.CodeFieldInvalid, with(ed, "x", base64.RawURLEncoding.EncodeToString(notCanonical))},
		{"jwk/okp/012", "Another algorithm than the key's.", protocol.CodeAlgorithmRefused, with(ed, "alg", "ES256")},
		{"jwk/okp/013", "Another curve: Ed448.", protocol.CodeAlgorithmRefused, with(ed, "crv", "Ed448")},
		{"jwk/okp/014", "A key for agreement on X25519 signs nothing.", protocol.CodeAlgorithmRefused, with(ed, "crv", "X25519")},
		{"jwk/okp/015", "A secret is no public key.", protocol.CodeFieldInvalid, `{"k":"` + strings.Repeat("A", 43) + `","kty":"oct"}`},
		{"jwk/okp/016", "No coordinate.", protocol.CodeFieldMissing, with(ed, "x", nil)},
		{"jwk/okp/090", "No curve.", protocol.CodeFieldMissing, with(ed, "crv", nil)},
		{"jwk/okp/017", "A member that stands twice.", protocol.CodeMalformed, strings.Replace(with(ed, "kty", "OKP"), "{", `{"kty":"OKP",`, 1)},
	} {
		b.invalid(okp, spec{id: c.id, title: c.title, code: c.code}, put("jwk", c.jwk))
	}
	jwkEC(b, ec, with)
}

func jwkEC(b *builder, ec obj, with func(obj, string, any) string) {
	ok := b.valid(spec{
		id: "jwk/ec/001", title: "A P-256 key as JWK.", requirements: []string{"IDN-02"}, features: []string{"es256"}, operation: "jwk.parse",
		input: obj{"jwk": with(ec, "kty", "EC")}, output: obj{"algorithm": "ES256", "thumbprint": thumbprint(ec)},
	})
	for _, c := range []struct {
		id, title string
		code      protocol.Code
		jwk       string
	}{
		{"jwk/ec/002", "A point that is not on the curve.", protocol.CodeFieldInvalid, with(ec, "y", ec["x"])},
		{"jwk/ec/003", "The point at infinity.", protocol.CodeFieldInvalid, `{"crv":"P-256","kty":"EC","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`},
		{"jwk/ec/004", "Another curve: P-384.", protocol.CodeAlgorithmRefused, with(ec, "crv", "P-384")},
		{"jwk/ec/005", "Another curve: secp256k1.", protocol.CodeAlgorithmRefused, with(ec, "crv", "secp256k1")},
		{"jwk/ec/006", "A coordinate without its leading zeros.", protocol.CodeFieldInvalid, with(ec, "x", strings.Repeat("A", 42))},
		{"jwk/ec/007", "No second coordinate.", protocol.CodeFieldMissing, with(ec, "y", nil)},
		{"jwk/ec/008", "A private member.", protocol.CodeFieldInvalid, with(ec, "d", ec["x"])},
		{"jwk/ec/009", "The algorithm of another curve.", protocol.CodeAlgorithmRefused, with(ec, "alg", "ES384")},
		{"jwk/ec/010", "RSA is none of ours.", protocol.CodeAlgorithmRefused, `{"e":"AQAB","kty":"RSA","n":"` + strings.Repeat("A", 342) + `"}`},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: c.code}, put("jwk", c.jwk))
	}
	jwkEdges(b, ok, ec, with)
}
