package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

const keyID = "did:act:shop.example/coffee#k1"

var algorithms = []keys.Algorithm{keys.EdDSA, keys.ES256}

func newSigner(t testing.TB, alg keys.Algorithm, purpose keys.Purpose) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(keyID, purpose, private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantCode(t *testing.T, err error, want protocol.Code) {
	t.Helper()
	if protocol.CodeOf(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// token signs any header over any payload, as an attacker with a good key can.
func token(t testing.TB, s *keys.Signer, header, payload string) []byte {
	t.Helper()
	b64 := base64.RawURLEncoding
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	sig, err := s.Sign(s.Purpose(), []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(input + "." + b64.EncodeToString(sig))
}

func TestSignAndVerifyCompact(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			s := newSigner(t, alg, keys.Seller)
			raw, err := keys.SignCompact(s, keys.Seller, keys.TypeOrder, []byte(` {"b": 1.0, "a": "é"} `))
			if err != nil {
				t.Fatal(err)
			}
			u, err := keys.ParseCompact(raw, keys.TypeOrder)
			if err != nil {
				t.Fatal(err)
			}
			if want := (keys.Header{Algorithm: alg, KeyID: keyID, Type: keys.TypeOrder}); u.Header != want {
				t.Errorf("header %+v", u.Header)
			}
			if string(u.Payload) != `{"a":"é","b":1}` {
				t.Errorf("SPEC 2.2 writers put the canonical form into the payload: %s", u.Payload)
			}
			if err := u.Verify(s.Public()); err != nil {
				t.Error(err)
			}
			wantCode(t, u.Verify(newSigner(t, alg, keys.Seller).Public()), protocol.CodeSignatureInvalid)
			wantCode(t, u.Verify(keys.PublicKey{}), protocol.CodeAlgorithmRefused)
			clear(raw)
			if err := u.Verify(s.Public()); err != nil {
				t.Error("the token was not copied:", err)
			}
		})
	}
}

func TestHeaderMayBeWrittenOtherwise(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.Seller)
	for _, header := range []string{
		`{"typ":"act-order+jwt","kid":"` + keyID + `","alg":"EdDSA"}`,
		`{"typ":"act-order+jwt","kid":"` + keyID + `","alg":"Ed25519"}`, // RFC 9864
		"{ \"alg\" : \"EdDSA\" ,\n\"kid\":\"" + keyID + "\",\"typ\":\"act\\u002dorder+jwt\"}",
	} {
		u, err := keys.ParseCompact(token(t, s, header, `{}`), keys.TypeOrder)
		if err != nil {
			t.Errorf("%s: %v", header, err)
			continue
		}
		if err := u.Verify(s.Public()); err != nil || u.Header.Algorithm != keys.EdDSA || u.Header.KeyID != keyID {
			t.Errorf("%s: %v %+v", header, err, u.Header)
		}
	}
}

// Every one of these carries a signature that verifies.
func TestHostileHeaders(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.Seller)
	header := func(alg, kid, typ string, more string) string {
		return `{"alg":"` + alg + `","kid":"` + kid + `","typ":"` + typ + `"` + more + `}`
	}
	const typ = keys.TypeOrder
	jwk := string(s.Public().JWK())
	for _, tc := range []struct {
		name, header string
		want         protocol.Code
	}{
		{"alg none", header("none", keyID, typ, ""), protocol.CodeAlgorithmRefused},
		{"alg None", header("None", keyID, typ, ""), protocol.CodeAlgorithmRefused},
		{"alg HS256", header("HS256", keyID, typ, ""), protocol.CodeAlgorithmRefused},
		{"alg RS256", header("RS256", keyID, typ, ""), protocol.CodeAlgorithmRefused},
		{"alg ES384", header("ES384", keyID, typ, ""), protocol.CodeAlgorithmRefused},
		{"alg unknown", header("foo", keyID, typ, ""), protocol.CodeAlgorithmRefused},
		{"alg in other case", header("eddsa", keyID, typ, ""), protocol.CodeAlgorithmRefused},
		{"alg empty", header("", keyID, typ, ""), protocol.CodeFieldMissing},
		{"alg absent", `{"kid":"` + keyID + `","typ":"` + typ + `"}`, protocol.CodeFieldMissing},
		{"alg a number", `{"alg":1,"kid":"` + keyID + `","typ":"` + typ + `"}`, protocol.CodeFieldInvalid},
		{"alg null", `{"alg":null,"kid":"` + keyID + `","typ":"` + typ + `"}`, protocol.CodeFieldInvalid},
		{"alg twice", header("EdDSA", keyID, typ, `,"alg":"EdDSA"`), protocol.CodeMalformed},
		{"alg twice and typ absent", `{"alg":"EdDSA","alg":"EdDSA","kid":"` + keyID + `"}`, protocol.CodeMalformed},
		{"alg twice, once escaped", header("EdDSA", keyID, typ, `,"\u0061lg":"EdDSA"`), protocol.CodeMalformed},
		{"ALG beside alg", header("EdDSA", keyID, typ, `,"ALG":"none"`), protocol.CodeHeaderRefused},
		{"crit", header("EdDSA", keyID, typ, `,"crit":["exp"],"exp":1`), protocol.CodeHeaderRefused},
		{"crit empty", header("EdDSA", keyID, typ, `,"crit":[]`), protocol.CodeHeaderRefused},
		{"b64", header("EdDSA", keyID, typ, `,"b64":false`), protocol.CodeHeaderRefused},
		{"jwk", header("EdDSA", keyID, typ, `,"jwk":`+jwk), protocol.CodeHeaderRefused},
		{"jku", header("EdDSA", keyID, typ, `,"jku":"https://evil.example/"`), protocol.CodeHeaderRefused},
		{"x5u", header("EdDSA", keyID, typ, `,"x5u":"https://evil.example/"`), protocol.CodeHeaderRefused},
		{"x5c", header("EdDSA", keyID, typ, `,"x5c":["MIIB"]`), protocol.CodeHeaderRefused},
		{"cty", header("EdDSA", keyID, typ, `,"cty":"JWT"`), protocol.CodeHeaderRefused},
		{"typ of another token of ours", header("EdDSA", keyID, keys.TypePaymentProof, ""), protocol.CodeTypeMismatch},
		{"typ JWT", header("EdDSA", keyID, "JWT", ""), protocol.CodeTypeMismatch},
		{"typ in other case", header("EdDSA", keyID, "ACT-ORDER+JWT", ""), protocol.CodeTypeMismatch},
		{"typ with application/", header("EdDSA", keyID, "application/act-order+jwt", ""), protocol.CodeTypeMismatch},
		{"typ absent", `{"alg":"EdDSA","kid":"` + keyID + `"}`, protocol.CodeFieldMissing},
		{"kid absent", `{"alg":"EdDSA","typ":"` + typ + `"}`, protocol.CodeFieldMissing},
		{"kid relative", header("EdDSA", "#k1", typ, ""), protocol.CodeFieldInvalid},
		{"kid without fragment", header("EdDSA", "did:act:shop.example/coffee", typ, ""), protocol.CodeFieldInvalid},
		{"kid with empty fragment", header("EdDSA", "did:act:shop.example/coffee#", typ, ""), protocol.CodeFieldInvalid},
		{"kid with two fragments", header("EdDSA", keyID+"#k2", typ, ""), protocol.CodeFieldInvalid},
		{"kid with query", header("EdDSA", "did:web:a.example?x#k", typ, ""), protocol.CodeFieldInvalid},
		{"kid a URL", header("EdDSA", "https://evil.example/#k1", typ, ""), protocol.CodeFieldInvalid},
		{"kid with a space", header("EdDSA", "did:act:shop.example/coffee #k1", typ, ""), protocol.CodeFieldInvalid},
		{"kid very long", header("EdDSA", "did:act:shop.example/"+strings.Repeat("a", 600)+"#k", typ, ""), protocol.CodeFieldInvalid},
		{"not an object", `"EdDSA"`, protocol.CodeFieldInvalid},
		{"empty object", `{}`, protocol.CodeFieldMissing},
		{"nothing", ``, protocol.CodeMalformed},
		{"trailing data", header("EdDSA", keyID, typ, "") + "{}", protocol.CodeMalformed},
		{"byte order mark", "\ufeff" + header("EdDSA", keyID, typ, ""), protocol.CodeMalformed},
		{"not UTF-8", header("EdDSA", keyID, typ, ",\"x\":\"\xff\""), protocol.CodeMalformed},
		{"lone surrogate", header("EdDSA", keyID, typ, `,"x":"\ud800"`), protocol.CodeMalformed},
		{"deep", header("EdDSA", keyID, typ, `,"x":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)), protocol.CodeTooLarge},
		// Several faults at once: the first of the list of codes is reported.
		{"typ wins over alg", header("none", keyID, "JWT", ""), protocol.CodeTypeMismatch},
		{"alg wins over crit", header("none", keyID, typ, `,"crit":["x"]`), protocol.CodeAlgorithmRefused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := keys.ParseCompact(token(t, s, tc.header, `{}`), typ)
			wantCode(t, err, tc.want)
		})
	}
}

func TestHostilePayloads(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.Seller)
	header := `{"alg":"EdDSA","kid":"` + keyID + `","typ":"act-order+jwt"}`
	for _, tc := range []struct {
		payload string
		want    protocol.Code
	}{
		{``, protocol.CodeMalformed},
		{`foo`, protocol.CodeMalformed},
		{`{"a":1,"a":2}`, protocol.CodeMalformed},
		{`{"a":9007199254740993}`, protocol.CodeMalformed},
		{`{"a":1e400}`, protocol.CodeMalformed},
		{`{"a":"\ud800"}`, protocol.CodeMalformed},
		{"{\"a\":\"\xff\"}", protocol.CodeMalformed},
		{`{} {}`, protocol.CodeMalformed},
		{strings.Repeat("[", 33) + strings.Repeat("]", 33), protocol.CodeTooLarge},
	} {
		_, err := keys.ParseCompact(token(t, s, header, tc.payload), keys.TypeOrder)
		if protocol.CodeOf(err) != tc.want {
			t.Errorf("%s: %v", tc.payload, err)
		}
		if _, err := keys.SignCompact(s, keys.Seller, keys.TypeOrder, []byte(tc.payload)); protocol.CodeOf(err) != tc.want {
			t.Errorf("signed %s: %v", tc.payload, err)
		}
	}
	long := []byte(`{"a":"` + strings.Repeat("a", 50_000) + `"}`)
	_, err := keys.SignCompact(s, keys.Seller, keys.TypeOrder, long)
	wantCode(t, err, protocol.CodeTooLarge)
	_, err = keys.ParseCompact(token(t, s, header, string(long)), keys.TypeOrder)
	wantCode(t, err, protocol.CodeTooLarge)
}

func TestHostileForms(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.Seller)
	good := string(token(t, s, `{"alg":"EdDSA","kid":"`+keyID+`","typ":"act-order+jwt"}`, `{"a":1}`))
	parts := strings.Split(good, ".")
	for name, bad := range map[string]string{
		"empty":                 "",
		"dots only":             "..",
		"one part":              parts[0],
		"two parts":             parts[0] + "." + parts[1],
		"four parts":            good + "." + parts[2],
		"five parts":            good + "..",
		"padding":               good + "==",
		"padding in the header": parts[0] + "=." + parts[1] + "." + parts[2],
		"standard alphabet":     parts[0] + "." + parts[1] + "." + parts[2][:80] + "+/+/+/",
		"line feed at the end":  good + "\n",
		"line feed inside":      parts[0][:4] + "\n" + parts[0][4:] + "." + parts[1] + "." + parts[2],
		"carriage return":       parts[0] + "." + parts[1] + "\r." + parts[2],
		"space":                 " " + good,
		"zero byte":             good + "\x00",
		"JSON serialization":    `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := keys.ParseCompact([]byte(bad), keys.TypeOrder)
			wantCode(t, err, protocol.CodeMalformed)
		})
	}
	_, err := keys.ParseCompact(bytes.Repeat([]byte("a"), keys.MaxToken+1), keys.TypeOrder)
	wantCode(t, err, protocol.CodeTooLarge)

	t.Run("signature missing", func(t *testing.T) {
		u, err := keys.ParseCompact([]byte(parts[0]+"."+parts[1]+"."), keys.TypeOrder)
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, u.Verify(s.Public()), protocol.CodeSignatureInvalid)
	})
	t.Run("SPEC 1.4 non-canonical tails", func(t *testing.T) {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		for i, part := range parts {
			if len(part)%4 == 0 {
				continue // no spare bits
			}
			last := strings.IndexByte(alphabet, part[len(part)-1])
			other := slices.Clone(parts)
			other[i] = part[:len(part)-1] + string(alphabet[last|1])
			_, err := keys.ParseCompact([]byte(strings.Join(other, ".")), keys.TypeOrder)
			wantCode(t, err, protocol.CodeMalformed)
		}
	})
}

// One flipped bit anywhere in the token: it is never accepted.
func TestFlippedBits(t *testing.T) {
	for _, alg := range algorithms {
		s := newSigner(t, alg, keys.Seller)
		good, err := keys.SignCompact(s, keys.Seller, keys.TypeOrder, []byte(`{"amount":"18.00","to":"did:act:shop.example/coffee"}`))
		if err != nil {
			t.Fatal(err)
		}
		parsed := 0
		for i := range good {
			for bit := range 8 {
				bad := slices.Clone(good)
				bad[i] ^= 1 << bit
				u, err := keys.ParseCompact(bad, keys.TypeOrder)
				if err != nil {
					continue
				}
				parsed++
				if u.Verify(s.Public()) == nil {
					t.Fatalf("%s: byte %d, bit %d is accepted", alg, i, bit)
				}
			}
		}
		if parsed == 0 {
			t.Error("no changed token reached the signature check")
		}
	}
}

func TestAlgorithmOfAnotherKey(t *testing.T) {
	ed, ec := newSigner(t, keys.EdDSA, keys.Seller), newSigner(t, keys.ES256, keys.Seller)
	for _, tc := range []struct {
		alg    string
		signer *keys.Signer
		key    keys.PublicKey
	}{
		{"ES256", ed, ed.Public()}, // the key decides, not the header
		{"EdDSA", ec, ec.Public()},
		{"EdDSA", ed, ec.Public()},
		{"ES256", ec, ed.Public()},
	} {
		raw := token(t, tc.signer, `{"alg":"`+tc.alg+`","kid":"`+keyID+`","typ":"act-order+jwt"}`, `{}`)
		u, err := keys.ParseCompact(raw, keys.TypeOrder)
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, u.Verify(tc.key), protocol.CodeAlgorithmRefused)
	}
}

func TestHostileES256Signatures(t *testing.T) {
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	ec := private.(*ecdsa.PrivateKey)
	key, err := keys.NewPublicKey(ec.Public())
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("a message")
	digest := sha256.Sum256(message)
	der, err := ecdsa.SignASN1(rand.Reader, ec, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	r, s, err := ecdsa.Sign(rand.Reader, ec, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	n := ec.Params().N
	raw := func(r, s *big.Int) []byte {
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	if !key.Verify(message, raw(r, s)) {
		t.Fatal("a good signature is refused")
	}
	zero, one := new(big.Int), big.NewInt(1)
	bad := map[string][]byte{
		"DER":              der,
		"DER cut to 64":    der[:64],
		"r zero":           raw(zero, s),
		"s zero":           raw(r, zero),
		"both zero":        raw(zero, zero),
		"r = n":            raw(n, s),
		"s = n":            raw(r, n),
		"r = n + 1":        raw(new(big.Int).Add(n, one), s),
		"all ones":         bytes.Repeat([]byte{0xff}, 64),
		"swapped":          raw(s, r),
		"short":            raw(r, s)[:63],
		"long":             append(raw(r, s), 0),
		"zero in front":    append([]byte{0}, raw(r, s)...),
		"33-byte integers": append(append([]byte{0}, r.FillBytes(make([]byte, 32))...), append([]byte{0}, s.FillBytes(make([]byte, 32))...)...),
		"empty":            nil,
	}
	// The same residues under other names, where they fit into 32 bytes.
	if v := new(big.Int).Add(r, n); v.BitLen() <= 256 {
		bad["r + n"] = raw(v, s)
	}
	for name, sig := range bad {
		if key.Verify(message, sig) {
			t.Errorf("%s verifies", name)
		}
	}
	if (keys.PublicKey{}).Verify(message, raw(r, s)) {
		t.Error("the zero key verifies")
	}
}
