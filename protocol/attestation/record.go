package attestation

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
)

// Version is the record version that is written, and the only one that is read
// so far. A parser follows the record's own version (TSD-ATT-OFF-10).
const Version = "1.0"

// Limits of a record, beside the size of any JSON text (SPEC.md 10.1).
const (
	MaxParticipants = 16
	MaxSignatures   = 16
	MaxUpstream     = 16
	MaxBody         = 16 << 10 // bytes of event_body, and of ext, in canonical form
	MaxRecord       = canon.DefaultMaxBytes
	SaltSize        = 32 // bytes
)

// The names of hash algorithms, in hash_algorithm.
const (
	SHA256 = "SHA-256"
	SM3    = "SM3"
)

// Links join the records of one business process (TSD-ATT-OFF-03).
type Links struct {
	IntentID        string   // every record of the process has the same
	DelegationID    string   // when the payment is delegated
	MerchantOrderID string   // from cart-confirmed on
	TradeNo         string   // from transaction-completed on
	Upstream        []string // ids of the records of what led to this event; at most MaxUpstream
}

// A Participant took part in an event.
type Participant struct {
	ID         string // DID
	Role       Role
	Represents string // for whom it acted; a pseudonym where others read it. Optional
}

// A Record is a sealed account of an event (TSD-ATT-OFF-01).
type Record struct {
	Version       string
	ID            string // DID URL of the initiator, see Initiator
	Type          EventType
	EventTime     time.Time
	CreatedTime   time.Time
	Links         Links
	Salt          []byte // SaltSize bytes
	PayloadHash   []byte
	HashAlgorithm string // SHA256 or SM3
	Participants  []Participant
	Body          jsontext.Value // canonical
	Ext           jsontext.Value // canonical; nil when there is none
	Signatures    []Signature    // the first is the initiator's
}

// A Signature is a participant's on a record (TSD-ATT-OFF-11).
type Signature struct {
	KeyID string // DID URL of a key of purpose attestation
	Type  string // ED25519, ES256, or the name that a suite has
	Value []byte
}

// Signer is the DID of who signed.
func (s Signature) Signer() string {
	did, _, err := identity.ParseKeyID(s.KeyID)
	if err != nil {
		return ""
	}
	return did.String()
}

// Initiator is the DID of who made the record: its id is under it, and only it
// may anchor the id (profile).
func (r *Record) Initiator() string {
	did, _, err := identity.ParseKeyID(r.ID)
	if err != nil {
		return ""
	}
	return did.String()
}

// An Unverified record has the right form; nothing is known of its origin, and
// its hash has not been compared.
type Unverified struct {
	Record Record

	canonical []byte // without "signatures"
	payload   []byte // what is hashed, without the salt
}

// Parse reads a record: form, the rules of SPEC.md 10.1, and that its members
// agree. It checks neither the hash nor a signature, nor looks for personal
// data, which is too late when the record exists.
//
// A record is read by the rules of its own version, whatever else has come
// since; one of a version that is not known here is refused as such
// (TSD-ATT-OFF-10).
func Parse(data []byte) (*Unverified, error) {
	var w recordWire
	if err := canon.Decode(data, &w); err != nil {
		return nil, explain(data, err)
	}
	r, err := w.value()
	if err != nil {
		return nil, explain(data, err)
	}
	u := &Unverified{Record: r}
	if u.canonical, err = canon.Without(data, "signatures"); err != nil {
		return nil, err
	}
	if u.payload, err = payload(r.Body, w.Participants); err != nil {
		return nil, err
	}
	return u, nil
}

// explain gives a record of another version its own reason: by the rules of
// this one almost anything may seem wrong with it.
func explain(data []byte, err error) error {
	var v struct {
		Version string `json:"record_version"`
	}
	if canon.DecodeOpen(data, &v) == nil && v.Version != "" && v.Version != Version {
		return unknownVersion()
	}
	return err
}

// payload is what the payload hash is made of, before the salt: the canonical
// form of an object with exactly these two members (TSD-ATT-OFF-05). The body
// is canonical already.
func payload(body jsontext.Value, participants []participantWire) ([]byte, error) {
	list, err := canon.Marshal(participants)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte(`{"event_body":`), body, []byte(`,"participants":`), list, []byte(`}`)), nil
}

// covered are the members that a signature covers: all but the signatures.
func covered(ext bool) []string {
	names := []string{
		"created_time", "event_body", "event_time", "event_type", "ext", "links",
		"participants", "privacy", "record_id", "record_version",
	}
	if !ext {
		names = slices.DeleteFunc(names, func(s string) bool { return s == "ext" })
	}
	return names
}

func missing(field, requirement string) error {
	return protocol.New(protocol.CodeFieldMissing, field, requirement, "")
}
