package credit

import (
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Verdict is what a verification came to: the reason code, and every step
// that was taken, each with its requirement.
type Verdict struct {
	Reason   Reason
	Decision protocol.Decision

	// StateKnown is set when the signatures held and the state was learned, so
	// that an answer may tell it with the credential's scope.
	StateKnown bool
}

// Passed reports whether everything that was judged holds.
func (v Verdict) Passed() bool { return v.Reason == ReasonVerified && v.Decision.Allowed() }

// step records a check; on a failure reason becomes the verdict's.
func (v *Verdict) step(ok bool, reason Reason, requirement, name, field string) bool {
	if ok {
		v.Decision.Pass(requirement, name)
		return true
	}
	v.Reason = reason
	v.Decision.Fail(reason.Code(), requirement, name, field, "")
	return false
}

// learned records a step that rests on something that had to be fetched: what
// could not be learned is unknown, and never failed.
func (v *Verdict) learned(err error, failed, unknown Reason, requirement, name, field string) bool {
	if err != nil && protocol.AsError(err).Code.Outcome() == protocol.Undetermined {
		failed = unknown
	}
	return v.step(err == nil, failed, requirement, name, field)
}

// A KeyFact is a key as it was resolved, or why not. An undetermined error
// leaves the verification undetermined, any other makes the signature one of
// nobody.
type KeyFact struct {
	Key keys.PublicKey
	Err error
}

// JudgeRequest makes the first two steps (TSD-CRD-VER-01, TSD-CRD-VER-05): the
// time of a request whose form is right, and its proof by the key that it names.
// At the first level there is no authorization that would name a platform, so
// that a platform's proof proves no relying party there: whoever calls itself one
// could ask in anybody's name.
// Only when it passes does the caller record the nonce and look for a replay.
func JudgeRequest(q *Request, key KeyFact, now time.Time) Verdict {
	v := Verdict{Reason: ReasonVerified}
	if !v.step(Fresh(q.message.RequestedAt, now), ReasonRequestExpired, "TSD-CRD-VER-05", "request time", "requestedAt") {
		return v
	}
	if !v.step(q.message.Level == LevelCredit || q.message.PlatformDelegateID == "", ReasonRequestProof, "TSD-CRD-VER-01", "proof of the relying party's", "platformDelegateId") {
		return v
	}
	if v.learned(key.Err, ReasonRequestProof, ReasonInconclusive, "TSD-CRD-VER-01", "key of the sender", "requestProof.keyId") {
		v.step(q.Verify(key.Key) == nil, ReasonRequestProof, "TSD-CRD-VER-05", "request proof", "requestProof")
	}
	return v
}

// Fresh reports whether a message of this time is taken at now.
func Fresh(at Time, now time.Time) bool {
	return now.Sub(at.t) <= MaxAge && at.t.Sub(now) <= MaxSkew
}

// A ScopeRule says whether a request is inside the scope of a credential. The
// protocol leaves the words of a scope to the parties.
type ScopeRule func(scope []string, q VerificationRequest) bool

// NamedScope is the rule of this profile (SPEC.md 11.3): entries "transaction:"
// and a word allow the transactionType of the business context that is this
// word in lower case; all other entries name relying parties. Of each kind that
// the scope has, one must fit; an empty scope allows nothing.
func NamedScope(scope []string, q VerificationRequest) bool {
	parties, kinds, party, kind := false, false, false, false
	var transaction string
	if v := q.Context["transactionType"]; v.Kind() == '"' && canon.Decode(v, &transaction) != nil {
		return false
	}
	transaction = strings.ToLower(transaction)
	for _, entry := range scope {
		if word, ok := strings.CutPrefix(entry, "transaction:"); ok {
			kinds, kind = true, kind || word != "" && word == transaction
		} else {
			parties, party = true, party || entry == q.RelyingPartyID
		}
	}
	return (parties || kinds) && parties == party && kinds == kind
}

// CredentialFacts are what a verification of the first level needs beside the
// request.
type CredentialFacts struct {
	Agent      error                 // nil when the agent's identity was resolved; see KeyFact
	Credential *UnverifiedCredential // nil when there is none
	Pending    bool                  // there is an application of that id, and no credential yet
	Issuer     KeyFact               // of a trusted issuer; issuer_untrusted otherwise
	Subject    KeyFact               // for a direct signature; resolved, never taken from the credential

	Status    *Unverified[CredentialStatus] // from the issuer's pinned endpoint
	StatusErr error                         // why there is none

	Scope   ScopeRule // nil is NamedScope
	Demands Method    // the confirmation that the business asks for; empty for either
}

// JudgeCredential makes steps three to seven (TSD-CRD-VER-01). Step five and
// step seven have no reason code of their own in the protocol: a credential for
// another agent, purpose or scope proves no association with this one, and is
// ASSOCIATION_PROOF_INVALID. A suspension for reassessment is REVIEW_REQUIRED,
// any other state than ACTIVE ASSOCIATION_CREDENTIAL_NOT_ACTIVE
// (TSD-CRD-VER-08). No query authorization is asked for (TSD-CRD-VER-02).
func JudgeCredential(q VerificationRequest, f CredentialFacts, now time.Time) Verdict {
	v := Verdict{Reason: ReasonVerified}
	if !v.learned(f.Agent, ReasonAgentUnknown, ReasonInconclusive, "TSD-CRD-VER-01", "agent registered", "agentId") ||
		!v.step(f.Credential != nil || !f.Pending, ReasonCredentialNotActive, "TSD-CRD-VER-01", "no longer pending", "credential") ||
		!v.step(f.Credential != nil, ReasonCredentialNotFound, "TSD-CRD-VER-01", "credential found", "credential") {
		return v
	}
	c := f.Credential.c
	if !v.learned(f.Issuer.Err, ReasonAssociationProof, ReasonInconclusive, "TSD-CRD-VER-01", "key of a trusted issuer", "issuerId") ||
		!v.step(f.Credential.VerifyIssuer(f.Issuer.Key) == nil, ReasonAssociationProof, "TSD-CRD-VER-01", "issuer's signature", "issuerSignature") {
		return v
	}
	if c.Method == DirectSignature {
		if !v.learned(f.Subject.Err, ReasonAssociationProof, ReasonInconclusive, "TSD-CRD-VER-01", "key of the subject", "subjectPublicKey") ||
			!v.step(f.Credential.VerifySubject(f.Subject.Key) == nil, ReasonAssociationProof, "TSD-CRD-VER-01", "subject's signature", "subjectSignature") {
			return v
		}
	}
	if v.fits(q, c, f.Scope) && v.active(c, f, now) {
		v.Decision.Pass("TSD-CRD-MAP-02", "three elements complete") // ParseCredential reads no other
		v.step(f.Demands == "" || f.Demands == c.Method, ReasonReview, "TSD-CRD-VER-08", "confirmation strong enough", "confirmationMethod")
	}
	return v
}

// fits is step five.
func (v *Verdict) fits(q VerificationRequest, c Credential, scope ScopeRule) bool {
	if scope == nil {
		scope = NamedScope
	}
	return v.step(c.AgentID == q.AgentID, ReasonAssociationProof, "TSD-CRD-VER-01", "agent", "agentId") &&
		v.step(c.Purpose == q.Purpose, ReasonAssociationProof, "TSD-CRD-VER-01", "purpose", "purpose") &&
		v.step(scope(c.Scope, q), ReasonAssociationProof, "TSD-CRD-VER-01", "scope", "scope") &&
		v.step(q.SubjectAssertionRef == "" || q.SubjectAssertionRef == c.SubjectAssertionRef, ReasonAssociationProof,
			"TSD-CRD-MAP-02", "reference to the subject's assertion", "subjectCreditAssertionRef")
}

// active is step six.
func (v *Verdict) active(c Credential, f CredentialFacts, now time.Time) bool {
	err := f.StatusErr
	if err == nil && f.Status == nil {
		err = protocol.New(protocol.CodeStatusUnavailable, "", "", "")
	}
	if err == nil && (f.Status.message.CredentialID != c.CredentialID || f.Status.party != c.IssuerID || f.Status.Verify(f.Issuer.Key) != nil) {
		err = protocol.New(protocol.CodeStatusUnavailable, "", "", "not the issuer's word on this credential")
	}
	if !v.learned(err, ReasonInconclusive, ReasonInconclusive, "TSD-CRD-VER-01", "state known", "credentialStatus") {
		return false
	}
	v.StateKnown = true
	s := f.Status.message
	reason := ReasonCredentialNotActive
	if s.Status == Suspended && s.Reason == ChangeReassessment {
		reason = ReasonReview
	}
	return v.step(s.Status == Active, reason, "TSD-CRD-LCM-02", "state is ACTIVE", "credentialStatus") &&
		v.step(c.ValidAt(now), ReasonCredentialNotActive, "TSD-CRD-LCM-01", "time window", "expiresAt")
}

// JudgeAuthorization is the first step of the second level, after the first has
// passed (TSD-CRD-VER-02): nothing is asked of a credit service before.
// authorization is nil when there is none of that id; served are the times at
// which it has served already.
func JudgeAuthorization(q VerificationRequest, c Credential, authorization *QueryAuthorization, served []time.Time, now time.Time) Verdict {
	v := Verdict{Reason: ReasonVerified}
	if !v.step(authorization != nil && authorization.AuthorizationID == q.AuthorizationID,
		ReasonAuthRequired, "TSD-CRD-AUTH-01", "query authorization", "authorizationId") {
		return v
	}
	reason, field := authorization.Covers(q, c.SubjectID, served, now)
	v.step(reason == ReasonVerified, reason, "TSD-CRD-AUTH-01", "authorization serves this request", field)
	return v
}

// A Standing is what the credit service says of a subject's assertion now.
type Standing string

// The standings. Whatever is not Current gives no pass.
const (
	Current     Standing = "CURRENT"
	Withdrawn   Standing = "REVOKED"
	Corrected   Standing = "CORRECTED"
	Replaced    Standing = "REPLACED"
	Invalidated Standing = "INVALIDATED"
	ToConfirm   Standing = "TO_BE_CONFIRMED" // the credit information is to be confirmed again
)

// CreditFacts are what the credit service has answered.
type CreditFacts struct {
	Unavailable error // why it has not: undetermined whatever it is

	Subject         *Unverified[SubjectAssertion]
	Standing        Standing
	Agent           *Unverified[AgentAssertion]
	PolicySupported bool

	Services []string // the credit services that are trusted
	Key      KeyFact  // of the one that has signed
}

// JudgeCredit makes the other steps of the second level (TSD-CRD-VER-07): the
// subject's assertion is genuine, of this subject and current; the mapping rule
// is known in this version; the agent's assertion is usable and says what the
// credential says.
func JudgeCredit(c Credential, f CreditFacts, now time.Time) Verdict {
	v := Verdict{Reason: ReasonVerified}
	const req = "TSD-CRD-VER-07"
	if !v.step(f.Unavailable == nil && f.Subject != nil, ReasonCreditUnavailable, req, "subject's assertion available", "subjectCreditAssertionRef") ||
		!v.learned(f.Key.Err, ReasonCreditInvalid, ReasonCreditUnavailable, req, "key of the credit service", "assertionProof") {
		return v
	}
	s := f.Subject.message
	genuine := slices.Contains(f.Services, s.CreditServiceID) && f.Subject.Verify(f.Key.Key) == nil && s.SubjectID == c.SubjectID
	if !v.step(genuine, ReasonCreditInvalid, req, "subject's assertion genuine", "assertionProof") ||
		!v.step(f.Standing != ToConfirm, ReasonReview, "TSD-CRD-VER-08", "nothing to be confirmed again", "subjectCreditAssertionRef") ||
		!v.step(f.Standing == Current && s.ValidAt(now), ReasonCreditInvalid, req, "subject's assertion current", "subjectCreditAssertionRef") ||
		!v.step(f.PolicySupported, ReasonPolicyUnsupported, "TSD-CRD-MAP-04", "mapping rule applies", "mappingPolicy") ||
		!v.step(f.Agent != nil, ReasonCreditUnavailable, req, "agent's assertion available", "associatedCreditValue") {
		return v
	}
	a := f.Agent.message
	usable := a.CreditServiceID == s.CreditServiceID && f.Agent.Verify(f.Key.Key) == nil &&
		a.Status == Active && inWindow(a.ValidFrom, a.ExpiresAt, now)
	if v.step(usable, ReasonCreditInvalid, req, "agent's assertion usable", "associatedCreditValue") {
		same := a.AgentID == c.AgentID && a.CredentialRef == c.CredentialID && a.Purpose == c.Purpose && slices.Equal(a.Scope, c.Scope) && a.Mapped().Equal(c.Mapped())
		v.step(same, ReasonCreditInvalid, "TSD-CRD-MAP-02", "agent's assertion is the credential's", "associatedCreditValue")
	}
	return v
}

// And takes over what a later stage has come to. A verdict that has not passed
// stays as it is.
func (v *Verdict) And(later Verdict) {
	if v.Reason == ReasonVerified {
		v.Reason = later.Reason
	}
	v.Decision.Append(later.Decision)
}
