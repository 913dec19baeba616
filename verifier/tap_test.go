package verifier_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// brokenDirectory cannot be asked.
type brokenDirectory struct{}

func (brokenDirectory) TAPKey(context.Context, string) (keys.PublicKey, error) {
	return keys.PublicKey{}, errors.New("dial tcp 10.1.2.3: refused")
}

func TestTAPSignature(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(tag string) *http.Request {
		req, err := http.NewRequest("GET", "https://shop.example/coffee?size=l", nil)
		if err != nil {
			t.Fatal(err)
		}
		at := w.clock().Unix()
		input := fmt.Sprintf(`("@authority" "@path");created=%d;expires=%d;keyid="network-key-1";alg="ed25519";nonce="%s";tag="%s"`, at, at+60, canon.Nonce(), tag)
		sig := ed25519.Sign(private, []byte("\"@authority\": shop.example\n\"@path\": /coffee\n\"@signature-params\": "+input))
		req.Header.Set("Signature-Input", "sig2="+input)
		req.Header.Set("Signature", "sig2=:"+base64.StdEncoding.EncodeToString(sig)+":")
		return req
	}
	ctx := context.Background()
	expect := verifier.TAPExpectation{Authority: "shop.example", Keys: verifier.TAPKeys{"network-key-1": key}}

	t.Run("IDN-04 verified, with what it leaves open", func(t *testing.T) {
		req := signed(httpsig.TagBrowser)
		who, err := w.v.TAPSignature(ctx, req, nil, expect)
		if err != nil {
			t.Fatal(err)
		}
		if who.KeyID() != "network-key-1" || who.Tag() != httpsig.TagBrowser || fmt.Sprint(who.Uncovered()) != "[@method @query]" || !who.Decision().Allowed() || !who.Key().Equal(key) {
			t.Errorf("%v %v %v", who.KeyID(), who.Tag(), who.Uncovered())
		}
		_, err = w.v.TAPSignature(ctx, req, nil, expect)
		wantCode(t, err, protocol.CodeReplayed)
		_, err = w.v.HTTPSignature(ctx, signed(httpsig.TagPayer), nil, verifier.HTTPExpectation{Authority: "shop.example"})
		if err == nil {
			t.Error("accepted as a full signature")
		}
	})
	refused := func(name string, want protocol.Code, req *http.Request, change func(*verifier.TAPExpectation)) {
		t.Run(name, func(t *testing.T) {
			e := expect
			change(&e)
			who, err := w.v.TAPSignature(ctx, req, nil, e)
			wantCode(t, err, want)
			if who != nil {
				t.Error("a value together with an error")
			}
		})
	}
	same := func(*verifier.TAPExpectation) {}
	refused("coverage that the caller asks for", protocol.CodeFieldMissing, signed(httpsig.TagPayer), func(e *verifier.TAPExpectation) { e.Covers = []string{"@method"} })
	refused("another tag", protocol.CodeTypeMismatch, signed(httpsig.TagBrowser), func(e *verifier.TAPExpectation) { e.Tag = httpsig.TagPayer })
	refused("no authority", protocol.CodeFieldMissing, signed(httpsig.TagPayer), func(e *verifier.TAPExpectation) { e.Authority = "" })
	refused("no directory", protocol.CodeFieldMissing, signed(httpsig.TagPayer), func(e *verifier.TAPExpectation) { e.Keys = nil })
	refused("an unknown key", protocol.CodeKeyUnknown, signed(httpsig.TagPayer), func(e *verifier.TAPExpectation) { e.Keys = verifier.TAPKeys{} })
	refused("a directory that is down", protocol.CodeKeyUnavailable, signed(httpsig.TagPayer), func(e *verifier.TAPExpectation) { e.Keys = brokenDirectory{} })
	refused("another key", protocol.CodeSignatureInvalid, signed(httpsig.TagPayer), func(e *verifier.TAPExpectation) {
		e.Keys = verifier.TAPKeys{"network-key-1": w.signers[agentDID+"#k1"].Public()}
	})
	refused("another server", protocol.CodeSignatureInvalid, signed(httpsig.TagPayer), func(e *verifier.TAPExpectation) { e.Authority = "other.example" })
	late := signed(httpsig.TagPayer)
	w.pass(time.Minute)
	refused("late", protocol.CodeRequestExpired, late, same)

	var zero verifier.TAPAgent
	if zero.Decision().Allowed() || zero.KeyID() != "" || zero.Tag() != "" || len(zero.Uncovered()) != 3 {
		t.Error("the zero value is somebody")
	}
}

// BenchmarkHTTPSignature measures a request of an agent: signing it, verifying
// it with everything but the network, and the bare signature check (raw).
func BenchmarkHTTPSignature(b *testing.B) {
	for name, alg := range map[string]keys.Algorithm{"ed25519": keys.EdDSA, "es256": keys.ES256} {
		w := newWorld(b, alg)
		ctx, body, signer := context.Background(), []byte(`{"order":"latte"}`), w.signers[agentDID+"#k1"]
		fresh := func(b *testing.B) *http.Request {
			req, err := http.NewRequest("POST", "https://shop.example/pay?x=1", nil)
			if err != nil {
				b.Fatal(err)
			}
			return req
		}
		b.Run(name+"/sign", func(b *testing.B) {
			b.ReportAllocs()
			req := fresh(b)
			for b.Loop() {
				if err := httpsig.Sign(req, body, signer, epoch, time.Minute); err != nil {
					b.Fatal(err)
				}
			}
		})
		req := fresh(b)
		if err := httpsig.Sign(req, body, signer, epoch, time.Minute); err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/verify", func(b *testing.B) {
			b.ReportAllocs()
			expect := verifier.HTTPExpectation{Authority: "shop.example", Repeatable: true}
			for b.Loop() {
				if _, err := w.v.HTTPSignature(ctx, req, body, expect); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/raw", func(b *testing.B) {
			u, err := httpsig.ParseFor(req, body, "shop.example")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := u.Verify(signer.Public()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
