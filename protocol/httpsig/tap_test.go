package httpsig_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
)

// tapKey is test-key-ed25519 of RFC 9421, B.1.4.
func tapKey(t testing.TB) (ed25519.PrivateKey, keys.PublicKey) {
	t.Helper()
	seed, err := base64.RawURLEncoding.DecodeString("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU")
	if err != nil {
		t.Fatal(err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	key, err := keys.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return private, key
}

const tapParams = `;created=1772366400;keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";alg="Ed25519";expires=1772366880;nonce="e8N7S2MFd/qrd6T2R3tdfA==";tag="agent-payer-auth"`

// tapSigned signs a request as such an agent does: base is written by hand
// here, so that it is not our own code that is compared with itself.
func tapSigned(t testing.TB, lines, input string) *http.Request {
	t.Helper()
	private, _ := tapKey(t)
	sig := ed25519.Sign(private, []byte(lines+`"@signature-params": `+input))
	req := newRequest(t, "POST", "https://shop.example/checkout?step=2", `{"n":1}`)
	req.Header.Set("Signature-Input", "sig2="+input)
	req.Header.Set("Signature", "sig2=:"+base64.StdEncoding.EncodeToString(sig)+":")
	return req
}

const tapLines = "\"@authority\": shop.example\n\"@path\": /checkout\n"

func TestTAP(t *testing.T) {
	_, key := tapKey(t)
	t.Run("IDN-04 the documented form, and what it leaves open", func(t *testing.T) {
		req := tapSigned(t, tapLines, `("@authority" "@path")`+tapParams)
		u, err := httpsig.ParseTAP(req, []byte(`{"n":1}`), "shop.example")
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Verify(key); err != nil {
			t.Error(err)
		}
		if u.Label != "sig2" || u.Tag != httpsig.TagPayer || u.KeyID != "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U" || !u.Created.Equal(noon) || u.Check(noon) != nil {
			t.Errorf("%+v", u)
		}
		if got := u.Uncovered(); !slices.Equal(got, []string{"@method", "@query", "content-digest"}) {
			t.Error(got)
		}
		wantCode(t, u.Check(noon.Add(-61*time.Second)), protocol.CodeRequestExpired)
		wantCode(t, u.Check(noon.Add(8*time.Minute)), protocol.CodeRequestExpired)
		// It is what Uncovered says: the same signature fits another request.
		req.Method, req.URL.RawQuery = "DELETE", "step=3"
		if u, err = httpsig.ParseTAP(req, []byte(`{"n":2}`), "shop.example"); err != nil || u.Verify(key) != nil {
			t.Error("another method and query should verify", err)
		}
		// And it never passes as one of ours.
		if _, err := httpsig.ParseFor(req, []byte(`{"n":2}`), "shop.example"); err == nil {
			t.Error("accepted as a full signature")
		}
		u, err = httpsig.ParseTAP(req, nil, "other.example")
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, u.Verify(key), protocol.CodeSignatureInvalid)
		req.URL.Path = "/pay"
		if u, err = httpsig.ParseTAP(req, nil, "shop.example"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, u.Verify(key), protocol.CodeSignatureInvalid)
	})
	t.Run("a fuller coverage is told as such, white space as written", func(t *testing.T) {
		private, _ := tapKey(t)
		req := newRequest(t, "POST", "https://shop.example/checkout?step=2", `{"n":1}`)
		req.Header.Set("Content-Digest", "sha-256=:1TNG+IQeK0nBx5zv7SElohN/J4AkbkoI2F1z1fjhm0w=:")
		input := `("@authority" "@path" "@method" "@query")` + tapParams
		sig := ed25519.Sign(private, []byte(tapLines+"\"@method\": POST\n\"@query\": ?step=2\n\"@signature-params\": "+input))
		req.Header.Set("Signature-Input", `sig1=("@authority");tag="web-bot-auth", sig2=`+strings.ReplaceAll(input, ";", "; "))
		req.Header.Set("Signature", "sig1=:AA==:, sig2=:"+base64.StdEncoding.EncodeToString(sig)+":")
		u, err := httpsig.ParseTAP(req, nil, "shop.example")
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Verify(key); err != nil || len(u.Uncovered()) != 0 || !u.Covers("@method") {
			t.Error(err, u.Uncovered())
		}
	})
}

func TestTAPRefused(t *testing.T) {
	good := `("@authority" "@path")` + tapParams
	for _, c := range []struct {
		name, old, new string
		want           protocol.Code
	}{
		{"another tag", "agent-payer-auth", "web-bot-auth", protocol.CodeFieldMissing},
		{"no path", ` "@path"`, ``, protocol.CodeFieldMissing},
		{"no authority", `"@authority" `, ``, protocol.CodeFieldMissing},
		{"a component twice", `"@path"`, `"@path" "@path"`, protocol.CodeFieldInvalid},
		{"a component with parameters", `"@path"`, `"@path";req`, protocol.CodeFieldInvalid},
		{"a header that is not there", `"@path"`, `"@path" "signature-agent"`, protocol.CodeFieldMissing},
		{"a digest that is not there", `"@path"`, `"@path" "content-digest"`, protocol.CodeFieldMissing},
		{"keyId", `keyid=`, `keyId=`, protocol.CodeMalformed},
		{"no nonce", `;nonce="e8N7S2MFd/qrd6T2R3tdfA=="`, ``, protocol.CodeFieldMissing},
		{"a nonce that is a token", `nonce="e8N7S2MFd/qrd6T2R3tdfA=="`, `nonce=e8`, protocol.CodeFieldInvalid},
		{"no key", `keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"`, `keyid=""`, protocol.CodeFieldMissing},
		{"no end", `expires=1772366880`, `e=1`, protocol.CodeFieldMissing},
		{"nine minutes", `expires=1772366880`, `expires=1772366881`, protocol.CodeFieldInvalid},
		{"end before start", `expires=1772366880`, `expires=1772366400`, protocol.CodeFieldInvalid},
		{"a negative time", `created=1772366400`, `created=-1`, protocol.CodeFieldInvalid},
		{"a time as text", `created=1772366400`, `created="1772366400"`, protocol.CodeFieldInvalid},
		{"RSA", `"Ed25519"`, `"rsa-pss-sha256"`, protocol.CodeAlgorithmRefused},
		{"HMAC", `"Ed25519"`, `"hmac-sha256"`, protocol.CodeAlgorithmRefused},
		{"two of them", tapParams, tapParams + `, sig3=("@authority" "@path")` + tapParams, protocol.CodeMalformed},
		{"very long", tapParams, tapParams + `;x="` + strings.Repeat("a", 5000) + `"`, protocol.CodeTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatal(c.old)
			}
			u, err := httpsig.ParseTAP(tapSigned(t, tapLines, strings.Replace(good, c.old, c.new, 1)), nil, "shop.example")
			wantCode(t, err, c.want)
			if u != nil {
				t.Error("a value together with an error")
			}
		})
	}
	req := tapSigned(t, tapLines, good)
	if _, err := httpsig.ParseTAP(req, nil, "Shop.example"); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
		t.Error(err)
	}
	req.Header.Set("Signature", "sig1=:AA==:")
	_, err := httpsig.ParseTAP(req, nil, "shop.example")
	wantCode(t, err, protocol.CodeFieldInvalid)
	for _, name := range []string{"Signature", "Signature-Input"} {
		req.Header.Del(name)
		_, err = httpsig.ParseTAP(req, nil, "shop.example")
		wantCode(t, err, protocol.CodeSignatureInvalid)
	}
	// A signature of ours is none of theirs.
	_, err = httpsig.ParseTAP(signed(t, newSigner(t, keys.EdDSA, keys.AgentRequest), ""), nil, "shop.example")
	wantCode(t, err, protocol.CodeFieldMissing)
}

func FuzzParseTAP(f *testing.F) {
	f.Add("/report?id=7", "", "", "", "")
	f.Fuzz(func(t *testing.T, target, input, signature, digest, body string) {
		req := &http.Request{Method: "POST", RequestURI: target, Header: http.Header{"Signature-Input": {input}, "Signature": {signature}}}
		if digest != "" {
			req.Header.Set("Content-Digest", digest)
		}
		u, err := httpsig.ParseTAP(req, []byte(body), "shop.example")
		if err != nil {
			if !protocol.CodeOf(err).Known() || u != nil {
				t.Fatalf("a foreign error, or a value with it: %v", err)
			}
			return
		}
		if !u.Covers("@authority") || !u.Covers("@path") || u.Nonce == "" || u.KeyID == "" || u.Expires.Sub(u.Created) > httpsig.MaxTAPLifetime {
			t.Fatalf("%+v", u)
		}
		if u.Covers("@method") == slices.Contains(u.Uncovered(), "@method") || (body != "" && !u.Covers("content-digest")) != slices.Contains(u.Uncovered(), "content-digest") {
			t.Fatal("coverage told wrongly")
		}
		if _, key := tapKey(t); u.Verify(keys.PublicKey{}) == nil || (u.Verify(key) == nil && body == "forged") {
			t.Fatal("verified")
		}
	})
}
