package vectors

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupMandateToken: the bytes of the token (SPEC.md 1.4, 2.2).
func groupMandateToken(b *builder) {
	f := b.family("mandate/token/001", "A compact JWS in the one strict form is read.", keys.EdDSA, ids("ADD-IAC-ISS-14"), nil,
		subject("ext.fulfillment.delivery_address", "1 Lake Road ????????")) // which base64 writes with a solidus
	malformed := func(id, title string, change func(string) string) {
		f.not("mandate/token/"+id, title, protocol.CodeMalformed, ids("ADD-IAC-ISS-14"), finish(change))
	}
	malformed("002", "An empty text is no token.", func(string) string { return "" })
	malformed("003", "Two parts are no token.", func(t string) string { return t[:strings.LastIndexByte(t, '.')] })
	malformed("004", "Four parts are no token.", func(t string) string { return t + ".e30" })
	malformed("005", "A line feed at the end is no part of base64url.", func(t string) string { return t + "\n" })
	malformed("006", "A line break inside of a part, which many decoders skip, is refused.", func(t string) string { return t[:40] + "\r\n" + t[40:] })
	malformed("007", "Padding is refused.", func(t string) string { return t + "==" })
	malformed("008", "Unused bits of the last character are zero, or two texts would be one signature.", func(t string) string { return t[:len(t)-1] + nextCharacter(t[len(t)-1]) })
	malformed("009", "A space before the token is refused.", func(t string) string { return " " + t })
	malformed("010", "The alphabet is that of base64url, not that of base64.", standardAlphabet)
	payload := func(id, title string, code protocol.Code, change func(string) string) {
		f.not("mandate/token/"+id, title, code, ids("ADD-IAC-ISS-14", "ADD-IAC-ISS-08"), func(g *grant) { g.payload = change(g.textOfPayload()) })
	}
	payload("011", "A member that stands twice has no one meaning, though most parsers take the last.", protocol.CodeMalformed, func(p string) string {
		return strings.Replace(p, `"max_total_amount":200`, `"max_total_amount":200,"max_total_amount":200000`, 1)
	})
	payload("012", "A member that stands twice is one also when the second name is escaped.", protocol.CodeMalformed, func(p string) string {
		return strings.Replace(p, `"aud":`, `"\u0061ud":"`+psp2DID+`","aud":`, 1)
	})
	payload("013", "Nothing follows the payload's object.", protocol.CodeMalformed, func(p string) string { return p + " {}" })
	payload("014", "A lone surrogate is no character.", protocol.CodeMalformed, func(p string) string { return strings.Replace(p, "1 Lake Road", `1 Lake \ud800 Road`, 1) })
	payload("015", "Bytes that are not UTF-8 are refused.", protocol.CodeMalformed, func(p string) string { return strings.Replace(p, "1 Lake Road", "1 Lake \xff Road", 1) })
	payload("016", "A byte order mark is refused.", protocol.CodeMalformed, func(p string) string { return "\ufeff" + p })
	payload("017", "NaN is no number of JSON.", protocol.CodeMalformed, func(p string) string {
		return strings.Replace(p, `"max_total_amount":200`, `"max_total_amount":NaN`, 1)
	})
	payload("018", "A number beyond every double has no canonical form.", protocol.CodeMalformed, func(p string) string {
		return strings.Replace(p, `"max_total_amount":200`, `"max_total_amount":1e400`, 1)
	})
	payload("019", "A number that its canonical form would change is refused: two payloads would share one.", protocol.CodeMalformed, func(p string) string {
		return strings.Replace(p, `"max_total_amount":200`, `"max_total_amount":9007199254740993`, 1)
	})
	payload("020", "A payload is an object.", protocol.CodeFieldInvalid, func(p string) string { return "[" + p + "]" })
	payload("021", "Nesting has a limit, wherever it stands.", protocol.CodeTooLarge, func(p string) string {
		return strings.Replace(p, `"ext":{`, `"ext":{"vendor_private":{"a":`+strings.Repeat("[", 33)+strings.Repeat("]", 33)+`},`, 1)
	})
	payload("022", "A token has at most 64 KiB.", protocol.CodeTooLarge, func(p string) string {
		return strings.Replace(p, `"ext":{`, `"ext":{"vendor_private":{"a":"`+strings.Repeat("a", 64<<10)+`"},`, 1)
	})
	payload("023", "A number with a leading zero is not JSON.", protocol.CodeMalformed, func(p string) string {
		return strings.Replace(p, `"max_total_amount":200`, `"max_total_amount":0200`, 1)
	})
	payload("024", "A comment is not JSON.", protocol.CodeMalformed, func(p string) string { return strings.Replace(p, `"aud":`, `/* */"aud":`, 1) })
	payload("025", "A comma after the last member is not JSON.", protocol.CodeMalformed, func(p string) string { return p[:len(p)-1] + ",}" })
}

// nextCharacter returns a character whose unused bits are not zero.
func nextCharacter(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)|1])
}

// standardAlphabet writes a token in the alphabet of base64.
func standardAlphabet(t string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(t) }

// groupMandateHeader: the protected header (SPEC.md 2.2).
func groupMandateHeader(b *builder) {
	f := b.family("mandate/header/001", "A header of alg, kid and typ is the one form.", keys.EdDSA, ids("ADD-IAC-ISS-14"), nil)
	not := func(id, title string, code protocol.Code, changes ...change) {
		f.not("mandate/header/"+id, title, code, ids("ADD-IAC-ISS-10"), changes...)
	}
	not("002", "The algorithm none is never accepted.", protocol.CodeAlgorithmRefused, head("alg", "none"), finish(func(t string) string { return t[:strings.LastIndexByte(t, '.')+1] }))
	not("003", "HMAC by the public key, which everybody knows, is never accepted.", protocol.CodeAlgorithmRefused, head("alg", "HS256"), finish(hmacByKey(b)))
	not("004", "RSA signs no mandates.", protocol.CodeAlgorithmRefused, head("alg", "RS256"))
	not("005", "Names of algorithms are compared case by case.", protocol.CodeAlgorithmRefused, head("alg", "eddsa"))
	not("006", "The key decides the algorithm: a header that names another is refused.", protocol.CodeAlgorithmRefused, head("alg", "ES256"))
	not("007", "A header without typ says not what it is.", protocol.CodeFieldMissing, head("typ", nil))
	for i, typ := range []string{"JWT", "VC+JWT", "application/vc+jwt", "vc+ld+jwt", "dc+sd-jwt", "statuslist+jwt", "act-order+jwt", "act-identity+jwt"} {
		not("01"+string(rune('0'+i)), "A token of another kind is no mandate, whoever signed it: "+typ+".", protocol.CodeTypeMismatch, head("typ", typ))
	}
	not("020", "A header without kid names no key.", protocol.CodeFieldMissing, head("kid", nil))
	not("021", "A relative kid names no key: it is an absolute DID URL.", protocol.CodeFieldInvalid, head("kid", "#issue"))
	not("022", "A kid without fragment names no key.", protocol.CodeFieldInvalid, head("kid", bankDID))
	not("023", "An alg that is no string is refused.", protocol.CodeFieldInvalid, head("alg", true))
	not("024", "A header without alg names no algorithm.", protocol.CodeFieldMissing, head("alg", nil))
	for i, m := range []struct {
		name  string
		value any
		why   string
	}{
		{"crit", list{"exp"}, "An extension that must be understood is not."},
		{"jwk", jwk(b.signer(bankIssue, keys.IssueAuthorization, keys.EdDSA)), "A key in the header is never honoured, even when it is the right one."},
		{"jku", "https://bank.example/jwks.json", "An address of keys in the header is never fetched."},
		{"x5u", "https://bank.example/cert.pem", "An address of certificates in the header is never fetched."},
		{"x5c", list{"MIIB"}, "Certificates in the header are never honoured."},
		{"b64", true, "A header has exactly three members; b64 is none of them."},
		{"cty", "json", "A header has exactly three members; cty is none of them."},
		{"alg2", "EdDSA", "A header has exactly three members; an unknown one is refused and not ignored."},
	} {
		not("03"+string(rune('0'+i)), m.why, protocol.CodeHeaderRefused, head(m.name, m.value))
	}
	not("040", "A header member that stands twice has no one meaning.", protocol.CodeMalformed, func(g *grant) {
		g.headerText = `{"alg":"EdDSA","alg":"EdDSA","kid":"` + bankIssue + `","typ":"vc+jwt"}`
	})
}

// hmacByKey replaces the signature by an HMAC by the issuer's public key.
func hmacByKey(b *builder) func(string) string {
	return func(t string) string {
		input := t[:strings.LastIndexByte(t, '.')]
		key, err := canon.DecodeBase64(jwk(b.signer(bankIssue, keys.IssueAuthorization, keys.EdDSA))["x"].(string))
		if err != nil {
			b.fail("hmac", "%w", err)
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(input))
		return input + "." + canon.EncodeBase64(mac.Sum(nil))
	}
}

// groupMandateSignature: what the signature covers, and by which bytes.
func groupMandateSignature(b *builder) {
	f := b.family("mandate/signature/001", "The signature covers header and payload as they travel.", keys.EdDSA, ids("ADD-IAC-ISS-09", "ADD-IAC-ISS-10", "ADD-IAC-ISS-15"), nil)
	not := func(f *family, id, title string, change func(string) string) {
		f.not("mandate/signature/"+id, title, protocol.CodeSignatureInvalid, ids("ADD-IAC-ISS-09", "ADD-IAC-ISS-10"), finish(change))
	}
	not(f, "002", "A flipped bit in the signature is found.", signatureBytes(func(s []byte) []byte { s[5] ^= 1; return s }))
	not(f, "003", "A payload that was changed after signing is found.", part(1, func(p string) string {
		return strings.Replace(p, `"max_total_amount":200`, `"max_total_amount":201`, 1)
	}))
	not(f, "004", "White space added to the payload after signing is a change too.", part(1, func(p string) string { return p + " " }))
	not(f, "005", "A header that was changed after signing is found.", part(0, func(p string) string { return p[:len(p)-1] + " }" }))
	not(f, "006", "A signature of 63 bytes is none.", signatureBytes(func(s []byte) []byte { return s[:63] }))
	not(f, "007", "A signature of zeros is none.", signatureBytes(func(s []byte) []byte { return make([]byte, len(s)) }))
	not(f, "008", "A signature of 65 bytes is none.", signatureBytes(func(s []byte) []byte { return append(s, 0) }))
	f.not("mandate/signature/009", "A signature by another key than the one that kid names is found.", protocol.CodeSignatureInvalid, ids("ADD-IAC-ISS-10"), func(g *grant) {
		other := b.signer(bankDID+"#issue2", keys.IssueAuthorization, keys.EdDSA)
		addEntry(bankDID, entry(other))(g)
		g.signer = other
	})
	f.not("mandate/signature/010", "A signature over the payload alone says nothing about the header.", protocol.CodeSignatureInvalid, ids("ADD-IAC-ISS-09"), func(g *grant) {
		sig, err := g.signer.Sign(g.signer.Purpose(), []byte(g.textOfPayload()))
		if err != nil {
			b.fail("signature", "%w", err)
		}
		g.finish = signatureBytes(func([]byte) []byte { return sig })
	})
	e := b.family("mandate/signature/020", "An ES256 signature is r and s of 32 bytes each.", keys.ES256, ids("ADD-IAC-ISS-10"), nil)
	not(e, "021", "An ES256 signature in DER, as many libraries write it, is refused.", signatureBytes(der))
	not(e, "022", "An ES256 signature with r of zero is none.", signatureBytes(func(s []byte) []byte { return append(make([]byte, 32), s[32:]...) }))
	not(e, "023", "An ES256 signature with s of the order of the curve is none.", signatureBytes(func(s []byte) []byte {
		return append(s[:32:32], order().FillBytes(make([]byte, 32))...)
	}))
	not(e, "024", "A flipped bit in r is found.", signatureBytes(func(s []byte) []byte { s[31] ^= 1; return s }))
	e.with("mandate/signature/025", "The other s of the same ES256 signature verifies as well: bytes of a token tell no replay.", ids("ADD-IAC-ISS-10"), nil,
		finish(signatureBytes(func(s []byte) []byte {
			other := new(big.Int).Sub(order(), new(big.Int).SetBytes(s[32:]))
			return append(s[:32:32], other.FillBytes(make([]byte, 32))...)
		})))
	e.not("mandate/signature/026", "A header that says EdDSA for a P-256 key is refused.", protocol.CodeAlgorithmRefused, ids("ADD-IAC-ISS-10"), head("alg", "EdDSA"))
}

// order is that of P-256 (FIPS 186-5).
func order() *big.Int {
	n, _ := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
	return n
}

func der(s []byte) []byte {
	out, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:])})
	if err != nil {
		return nil
	}
	return out
}

// part changes one part of a finished token, decoded.
func part(i int, change func(string) string) func(string) string {
	return func(t string) string {
		parts := strings.Split(t, ".")
		decoded, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return ""
		}
		parts[i] = canon.EncodeBase64([]byte(change(string(decoded))))
		return strings.Join(parts, ".")
	}
}

func signatureBytes(change func([]byte) []byte) func(string) string {
	return part(2, func(s string) string { return string(change([]byte(s))) })
}
