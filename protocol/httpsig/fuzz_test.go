package httpsig_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
)

func FuzzParseFor(f *testing.F) {
	f.Add("GET", "/report?id=7", "shop.example", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, method, target, authority, input, signature, digest, proof, body string) {
		req := &http.Request{Method: method, RequestURI: target, Header: http.Header{
			"Signature-Input": {input}, "Signature": {signature},
		}}
		if digest != "" {
			req.Header.Set("Content-Digest", digest)
		}
		if proof != "" {
			req.Header.Set("Payment-Proof", proof)
		}
		u, err := httpsig.ParseFor(req, []byte(body), authority)
		if err != nil {
			if !protocol.CodeOf(err).Known() {
				t.Fatalf("a foreign error: %v", err)
			}
			if u != nil {
				t.Fatal("a signature together with an error")
			}
			return
		}
		p := u.Params()
		if life := p.Expires.Sub(p.Created); life <= 0 || life > httpsig.MaxLifetime || p.Nonce == "" || p.KeyID == "" || p.Tag != httpsig.Tag {
			t.Fatalf("%+v", p)
		}
		for _, c := range []string{"@method", "@authority", "@path", "@query"} {
			if !u.Covers(c) {
				t.Fatalf("%s is not covered", c)
			}
		}
		if body != "" && !u.Covers("content-digest") {
			t.Fatal("the body is not covered")
		}
		if u.Verify(keys.PublicKey{}) == nil {
			t.Fatal("verified by no key")
		}
		if strings.Count(input, "\n") != 0 {
			t.Fatal("a line feed in a header")
		}
	})
}
