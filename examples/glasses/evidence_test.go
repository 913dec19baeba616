package main

import (
	"testing"

	"github.com/actprotocol/act-go/examples/internal/stage/stagetest"
	"github.com/actprotocol/act-go/protocol/attestation"
)

// TestEvidence: the story leaves all its evidence (TSD-ATT-EVT-03).
func TestEvidence(t *testing.T) {
	stagetest.Evidence(t, tell,
		attestation.IntentCreated,
		attestation.CartConfirmed,
		attestation.TransactionCompleted,
		attestation.FulfillmentCompleted,
	)
}
