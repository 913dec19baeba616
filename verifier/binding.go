package verifier

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// BindingExpectation is what the caller knows apart from the binding. All
// members are required.
type BindingExpectation struct {
	Identity  *AgentIdentity // of the platform agent that showed the binding
	Principal string         // whom the agent is said to act for: at a provider, the delegator of the mandate
	Audience  string         // the caller's own DID
}

// A PrincipalBinding is a verified statement that a platform agent acts for one
// principal, towards one audience. The zero value binds nobody.
type PrincipalBinding struct {
	binding  identity.Binding
	decision protocol.Decision
}

// Binding returns what the binding says.
func (b *PrincipalBinding) Binding() identity.Binding {
	if b == nil {
		return identity.Binding{}
	}
	return b.binding
}

// Decision returns the checks that were made; the zero value's denies.
func (b *PrincipalBinding) Decision() protocol.Decision {
	if b == nil {
		return protocol.Decision{}
	}
	return b.decision
}

// PrincipalBinding verifies that a platform agent acts for the expected
// principal (IDN-03, PSD-PAY-DEL-09): form, that the agent is a platform
// agent, that the issuer is the provider of its credential or the issuer of
// that, and trusted for this provider, key and purpose issue-identity,
// signature, agent, key, principal, audience and time. A binding for one
// principal is principal_mismatch for every other.
//
// A binding may be shown again while it lasts: it is no request. What it says
// of a dedicated agent is not believed; that agent's credential names its
// principal.
func (v *Verifier) PrincipalBinding(ctx context.Context, raw []byte, expect BindingExpectation) (*PrincipalBinding, error) {
	const requirement = "IDN-03"
	if expect.Identity == nil || expect.Identity.credential == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "expectation.identity", requirement, "a binding is worth something for a verified agent only")
	}
	if err := required([2]string{"principal", expect.Principal}, [2]string{"audience", expect.Audience}); err != nil {
		return nil, err
	}
	var d protocol.Decision
	u, err := identity.ParseBinding(raw)
	if !d.Record(requirement, "form", err) {
		return nil, d.Err()
	}
	b, c := u.Binding, expect.Identity.Credential()
	named := b.Issuer == c.Provider || b.Issuer == c.Issuer
	if !d.Require(named && v.speaksFor(b.Issuer, c.Provider), protocol.CodeIssuerUntrusted, requirement, "issuer trusted for the provider", "iss", "not trusted to speak for this agent's provider") {
		return nil, d.Err()
	}
	if _, ok := v.authenticateAt(ctx, u, b.Issuer, keys.IssueIdentity, b.IssuedAt, requirement, &d); !ok {
		return nil, d.Err()
	}
	now := v.now()
	d.Require(c.Type == identity.Platform, protocol.CodePrincipalMismatch, requirement, "platform agent", "sub", "a dedicated agent has the one principal of its credential")
	d.Require(b.Agent == c.Agent && b.Thumbprint == c.Holder.Thumbprint(), protocol.CodeAgentMismatch, requirement, "agent and key", "cnf.jkt", "made for another agent or key")
	d.Require(b.Principal == expect.Principal, protocol.CodePrincipalMismatch, "PSD-PAY-DEL-09", "principal", "principal", "made for another principal")
	d.Require(b.Audience == expect.Audience, protocol.CodeAudienceMismatch, requirement, "audience", "aud", "made for another recipient")
	d.Require(!b.IssuedAt.After(now.Add(clockSkew)), protocol.CodeRequestExpired, requirement, "issued in the past", "iat", "issued in the future")
	d.Require(now.Before(b.Expires), protocol.CodeRequestExpired, requirement, "not over", "exp", "at or after the end of the binding")
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &PrincipalBinding{binding: b, decision: d}, nil
}

// CheckPrincipal judges whether the agent that made an authorized payment acts
// for the mandate's principal (PSD-PAY-DEL-09), for a provider that asks
// platform agents for a binding: same agent, same key, same principal, and this
// provider. A dedicated agent, or a provider that asks for nothing, does
// without; in both cases the payment token must still be the principal's, which
// the ledger checks.
func (p *AuthorizedPayment) CheckPrincipal(b *PrincipalBinding) error {
	const requirement = "PSD-PAY-DEL-09"
	var d protocol.Decision
	if b == nil || !b.decision.Allowed() {
		return protocol.New(protocol.CodeFieldMissing, "binding", requirement, "a verified binding is needed")
	}
	d.Append(b.decision)
	if p.mandate == nil {
		return protocol.New(protocol.CodeFieldMissing, "payment", requirement, "an authorized payment is needed")
	}
	s := b.binding
	d.Require(s.Agent == p.Agent() && s.Thumbprint == p.key.Thumbprint(), protocol.CodeAgentMismatch, requirement, "agent and key", "binding.cnf.jkt", "made for another agent or key")
	d.Require(s.Principal == p.Delegator(), protocol.CodePrincipalMismatch, requirement, "principal of the mandate", "binding.principal", "made for another principal")
	d.Require(s.Audience == p.request.PSPID, protocol.CodeAudienceMismatch, requirement, "provider", "binding.aud", "made for another recipient")
	return d.Err()
}
