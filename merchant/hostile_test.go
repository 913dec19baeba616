package merchant_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// pickyPSP refuses some fulfilments, for a reason that is not final.
type pickyPSP struct {
	merchant.PSP
	mu   sync.Mutex
	told map[string]int
}

func (p *pickyPSP) ConfirmFulfilment(_ context.Context, tradeNo, _ string, at time.Time) (payment.FulfilmentResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told[tradeNo]++
	if strings.HasPrefix(tradeNo, "odd") {
		return payment.FulfilmentResult{}, protocol.New(protocol.CodeFieldInvalid, "delivered_at", "PSD-PAY-A402-10", "")
	}
	return payment.FulfilmentResult{TradeNo: tradeNo, TradeState: payment.StateTradeFinished, ConfirmedAt: at}, nil
}

func (*pickyPSP) ID() string { return acttest.PSPDID }

// TestRefusedConfirmationsBlockNobody: deliveries whose confirmation is refused
// again and again, after a jump of the clock for example, stay in the queue, and
// everything younger is confirmed all the same, however many they are.
func TestRefusedConfirmationsBlockNobody(t *testing.T) {
	const odd = 200
	w := acttest.NewWorld(t)
	ctx := context.Background()
	orders := new(merchant.MemoryOrders)
	add := func(tradeNo string, at time.Time) {
		d := merchant.Delivery{
			OutTradeNo: "o-" + tradeNo, TradeNo: tradeNo, Consumer: "o-" + tradeNo, Binding: canon.Sum([]byte(tradeNo)),
			Lease: "l", LeaseUntil: at.Add(time.Minute),
		}
		_, _, err := orders.Claim(ctx, d, at)
		must(t, err)
		must(t, orders.Deliver(ctx, d.OutTradeNo, "l", merchant.Answer{Status: http.StatusOK}, at))
	}
	for i := range odd {
		add("odd-"+strconv.Itoa(i), acttest.Start)
	}
	add("good", acttest.Start.Add(time.Second))
	provider := &pickyPSP{told: make(map[string]int)}
	shop, err := merchant.New(merchant.Config{
		Signer: w.Seller.Signer(keys.Seller), Verifier: w.Verifier, PSP: provider, Orders: orders, Method: acttest.Method,
		Origin: w.URL, BillKey: make([]byte, 32), Now: w.Clock.Now, ConfirmPause: time.Millisecond,
	})
	must(t, err)
	until := time.Now().Add(10 * time.Second)
	for {
		d, err := orders.Delivery(ctx, "o-good")
		must(t, err)
		if d.State == merchant.Confirmed {
			break
		}
		if time.Now().After(until) {
			t.Fatal("PSD-PAY-A402-10: a delivery behind refused ones is never confirmed")
		}
		time.Sleep(5 * time.Millisecond)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := shop.Close(ended); protocol.CodeOf(err) != protocol.CodeServiceUnavailable {
		t.Fatalf("PSD-PAY-A402-10: closed with %v, and %d are not confirmed", err, odd)
	}
	left, err := orders.Unconfirmed(ctx, 2*odd)
	must(t, err)
	if len(left) != odd {
		t.Fatalf("PSD-PAY-A402-10: %d wait, want the %d that were refused", len(left), odd)
	}
	if provider.told["good"] != 1 {
		t.Fatalf("told %d times of one delivery", provider.told["good"])
	}
}
