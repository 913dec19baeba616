package payment

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
)

// CategoryOf returns the A402 category of a code (PSD-PAY-A402-12). Codes that
// are not in the closed list belong to SYSTEM, whose advice is to ask for the
// outcome first.
//
// The refusals that delegated payment tells apart (PSD-PAY-DEL-11) share
// categories; the code itself stands in details.code.
func CategoryOf(code protocol.Code) Category {
	switch code {
	case protocol.CodeAlgorithmRefused, protocol.CodeHeaderRefused, protocol.CodeKeyUnknown,
		protocol.CodeKeyPurpose, protocol.CodeKeyNotValid, protocol.CodeSignatureInvalid:
		return CategorySignature
	case protocol.CodeTooLarge, protocol.CodeMalformed, protocol.CodeFieldMissing, protocol.CodeFieldInvalid,
		protocol.CodeFieldUnknown, protocol.CodeClaimsConflict, protocol.CodeReplayed, protocol.CodeRequestExpired,
		protocol.CodeOrderMismatch, protocol.CodeOrderExpired, protocol.CodeOutOfStock, protocol.CodePriceChanged,
		protocol.CodeTooManyRequests, protocol.CodeConstraintConflict, protocol.CodeNoMatch:
		return CategoryRequest
	case protocol.CodeTypeMismatch:
		return CategoryMethod
	case protocol.CodeIssuerUntrusted, protocol.CodeAgentMismatch, protocol.CodePrincipalMismatch,
		protocol.CodeAudienceMismatch, protocol.CodeInstrumentMismatch:
		return CategoryParticipant
	case protocol.CodeSingleLimitExceeded, protocol.CodeBelowMinimum, protocol.CodeTotalLimitExceeded,
		protocol.CodeInstrumentInvalid, protocol.CodeSubAccountUnknown, protocol.CodeSubAccountFrozen,
		protocol.CodeSubAccountCancelled, protocol.CodeSubAccountKey, protocol.CodeBalanceInsufficient,
		protocol.CodeExecutionFailed:
		return CategoryLimit
	case protocol.CodeMandateNotYetValid, protocol.CodeMandateExpired, protocol.CodeMandateRevoked,
		protocol.CodeMandateSuspended, protocol.CodeModeMismatch, protocol.CodeCurrencyMismatch,
		protocol.CodeMethodNotAllowed, protocol.CodeMerchantNotAllowed, protocol.CodeCategoryNotAllowed,
		protocol.CodeDeliveryNotMet, protocol.CodePriceDeviation, protocol.CodeRetriesExhausted,
		protocol.CodeActorRefused, protocol.CodePolicyRefused, protocol.CodeAccessDenied,
		protocol.CodeConfirmationFailed, protocol.CodeRiskRefused, protocol.CodeConstraintUnknown,
		protocol.CodeConstraintWithheld, protocol.CodeFactMissing, protocol.CodeConfirmationPending:
		return CategoryRisk
	case protocol.CodeRequestConflict, protocol.CodeContextUnknown, protocol.CodeOrderUnknown, protocol.CodeOrderPaid,
		protocol.CodeTradeUnknown, protocol.CodeStateConflict, protocol.CodeOutcomeUnknown:
		return CategoryState
	case protocol.CodeRefundExceeded:
		return CategoryRefund
	case protocol.CodeProofInvalid, protocol.CodeProofExpired, protocol.CodeProofMismatch, protocol.CodeProofUsed:
		return CategoryProof
	default: // key_unavailable, status_unavailable, service_unavailable
		return CategorySystem
	}
}

// A402ErrorFor returns the catalogue's error for a code, with the code in
// details.code. It is total: a code that is not in the closed list becomes
// SYSTEM_UNAVAILABLE without details.
func A402ErrorFor(code protocol.Code) A402Error {
	catalog := Catalog()
	category := CategoryOf(code)
	i := slices.IndexFunc(catalog, func(e A402Error) bool { return e.Category == category })
	e := catalog[i]
	if code.Known() {
		e.Details = jsontext.Value(`{"code":"` + string(code) + `"}`)
	}
	return e
}

// HTTPStatus returns the status with which a payment service provider answers
// a code (SPEC.md 6.1): 400 for form, 401 for keys, signatures and the age of a
// message, 402 for money and proofs, 403 for mandates and boundaries, 404 for
// the unknown, 409 for conflicts, 429 for too many requests, 503 for everything undetermined, and
// 500 for a code that is not in the closed list.
//
// A paywall answers every failed proof with 402 and a new bill, whatever the
// code (PSD-PAY-A402-09).
func HTTPStatus(code protocol.Code) int {
	if !code.Known() {
		return http.StatusInternalServerError
	}
	if code.Outcome() == protocol.Undetermined {
		return http.StatusServiceUnavailable
	}
	switch code {
	case protocol.CodeTooLarge, protocol.CodeMalformed, protocol.CodeFieldMissing, protocol.CodeFieldInvalid,
		protocol.CodeFieldUnknown, protocol.CodeClaimsConflict:
		return http.StatusBadRequest
	case protocol.CodeTypeMismatch, protocol.CodeAlgorithmRefused, protocol.CodeHeaderRefused,
		protocol.CodeKeyUnknown, protocol.CodeKeyPurpose, protocol.CodeKeyNotValid,
		protocol.CodeSignatureInvalid, protocol.CodeRequestExpired:
		return http.StatusUnauthorized
	case protocol.CodeBalanceInsufficient, protocol.CodeExecutionFailed, protocol.CodeProofInvalid, protocol.CodeProofExpired, protocol.CodeProofMismatch:
		return http.StatusPaymentRequired
	case protocol.CodeOrderUnknown, protocol.CodeTradeUnknown, protocol.CodeContextUnknown, protocol.CodeNoMatch,
		protocol.CodeSubAccountUnknown:
		return http.StatusNotFound
	case protocol.CodeTooManyRequests:
		return http.StatusTooManyRequests
	case protocol.CodeReplayed, protocol.CodeRequestConflict, protocol.CodeOrderMismatch, protocol.CodeOrderExpired,
		protocol.CodeOrderPaid, protocol.CodeOutOfStock, protocol.CodePriceChanged, protocol.CodeProofUsed,
		protocol.CodeStateConflict, protocol.CodeConstraintConflict, protocol.CodeRefundExceeded:
		return http.StatusConflict
	default: // issuer, parties, mandate, boundaries, instruments, actors, policy
		return http.StatusForbidden
	}
}
