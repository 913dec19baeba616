package agent_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A stopwatch is a provider without a network, for both sides, that knows how
// long it was busy: making the proof is its work and not the agent's.
type stopwatch struct {
	proof *keys.Signer
	buyer string // thumbprint of the key that pays
	now   func() time.Time
	busy  atomic.Int64 // nanoseconds
}

func (*stopwatch) ID() string              { return acttest.PSPDID }
func (*stopwatch) Endpoint() string        { return "https://psp.test" }
func (*stopwatch) MethodSchemaURL() string { return commerce.ProfileSchemaURL }

func (s *stopwatch) PayFrom(_ context.Context, q payment.Request, _ *keys.Signer) (payment.Result, error) {
	began := time.Now()
	defer func() { s.busy.Add(int64(time.Since(began))) }()
	u, err := payment.ParseBill(q.Bill)
	if err != nil {
		return payment.Result{}, err
	}
	bill, at := u.Bill, s.now().Truncate(time.Second)
	c := payment.ProofClaims{
		PSPID: q.PSPID, MerchantID: q.MerchantID, ID: canon.UUID(), IssuedAt: at, Expires: at.Add(time.Hour), TradeNo: canon.UUID(),
		OutTradeNo: q.MerchantOrderID, ResourceID: bill.ResourceID, Amount: q.Amount, Payer: q.BuyerAgentID, MethodID: bill.MethodID,
		RequestMethod: bill.RequestMethod, RequestFingerprint: bill.RequestFingerprint, Thumbprint: s.buyer,
	}
	proof, err := payment.SignProofClaims(s.proof, c)
	return payment.Result{RequestID: q.RequestID, TradeNo: c.TradeNo, Amount: q.Amount, PaymentProof: proof}, err
}

func (*stopwatch) Query(context.Context, payment.Request) (payment.Result, error) {
	return payment.Result{}, context.Canceled
}

func (s *stopwatch) Instrument(_ context.Context, q payment.InstrumentQuery) (payment.InstrumentState, error) {
	return payment.InstrumentState{PaymentToken: q.PaymentToken, State: payment.InstrumentActive, AsOf: s.now()}, nil
}

func (s *stopwatch) Consume(_ context.Context, proof, consumer string) (payment.ConsumptionResult, error) {
	began := time.Now()
	defer func() { s.busy.Add(int64(time.Since(began))) }()
	u, err := payment.ParseProofClaims(proof)
	if err != nil {
		return payment.ConsumptionResult{}, err
	}
	c := u.Claims
	return payment.ConsumptionResult{
		TradeNo: c.TradeNo, OutTradeNo: c.OutTradeNo, Consumer: consumer, Amount: c.Amount, TradeState: payment.StateWaitSellerFulfillment,
	}, nil
}

func (*stopwatch) ConfirmFulfilment(context.Context, string, string, time.Time) (payment.FulfilmentResult, error) {
	return payment.FulfilmentResult{TradeState: payment.StateTradeFinished}, nil
}

// BenchmarkTransport fetches over TLS on loopback, with everything that agent
// and seller do and without the time of the provider: "free" is a page that
// costs nothing, "paid" is the bill, the agent's check and reservation, the
// proof, and the delivery.
func BenchmarkTransport(b *testing.B) {
	provider := new(stopwatch)
	m := newMarket(b, acttest.Options{
		Merchant: func(c *merchant.Config) { c.PSP = provider },
		Agent: func(c *agent.Config) {
			provider.buyer, provider.now = c.Signer.Public().Thumbprint(), c.Now
			c.Instruments[0].PSP = provider
		},
	})
	provider.proof = m.PSP.Party.Signer(keys.Proof)
	m.Grant(b, func(i *delegation.ISR) { i.MaxTotalAmount = "100000000" })
	m.Serve("/free", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("report ")) }))
	client := m.Buying()
	for _, path := range []string{"/free", "/report"} {
		b.Run(map[string]string{"/free": "free", "/report": "paid"}[path], func(b *testing.B) {
			provider.busy.Store(0)
			b.ReportAllocs()
			for b.Loop() {
				if got, err := read(client.Get(m.URL + path)); err != nil || got != "report " {
					b.Fatal(got, err)
				}
			}
			own := b.Elapsed() - time.Duration(provider.busy.Load())
			b.ReportMetric(float64(own.Nanoseconds())/float64(b.N), "ns/op")
		})
	}
}
