package credit

import (
	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A Method is how the subject confirms an association (TSD-CRD-ASC-02).
type Method string

// The two methods: the subject's own signature inside of the issuer's, or the
// issuer's alone, on the credit service's word that the subject has confirmed.
const (
	DirectSignature      Method = "DIRECT_SIGNATURE"
	AttestedConfirmation Method = "ATTESTED_CONFIRMATION"
)

// A Mode is how queries are authorized (TSD-CRD-AUTH).
type Mode string

// The two modes: one authorization a request, or a platform that asks for a
// time, so and so often.
const (
	PerRequest        Mode = "PER_REQUEST"
	PlatformDelegated Mode = "PLATFORM_DELEGATED"
)

// An Application asks a credit service to associate a subject's credit with an
// agent (TSD-CRD-ASC-01). The official form has no signature: that the subject
// has sent it is known from the session it came in.
type Application struct {
	ApplicationID  string     `json:"applicationId"`
	MessageVersion string     `json:"messageVersion"`
	SubjectID      string     `json:"subjectId"`
	AgentID        string     `json:"agentId"`
	Role           string     `json:"associationRole"` // OPERATOR, CONTROLLER, DEVELOPER, ...
	EvidenceRefs   []string   `json:"relationshipEvidenceRefs"`
	Method         Method     `json:"confirmationMethod"`
	IssuerID       string     `json:"issuerId"`
	Purpose        string     `json:"purpose"`
	Scope          []string   `json:"scope"`
	Mode           Mode       `json:"authorizationMode"`
	RequestedAt    Time       `json:"requestedAt"`
	ValidFrom      Time       `json:"validFrom"`
	ExpiresAt      Time       `json:"expiresAt,omitzero"`
	AntiReplay     AntiReplay `json:"antiReplay"`
}

// ParseApplication reads an application: form and rules, and nothing about who
// has sent it or whether its evidence holds.
func ParseApplication(data []byte) (Application, error) {
	var a Application
	if err := decode(data, "TSD-CRD-ASC-01", &a); err != nil {
		return Application{}, err
	}
	return a, nil
}

// Encode checks an application and writes it in canonical form.
func (a Application) Encode() ([]byte, error) { return encode(&a, "TSD-CRD-ASC-01") }

func encode[T any, P bodyOf[T]](v P, requirement string) ([]byte, error) {
	data, err := canon.Marshal(v)
	if err != nil {
		return nil, err
	}
	return data, readable[T, P](data, requirement)
}

func (a *Application) check(r *wire.Reader) {
	identifier(r, "applicationId", a.ApplicationID)
	constant(r, "messageVersion", a.MessageVersion, Version)
	identifier(r, "subjectId", a.SubjectID)
	identifier(r, "agentId", a.AgentID)
	text(r, "associationRole", a.Role, maxIdentifier)
	set(r, "relationshipEvidenceRefs", a.EvidenceRefs)
	for _, ref := range a.EvidenceRefs {
		reference(r, "relationshipEvidenceRefs", ref)
	}
	oneOf(r, "confirmationMethod", a.Method, DirectSignature, AttestedConfirmation)
	identifier(r, "issuerId", a.IssuerID)
	text(r, "purpose", a.Purpose, maxIdentifier)
	set(r, "scope", a.Scope)
	oneOf(r, "authorizationMode", a.Mode, PerRequest, PlatformDelegated)
	window(r, a.ValidFrom, a.ExpiresAt)
	a.AntiReplay.check(r, "antiReplay")
}

// A Confirmation is the subject's word on one application: its signature over
// the frozen draft, or, when attested, what the credit service has seen
// (TSD-CRD-ASC-02). It is posted under the application and is of use for no
// other (TSD-CRD-ASC-06): the signature covers the application's id, agent,
// role, purpose and scope.
type Confirmation struct {
	Method             Method     `json:"confirmationMethod"`
	AttestationRef     string     `json:"attestationRef,omitzero"`
	SubjectPublicKey   *PublicKey `json:"subjectPublicKey,omitzero"`
	SubjectSignature   string     `json:"subjectSignature,omitzero"`
	SignatureAlgorithm string     `json:"subjectSignatureAlgorithm,omitzero"`
}

// ParseConfirmation reads a confirmation. It does not check the signature.
func ParseConfirmation(data []byte) (Confirmation, error) {
	var c Confirmation
	if err := decode(data, "TSD-CRD-ASC-02", &c); err != nil {
		return Confirmation{}, err
	}
	return c, nil
}

// Encode checks a confirmation and writes it in canonical form.
func (c Confirmation) Encode() ([]byte, error) { return encode(&c, "TSD-CRD-ASC-02") }

func (c *Confirmation) check(r *wire.Reader) {
	oneOf(r, "confirmationMethod", c.Method, DirectSignature, AttestedConfirmation)
	signed := c.SubjectPublicKey != nil && c.SubjectSignature != "" && c.SignatureAlgorithm != ""
	unsigned := c.SubjectPublicKey == nil && c.SubjectSignature == "" && c.SignatureAlgorithm == ""
	switch {
	case c.Method == DirectSignature && !signed:
		r.Fail("", protocol.New(protocol.CodeFieldMissing, "subjectSignature", "TSD-CRD-ASC-02", "a direct signature comes with its key and algorithm"))
	case c.Method == AttestedConfirmation && !unsigned:
		r.Fail("", protocol.New(protocol.CodeFieldUnknown, "subjectSignature", "TSD-CRD-ASC-02", "an attested confirmation has no signature of the subject"))
	case c.Method == DirectSignature:
		c.SubjectPublicKey.check(r)
		constant(r, "subjectSignatureAlgorithm", c.SignatureAlgorithm, Algorithm)
		if c.AttestationRef != "" {
			r.Fail("", protocol.New(protocol.CodeFieldUnknown, "attestationRef", "TSD-CRD-ASC-02", ""))
		}
	case c.AttestationRef != "":
		reference(r, "attestationRef", c.AttestationRef)
	}
}
