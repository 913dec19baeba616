package payment

import "github.com/actprotocol/act-go/protocol"

// A Refusal is the answer to a payment request that is not a [Result]: the
// provider has refused the request, has stored that, and will give the same
// answer to every later transmission of it (SPEC.md 6.1). Whoever gets it
// knows that nothing was paid and that nothing will be. Every other error only
// says what became of one message.
//
// It is an error, and errors.As finds the [protocol.Error] in it.
type Refusal struct {
	RequestID string          // of the payment request
	Reason    *protocol.Error // denied, never undetermined
}

// Error is the text of the reason.
func (r *Refusal) Error() string { return r.Reason.Error() }

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Reason }

// Final reports whether a provider that refuses an authentic payment request
// with this code stores the refusal as the answer to its request id (SPEC.md
// 6.1): those about the mandate's state and mode, the order, the boundaries,
// the instrument, the balance, the principal's confirmation, risk control and
// the execution. The others say that something could not be
// believed, or that one transmission came too late; whether the same content is
// believed may change, with a key that is published for example.
//
// Two codes are not judged by their name alone, because only what a provider's
// ledger finds is stored of them: request_conflict for a mandate that was
// pinned with another payload, and principal_mismatch of the payment token.
// Final is false for both.
//
// Nothing is stored of an instant payment whose payment token is unknown or
// another agent's (SPEC.md 6.8).
func Final(code protocol.Code) bool {
	switch code {
	case protocol.CodeMandateNotYetValid, protocol.CodeMandateExpired, protocol.CodeMandateRevoked, protocol.CodeMandateSuspended,
		protocol.CodeModeMismatch, protocol.CodeOrderMismatch, protocol.CodeOrderExpired, protocol.CodeOrderPaid,
		protocol.CodeCurrencyMismatch, protocol.CodeSingleLimitExceeded, protocol.CodeBelowMinimum,
		protocol.CodeTotalLimitExceeded, protocol.CodeMethodNotAllowed, protocol.CodeMerchantNotAllowed,
		protocol.CodeCategoryNotAllowed, protocol.CodeDeliveryNotMet,
		protocol.CodeInstrumentInvalid, protocol.CodeInstrumentMismatch, protocol.CodeSubAccountUnknown,
		protocol.CodeSubAccountFrozen, protocol.CodeSubAccountCancelled, protocol.CodeBalanceInsufficient,
		protocol.CodeConfirmationFailed, protocol.CodeRiskRefused, protocol.CodeExecutionFailed:
		return true
	}
	return false
}

// A RefundRefusal is the answer to a refund request that is not a
// [RefundResult]: the provider has refused it, has stored that, and will give
// the same answer to every later transmission (SPEC.md 6.12). Nothing was given
// back under this request and nothing will be. It is an error as a [Refusal] is.
type RefundRefusal struct {
	RequestID string          // of the refund request
	Reason    *protocol.Error // denied, never undetermined
}

// Error is the text of the reason.
func (r *RefundRefusal) Error() string { return r.Reason.Error() }

// Unwrap returns the reason.
func (r *RefundRefusal) Unwrap() error { return r.Reason }
