package server_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
)

// TSD-ATT-EVT-02 PSD-PAY-A402-24: every payment is attested in the end, also one
// of a processor that ended before, and a recorder that fails delays no payment.
func TestAttest(t *testing.T) {
	w := newWorld(t)
	want := []string{w.pay(w.Sign(w.latte("1.00"))).TradeNo} // attested by the next process
	var mu sync.Mutex
	var told []attestation.Draft
	fail := 2
	w.restart(func(c *server.Config) {
		c.Attest = func(_ context.Context, d attestation.Draft) error {
			mu.Lock()
			defer mu.Unlock()
			if fail > 0 {
				fail--
				return errors.New("the queue is full")
			}
			told = append(told, d)
			return nil
		}
	})
	want = append(want, w.pay(w.Sign(w.latte("2.00"))).TradeNo)
	until(t, "all are attested", func() bool { return w.waiting() == 0 })
	w.server.Close()
	if len(told) != len(want) {
		t.Fatalf("%d drafts of %d payments", len(told), len(want))
	}
	for i, d := range told {
		if err := d.Check(w.PSP); err != nil {
			t.Errorf("draft %d: %v", i, err)
		}
		if d.Type != attestation.TransactionCompleted || d.Links.TradeNo != want[i] || d.Links.IntentID == "" {
			t.Errorf("draft %d: %s %+v", i, d.Type, d.Links)
		}
	}
	w.sound()
}

// TSD-ATT-EVT-02: a payment of which no record can be made is passed over, and
// those behind it are attested.
func TestAttestDenied(t *testing.T) {
	w := newWorld(t)
	first := w.pay(w.Sign(w.latte("1.00"))).TradeNo
	var mu sync.Mutex
	var told []string
	w.restart(func(c *server.Config) {
		c.Attest = func(_ context.Context, d attestation.Draft) error {
			if d.Links.TradeNo == first {
				return protocol.New(protocol.CodeFieldInvalid, "links.merchant_order_id", "TSD-ATT-OFF-07", "")
			}
			mu.Lock()
			defer mu.Unlock()
			told = append(told, d.Links.TradeNo)
			return nil
		}
	})
	second := w.pay(w.Sign(w.latte("2.00"))).TradeNo
	until(t, "nothing waits", func() bool { return w.waiting() == 0 })
	w.server.Close()
	if len(told) != 1 || told[0] != second {
		t.Errorf("attested %v", told)
	}
}
