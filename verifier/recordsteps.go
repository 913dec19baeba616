package verifier

import (
	"context"
	"errors"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
)

// unknownStatus is the StatusSource of a Verifier that has none.
type unknownStatus struct{}

func (unknownStatus) Status(context.Context, delegation.StatusReference, string, time.Time) (delegation.Status, error) {
	return 0, protocol.New(protocol.CodeStatusUnavailable, "status", "ADD-IAC-LCM-10", "this verifier is for records")
}

// parseRecord reads a record, and refuses one whose algorithms are not read
// here: what cannot be computed says nothing about the record.
func parseRecord(raw []byte, suites []keys.Suite) (*attestation.Unverified, error) {
	u, err := attestation.Parse(raw)
	if err != nil {
		return nil, err
	}
	if err := u.CheckSuites(suites...); err != nil {
		return nil, err
	}
	return u, nil
}

// retrieve is the first step: a record by its id.
func retrieve(ctx context.Context, source RecordSource, id string, suites []keys.Suite) (*attestation.Unverified, error) {
	if source == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "source", "TSD-ATT-SVF-01", "a source of records is needed")
	}
	raw, err := source.Record(ctx, id)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "record_id", "TSD-ATT-SVF-01", "the record could not be had", err)
	}
	u, err := parseRecord(raw, suites)
	if err != nil {
		return nil, err
	}
	if u.Record.ID != id {
		return nil, protocol.New(protocol.CodeClaimsConflict, "record_id", "TSD-ATT-SVF-01", "another record than the one that was asked for")
	}
	return u, nil
}

// steps makes the checks of one record, from the second step to the fifth.
type steps struct {
	v       *Verifier
	expect  *RecordExpectation
	u       *attestation.Unverified
	verdict *RecordVerdict
	found   []signerKey // for each signature
}

// run returns when the first step fails.
func (s *steps) run(ctx context.Context) {
	s.verdict.Checks.Pass("TSD-ATT-SVF-01", "form and parts of the record")
	if s.keys(ctx) && s.hash() && s.signatures() && s.anchor(ctx) {
		s.verdict.Conclusion = attestation.Verified
	}
}

// fail records a check that ends the verification with c.
func (s *steps) fail(c attestation.Conclusion, requirement, name string, err error) bool {
	s.verdict.Conclusion, s.verdict.Err = c, err
	s.verdict.Checks.Record(requirement, name, err)
	return false
}

// A signerKey is the key of a signature: one of ours, or of a suite.
type signerKey struct {
	ours keys.PublicKey
	jwk  []byte
}

// keys is the second step: a key for every signature, of the time of the event.
func (s *steps) keys(ctx context.Context) bool {
	const name = "keys of the signers at the time of the event"
	r := &s.u.Record
	for _, sig := range r.Signatures {
		key, err := s.key(ctx, sig.KeyID, sig.Type, r.EventTime)
		if err != nil {
			s.verdict.Signer = sig.Signer()
			return s.fail(attestation.PublicKeyUnavailable, "TSD-ATT-SVF-05", name, err)
		}
		s.found = append(s.found, key)
		s.verdict.Keys = append(s.verdict.Keys, KeyUse{KeyID: sig.KeyID, PublicJWK: key.jwk, At: r.EventTime})
	}
	s.verdict.Checks.Pass("TSD-ATT-SVF-05", name)
	return true
}

// key finds the key of a signature.
func (s *steps) key(ctx context.Context, keyID, signatureType string, at time.Time) (signerKey, error) {
	if _, ours := keys.ParseSignatureType(signatureType); ours {
		key, err := s.v.keyUnder(ctx, keyID, didOf(keyID), keys.Attestation, at, "TSD-ATT-SVF-05")
		if err != nil {
			return signerKey{}, err
		}
		return signerKey{ours: key, jwk: key.JWK()}, nil
	}
	if s.expect.SuiteKeys == nil {
		return signerKey{}, keyUnavailable("no source of keys of this suite", nil)
	}
	jwk, err := s.expect.SuiteKeys.SuiteKey(ctx, keyID, keys.Attestation, at)
	if err != nil {
		return signerKey{}, keyError(err)
	}
	if len(jwk) == 0 {
		return signerKey{}, keyUnavailable("the key source gave no key", nil)
	}
	return signerKey{jwk: jwk}, nil
}

// verify checks the signature of this index.
func (s *steps) verify(i int, key signerKey) error {
	if key.ours.IsZero() {
		return s.u.VerifySignature(i, key.jwk, s.expect.Suites...)
	}
	return s.u.VerifyBy(i, key.ours)
}

// hash is the third step.
func (s *steps) hash() bool {
	const name = "payload hash"
	if err := s.u.CheckHash(s.expect.Suites...); err != nil {
		return s.fail(attestation.PayloadHashMismatch, "TSD-ATT-OFF-05", name, err)
	}
	s.verdict.Checks.Pass("TSD-ATT-OFF-05", name)
	return true
}

// signatures is the fourth step: each of them, and one that fails is enough
// (TSD-ATT-SVF-07).
func (s *steps) signatures() bool {
	const name = "every signature"
	for i, key := range s.found {
		if err := s.verify(i, key); err != nil {
			s.verdict.Signer = s.u.Record.Signatures[i].Signer()
			return s.fail(attestation.SignatureInvalid, "TSD-ATT-SVF-07", name, err)
		}
	}
	s.verdict.Checks.Pass("TSD-ATT-SVF-07", name)
	return true
}

// anchor is the fifth step: the chain has an anchor, it is of this record, its
// submitter's, and the times fit.
func (s *steps) anchor(ctx context.Context) bool {
	found, err := s.query(ctx)
	switch {
	case errors.Is(err, ErrAnchorNotFound):
		return s.fail(attestation.AnchorNotFound, "TSD-ATT-SVF-02", "anchor on the chain",
			protocol.Wrap(protocol.CodeFieldMissing, "anchor", "TSD-ATT-SVF-02", "the chain has no anchor of this record", err))
	case err != nil:
		return s.fail(attestation.AnchorQueryTimeout, "TSD-ATT-SVF-04", "anchor on the chain",
			protocol.Wrap(protocol.CodeServiceUnavailable, "anchor", "TSD-ATT-SVF-04", "the chain gave no answer that can be used", err))
	}
	s.verdict.Anchor = found
	s.verdict.Checks.Pass("TSD-ATT-SVF-04", "anchor on the chain")
	u, err := attestation.ParseAnchor(found.Token)
	if err == nil {
		err = s.fits(&u.Anchor, found.At)
	}
	if err != nil {
		return s.fail(attestation.ChainHashMismatch, "TSD-ATT-OCA-03", "anchor is of this record", err)
	}
	s.verdict.Checks.Pass("TSD-ATT-OCA-03", "anchor is of this record")
	return s.anchorKeys(ctx, u, found.At)
}

// fits compares the anchor with the record and the times with each other.
func (s *steps) fits(a *attestation.Anchor, at time.Time) error {
	r := &s.u.Record
	if err := a.Matches(r); err != nil {
		return err
	}
	conflict := func(field, detail string) error {
		return protocol.New(protocol.CodeClaimsConflict, field, "TSD-ATT-OCA-03", detail)
	}
	switch {
	case a.Channel != s.expect.Channel:
		return conflict("channel", "anchored in another channel")
	case a.Submitter != r.Initiator():
		return conflict("iss", "not submitted by the initiator")
	case a.IssuedAt.Before(r.CreatedTime.Add(-clockSkew)):
		return conflict("iat", "anchored before the record was made")
	case at.Before(a.IssuedAt.Add(-clockSkew)):
		return conflict("iat", "signed after the chain had it")
	}
	return nil
}

// anchorKeys verifies the anchor, and judges all keys by the time that the
// chain vouches for.
func (s *steps) anchorKeys(ctx context.Context, u *attestation.UnverifiedAnchor, at time.Time) bool {
	const name = "signature of the anchor"
	initiator := s.u.Record.Initiator()
	earliest := at.Add(-s.expect.MaxLag)
	key, err := s.v.keyUnder(ctx, u.KeyID(), initiator, keys.Anchor, latest(u.Anchor.IssuedAt, earliest), "TSD-ATT-OCA-06")
	if err != nil {
		s.verdict.Signer = initiator
		return s.fail(attestation.PublicKeyUnavailable, "TSD-ATT-OCA-06", name, err)
	}
	if err := u.Verify(key); err != nil {
		return s.fail(attestation.ChainHashMismatch, "TSD-ATT-OCA-06", name, err)
	}
	s.verdict.Checks.Pass("TSD-ATT-OCA-06", name)
	if !earliest.After(s.u.Record.EventTime) {
		return true
	}
	const late = "keys of the signers when it was anchored"
	for _, sig := range s.u.Record.Signatures {
		if _, err := s.key(ctx, sig.KeyID, sig.Type, earliest); err != nil {
			s.verdict.Signer = sig.Signer()
			return s.fail(attestation.PublicKeyUnavailable, "TSD-ATT-SVF-05", late, err)
		}
	}
	s.verdict.Checks.Pass("TSD-ATT-SVF-05", late)
	return true
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// query asks the chain, and again when it did not answer (TSD-ATT-SVF-04).
func (s *steps) query(ctx context.Context) (*Anchored, error) {
	for try := 0; ; try++ {
		found, err := s.queryOnce(ctx)
		if err == nil || errors.Is(err, ErrAnchorNotFound) || try == anchorRetries {
			return found, err
		}
		pause := time.NewTimer(anchorPause << try)
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil, err
		case <-pause.C:
		}
	}
}

func (s *steps) queryOnce(ctx context.Context) (*Anchored, error) {
	ctx, cancel := context.WithTimeout(ctx, s.expect.AnchorTimeout)
	defer cancel()
	found, err := s.expect.Anchors.Anchor(ctx, s.expect.Channel, s.u.Record.ID)
	if err != nil {
		return nil, err
	}
	if found == nil || found.Place == "" || found.At.IsZero() || found.At.After(s.v.now().Add(clockSkew)) {
		return nil, protocol.New(protocol.CodeServiceUnavailable, "anchor", "TSD-ATT-SVF-04", "an answer has a place and a time that has been")
	}
	return found, nil
}
