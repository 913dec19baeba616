package evidence_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/protocol"
)

// Whatever stands in a file, reading, verifying and showing it end with a file
// and a page or with an error of ours, and nobody is trusted by it.
func FuzzOpen(f *testing.F) {
	f.Add(newPurchase(f).collect())
	f.Add([]byte(`{"evidence_version":"1.0","collected_time":"2026-04-19T08:00:00Z","records":[{}],"anchors":[],"documents":[],"manifest":{"records":[],"anchors":[],"documents":[]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := evidence.Open(data)
		if err != nil {
			if protocol.CodeOf(err) == "" {
				t.Fatalf("not an error of ours: %v", err)
			}
			return
		}
		for _, carried := range []bool{false, true} {
			r, err := file.Verify(context.Background(), evidence.Trust{InsecureCarriedKeys: carried, Now: func() time.Time { return time.Unix(1776600000, 0) }})
			if err != nil {
				t.Fatal(err)
			}
			if r.Verified() && !carried {
				t.Fatal("verified by nobody's keys")
			}
			if err := evidence.View(new(bytes.Buffer), file, r); err != nil {
				t.Fatal(err)
			}
		}
	})
}
