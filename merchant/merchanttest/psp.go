package merchanttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A PSPFixture is a merchant.PSP under test, as one merchant has it, and the
// means to be paid through it.
type PSPFixture struct {
	PSP merchant.PSP
	// Pay has a buyer pay a new order to the merchant.
	Pay func(t *testing.T) Trade
	// Now is the provider's clock.
	Now func() time.Time
	// Cut makes the provider unreachable until mend is called. It may be nil.
	Cut func() (mend func())
}

// A Trade is what a test knows of a payment.
type Trade struct {
	Proof      string // payment_proof
	TradeNo    string
	OutTradeNo string
	Amount     money.Amount
}

// PSP runs the contract of merchant.PSP. open is called once a subtest.
func PSP(t *testing.T, open func(t *testing.T) PSPFixture) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, PSPFixture){
		"PSD-PAY-A402-08 the first consumer has the proof":  testConsume,
		"PSD-PAY-A402-08 one consumer of many":              testConcurrentConsume,
		"PSD-PAY-A402-08 what is no proof is refused":       testNoProof,
		"PSD-PAY-A402-10 a delivery is confirmed":           testFulfil,
		"PSD-PAY-A402-10 nothing is confirmed for others":   testFulfilRefused,
		"PSD-PAY-A402-23 what is not known is undetermined": testCut,
	} {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

func testConsume(t *testing.T, f PSPFixture) {
	if f.PSP.ID() == "" || f.PSP.Endpoint() == "" {
		t.Fatal("a provider has an id and an endpoint")
	}
	ctx, trade := context.Background(), f.Pay(t)
	first, err := f.PSP.Consume(ctx, trade.Proof, "delivery-1")
	want(t, err, "")
	if first.TradeNo != trade.TradeNo || first.OutTradeNo != trade.OutTradeNo || first.Amount != trade.Amount || first.Consumer != "delivery-1" ||
		first.TradeState != payment.StateWaitSellerFulfillment || first.ConsumedAt.IsZero() {
		t.Fatalf("consumed %+v of %s", first, trade.TradeNo)
	}
	again, err := f.PSP.Consume(ctx, trade.Proof, "delivery-1")
	want(t, err, "")
	if again.TradeNo != first.TradeNo || !again.ConsumedAt.Equal(first.ConsumedAt) {
		t.Fatalf("the same consumer gets %+v, and got %+v", again, first)
	}
	_, err = f.PSP.Consume(ctx, trade.Proof, "delivery-2")
	want(t, err, protocol.CodeProofUsed)
	other := f.Pay(t)
	if other.TradeNo == trade.TradeNo {
		t.Fatal("two payments are one trade")
	}
	_, err = f.PSP.Consume(ctx, other.Proof, "delivery-2")
	want(t, err, "")
}

func testConcurrentConsume(t *testing.T, f PSPFixture) {
	trade := f.Pay(t)
	var won atomic.Int64
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			_, err := f.PSP.Consume(context.Background(), trade.Proof, fmt.Sprint("delivery-", i))
			switch {
			case err == nil:
				won.Add(1)
			case protocol.CodeOf(err) != protocol.CodeProofUsed:
				t.Errorf("%v, want proof_used", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d consumers have one proof", won.Load())
	}
}

func testNoProof(t *testing.T, f PSPFixture) {
	trade := f.Pay(t)
	changed := []byte(trade.Proof)
	changed[len(changed)/2] ^= 1
	for _, proof := range []string{"", "e30", "e30.e30.e30", string(changed), trade.Proof + "A"} {
		if _, err := f.PSP.Consume(context.Background(), proof, "delivery-1"); err == nil || errors.Is(err, protocol.ErrUndetermined) {
			t.Errorf("%d bytes that are no proof: %v", len(proof), err)
		}
	}
	_, err := f.PSP.Consume(context.Background(), trade.Proof, "delivery-1") // none of them has used it up
	want(t, err, "")
}

func testFulfil(t *testing.T, f PSPFixture) {
	ctx, trade, now := context.Background(), f.Pay(t), f.Now()
	_, err := f.PSP.ConfirmFulfilment(ctx, trade.TradeNo, "delivery-1", now)
	want(t, err, protocol.CodeStateConflict)
	_, err = f.PSP.Consume(ctx, trade.Proof, "delivery-1")
	want(t, err, "")
	first, err := f.PSP.ConfirmFulfilment(ctx, trade.TradeNo, "delivery-1", now)
	want(t, err, "")
	if first.TradeNo != trade.TradeNo || first.TradeState != payment.StateTradeFinished || first.ConfirmedAt.IsZero() {
		t.Fatalf("confirmed %+v", first)
	}
	again, err := f.PSP.ConfirmFulfilment(ctx, trade.TradeNo, "delivery-1", now)
	want(t, err, "")
	if again.TradeState != first.TradeState || !again.ConfirmedAt.Equal(first.ConfirmedAt) {
		t.Fatalf("a repeat gets %+v, and first it was %+v", again, first)
	}
	// Who delivered may still learn that the proof is its own.
	consumed, err := f.PSP.Consume(ctx, trade.Proof, "delivery-1")
	want(t, err, "")
	if consumed.TradeState != payment.StateTradeFinished {
		t.Fatalf("the trade is in %s", consumed.TradeState)
	}
}

func testFulfilRefused(t *testing.T, f PSPFixture) {
	ctx, trade, now := context.Background(), f.Pay(t), f.Now()
	_, err := f.PSP.ConfirmFulfilment(ctx, canon.UUID(), "delivery-1", now)
	want(t, err, protocol.CodeTradeUnknown)
	_, err = f.PSP.Consume(ctx, trade.Proof, "delivery-1")
	want(t, err, "")
	_, err = f.PSP.ConfirmFulfilment(ctx, trade.TradeNo, "delivery-2", now)
	want(t, err, protocol.CodeProofUsed)
	_, err = f.PSP.ConfirmFulfilment(ctx, trade.TradeNo, "delivery-1", now)
	want(t, err, "")
}

func testCut(t *testing.T, f PSPFixture) {
	if f.Cut == nil {
		t.Skip("this provider cannot be cut off")
	}
	ctx, trade := context.Background(), f.Pay(t)
	mend := f.Cut()
	_, err := f.PSP.Consume(ctx, trade.Proof, "delivery-1")
	if !errors.Is(err, protocol.ErrUndetermined) {
		t.Errorf("consume: %v, want undetermined", err)
	}
	_, err = f.PSP.ConfirmFulfilment(ctx, trade.TradeNo, "delivery-1", f.Now())
	if !errors.Is(err, protocol.ErrUndetermined) {
		t.Errorf("confirm: %v, want undetermined", err)
	}
	mend()
	_, err = f.PSP.Consume(ctx, trade.Proof, "delivery-1")
	want(t, err, "")
	_, err = f.PSP.ConfirmFulfilment(ctx, trade.TradeNo, "delivery-1", f.Now())
	want(t, err, "")
}
