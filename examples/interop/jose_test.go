package interop

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol/keys"
)

const keyID = "did:act:shop.example/coffee#k1"

// A party is one key with the three ways to use it.
type party struct {
	alg     keys.Algorithm
	private crypto.Signer
	signer  *keys.Signer
	jwx     jwa.SignatureAlgorithm
}

func parties(t testing.TB) []*party {
	t.Helper()
	out := []*party{{alg: keys.EdDSA, jwx: jwa.EdDSA()}, {alg: keys.ES256, jwx: jwa.ES256()}}
	for _, p := range out {
		var err error
		if p.private, err = keys.Generate(p.alg); err != nil {
			t.Fatal(err)
		}
		if p.signer, err = keys.NewSigner(keyID, keys.Seller, p.private); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// The three verifiers: the payload, and whether it was accepted.

func (p *party) ours(token []byte) ([]byte, bool) {
	u, err := keys.ParseCompact(token, keys.TypeOrder)
	if err != nil || u.Verify(p.signer.Public()) != nil {
		return nil, false
	}
	return u.Payload, true
}

func (p *party) goJose(token []byte) ([]byte, bool) {
	sig, err := jose.ParseSignedCompact(string(token), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(p.alg)})
	if err != nil {
		return nil, false
	}
	payload, err := sig.Verify(p.private.Public())
	return payload, err == nil
}

func (p *party) jwxVerify(token []byte) ([]byte, bool) {
	payload, err := jws.Verify(token, jws.WithKey(p.jwx, p.private.Public()))
	return payload, err == nil
}

func TestOursVerifyThere(t *testing.T) {
	for _, p := range parties(t) {
		rapid.Check(t, func(t *rapid.T) {
			payload := []byte(`{"amount":"18.00","note":"` + strings.Repeat("é", rapid.IntRange(0, 40).Draw(t, "length")) + `"}`)
			token, err := keys.SignCompact(p.signer, keys.Seller, keys.TypeOrder, payload)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := p.goJose(token); !ok || !bytes.Equal(got, payload) {
				t.Fatalf("go-jose refuses %s", token)
			}
			if got, ok := p.jwxVerify(token); !ok || !bytes.Equal(got, payload) {
				t.Fatalf("jwx refuses %s", token)
			}
		})
	}
}

func TestTheirsVerifyHere(t *testing.T) {
	payload := []byte(`{ "b":1, "a":"not canonical, and kept as it is" }`)
	for _, p := range parties(t) {
		key := jose.SigningKey{Algorithm: jose.SignatureAlgorithm(p.alg), Key: jose.JSONWebKey{Key: p.private, KeyID: keyID}}
		signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(keys.TypeOrder))
		if err != nil {
			t.Fatal(err)
		}
		object, err := signer.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		fromJose, err := object.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		header := jws.NewHeaders()
		for name, value := range map[string]string{jws.KeyIDKey: keyID, jws.TypeKey: keys.TypeOrder} {
			if err := header.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		fromJWX, err := jws.Sign(payload, jws.WithKey(p.jwx, p.private, jws.WithProtectedHeaders(header)))
		if err != nil {
			t.Fatal(err)
		}
		for name, token := range map[string]string{"go-jose": fromJose, "jwx": string(fromJWX)} {
			if got, ok := p.ours([]byte(token)); !ok || !bytes.Equal(got, payload) {
				t.Errorf("%s: %s is refused", name, token)
			}
		}
	}
}

// resign makes a token of any header and payload with a signature that
// verifies.
func (p *party) resign(header, payload string) []byte {
	b64 := base64.RawURLEncoding
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	sig, err := p.signer.Sign(keys.Seller, []byte(input))
	if err != nil {
		return nil
	}
	return []byte(input + "." + b64.EncodeToString(sig))
}

// pieces of headers, good and bad, for tokens that are signed.
var pieces = []string{
	`"kid":"` + keyID + `"`, `"typ":"act-order+jwt"`, `"alg":"EdDSA"`, `"alg":"ES256"`, `"alg":"Ed25519"`, `"alg":"none"`, `"alg":"HS256"`,
	`"typ":"JWT"`, `"crit":["exp"]`, `"crit":[]`, `"b64":false`, `"jku":"https://evil.example/"`, `"x5c":[]`, `"cty":"x"`,
	`"typ":"act\u002dorder+jwt"`, `"kid":"#k1"`, `"alg":null`, `"ALG":"none"`, `"x":"\ud800"`, ``,
}

// mutate draws a token that differs in some way from a good one.
func mutate(t *rapid.T, p *party, good []byte) []byte {
	parts := strings.Split(string(good), ".")
	switch rapid.IntRange(0, 6).Draw(t, "how") {
	case 0: // one bit
		bad := slices.Clone(good)
		bad[rapid.IntRange(0, len(bad)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		return bad
	case 1: // one byte more
		at := rapid.IntRange(0, len(good)).Draw(t, "at")
		return slices.Insert(slices.Clone(good), at, rapid.SampledFrom([]byte("\n\r .=A_-+/\x00")).Draw(t, "byte"))
	case 2: // one byte less
		at := rapid.IntRange(0, len(good)-1).Draw(t, "at")
		return slices.Delete(slices.Clone(good), at, at+1)
	case 3: // parts in another order, or missing
		order := rapid.SliceOfN(rapid.SampledFrom(parts), 0, 4).Draw(t, "parts")
		return []byte(strings.Join(order, "."))
	case 4: // a signature in another form
		sig, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		change := rapid.SampledFrom([]func([]byte) []byte{
			func(b []byte) []byte { return append(b, 0) },
			func(b []byte) []byte { return append([]byte{0}, b...) },
			func(b []byte) []byte { return b[:63] },
			func(b []byte) []byte { return append(b[32:], b[:32]...) },
			func([]byte) []byte { return make([]byte, 64) },
		}).Draw(t, "change")
		return []byte(parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(change(sig)))
	default: // another header, well signed
		chosen := rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 3).Draw(t, "more")
		if rapid.Bool().Draw(t, "good alg") {
			chosen = append(chosen, `"alg":"`+string(p.alg)+`"`, pieces[0], pieces[1])
		}
		payload := rapid.SampledFrom([]string{`{}`, `{"a":1}`, `{"a":1,"a":2}`, `[]`, `x`, ``}).Draw(t, "payload")
		return p.resign("{"+strings.Trim(strings.Join(chosen, ","), ",")+"}", payload)
	}
}

// What we accept, both others accept, with the same payload. The reverse does
// not hold: our form is narrower than JOSE.
//
// One exception, spelled out rather than hidden: the algorithm name "Ed25519"
// of RFC 9864. Where a library does not know it, its refusal is no opinion.
func TestMutatedTokens(t *testing.T) {
	for _, p := range parties(t) {
		good, err := keys.SignCompact(p.signer, keys.Seller, keys.TypeOrder, []byte(`{"amount":"18.00"}`))
		if err != nil {
			t.Fatal(err)
		}
		accepted, wider := 0, 0
		for range 20 { // a hundred draws each
			rapid.Check(t, func(t *rapid.T) {
				token := mutate(t, p, good)
				payload, ok := p.ours(token)
				josePayload, joseOK := p.goJose(token)
				jwxPayload, jwxOK := p.jwxVerify(token)
				if !ok {
					if joseOK && jwxOK {
						wider++
					}
					return
				}
				accepted++
				if strings.Contains(headerOf(token), `"Ed25519"`) {
					return
				}
				if !joseOK || !jwxOK || !bytes.Equal(payload, josePayload) || !bytes.Equal(payload, jwxPayload) {
					t.Fatalf("we accept %s, go-jose %v, jwx %v", token, joseOK, jwxOK)
				}
			})
		}
		if accepted == 0 || wider == 0 {
			t.Errorf("%s: %d accepted by all, %d by the others only: the test shows nothing", p.alg, accepted, wider)
		}
	}
}

func headerOf(token []byte) string {
	header, _, _ := bytes.Cut(token, []byte("."))
	text, err := base64.RawURLEncoding.DecodeString(string(header))
	if err != nil {
		return ""
	}
	return string(text)
}

func TestJWKs(t *testing.T) {
	for _, p := range parties(t) {
		ours := p.signer.Public()
		var theirs jose.JSONWebKey
		if err := theirs.UnmarshalJSON(ours.JWK()); err != nil {
			t.Fatal(err)
		}
		thumbprint, err := theirs.Thumbprint(crypto.SHA256)
		if err != nil || base64.RawURLEncoding.EncodeToString(thumbprint) != ours.Thumbprint() {
			t.Errorf("%s: thumbprints differ: %v", p.alg, err)
		}
		key, err := jwk.ParseKey(ours.JWK())
		if err != nil {
			t.Fatal(err)
		}
		thumbprint, err = key.Thumbprint(crypto.SHA256)
		if err != nil || base64.RawURLEncoding.EncodeToString(thumbprint) != ours.Thumbprint() {
			t.Errorf("%s: thumbprints differ: %v", p.alg, err)
		}
		written, err := (&jose.JSONWebKey{Key: p.private.Public(), KeyID: "x", Use: "sig"}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := keys.ParseJWK(written); err != nil || !again.Equal(ours) {
			t.Errorf("%s: %v", p.alg, err)
		}
		// Their private keys are refused as public ones.
		private, err := (&jose.JSONWebKey{Key: p.private}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.ParseJWK(private); err == nil {
			t.Errorf("%s: a private key was read", p.alg)
		}
	}
}
