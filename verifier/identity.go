package verifier

import (
	"context"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// IdentityExpectation is what the caller knows apart from the credential.
// Agent and Possession are required.
type IdentityExpectation struct {
	Agent        string     // DID that the counterpart claims, or that signed its request
	Possession   Possession // how the counterpart proves to hold the credential's key
	Capabilities []string   // each must be named in the credential
}

// A Possession is a proof that who shows a credential holds its key. The zero
// value proves nothing. Make one with ByChallenge or ByHTTPSignature.
type Possession struct {
	response            []byte
	audience, challenge string
	http                *Verified[HTTPIdentity]
}

// NewChallenge returns a fresh challenge for ByChallenge. Give it to one
// counterpart and keep it with that conversation, for at most five minutes.
func NewChallenge() string { return canon.Nonce() }

// ByChallenge is the proof by an answer (identity.AnswerChallenge) to a
// challenge that the caller made with NewChallenge, gave to this one
// counterpart, and kept: a challenge that comes with the answer proves nothing.
// audience is the caller's own DID. AgentIdentity uses the challenge up.
func ByChallenge(response []byte, audience, challenge string) Possession {
	return Possession{response: response, audience: audience, challenge: challenge}
}

// ByHTTPSignature is the proof by the RFC 9421 signature of the request that
// the credential came with, as HTTPSignature has verified it.
func ByHTTPSignature(signature *Verified[HTTPIdentity]) Possession {
	return Possession{http: signature}
}

// An AgentIdentity is a verified credential, shown by who holds its key. It is
// immutable; the zero value names nobody. It is a statement about the moment of
// the call.
type AgentIdentity struct {
	credential *identity.UnverifiedCredential
	decision   protocol.Decision
}

// Credential returns a copy of what the credential says.
func (a *AgentIdentity) Credential() identity.Credential {
	if a == nil || a.credential == nil {
		return identity.Credential{}
	}
	return a.credential.Credential()
}

// Agent is the DID of the agent, empty for the zero value.
func (a *AgentIdentity) Agent() string { return a.Credential().Agent }

// Provider is the DID of who runs the agent.
func (a *AgentIdentity) Provider() string { return a.Credential().Provider }

// Type is PLATFORM or DEDICATED.
func (a *AgentIdentity) Type() identity.AgentType { return a.Credential().Type }

// Principal is the pseudonym of a dedicated agent's principal, and empty for a
// platform agent, whose principal only a PrincipalBinding tells.
func (a *AgentIdentity) Principal() string { return a.Credential().Principal }

// Key is the agent's key.
func (a *AgentIdentity) Key() keys.PublicKey { return a.Credential().Holder }

// Decision returns the checks that were made; the zero value's denies.
func (a *AgentIdentity) Decision() protocol.Decision {
	if a == nil {
		return protocol.Decision{}
	}
	return a.decision
}

// AgentIdentity verifies an agent identity credential (SPEC.md 9.1, IDN-01,
// IDN-03): form, whether Config.Identities lets its issuer speak for its
// provider, key and purpose issue-identity, signature, the expected agent,
// proof that the counterpart holds the key of cnf, capabilities, window and
// state. A challenge is used up last, when all else holds. A failure lists all
// checks made; several may have failed.
//
// The issuer's key is judged at the time of issuing. A credential outside its
// window, revoked or suspended is key_not_valid: the key is no longer, or not
// now, the agent's.
//
// It says who somebody is, not what they may do.
func (v *Verifier) AgentIdentity(ctx context.Context, raw []byte, expect IdentityExpectation) (*AgentIdentity, error) {
	const requirement = "IDN-01"
	if err := required([2]string{"agent", expect.Agent}); err != nil {
		return nil, err
	}
	if err := expect.Possession.complete(); err != nil {
		return nil, err
	}
	var d protocol.Decision
	u := v.authenticCredential(ctx, raw, &d)
	if u == nil {
		return nil, d.Err()
	}
	c, now := u.Credential(), v.now() // after the key was fetched, which takes time
	d.Require(c.Agent == expect.Agent, protocol.CodeAgentMismatch, requirement, "agent", "sub", "the credential of another agent")
	expect.Possession.check(u, &c, now, &d)
	for _, name := range expect.Capabilities {
		d.Require(slices.Contains(c.Capabilities, name), protocol.CodePolicyRefused, requirement, "capability", "vc.credentialSubject.capabilities", "does not name a capability that is needed")
	}
	checkCredentialWindow(&c, now, &d)
	if d.Outcome() != protocol.Denied { // no fetch for what is refused anyway
		v.checkCredentialStatus(ctx, &c, now, &d)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	if n, ok := expect.Possession.nonce(now); ok && !d.Record(requirement, "challenge is fresh", v.use(ctx, n, requirement)) {
		return nil, d.Err()
	}
	return &AgentIdentity{credential: u, decision: d}, nil
}

// authenticCredential establishes who signed these bytes, or records why not
// and returns nil.
func (v *Verifier) authenticCredential(ctx context.Context, raw []byte, d *protocol.Decision) *identity.UnverifiedCredential {
	u, err := identity.ParseCredential(raw)
	if !d.Record("IDN-01", "form and twins", err) {
		return nil
	}
	c := u.Credential()
	if !d.Require(v.speaksFor(c.Issuer, c.Provider), protocol.CodeIssuerUntrusted, "IDN-01", "issuer trusted for the provider", "iss", "not trusted to issue identities of this provider's agents") {
		return nil
	}
	if _, ok := v.authenticateAt(ctx, u, c.Issuer, keys.IssueIdentity, c.IssuedAt, "IDN-01", d); !ok {
		return nil
	}
	return u
}

func (v *Verifier) speaksFor(issuer, provider string) bool {
	return v.identities != nil && v.identities.Trusts(issuer, provider)
}

func checkCredentialWindow(c *identity.Credential, now time.Time, d *protocol.Decision) {
	d.Require(!c.IssuedAt.After(now.Add(clockSkew)), protocol.CodeKeyNotValid, "IDN-01", "issued in the past", "iat", "issued in the future")
	d.Require(!now.Before(c.NotBefore), protocol.CodeKeyNotValid, "IDN-01", "window begun", "nbf", "before the start of the credential")
	d.Require(now.Before(c.Expires), protocol.CodeKeyNotValid, "IDN-01", "window not over", "exp", "at or after the end of the credential")
}

func (v *Verifier) checkCredentialStatus(ctx context.Context, c *identity.Credential, now time.Time, d *protocol.Decision) {
	const name, requirement = "state is Active", "IDN-01"
	if c.Status == nil { // ParseCredential refuses that in a credential of more than 15 minutes
		d.Pass(requirement, "life short enough to need no status")
		return
	}
	status, err := v.status.Status(ctx, delegation.StatusReference(*c.Status), c.Issuer, now)
	switch {
	case err != nil:
		d.Record(requirement, name, statusError(err))
	case status == delegation.StatusActive:
		d.Pass(requirement, name)
	case status == delegation.StatusRevoked:
		d.Fail(protocol.CodeKeyNotValid, requirement, name, "status", "the credential was revoked")
	case status == delegation.StatusSuspended:
		d.Fail(protocol.CodeKeyNotValid, requirement, name, "status", "the credential is suspended")
	default:
		d.Fail(protocol.CodeStatusUnavailable, requirement, name, "status", "an entry without a meaning")
	}
}

// complete refuses a proof that could not prove anything.
func (p Possession) complete() error {
	if p.http != nil {
		return nil
	}
	if len(p.response) == 0 {
		return protocol.New(protocol.CodeFieldMissing, "expectation.possession", "IDN-01", "a credential alone can be copied: a proof that its key is held is required")
	}
	return required([2]string{"possession.audience", p.audience}, [2]string{"possession.challenge", p.challenge})
}

// check judges the proof against a credential whose signature holds.
func (p Possession) check(u *identity.UnverifiedCredential, c *identity.Credential, now time.Time, d *protocol.Decision) {
	const requirement, name = "IDN-01", "holds the key"
	if p.http != nil {
		d.Require(p.http.value.Agent == c.Agent && p.http.key.Equal(c.Holder) && !c.Holder.IsZero(),
			protocol.CodeAgentMismatch, requirement, name, "cnf.jwk", "the request is signed by another agent or key")
		return
	}
	a, err := identity.ParsePossession(p.response)
	if !d.Record(requirement, "form of the answer", protocol.In(err, "possession")) {
		return
	}
	if !d.Record(requirement, name, protocol.In(a.Verify(c.Holder), "possession")) {
		return
	}
	q := a.Possession
	d.Require(q.Agent == c.Agent && q.Credential == u.PayloadDigest(), protocol.CodeAgentMismatch, requirement, "answer for this credential", "possession.credential_digest", "made for another credential")
	d.Require(q.Audience == p.audience, protocol.CodeAudienceMismatch, requirement, "answer for this verifier", "possession.aud", "made for another verifier")
	d.Require(subtle.ConstantTimeCompare([]byte(q.Challenge), []byte(p.challenge)) == 1, protocol.CodeReplayed, requirement, "answer to this challenge", "possession.nonce", "the answer to another challenge")
	d.Record(requirement, "time of the answer", protocol.In(checkTimestamp(q.IssuedAt, now, requirement), "possession"))
}

// nonce is what has to be remembered of a proof by challenge. That of an HTTP
// signature was used up when it was verified.
func (p Possession) nonce(now time.Time) (Nonce, bool) {
	return Nonce{Scope: "identity-challenge " + p.audience, Value: p.challenge, Until: now.Add(nonceLife)}, p.http == nil
}
