package protocol

// A Code says why something was not allowed. The list is closed: SPEC.md
// prints it, the conformance vectors expect exactly these values, and a value
// outside the list is never returned.
type Code string

// The codes, in their order of precedence: when several apply to one input the
// first of this list is the one reported, except that any denying code wins
// over any undetermined one.
const (
	// Form.
	CodeTooLarge     Code = "too_large"     // over a size, depth or count limit
	CodeMalformed    Code = "malformed"     // not the strict JSON, base64url or token form
	CodeFieldMissing Code = "field_missing" // a required member is absent or empty
	CodeFieldInvalid Code = "field_invalid" // a member has a value outside its rule
	CodeFieldUnknown Code = "field_unknown" // a member that a closed object does not have

	// Envelope and keys.
	CodeTypeMismatch     Code = "type_mismatch"     // another kind of token or message
	CodeAlgorithmRefused Code = "algorithm_refused" // not the algorithm of the key, or none of ours
	CodeHeaderRefused    Code = "header_refused"    // crit, jwk, jku, x5u or another header member we never honour
	CodeKeyUnknown       Code = "key_unknown"       // the signer's document has no such key
	CodeKeyPurpose       Code = "key_purpose"       // the key is declared for another purpose
	CodeKeyNotValid      Code = "key_not_valid"     // the key is compromised, or outside its period
	CodeSignatureInvalid Code = "signature_invalid" // the signature does not verify
	CodeIssuerUntrusted  Code = "issuer_untrusted"  // nobody trusts this issuer for this delegator
	CodeClaimsConflict   Code = "claims_conflict"   // two members that must agree do not

	// Who, for whom, when.
	CodeAgentMismatch     Code = "agent_mismatch"     // made for another agent
	CodePrincipalMismatch Code = "principal_mismatch" // made for another principal
	CodeAudienceMismatch  Code = "audience_mismatch"  // made for another recipient
	CodeReplayed          Code = "replayed"           // the nonce was used before
	CodeRequestConflict   Code = "request_conflict"   // the id was used before with other content
	CodeRequestExpired    Code = "request_expired"    // the message is older, or further ahead, than allowed
	CodeAccessDenied      Code = "access_denied"      // this party is not served
	CodeTooManyRequests   Code = "too_many_requests"  // more than this party is served at a time

	// What is offered.
	CodeContextUnknown     Code = "context_unknown"     // the request that an update names is not known here
	CodeConstraintConflict Code = "constraint_conflict" // the constraints exclude each other, or what is asked for
	CodeNoMatch            Code = "no_match"            // nothing that is offered fits

	// The mandate.
	CodeMandateNotYetValid Code = "mandate_not_yet_valid"
	CodeMandateExpired     Code = "mandate_expired"
	CodeMandateRevoked     Code = "mandate_revoked"
	CodeMandateSuspended   Code = "mandate_suspended"
	CodeModeMismatch       Code = "mode_mismatch" // SPECIFIED where BOUNDED is needed, or the reverse

	// The order.
	CodeOrderUnknown  Code = "order_unknown"
	CodeOrderMismatch Code = "order_mismatch" // amount, currency, payee or goods differ from the confirmed order
	CodeOrderExpired  Code = "order_expired"  // the lock or the bill's pay_before has passed
	CodeOrderPaid     Code = "order_paid"     // the order has been paid by another request
	CodeOutOfStock    Code = "out_of_stock"   // price, stock or capacity could not be locked
	CodePriceChanged  Code = "price_changed"  // the merchant's price is no longer the requested one

	// The mandate's boundaries.
	CodeCurrencyMismatch    Code = "currency_mismatch"
	CodeSingleLimitExceeded Code = "single_limit_exceeded"
	CodeBelowMinimum        Code = "below_minimum"
	CodeTotalLimitExceeded  Code = "total_limit_exceeded"
	CodeMethodNotAllowed    Code = "method_not_allowed"
	CodeMerchantNotAllowed  Code = "merchant_not_allowed"
	CodeCategoryNotAllowed  Code = "category_not_allowed"
	CodeDeliveryNotMet      Code = "delivery_not_met"
	CodePriceDeviation      Code = "price_deviation"
	CodeRetriesExhausted    Code = "retries_exhausted"

	// Instruments, accounts, trades.
	CodeInstrumentInvalid   Code = "instrument_invalid"  // unknown, frozen, cancelled or expired payment token
	CodeInstrumentMismatch  Code = "instrument_mismatch" // another agent's payment token or sub-account
	CodeSubAccountUnknown   Code = "subaccount_unknown"  // not opened
	CodeSubAccountFrozen    Code = "subaccount_frozen"
	CodeSubAccountCancelled Code = "subaccount_cancelled"
	CodeSubAccountKey       Code = "subaccount_key_invalid" // not authorised by the sub-account's own key
	CodeRefundExceeded      Code = "refund_exceeded"        // more than is left of the payment
	CodeBalanceInsufficient Code = "balance_insufficient"
	CodeConfirmationFailed  Code = "confirmation_failed" // the principal did not confirm: cancelled, failed or too late
	CodeRiskRefused         Code = "risk_refused"        // the provider's risk control says no
	CodeExecutionFailed     Code = "execution_failed"    // allowed, and the money could not be moved
	CodeProofInvalid        Code = "proof_invalid"       // not a proof of this trade
	CodeProofExpired        Code = "proof_expired"       // after its expires_at
	CodeProofMismatch       Code = "proof_mismatch"      // for another resource, request, order, amount or buyer
	CodeProofUsed           Code = "proof_used"          // delivered before, to another request
	CodeTradeUnknown        Code = "trade_unknown"
	CodeStateConflict       Code = "state_conflict" // the state machine has no such move
	CodeActorRefused        Code = "actor_refused"  // this party may not cause this move
	CodePolicyRefused       Code = "policy_refused" // the user's own policy says no

	// Undetermined: not allowed, but not shown to be wrong either.
	CodeKeyUnavailable      Code = "key_unavailable"      // a key document could not be fetched
	CodeStatusUnavailable   Code = "status_unavailable"   // the mandate's state could not be learned
	CodeConstraintUnknown   Code = "constraint_unknown"   // a constraint that this version does not know
	CodeConstraintWithheld  Code = "constraint_withheld"  // a constraint that was named and not disclosed
	CodeFactMissing         Code = "fact_missing"         // a constraint applies and the fact it judges was not given
	CodeServiceUnavailable  Code = "service_unavailable"  // a store or a remote party did not answer
	CodeOutcomeUnknown      Code = "outcome_unknown"      // a payment or delivery was begun and its end is not known
	CodeConfirmationPending Code = "confirmation_pending" // a person has to decide first
)

// codes lists every code in order of precedence with its meaning.
var codes = []struct {
	code    Code
	outcome Outcome
	text    string
}{
	{CodeTooLarge, Denied, "over a size, depth or count limit"},
	{CodeMalformed, Denied, "not in the strict form"},
	{CodeFieldMissing, Denied, "a required member is absent or empty"},
	{CodeFieldInvalid, Denied, "a member has a value outside its rule"},
	{CodeFieldUnknown, Denied, "a member that this object does not have"},
	{CodeTypeMismatch, Denied, "another kind of token or message"},
	{CodeAlgorithmRefused, Denied, "not the algorithm of the key"},
	{CodeHeaderRefused, Denied, "a header member that is never honoured"},
	{CodeKeyUnknown, Denied, "the signer has no such key"},
	{CodeKeyPurpose, Denied, "the key is declared for another purpose"},
	{CodeKeyNotValid, Denied, "the key is compromised or outside its period"},
	{CodeSignatureInvalid, Denied, "the signature does not verify"},
	{CodeIssuerUntrusted, Denied, "the issuer is not trusted for this delegator"},
	{CodeClaimsConflict, Denied, "two members that must agree differ"},
	{CodeAgentMismatch, Denied, "made for another agent"},
	{CodePrincipalMismatch, Denied, "made for another principal"},
	{CodeAudienceMismatch, Denied, "made for another recipient"},
	{CodeReplayed, Denied, "the nonce was used before"},
	{CodeRequestConflict, Denied, "the id was used before with other content"},
	{CodeRequestExpired, Denied, "the message is outside its time window"},
	{CodeAccessDenied, Denied, "this party is not served"},
	{CodeTooManyRequests, Denied, "too many requests"},
	{CodeContextUnknown, Denied, "the earlier request is not known"},
	{CodeConstraintConflict, Denied, "constraints that exclude each other"},
	{CodeNoMatch, Denied, "nothing that is offered fits"},
	{CodeMandateNotYetValid, Denied, "before the start of the mandate"},
	{CodeMandateExpired, Denied, "after the end of the mandate"},
	{CodeMandateRevoked, Denied, "the mandate was revoked"},
	{CodeMandateSuspended, Denied, "the mandate is suspended"},
	{CodeModeMismatch, Denied, "the delegation mode does not fit this payment"},
	{CodeOrderUnknown, Denied, "no such order"},
	{CodeOrderMismatch, Denied, "not what the order says"},
	{CodeOrderExpired, Denied, "the order or bill is no longer open"},
	{CodeOrderPaid, Denied, "the order has been paid by another request"},
	{CodeOutOfStock, Denied, "stock or capacity could not be locked"},
	{CodePriceChanged, Denied, "the price is no longer the requested one"},
	{CodeCurrencyMismatch, Denied, "another currency"},
	{CodeSingleLimitExceeded, Denied, "over the limit for one payment"},
	{CodeBelowMinimum, Denied, "under the minimum for one payment"},
	{CodeTotalLimitExceeded, Denied, "over the total of the mandate"},
	{CodeMethodNotAllowed, Denied, "payment method not allowed"},
	{CodeMerchantNotAllowed, Denied, "merchant not allowed"},
	{CodeCategoryNotAllowed, Denied, "category not allowed"},
	{CodeDeliveryNotMet, Denied, "delivered later than required"},
	{CodePriceDeviation, Denied, "the price moved further than tolerated"},
	{CodeRetriesExhausted, Denied, "no attempts left"},
	{CodeInstrumentInvalid, Denied, "the instrument is not usable"},
	{CodeInstrumentMismatch, Denied, "the instrument belongs to another agent"},
	{CodeSubAccountUnknown, Denied, "no such sub-account"},
	{CodeSubAccountFrozen, Denied, "the sub-account is frozen"},
	{CodeSubAccountCancelled, Denied, "the sub-account was cancelled"},
	{CodeSubAccountKey, Denied, "not authorised by the sub-account's key"},
	{CodeRefundExceeded, Denied, "more than is left of the payment"},
	{CodeBalanceInsufficient, Denied, "not enough money"},
	{CodeConfirmationFailed, Denied, "the principal did not confirm"},
	{CodeRiskRefused, Denied, "refused by the provider's risk control"},
	{CodeExecutionFailed, Denied, "the money could not be moved"},
	{CodeProofInvalid, Denied, "not a valid payment proof"},
	{CodeProofExpired, Denied, "the payment proof has expired"},
	{CodeProofMismatch, Denied, "the payment proof is for something else"},
	{CodeProofUsed, Denied, "the payment proof was used before"},
	{CodeTradeUnknown, Denied, "no such trade"},
	{CodeStateConflict, Denied, "not possible in the present state"},
	{CodeActorRefused, Denied, "this party may not do that"},
	{CodePolicyRefused, Denied, "refused by the user's policy"},
	{CodeKeyUnavailable, Undetermined, "a key could not be fetched"},
	{CodeStatusUnavailable, Undetermined, "the mandate's state could not be learned"},
	{CodeConstraintUnknown, Undetermined, "a constraint that is not understood"},
	{CodeConstraintWithheld, Undetermined, "a constraint that was not disclosed"},
	{CodeFactMissing, Undetermined, "a fact that a constraint needs is missing"},
	{CodeServiceUnavailable, Undetermined, "a service did not answer"},
	{CodeOutcomeUnknown, Undetermined, "the outcome is not known yet"},
	{CodeConfirmationPending, Undetermined, "a person has to decide first"},
}

// rank maps a code to its place in the list, the outcome and the text.
var rank = func() map[Code]int {
	m := make(map[Code]int, len(codes))
	for i, c := range codes {
		m[c.code] = i
	}
	return m
}()

// Codes returns all codes in order of precedence.
func Codes() []Code {
	out := make([]Code, len(codes))
	for i, c := range codes {
		out[i] = c.code
	}
	return out
}

// Known reports whether c is in the closed list.
func (c Code) Known() bool { _, ok := rank[c]; return ok }

// Outcome is Undetermined for the codes that mean "could not decide" and
// Denied for all others, unknown ones included.
func (c Code) Outcome() Outcome {
	if i, ok := rank[c]; ok {
		return codes[i].outcome
	}
	return Denied
}

// Text is a short English meaning of the code, without any input.
func (c Code) Text() string {
	if i, ok := rank[c]; ok {
		return codes[i].text
	}
	return "unknown code"
}

// Wins reports whether c is reported rather than other when both apply: a
// denial before anything undetermined, then the order of the list.
func (c Code) Wins(other Code) bool {
	if a, b := c.Outcome(), other.Outcome(); a != b {
		return a == Denied
	}
	i, ok := rank[c]
	if !ok {
		return false
	}
	j, ok := rank[other]
	return !ok || i < j
}
