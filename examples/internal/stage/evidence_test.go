package stage

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
)

// TestEvidenceLacks: what could not be recorded is told at the end, and stops
// nothing before.
func TestEvidenceLacks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "evidence.json")
	w, err := New(t.Context(), &Narrator{Out: io.Discard, Evidence: file})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := w.NewAgentKey("agent")
	if err != nil {
		t.Fatal(err)
	}
	// A delivery of which no payment was ever told: it waits, and in the end is
	// recorded without one, which lacks an intent.
	draft, err := attestation.NewDraft(attestation.Delivery{DeliveredAt: w.Now(), ResultDigest: canon.Sum(nil)}, w.Now(),
		attestation.Links{MerchantOrderID: "o", TradeNo: "t"}, attestation.Participant{ID: signer.DID(), Role: attestation.PayerAgent})
	if err != nil {
		t.Fatal(err)
	}
	w.attests(signer.DID())(draft)
	w.attests("did:act:localhost/nobody")(draft)
	w.Pass(time.Hour)
	err = w.Close(context.Background())
	if err == nil || strings.Count(err.Error(), "fulfillment-completed by did:act:") < 2 {
		t.Errorf("the end tells %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file of evidence that is not whole")
	}
}

// TestNoEvidence: a world keeps none unless it is asked to.
func TestNoEvidence(t *testing.T) {
	var out bytes.Buffer
	w, err := New(t.Context(), &Narrator{Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	if w.attests("x") != nil || w.attestsPayments("x") != nil || w.Bank.evidenceKeys() != nil {
		t.Error("somebody records")
	}
	if err := w.Evidence(t.Context(), "nowhere"); err == nil {
		t.Error("evidence of nothing")
	}
	if err := w.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
