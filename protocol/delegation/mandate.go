package delegation

import (
	"bytes"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// Issue signs claims as a mandate: a VC-JWT whose payload is in RFC 8785 form,
// every byte of it covered by the signature (ADD-IAC-ISS-08 to -15). The signer
// is the issuer's, with a key for issuing authorizations and nothing else
// (ADD-IAC-ISS-12).
//
// It refuses what [ParseMandate] would refuse, and besides an authorization
// without confirmation or main boundary (ADD-IAC-ISS-01) or with members that
// this version does not know. It does not know whether the agent and the PSP
// exist, nor whether issuer may act for the delegator.
func Issue(s *keys.Signer, c Claims) ([]byte, error) {
	if err := c.issuable(s, vcSubject); err != nil {
		return nil, err
	}
	payload, err := c.encode()
	if err != nil {
		return nil, err
	}
	return keys.SignCompact(s, keys.IssueAuthorization, keys.TypeMandate, payload)
}

// issuable reports whether the claims may be signed by s. path is that of the
// authorization.
func (c Claims) issuable(s *keys.Signer, path string) error {
	if s == nil {
		return missing("signer", "ADD-IAC-ISS-11")
	}
	if err := c.check(path); err != nil {
		return err
	}
	if err := c.Authorization.issuable(); err != nil {
		return protocol.In(err, path)
	}
	if err := c.listed(); err != nil {
		return err
	}
	switch {
	case len(c.Unknown) > 0:
		return protocol.New(protocol.CodeConstraintUnknown, "", "ADD-IAC-ISS-07", "")
	case s.DID() != c.Issuer:
		return protocol.New(protocol.CodeClaimsConflict, "iss", "ADD-IAC-ISS-10", "the signer is not the issuer")
	case s.Public().Equal(c.Holder):
		return protocol.New(protocol.CodeKeyPurpose, "cnf.jwk", "ADD-IAC-ISS-12", "the issuing key cannot be the agent's")
	}
	return nil
}

// An UnverifiedMandate is a mandate of the right form. Its claims may come from
// anybody until its signature has been verified with a key that the issuer has
// for this purpose, and until the issuer has been found to be one to believe.
type UnverifiedMandate struct {
	token  *keys.UnverifiedToken
	claims Claims
	shown  *sdjwt.Processed // of the form with selective disclosure
}

// ParseMandate reads a mandate in one of its two forms, the VC-JWT of [Issue]
// (SPEC.md 4.2) and the SD-JWT VC of [IssueSelective] (SPEC.md 8.1), which has a
// tilde: the strict token form, the closed set of claims, the rules of the
// payload, and that twins are equal. Claims and members that are not known are
// collected; see [Claims]. What was withheld is noted; see
// [Authorization.Withheld].
//
// An SD-JWT is read without its key binding JWT: see [sdjwt.Cut].
//
// It checks no signature, no clock, no status, not who the issuer is, and not
// who the mandate is for.
func ParseMandate(raw []byte) (*UnverifiedMandate, error) {
	if sdjwt.IsPresentation(raw) {
		return parseSelective(raw)
	}
	token, err := keys.ParseCompact(raw, keys.TypeMandate)
	if err != nil {
		return nil, err
	}
	m := &UnverifiedMandate{token: token}
	r := newReader(token.Payload, true)
	if err := m.claims.read(r); err != nil {
		return nil, withRequirement(err, "ADD-IAC-ISS-14")
	}
	return m.finish(r.unknown, vcSubject)
}

// finish applies the rules that both forms have to claims that were read.
func (m *UnverifiedMandate) finish(unknown []string, path string) (*UnverifiedMandate, error) {
	if err := m.claims.check(path); err != nil {
		return nil, err
	}
	if did, _, _ := strings.Cut(m.token.Header.KeyID, "#"); did != m.claims.Issuer {
		return nil, protocol.New(protocol.CodeClaimsConflict, "iss", "ADD-IAC-ISS-10", "the signing key is not the issuer's")
	}
	if err := m.claims.listed(); err != nil {
		return nil, err
	}
	m.claims.Unknown = unknown
	m.claims.Authorization.unknown = unknown
	return m, nil
}

// Claims returns a copy of the unverified claims.
func (m *UnverifiedMandate) Claims() Claims {
	c := m.claims
	c.Authorization = c.Authorization.Clone()
	c.Unknown = cloneSlice(c.Unknown)
	if c.Status != nil {
		status := *c.Status
		c.Status = &status
	}
	return c
}

// KeyID returns the DID URL of the key that the mandate says signed it. Its DID
// is the issuer's.
func (m *UnverifiedMandate) KeyID() string { return m.token.Header.KeyID }

// VerifySignature checks the signature (ADD-IAC-ISS-10) by a key that the
// caller has found, under [UnverifiedMandate.KeyID], to be for issuing
// authorizations at the time. That key cannot also be the agent's
// (ADD-IAC-ISS-12).
func (m *UnverifiedMandate) VerifySignature(key keys.PublicKey) error {
	if key.Equal(m.claims.Holder) {
		return protocol.New(protocol.CodeKeyPurpose, "cnf.jwk", "ADD-IAC-ISS-12", "the issuing key cannot be the agent's")
	}
	return m.token.Verify(key)
}

// Payload returns a copy of the signed payload, byte by byte: every member,
// vendor_private and unknown ones included. With selective disclosure it has
// digests; [UnverifiedMandate.Shown] has what they are of.
func (m *UnverifiedMandate) Payload() []byte { return bytes.Clone(m.token.Payload) }

// Shown returns the payload with what was disclosed in its place, nil for a
// mandate without selective disclosure.
func (m *UnverifiedMandate) Shown() []byte {
	if m.shown == nil {
		return nil
	}
	return bytes.Clone(m.shown.Payload)
}

// PayloadDigest returns the digest of the signed payload, byte by byte. A PSP
// pins it for (iss, delegation_id): the same pair with another payload is a
// request_conflict. With selective disclosure it is that of the issuer-signed
// JWT, so that another selection of disclosures is the same mandate.
func (m *UnverifiedMandate) PayloadDigest() canon.Digest { return canon.Sum(m.token.Payload) }
