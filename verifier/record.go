package verifier

import (
	"context"
	"errors"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	// anchorTimeout and anchorRetries are those of TSD-ATT-SVF-04.
	anchorTimeout = 30 * time.Second
	anchorRetries = 3
	// anchorPause stands before the first retry, twice that before the second,
	// and so on: an answer that comes at once and is no answer is not asked for
	// again at once.
	anchorPause = 250 * time.Millisecond
	// maxLag is the longest time between an event and its anchor in which a
	// retired key may still have been used rightly.
	maxLag = 24 * time.Hour
	// maxDepth and maxRecords bound what one verification follows.
	maxDepth   = 16
	maxRecords = 64
)

// ErrAnchorNotFound is what an AnchorSource answers when the chain has no
// anchor of a record. It is a definite statement of the chain, see AnchorSource.
var ErrAnchorNotFound = errors.New("verifier: the chain has no anchor of this record")

// An Anchored is an anchor together with what the chain says of it.
type Anchored struct {
	Token []byte // the anchor, a compact JWS, as the chain has it
	// Place tells where it is on the chain, for people and for asking again:
	// "log.example/retail 17" for example. It holds no personal data.
	Place string
	// At is a time at which the chain vouches to have had the anchor: that of
	// the first checkpoint that covers it, as far as that is known. It is not
	// what the submitter wrote.
	At time.Time
}

// An AnchorSource finds the anchor of a record on a chain. Package trustlog has
// one for a transparency log; an evidence file is another.
//
// Anchor returns an anchor only when the source itself has verified that the
// chain holds it: its inclusion, and the signature of the checkpoint. It does
// not verify the anchor; the Verifier does. Place and At are required.
//
// It fails with [ErrAnchorNotFound], as errors.Is finds it, only when the chain
// itself says that it has none. Whatever else goes wrong is any other error,
// and says nothing of the record: no answer, one that cannot be read, a proof
// that does not hold, a chain that forks. Anchor must return when ctx ends, and
// be safe for concurrent use; it is asked again after an error, up to three
// times, and need not try again by itself.
type AnchorSource interface {
	Anchor(ctx context.Context, channel, recordID string) (*Anchored, error)
}

// A RecordSource finds records by id, as their initiators or those who keep
// records for others have them. What it returns may be anything: the Verifier
// trusts nothing of it. A record that it does not have is any error.
type RecordSource interface {
	Record(ctx context.Context, recordID string) ([]byte, error)
}

// A SuiteKeySource finds public keys that a DID document cannot hold here: those
// of a suite, SM2 for example, as the JWK that the suite reads. It answers for
// the time and the purpose and fails with the codes of a KeySource.
type SuiteKeySource interface {
	SuiteKey(ctx context.Context, keyID string, purpose keys.Purpose, at time.Time) (publicJWK []byte, err error)
}

// RecordExpectation says where the anchor of a record must be, and how far to
// go. Channel and Anchors are required.
type RecordExpectation struct {
	Channel string // privacy channel in which the records are anchored
	Anchors AnchorSource

	// Upstream is where the records come from that a record names as what led
	// to it; nil leaves them aside.
	Upstream RecordSource
	// MaxDepth is how many steps upstream are followed; 0 means 16. No more
	// than 64 records are looked at in one call.
	MaxDepth int

	// Suites are accepted beside our algorithms, with their keys.
	Suites    []keys.Suite
	SuiteKeys SuiteKeySource

	// AnchorTimeout is for one query of three retries; 0 means 30 seconds.
	AnchorTimeout time.Duration
	// MaxLag is the longest time from an event to its anchor in which a key
	// that was retired meanwhile counts; 0 means 24 hours. Without a bound,
	// who finds an old key could make records of the time when it was good.
	MaxLag time.Duration

	// Requester is who asks, for the audit trail.
	Requester string
	// Audit is called once for every record that entered the checks, before
	// Record returns; nil keeps no trail. It must not block for long.
	Audit func(AuditEntry)
}

// A RecordVerdict is what came of verifying a record, and the records upstream.
type RecordVerdict struct {
	RecordID string
	// Conclusion is one of the seven. It is empty in a verdict upstream whose
	// record did not enter the checks, see Err.
	Conclusion attestation.Conclusion
	// Signer is the DID of whose signature failed, or whose key could not be
	// had; empty otherwise (TSD-ATT-SVF-02).
	Signer string
	// Record is the content. It is to be relied on when Conclusion is
	// VERIFIED, and else to be shown at most. Nil when there is none.
	Record *attestation.Record
	Anchor *Anchored // what the chain had; nil when nothing was asked or found
	Keys   []KeyUse  // keys that were found for the record's signatures

	// Checks has each check in the order of the seven steps. It may deny where
	// Conclusion is VERIFIED: when something is wrong with what is upstream.
	Checks protocol.Decision
	// Err is why the record is not VERIFIED, or has no conclusion; nil when it
	// is. Of a conclusion that says nothing of the record it wraps the cause: a
	// log that forks is found here.
	Err error

	// Upstream has a verdict for each of the record's links, in their order.
	// A record that is reached in two ways has one verdict, here twice.
	Upstream []*RecordVerdict
}

// A KeyUse is a public key that was used, and where it came from: the document
// of the DID that the key id begins with (TSD-ATT-SVF-06).
type KeyUse struct {
	KeyID     string
	PublicJWK []byte
	At        time.Time // the time for which it was asked
}

// Whole reports whether this record and every record upstream of it is VERIFIED
// and fits, each as far as it was followed; a record that could not be had, and
// one beyond the bounds, makes it false. With no RecordSource it is about this
// record alone.
func (r *RecordVerdict) Whole() bool {
	whole := true
	r.Each(func(v *RecordVerdict) {
		whole = whole && v.Conclusion == attestation.Verified && v.Checks.Allowed()
	})
	return whole
}

// Each calls f for this verdict and for every one upstream, each once, a record
// before what is upstream of it.
func (r *RecordVerdict) Each(f func(*RecordVerdict)) {
	seen := map[*RecordVerdict]bool{}
	var walk func(*RecordVerdict)
	walk = func(v *RecordVerdict) {
		if v == nil || seen[v] {
			return
		}
		seen[v] = true
		f(v)
		for _, u := range v.Upstream {
			walk(u)
		}
	}
	walk(r)
}

// An AuditEntry is what remains of a verification (TSD-ATT-SVF-06). It holds
// identifiers and no content.
type AuditEntry struct {
	Time       time.Time // when it ended
	Requester  string
	RecordID   string
	Keys       []KeyUse
	Place      string    // of the anchor; empty when none was found
	At         time.Time // of the anchor
	Conclusion attestation.Conclusion
	Signer     string
}

// NewRecordVerifier returns a Verifier for records and nothing else: it trusts
// no issuer, knows no state of a mandate, and refuses every message with a
// nonce. Nil for now means time.Now.
func NewRecordVerifier(source KeySource, now func() time.Time) (*Verifier, error) {
	return New(Config{Issuers: IssuerMap{}, Keys: source, Status: unknownStatus{}, Now: now})
}

// Record verifies an attestation record by the seven steps of TSD-ATT-SVF-01,
// in their order: the record has its form and its parts, a key is found for
// each signature, the payload hash is that of the content, every signature
// verifies, the chain has the anchor and it is of this record, what is upstream
// is verified in the same way, and one of seven conclusions is returned.
//
// The first step that fails ends it and is the conclusion. Keys are those of
// the time of the event, so that a key that was rotated since verifies what it
// signed in its time (TSD-ATT-SVF-05); one that is compromised verifies nothing.
// The time of the event is the signer's own word, so a key must besides have
// been good at most MaxLag before the chain had the anchor.
//
// An error, and no verdict, is for input that does not enter the checks: what
// is no record, a version or a suite that is not read here, an expectation that
// lacks something.
//
// What a VERIFIED record does not say: that what it tells is true, and that
// nothing was left out.
func (v *Verifier) Record(ctx context.Context, raw []byte, expect RecordExpectation) (*RecordVerdict, error) {
	if err := expect.check(); err != nil {
		return nil, err
	}
	u, err := parseRecord(raw, expect.Suites)
	if err != nil {
		return nil, err
	}
	return v.walk(expect).record(ctx, u, expect.MaxDepth), nil
}

// RecordByID is Record with its first step: the record is had from a source.
// One that cannot be had, or has another id, is an error.
func (v *Verifier) RecordByID(ctx context.Context, source RecordSource, id string, expect RecordExpectation) (*RecordVerdict, error) {
	if err := expect.check(); err != nil {
		return nil, err
	}
	u, err := retrieve(ctx, source, id, expect.Suites)
	if err != nil {
		return nil, err
	}
	return v.walk(expect).record(ctx, u, expect.MaxDepth), nil
}

// check completes an expectation.
func (e *RecordExpectation) check() error {
	if err := required([2]string{"channel", e.Channel}); err != nil {
		return err
	}
	if err := attestation.CheckChannel(e.Channel); err != nil {
		return protocol.In(err, "expectation.channel")
	}
	if e.Anchors == nil {
		return protocol.New(protocol.CodeFieldMissing, "expectation.anchors", "TSD-ATT-SVF-01", "a chain to ask is needed")
	}
	if e.MaxDepth <= 0 {
		e.MaxDepth = maxDepth
	}
	if e.AnchorTimeout <= 0 {
		e.AnchorTimeout = anchorTimeout
	}
	if e.MaxLag <= 0 {
		e.MaxLag = maxLag
	}
	return nil
}
