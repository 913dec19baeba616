package credit

import (
	"bytes"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A SubjectAssertion is what a credit service says of a subject. It stays with
// the credit service: credentials refer to it, answers say at most that it is
// current (TSD-CRD-MAP-05, TSD-CRD-VER-04).
type SubjectAssertion struct {
	AssertionID      string         `json:"assertionId"`
	AssertionVersion string         `json:"assertionVersion"`
	CreditServiceID  string         `json:"creditServiceId"`
	SubjectID        string         `json:"subjectId"`
	IssuedAt         Time           `json:"issuedAt"`
	ValidFrom        Time           `json:"validFrom"`
	ExpiresAt        Time           `json:"expiresAt,omitzero"`
	Payload          jsontext.Value `json:"creditPayload"` // an object of the credit service's own making
	Proof            *Proof         `json:"assertionProof,omitzero"`
}

func (a *SubjectAssertion) check(r *wire.Reader) {
	identifier(r, "assertionId", a.AssertionID)
	text(r, "assertionVersion", a.AssertionVersion, maxIdentifier)
	identifier(r, "creditServiceId", a.CreditServiceID)
	identifier(r, "subjectId", a.SubjectID)
	window(r, a.ValidFrom, a.ExpiresAt)
	mappedValue(r, "creditPayload", &a.Payload)
	if len(a.Payload) > 0 && a.Payload[0] != '{' {
		r.Invalid("creditPayload", "must be an object")
	}
	if a.Proof != nil {
		a.Proof.check(r, "assertionProof")
	}
}

// ParseSubjectAssertion reads a subject's assertion. The official form may go
// unsigned; one that does never verifies.
func ParseSubjectAssertion(data []byte) (*Unverified[SubjectAssertion], error) {
	return open(data, "assertionProof", "TSD-CRD-VER-07", func(a SubjectAssertion) (string, *Proof) { return a.CreditServiceID, a.Proof })
}

// Sign checks the assertion and signs it by a key of its credit service.
func (a SubjectAssertion) Sign(s *keys.Signer) ([]byte, error) {
	a.Proof = new(Proof)
	return seal(s, a.CreditServiceID, "assertionProof", "TSD-CRD-VER-07", &a, a.Proof)
}

// ValidAt reports whether now is inside the assertion's window.
func (a SubjectAssertion) ValidAt(now time.Time) bool { return inWindow(a.ValidFrom, a.ExpiresAt, now) }

// An AgentAssertion is what a credit service says of an agent: never more than
// what was mapped for it, with the source said (TSD-CRD-MAP-01).
type AgentAssertion struct {
	AssertionID         string         `json:"assertionId"`
	AssertionVersion    string         `json:"assertionVersion"`
	CreditServiceID     string         `json:"creditServiceId"`
	AgentID             string         `json:"agentId"`
	CredentialRef       string         `json:"associationCredentialRef"`
	SubjectAssertionRef string         `json:"subjectCreditAssertionRef"`
	Value               jsontext.Value `json:"associatedCreditValue"`
	Source              string         `json:"creditSource"`
	Policy              MappingPolicy  `json:"mappingPolicy"`
	Purpose             string         `json:"purpose"`
	Scope               []string       `json:"scope"`
	IssuedAt            Time           `json:"issuedAt"`
	ValidFrom           Time           `json:"validFrom"`
	ExpiresAt           Time           `json:"expiresAt,omitzero"`
	Status              Status         `json:"status"` // not PENDING
	Proof               *Proof         `json:"assertionProof,omitzero"`
}

func (a *AgentAssertion) check(r *wire.Reader) {
	for _, m := range []struct{ field, value string }{
		{"assertionId", a.AssertionID}, {"assertionVersion", a.AssertionVersion}, {"creditServiceId", a.CreditServiceID},
		{"agentId", a.AgentID}, {"associationCredentialRef", a.CredentialRef}, {"purpose", a.Purpose},
	} {
		identifier(r, m.field, m.value)
	}
	reference(r, "subjectCreditAssertionRef", a.SubjectAssertionRef)
	mappedValue(r, "associatedCreditValue", &a.Value)
	constant(r, "creditSource", a.Source, Source)
	a.Policy.check(r, "mappingPolicy")
	set(r, "scope", a.Scope)
	window(r, a.ValidFrom, a.ExpiresAt)
	oneOf(r, "status", a.Status, Active, Suspended, Revoked, Expired)
	if a.Proof != nil {
		a.Proof.check(r, "assertionProof")
	}
}

// ParseAgentAssertion reads an agent's assertion; an unsigned one never
// verifies.
func ParseAgentAssertion(data []byte) (*Unverified[AgentAssertion], error) {
	return open(data, "assertionProof", "TSD-CRD-ASC-07", func(a AgentAssertion) (string, *Proof) { return a.CreditServiceID, a.Proof })
}

// Sign checks the assertion and signs it by a key of its credit service.
func (a AgentAssertion) Sign(s *keys.Signer) ([]byte, error) {
	a.Proof = new(Proof)
	return seal(s, a.CreditServiceID, "assertionProof", "TSD-CRD-ASC-07", &a, a.Proof)
}

// Mapped returns the three elements that travel together.
func (a AgentAssertion) Mapped() Mapped { return Mapped{a.SubjectAssertionRef, a.Value, a.Policy} }

// A Rule is one version of one way to map. Map is the credit service's own; it
// must put a bound of its own on what it returns (TSD-CRD-MAP-03).
type Rule struct {
	Policy MappingPolicy
	Map    func(payload jsontext.Value) (jsontext.Value, error)
}

// Apply maps what is said of a subject for an application. It refuses with
// policy_refused a value that is the subject's credit itself, or that carries
// it whole somewhere inside (TSD-CRD-MAP-03, TSD-CRD-MAP-05); whether the bound
// is low enough it cannot know. The result lasts as long as both the
// application and the subject's assertion, and is still to be signed.
func (rule Rule) Apply(app Application, of SubjectAssertion, subjectRef, credentialID, assertionID string, now time.Time) (AgentAssertion, error) {
	if app.SubjectID != of.SubjectID {
		return AgentAssertion{}, protocol.New(protocol.CodePrincipalMismatch, "subjectId", "TSD-CRD-MAP-02", "credit of somebody else")
	}
	if !of.ValidAt(now) {
		return AgentAssertion{}, protocol.New(protocol.CodeStateConflict, "expiresAt", "TSD-CRD-MAP-02", "the subject's assertion is not current")
	}
	value, err := rule.Map(slices.Clone(of.Payload))
	if err != nil {
		return AgentAssertion{}, err
	}
	canonical, err := canon.Canonicalize(value)
	if err != nil {
		return AgentAssertion{}, protocol.In(err, "associatedCreditValue")
	}
	payload, err := canon.Canonicalize(of.Payload)
	if err != nil {
		return AgentAssertion{}, protocol.In(err, "creditPayload")
	}
	if carries(canonical, payload) {
		return AgentAssertion{}, protocol.New(protocol.CodePolicyRefused, "associatedCreditValue", "TSD-CRD-MAP-03", "the subject's whole credit, not a bounded part")
	}
	until := app.ExpiresAt
	if until.IsZero() || !of.ExpiresAt.IsZero() && of.ExpiresAt.t.Before(until.t) {
		until = of.ExpiresAt
	}
	a := AgentAssertion{
		AssertionID: assertionID, AssertionVersion: Version, CreditServiceID: of.CreditServiceID, AgentID: app.AgentID,
		CredentialRef: credentialID, SubjectAssertionRef: subjectRef, Value: canonical, Source: Source, Policy: rule.Policy,
		Purpose: app.Purpose, Scope: slices.Clone(app.Scope), IssuedAt: At(now), ValidFrom: At(now), ExpiresAt: until, Status: Active,
	}
	_, err = encode(&a, "TSD-CRD-ASC-07")
	return a, err
}

// carries reports whether part stands somewhere in whole as a value. Both are
// canonical objects, so that equal values are equal texts.
func carries(whole, part jsontext.Value) bool { return bytes.Contains(whole, part) }
