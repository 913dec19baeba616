package alipay_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/merchant/alipay/alipaytest"
	"github.com/actprotocol/act-go/protocol"
)

// TestAnswersThatAreNone holds that everything but Alipay's signed word leaves
// the question open (PSD-PAY-A402-23).
func TestAnswersThatAreNone(t *testing.T) {
	p := newPlace(t, func(c *alipay.GatewayConfig) { c.Timeout = 200 * time.Millisecond })
	proof := parse(t, p.paid(t, "GET", "/report", ""))
	body := func(f func(node, sign string) string) func(*alipaytest.Answer) {
		return func(a *alipaytest.Answer) { a.Body = []byte(f(string(a.Node), a.Signature)) }
	}
	const member = `"alipay_aipay_agent_payment_verify_response":`
	for name, change := range map[string]func(*alipaytest.Answer){
		"no signature":                 func(a *alipaytest.Answer) { a.Signature = "" },
		"a signature of nothing":       body(func(n, _ string) string { return `{` + member + n + `,"sign":""}` }),
		"a signature that is a number": body(func(n, _ string) string { return `{` + member + n + `,"sign":1}` }),
		"another's signature":          func(a *alipaytest.Answer) { a.Signature = a.Signature[2:] + "==" },
		"a signature with a line feed": body(func(n, s string) string { return `{` + member + n + `,"sign":"` + s[:10] + `\n` + s[10:] + `"}` }),
		"one bit of the facts":         func(a *alipaytest.Answer) { a.Node[len(a.Node)-3] ^= 1 },
		"a space more in the facts":    func(a *alipaytest.Answer) { a.Node = append([]byte("{ "), a.Node[1:]...) },
		"the facts twice":              body(func(n, s string) string { return `{` + member + n + `,` + member + n + `,"sign":"` + s + `"}` }),
		"the signature twice":          body(func(n, s string) string { return `{` + member + n + `,"sign":"x","sign":"` + s + `"}` }),
		"other facts first": body(func(n, s string) string {
			return `{` + member + `{"code":"10000"},` + member + n + `,"sign":"` + s + `"}`
		}),
		"a signed fact twice":     func(a *alipaytest.Answer) { a.Node, a.Resign = twice(a.Node), true },
		"another method's answer": func(a *alipaytest.Answer) { a.Method = confirm },
		"facts in an array":       func(a *alipaytest.Answer) { a.Node, a.Resign = []byte("["+string(a.Node)+"]"), true },
		"facts in a string":       func(a *alipaytest.Answer) { a.Node, a.Resign = []byte(`"{}"`), true },
		"an error that nobody signed": body(func(string, string) string {
			return `{"error_response":{"code":"40004","sub_code":"PAYMENT_PROOF_INVALID"}}`
		}),
		"a success in error_response": body(func(n, s string) string { return `{"error_response":` + n + `,"sign":"` + s + `"}` }),
		"an empty object":             body(func(string, string) string { return `{}` }),
		"an empty body":               body(func(string, string) string { return `` }),
		"a page":                      body(func(string, string) string { return `<html>busy</html>` }),
		"an array":                    body(func(n, s string) string { return `[{` + member + n + `,"sign":"` + s + `"}]` }),
		"data after the answer":       body(func(n, s string) string { return `{` + member + n + `,"sign":"` + s + `"}{}` }),
		"half an answer":              body(func(n, s string) string { return (`{` + member + n + `,"sign":"` + s + `"}`)[:200] }),
		"bytes that are not UTF-8": func(a *alipaytest.Answer) {
			a.Node, a.Resign = bytes.Replace(a.Node, []byte("Success"), []byte("\xb3\xc9\xb9\xa6"), 1), true
		},
		"GBK by its content type": func(a *alipaytest.Answer) { a.ContentType = "text/html;charset=GBK" },
		"too much": body(func(n, s string) string {
			return `{` + member + n + `,"sign":"` + s + `","x":"` + strings.Repeat("x", 70000) + `"}`
		}),
		"too deep": body(func(n, s string) string {
			return `{` + member + n + `,"sign":"` + s + `","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`
		}),
		"status 500 over a good answer": func(a *alipaytest.Answer) { a.Status = 500 },
		"status 204":                    func(a *alipaytest.Answer) { a.Status = 204 },
		"a redirect":                    func(a *alipaytest.Answer) { a.Status = 307 },
		"the connection cut":            func(a *alipaytest.Answer) { a.Cut = true },
		"too late":                      func(a *alipaytest.Answer) { a.Delay = 2 * time.Second },
		"no code": func(a *alipaytest.Answer) {
			a.Node, a.Resign = bytes.Replace(a.Node, []byte(`"code"`), []byte(`"c0de"`), 1), true
		},
		"a code that is a number": func(a *alipaytest.Answer) {
			a.Node, a.Resign = bytes.Replace(a.Node, []byte(`"10000"`), []byte(`10000`), 1), true
		},
		"a code that is null": func(a *alipaytest.Answer) {
			a.Node, a.Resign = bytes.Replace(a.Node, []byte(`"10000"`), []byte(`null`), 1), true
		},
		"a code by another name as well": func(a *alipaytest.Answer) {
			a.Node, a.Resign = bytes.Replace(a.Node, []byte(`"code":"10000"`), []byte(`"Code":"10000","code":"20000"`), 1), true
		},
	} {
		t.Run("PSD-PAY-A402-23 "+name, func(t *testing.T) {
			p.double.Misbehave(change)
			defer p.double.Misbehave(nil)
			_, err := p.gateway.Verify(ctx, proof)
			wantCode(t, err, protocol.CodeServiceUnavailable, proof.PaymentProof, proof.ClientSession)
			if !undetermined(err) {
				t.Fatalf("%v is a decision", err)
			}
		})
	}
	f, err := p.gateway.Verify(ctx, proof)
	must(t, err)
	if !f.Active || f.TradeNo != proof.TradeNo {
		t.Fatalf("%+v", f)
	}
}

// twice has a fact of an answer stand there twice.
func twice(node []byte) []byte {
	return bytes.Replace(node, []byte(`"active":true`), []byte(`"active":false,"active":true`), 1)
}

func TestRefusalsOfThePlatform(t *testing.T) {
	p := newPlace(t, nil)
	proof := parse(t, p.paid(t, "GET", "/report", ""))
	for _, c := range []struct {
		code, sub       string
		verify, confirm protocol.Code
	}{
		{"40004", "PAYMENT_PROOF_INVALID", protocol.CodeProofInvalid, protocol.CodeServiceUnavailable},
		{"40004", "PAYMENT_PROOF_AGENT_MISMATCH", protocol.CodeProofMismatch, protocol.CodeServiceUnavailable},
		{"40004", "PAYMENT_PROOF_BUYER_MISMATCH", protocol.CodeProofMismatch, protocol.CodeServiceUnavailable},
		{"40004", "PAYMENT_PROOF_ID_MISMATCH", protocol.CodeProofMismatch, protocol.CodeServiceUnavailable},
		{"40004", "PAYMENT_PROOF_TRADE_NO_MISMATCH", protocol.CodeProofMismatch, protocol.CodeServiceUnavailable},
		{"40004", "CLIENT_SESSION_IS_EMPTY", protocol.CodeProofInvalid, protocol.CodeServiceUnavailable},
		{"40004", "TRADE_STATUS_CLOSED", protocol.CodeProofInvalid, protocol.CodeServiceUnavailable},
		{"40004", "SOMETHING_NEW", protocol.CodeProofInvalid, protocol.CodeServiceUnavailable},
		{"40004", "TRADE_STATUS_INVALID", protocol.CodeProofInvalid, protocol.CodeStateConflict},
		{"40004", "SELLER_IDENTITY_MISMATCH", protocol.CodeProofInvalid, protocol.CodeActorRefused},
		{"40004", "TRADE_NO_INVALID", protocol.CodeProofInvalid, protocol.CodeTradeUnknown},
		// Not shown to be wrong, and so nobody is billed anew.
		{"40004", "TRADE_NOT_FOUND", protocol.CodeServiceUnavailable, protocol.CodeTradeUnknown},
		{"40004", "PAYMENT_PROOF_NOT_FOUND", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"40004", "TRADE_STATUS_UNPAID", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"40004", "SYSTEM_ERROR", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"40004", "ACQ.SYSTEM_ERROR", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"40004", "isp.unknow-error", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"40004", "aop.unknow-error", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"40004", "", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"20000", "isp.unknow-error", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"20000", "PAYMENT_PROOF_INVALID", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"20001", "aop.invalid-auth-token", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"40001", "isv.missing-app-id", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"40002", "isv.invalid-signature", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"40006", "isv.insufficient-isv-permissions", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"10003", "", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"99999", "PAYMENT_PROOF_INVALID", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
		{"", "", protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable},
	} {
		t.Run(fmt.Sprintf("PSD-PAY-A402-08 code %s %s", c.code, c.sub), func(t *testing.T) {
			p.double.Misbehave(func(a *alipaytest.Answer) {
				a.Node, a.Resign = []byte(`{"code":"`+c.code+`","msg":"m","sub_code":"`+c.sub+`","sub_msg":"a secret text","active":true}`), true
			})
			defer p.double.Misbehave(nil)
			_, err := p.gateway.Verify(ctx, proof)
			wantCode(t, err, c.verify, "a secret text")
			wantCode(t, p.gateway.Confirm(ctx, proof.TradeNo), c.confirm, "a secret text")
		})
	}
}

// TestAgainstTheRules has the double refuse what the documentation says it
// refuses.
func TestAgainstTheRules(t *testing.T) {
	p := newPlace(t, nil)
	proof := parse(t, p.paid(t, "GET", "/report", ""))
	other := parse(t, p.paid(t, "GET", "/report?2", ""))
	t.Run("PSD-PAY-A402-08 pieces of two proofs", func(t *testing.T) {
		for name, q := range map[string]alipay.Proof{
			"another proof":        {PaymentProof: other.PaymentProof, TradeNo: proof.TradeNo, ClientSession: proof.ClientSession},
			"another session":      {PaymentProof: proof.PaymentProof, TradeNo: proof.TradeNo, ClientSession: other.ClientSession},
			"no session":           {PaymentProof: proof.PaymentProof, TradeNo: proof.TradeNo},
			"a proof made up":      {PaymentProof: "0000", TradeNo: proof.TradeNo, ClientSession: proof.ClientSession},
			"a proof and an & = +": {PaymentProof: "a&b=c+d%20", TradeNo: proof.TradeNo, ClientSession: proof.ClientSession},
		} {
			_, err := p.gateway.Verify(ctx, q)
			if code := protocol.CodeOf(err); code != protocol.CodeProofInvalid && code != protocol.CodeProofMismatch {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	for name, change := range map[string]func(*alipay.GatewayConfig){
		"another application's key": func(c *alipay.GatewayConfig) { c.Key = otherKey() },
		"an unknown application":    func(c *alipay.GatewayConfig) { c.AppID = "1" },
		"a clock that is wrong":     func(c *alipay.GatewayConfig) { c.Now = func() time.Time { return start.Add(time.Hour) } },
		"another platform's key":    func(c *alipay.GatewayConfig) { c.AlipayKeys = []*rsa.PublicKey{&otherKey().PublicKey} },
	} {
		t.Run("PSD-PAY-A402-23 "+name, func(t *testing.T) {
			c := p.double.Config(appID, appKey())
			change(&c)
			g, err := alipay.NewGateway(c)
			must(t, err)
			_, err = g.Verify(ctx, proof)
			wantCode(t, err, protocol.CodeServiceUnavailable, proof.PaymentProof)
		})
	}
	t.Run("ADD-IAC-ISS-12 keys are rotated by having two for a while", func(t *testing.T) {
		c := p.double.Config(appID, appKey())
		c.AlipayKeys = []*rsa.PublicKey{&otherKey().PublicKey, p.double.PublicKey()}
		g, err := alipay.NewGateway(c)
		must(t, err)
		_, err = g.Verify(ctx, proof)
		must(t, err)
	})
	t.Run("PSD-PAY-A402-10 confirming again succeeds", func(t *testing.T) {
		for range 3 {
			must(t, p.gateway.Confirm(ctx, proof.TradeNo))
		}
		wantCode(t, p.gateway.Confirm(ctx, "2026"), protocol.CodeTradeUnknown)
		wantCode(t, p.gateway.Confirm(ctx, "20 26"), protocol.CodeFieldInvalid)
		wantCode(t, p.gateway.Confirm(ctx, ""), protocol.CodeFieldMissing)
	})
	t.Run("PSD-PAY-A402-10 a confirmation of another trade", func(t *testing.T) {
		p.double.Misbehave(func(a *alipaytest.Answer) { a.Node, a.Resign = []byte(`{"code":"10000","trade_no":"another"}`), true })
		defer p.double.Misbehave(nil)
		wantCode(t, p.gateway.Confirm(ctx, proof.TradeNo), protocol.CodeServiceUnavailable)
	})
	t.Run("PSD-PAY-A402-08 solidi escaped after signing", func(t *testing.T) {
		p.double.Misbehave(func(a *alipaytest.Answer) {
			a.Node = bytes.Replace(a.Node, []byte(resource), []byte("/a/b"), 1)
			a.Signature = p.double.Sign(a.Node)
			a.Node = bytes.ReplaceAll(a.Node, []byte("/"), []byte(`\/`))
		})
		defer p.double.Misbehave(nil)
		f, err := p.gateway.Verify(ctx, proof)
		must(t, err)
		if f.ResourceID != "/a/b" {
			t.Fatalf("%q", f.ResourceID)
		}
	})
}

// TestCall looks at the bytes of a call.
func TestCall(t *testing.T) {
	var form url.Values
	var kind string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		form, _ = url.ParseQuery(string(data))
		kind = r.Header.Get("Content-Type")
	}))
	defer server.Close()
	g, err := alipay.NewGateway(alipay.GatewayConfig{
		URL: server.URL + "/gateway.do", AppID: appID, Key: appKey(), AlipayKeys: []*rsa.PublicKey{&platformKey().PublicKey},
		HTTP: server.Client(), Now: func() time.Time { return start }, InsecureAllowLoopback: true,
	})
	must(t, err)
	_, err = g.Verify(ctx, alipay.Proof{PaymentProof: "p&=+", TradeNo: "t"})
	wantCode(t, err, protocol.CodeServiceUnavailable)
	for name, want := range map[string]string{
		"app_id": appID, "method": verify, "format": "JSON", "charset": "utf-8", "sign_type": "RSA2", "version": "1.0",
		"timestamp": "2026-09-01 17:00:00", "biz_content": `{"payment_proof":"p&=+","trade_no":"t"}`,
	} {
		if form.Get(name) != want {
			t.Errorf("%s is %q", name, form.Get(name))
		}
	}
	if len(form) != 9 || kind != "application/x-www-form-urlencoded; charset=utf-8" {
		t.Errorf("%d parameters as %q", len(form), kind)
	}
}

// TestRedirect: proofs go to the gateway that was configured and nowhere else.
func TestRedirect(t *testing.T) {
	p := newPlace(t, nil)
	proof := parse(t, p.paid(t, "GET", "/report", ""))
	server := httptest.NewServer(http.RedirectHandler(p.double.Server.URL+alipaytest.Path, http.StatusTemporaryRedirect))
	defer server.Close()
	c := p.double.Config(appID, appKey())
	c.URL, c.InsecureAllowLoopback = server.URL+alipaytest.Path, true
	g, err := alipay.NewGateway(c)
	must(t, err)
	before := p.double.Calls(verify)
	_, err = g.Verify(ctx, proof)
	wantCode(t, err, protocol.CodeServiceUnavailable)
	if p.double.Calls(verify) != before {
		t.Fatal("PSD-PAY-A402-17: the proof went where the answer pointed")
	}
}

func TestNewGateway(t *testing.T) {
	for name, change := range map[string]func(*alipay.GatewayConfig){
		"no URL": func(c *alipay.GatewayConfig) { c.URL = "" },
		"http":   func(c *alipay.GatewayConfig) { c.URL = "http://127.0.0.1/gateway.do" },
		"http to the world": func(c *alipay.GatewayConfig) {
			c.URL, c.InsecureAllowLoopback = "http://openapi.example/gateway.do", true
		},
		"http to a near name":     func(c *alipay.GatewayConfig) { c.URL, c.InsecureAllowLoopback = "http://localhost.example/", true },
		"a password":              func(c *alipay.GatewayConfig) { c.URL = "https://a:b@openapi.example/" },
		"a query":                 func(c *alipay.GatewayConfig) { c.URL = "https://openapi.example/?charset=gbk" },
		"no application":          func(c *alipay.GatewayConfig) { c.AppID = "" },
		"an application in words": func(c *alipay.GatewayConfig) { c.AppID = "mine" },
		"no key":                  func(c *alipay.GatewayConfig) { c.Key = nil },
		"an Ed25519 key":          func(c *alipay.GatewayConfig) { c.Key = ed25519.NewKeyFromSeed(make([]byte, 32)) },
		"no key of Alipay's":      func(c *alipay.GatewayConfig) { c.AlipayKeys = nil },
		"a key that is nil":       func(c *alipay.GatewayConfig) { c.AlipayKeys = []*rsa.PublicKey{nil} },
		"no client":               func(c *alipay.GatewayConfig) { c.HTTP = nil },
		"the application's own public key in place of Alipay's": func(c *alipay.GatewayConfig) {
			c.AlipayKeys = append(c.AlipayKeys, &appKey().PublicKey)
		},
	} {
		t.Run("PSD-PAY-A402-17 "+name, func(t *testing.T) {
			c := alipay.GatewayConfig{
				URL: alipay.ProductionGateway, AppID: appID, Key: appKey(), AlipayKeys: []*rsa.PublicKey{&platformKey().PublicKey}, HTTP: http.DefaultClient,
			}
			if _, err := alipay.NewGateway(c); err != nil {
				t.Fatal(err)
			}
			change(&c)
			if g, err := alipay.NewGateway(c); protocol.CodeOf(err) == "" || g != nil {
				t.Fatalf("%v", err)
			}
		})
	}
}

// broken is a key service that has lost its mind.
type broken struct{ crypto.Signer }

func (b broken) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return otherKey().Sign(r, digest, o)
}

func TestNothingSecretIsPrinted(t *testing.T) {
	p := newPlace(t, nil)
	header := p.paid(t, "GET", "/report", "")
	proof := parse(t, header)
	read, err := p.rail.Read(header)
	must(t, err)
	c := p.double.Config(appID, appKey())
	secrets := []string{proof.PaymentProof, proof.ClientSession, appKey().D.String(), fmt.Sprintf("%x", appKey().D)}
	for _, v := range []any{proof, &proof, read, c, &c, p.gateway, p.rail, *p.gateway, struct{ P alipay.Proof }{proof}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			text := fmt.Sprintf(verb, v)
			for _, s := range secrets {
				if strings.Contains(text, s) {
					t.Errorf("PRV-04: %s of %T prints a secret", verb, v)
				}
			}
		}
	}
	t.Run("PSD-PAY-A402-01 a key service that signs with another key", func(t *testing.T) {
		_, err := alipay.SignBill(broken{appKey()}, plainBill(t))
		wantCode(t, err, protocol.CodeServiceUnavailable)
	})
}
