package merchant_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// instantPSP consumes and confirms without a network, and without reading the
// proofs again: what is measured is the paywall.
type instantPSP struct {
	paid map[string]payment.ProofClaims // by proof
}

func (*instantPSP) ID() string              { return acttest.PSPDID }
func (*instantPSP) Endpoint() string        { return "https://psp.test" }
func (*instantPSP) MethodSchemaURL() string { return commerce.ProfileSchemaURL }

func (p *instantPSP) Consume(_ context.Context, proof, consumer string) (payment.ConsumptionResult, error) {
	c := p.paid[proof]
	return payment.ConsumptionResult{
		TradeNo: c.TradeNo, OutTradeNo: c.OutTradeNo, Consumer: consumer, Amount: c.Amount, TradeState: payment.StateWaitSellerFulfillment,
	}, nil
}

func (*instantPSP) ConfirmFulfilment(context.Context, string, string, time.Time) (payment.FulfilmentResult, error) {
	return payment.FulfilmentResult{TradeState: payment.StateTradeFinished}, nil
}

// A bench is a paywall without sockets and the keys of all parties.
type bench struct {
	wall                 http.Handler
	shop                 *merchant.Shop
	clock                *acttest.Clock
	psp                  *instantPSP
	seller, buyer, proof *keys.Signer
}

func newBench(b *testing.B) *bench {
	clock, directory := acttest.NewClock(acttest.Start), new(acttest.Directory)
	signer := func(did string, p keys.Purpose) *keys.Signer {
		party := acttest.NewParty(b, did, p)
		directory.Add(party)
		return party.Signer(p)
	}
	n := &bench{
		psp: &instantPSP{paid: make(map[string]payment.ProofClaims)}, clock: clock,
		seller: signer(acttest.ShopDID, keys.Seller), buyer: signer(acttest.AgentDID, keys.AgentRequest), proof: signer(acttest.PSPDID, keys.Proof),
	}
	v, err := verifier.New(verifier.Config{Issuers: verifier.SelfIssued{}, Keys: directory, Status: new(acttest.Statuses), Now: clock.Now})
	must(b, err)
	c := merchant.Config{
		Signer: n.seller, Verifier: v, PSP: n.psp, Orders: new(merchant.MemoryOrders), Method: acttest.Method,
		Origin: "https://shop.test", BillKey: make([]byte, 32), Now: clock.Now,
	}
	rand.Read(c.BillKey)
	n.shop, err = merchant.New(c)
	must(b, err)
	b.Cleanup(func() { must(b, n.shop.Close(context.Background())) })
	n.wall = n.shop.Paywall(merchant.Offer{Resource: "report-7", Category: "data/report", Price: acttest.CNY(b, "2.50")},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answerText) }))
	return n
}

func (n *bench) serve(b *testing.B, r *http.Request, status int) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	n.wall.ServeHTTP(rec, r)
	if rec.Code != status {
		b.Fatalf("status %d, want %d: %s", rec.Code, status, rec.Body)
	}
	return rec
}

// paid is a request with a fresh proof, signed.
func (n *bench) paid(b *testing.B) *http.Request {
	u, err := payment.ParseBill(n.serve(b, httptest.NewRequest("GET", "/report", nil), http.StatusPaymentRequired).Header().Get(payment.HeaderNeeded))
	must(b, err)
	bill, now := u.Bill, n.clock.Now()
	proof, err := payment.SignProofClaims(n.proof, payment.ProofClaims{
		PSPID: acttest.PSPDID, MerchantID: acttest.ShopDID, ID: canon.UUID(), IssuedAt: now, Expires: now.Add(time.Hour), TradeNo: canon.UUID(),
		OutTradeNo: bill.OutTradeNo, ResourceID: bill.ResourceID, Amount: bill.Amount, Payer: acttest.AgentDID, MethodID: bill.MethodID,
		RequestMethod: bill.RequestMethod, RequestFingerprint: bill.RequestFingerprint, Thumbprint: n.buyer.Public().Thumbprint(),
	})
	must(b, err)
	claims, err := payment.ParseProofClaims(proof)
	must(b, err)
	n.psp.paid[proof] = claims.Claims
	header, err := claims.Proof().EncodeHeader()
	must(b, err)
	r := httptest.NewRequest("GET", "https://shop.test/report", nil)
	r.Header.Set(payment.HeaderProof, header)
	r.RequestURI = "/report"
	must(b, httpsig.Sign(r, nil, n.buyer, now, time.Minute, "payment-proof"))
	return r
}

// benchmarkProof serves requests with fresh proofs and reports as x-raw how many
// times as long that takes as checking the two signatures of each and nothing
// else. Both are measured in turns, a few hundred requests at a time, so that
// what else the machine does meets both, and so that neither the making of the
// requests nor their memory is measured.
func benchmarkProof(b *testing.B) {
	n, token, base := newBench(b), make([]byte, 1000), make([]byte, 2500)
	first, err := n.proof.Sign(keys.Proof, token)
	must(b, err)
	second, err := n.buyer.Sign(keys.AgentRequest, base)
	must(b, err)
	var served, raw time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		b.StopTimer()
		requests := make([]*http.Request, min(left, 256))
		left -= len(requests)
		for i := range requests {
			requests[i] = n.paid(b)
		}
		runtime.GC()
		begun := time.Now()
		for range requests {
			if !n.proof.Public().Verify(token, first) || !n.buyer.Public().Verify(base, second) {
				b.Fatal("a signature does not verify")
			}
		}
		raw += time.Since(begun)
		b.StartTimer()
		begun = time.Now()
		for _, r := range requests {
			n.serve(b, r, http.StatusOK)
		}
		served += time.Since(begun)
	}
	b.ReportMetric(float64(served)/float64(raw), "x-raw")
	b.ReportMetric(float64(raw)/float64(b.N), "raw-ns/op")
}

// BenchmarkPaywall measures a request without proof, one with a fresh proof,
// and one whose answer is kept, without network and provider. needed-raw is the
// one signature that a bill needs.
func BenchmarkPaywall(b *testing.B) {
	b.Run("needed", func(b *testing.B) {
		n := newBench(b)
		b.ReportAllocs()
		for b.Loop() {
			n.serve(b, httptest.NewRequest("GET", "/report", nil), http.StatusPaymentRequired)
		}
	})
	b.Run("needed-raw", func(b *testing.B) {
		n, message := newBench(b), make([]byte, 900)
		for b.Loop() {
			if _, err := n.seller.Sign(keys.Seller, message); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("proof", benchmarkProof)
	b.Run("kept", func(b *testing.B) {
		n := newBench(b)
		r := n.paid(b)
		n.serve(b, r, http.StatusOK)
		b.ReportAllocs()
		for b.Loop() {
			n.serve(b, r, http.StatusOK)
		}
	})
}
