package identity

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
)

func ours(t *testing.T, err error) {
	t.Helper()
	if !protocol.CodeOf(err).Known() {
		t.Fatalf("a foreign error: %v", err)
	}
}

// A DID that is accepted leads to a document on its own host, whatever a
// general URL parser thinks of it.
func FuzzParseDID(f *testing.F) {
	f.Add("did:act:shop.example/coffee")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDID(s)
		if err != nil {
			ours(t, err)
			if !d.IsZero() {
				t.Fatal("a DID together with an error")
			}
			return
		}
		if d.String() != s {
			t.Fatalf("%q became %q", s, d)
		}
		if d.Method() == MethodKey {
			if _, err := ResolveKeyDID(d); err != nil {
				t.Fatal(err)
			}
			return
		}
		text, err := d.DocumentURL()
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(text)
		if err != nil || u.String() != text || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("%q: %v", text, err)
		}
		if u.Host != d.Host() || !strings.HasSuffix(u.Path, "/did.json") || u.JoinPath().Path != u.Path {
			t.Fatalf("%q: host %q", text, d.Host())
		}
	})
}

func FuzzParseKeyID(f *testing.F) {
	f.Add("did:act:shop.example/coffee#k1")
	f.Fuzz(func(t *testing.T, s string) {
		d, fragment, err := ParseKeyID(s)
		if err != nil {
			ours(t, err)
			return
		}
		if d.String()+"#"+fragment != s || d.IsZero() || fragment == "" {
			t.Fatalf("%q became %q and %q", s, d, fragment)
		}
	})
}

func FuzzDecodeDocument(f *testing.F) {
	f.Add([]byte(`{"id":"did:act:shop.example/coffee"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := DecodeDocument(data, DID{text: shop})
		if err != nil {
			ours(t, err)
			if d != nil {
				t.Fatal("a document together with an error")
			}
			return
		}
		if d.ID.String() != shop || len(d.Keys) > MaxKeys {
			t.Fatalf("%+v", d)
		}
		for i := range d.Keys { // fractions of seconds are not written
			d.Keys[i].NotBefore = d.Keys[i].NotBefore.Truncate(1e9)
			d.Keys[i].NotAfter = d.Keys[i].NotAfter.Truncate(1e9)
		}
		for i := range d.Encryption {
			d.Encryption[i].NotBefore = d.Encryption[i].NotBefore.Truncate(1e9)
			d.Encryption[i].NotAfter = d.Encryption[i].NotAfter.Truncate(1e9)
		}
		out, err := d.Encode()
		if err != nil {
			ours(t, err) // a period of less than a second
			return
		}
		again, err := DecodeDocument(out, d.ID)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if diff := cmp.Diff(d, again, cmp.AllowUnexported(DID{})); diff != "" {
			t.Fatal(diff)
		}
	})
}
