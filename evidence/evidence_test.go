package evidence_test

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
)

func parseTree(data []byte) (v tree, err error) {
	err = json.Unmarshal(data, (*map[string]any)(&v))
	return v, err
}

func formatTree(v tree) ([]byte, error) { return json.Marshal(map[string]any(v)) }

func TestHonestFile(t *testing.T) {
	p := newPurchase(t)
	data := p.collect()
	for name, trust := range map[string]evidence.Trust{
		"TSD-ATT-SVF-02 by keys that are trusted": p.trust(),
		"by keys that the file carries":           {InsecureCarriedKeys: true, Now: p.trust().Now},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := p.verify(data, trust)
			if !r.Verified() || len(r.Results) != 6 {
				t.Fatalf("%+v", r)
			}
			var ids []string
			for _, x := range r.Results {
				ids = append(ids, x.ID)
				if x.Conclusion != attestation.Verified || len(x.Places) != 1 || x.Where != "" {
					t.Errorf("%+v", x)
				}
			}
			if !slices.Equal(ids, p.ids) {
				t.Error("not in the order of events")
			}
			if carried := r.Carried(); (len(carried) == 5) != trust.InsecureCarriedKeys || len(carried) != 0 && !trust.InsecureCarriedKeys {
				t.Errorf("carried: %v", carried)
			}
		})
	}
	t.Run("the zero trust trusts nobody", func(t *testing.T) {
		_, r := p.verify(data, evidence.Trust{})
		for _, x := range r.Results {
			if x.Conclusion != attestation.PublicKeyUnavailable {
				t.Errorf("%+v", x)
			}
		}
	})
	t.Run("a chain that nobody trusts proves nothing", func(t *testing.T) {
		trust := p.trust()
		trust.Logs = nil
		_, r := p.verify(data, trust)
		for _, x := range r.Results {
			if x.Conclusion != attestation.AnchorQueryTimeout || !strings.HasSuffix(x.Where, ".proof") {
				t.Errorf("%+v", x)
			}
		}
	})
	t.Run("printed in another way it says the same", func(t *testing.T) {
		_, r := p.verify(p.change(data, func(tree) {}), p.trust())
		if !r.Verified() {
			t.Errorf("%+v", r)
		}
	})
}

// A tampered file shows where, and the manifest what was changed.
func TestTampered(t *testing.T) {
	p := newPurchase(t)
	data := p.collect()
	stranger := acttest.NewParty(t, pspDID, keys.Attestation, keys.Anchor)
	strange, err := stranger.Document.Encode()
	p.must(err)
	for name, c := range map[string]struct {
		change     func(tree)
		index      int // of the record
		conclusion attestation.Conclusion
		where      string
		fault      string // part that differs from the manifest
	}{
		"TSD-ATT-OFF-05 the amount in a record": {func(v tree) {
			v.part("records", 4).in("event_body")["amount"] = "1.00"
		}, 4, attestation.PayloadHashMismatch, "records[4]", "records[4]"},
		"TSD-ATT-OFF-08 the time of a record": {func(v tree) {
			v.part("records", 3)["event_time"] = "2026-04-19T08:03:59Z"
			v.part("records", 3)["created_time"] = "2026-04-19T08:03:59Z"
		}, 3, attestation.SignatureInvalid, "records[3]", "records[3]"},
		"TSD-ATT-OCA-04 a hash in a proof": {func(v tree) {
			proof, _ := v.part("anchors", 5)["proof"].(string)
			lines := strings.Split(proof, "\n")
			lines[3] = strings.Repeat("A", 43) + "="
			v.part("anchors", 5)["proof"] = strings.Join(lines, "\n")
		}, 5, attestation.AnchorQueryTimeout, "anchors[5].proof", "anchors[5]"},
		"TSD-ATT-OCA-03 the proof of another record": {func(v tree) {
			v.part("anchors", 2)["proof"] = v.part("anchors", 1)["proof"]
		}, 2, attestation.AnchorQueryTimeout, "anchors[2].proof", "anchors[2]"},
		"TSD-ATT-OFF-10 a record that was made anew": {func(v tree) {
			v.list("records")[4] = p.again(4, stranger)
		}, 4, attestation.SignatureInvalid, "records[4]", "records[4]"},
		"what is no record any more": {func(v tree) {
			delete(v.part("records", 1), "privacy")
		}, 1, "", "records[1]", "records[1]"},
		"TSD-ATT-OCA-01 an anchor that was taken out": {func(v tree) {
			v.remove("anchors", 0)
		}, 0, attestation.AnchorQueryTimeout, "anchors", "manifest.anchors[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := p.verify(p.change(data, c.change), p.trust())
			x := r.Results[slices.IndexFunc(r.Results, func(x evidence.Result) bool { return x.Index == c.index })]
			if x.Conclusion != c.conclusion || x.Where != c.where || x.Failed.Name == "" {
				t.Errorf("got %q at %s (%s)", x.Conclusion, x.Where, x.Failed)
			}
			others := slices.DeleteFunc(slices.Clone(r.Results), func(o evidence.Result) bool { return o.Index == c.index })
			for _, o := range others {
				if o.Conclusion != attestation.Verified {
					t.Errorf("an honest record is %s at %s", o.Conclusion, o.Where)
				}
			}
			if r.Verified() || !slices.ContainsFunc(r.Faults, func(f evidence.Fault) bool { return f.Where == c.fault }) {
				t.Errorf("faults: %+v, want one at %s", r.Faults, c.fault)
			}
		})
	}
	t.Run("TSD-ATT-OFF-03 a record that was taken out", func(t *testing.T) {
		_, r := p.verify(p.change(data, func(v tree) { v.remove("records", 3); v.remove("anchors", 3) }), p.trust())
		var where []string
		for _, f := range r.Faults {
			where = append(where, f.Where)
		}
		if r.Verified() || !slices.Contains(where, "manifest.records[3]") || !slices.Contains(where, "records[3].links.upstream[1]") {
			t.Errorf("faults at %v", where)
		}
	})
	t.Run("a key in a document that the file carries", func(t *testing.T) {
		changed := p.change(data, func(v tree) {
			for i := range v.list("documents") {
				if doc := v.part("documents", i).in("document"); doc["id"] == pspDID {
					doc := tree{}
					p.must(json.Unmarshal(strange, (*map[string]any)(&doc)))
					v.part("documents", i)["document"] = map[string]any(doc)
				}
			}
		})
		_, r := p.verify(changed, evidence.Trust{InsecureCarriedKeys: true, Now: p.trust().Now})
		if r.Results[4].Conclusion != attestation.SignatureInvalid || r.Results[4].Signer != pspDID {
			t.Errorf("%+v", r.Results[4])
		}
		if len(r.Faults) != 1 || r.Faults[0].ID != pspDID || !strings.HasPrefix(r.Faults[0].Where, "documents[") {
			t.Errorf("%+v", r.Faults)
		}
	})
}

// again makes a record of the same event and id by somebody else's keys.
func (p *purchase) again(i int, by *acttest.Party) any {
	p.t.Helper()
	for _, store := range p.stores {
		s, err := store.Get(context.Background(), p.ids[i])
		if err != nil {
			continue
		}
		u, err := attestation.Parse(s.Record)
		p.must(err)
		raw, err := attestation.Sealer{}.Seal(attestation.By(by.Signer(keys.Attestation)), p.ids[i], attestation.Draft{
			Type: u.Record.Type, EventTime: u.Record.EventTime, Links: u.Record.Links, Participants: u.Record.Participants, Body: u.Record.Body,
		}, u.Record.CreatedTime)
		p.must(err)
		var v map[string]any
		p.must(json.Unmarshal(raw, &v))
		return v
	}
	p.t.Fatal("no such record")
	return nil
}

// One changed character anywhere in a proof or a record is never VERIFIED by
// keys that are trusted, and never the fault of another record.
func TestAnyChangedCharacter(t *testing.T) {
	p := newPurchase(t)
	data := p.collect()
	changed := 0
	for at := 0; at < len(data); at += 61 {
		mutant := bytes.Clone(data)
		if mutant[at] = data[at] ^ 1; mutant[at] < ' ' || mutant[at] == '"' || mutant[at] == '\\' {
			continue
		}
		f, err := evidence.Open(mutant)
		if err != nil {
			continue
		}
		r, err := f.Verify(context.Background(), p.trust())
		p.must(err)
		changed++
		// When it was collected and fetched is the collector's word and no more.
		word := regexp.MustCompile(`"(collected|fetched)_time": "[^"]*$`)
		if r.Verified() && !word.Match(data[max(0, at-60):at]) {
			t.Errorf("a change at %d, behind %q, was not noticed", at, data[max(0, at-60):at])
		}
	}
	if changed < 100 {
		t.Errorf("only %d files could be opened", changed)
	}
}

func TestCollect(t *testing.T) {
	p := newPurchase(t)
	ctx := context.Background()
	t.Run("by trade, with all that led to it", func(t *testing.T) {
		data, _, err := evidence.Collect(ctx, p.sources(), recorder.Query{TradeNo: "trade-1"})
		p.must(err)
		if _, r := p.verify(data, p.trust()); !r.Verified() || len(r.Results) != 6 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("gaps are told and nothing is concluded there", func(t *testing.T) {
		s := p.sources()
		s.Stores = slices.Delete(slices.Clone(s.Stores), 3, 4) // the cart
		delete(p.parties, issuerDID)
		data, gaps, err := evidence.Collect(ctx, s, recorder.Query{TradeNo: "trade-1"})
		p.must(err)
		if len(gaps) != 2 || gaps[0].Part != "record" || gaps[0].ID != p.ids[3] || gaps[1].Part != "document" || gaps[1].ID != issuerDID {
			t.Errorf("gaps %+v", gaps)
		}
		_, r := p.verify(data, evidence.Trust{InsecureCarriedKeys: true, Now: p.trust().Now})
		i := slices.IndexFunc(r.Results, func(x evidence.Result) bool { return x.ID == p.ids[1] })
		if i < 0 || r.Results[i].Conclusion != attestation.PublicKeyUnavailable || r.Results[i].Signer != issuerDID || len(r.Faults) == 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("nothing found is no file", func(t *testing.T) {
		_, _, err := evidence.Collect(ctx, p.sources(), recorder.Query{TradeNo: "none"})
		wantCode(t, err, protocol.CodeFieldMissing)
	})
	t.Run("a store that lies", func(t *testing.T) {
		liar, err := recorder.OpenFileStore(t.TempDir())
		p.must(err)
		defer liar.Close()
		raw, err := json.Marshal(p.again(4, p.parties[pspDID]))
		p.must(err)
		p.must(liar.Put(ctx, raw))
		s := p.sources()
		s.Stores = append(slices.Clone(s.Stores), liar)
		_, _, err = evidence.Collect(ctx, s, recorder.Query{TradeNo: "trade-1"})
		wantCode(t, err, protocol.CodeClaimsConflict)
	})
	t.Run("what is needed", func(t *testing.T) {
		_, _, err := evidence.Collect(ctx, evidence.Sources{}, recorder.Query{TradeNo: "t"})
		wantCode(t, err, protocol.CodeFieldMissing)
		_, _, err = evidence.Collect(ctx, evidence.Sources{Stores: p.stores}, recorder.Query{TradeNo: "t"})
		wantCode(t, err, protocol.CodeFieldMissing)
	})
}

// A record that is not anchored when the file is made is proved by the chain, or
// told as a gap.
func TestNotAnchored(t *testing.T) {
	p := newPurchase(t)
	bare, err := recorder.OpenFileStore(t.TempDir())
	p.must(err)
	defer bare.Close()
	s, err := p.stores[5].Get(context.Background(), p.ids[5])
	p.must(err)
	p.must(bare.Put(context.Background(), s.Record))
	p.must(bare.PutAnchor(context.Background(), s.Anchors[0].Token))
	p.stores[5] = bare
	_, gaps, err := evidence.Collect(context.Background(), p.sources(), recorder.Query{TradeNo: "trade-1"})
	p.must(err)
	if len(gaps) != 1 || gaps[0].Part != "anchor" || gaps[0].ID != p.ids[5] {
		t.Errorf("gaps %+v", gaps)
	}
	sources := p.sources()
	sources.Chain = p.log
	data, gaps, err := evidence.Collect(context.Background(), sources, recorder.Query{TradeNo: "trade-1"})
	p.must(err)
	if _, r := p.verify(data, p.trust()); !r.Verified() || len(gaps) != 0 {
		t.Errorf("%+v, %+v", r, gaps)
	}
}

func TestOpenRefuses(t *testing.T) {
	p := newPurchase(t)
	data := p.collect()
	for name, c := range map[string]struct {
		change func(tree)
		code   protocol.Code
	}{
		"another version":    {func(v tree) { v["evidence_version"] = "2.0" }, protocol.CodeFieldInvalid},
		"an unknown member":  {func(v tree) { v["note"] = "x" }, protocol.CodeFieldUnknown},
		"no record":          {func(v tree) { v["records"] = []any{} }, protocol.CodeFieldMissing},
		"a record twice":     {func(v tree) { v["records"] = append(v.list("records"), v.list("records")[0]) }, protocol.CodeFieldInvalid},
		"a document twice":   {func(v tree) { v["documents"] = append(v.list("documents"), v.list("documents")[0]) }, protocol.CodeFieldInvalid},
		"a proof twice":      {func(v tree) { v["anchors"] = append(v.list("anchors"), v.list("anchors")[0]) }, protocol.CodeFieldInvalid},
		"a channel":          {func(v tree) { v.part("anchors", 0)["channel"] = "A b" }, protocol.CodeFieldInvalid},
		"no channel":         {func(v tree) { v.part("anchors", 0)["channel"] = "" }, protocol.CodeFieldMissing},
		"a time":             {func(v tree) { v["collected_time"] = "yesterday" }, protocol.CodeFieldInvalid},
		"a document, no DID": {func(v tree) { v.part("documents", 0)["document"] = map[string]any{} }, protocol.CodeFieldInvalid},
		"a manifest's entry": {func(v tree) { v.in("manifest").part("records", 0)["digest"] = "md5:x" }, protocol.CodeFieldInvalid},
		"too many records": {func(v tree) {
			v["records"] = slices.Repeat(v.list("records"), 100)
		}, protocol.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := evidence.Open(p.change(data, c.change))
			wantCode(t, err, c.code)
		})
	}
	_, err := evidence.Open(bytes.Repeat([]byte(" "), evidence.MaxFile+1))
	wantCode(t, err, protocol.CodeTooLarge)
}

func TestTrustIsChecked(t *testing.T) {
	p := newPurchase(t)
	f, err := evidence.Open(p.collect())
	p.must(err)
	trust := p.trust()
	trust.Logs[0].Keys = nil
	_, err = f.Verify(context.Background(), trust)
	wantCode(t, err, protocol.CodeFieldMissing)
}

// TSD-ATT-SVF-05: a key that was rotated since verifies what it signed in its
// time; one that was stolen verifies nothing.
func TestKeysOfTheirTime(t *testing.T) {
	p := newPurchase(t)
	data := p.collect()
	doc := p.parties[pspDID].Document
	for i := range doc.Keys {
		doc.Keys[i].NotAfter = p.now.Add(time.Hour)
	}
	if _, r := p.verify(data, p.trust()); !r.Verified() {
		t.Errorf("retired: %+v", r)
	}
	doc.Keys[0].Compromised = true
	if _, r := p.verify(data, p.trust()); r.Results[4].Conclusion != attestation.PublicKeyUnavailable || r.Results[4].Signer != pspDID {
		t.Errorf("compromised: %+v", r.Results[4])
	}
}

func wantCode(t testing.TB, err error, want protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}
