package identity_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// page is a document with one key.
func page(t *testing.T, did string) *identity.Document {
	t.Helper()
	id, err := identity.ParseDID(did)
	if err != nil {
		t.Fatal(err)
	}
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	public, err := keys.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return &identity.Document{ID: id, Keys: []identity.Key{{ID: did + "#1", Public: public, Purpose: keys.Seller}}}
}

func TestHandler(t *testing.T) {
	docs := []*identity.Document{
		page(t, "did:act:shop.example/coffee"), page(t, "did:act:shop.example/tea_2.b-c"),
		page(t, "did:web:shop.example"), page(t, "did:web:shop.example:Parts:one"),
	}
	h, err := identity.Handler(docs...)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, target string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		if len(header) == 2 {
			r.Header.Set(header[0], header[1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, d := range docs {
		t.Run("IDN-02 "+d.ID.String(), func(t *testing.T) {
			at, err := d.ID.DocumentURL()
			if err != nil {
				t.Fatal(err)
			}
			w := ask(http.MethodGet, at)
			got, err := identity.DecodeDocument(w.Body.Bytes(), d.ID)
			if err != nil || w.Code != http.StatusOK {
				t.Fatalf("%d, %v", w.Code, err)
			}
			if len(got.Keys) != 1 || !got.Keys[0].Public.Equal(d.Keys[0].Public) {
				t.Fatal("another key")
			}
			if c := w.Header(); c.Get("Content-Type") != "application/did+json" || c.Get("Cache-Control") != "max-age=60" {
				t.Fatalf("header %v", c)
			}
			if w := ask(http.MethodHead, at); w.Code != http.StatusOK || w.Body.Len() != 0 {
				t.Fatalf("HEAD: %d with %d bytes", w.Code, w.Body.Len())
			}
			if again := ask(http.MethodGet, at, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
				t.Fatalf("unchanged, and answered with %d", again.Code)
			}
			if w := ask(http.MethodPost, at); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Fatalf("POST: %d", w.Code)
			}
		})
	}
	for _, target := range []string{"/", "/.well-known/act/coffee", "/.well-known/act/coffee/did.json/", "/.well-known/act/Coffee/did.json",
		"/.well-known/act/%63offee/did.json", "/.well-known/act//coffee/did.json", "/.well-known/act/milk/did.json"} {
		if w := ask(http.MethodGet, target); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "did:") {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	var before bytes.Buffer
	before.Write(ask(http.MethodGet, "/.well-known/act/coffee/did.json").Body.Bytes())
	docs[0].Keys[0].Compromised = true
	if !bytes.Equal(before.Bytes(), ask(http.MethodGet, "/.well-known/act/coffee/did.json").Body.Bytes()) {
		t.Error("the served text changed behind the Handler's back")
	}
}

func TestHandlerRefuses(t *testing.T) {
	other := page(t, "did:act:shop.example/tea")
	other.Keys[0].ID = "did:act:shop.example/coffee#1"
	for name, c := range map[string]struct {
		docs []*identity.Document
		want protocol.Code
	}{
		"nil":                   {[]*identity.Document{nil}, protocol.CodeFieldMissing},
		"a document without id": {[]*identity.Document{{}}, protocol.CodeFieldInvalid},
		"a key of another":      {[]*identity.Document{other}, protocol.CodeFieldInvalid},
		"one path twice": {[]*identity.Document{page(t, "did:act:a.example/shop"), page(t, "did:act:b.example/shop")},
			protocol.CodeClaimsConflict},
	} {
		if h, err := identity.Handler(c.docs...); protocol.CodeOf(err) != c.want || h != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
