package verifier_test

import (
	"context"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// benchEvidence is a record of a payment as a purchase has it, with its anchor.
func benchEvidence(b *testing.B) (*evidence, []byte, []byte) {
	b.Helper()
	e := newEvidence(b, keys.EdDSA)
	raw := e.seal("", e.happened(shopDID+"#rec-1"))
	e.keep(raw)
	return e, raw, e.anchor(raw, "retail")
}

// BenchmarkVerifyRecord verifies one record with its anchor. Its floor, raw, is
// the signature checks and hashes alone: the record's, the anchor's, the
// payload hash and a path of twenty hashes, as in a log of a million. The goal
// is at most 1.5 times that.
func BenchmarkVerifyRecord(b *testing.B) {
	e, raw, token := benchEvidence(b)
	expect := verifier.RecordExpectation{Channel: "retail", Anchors: e.chain}
	record, anchor := e.signers[agentDID+"#att"], e.signers[agentDID+"#anchor"]
	recordSig, err := record.Sign(keys.Attestation, raw)
	if err != nil {
		b.Fatal(err)
	}
	anchorSig, err := anchor.Sign(keys.Anchor, token)
	if err != nil {
		b.Fatal(err)
	}
	verify := func() {
		v, err := e.records.Record(context.Background(), raw, expect)
		if err != nil || v.Conclusion != attestation.Verified {
			b.Fatal(v, err)
		}
		path()
	}
	floor := func() {
		if !record.Public().Verify(raw, recordSig) || !anchor.Public().Verify(token, anchorSig) {
			b.Fatal("signature")
		}
		_ = sha256.Sum256(raw)
		path()
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			verify()
		}
	})
	b.Run("raw", func(b *testing.B) {
		for b.Loop() {
			floor()
		}
	})
	// In turns, so that a busy machine is busy for both.
	b.Run("ratio", func(b *testing.B) {
		var one, raw []float64
		for b.Loop() {
			began := time.Now()
			verify()
			middle := time.Now()
			floor()
			one, raw = append(one, float64(middle.Sub(began))), append(raw, float64(time.Since(middle)))
		}
		slices.Sort(one)
		slices.Sort(raw)
		b.ReportMetric(one[len(one)/2]/raw[len(raw)/2], "x-raw")
	})
}

// path computes as many hashes as an inclusion proof in a log of a million.
func path() {
	var node [65]byte
	node[0] = 1
	for range 20 {
		h := sha256.Sum256(node[:])
		copy(node[1:], h[:])
	}
}
