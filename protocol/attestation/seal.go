package attestation

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// kind separates what is signed here from every other message (SPEC.md 2.3).
const kind = "attestation-record"

// A Signer signs records. [By] makes one of a key of ours; a key of a suite,
// for SM2, brings its own.
type Signer interface {
	// KeyID is the absolute DID URL of a key of purpose attestation.
	KeyID() string
	// SignatureType is ED25519, ES256, or the name that a suite has.
	SignatureType() string
	// SignRecord signs message, which is separated from other uses already.
	SignRecord(message []byte) ([]byte, error)
}

// By signs with a key of purpose attestation; with another one SignRecord fails
// with key_purpose.
func By(s *keys.Signer) Signer { return ours{s} }

type ours struct{ *keys.Signer }

// SignatureType implements Signer.
func (o ours) SignatureType() string { return o.Public().Algorithm().SignatureType() }

// SignRecord implements Signer.
func (o ours) SignRecord(message []byte) ([]byte, error) {
	return o.Sign(keys.Attestation, message)
}

// NewID makes the id of a record of an initiator's.
func NewID(initiator string) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return initiator + "#rec-" + hex.EncodeToString(b[:])
}

// A Sealer makes records. Its zero value hashes with SHA-256.
type Sealer struct {
	// Suite hashes with its own function instead, SM3 for example; its
	// signatures come from the Signer.
	Suite keys.Suite
}

// Seal makes a record of what happened: an id under the signer's DID unless one
// is given, a fresh salt, the payload hash, and the initiator's signature. now
// is the time of creation. An event that is less than a minute ahead of it was
// told of by a party whose clock is, and counts as just happened: the record is
// then made at the time of the event (TSD-ATT-OFF-02).
//
// A draft that [Draft.Check] refuses is refused here too. An id makes sealing
// repeatable after a crash only as far as the id goes: salt and signature
// differ, so that what was stored first is the record.
func (z Sealer) Seal(s Signer, id string, d Draft, now time.Time) ([]byte, error) {
	initiator := wire.SignerDID(s.KeyID())
	if id == "" {
		id = NewID(initiator)
	}
	facts, err := d.check(initiator)
	if err != nil {
		return nil, err
	}
	if ahead := d.EventTime.Sub(now); ahead > 0 && ahead <= clockSkew {
		now = d.EventTime
	}
	w := d.wire(id, now)
	salt := make([]byte, SaltSize)
	_, _ = rand.Read(salt) // never fails
	w.Privacy = privacyWire{Salt: canon.EncodeBase64(salt), HashAlgorithm: SHA256}
	if z.Suite != nil {
		w.Privacy.HashAlgorithm = SM3
	}
	hashed, err := payload(facts.Body, w.Participants)
	if err != nil {
		return nil, err
	}
	hash, err := sum(w.Privacy.HashAlgorithm, append(hashed, salt...), z.Suite)
	if err != nil {
		return nil, err
	}
	w.Privacy.PayloadHash = canon.EncodeBase64(hash)
	return w.sign(s)
}

// Cosign adds another participant's signature to a record (TSD-ATT-OFF-08),
// with which that party says that the record is true. It does not check those
// that are there: verify the record first.
func Cosign(s Signer, record []byte) ([]byte, error) {
	if _, err := Parse(record); err != nil {
		return nil, err
	}
	var w recordWire
	if err := canon.Decode(record, &w); err != nil {
		return nil, err
	}
	return w.sign(s)
}

// sign adds a signature and returns the record, if it then obeys the rules.
func (w recordWire) sign(s Signer) ([]byte, error) {
	bare := w
	bare.Signatures = nil
	canonical, err := canon.Marshal(bare)
	if err != nil {
		return nil, err
	}
	sig := signatureWire{SignerID: s.KeyID(), Type: s.SignatureType(), Covered: covered(w.Ext != nil)}
	message, err := signed(canonical, sig)
	if err != nil {
		return nil, err
	}
	value, err := s.SignRecord(message)
	if err != nil {
		return nil, err
	}
	sig.Signature = canon.EncodeBase64(value)
	w.Signatures = append(slices.Clone(w.Signatures), sig)
	if _, err := w.value(); err != nil {
		return nil, err
	}
	out, err := canon.Marshal(w)
	if err == nil && len(out) > MaxRecord {
		err = protocol.New(protocol.CodeTooLarge, "", "TSD-ATT-OFF-01", "a record has at most 64 KiB")
	}
	return out, err
}

// signed is what a signature is made of: the record without its signatures, and
// of this one everything but its value. The record is canonical already, and
// the members around it are written in canonical order.
func signed(record []byte, sig signatureWire) ([]byte, error) {
	names, err := canon.Marshal(sig.Covered)
	if err != nil {
		return nil, err
	}
	rest, err := canon.Marshal(struct {
		Type     string `json:"signature_type"`
		SignerID string `json:"signer_id"`
	}{sig.Type, sig.SignerID})
	if err != nil {
		return nil, err
	}
	text := slices.Concat([]byte(`{"covered_fields":`), names, []byte(`,"record":`), record, []byte(`,`), rest[1:])
	return keys.Message(kind, text), nil
}

// sum hashes by the name in hash_algorithm.
func sum(algorithm string, data []byte, suite keys.Suite) ([]byte, error) {
	if algorithm == SHA256 {
		h := sha256.Sum256(data)
		return h[:], nil
	}
	if suite == nil || suite.DigestName() != "sm3" {
		return nil, protocol.New(protocol.CodeAlgorithmRefused, "privacy.hash_algorithm", "TSD-ATT-OFF-05", "a suite that was not given")
	}
	return digestBytes(suite.Digest(data))
}

// digestBytes takes the bytes out of a digest in the form name:base64url.
func digestBytes(d canon.Digest) ([]byte, error) {
	s := string(d)
	for i := range s {
		if s[i] == ':' {
			return canon.DecodeBase64(s[i+1:])
		}
	}
	return nil, protocol.New(protocol.CodeMalformed, "privacy.payload_hash", "TSD-ATT-OFF-05", "not a digest")
}

// CheckSuites reports algorithm_refused when the record names a hash or a
// signature that is neither ours nor of one of the suites. Nothing can then be
// said about it.
func (u *Unverified) CheckSuites(suites ...keys.Suite) error {
	if u.Record.HashAlgorithm != SHA256 && hashSuite(suites) == nil {
		return protocol.New(protocol.CodeAlgorithmRefused, "privacy.hash_algorithm", "TSD-ATT-OFF-05", "a suite that was not given")
	}
	for _, sig := range u.Record.Signatures {
		_, ours := keys.ParseSignatureType(sig.Type)
		if !ours && !slices.ContainsFunc(suites, func(s keys.Suite) bool { return s.SignatureType() == sig.Type }) {
			return protocol.New(protocol.CodeAlgorithmRefused, "signatures.signature_type", "TSD-ATT-OFF-11", "a suite that was not given")
		}
	}
	return nil
}

// hashSuite is the suite that has SM3, or nil.
func hashSuite(suites []keys.Suite) keys.Suite {
	for _, s := range suites {
		if s.DigestName() == "sm3" {
			return s
		}
	}
	return nil
}

// CheckHash computes the payload hash anew and compares it with the record's:
// claims_conflict when they differ, algorithm_refused when the record names a
// hash of a suite that was not given.
func (u *Unverified) CheckHash(suites ...keys.Suite) error {
	hash, err := sum(u.Record.HashAlgorithm, slices.Concat(u.payload, u.Record.Salt), hashSuite(suites))
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(hash, u.Record.PayloadHash) != 1 {
		return protocol.New(protocol.CodeClaimsConflict, "privacy.payload_hash", "TSD-ATT-OFF-05", "not the hash of this content")
	}
	return nil
}

// VerifySignature checks the record's signature of this index by a public key
// in JWK form, ours or of one of the suites: signature_invalid, or
// algorithm_refused when the declared algorithm is not the key's. Whose key it
// is and what for, and whether it was good at the time of the event, is the
// caller's to know.
func (u *Unverified) VerifySignature(i int, publicJWK []byte, suites ...keys.Suite) error {
	s, message, err := u.signed(i)
	if err != nil {
		return err
	}
	return keys.VerifyDetached(s.Type, publicJWK, message, s.Value, suites...)
}

// VerifyBy is VerifySignature by a key of ours.
func (u *Unverified) VerifyBy(i int, key keys.PublicKey) error {
	s, message, err := u.signed(i)
	if err != nil {
		return err
	}
	if alg, _ := keys.ParseSignatureType(s.Type); alg != key.Algorithm() { // empty for the name of a suite
		return protocol.New(protocol.CodeAlgorithmRefused, "signatures.signature_type", "TSD-ATT-OFF-11", "not the algorithm of the key")
	}
	if !key.Verify(message, s.Value) {
		return protocol.New(protocol.CodeSignatureInvalid, "signatures.signature", "TSD-ATT-OFF-08", "")
	}
	return nil
}

// signed returns a signature and what it is made of.
func (u *Unverified) signed(i int) (Signature, []byte, error) {
	if i < 0 || i >= len(u.Record.Signatures) {
		return Signature{}, nil, missing("signatures", "TSD-ATT-OFF-08")
	}
	s := u.Record.Signatures[i]
	message, err := signed(u.canonical, signatureWire{SignerID: s.KeyID, Type: s.Type, Covered: covered(u.Record.Ext != nil)})
	return s, message, err
}
