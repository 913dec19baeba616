package merchant_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/payment"
)

// FuzzPaywall sends a paywall proofs, keys and bodies that nobody has paid
// for: nothing is ever delivered, and every answer is one of the few there are.
func FuzzPaywall(f *testing.F) {
	w := acttest.NewWorld(f)
	wall := w.Shop.Paywall(merchant.Offer{Resource: "r", Category: "c", Price: acttest.CNY(f, "1.00")},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	f.Add("GET", "/x", "e30", "", "", []byte(nil))
	f.Add("POST", "/x?y", "", "key", "text/plain", []byte("body"))
	f.Add("POST", "/x", "eyJwcm90b2NvbCI6e30sIm1ldGhvZCI6e319", "a b", "x", []byte("{}"))
	f.Fuzz(func(t *testing.T, method, target, proof, key, media string, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Method, r.RequestURI = method, target
		for name, value := range map[string]string{payment.HeaderProof: proof, "Idempotency-Key": key, "Content-Type": media} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		rec := httptest.NewRecorder()
		wall.ServeHTTP(rec, r)
		switch rec.Code {
		case http.StatusPaymentRequired:
			if _, err := payment.ParseBill(rec.Header().Get(payment.HeaderNeeded)); err != nil {
				t.Fatalf("402 without a bill: %v", err)
			}
		case http.StatusBadRequest, http.StatusServiceUnavailable:
			if rec.Header().Get(payment.HeaderNeeded) != "" {
				t.Fatal("a bill with another status than 402")
			}
		default:
			t.Fatalf("status %d", rec.Code)
		}
	})
}
