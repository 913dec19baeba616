package httpsig_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
)

const agentKey = "did:act:agents.example/a-7#k1"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newSigner(t testing.TB, alg keys.Algorithm, purpose keys.Purpose) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(agentKey, purpose, private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantCode(t *testing.T, err error, want protocol.Code) {
	t.Helper()
	if protocol.CodeOf(err) != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func newRequest(t testing.TB, method, target, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// signed returns a signed request for shop.example with a payment proof.
func signed(t testing.TB, s *keys.Signer, body string) *http.Request {
	t.Helper()
	req := newRequest(t, "POST", "https://shop.example/report?id=7", body)
	req.Header.Set("Payment-Proof", "cHJvb2Y")
	if err := httpsig.Sign(req, []byte(body), s, noon, time.Minute, "payment-proof"); err != nil {
		t.Fatal(err)
	}
	return req
}

// check does all that a server does.
func check(req *http.Request, body string, authority string, key keys.PublicKey, now time.Time) error {
	u, err := httpsig.ParseFor(req, []byte(body), authority)
	if err != nil {
		return err
	}
	if err := u.Verify(key); err != nil {
		return err
	}
	return u.Check(now)
}

func TestSignAndVerify(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		for _, body := range []string{"", "hello"} {
			s := newSigner(t, alg, keys.AgentRequest)
			req := signed(t, s, body)
			u, err := httpsig.ParseFor(req, []byte(body), "shop.example")
			if err != nil {
				t.Fatal(err)
			}
			if err := u.Verify(s.Public()); err != nil {
				t.Error(err)
			}
			p := u.Params()
			if p.KeyID != agentKey || p.Tag != httpsig.Tag || !p.Created.Equal(noon) || !p.Expires.Equal(noon.Add(time.Minute)) || len(p.Nonce) != 22 {
				t.Errorf("%+v", p)
			}
			for component, want := range map[string]bool{
				"@method": true, "@authority": true, "@path": true, "@query": true, "payment-proof": true, "content-digest": body != "", "date": false,
			} {
				if u.Covers(component) != want {
					t.Errorf("covers %s: %v", component, !want)
				}
			}
			wantCode(t, u.Verify(newSigner(t, alg, keys.AgentRequest).Public()), protocol.CodeSignatureInvalid)
			wantCode(t, u.Verify(keys.PublicKey{}), protocol.CodeAlgorithmRefused)
			if again := signed(t, s, body); again.Header.Get("Signature-Input") == req.Header.Get("Signature-Input") {
				t.Error("the nonce is not fresh")
			}
		}
	}
	ed, ec := newSigner(t, keys.EdDSA, keys.AgentRequest), newSigner(t, keys.ES256, keys.AgentRequest)
	wantCode(t, check(signed(t, ed, ""), "", "shop.example", ec.Public(), noon), protocol.CodeAlgorithmRefused)
}

// Whatever is changed on the way, the request is refused.
func TestChangedRequests(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.AgentRequest)
	const body = `{"n":1}`
	invalid, missing, field, unknown := protocol.CodeSignatureInvalid, protocol.CodeFieldMissing, protocol.CodeFieldInvalid, protocol.CodeFieldUnknown
	header := func(name, old, new string) func(*http.Request) {
		return func(r *http.Request) {
			was := r.Header.Get(name)
			if !strings.Contains(was, old) {
				t.Fatalf("%s has no %s", name, old)
			}
			r.Header.Set(name, strings.Replace(was, old, new, 1))
		}
	}
	nonce := func(new string) func(*http.Request) {
		return func(r *http.Request) {
			before, after, _ := strings.Cut(r.Header.Get("Signature-Input"), `;nonce="`)
			_, after, _ = strings.Cut(after, `"`)
			r.Header.Set("Signature-Input", before+`;nonce="`+new+`"`+after)
		}
	}
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
		want   protocol.Code
	}{
		{"nothing", func(*http.Request) {}, ""},
		{"a header that is not covered", func(r *http.Request) { r.Header.Set("X-Trace", "1") }, ""},
		{"method", func(r *http.Request) { r.Method = "PUT" }, invalid},
		{"method with a line feed", func(r *http.Request) { r.Method = "POST\n\"@path\": /" }, field},
		{"path", func(r *http.Request) { r.URL.Path = "/other" }, invalid},
		{"path spelled otherwise", func(r *http.Request) { r.URL.Opaque, r.RequestURI = "", "/%72eport?id=7" }, invalid},
		{"path of the proxy", func(r *http.Request) { r.RequestURI = "http://shop.example/report?id=7" }, field},
		{"asterisk", func(r *http.Request) { r.RequestURI = "*" }, field},
		{"query", func(r *http.Request) { r.URL.RawQuery = "id=8" }, invalid},
		{"query gone", func(r *http.Request) { r.URL.RawQuery = "" }, invalid},
		{"proof", func(r *http.Request) { r.Header.Set("Payment-Proof", "other") }, invalid},
		{"proof gone", func(r *http.Request) { r.Header.Del("Payment-Proof") }, missing},
		{"proof twice", func(r *http.Request) { r.Header.Add("Payment-Proof", "other") }, field},
		{"proof with a line feed", func(r *http.Request) { r.Header.Set("Payment-Proof", "cHJvb2Y\n\"x\": y") }, field},
		{"signature gone", func(r *http.Request) { r.Header.Del("Signature") }, invalid},
		{"input gone", func(r *http.Request) { r.Header.Del("Signature-Input") }, invalid},
		{"input twice", func(r *http.Request) { r.Header.Add("Signature-Input", r.Header.Get("Signature-Input")) }, protocol.CodeMalformed},
		{"input in two members", func(r *http.Request) {
			v := r.Header.Get("Signature-Input")
			r.Header.Set("Signature-Input", v+", "+v)
		}, protocol.CodeMalformed},
		{"input very long", func(r *http.Request) { r.Header.Set("Signature-Input", "act="+strings.Repeat("a", 5000)) }, protocol.CodeTooLarge},
		{"another label", header("Signature-Input", "act=", "sig="), field},
		{"a second label", func(r *http.Request) {
			r.Header.Set("Signature-Input", r.Header.Get("Signature-Input")+`, sig=("@method")`)
		}, field},
		{"a parameter twice", header("Signature-Input", ";created=", ";created=1;created="), protocol.CodeMalformed},
		{"not a list", func(r *http.Request) { r.Header.Set("Signature-Input", `act="x"`) }, field},
		{"not a field", func(r *http.Request) { r.Header.Set("Signature-Input", `act=(`) }, protocol.CodeMalformed},
		{"white space", header("Signature-Input", `" "`, `"  "`), protocol.CodeMalformed},
		{"without @method", header("Signature-Input", `"@method" `, ``), missing},
		{"without @authority", header("Signature-Input", `"@authority" `, ``), missing},
		{"without @path", header("Signature-Input", `"@path" `, ``), missing},
		{"without @query", header("Signature-Input", `"@query" `, ``), missing},
		{"without content-digest", header("Signature-Input", ` "content-digest"`, ``), missing},
		{"without the proof", header("Signature-Input", ` "payment-proof"`, ``), invalid},
		{"in another order", header("Signature-Input", `"@method" "@authority"`, `"@authority" "@method"`), invalid},
		{"a component twice", header("Signature-Input", `"@method"`, `"@method" "@method"`), field},
		{"a component that we do not derive", header("Signature-Input", `"@query"`, `"@query" "@target-uri"`), field},
		{"a component with a parameter", header("Signature-Input", `"@method"`, `"@method";req`), field},
		{"a component that is no string", header("Signature-Input", `"@query"`, `"@query" 1`), field},
		{"a field name with capitals", header("Signature-Input", `"payment-proof"`, `"Payment-Proof"`), field},
		{"created later", header("Signature-Input", `created=1772366400`, `created=1772366401`), invalid},
		{"expires later", header("Signature-Input", `expires=1772366460`, `expires=1772366461`), invalid},
		{"lifetime over five minutes", header("Signature-Input", `expires=1772366460`, `expires=1772366701`), field},
		{"expires before created", header("Signature-Input", `expires=1772366460`, `expires=1772366400`), field},
		{"created negative", header("Signature-Input", `created=1772366400`, `created=-1`), field},
		{"created a string", header("Signature-Input", `created=1772366400`, `created="1772366400"`), field},
		{"created a decimal", header("Signature-Input", `created=1772366400`, `created=1772366400.5`), field},
		{"nonce of somebody else", nonce(strings.Repeat("A", 22)), invalid},
		{"nonce empty", nonce(""), field},
		{"nonce of 15 bytes", nonce(strings.Repeat("A", 20)), field},
		{"nonce of 18 bytes", nonce(strings.Repeat("A", 24)), field},
		{"nonce not base64url", nonce(strings.Repeat("!", 22)), field},
		{"nonce with spare bits", nonce(strings.Repeat("A", 21) + "B"), field},
		{"no expires", header("Signature-Input", `;expires=1772366460`, ``), missing},
		{"another key", header("Signature-Input", `a-7#k1`, `a-8#k1`), invalid},
		{"key id relative", header("Signature-Input", agentKey, `#k1`), field},
		{"tag of another protocol", header("Signature-Input", `"act-agent"`, `"web-bot-auth"`), protocol.CodeTypeMismatch},
		{"tag a token", header("Signature-Input", `"act-agent"`, `act-agent`), field},
		{"algorithm of another key", header("Signature-Input", `"ed25519"`, `"ecdsa-p256-sha256"`), protocol.CodeAlgorithmRefused},
		{"hmac", header("Signature-Input", `"ed25519"`, `"hmac-sha256"`), protocol.CodeAlgorithmRefused},
		{"algorithm by its JOSE name", header("Signature-Input", `"ed25519"`, `"EdDSA"`), protocol.CodeAlgorithmRefused},
		{"one parameter more", header("Signature-Input", `;tag=`, `;x=1;tag=`), unknown},
		{"digest of another body", func(r *http.Request) {
			r.Header.Set("Content-Digest", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:")
		}, field},
		{"digest gone", func(r *http.Request) { r.Header.Del("Content-Digest") }, missing},
		{"digest twice", func(r *http.Request) { r.Header.Add("Content-Digest", r.Header.Get("Content-Digest")) }, field},
		{"a second digest", func(r *http.Request) {
			r.Header.Set("Content-Digest", r.Header.Get("Content-Digest")+", sha-512=:AAAA:")
		}, field},
		{"signature of zeros", func(r *http.Request) {
			r.Header.Set("Signature", "act=:"+base64.StdEncoding.EncodeToString(make([]byte, 64))+":")
		}, invalid},
		{"signature empty", func(r *http.Request) { r.Header.Set("Signature", "act=::") }, invalid},
		{"signature a string", func(r *http.Request) { r.Header.Set("Signature", `act="x"`) }, field},
		{"signature with a parameter", func(r *http.Request) { r.Header.Set("Signature", r.Header.Get("Signature")+";x") }, field},
		{"signature without padding", header("Signature", "==:", ":"), protocol.CodeMalformed},
	} {
		t.Run("IDN-04 "+tc.name, func(t *testing.T) {
			req := signed(t, s, body)
			tc.change(req)
			wantCode(t, check(req, body, "shop.example", s.Public(), noon), tc.want)
		})
	}
	t.Run("IDN-04 body", func(t *testing.T) {
		wantCode(t, check(signed(t, s, body), `{"n":2}`, "shop.example", s.Public(), noon), field)
		wantCode(t, check(signed(t, s, body), ``, "shop.example", s.Public(), noon), field)
		wantCode(t, check(signed(t, s, ``), body, "shop.example", s.Public(), noon), missing)
	})
	t.Run("IDN-04 authority is the server's own", func(t *testing.T) {
		req := signed(t, s, body)
		req.Host = "other.example" // what the wire says does not matter
		wantCode(t, check(req, body, "shop.example", s.Public(), noon), "")
		wantCode(t, check(req, body, "other.example", s.Public(), noon), invalid)
		for _, bad := range []string{"", "Shop.example", "https://shop.example", "shop.example/x", "shop example", "shop.example\n"} {
			wantCode(t, check(req, body, bad, s.Public(), noon), field)
		}
	})
}

func TestFlippedBits(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.AgentRequest)
	for _, name := range []string{"Signature-Input", "Signature", "Payment-Proof", "Content-Digest"} {
		good := signed(t, s, "body")
		value := good.Header.Get(name)
		for i := range len(value) {
			for bit := range 7 {
				bad := []byte(value)
				bad[i] ^= 1 << bit
				req := good.Clone(t.Context())
				req.Header.Set(name, string(bad))
				if check(req, "body", "shop.example", s.Public(), noon) == nil {
					t.Fatalf("%s: byte %d, bit %d is accepted", name, i, bit)
				}
			}
		}
	}
}

func TestTimes(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.AgentRequest)
	for _, tc := range []struct {
		now  time.Time
		want protocol.Code
	}{
		{noon, ""},
		{noon.Add(time.Minute - time.Nanosecond), ""},
		{noon.Add(time.Minute), protocol.CodeRequestExpired}, // no skew for ends
		{noon.Add(-time.Minute), ""},                         // 60 seconds of skew for beginnings
		{noon.Add(-time.Minute - time.Nanosecond), protocol.CodeRequestExpired},
	} {
		wantCode(t, check(signed(t, s, ""), "", "shop.example", s.Public(), tc.now), tc.want)
	}
}

func TestSignRefuses(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.AgentRequest)
	sign := func(target string, life time.Duration, extra ...string) error {
		req := newRequest(t, "GET", "https://shop.example/", "")
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		req.URL, req.Host = u, ""
		err = httpsig.Sign(req, nil, s, noon, life, extra...)
		if err != nil && len(req.Header) != 0 {
			t.Error("the request was changed")
		}
		return err
	}
	if err := sign("https://shop.example/", 5*time.Minute); err != nil {
		t.Error(err)
	}
	for _, life := range []time.Duration{0, -time.Second, 999 * time.Millisecond, 5*time.Minute + time.Second} {
		wantCode(t, sign("https://shop.example/", life), protocol.CodeFieldInvalid)
	}
	for _, target := range []string{"/path", "ftp://shop.example/", "https:///path", "https:opaque", "https://münchen.example/", "https://a\"b.example/"} {
		if u, err := url.Parse(target); err != nil || u == nil {
			continue
		}
		wantCode(t, sign(target, time.Minute), protocol.CodeFieldInvalid)
	}
	wantCode(t, sign("https://shop.example/", time.Minute, "payment-proof"), protocol.CodeFieldMissing)
	wantCode(t, sign("https://shop.example/", time.Minute, "@path"), protocol.CodeFieldInvalid)
	wantCode(t, sign("https://shop.example/", time.Minute, "@target-uri"), protocol.CodeFieldInvalid)
	wantCode(t, sign("https://shop.example/", time.Minute, "Payment-Proof"), protocol.CodeFieldInvalid)
	wantCode(t, sign("https://shop.example/", time.Minute, "content-digest"), protocol.CodeFieldMissing)

	t.Run("ADD-IAC-ISS-12 only an agent's key signs requests", func(t *testing.T) {
		req := newRequest(t, "GET", "https://shop.example/", "")
		err := httpsig.Sign(req, nil, newSigner(t, keys.EdDSA, keys.Seller), noon, time.Minute)
		wantCode(t, err, protocol.CodeKeyPurpose)
		if len(req.Header) != 0 {
			t.Error("the request was changed")
		}
	})
	t.Run("signing again replaces", func(t *testing.T) {
		req := signed(t, s, "first")
		if err := httpsig.Sign(req, nil, s, noon, time.Minute); err != nil {
			t.Fatal(err)
		}
		if req.Header.Get("Content-Digest") != "" || len(req.Header.Values("Signature")) != 1 {
			t.Error("something of the first signature is left")
		}
		wantCode(t, check(req, "", "shop.example", s.Public(), noon), "")
	})
}

// Over real HTTP, through net/http on both sides and behind middleware that
// rewrites the URL: what arrives verifies, whatever the path looks like.
func TestOverHTTP(t *testing.T) {
	s := newSigner(t, keys.ES256, keys.AgentRequest)
	var authority string
	var result error
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		result = errors.Join(err, check(r, string(body), authority, s.Public(), noon))
	})
	srv := httptest.NewServer(http.StripPrefix("/shop", handler))
	defer srv.Close()
	authority = strings.TrimPrefix(srv.URL, "http://")
	for _, target := range []string{
		"/shop/", "/shop/a", "/shop/a%20b", "/shop/a%2Fb", "/shop/%7Ea~", "/shop/a//b", "/shop/a?", "/shop/a?q=%20+x&y", "/shop/a?q#fragment", "/shop/é",
	} {
		for _, body := range []string{"", "x", strings.Repeat("x", 100_000)} {
			result = errors.New("the handler was not reached")
			req := newRequest(t, "POST", srv.URL+target, body)
			if err := httpsig.Sign(req, []byte(body), s, noon, time.Minute); err != nil {
				t.Fatal(err)
			}
			resp, err := srv.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if result != nil {
				t.Errorf("%s with %d bytes: %v", target, len(body), result)
			}
		}
	}
}

func BenchmarkSignAndVerify(b *testing.B) {
	for name, alg := range map[string]keys.Algorithm{"ed25519": keys.EdDSA, "es256": keys.ES256} {
		s := newSigner(b, alg, keys.AgentRequest)
		body := bytes.Repeat([]byte("x"), 1000)
		req := signed(b, s, string(body))
		b.Run(name+"/sign", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := httpsig.Sign(req, body, s, noon, time.Minute, "payment-proof"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/verify", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := check(req, string(body), "shop.example", s.Public(), noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
