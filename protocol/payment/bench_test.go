package payment_test

import (
	"testing"

	"github.com/actprotocol/act-go/protocol/payment"
)

// BenchmarkParseProof reads a Payment-Proof and the claims inside, which a
// paywall does for every paid request, without the signature.
func BenchmarkParseProof(b *testing.B) {
	header, err := goodProof(b).EncodeHeader()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		u, err := payment.ParseProof(header)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := u.Claims(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefuseHeader is the cost of the largest header that is refused.
func BenchmarkRefuseHeader(b *testing.B) {
	junk := make([]byte, payment.MaxHeaderRead*3/4)
	for i := range junk {
		junk[i] = '['
	}
	header := encode(junk)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := payment.ParseProof(header); err == nil {
			b.Fatal("accepted")
		}
	}
}

// BenchmarkFingerprint is for a request without a body.
func BenchmarkFingerprint(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := payment.Fingerprint("GET", "https://shop.example/reports/7?page=1", "application/json", nil); err != nil {
			b.Fatal(err)
		}
	}
}
