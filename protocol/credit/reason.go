package credit

import (
	"slices"

	"github.com/actprotocol/act-go/protocol"
)

// A Level is how far a verification goes.
type Level string

// The two levels: the association alone, or also the mapped value.
const (
	LevelCredential Level = "CREDENTIAL"
	LevelCredit     Level = "ASSOCIATED_CREDIT"
)

// A Result is the outcome of a verification. The zero value is none of the four
// and passes nothing.
type Result string

// The four results (TSD-CRD-VER-03).
const (
	ResultPass         Result = "PASS"
	ResultFail         Result = "FAIL"
	ResultInconclusive Result = "INCONCLUSIVE"
	ResultReview       Result = "REVIEW_REQUIRED"
)

// A Reason explains a result. The list is closed; each reason has one result.
type Reason string

// The eighteen standard reason codes, in the order of the protocol's table.
const (
	ReasonVerified            Reason = "VERIFIED"
	ReasonInvalidRequest      Reason = "INVALID_REQUEST"
	ReasonRequestProof        Reason = "REQUEST_PROOF_INVALID"
	ReasonRequestExpired      Reason = "REQUEST_EXPIRED"
	ReasonReplay              Reason = "REPLAY_DETECTED"
	ReasonAuthRequired        Reason = "AUTHORIZATION_REQUIRED"
	ReasonAuthExpired         Reason = "AUTHORIZATION_EXPIRED"
	ReasonAuthRevoked         Reason = "AUTHORIZATION_REVOKED"
	ReasonAuthScope           Reason = "AUTHORIZATION_SCOPE_MISMATCH"
	ReasonAgentUnknown        Reason = "AGENT_NOT_REGISTERED"
	ReasonCredentialNotFound  Reason = "ASSOCIATION_CREDENTIAL_NOT_FOUND"
	ReasonCredentialNotActive Reason = "ASSOCIATION_CREDENTIAL_NOT_ACTIVE"
	ReasonAssociationProof    Reason = "ASSOCIATION_PROOF_INVALID"
	ReasonCreditUnavailable   Reason = "CREDIT_ASSERTION_UNAVAILABLE"
	ReasonCreditInvalid       Reason = "CREDIT_ASSERTION_INVALID"
	ReasonPolicyUnsupported   Reason = "MAPPING_POLICY_UNSUPPORTED"
	ReasonInconclusive        Reason = "INCONCLUSIVE"
	ReasonReview              Reason = "REVIEW_REQUIRED"
)

// reasons holds the result of each reason, and the code of this library under
// which its check is recorded (SPEC.md 11.4).
var reasons = []struct {
	reason Reason
	result Result
	code   protocol.Code
}{
	{ReasonVerified, ResultPass, ""},
	{ReasonInvalidRequest, ResultFail, protocol.CodeFieldInvalid},
	{ReasonRequestProof, ResultFail, protocol.CodeSignatureInvalid},
	{ReasonRequestExpired, ResultFail, protocol.CodeRequestExpired},
	{ReasonReplay, ResultFail, protocol.CodeReplayed},
	{ReasonAuthRequired, ResultFail, protocol.CodeAccessDenied},
	{ReasonAuthExpired, ResultFail, protocol.CodeAccessDenied},
	{ReasonAuthRevoked, ResultFail, protocol.CodeAccessDenied},
	{ReasonAuthScope, ResultFail, protocol.CodeAccessDenied},
	{ReasonAgentUnknown, ResultFail, protocol.CodeAgentMismatch},
	{ReasonCredentialNotFound, ResultFail, protocol.CodeNoMatch},
	{ReasonCredentialNotActive, ResultFail, protocol.CodeStateConflict},
	{ReasonAssociationProof, ResultFail, protocol.CodeSignatureInvalid},
	{ReasonCreditUnavailable, ResultInconclusive, protocol.CodeServiceUnavailable},
	{ReasonCreditInvalid, ResultFail, protocol.CodeStateConflict},
	{ReasonPolicyUnsupported, ResultInconclusive, protocol.CodeConstraintUnknown},
	{ReasonInconclusive, ResultInconclusive, protocol.CodeServiceUnavailable},
	{ReasonReview, ResultReview, protocol.CodeConfirmationPending},
}

// Reasons returns the eighteen codes.
func Reasons() []Reason {
	out := make([]Reason, len(reasons))
	for i, r := range reasons {
		out[i] = r.reason
	}
	return out
}

// Known reports whether r is in the closed list.
func (r Reason) Known() bool { return slices.Contains(Reasons(), r) }

// Result is the one result that goes with the reason; that of an unknown one is
// INCONCLUSIVE.
func (r Reason) Result() Result {
	for _, e := range reasons {
		if e.reason == r {
			return e.result
		}
	}
	return ResultInconclusive
}

// Code is the code of this library that says the same, empty for VERIFIED. Its
// outcome is denied for FAIL and undetermined for the two results that decide
// nothing.
func (r Reason) Code() protocol.Code {
	for _, e := range reasons {
		if e.reason == r {
			return e.code
		}
	}
	return protocol.CodeServiceUnavailable
}

// FormReason is the reason of a verification request that could not be read.
func FormReason(err error) Reason {
	if err != nil && protocol.AsError(err).Code.Outcome() == protocol.Denied {
		return ReasonInvalidRequest
	}
	return ReasonInconclusive
}
