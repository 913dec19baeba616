package attestation

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
)

type (
	recordWire struct {
		Version      string            `json:"record_version"`
		ID           string            `json:"record_id"`
		Type         EventType         `json:"event_type"`
		EventTime    string            `json:"event_time"`
		CreatedTime  string            `json:"created_time"`
		Links        linksWire         `json:"links"`
		Privacy      privacyWire       `json:"privacy"`
		Participants []participantWire `json:"participants"`
		Body         jsontext.Value    `json:"event_body"`
		Ext          jsontext.Value    `json:"ext,omitzero"`
		Signatures   []signatureWire   `json:"signatures,omitzero"`
	}
	linksWire struct {
		IntentID        string   `json:"intent_id"`
		DelegationID    *string  `json:"delegation_id,omitzero"`
		MerchantOrderID *string  `json:"merchant_order_id,omitzero"`
		TradeNo         *string  `json:"trade_no,omitzero"`
		Upstream        []string `json:"upstream,omitzero"`
	}
	privacyWire struct {
		Salt          string `json:"salt"`
		PayloadHash   string `json:"payload_hash"`
		HashAlgorithm string `json:"hash_algorithm"`
	}
	participantWire struct {
		ID         string  `json:"id"`
		Role       Role    `json:"role"`
		Represents *string `json:"represents,omitzero"`
	}
	signatureWire struct {
		SignerID  string   `json:"signer_id"`
		Type      string   `json:"signature_type"`
		Covered   []string `json:"covered_fields"`
		Signature string   `json:"signature,omitzero"`
	}
)

// value checks the rules of SPEC.md 10.1.
func (w recordWire) value() (Record, error) {
	r := wire.Reader{Requirement: "TSD-ATT-OFF-02"}
	out := w.facts(&r)
	out.HashAlgorithm = w.Privacy.HashAlgorithm
	out.Salt, out.PayloadHash = w.Privacy.value(&r)
	out.Signatures = signatures(&r, w, out.Participants)
	if err := r.Err(); err != nil {
		return Record{}, err
	}
	return out, nil
}

// facts checks what a record has before it is sealed.
func (w recordWire) facts(r *wire.Reader) Record {
	if r.Require("record_version", w.Version) && w.Version != Version {
		r.Fail("", unknownVersion())
	}
	out := Record{Version: w.Version, ID: w.ID, Type: w.Type, Ext: w.Ext}
	recordID(r, "record_id", w.ID)
	if r.Require("event_type", string(w.Type)) && !w.Type.Known() {
		r.Fail("", protocol.New(protocol.CodeFieldInvalid, "event_type", "TSD-ATT-EVT-01", "one of the ten event types"))
	}
	out.EventTime, out.CreatedTime = utc(r, "event_time", w.EventTime), utc(r, "created_time", w.CreatedTime)
	if out.CreatedTime.Before(out.EventTime) {
		r.Invalid("created_time", "not before the event")
	}
	out.Links = w.Links.value(r, w.ID, w.Type)
	out.Participants = participants(r, w.Participants)
	out.Body = object(r, "event_body", w.Body)
	if w.Ext != nil {
		out.Ext = object(r, "ext", w.Ext)
	}
	return out
}

func unknownVersion() error {
	return protocol.New(protocol.CodeFieldInvalid, "record_version", "TSD-ATT-OFF-10", "not a version that is read here")
}

// recordID reads the id of a record: a DID URL with a fragment.
func recordID(r *wire.Reader, field, id string) {
	if r.Require(field, id) {
		_, _, err := identity.ParseKeyID(id)
		r.Fail(field, err)
	}
}

// utc reads a time in whole seconds that ends in Z.
func utc(r *wire.Reader, field, s string) time.Time {
	if !r.Require(field, s) {
		return time.Time{}
	}
	t, err := canon.ParseUTC(s)
	r.Fail(field, err)
	return t
}

func (w linksWire) value(r *wire.Reader, self string, t EventType) Links {
	out := Links{
		IntentID: w.IntentID, DelegationID: r.OptionalID("links.delegation_id", w.DelegationID),
		MerchantOrderID: r.OptionalID("links.merchant_order_id", w.MerchantOrderID),
		TradeNo:         r.OptionalID("links.trade_no", w.TradeNo), Upstream: w.Upstream,
	}
	r.ID("links.intent_id", w.IntentID)
	delegation, order, trade := t.needs()
	for _, l := range []struct {
		field, value string
		needed       bool
	}{
		{"links.delegation_id", out.DelegationID, delegation},
		{"links.merchant_order_id", out.MerchantOrderID, order},
		{"links.trade_no", out.TradeNo, trade},
	} {
		if l.needed && l.value == "" {
			r.Fail("", missing(l.field, "TSD-ATT-OFF-03"))
		}
	}
	if w.Upstream != nil && (len(w.Upstream) == 0 || len(w.Upstream) > MaxUpstream) {
		r.Invalid("links.upstream", "1 to 16 records")
		return out
	}
	for i, id := range w.Upstream {
		field := "links.upstream[" + strconv.Itoa(i) + "]"
		recordID(r, field, id)
		if id == self || slices.Contains(w.Upstream[:i], id) {
			r.Invalid(field, "another record, and each once")
		}
	}
	return out
}

func (w privacyWire) value(r *wire.Reader) (salt, hash []byte) {
	if r.Require("privacy.hash_algorithm", w.HashAlgorithm) && w.HashAlgorithm != SHA256 && w.HashAlgorithm != SM3 {
		r.Fail("", protocol.New(protocol.CodeFieldInvalid, "privacy.hash_algorithm", "TSD-ATT-OFF-05", "SHA-256 or SM3"))
	}
	return bytesOf(r, "privacy.salt", w.Salt, "TSD-ATT-OFF-04"), bytesOf(r, "privacy.payload_hash", w.PayloadHash, "TSD-ATT-OFF-05")
}

// bytesOf reads 32 bytes in base64url.
func bytesOf(r *wire.Reader, field, s, requirement string) []byte {
	if s == "" {
		r.Fail("", missing(field, requirement))
		return nil
	}
	b, err := canon.DecodeBase64(s)
	if err != nil || len(b) != 32 {
		r.Fail("", protocol.New(protocol.CodeFieldInvalid, field, requirement, "32 bytes in base64url"))
	}
	return b
}

// participants reads the list of who took part (TSD-ATT-OFF-06).
func participants(r *wire.Reader, list []participantWire) []Participant {
	if len(list) == 0 {
		r.Fail("", missing("participants", "TSD-ATT-OFF-06"))
	}
	if len(list) > MaxParticipants {
		r.Fail("", protocol.New(protocol.CodeTooLarge, "participants", "TSD-ATT-OFF-06", "at most 16"))
		return nil
	}
	out := make([]Participant, 0, len(list))
	for i, w := range list {
		at := "participants[" + strconv.Itoa(i) + "]"
		r.DID(at+".id", w.ID)
		if r.Require(at+".role", string(w.Role)) && !w.Role.Known() {
			r.Fail("", protocol.New(protocol.CodeFieldInvalid, at+".role", "TSD-ATT-OFF-06", "one of the roles"))
		}
		if slices.ContainsFunc(out, func(p Participant) bool { return p.ID == w.ID || p.Role == w.Role }) {
			r.Fail("", protocol.New(protocol.CodeFieldInvalid, at, "TSD-ATT-OFF-06", "each party once, and each role once"))
		}
		out = append(out, Participant{ID: w.ID, Role: w.Role, Represents: r.OptionalID(at+".represents", w.Represents)})
	}
	return out
}

// object reads an open object of limited size.
func object(r *wire.Reader, field string, v jsontext.Value) jsontext.Value {
	const requirement = "TSD-ATT-OFF-01"
	if len(v) == 0 {
		r.Fail("", missing(field, requirement))
		return nil
	}
	canonical, err := canon.Canonicalize(v)
	r.Fail(field, err)
	switch {
	case err != nil:
	case !bytes.HasPrefix(canonical, []byte("{")):
		r.Fail("", protocol.New(protocol.CodeFieldInvalid, field, requirement, "an object"))
	case len(canonical) > MaxBody:
		r.Fail("", protocol.New(protocol.CodeTooLarge, field, requirement, "at most 16 KiB"))
	}
	return canonical
}

// signatures reads the list of signatures: the initiator's first, then those of
// other participants (TSD-ATT-OFF-08, -11).
func signatures(r *wire.Reader, w recordWire, parties []Participant) []Signature {
	if len(w.Signatures) == 0 {
		r.Fail("", missing("signatures", "TSD-ATT-OFF-08"))
	}
	if len(w.Signatures) > MaxSignatures {
		r.Fail("", protocol.New(protocol.CodeTooLarge, "signatures", "TSD-ATT-OFF-08", "at most 16"))
		return nil
	}
	initiator := wire.SignerDID(w.ID)
	out := make([]Signature, 0, len(w.Signatures))
	for i, s := range w.Signatures {
		at := "signatures[" + strconv.Itoa(i) + "]"
		invalid := func(member, detail string) {
			r.Fail("", protocol.New(protocol.CodeFieldInvalid, at+member, "TSD-ATT-OFF-11", detail))
		}
		recordID(r, at+".signer_id", s.SignerID)
		signer := wire.SignerDID(s.SignerID)
		switch {
		case i == 0 && signer != initiator:
			r.Fail("", protocol.New(protocol.CodeClaimsConflict, at+".signer_id", "TSD-ATT-OFF-08", "the first signature is the initiator's"))
		case slices.ContainsFunc(out, func(o Signature) bool { return o.Signer() == signer }):
			invalid(".signer_id", "each party signs once")
		case !slices.ContainsFunc(parties, func(p Participant) bool { return p.ID == signer }):
			r.Fail("", protocol.New(protocol.CodeClaimsConflict, at+".signer_id", "TSD-ATT-OFF-06", "not a participant"))
		}
		if !slices.Equal(s.Covered, covered(w.Ext != nil)) {
			invalid(".covered_fields", "the sorted names of all members but signatures")
		}
		r.Require(at+".signature_type", s.Type)
		value, err := canon.DecodeBase64(s.Signature)
		if err != nil || len(value) != 64 {
			invalid(".signature", "64 bytes in base64url")
		}
		out = append(out, Signature{KeyID: s.SignerID, Type: s.Type, Value: value})
	}
	return out
}
