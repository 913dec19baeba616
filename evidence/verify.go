package evidence

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
	"github.com/actprotocol/act-go/verifier"
)

// Trust says whose keys count. The zero value trusts nobody: every record is
// PUBLIC_KEY_UNAVAILABLE.
type Trust struct {
	// Keys finds the keys of the parties that are trusted: verifier.StaticKeys
	// of documents that were had by another way than this file.
	Keys verifier.KeySource
	// Logs are the chains that are trusted.
	Logs []trustlog.Trust

	// InsecureCarriedKeys uses the documents that the file itself carries, for
	// parties of whom Keys says key_unavailable and chains that are not among
	// Logs. It shows that a file is consistent, and no more: whoever makes up a
	// file makes up its documents too. Reports say whose keys were the file's.
	InsecureCarriedKeys bool

	Suites    []keys.Suite // as in verifier.RecordExpectation
	SuiteKeys verifier.SuiteKeySource
	MaxLag    time.Duration
	Now       func() time.Time // nil means time.Now
}

// TrustDocuments trusts the parties of DID documents that were had by another way
// than the file, and the chains among them: a did:act whose document has keys of
// purpose anchor and of no other is the identifier of a chain (SPEC.md 10.6). A
// party has keys of that purpose too, for its anchors, and is never taken for a
// chain: it would date its own records. Each witness must have signed.
func TrustDocuments(documents []*identity.Document, witnesses ...trustlog.Witness) Trust {
	t := Trust{Keys: verifier.NewStaticKeys(documents...)}
	for _, d := range documents {
		log := trustlog.Trust{Chain: chainName(d.ID), Keys: anchorKeys(d), Witnesses: witnesses}
		if onlyAnchors(d) && log.Check() == nil {
			t.Logs = append(t.Logs, log)
		}
	}
	return t
}

// A Report is what came of verifying a file.
type Report struct {
	Results []Result // one a record, by the time of the event
	Faults  []Fault  // what is wrong with the file as a whole, or between records
}

// A Result is what came of verifying one record.
type Result struct {
	Index  int    // in the file's records
	ID     string // empty when the record has none that can be read
	Record *attestation.Record
	// Conclusion is one of the seven, or empty when this is no record: then
	// nothing was checked.
	Conclusion attestation.Conclusion
	Signer     string // of whose signature or key failed
	// Where is the part of the file at which it failed: "records[2]",
	// "anchors[1].proof". Empty when VERIFIED.
	Where string
	// Failed is the check that failed. Its text is constant, without input.
	Failed protocol.Check
	// Places are where the record is anchored, proved.
	Places []*trustlog.Place
	// Carried are the DIDs whose keys are believed only because the file has
	// them.
	Carried []string
}

// A Fault is something wrong outside of a single record.
type Fault struct {
	Where  string // "manifest.records[3]", "records[2].links.upstream[0]"
	ID     string // of the record, or the DID of the document
	Detail string // constant text
}

// Verified reports whether every record is VERIFIED and nothing else is wrong.
func (r *Report) Verified() bool {
	return len(r.Results) > 0 && len(r.Faults) == 0 &&
		!slices.ContainsFunc(r.Results, func(x Result) bool { return x.Conclusion != attestation.Verified })
}

// Carried are the DIDs whose keys are believed only because the file has them.
func (r *Report) Carried() []string {
	var out []string
	for _, x := range r.Results {
		for _, did := range x.Carried {
			if !slices.Contains(out, did) {
				out = append(out, did)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Verify verifies every record of the file offline, by the steps and with the
// conclusions of TSD-ATT-SVF, the proof of its anchor included; that the parts
// are those of the manifest; and that what a record names upstream is there, of
// the same process, and not later.
//
// A record with a proof in several channels is VERIFIED when all of them hold.
// A proof that is missing or does not hold is ANCHOR_QUERY_TIMEOUT: the file is
// not the chain, and cannot say that the chain has no anchor.
//
// Verify fetches nothing unless Trust.Keys does, and fails only for a Trust
// that is malformed.
func (f *File) Verify(ctx context.Context, t Trust) (*Report, error) {
	for _, l := range t.Logs {
		if err := l.Check(); err != nil {
			return nil, protocol.In(err, "trust.logs")
		}
	}
	report := &Report{}
	for i := range f.records {
		x, err := f.verifyRecord(ctx, t, i)
		if err != nil {
			return nil, err
		}
		report.Results = append(report.Results, x)
	}
	report.Faults = append(f.checkManifest(), f.checkLinks()...)
	slices.SortStableFunc(report.Results, func(a, b Result) int { return eventTime(a).Compare(eventTime(b)) })
	return report, nil
}

// eventTime sorts what is no record behind the others.
func eventTime(x Result) time.Time {
	if x.Record == nil {
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return x.Record.EventTime
}

// noChannel stands for the channel of a record without any proof. Its anchor is
// never found there.
const noChannel = "none"

func (f *File) verifyRecord(ctx context.Context, t Trust, i int) (Result, error) {
	p := f.records[i]
	out := Result{Index: i, ID: p.id, Record: p.rec, Where: at("records", i)}
	if p.err != nil {
		out.Failed = failure("form of the record", p.err)
		return out, nil
	}
	out.Conclusion, out.Where = attestation.Verified, ""
	anchored := false
	for j, a := range f.anchors {
		if a.id != p.id {
			continue
		}
		anchored = true
		if err := f.verifyAnchored(ctx, t, &out, j); err != nil || out.Conclusion != attestation.Verified {
			return out, err
		}
	}
	if !anchored {
		return out, f.verifyAnchored(ctx, t, &out, -1)
	}
	return out, nil
}

// verifyAnchored verifies a record with one of its proofs; -1 stands for none.
func (f *File) verifyAnchored(ctx context.Context, t Trust, out *Result, proof int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	keySource := &fileKeys{file: f, trust: t, out: out}
	v, err := verifier.NewRecordVerifier(keySource, t.Now)
	if err != nil {
		return err
	}
	answer := &answer{stop: cancel}
	channel := noChannel
	if proof < 0 {
		answer.err = protocol.New(protocol.CodeServiceUnavailable, "anchor", "TSD-ATT-SVF-03", "the file has no proof of an anchor")
	} else {
		channel = f.anchors[proof].channel
		answer.place, answer.err = f.verifyProof(t, out, proof)
	}
	verdict, err := v.Record(ctx, f.records[out.Index].raw, verifier.RecordExpectation{
		Channel: channel, Anchors: answer, Suites: t.Suites, SuiteKeys: t.SuiteKeys, MaxLag: t.MaxLag,
	})
	if err != nil { // a record whose algorithms are not read here
		out.Conclusion, out.Where, out.Failed = "", at("records", out.Index), failure("algorithms of the record", err)
		return nil
	}
	if answer.err == nil {
		out.Places = append(out.Places, answer.place)
	}
	out.Conclusion, out.Signer = verdict.Conclusion, verdict.Signer
	if out.Conclusion == attestation.Verified {
		return nil
	}
	out.Where = f.where(out, proof)
	for _, c := range verdict.Checks.Failed() {
		out.Failed = c
	}
	if out.Conclusion == attestation.AnchorQueryTimeout && answer.err != nil {
		out.Failed = failure("proof of the anchor", answer.err)
	}
	return nil
}

// where names the part of the file at which a verification failed.
func (f *File) where(x *Result, proof int) string {
	record := at("records", x.Index)
	switch x.Conclusion {
	case attestation.ChainHashMismatch:
		return record + ", " + at("anchors", proof)
	case attestation.AnchorQueryTimeout, attestation.AnchorNotFound:
		if proof < 0 {
			return "anchors"
		}
		return at("anchors", proof) + ".proof"
	case attestation.PublicKeyUnavailable:
		i := slices.IndexFunc(f.documents, func(d documentPart) bool { return d.did.String() == x.Signer })
		if i < 0 {
			return "documents"
		}
		return at("documents", i)
	}
	return record
}

func failure(name string, err error) protocol.Check {
	e := protocol.AsError(err)
	return protocol.Check{
		Requirement: e.Requirement, Name: name, Outcome: e.Code.Outcome(), Code: e.Code, Field: e.Field, Detail: e.Detail,
	}
}

// verifyProof verifies that an anchor is on a chain that is trusted.
func (f *File) verifyProof(t Trust, out *Result, i int) (*trustlog.Place, error) {
	a := f.anchors[i]
	p, err := trustlog.ParseProof([]byte(a.proof))
	if err != nil {
		return nil, err
	}
	chain, did := chainDID(origin(p), a.channel)
	n := slices.IndexFunc(t.Logs, func(l trustlog.Trust) bool { return l.Chain == chain })
	var log trustlog.Trust
	switch {
	case n >= 0:
		log = t.Logs[n]
	case t.InsecureCarriedKeys:
		log = trustlog.Trust{Chain: chain, Keys: f.chainKeys(did), Now: t.Now}
		out.carried(did)
	default:
		return nil, protocol.New(protocol.CodeKeyUnavailable, "proof", "TSD-ATT-OCA-06", "a chain that nobody here trusts")
	}
	place, err := log.Verify(a.channel, []byte(a.proof))
	if err != nil {
		return nil, err
	}
	if place.Anchor.RecordID != a.id {
		return nil, protocol.New(protocol.CodeClaimsConflict, "proof", "TSD-ATT-OCA-04", "the proof of another record's anchor")
	}
	return place, nil
}

// chainKeys are the keys of a chain in the document that the file carries.
func (f *File) chainKeys(did string) []keys.PublicKey {
	if d := f.document(did); d != nil && d.doc != nil {
		return anchorKeys(d.doc)
	}
	return nil
}

// onlyAnchors tells the document of a chain from that of a party, retired keys
// included: who signs records, or anything else, is a party.
func onlyAnchors(d *identity.Document) bool {
	return len(d.Encryption) == 0 && !slices.ContainsFunc(d.Keys, func(k identity.Key) bool { return k.Purpose != keys.Anchor })
}

// anchorKeys are the keys of a document by which a chain may have signed. One
// that is compromised is so under each of its ids.
func anchorKeys(d *identity.Document) []keys.PublicKey {
	var out []keys.PublicKey
	for _, k := range d.Keys {
		lost := slices.ContainsFunc(d.Keys, func(o identity.Key) bool { return o.Compromised && o.Public.Equal(k.Public) })
		if k.Purpose == keys.Anchor && !lost && k.Public.Algorithm() == keys.EdDSA {
			out = append(out, k.Public)
		}
	}
	return out
}

func (x *Result) carried(did string) {
	if did != "" && !slices.Contains(x.Carried, did) {
		x.Carried = append(x.Carried, did)
	}
}

// An answer is the AnchorSource of one proof, verified before it is asked for.
type answer struct {
	place *trustlog.Place
	err   error
	stop  context.CancelFunc
}

// Anchor implements verifier.AnchorSource. What is wrong with a file does not
// change when it is asked again: the context's end says so.
func (a *answer) Anchor(context.Context, string, string) (*verifier.Anchored, error) {
	if a.err != nil {
		a.stop()
		return nil, a.err
	}
	return a.place.Anchored(), nil
}

// fileKeys are the keys that are trusted, and, where that is allowed, those
// that the file carries.
type fileKeys struct {
	file  *File
	trust Trust
	out   *Result
}

// Key implements verifier.KeySource.
func (k *fileKeys) Key(ctx context.Context, keyID string, purpose keys.Purpose, at time.Time) (keys.PublicKey, error) {
	err := error(protocol.New(protocol.CodeKeyUnavailable, "kid", "TSD-ATT-SVF-05", "nobody here trusts a key of this party"))
	if k.trust.Keys != nil {
		key, found := k.trust.Keys.Key(ctx, keyID, purpose, at)
		if protocol.CodeOf(found) != protocol.CodeKeyUnavailable {
			return key, found
		}
		err = found
	}
	if !k.trust.InsecureCarriedKeys {
		return keys.PublicKey{}, err
	}
	did, _, _ := strings.Cut(keyID, "#")
	k.out.carried(did)
	d := k.file.document(did)
	if d == nil {
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyUnavailable, "kid", "TSD-ATT-SVF-05", "the file has no document of this party")
	}
	if d.doc == nil {
		return keys.PublicKey{}, protocol.Wrap(protocol.CodeKeyUnavailable, "kid", "TSD-ATT-SVF-05", "the document in the file is not one", d.err)
	}
	return d.doc.Key(keyID, purpose, at)
}
