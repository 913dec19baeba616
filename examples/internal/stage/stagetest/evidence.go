// Package stagetest tests what every scenario promises.
package stagetest

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol/attestation"
)

// Evidence tells a story that leaves its evidence, and requires that every record
// is VERIFIED, that every one but the intents' names what led to it, and that
// the records are of these types, each at least once, and of no other. It
// returns the file.
func Evidence(t *testing.T, tell func(context.Context, *stage.Narrator) error, want ...attestation.EventType) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "evidence.json")
	if err := tell(t.Context(), &stage.Narrator{Out: io.Discard, Evidence: file}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := evidence.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	// Nobody else knows the keys of a story; that they are right is not at issue.
	report, err := f.Verify(t.Context(), evidence.Trust{InsecureCarriedKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Verified() {
		t.Errorf("TSD-ATT-SVF-02 not all is VERIFIED: %+v", report.Faults)
	}
	found := map[attestation.EventType]int{}
	for _, r := range report.Results {
		if r.Conclusion != attestation.Verified {
			t.Errorf("%s: %s at %s: %s", r.ID, r.Conclusion, r.Where, r.Failed)
		}
		if r.Record == nil {
			continue
		}
		found[r.Record.Type]++
		if first := r.Record.Type == attestation.IntentCreated; first != (len(r.Record.Links.Upstream) == 0) {
			t.Errorf("TSD-ATT-OFF-03 a %s with %d records upstream", r.Record.Type, len(r.Record.Links.Upstream))
		}
		if _, err := r.Record.Content(); err != nil {
			t.Errorf("TSD-ATT-EVT-03 %s: %v", r.Record.Type, err)
		}
	}
	for _, e := range attestation.Events() {
		if wanted := slices.Contains(want, e); wanted != (found[e] > 0) {
			t.Errorf("%d records of %s", found[e], e)
		}
	}
	if paid, delivered := found[attestation.TransactionCompleted], found[attestation.FulfillmentCompleted]; paid < delivered {
		t.Errorf("%d payments and %d deliveries", paid, delivered)
	}
	return data
}
