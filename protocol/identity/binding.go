package identity

import (
	"bytes"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// MaxBindingLife is the longest life of a [Binding].
const MaxBindingLife = 15 * time.Minute

// A Binding is the statement of a platform agent's provider that the agent
// acts, for a few minutes and towards one audience, for one principal (IDN-03,
// PSD-PAY-DEL-09). It has no status: it is over before one would be published.
type Binding struct {
	ID         string    // jti
	Issuer     string    // iss, the DID of the agent's provider, or of who issues its identities; never did:key
	Agent      string    // sub, DID of the platform agent
	Principal  string    // the principal as the audience knows it: a delegator's DID, or a pseudonym
	Audience   string    // aud, the DID of the one party it is for
	IssuedAt   time.Time // iat
	Expires    time.Time // exp, at most MaxBindingLife after iat
	Thumbprint string    // cnf.jkt (RFC 7638), of the agent's key
}

// IssueBinding signs a binding with a key of purpose issue-identity. Times are
// cut to whole seconds. It does not know whether the principal uses the agent.
func IssueBinding(s *keys.Signer, b Binding) ([]byte, error) {
	if s == nil {
		return nil, missingIn("signer", "IDN-03")
	}
	b.IssuedAt, b.Expires = seconds(b.IssuedAt), seconds(b.Expires)
	if err := b.check(); err != nil {
		return nil, err
	}
	switch {
	case s.DID() != b.Issuer:
		return nil, protocol.New(protocol.CodeClaimsConflict, "iss", "IDN-03", "the signer is not the issuer")
	case s.Public().Thumbprint() == b.Thumbprint:
		return nil, protocol.New(protocol.CodeKeyPurpose, "cnf.jkt", "IDN-03", "the issuing key cannot be the agent's")
	}
	payload, err := canon.Marshal(wireBinding{
		Iss: b.Issuer, Sub: b.Agent, Aud: b.Audience, Jti: b.ID, Iat: b.IssuedAt.Unix(), Exp: b.Expires.Unix(),
		Principal: b.Principal, Cnf: wireThumbprint{JKT: b.Thumbprint},
	})
	if err != nil {
		return nil, err
	}
	return keys.SignCompact(s, keys.IssueIdentity, keys.TypePrincipalBinding, payload)
}

// An UnverifiedBinding is a binding of the right form that has not been
// checked.
type UnverifiedBinding struct {
	Binding Binding

	token *keys.UnverifiedToken
}

type (
	wireBinding struct {
		Iss       string         `json:"iss"`
		Sub       string         `json:"sub"`
		Aud       string         `json:"aud"`
		Jti       string         `json:"jti"`
		Iat       int64          `json:"iat"`
		Exp       int64          `json:"exp"`
		Principal string         `json:"principal"`
		Cnf       wireThumbprint `json:"cnf"`
	}
	wireThumbprint struct {
		JKT string `json:"jkt"`
	}
)

// ParseBinding reads a principal binding: token kind, closed claims, and the
// rules of SPEC.md 9.1. It checks no signature and no clock, and not that the
// issuer may speak for the agent.
func ParseBinding(raw []byte) (*UnverifiedBinding, error) {
	token, err := keys.ParseCompact(raw, keys.TypePrincipalBinding)
	if err != nil {
		return nil, err
	}
	var w wireBinding
	if err := canon.Decode(token.Payload, &w); err != nil {
		return nil, requirementFor(err, "IDN-03")
	}
	b := Binding{
		ID: w.Jti, Issuer: w.Iss, Agent: w.Sub, Principal: w.Principal, Audience: w.Aud,
		IssuedAt: numericDate(w.Iat), Expires: numericDate(w.Exp), Thumbprint: w.Cnf.JKT,
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	if did, _, _ := strings.Cut(token.Header.KeyID, "#"); did != b.Issuer {
		return nil, protocol.New(protocol.CodeClaimsConflict, "iss", "IDN-03", "the signing key is not the issuer's")
	}
	return &UnverifiedBinding{Binding: b, token: token}, nil
}

// KeyID returns the DID URL of the key that the binding says signed it.
func (u *UnverifiedBinding) KeyID() string { return u.token.Header.KeyID }

// Verify checks the signature by a key of the issuer, which cannot also be the
// agent's.
func (u *UnverifiedBinding) Verify(key keys.PublicKey) error {
	if key.Thumbprint() == u.Binding.Thumbprint {
		return protocol.New(protocol.CodeKeyPurpose, "cnf.jkt", "IDN-03", "the issuing key cannot be the agent's")
	}
	return u.token.Verify(key)
}

// Payload returns a copy of the signed payload.
func (u *UnverifiedBinding) Payload() []byte { return bytes.Clone(u.token.Payload) }

func (b Binding) check() error {
	const requirement = "IDN-03"
	if err := present(requirement,
		named{"iss", b.Issuer != ""}, named{"sub", b.Agent != ""}, named{"aud", b.Audience != ""}, named{"jti", b.ID != ""},
		named{"iat", !b.IssuedAt.IsZero()}, named{"exp", !b.Expires.IsZero()},
		named{"principal", b.Principal != ""}, named{"cnf.jkt", b.Thumbprint != ""},
	); err != nil {
		return err
	}
	if err := allDIDs(requirement, [2]string{"iss", b.Issuer}, [2]string{"sub", b.Agent}, [2]string{"aud", b.Audience}); err != nil {
		return err
	}
	for _, m := range [][2]string{{"jti", b.ID}, {"principal", b.Principal}} {
		if err := canon.CheckID(m[1]); err != nil {
			return requirementFor(protocol.In(err, m[0]), requirement)
		}
	}
	if raw, err := canon.DecodeBase64(b.Thumbprint); err != nil || len(raw) != 32 {
		return invalidIn("cnf.jkt", requirement, "an RFC 7638 thumbprint by SHA-256")
	}
	if err := wholeSeconds(requirement, map[string]time.Time{"iat": b.IssuedAt, "exp": b.Expires}); err != nil {
		return err
	}
	if life := b.Expires.Sub(b.IssuedAt); life <= 0 || life > MaxBindingLife {
		return invalidIn("exp", requirement, "after iat, by at most 15 minutes")
	}
	if did, _ := ParseDID(b.Issuer); did.Method() == MethodKey {
		return protocol.New(protocol.CodeKeyPurpose, "iss", requirement, "did:key issues no bindings")
	}
	return nil
}
