package evidence_test

import (
	"context"
	"slices"
	"testing"

	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/recorder"
)

// TestSeveral: one file may hold several processes, and a record of one has
// nothing of another upstream (TSD-ATT-OFF-03).
func TestSeveral(t *testing.T) {
	p := newPurchase(t)
	other := func(upstream ...string) {
		d, err := attestation.NewDraft(attestation.Intent{IntentDigest: canon.Sum([]byte("another"))}, p.now,
			attestation.Links{IntentID: "intent-2", Upstream: upstream}, attestation.Participant{ID: agentDID, Role: attestation.PayerAgent})
		p.must(err)
		p.put(agentDID, d)
	}
	collect := func() []byte {
		data, gaps, err := evidence.Collect(context.Background(), p.sources(), recorderQuery(intentID), recorderQuery("intent-2"), recorderQuery(intentID))
		p.must(err)
		if len(gaps) != 0 {
			t.Fatalf("gaps: %+v", gaps)
		}
		return data
	}
	other()
	if _, r := p.verify(collect(), p.trust()); !r.Verified() || len(r.Results) != 7 {
		t.Errorf("%d records, faults %+v", len(r.Results), r.Faults)
	}
	other(p.ids[0])
	_, r := p.verify(collect(), p.trust())
	if r.Verified() || !slices.ContainsFunc(r.Faults, func(f evidence.Fault) bool { return f.Detail == "the record upstream is of another process" }) {
		t.Errorf("TSD-ATT-OFF-03 faults %+v", r.Faults)
	}
	var none []recorder.Query
	if _, _, err := evidence.Collect(context.Background(), p.sources(), none...); protocol.CodeOf(err) != protocol.CodeFieldMissing {
		t.Errorf("everything was collected: %v", err)
	}
}
