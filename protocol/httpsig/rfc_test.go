package httpsig

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/actprotocol/act-go/protocol/keys"
)

// RFC 9421, B.4: the signature of test-key-ed25519 over a request, and which
// changes on the way it survives.
func TestRFC9421B4(t *testing.T) {
	const (
		params    = `("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"`
		signature = "ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA=="
	)
	seed, err := base64.RawURLEncoding.DecodeString("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU")
	if err != nil {
		t.Fatal(err)
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(method, url string, header http.Header) bool {
		t.Helper()
		req, err := http.NewRequest(method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		authority, err := clientAuthority(req)
		if err != nil {
			t.Fatal(err)
		}
		r, err := newRequest(req, authority)
		if err != nil {
			t.Fatal(err)
		}
		base, err := r.base([]string{"@method", "@path", "@authority", "accept"}, params)
		if err != nil {
			return false
		}
		return ed25519.Verify(public, base, sig)
	}
	accept := http.Header{"Accept": {"application/json, */*"}}
	if !verify("GET", "https://example.org/demo?name1=Value1&Name2=value2", accept) {
		t.Error("the request as it was signed does not verify")
	}
	if !verify("GET", "https://example.org/demo?name1=Value1&Name2=value2&param=added", http.Header{"Accept": accept["Accept"], "Accept-Language": {"en"}}) {
		t.Error("what is not covered may change: a query and another field were added")
	}
	for name, ok := range map[string]bool{
		"method":    verify("POST", "https://example.org/demo?name1=Value1&Name2=value2", accept),
		"authority": verify("GET", "https://example.com/demo?name1=Value1&Name2=value2", accept),
		"order":     verify("GET", "https://example.org/demo?name1=Value1&Name2=value2", http.Header{"Accept": {"*/*, application/json"}}),
		// The RFC joins two lines of one field; we refuse them (SPEC.md 6.4).
		"two lines": verify("GET", "https://example.org/demo?name1=Value1&Name2=value2", http.Header{"Accept": {"application/json", "*/*"}}),
	} {
		if ok {
			t.Errorf("%s: verifies although it was changed", name)
		}
	}
}

// RFC 9421, B.3: a signature by test-key-ecc-p256 over a request.
func TestRFC9421B3(t *testing.T) {
	const (
		params      = `("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"`
		signature   = "xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw=="
		certificate = "MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAe" +
			"Fw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmck" +
			"C8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8B" +
			"Af8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6Y" +
			"K0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk="
	)
	key, err := keys.ParseJWK([]byte(`{"kty":"EC","crv":"P-256","x":"qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA","y":"Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0"}`))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]bool{"/foo?param=Value&Pet=dog": true, "/foo?param=Value&Pet=cat": false, "/fo?o=": false} {
		req := &http.Request{Method: "POST", RequestURI: target, Header: http.Header{"Client-Cert": {":" + certificate + ":"}}}
		r, err := newRequest(req, "service.internal.example")
		if err != nil {
			t.Fatal(err)
		}
		base, err := r.base([]string{"@path", "@query", "@method", "@authority", "client-cert"}, params)
		if err != nil {
			t.Fatal(err)
		}
		if key.Verify(base, sig) != want {
			t.Errorf("%s: verifies: %v", target, !want)
		}
	}
}
