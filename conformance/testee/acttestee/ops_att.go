package main

import (
	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol/canon"
)

// attOperations are about records, anchors, logs and disputes.
func attOperations() map[string]testee.Operation {
	return map[string]testee.Operation{
		"attestation.record.verify":  testee.Of(verifyRecord),
		"attestation.record.content": testee.Of(readContent),
		"attestation.draft.check":    testee.Of(checkDraft),
		"attestation.anchor.sign":    testee.Of(signAnchor),
		"attestation.anchor.verify":  testee.Of(verifyAnchor),
		"attestation.log.verify":     testee.Of(verifyLog),
		"attestation.log.contradict": testee.Of(contradictLog),
		"attestation.dispute.verify": testee.Of(verifyDispute),
		"attestation.dispute.decide": testee.Of(decideDispute),
		"evidence.verify":            testee.Of(verifyEvidence),
		"guomi.digest":               testee.Of(digestGuomi),
		"guomi.verify":               testee.Of(verifyGuomi),
	}
}

// recordIDOf is the id that a text says to be a record of; empty when it is none.
func recordIDOf(text string) string {
	var r struct {
		ID string `json:"record_id"`
	}
	if canon.DecodeOpen([]byte(text), &r) != nil {
		return ""
	}
	return r.ID
}
