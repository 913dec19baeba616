package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	edX = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	ecX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
	ecY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
)

func TestParseJWK(t *testing.T) {
	ed := `"kty":"OKP","crv":"Ed25519","x":"` + edX + `"`
	ec := `"kty":"EC","crv":"P-256","x":"` + ecX + `","y":"` + ecY + `"`
	zero43 := strings.Repeat("A", 43)
	for _, tc := range []struct {
		name, jwk string
		want      protocol.Code // empty: accepted
	}{
		{"Ed25519", ed, ""},
		{"P-256", ec, ""},
		{"what others write beside it", ed + `,"kid":"#k","use":"sig","alg":"EdDSA","key_ops":["verify"],"x5t":"abc"`, ""},
		{"alg Ed25519", ed + `,"alg":"Ed25519"`, ""},
		{"alg ES256", ec + `,"alg":"ES256"`, ""},
		{"alg of another key", ed + `,"alg":"ES256"`, protocol.CodeAlgorithmRefused},
		{"alg HS256", ec + `,"alg":"HS256"`, protocol.CodeAlgorithmRefused},
		{"use enc", ec + `,"use":"enc"`, protocol.CodeKeyPurpose},
		{"key_ops sign", ec + `,"key_ops":["sign"]`, protocol.CodeKeyPurpose},
		{"key_ops empty", ec + `,"key_ops":[]`, protocol.CodeKeyPurpose},
		{"private d", ed + `,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"`, protocol.CodeFieldInvalid},
		{"private d, empty", ec + `,"d":""`, protocol.CodeFieldInvalid},
		{"private k", ed + `,"k":"AAAA"`, protocol.CodeFieldInvalid},
		{"RSA private p", ec + `,"p":"AAAA"`, protocol.CodeFieldInvalid},
		{"no kty", `"crv":"Ed25519","x":"` + edX + `"`, protocol.CodeFieldMissing},
		{"RSA", `"kty":"RSA","n":"AQAB","e":"AQAB"`, protocol.CodeAlgorithmRefused},
		{"oct", `"kty":"oct"`, protocol.CodeAlgorithmRefused},
		{"X25519", `"kty":"OKP","crv":"X25519","x":"` + edX + `"`, protocol.CodeAlgorithmRefused},
		{"Ed448", `"kty":"OKP","crv":"Ed448","x":"` + edX + `"`, protocol.CodeAlgorithmRefused},
		{"P-384", `"kty":"EC","crv":"P-384","x":"` + ecX + `","y":"` + ecY + `"`, protocol.CodeAlgorithmRefused},
		{"secp256k1", `"kty":"EC","crv":"secp256k1","x":"` + ecX + `","y":"` + ecY + `"`, protocol.CodeAlgorithmRefused},
		{"kty and crv of two worlds", `"kty":"EC","crv":"Ed25519","x":"` + edX + `"`, protocol.CodeAlgorithmRefused},
		{"no x", `"kty":"OKP","crv":"Ed25519"`, protocol.CodeFieldMissing},
		{"no y", `"kty":"EC","crv":"P-256","x":"` + ecX + `"`, protocol.CodeFieldMissing},
		{"y on OKP", ed + `,"y":"` + ecY + `"`, protocol.CodeFieldInvalid},
		{"x null", `"kty":"OKP","crv":"Ed25519","x":null`, protocol.CodeFieldInvalid},
		{"x a number", `"kty":"OKP","crv":"Ed25519","x":1`, protocol.CodeFieldInvalid},
		{"x short", `"kty":"OKP","crv":"Ed25519","x":"` + edX[:42] + `"`, protocol.CodeMalformed},
		{"x of 31 bytes", `"kty":"OKP","crv":"Ed25519","x":"` + zero43[:42] + `"`, protocol.CodeFieldInvalid},
		{"x of 33 bytes", `"kty":"OKP","crv":"Ed25519","x":"` + zero43 + `A"`, protocol.CodeFieldInvalid},
		{"x padded", `"kty":"OKP","crv":"Ed25519","x":"` + edX + `="`, protocol.CodeMalformed},
		{"x with spare bits set", `"kty":"OKP","crv":"Ed25519","x":"` + edX[:42] + `p"`, protocol.CodeMalformed},
		{"x in the standard alphabet", `"kty":"OKP","crv":"Ed25519","x":"` + strings.ReplaceAll(edX, "_", "/") + `"`, protocol.CodeMalformed},
		{"not on the curve", `"kty":"EC","crv":"P-256","x":"` + ecX + `","y":"` + ecX + `"`, protocol.CodeFieldInvalid},
		{"the origin", `"kty":"EC","crv":"P-256","x":"` + zero43 + `","y":"` + zero43 + `"`, protocol.CodeFieldInvalid},
		{"x over the field", `"kty":"EC","crv":"P-256","x":"` + strings.Repeat("_", 42) + `8","y":"` + ecY + `"`, protocol.CodeFieldInvalid},
		{"small order", `"kty":"OKP","crv":"Ed25519","x":"AQ` + zero43[:41] + `"`, protocol.CodeFieldInvalid},
		{"twice x", ed + `,"x":"` + edX + `"`, protocol.CodeMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key, err := keys.ParseJWK([]byte("{" + tc.jwk + "}"))
			wantCode(t, err, tc.want)
			if (err != nil) != key.IsZero() {
				t.Error("a key together with an error")
			}
			if err != nil {
				if strings.Contains(err.Error(), edX) || strings.Contains(err.Error(), ecX) {
					t.Error("the error prints its input")
				}
				return
			}
			again, err := keys.ParseJWK(key.JWK())
			if err != nil || !again.Equal(key) {
				t.Error("round trip:", err)
			}
		})
	}
	t.Run("the bytes of a point, divided otherwise", func(t *testing.T) {
		x, err := canon.DecodeBase64(ecX)
		if err != nil {
			t.Fatal(err)
		}
		y, err := canon.DecodeBase64(ecY)
		if err != nil {
			t.Fatal(err)
		}
		point := append(x, y...)
		for _, n := range []int{0, 1, 31, 33, 63, 64} {
			_, err := keys.ParseJWK([]byte(`{"kty":"EC","crv":"P-256","x":"` + canon.EncodeBase64(point[:n]) + `","y":"` + canon.EncodeBase64(point[n:]) + `"}`))
			if err == nil {
				t.Errorf("x of %d bytes", n)
			}
		}
	})
	for _, notObject := range []string{`[]`, `"x"`, `1`, `null`, ``} {
		if _, err := keys.ParseJWK([]byte(notObject)); err == nil {
			t.Errorf("%q was read", notObject)
		}
	}
}

func TestNewPublicKey(t *testing.T) {
	ec384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]any{
		"nil": nil, "P-384": ec384.Public(), "RSA": rsaKey.Public(), "nil pointer": (*ecdsa.PublicKey)(nil),
		"short": ed25519.PublicKey(make([]byte, 31)), "a private key": ec384, "bytes": make([]byte, 32),
		"empty": &ecdsa.PublicKey{Curve: elliptic.P256()}, "no curve": &ecdsa.PublicKey{},
	} {
		if key, err := keys.NewPublicKey(bad); err == nil || !key.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, alg := range algorithms {
		s := newSigner(t, alg, keys.Seller)
		again, err := keys.NewPublicKey(s.Public().Crypto())
		if err != nil || !again.Equal(s.Public()) || again.Algorithm() != alg {
			t.Errorf("%s: %v", alg, err)
		}
	}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	before := key.Thumbprint()
	clear(public)
	if key.Thumbprint() != before {
		t.Error("the key was not copied")
	}
	clear(key.Crypto().(ed25519.PublicKey))
	if key.Thumbprint() != before {
		t.Error("Crypto gives the inside away")
	}
	if (keys.PublicKey{}).Crypto() != nil {
		t.Error("the zero key has a key")
	}
}

func TestPublicKeyAsMember(t *testing.T) {
	type confirmation struct {
		JWK keys.PublicKey `json:"jwk"`
	}
	s := newSigner(t, keys.ES256, keys.AgentRequest)
	data, err := canon.Marshal(confirmation{s.Public()})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"jwk":` + string(s.Public().JWK()) + `}`; string(data) != want {
		t.Errorf("%s", data)
	}
	var c confirmation
	if err := canon.Decode(data, &c); err != nil || !c.JWK.Equal(s.Public()) {
		t.Error(err)
	}
	bad := bytes.Replace(data, []byte(`"P-256"`), []byte(`"P-521"`), 1)
	err = canon.Decode(bad, &c)
	wantCode(t, err, protocol.CodeAlgorithmRefused)
	if e := protocol.AsError(err); e.Field != "jwk.kty" {
		t.Errorf("field %q", e.Field)
	}
	if _, err := canon.Marshal(confirmation{}); err == nil {
		t.Error("the zero key was written")
	}
	if got := fmt.Sprint(keys.PublicKey{}); got != "no key" {
		t.Error(got)
	}
}
