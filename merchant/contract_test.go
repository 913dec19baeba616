package merchant_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/merchanttest"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

// cutWire is a transport that can be cut.
type cutWire struct {
	base http.RoundTripper
	gate chan struct{} // holds a token while the wire is whole
}

func newCutWire(base http.RoundTripper) *cutWire {
	w := &cutWire{base: base, gate: make(chan struct{}, 1)}
	w.gate <- struct{}{}
	return w
}

func (w *cutWire) cut() (mend func()) {
	<-w.gate
	return func() { w.gate <- struct{}{} }
}

func (w *cutWire) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case token := <-w.gate:
		w.gate <- token
		return w.base.RoundTrip(r)
	default:
		return nil, errWire
	}
}

// sellerPSP is the provider of a till as its shop has it, over a wire that can
// be cut.
func sellerPSP(t *testing.T, l *till) (*psp.Client, *cutWire) {
	t.Helper()
	wire := newCutWire(l.PSP.Server.Client().Transport)
	c, err := psp.New(psp.Config{
		ID: acttest.PSPDID, Endpoint: l.PSP.Server.URL, Signer: l.Seller.Signer(keys.Seller), Verifier: l.NewVerifier(t),
		HTTP: &http.Client{Transport: wire}, Now: l.Clock.Now,
	})
	must(t, err)
	return c, wire
}

// TestPSPContract holds psp.Client and the double of a provider to the contract.
func TestPSPContract(t *testing.T) {
	merchanttest.PSP(t, func(t *testing.T) merchanttest.PSPFixture {
		l := newTill(t, acttest.Options{})
		c, wire := sellerPSP(t, l)
		return merchanttest.PSPFixture{
			PSP: c, Now: l.Clock.Now, Cut: wire.cut,
			Pay: func(t *testing.T) merchanttest.Trade {
				proof := l.pay(l.do(l.request("GET", reportPath, "")).bill)
				u, err := payment.ParseProofClaims(proof)
				must(t, err)
				return merchanttest.Trade{Proof: proof, TradeNo: u.Claims.TradeNo, OutTradeNo: u.Claims.OutTradeNo, Amount: u.Claims.Amount}
			},
		}
	})
}

// TestACTRailContract holds the rail that Config.PSP makes to the contract of
// all rails.
func TestACTRailContract(t *testing.T) {
	merchanttest.Rail(t, func(t *testing.T) merchanttest.RailFixture {
		l := newTill(t, acttest.Options{})
		c, wire := sellerPSP(t, l)
		return merchanttest.RailFixture{
			Config: merchant.Config{
				Signer: l.Seller.Signer(keys.Seller), Verifier: l.NewVerifier(t), PSP: c, Method: acttest.Method,
				Orders: new(merchant.MemoryOrders), Origin: "https://contract.test", BillKey: []byte("0123456789abcdef0123456789abcdef"), Now: l.Clock.Now,
			},
			Price: acttest.CNY(t, "1.50"),
			Pay: func(t *testing.T, needed string) string {
				bill, err := payment.ParseBill(needed)
				must(t, err)
				claims, err := payment.ParseProofClaims(l.pay(bill))
				must(t, err)
				header, err := claims.Proof().EncodeHeader()
				must(t, err)
				return header
			},
			Sign: func(t *testing.T, r *http.Request, body []byte) {
				must(t, httpsig.Sign(r, body, l.buyer(), l.Clock.Now(), time.Minute, "payment-proof"))
			},
			Cut: wire.cut,
		}
	})
}

// TestForeignRailContract holds a product of another kind to it.
func TestForeignRailContract(t *testing.T) {
	merchanttest.Rail(t, func(t *testing.T) merchanttest.RailFixture {
		l := newTill(t, acttest.Options{})
		rail := newCoupons()
		return merchanttest.RailFixture{
			Config: rail.config(t, l), Price: acttest.CNY(t, "1.50"),
			Pay: func(t *testing.T, needed string) string { return rail.pay(t, needed) },
			Cut: rail.cut,
		}
	})
}

var _ merchant.OrderStore = (*faultyOrders)(nil)

// TestFaultyOrders: the store that injects faults keeps the contract while it
// injects none.
func TestFaultyOrders(t *testing.T) {
	merchanttest.OrderStore(t, func(t *testing.T) merchant.OrderStore {
		return &faultyOrders{OrderStore: new(merchant.MemoryOrders)}
	})
	f := &faultyOrders{OrderStore: new(merchant.MemoryOrders)}
	f.fail("Delivery", before)
	if _, err := f.Delivery(context.Background(), "1"); err != errInjected || f.count("Delivery") != 1 {
		t.Fatal("no fault is injected")
	}
}
