package psp_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TestSlowAndSwollenProvider: an answer that never ends, grows when it is
// unpacked, or stays interim for ever is none within the client's time.
func TestSlowAndSwollenProvider(t *testing.T) {
	w := acttest.NewWorld(t)
	q := request(t, w, "18.00")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(bytes.Repeat([]byte(" "), 32<<20))
	must(t, err)
	must(t, z.Close())
	drip := func(status int) http.HandlerFunc {
		return func(w2 http.ResponseWriter, r *http.Request) {
			w2.WriteHeader(status)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w2, " ")
				_ = http.NewResponseController(w2).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"a result that never ends":  drip(http.StatusOK),
		"a refusal that never ends": drip(http.StatusForbidden),
		"a bomb": func(w2 http.ResponseWriter, _ *http.Request) {
			w2.Header().Set("Content-Encoding", "gzip")
			_, _ = w2.Write(packed.Bytes())
		},
		"interim answers": func(w2 http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w2.WriteHeader(http.StatusEarlyHints)
				time.Sleep(5 * time.Millisecond)
			}
		},
	} {
		t.Run("PSD-PAY-A402-23 "+name, func(t *testing.T) {
			server := httptest.NewTLSServer(h)
			defer server.Close()
			begun := time.Now()
			_, err := client(t, w, server.URL, w.Buyer.Signer(keys.AgentRequest)).Pay(ctx, q)
			wantCode(t, err, protocol.CodeOutcomeUnknown)
			if took := time.Since(begun); took > 4*time.Second { // the Timeout is 2 s
				t.Errorf("after %s", took)
			}
		})
	}
}

// TestLyingProvider: results with the provider's own good signature that are
// not the answer to the request. Nobody may take a smaller, larger or other
// payment for the one that was asked for, or a proof that others could present.
func TestLyingProvider(t *testing.T) {
	w := acttest.NewWorld(t)
	q := request(t, w, "18.00")
	signer := w.PSP.Party.Signer(keys.Proof)
	truth, err := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest)).Pay(ctx, q)
	must(t, err)
	inner, err := payment.ParseProofClaims(truth.PaymentProof)
	must(t, err)
	proof := func(edit func(*payment.ProofClaims)) func(*payment.Result) {
		return func(r *payment.Result) {
			c := inner.Claims
			edit(&c)
			signed, err := payment.SignProofClaims(signer, c)
			must(t, err)
			r.PaymentProof = signed
		}
	}
	other := w.Seller.Signer(keys.Seller).Public().Thumbprint()
	for name, edit := range map[string]func(*payment.Result){
		"":                            func(*payment.Result) {},
		"less":                        func(r *payment.Result) { r.Amount = acttest.CNY(t, "17.99") },
		"more":                        func(r *payment.Result) { r.Amount, r.SpentTotal = acttest.CNY(t, "18.01"), acttest.CNY(t, "18.01") },
		"another payee":               func(r *payment.Result) { r.MerchantID = "did:act:shop.test/other" },
		"another order":               func(r *payment.Result) { r.MerchantOrderID = "another" },
		"another request":             func(r *payment.Result) { r.RequestID = "another" },
		"a proof for more":            proof(func(c *payment.ProofClaims) { c.Amount = acttest.CNY(t, "18.01") }),
		"a proof for another's key":   proof(func(c *payment.ProofClaims) { c.Thumbprint = other }),
		"a proof for another payer":   proof(func(c *payment.ProofClaims) { c.Payer = "did:act:agents.test/other" }),
		"a proof for another payee":   proof(func(c *payment.ProofClaims) { c.MerchantID = "did:act:shop.test/other" }),
		"a proof of another trade":    proof(func(c *payment.ProofClaims) { c.TradeNo = "another" }),
		"a proof with another ending": proof(func(c *payment.ProofClaims) { c.Expires = c.Expires.Add(-time.Minute) }),
	} {
		t.Run("PSD-PAY-DEL-10 "+name, func(t *testing.T) {
			r := truth
			edit(&r)
			raw, err := payment.SignResult(signer, r)
			must(t, err)
			server := httptest.NewTLSServer(http.HandlerFunc(func(w2 http.ResponseWriter, _ *http.Request) { _, _ = w2.Write(raw) }))
			defer server.Close()
			_, err = client(t, w, server.URL, w.Buyer.Signer(keys.AgentRequest)).Query(ctx, q)
			if name == "" {
				must(t, err)
				return
			}
			wantCode(t, err, protocol.CodeOutcomeUnknown)
		})
	}
}
