package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// TestReportsOfOtherProcesses: of several processes on one book, one reports; it
// reports what the others were asked to pay too, although nobody wakes it.
func TestReportsOfOtherProcesses(t *testing.T) {
	w := newWorld(t)
	private, err := keys.Generate(keys.EdDSA)
	w.must(err)
	signer, err := keys.NewSigner(w.PSP+"#proof-1", keys.Proof, private)
	w.must(err)
	heard := new(audience)
	other, err := server.New(context.Background(), server.Config{
		ID: w.server.ID(), Signer: signer, Ledger: w.server.Ledger(), Keys: verifier.NewStaticKeys(w.Documents()...), Status: w.status,
		Now: w.Now, Report: heard.take, Shared: true,
	})
	w.must(err)
	t.Cleanup(other.Close)
	time.Sleep(100 * time.Millisecond) // it has looked, and found nothing
	paid := w.pay(w.Sign(w.latte("18.00")))
	until(t, "the payment of the other process is reported", func() bool { return len(heard.heard()) == 1 })
	if got := heard.heard()[0].TradeNo; got != paid.TradeNo {
		t.Errorf("PSD-PAY-A402-24: %s", got)
	}
}
