package softkey

import (
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol/canon"
)

func TestOrigin(t *testing.T) {
	for _, origin := range []string{"", "pay.example", "http://pay.example", "https://pay.example/", "https://pay.example/a"} {
		if _, err := New(origin); err == nil {
			t.Errorf("%q is taken for an origin", origin)
		}
	}
}

// TestAnswer: what is signed is the page's challenge, for the page's origin, and
// the hidden fields of the page come back. The reference processor's tests judge
// the rest, by a library for passkeys.
func TestAnswer(t *testing.T) {
	k, err := New("https://pay.example:8443")
	if err != nil {
		t.Fatal(err)
	}
	page := `<form data-options="{&#34;challenge&#34;:&#34;AAAA&#34;,&#34;rpId&#34;:&#34;pay.example&#34;}"><input type="hidden" name="nonce" value="a&amp;b"></form>`
	form, err := k.Answer(page)
	if err != nil {
		t.Fatal(err)
	}
	if form.Get("nonce") != "a&b" || form.Get("id") != k.ID() || form.Has("attestation") {
		t.Errorf("%v", form)
	}
	read := func(name string) []byte {
		b, err := canon.DecodeBase64(form.Get(name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	client, data := read("client_data"), read("authenticator_data")
	for _, part := range []string{`"webauthn.get"`, `"challenge":"AAAA"`, `"origin":"https://pay.example:8443"`} {
		if !strings.Contains(string(client), part) {
			t.Errorf("no %s in %s", part, client)
		}
	}
	host, sum := sha256.Sum256([]byte("pay.example")), sha256.Sum256(client)
	if string(data[:32]) != string(host[:]) {
		t.Error("the data are of another host")
	}
	if !ed25519.Verify(k.private.Public().(ed25519.PublicKey), append(data, sum[:]...), read("signature")) {
		t.Error("the signature does not verify")
	}
	for _, page := range []string{"", `<form data-options="no JSON">`} {
		if _, err := k.Answer(page); err == nil {
			t.Errorf("%q is answered", page)
		}
	}
}
