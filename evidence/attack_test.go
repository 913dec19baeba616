package evidence_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder/recordertest"
)

// A party has a key of purpose anchor to sign its anchors. A log that it makes
// of that key, with any time it likes, is not a chain for those who trust the
// party's document.
func TestPartyIsNoChain(t *testing.T) {
	p := newPurchase(t)
	shop := p.parties[shopDID]
	p.log = recordertest.NewLog("shop.test/coffee", shop.Signer(keys.Anchor), func() time.Time { return p.now })
	p.now = p.now.Add(-30 * 24 * time.Hour) // the shop says that it was a month ago
	p.stores, p.ids = nil, nil
	p.record(shopDID, attestation.Cart{OrderDigest: "sha-256:" + "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", Amount: acttest.CNY(t, "18.00"), ValidUntil: p.now.Add(time.Hour)})
	data, _, err := evidence.Collect(context.Background(), p.sources(), recorderQuery(intentID))
	p.must(err)
	var documents []*identity.Document
	for _, party := range p.parties {
		documents = append(documents, party.Document)
	}
	trust := evidence.TrustDocuments(documents)
	trust.Now = func() time.Time { return p.now }
	_, r := p.verify(data, trust)
	if got := r.Results[0].Conclusion; got != attestation.AnchorQueryTimeout || r.Verified() {
		t.Errorf("a record that only its own maker has dated: %s", got)
	}
	if len(trust.Logs) != 1 || trust.Logs[0].Chain != "chain.test/log" {
		t.Errorf("chains %+v", trust.Logs)
	}
}

// A file in which every record names the sixteen before it is judged in one pass
// over the links: following each by itself took time with the square of them, and
// nobody has to sign such a file.
func TestManyLinks(t *testing.T) {
	p := newPurchase(t)
	data := p.change(p.collect(), func(v tree) {
		first := v.part("records", 0)
		id, _ := first["record_id"].(string)
		var records []any
		name := func(i int) string { return strings.Split(id, "#")[0] + fmt.Sprintf("#rec-%032x", i) }
		for i := range evidence.MaxRecords {
			r := maps.Clone(first)
			links := map[string]any{"intent_id": intentID}
			if i > 0 {
				var up []any
				for k := max(0, i-16); k < i; k++ {
					up = append(up, name(k))
				}
				links["upstream"] = up
			}
			r["record_id"], r["links"] = name(i), links
			signature, _ := r["signatures"].([]any)[0].(map[string]any)
			r["signatures"] = []any{signature}
			records = append(records, map[string]any(r))
		}
		v["records"] = records
	})
	start := time.Now()
	_, r := p.verify(data, p.trust())
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("%s for %d bytes", took, len(data))
	}
	for _, f := range r.Faults {
		if f.Detail == "a record is upstream of itself" {
			t.Fatal(f)
		}
	}
	if len(r.Results) != evidence.MaxRecords || r.Results[9].Record == nil {
		t.Error("not the records that were meant", r.Results[9].Failed)
	}
}

// A circle is told at each of its links and at no link into it.
func TestCircle(t *testing.T) {
	p := newPurchase(t)
	ids := p.ids
	data := p.change(p.collect(), func(v tree) {
		for i, up := range [][]any{{ids[1]}, {ids[2]}, {ids[0]}, {ids[0]}} {
			r := v.part("records", i)
			links, _ := r["links"].(map[string]any)
			links["upstream"] = up
			r["event_time"], r["created_time"] = "2026-04-19T08:01:00Z", "2026-04-19T08:01:00Z"
		}
	})
	_, r := p.verify(data, p.trust())
	var got []string
	for _, f := range r.Faults {
		if f.Detail == "a record is upstream of itself" {
			got = append(got, f.Where)
		}
	}
	if want := []string{"records[0].links.upstream[0]", "records[1].links.upstream[0]", "records[2].links.upstream[0]"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v; all %+v", got, want, r.Faults)
	}
}

// What is invisible is spelled out, also what Unicode counts as a letter or a
// mark and shows as nothing.
func TestInvisible(t *testing.T) {
	p := newPurchase(t)
	d, err := attestation.NewDraft(attestation.Cart{OrderDigest: canon.Sum(nil), Amount: acttest.CNY(t, "18.00"), ValidUntil: p.now.Add(time.Hour)},
		p.now, attestation.Links{IntentID: intentID, MerchantOrderID: "order-2"}, attestation.Participant{ID: shopDID, Role: attestation.Merchant})
	p.must(err)
	d.Body = []byte(strings.Replace(string(d.Body), "{", "{\"note\":\"1\u3164\u115f\u034f\ufe0f\u200b0\",", 1))
	p.put(shopDID, d)
	f, r := p.verify(p.collect(), p.trust())
	var page strings.Builder
	p.must(evidence.View(&page, f, r))
	if !strings.Contains(page.String(), `1\u3164\u115F\u034F\uFE0F\u200B0`) && !strings.Contains(page.String(), `1\u3164\u115f\u034f\ufe0f\u200b0`) {
		t.Error("not spelled out")
	}
}

// TSD-ATT-OFF-04: a salt that stands in two records is told, as it is where the
// records are verified one by one.
func TestSaltTwice(t *testing.T) {
	p := newPurchase(t)
	data := p.change(p.collect(), func(v tree) {
		from, _ := v.part("records", 1)["privacy"].(map[string]any)
		to, _ := v.part("records", 3)["privacy"].(map[string]any)
		to["salt"] = from["salt"]
	})
	_, r := p.verify(data, p.trust())
	if !slices.ContainsFunc(r.Faults, func(f evidence.Fault) bool { return f.Where == "records[3].privacy.salt" }) {
		t.Errorf("%+v", r.Faults)
	}
}
