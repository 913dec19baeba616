package main

import (
	"bytes"
	"testing"

	"github.com/actprotocol/act-go/examples/internal/stage/stagetest"
	"github.com/actprotocol/act-go/protocol/attestation"
)

// TestEvidence: the story leaves all its evidence (TSD-ATT-EVT-03).
func TestEvidence(t *testing.T) {
	data := stagetest.Evidence(t, tell,
		attestation.IntentCreated,
		attestation.DelegationIssued,
		attestation.CartConfirmed,
		attestation.TransactionCompleted,
		attestation.FulfillmentCompleted,
	)
	if bytes.Contains(data, []byte("Harbour")) || bytes.Contains(data, []byte("4711")) {
		t.Error("PRV-04 the evidence tells where she lives")
	}
}
