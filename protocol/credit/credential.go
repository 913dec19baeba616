package credit

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Credential associates a subject's credit with an agent (TSD-CRD-ASC-05). It
// refers to what is said of the subject and never carries it (TSD-CRD-MAP-05);
// what it carries is the smaller value that was mapped for the agent. It has no
// state of its own: that is a [CredentialStatus]. A changed member means a new
// credential (TSD-CRD-ASC-04).
type Credential struct {
	CredentialID           string         `json:"credentialId"`
	CredentialVersion      string         `json:"credentialVersion"`
	ApplicationID          string         `json:"associationApplicationId"`
	AgentID                string         `json:"agentId"`
	SubjectID              string         `json:"subjectId"`
	Role                   string         `json:"associationRole"`
	IssuerID               string         `json:"issuerId"`
	EvidenceRef            string         `json:"relationshipEvidenceRef"`
	Method                 Method         `json:"confirmationMethod"`
	SubjectAssertionRef    string         `json:"subjectCreditAssertionRef"`
	Value                  jsontext.Value `json:"associatedCreditValue"`
	Source                 string         `json:"creditSource"`
	Policy                 MappingPolicy  `json:"mappingPolicy"`
	Statement              string         `json:"confirmationStatement"`
	Purpose                string         `json:"purpose"`
	Scope                  []string       `json:"scope"`
	ApplicationRequestedAt Time           `json:"associationApplicationRequestedAt,omitzero"`
	ApplicationAntiReplay  *AntiReplay    `json:"associationApplicationAntiReplay,omitzero"`
	SubjectPublicKey       *PublicKey     `json:"subjectPublicKey,omitzero"`
	SubjectSignature       string         `json:"subjectSignature,omitzero"`
	SubjectAlgorithm       string         `json:"subjectSignatureAlgorithm,omitzero"`
	IssuedAt               Time           `json:"issuedAt"`
	ValidFrom              Time           `json:"validFrom"`
	ExpiresAt              Time           `json:"expiresAt,omitzero"`
	StatusQuery            StatusQuery    `json:"statusQuery"`
	PreviousRef            string         `json:"previousCredentialRef,omitzero"`
	IssuerSignature        string         `json:"issuerSignature"`
	IssuerAlgorithm        string         `json:"issuerSignatureAlgorithm"`
}

// What the two signatures do not cover (TSD-CRD-ASC-03). The subject signs
// before the issuer has chosen a predecessor; the state has a life of its own.
var (
	outsideInner = []string{"subjectPublicKey", "subjectSignature", "subjectSignatureAlgorithm", "previousCredentialRef", "issuerSignature", "issuerSignatureAlgorithm"}
	outsideOuter = []string{"statusQuery", "previousCredentialRef", "issuerSignature", "issuerSignatureAlgorithm"}
)

// Mapped returns the three elements that travel together (TSD-CRD-MAP-02).
func (c Credential) Mapped() Mapped {
	return Mapped{c.SubjectAssertionRef, c.Value, c.Policy}
}

// ValidAt reports whether now is inside the credential's own window.
func (c Credential) ValidAt(now time.Time) bool { return inWindow(c.ValidFrom, c.ExpiresAt, now) }

func (c *Credential) check(r *wire.Reader) {
	for _, m := range []struct{ field, value string }{
		{"credentialId", c.CredentialID}, {"associationApplicationId", c.ApplicationID}, {"agentId", c.AgentID},
		{"subjectId", c.SubjectID}, {"issuerId", c.IssuerID}, {"associationRole", c.Role}, {"purpose", c.Purpose},
	} {
		identifier(r, m.field, m.value)
	}
	constant(r, "credentialVersion", c.CredentialVersion, Version)
	reference(r, "relationshipEvidenceRef", c.EvidenceRef)
	reference(r, "subjectCreditAssertionRef", c.SubjectAssertionRef)
	mappedValue(r, "associatedCreditValue", &c.Value)
	constant(r, "creditSource", c.Source, Source)
	c.Policy.check(r, "mappingPolicy")
	text(r, "confirmationStatement", c.Statement, maxText)
	set(r, "scope", c.Scope)
	window(r, c.ValidFrom, c.ExpiresAt)
	c.StatusQuery.check(r)
	optionalIdentifier(r, "previousCredentialRef", c.PreviousRef)
	if c.PreviousRef == c.CredentialID {
		r.Invalid("previousCredentialRef", "not itself")
	}
	if c.ApplicationAntiReplay != nil {
		c.ApplicationAntiReplay.check(r, "associationApplicationAntiReplay")
	}
	text(r, "issuerSignature", c.IssuerSignature, maxText)
	constant(r, "issuerSignatureAlgorithm", c.IssuerAlgorithm, Algorithm)
	c.checkMethod(r)
}

// checkMethod: the subject's key, signature and algorithm stand there exactly
// for a direct signature (TSD-CRD-ASC-05).
func (c *Credential) checkMethod(r *wire.Reader) {
	oneOf(r, "confirmationMethod", c.Method, DirectSignature, AttestedConfirmation)
	switch c.Method {
	case DirectSignature:
		if c.SubjectPublicKey == nil {
			r.Require("subjectPublicKey", "")
		} else {
			c.SubjectPublicKey.check(r)
		}
		if c.ApplicationAntiReplay == nil {
			r.Require("associationApplicationAntiReplay", "")
		}
		if c.ApplicationRequestedAt.IsZero() {
			r.Require("associationApplicationRequestedAt", "")
		}
		text(r, "subjectSignature", c.SubjectSignature, maxText)
		constant(r, "subjectSignatureAlgorithm", c.SubjectAlgorithm, Algorithm)
	case AttestedConfirmation:
		if c.SubjectPublicKey != nil || c.SubjectSignature != "" || c.SubjectAlgorithm != "" {
			r.Fail("", protocol.New(protocol.CodeFieldUnknown, "subjectSignature", "", "an attested credential has nothing of the subject's signature"))
		}
	}
}

// A Draft is what an issuer is about to sign, frozen before anybody signs.
type Draft struct{ c Credential }

// Terms are what an issuer adds to an application and to what the credit
// service says.
type Terms struct {
	EvidenceRef string // the one of the application's references that was found to fit the role
	Statement   string // what the subject confirms, in words
	StatusURI   string // where the state is to be had
	PreviousRef string // the credential that this one replaces, or empty
	At          time.Time
}

// NewDraft makes a credential of an application and of the credit service's
// assertion about its agent. It refuses with claims_conflict an assertion that
// is about another agent, purpose or scope, or that lasts longer than what was
// applied for, and a reference that the application does not have.
func NewDraft(app Application, of AgentAssertion, t Terms) (Draft, error) {
	c := Credential{
		CredentialID: of.CredentialRef, CredentialVersion: Version, ApplicationID: app.ApplicationID,
		AgentID: app.AgentID, SubjectID: app.SubjectID, Role: app.Role, IssuerID: app.IssuerID,
		EvidenceRef: t.EvidenceRef, Method: app.Method, SubjectAssertionRef: of.SubjectAssertionRef,
		Value: slices.Clone(of.Value), Source: Source, Policy: of.Policy, Statement: t.Statement,
		Purpose: app.Purpose, Scope: slices.Clone(app.Scope), IssuedAt: At(t.At), ValidFrom: app.ValidFrom, ExpiresAt: app.ExpiresAt,
		StatusQuery: StatusQuery{URI: t.StatusURI, Method: "GET"}, PreviousRef: t.PreviousRef,
	}
	if app.Method == DirectSignature {
		replay := app.AntiReplay
		c.ApplicationRequestedAt, c.ApplicationAntiReplay = app.RequestedAt, &replay
	}
	if c.ValidFrom.t.Before(c.IssuedAt.t) {
		c.ValidFrom = c.IssuedAt
	}
	switch {
	case !slices.Contains(app.EvidenceRefs, t.EvidenceRef):
		return Draft{}, protocol.New(protocol.CodeClaimsConflict, "relationshipEvidenceRef", "TSD-CRD-ASC-01", "not evidence of this application")
	case of.AgentID != app.AgentID, of.Purpose != app.Purpose, !slices.Equal(of.Scope, app.Scope):
		return Draft{}, protocol.New(protocol.CodeClaimsConflict, "associatedCreditValue", "TSD-CRD-ASC-07", "mapped for something else")
	}
	return Draft{c}, nil
}

// CredentialID is the id that the credential will have.
func (d Draft) CredentialID() string { return d.c.CredentialID }

// Payload is the text that the subject signs: every member but the signatures
// with what belongs to them, and the predecessor (TSD-CRD-ASC-03). Only a draft
// to be signed directly has one.
func (d Draft) Payload() ([]byte, error) {
	if d.c.Method != DirectSignature {
		return nil, protocol.New(protocol.CodeModeMismatch, "confirmationMethod", "TSD-CRD-ASC-02", "nothing to sign for an attested confirmation")
	}
	raw, err := canon.Marshal(d.c)
	if err != nil {
		return nil, err
	}
	return canon.Without(raw, outsideInner...)
}

// SignPayload is the subject's half of a direct confirmation. It reads what it
// signs: a payload of another form, or one that names another subject, is
// refused. Whether agent, role, purpose, scope, value and time are what the
// person wants is for a person to say, who is shown [PayloadOf] first.
func SignPayload(s *keys.Signer, payload []byte) (Confirmation, error) {
	c, err := PayloadOf(payload)
	if err != nil {
		return Confirmation{}, err
	}
	if s.DID() != c.SubjectID {
		return Confirmation{}, protocol.New(protocol.CodeClaimsConflict, "subjectId", "TSD-CRD-ASC-06", "not the signer")
	}
	key, err := NewPublicKey(s)
	if err != nil {
		return Confirmation{}, err
	}
	canonical, err := canon.Canonicalize(payload)
	if err != nil {
		return Confirmation{}, err
	}
	sig, err := sign(s, canonical)
	return Confirmation{Method: DirectSignature, SubjectPublicKey: &key, SubjectSignature: sig, SignatureAlgorithm: Algorithm}, err
}

// PayloadOf reads a text that a subject is asked to sign. The result has no
// signatures and is no credential.
func PayloadOf(payload []byte) (Credential, error) {
	var p payloadBody
	if err := decode(payload, "TSD-CRD-ASC-03", &p); err != nil {
		return Credential{}, err
	}
	return p.credential(), nil
}

// Issue signs a draft that the subject has confirmed. assertion is the credit
// service's word on the agent, already verified: its three elements, complete,
// are those of the draft, or nothing is issued (TSD-CRD-ASC-07). For a direct
// signature the confirmation's key must be registered, the subject's key as the
// issuer knows it, and must have signed this very draft.
func Issue(s *keys.Signer, d Draft, confirmed Confirmation, registered keys.PublicKey, assertion AgentAssertion) ([]byte, error) {
	c := d.c
	if s == nil || s.DID() != c.IssuerID {
		return nil, protocol.New(protocol.CodeClaimsConflict, "issuerId", "TSD-CRD-ASC-05", "not the signer")
	}
	if !c.Mapped().Equal(assertion.Mapped()) || assertion.CredentialRef != c.CredentialID || assertion.Status != Active {
		return nil, protocol.New(protocol.CodeClaimsConflict, "associatedCreditValue", "TSD-CRD-ASC-07", "not what the credit service asserts")
	}
	if _, err := confirmed.Encode(); err != nil {
		return nil, err
	}
	if confirmed.Method != c.Method {
		return nil, protocol.New(protocol.CodeModeMismatch, "confirmationMethod", "TSD-CRD-ASC-02", "not the method that was applied for")
	}
	if c.Method == DirectSignature {
		payload, err := d.Payload()
		if err != nil {
			return nil, err
		}
		if err := subjectSigned(c.SubjectID, *confirmed.SubjectPublicKey, registered, payload, confirmed.SubjectSignature); err != nil {
			return nil, err
		}
		key := *confirmed.SubjectPublicKey
		c.SubjectPublicKey, c.SubjectSignature, c.SubjectAlgorithm = &key, confirmed.SubjectSignature, Algorithm
	}
	return c.sign(s)
}

func (c Credential) sign(s *keys.Signer) ([]byte, error) {
	c.IssuerSignature, c.IssuerAlgorithm = "AA", Algorithm
	raw, err := encode(&c, "TSD-CRD-ASC-05")
	if err != nil {
		return nil, err
	}
	covered, err := canon.Without(raw, outsideOuter...)
	if err != nil {
		return nil, err
	}
	if c.IssuerSignature, err = sign(s, covered); err != nil {
		return nil, err
	}
	return canon.Marshal(c)
}

// subjectSigned checks an inner signature: the key in the credential is the
// subject's as it is known elsewhere, and has signed.
func subjectSigned(subject string, embedded PublicKey, registered keys.PublicKey, payload []byte, signature string) error {
	key, err := embedded.Key()
	if err != nil {
		return err
	}
	if wire.SignerDID(embedded.KeyID) != subject || embedded.KeyID == subject || !key.Equal(registered) {
		return protocol.New(protocol.CodeKeyUnknown, "subjectPublicKey", "TSD-CRD-VER-01", "not the subject's key")
	}
	return VerifyBare(key, payload, signature)
}

// An UnverifiedCredential has the right form; nothing is known of its origin.
type UnverifiedCredential struct {
	c                   Credential
	raw, inner, outside []byte
}

// ParseCredential reads a credential: form and rules, no signature and no
// state.
func ParseCredential(data []byte) (*UnverifiedCredential, error) {
	u := new(UnverifiedCredential)
	if err := decode(data, "TSD-CRD-ASC-05", &u.c); err != nil {
		return nil, err
	}
	var err error
	if u.raw, err = canon.Canonicalize(data); err != nil {
		return nil, err
	}
	if u.inner, err = canon.Without(u.raw, outsideInner...); err != nil {
		return nil, err
	}
	u.outside, err = canon.Without(u.raw, outsideOuter...)
	return u, err
}

// Credential is what the text says.
func (u *UnverifiedCredential) Credential() Credential { return u.c }

// Raw is the canonical form of the whole text.
func (u *UnverifiedCredential) Raw() []byte { return slices.Clone(u.raw) }

// VerifyIssuer checks the outer signature. The profile names no key id: key is
// the one that the caller's configuration or resolution gives for the issuer.
func (u *UnverifiedCredential) VerifyIssuer(key keys.PublicKey) error {
	return VerifyBare(key, u.outside, u.c.IssuerSignature)
}

// VerifySubject checks the inner signature of a direct confirmation against the
// subject's key as it was resolved, which the one in the credential must equal.
// An attested credential has none and is mode_mismatch.
func (u *UnverifiedCredential) VerifySubject(resolved keys.PublicKey) error {
	if u.c.Method != DirectSignature {
		return protocol.New(protocol.CodeModeMismatch, "confirmationMethod", "TSD-CRD-VER-01", "no signature of the subject")
	}
	return subjectSigned(u.c.SubjectID, *u.c.SubjectPublicKey, resolved, u.inner, u.c.SubjectSignature)
}
