package httpsig

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol/keys"
)

// The test-request of RFC 9421, B.2.
func rfcRequest(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "https://example.com/foo?param=Value&Pet=dog", strings.NewReader(`{"hello": "world"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Date", "Tue, 20 Apr 2021 02:07:55 GMT")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Length", "18")
	return req
}

// RFC 9421, B.2.6: the signature base and the signature of
// test-key-ed25519, which is deterministic.
func TestRFC9421B26(t *testing.T) {
	const (
		params = `("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`
		want   = `"date": Tue, 20 Apr 2021 02:07:55 GMT` + "\n" +
			`"@method": POST` + "\n" +
			`"@path": /foo` + "\n" +
			`"@authority": example.com` + "\n" +
			`"content-type": application/json` + "\n" +
			`"content-length": 18` + "\n" +
			`"@signature-params": ` + params
		signature = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
	)
	req := rfcRequest(t)
	authority, err := clientAuthority(req)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRequest(req, authority)
	if err != nil {
		t.Fatal(err)
	}
	base, err := r.base([]string{"date", "@method", "@path", "@authority", "content-type", "content-length"}, params)
	if err != nil {
		t.Fatal(err)
	}
	if string(base) != want {
		t.Errorf("base:\n%s", base)
	}
	seed, err := base64.RawURLEncoding.DecodeString("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU")
	if err != nil {
		t.Fatal(err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	key, err := keys.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	if got := string(key.JWK()); !strings.Contains(got, "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs") {
		t.Errorf("the key of B.1.4: %s", got)
	}
	signer, err := keys.NewSigner("did:act:example.com/test#test-key-ed25519", keys.AgentRequest, private)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(keys.AgentRequest, base)
	if err != nil {
		t.Fatal(err)
	}
	if got := base64.StdEncoding.EncodeToString(sig); got != signature {
		t.Errorf("signature %s", got)
	}
	// It is a good signature, and not of our form: other components, no
	// expiry, no nonce, no tag.
	req.Header.Set("Signature-Input", "sig-b26="+params)
	req.Header.Set("Signature", "sig-b26=:"+signature+":")
	if _, err := ParseFor(req, []byte(`{"hello": "world"}`), "example.com"); err == nil {
		t.Error("accepted as one of ours")
	}
}

// RFC 9421, B.2.4: ecdsa-p256-sha256 with test-key-ecc-p256. It signs a
// response, which this package does not do, so that the base is given: what
// is shown is that the encoding of ECDSA signatures is the one we use.
func TestRFC9421B24(t *testing.T) {
	const base = `"@status": 200` + "\n" +
		`"content-type": application/json` + "\n" +
		`"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:` + "\n" +
		`"content-length": 23` + "\n" +
		`"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"`
	key, err := keys.ParseJWK([]byte(`{"kty":"EC","crv":"P-256","x":"qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA","y":"Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0"}`))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := base64.StdEncoding.DecodeString("wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==")
	if err != nil {
		t.Fatal(err)
	}
	if !key.Verify([]byte(base), sig) {
		t.Error("does not verify")
	}
	if key.Verify(bytes.Replace([]byte(base), []byte("200"), []byte("201"), 1), sig) {
		t.Error("verifies over another base")
	}
}

// RFC 9421, 2.2: the examples of derived components that we use.
func TestRFC9421Components(t *testing.T) {
	for _, tc := range []struct{ method, url, wantMethod, wantAuthority, wantPath, wantQuery string }{
		{"POST", "https://www.example.com/path?param=value", "POST", "www.example.com", "/path", "?param=value"},
		{"GET", "https://www.example.com/path?queryString", "GET", "www.example.com", "/path", "?queryString"},
		{"GET", "https://www.example.com/path?param=value&foo=bar&baz=batman", "GET", "www.example.com", "/path", "?param=value&foo=bar&baz=batman"},
		{"GET", "https://www.example.com/path?", "GET", "www.example.com", "/path", "?"},
		{"GET", "https://www.example.com/path", "GET", "www.example.com", "/path", "?"},
		{"GET", "https://WWW.Example.com:443", "GET", "www.example.com", "/", "?"},
		{"GET", "http://www.example.com:80/", "GET", "www.example.com", "/", "?"},
		{"GET", "https://www.example.com:80/", "GET", "www.example.com:80", "/", "?"},
		{"GET", "http://localhost:8443/a%20b/%2F/~x//y/../z?q=%20a+b", "GET", "localhost:8443", "/a%20b/%2F/~x//y/../z", "?q=%20a+b"},
		{"", "https://www.example.com/path#fragment", "GET", "www.example.com", "/path", "?"},
	} {
		req, err := http.NewRequest(tc.method, tc.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		authority, err := clientAuthority(req)
		if err != nil {
			t.Errorf("%s: %v", tc.url, err)
			continue
		}
		r, err := newRequest(req, authority)
		if err != nil {
			t.Errorf("%s: %v", tc.url, err)
			continue
		}
		if r.method != tc.wantMethod || r.authority != tc.wantAuthority || r.path != tc.wantPath || r.query != tc.wantQuery {
			t.Errorf("%s: %+v", tc.url, r)
		}
	}
}

// RFC 9530, B.1: the digest of its example, and of nothing.
func TestRFC9530Digest(t *testing.T) {
	if got := digest([]byte("{\"hello\": \"world\"}\n")); got != "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:" {
		t.Error(got)
	}
	if got := digest(nil); got != "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:" {
		t.Error(got)
	}
}
