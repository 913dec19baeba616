package attestation

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The kinds of dispute messages (SPEC.md 2.3 and 10.5), signed by keys of
// purpose attestation.
const (
	KindApplication = "dispute-application"
	KindCall        = "dispute-call"
	KindProduction  = "dispute-production"
	KindDisposition = "dispute-disposition"
)

// Limits of dispute messages.
const (
	MaxParties    = 16
	MaxDisputed   = 64   // records of one message, and of one case
	MaxStatements = 2000 // characters of a description, or of reasons
)

// An Application opens a dispute: of what kind it is, about which purchase, and
// what is said to have gone wrong (TSD-ATT-DSP-01).
type Application struct {
	DisputeID   string // 1.7, chosen by the applicant, unique for the arbiter
	Type        string // 1 to 64 of a-z, 0-9, hyphen: "not-delivered", "not-authorized"
	Applicant   string // DID; the signer
	Respondents []string
	Arbiter     string // DID; the recipient
	Links       Links  // at least one of the four ids; Upstream is empty
	Records     []string
	Description string // no personal data
	AppliedAt   time.Time
}

// A Call asks the parties for their records, in time (TSD-ATT-DSP-01).
type Call struct {
	DisputeID   string
	Arbiter     string       // DID; the signer
	Application canon.Digest // ContentDigest of the application
	Parties     []string     // who must produce; of the applicant and the respondents
	CalledAt    time.Time
	Deadline    time.Time // what arrives at this time or later is too late
}

// A Production names the records that a party produces. The records travel
// beside it.
type Production struct {
	DisputeID  string
	Party      string       // DID; the signer
	Call       canon.Digest // ContentDigest of the call
	Records    []Produced   // 1 or more, no id twice
	ProducedAt time.Time
}

// A Produced record, by the digest of its canonical form ([RecordDigest]).
type Produced struct {
	RecordID string
	Digest   canon.Digest
}

// An Outcome is how a dispute ends. The list is closed (profile).
type Outcome string

// The outcomes. Unproven is the only one that needs no ground.
const (
	Upheld       Outcome = "UPHELD"
	PartlyUpheld Outcome = "PARTLY_UPHELD"
	Rejected     Outcome = "REJECTED"
	Unproven     Outcome = "UNPROVEN"
)

// A Finding is the conclusion of verifying a record that was produced.
type Finding struct {
	RecordID   string
	Digest     canon.Digest // of the text that was produced
	Conclusion Conclusion
}

// A Disposition ends a dispute (TSD-ATT-DSP-03).
type Disposition struct {
	DisputeID       string
	Arbiter         string       // DID; the signer
	Application     canon.Digest // ContentDigest of the application
	Call            canon.Digest // ContentDigest of the call
	Findings        []Finding    // of every record that was produced, sorted by id and digest
	PresumedAgainst []string     // parties, sorted
	Grounds         []string     // ids of VERIFIED records that it rests on
	Outcome         Outcome
	Reasons         string // why this follows; no personal data. Required: a VERIFIED record settles nothing by itself
	DisposedAt      time.Time
}

// A DisputeContent is the content of one of the four messages.
type DisputeContent interface {
	Application | Call | Production | Disposition
}

// An UnverifiedDispute message has the right form; nothing is known of its
// origin.
type UnverifiedDispute[T DisputeContent] struct {
	Content T

	kind    string
	message *keys.UnverifiedMessage
}

// KeyID is the DID URL of the key that is said to have signed. Its DID is the
// sender's.
func (u *UnverifiedDispute[T]) KeyID() string { return u.message.KeyID }

// Verify checks the signature by key, and nothing else.
func (u *UnverifiedDispute[T]) Verify(key keys.PublicKey) error {
	return u.message.Verify(key, u.kind)
}

// ContentDigest is what later messages name this one by.
func (u *UnverifiedDispute[T]) ContentDigest() canon.Digest { return u.message.ContentDigest() }

// RecordDigest is the digest of a record's canonical form, signatures included.
func RecordDigest(raw []byte) (canon.Digest, error) {
	canonical, err := canon.Canonicalize(raw)
	if err != nil {
		return "", err
	}
	return canon.Sum(canonical), nil
}

// disputeWire is the side of a wire form that reading needs.
type disputeWire[T DisputeContent] interface {
	value() (T, error)
	sender() string
}

// parseDispute reads a signed message, and that its sender signed it.
func parseDispute[T DisputeContent, W disputeWire[T]](raw []byte, kind string) (*UnverifiedDispute[T], error) {
	m, err := keys.ParseMessage(raw)
	if err != nil {
		return nil, err
	}
	var w W
	if err := m.Decode(&w); err != nil {
		return nil, err
	}
	content, err := w.value()
	if err != nil {
		return nil, err
	}
	if wire.SignerDID(m.KeyID) != w.sender() {
		return nil, protocol.New(protocol.CodeClaimsConflict, "signer_id", "TSD-ATT-DSP-01", "not a key of the sender")
	}
	return &UnverifiedDispute[T]{Content: content, kind: kind, message: m}, nil
}

// signDispute signs a message that obeys the rules. Its texts are looked
// through for personal data.
func signDispute[T DisputeContent](s *keys.Signer, kind string, w disputeWire[T]) ([]byte, error) {
	if _, err := w.value(); err != nil {
		return nil, err
	}
	if s.DID() != w.sender() {
		return nil, protocol.New(protocol.CodeClaimsConflict, "signer_id", "TSD-ATT-DSP-01", "not a key of the sender")
	}
	text, err := canon.Marshal(w)
	if err != nil {
		return nil, err
	}
	if err := guarded("", "TSD-ATT-OFF-07", string(text)); err != nil {
		return nil, err
	}
	return keys.SignMessage(s, keys.Attestation, kind, w)
}

// SignApplication makes an application by a key of the applicant's.
func SignApplication(s *keys.Signer, a Application) ([]byte, error) {
	return signDispute[Application](s, KindApplication, a.wire())
}

// ParseApplication reads an application. It checks no signature.
func ParseApplication(raw []byte) (*UnverifiedDispute[Application], error) {
	return parseDispute[Application, applicationWire](raw, KindApplication)
}

// SignCall makes a call by a key of the arbiter's.
func SignCall(s *keys.Signer, c Call) ([]byte, error) {
	return signDispute[Call](s, KindCall, c.wire())
}

// ParseCall reads a call. It checks no signature.
func ParseCall(raw []byte) (*UnverifiedDispute[Call], error) {
	return parseDispute[Call, callWire](raw, KindCall)
}

// SignProduction makes a production by a key of the party's.
func SignProduction(s *keys.Signer, p Production) ([]byte, error) {
	return signDispute[Production](s, KindProduction, p.wire())
}

// ParseProduction reads a production. It checks no signature.
func ParseProduction(raw []byte) (*UnverifiedDispute[Production], error) {
	return parseDispute[Production, productionWire](raw, KindProduction)
}

// SignDisposition makes a disposition by a key of the arbiter's. Whether it is
// one that the case allows is [Case.Dispose]'s to say.
func SignDisposition(s *keys.Signer, d Disposition) ([]byte, error) {
	return signDispute[Disposition](s, KindDisposition, d.wire())
}

// ParseDisposition reads a disposition. It checks no signature.
func ParseDisposition(raw []byte) (*UnverifiedDispute[Disposition], error) {
	return parseDispute[Disposition, dispositionWire](raw, KindDisposition)
}

// code reads a short word of a-z, 0-9 and hyphens.
func code(r *wire.Reader, field, s string) {
	other := func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' }
	if r.Require(field, s) && (len(s) > 64 || strings.ContainsFunc(s, other)) {
		r.Invalid(field, "1 to 64 lower-case letters, digits and hyphens")
	}
}

// statement reads text for people, of several lines.
func statement(r *wire.Reader, field, s string) {
	bad := func(c rune) bool {
		return c != '\n' && (unicode.IsControl(c) || unicode.In(c, unicode.Bidi_Control, unicode.Zl, unicode.Zp))
	}
	if r.Require(field, s) && (utf8.RuneCountInString(s) > MaxStatements || strings.ContainsFunc(s, bad) || strings.TrimSpace(s) == "") {
		r.Invalid(field, "at most 2000 characters, no control character but the line feed")
	}
}

// parties reads a list of DIDs without repetition, in which at least so many stand.
func parties(r *wire.Reader, field string, list []string, least int) {
	if len(list) == 0 && least > 0 {
		r.Require(field, "")
		return
	}
	if len(list) > MaxParties {
		r.Fail("", protocol.New(protocol.CodeTooLarge, field, "", "at most 16 parties"))
		return
	}
	for i, p := range list {
		at := field + "[" + strconv.Itoa(i) + "]"
		r.DID(at, p)
		if slices.Contains(list[:i], p) {
			r.Invalid(at, "each party once")
		}
	}
}

// recordIDs reads a list of record ids without repetition.
func recordIDs(r *wire.Reader, field string, list []string) {
	if len(list) > MaxDisputed {
		r.Fail("", protocol.New(protocol.CodeTooLarge, field, "", "at most 64 records"))
		return
	}
	for i, id := range list {
		at := field + "[" + strconv.Itoa(i) + "]"
		recordID(r, at, id)
		if slices.Contains(list[:i], id) {
			r.Invalid(at, "each record once")
		}
	}
}
