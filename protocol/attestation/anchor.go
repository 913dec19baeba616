package attestation

import (
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/guard"
)

// MaxAnchor is the largest anchor, in bytes.
const MaxAnchor = 4 << 10

// An Anchor is what the chain keeps of a record: enough to find it again and to
// notice any change, and nothing of its content (TSD-ATT-OCA-02).
type Anchor struct {
	Submitter     string // DID; the initiator of the record (profile)
	IssuedAt      time.Time
	RecordID      string
	Version       string
	Type          EventType
	EventTime     time.Time
	Links         Links // without Upstream
	PayloadHash   []byte
	HashAlgorithm string
	Channel       string // privacy channel, [a-z0-9-]{1,64}
}

type anchorWire struct {
	Iss             string    `json:"iss"`
	Iat             int64     `json:"iat"`
	RecordID        string    `json:"record_id"`
	Version         string    `json:"record_version"`
	Type            EventType `json:"event_type"`
	EventTime       string    `json:"event_time"`
	IntentID        string    `json:"intent_id"`
	DelegationID    *string   `json:"delegation_id,omitzero"`
	MerchantOrderID *string   `json:"merchant_order_id,omitzero"`
	TradeNo         *string   `json:"trade_no,omitzero"`
	PayloadHash     string    `json:"payload_hash"`
	HashAlgorithm   string    `json:"hash_algorithm"`
	Channel         string    `json:"channel"`
}

// SignAnchor makes the anchor of a record, by the initiator's key of purpose
// anchor (TSD-ATT-OCA-01, -03). What looks like personal data in an identifier
// refuses it (SPEC.md 8.5): on a chain it could not be taken back.
func SignAnchor(s *keys.Signer, r *Record, channel string, at time.Time) ([]byte, error) {
	w := anchorWire{
		Iss: s.DID(), Iat: at.Unix(), RecordID: r.ID, Version: r.Version, Type: r.Type, EventTime: wire.FormatTime(r.EventTime),
		IntentID: r.Links.IntentID, DelegationID: wire.Optional(r.Links.DelegationID),
		MerchantOrderID: wire.Optional(r.Links.MerchantOrderID), TradeNo: wire.Optional(r.Links.TradeNo),
		PayloadHash: canon.EncodeBase64(r.PayloadHash), HashAlgorithm: r.HashAlgorithm, Channel: channel,
	}
	if _, err := w.value(); err != nil {
		return nil, err
	}
	claims, err := canon.Marshal(w)
	if err != nil {
		return nil, err
	}
	if err := guard.Check(string(claims)); err != nil {
		return nil, err
	}
	token, err := keys.SignCompact(s, keys.Anchor, keys.TypeAnchor, claims)
	if err == nil && len(token) > MaxAnchor {
		err = protocol.New(protocol.CodeTooLarge, "", "TSD-ATT-OCA-02", "an anchor has at most 4 KiB")
	}
	return token, err
}

// value checks the rules of SPEC.md 10.2.
func (w anchorWire) value() (Anchor, error) {
	r := wire.Reader{Requirement: "TSD-ATT-OCA-02"}
	out := Anchor{
		Submitter: w.Iss, IssuedAt: r.NumericDate("iat", w.Iat), RecordID: w.RecordID, Version: w.Version, Type: w.Type,
		EventTime: utc(&r, "event_time", w.EventTime), HashAlgorithm: w.HashAlgorithm, Channel: w.Channel,
	}
	r.DID("iss", w.Iss)
	recordID(&r, "record_id", w.RecordID)
	if wire.SignerDID(w.RecordID) != w.Iss {
		r.Fail("", protocol.New(protocol.CodeClaimsConflict, "iss", "TSD-ATT-OCA-02", "not the initiator of the record"))
	}
	if r.Require("record_version", w.Version) && w.Version != Version {
		r.Invalid("record_version", "not a version that is read here")
	}
	if r.Require("event_type", string(w.Type)) && !w.Type.Known() {
		r.Fail("", protocol.New(protocol.CodeFieldInvalid, "event_type", "TSD-ATT-EVT-01", "one of the ten event types"))
	}
	links := linksWire{IntentID: w.IntentID, DelegationID: w.DelegationID, MerchantOrderID: w.MerchantOrderID, TradeNo: w.TradeNo}
	out.Links = links.value(&r, w.RecordID, w.Type)
	if r.Require("hash_algorithm", w.HashAlgorithm) && w.HashAlgorithm != SHA256 && w.HashAlgorithm != SM3 {
		r.Invalid("hash_algorithm", "SHA-256 or SM3")
	}
	out.PayloadHash = bytesOf(&r, "payload_hash", w.PayloadHash, "TSD-ATT-OCA-02")
	if r.Require("channel", w.Channel) {
		r.Fail("channel", CheckChannel(w.Channel))
	}
	if err := r.Err(); err != nil {
		return Anchor{}, err
	}
	return out, nil
}

// CheckChannel checks the name of a privacy channel: 1 to 64 of lower-case
// letters, digits and hyphens.
func CheckChannel(s string) error {
	other := func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' }
	if s == "" || len(s) > 64 || strings.ContainsFunc(s, other) {
		return protocol.New(protocol.CodeFieldInvalid, "", "TSD-ATT-OCA-02", "1 to 64 lower-case letters, digits and hyphens")
	}
	return nil
}

// An UnverifiedAnchor has the right form; nothing is known of its origin.
type UnverifiedAnchor struct {
	Anchor Anchor

	token *keys.UnverifiedToken
}

// ParseAnchor reads an anchor: form, that its members agree, and that the key
// id is the submitter's (TSD-ATT-OCA-06). It does not check the signature.
func ParseAnchor(token []byte) (*UnverifiedAnchor, error) {
	if len(token) > MaxAnchor {
		return nil, protocol.New(protocol.CodeTooLarge, "", "TSD-ATT-OCA-02", "an anchor has at most 4 KiB")
	}
	t, err := keys.ParseCompact(token, keys.TypeAnchor)
	if err != nil {
		return nil, err
	}
	var w anchorWire
	if err := canon.Decode(t.Payload, &w); err != nil {
		return nil, err
	}
	a, err := w.value()
	if err != nil {
		return nil, err
	}
	if wire.SignerDID(t.Header.KeyID) != a.Submitter {
		return nil, protocol.New(protocol.CodeClaimsConflict, "header.kid", "TSD-ATT-OCA-06", "not a key of the submitter")
	}
	return &UnverifiedAnchor{Anchor: a, token: t}, nil
}

// KeyID is the DID URL of the key that is said to have signed.
func (u *UnverifiedAnchor) KeyID() string { return u.token.Header.KeyID }

// Verify checks the signature by key, and nothing else.
func (u *UnverifiedAnchor) Verify(key keys.PublicKey) error { return u.token.Verify(key) }

// Matches reports whether the anchor is of this record: id, version, event
// type and time, links, payload hash and its algorithm are equal, or
// claims_conflict names the first that is not (TSD-ATT-OCA-03).
func (a *Anchor) Matches(r *Record) error {
	for _, m := range []struct {
		name string
		same bool
	}{
		{"record_id", a.RecordID == r.ID},
		{"record_version", a.Version == r.Version},
		{"event_type", a.Type == r.Type},
		{"event_time", a.EventTime.Equal(r.EventTime)},
		{"intent_id", a.Links.IntentID == r.Links.IntentID},
		{"delegation_id", a.Links.DelegationID == r.Links.DelegationID},
		{"merchant_order_id", a.Links.MerchantOrderID == r.Links.MerchantOrderID},
		{"trade_no", a.Links.TradeNo == r.Links.TradeNo},
		{"payload_hash", string(a.PayloadHash) == string(r.PayloadHash)},
		{"hash_algorithm", a.HashAlgorithm == r.HashAlgorithm},
	} {
		if !m.same {
			return protocol.New(protocol.CodeClaimsConflict, m.name, "TSD-ATT-OCA-03", "the anchor and the record differ")
		}
	}
	return nil
}
