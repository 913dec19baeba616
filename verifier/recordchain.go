package verifier

import (
	"context"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
)

// didOf is the part of a DID URL before the fragment.
func didOf(url string) string {
	did, _, _ := strings.Cut(url, "#")
	return did
}

// A recordWalk verifies a record and what is upstream, each record once.
type recordWalk struct {
	v        *Verifier
	expect   RecordExpectation
	verdicts map[string]*RecordVerdict // by id, of records that entered the checks
	open     map[string]bool           // ids on the way from the first record to here
	salts    map[string]bool           // of the records so far
	count    int
}

func (v *Verifier) walk(expect RecordExpectation) *recordWalk {
	return &recordWalk{v: v, expect: expect, verdicts: map[string]*RecordVerdict{}, open: map[string]bool{}, salts: map[string]bool{}}
}

// record verifies one record, and then what is upstream of it when it is
// VERIFIED: the links of a record that is not are nobody's word.
func (w *recordWalk) record(ctx context.Context, u *attestation.Unverified, depth int) *RecordVerdict {
	id := u.Record.ID
	verdict := &RecordVerdict{RecordID: id, Record: &u.Record}
	w.verdicts[id] = verdict
	w.count++
	s := steps{v: w.v, expect: &w.expect, u: u, verdict: verdict}
	s.run(ctx)
	w.audit(verdict)
	if verdict.Conclusion != attestation.Verified || w.expect.Upstream == nil {
		return verdict
	}
	salt := string(u.Record.Salt)
	verdict.Checks.Require(!w.salts[salt], protocol.CodeClaimsConflict, "TSD-ATT-OFF-04", "salt of no other record seen here", "privacy.salt", "the salt of another record")
	w.salts[salt] = true
	w.open[id] = true
	defer delete(w.open, id)
	for _, up := range u.Record.Links.Upstream {
		next := w.upstream(ctx, up, depth-1)
		verdict.Upstream = append(verdict.Upstream, next)
		verdict.Checks.Record("TSD-ATT-OFF-03", "upstream record belongs to this one", link(&u.Record, next))
	}
	return verdict
}

// upstream verifies the record of this id, unless that was done before.
func (w *recordWalk) upstream(ctx context.Context, id string, depth int) *RecordVerdict {
	refuse := func(err error) *RecordVerdict {
		v := &RecordVerdict{RecordID: id, Err: err}
		v.Checks.Record("TSD-ATT-SVF-01", "record upstream", err)
		return v
	}
	if w.open[id] {
		return refuse(protocol.New(protocol.CodeClaimsConflict, "links.upstream", "TSD-ATT-SVF-01", "a record is upstream of itself"))
	}
	if known := w.verdicts[id]; known != nil {
		return known
	}
	if depth < 0 || w.count >= maxRecords {
		return refuse(protocol.New(protocol.CodeTooLarge, "links.upstream", "TSD-ATT-SVF-01", "more than is followed"))
	}
	u, err := retrieve(ctx, w.expect.Upstream, id, w.expect.Suites)
	if err != nil {
		return refuse(err)
	}
	return w.record(ctx, u, depth)
}

// link judges whether what is upstream can have led to a record: it is of the
// same process, and happened before.
func link(r *attestation.Record, up *RecordVerdict) error {
	if up.Record == nil {
		return nil // what is wrong stands in its own verdict
	}
	if up.Record.Links.IntentID != r.Links.IntentID {
		return protocol.New(protocol.CodeClaimsConflict, "links.intent_id", "TSD-ATT-OFF-03", "the record upstream is of another process")
	}
	if up.Record.EventTime.After(r.EventTime.Add(clockSkew)) {
		return protocol.New(protocol.CodeClaimsConflict, "links.upstream", "TSD-ATT-OFF-03", "the record upstream happened later")
	}
	return nil
}

// audit tells what came of one record (TSD-ATT-SVF-06).
func (w *recordWalk) audit(v *RecordVerdict) {
	if w.expect.Audit == nil {
		return
	}
	e := AuditEntry{
		Time: w.v.now(), Requester: w.expect.Requester, RecordID: v.RecordID, Keys: v.Keys,
		Conclusion: v.Conclusion, Signer: v.Signer,
	}
	if v.Anchor != nil {
		e.Place, e.At = v.Anchor.Place, v.Anchor.At
	}
	w.expect.Audit(e)
}
