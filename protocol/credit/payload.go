package credit

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
)

// payloadBody is the official direct-signing-payload: a credential without
// signatures and predecessor.
type payloadBody struct {
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
	ApplicationRequestedAt Time           `json:"associationApplicationRequestedAt"`
	ApplicationAntiReplay  AntiReplay     `json:"associationApplicationAntiReplay"`
	IssuedAt               Time           `json:"issuedAt"`
	ValidFrom              Time           `json:"validFrom"`
	ExpiresAt              Time           `json:"expiresAt,omitzero"`
	StatusQuery            StatusQuery    `json:"statusQuery"`
}

func (p payloadBody) credential() Credential {
	return Credential{
		CredentialID: p.CredentialID, CredentialVersion: p.CredentialVersion, ApplicationID: p.ApplicationID, AgentID: p.AgentID,
		SubjectID: p.SubjectID, Role: p.Role, IssuerID: p.IssuerID, EvidenceRef: p.EvidenceRef, Method: p.Method,
		SubjectAssertionRef: p.SubjectAssertionRef, Value: p.Value, Source: p.Source, Policy: p.Policy, Statement: p.Statement,
		Purpose: p.Purpose, Scope: p.Scope, ApplicationRequestedAt: p.ApplicationRequestedAt, ApplicationAntiReplay: &p.ApplicationAntiReplay,
		IssuedAt: p.IssuedAt, ValidFrom: p.ValidFrom, ExpiresAt: p.ExpiresAt, StatusQuery: p.StatusQuery,
	}
}

// check holds a payload to the rules of the credential that it will become; the
// members that are still to come are filled in for that.
func (p *payloadBody) check(r *wire.Reader) {
	constant(r, "confirmationMethod", string(p.Method), string(DirectSignature))
	c := p.credential()
	c.Method, c.IssuerSignature, c.IssuerAlgorithm = AttestedConfirmation, "AA", Algorithm
	c.check(r)
	p.Value = c.Value
}
