// What a code becomes outside (SPEC.md 6.6 and 7).

// Of each category: error_id, retryability, valid_next_actions.
const TABLE = {
  SIGNATURE_VALIDATION: ['ACT-A402-SIGNATURE_INVALID', 'AFTER_CORRECTION', ['CORRECT_REQUEST', 'ESCALATE', 'ABORT']],
  REQUEST_PARAMETER: ['ACT-A402-REQUEST_INVALID', 'AFTER_CORRECTION', ['CORRECT_REQUEST', 'CREATE_NEW_REQUIREMENT', 'ABORT']],
  PROTOCOL_METHOD: ['ACT-A402-METHOD_UNSUPPORTED', 'AFTER_CORRECTION', ['RENEGOTIATE_METHOD', 'SWITCH_COUNTERPARTY', 'ABORT']],
  PARTICIPANT_IDENTITY: ['ACT-A402-PARTICIPANT_INVALID', 'AFTER_AUTHORIZATION', ['REAUTHORIZE', 'CORRECT_REQUEST', 'ESCALATE', 'ABORT']],
  LIMIT_ASSET: ['ACT-A402-LIMIT_OR_ASSET_REJECTED', 'AFTER_AUTHORIZATION', ['CHANGE_PAYMENT_TOOL', 'REAUTHORIZE', 'ABORT']],
  AUTHORIZATION_RISK: ['ACT-A402-AUTHORIZATION_REJECTED', 'AFTER_AUTHORIZATION', ['REAUTHORIZE', 'ESCALATE', 'ABORT']],
  TRANSACTION_STATE: ['ACT-A402-STATE_CONFLICT', 'QUERY_FIRST', ['QUERY_PAYMENT_STATUS', 'RETURN_PRIOR_RESULT', 'ESCALATE', 'ABORT']],
  REFUND: ['ACT-A402-REFUND_FAILED', 'QUERY_FIRST', ['QUERY_PAYMENT_STATUS', 'ESCALATE', 'ABORT']],
  FULFILLMENT_RECEIPT: ['ACT-A402-FULFILLMENT_FAILED', 'RETRYABLE', ['RETRY_DELIVERY', 'RETRY_FULFILLMENT', 'RETURN_PRIOR_RESULT', 'ESCALATE']],
  PAYMENT_PROOF_VALIDATION: ['ACT-A402-PROOF_INVALID', 'AFTER_CORRECTION', ['OBTAIN_NEW_PROOF', 'RETRY_VALIDATION', 'CREATE_NEW_REQUIREMENT', 'ABORT']],
  SYSTEM: ['ACT-A402-SYSTEM_UNAVAILABLE', 'QUERY_FIRST', ['QUERY_PAYMENT_STATUS', 'RETRY_VALIDATION', 'ESCALATE', 'ABORT']],
}

export const CATEGORIES = Object.keys(TABLE)

// Codes by category, outcome and status of HTTP.
const CODES = `
REQUEST_PARAMETER denied 400: too_large malformed field_missing field_invalid field_unknown claims_conflict
PROTOCOL_METHOD denied 401: type_mismatch
SIGNATURE_VALIDATION denied 401: algorithm_refused header_refused key_unknown key_purpose key_not_valid
  signature_invalid
PARTICIPANT_IDENTITY denied 403: issuer_untrusted agent_mismatch principal_mismatch audience_mismatch
  instrument_mismatch
REQUEST_PARAMETER denied 409: replayed constraint_conflict order_mismatch order_expired out_of_stock price_changed
TRANSACTION_STATE denied 409: request_conflict order_paid state_conflict
REQUEST_PARAMETER denied 401: request_expired
AUTHORIZATION_RISK denied 403: access_denied mandate_not_yet_valid mandate_expired mandate_revoked mandate_suspended
  mode_mismatch currency_mismatch method_not_allowed merchant_not_allowed category_not_allowed delivery_not_met
  price_deviation retries_exhausted confirmation_failed risk_refused actor_refused policy_refused
REQUEST_PARAMETER denied 429: too_many_requests
TRANSACTION_STATE denied 404: context_unknown order_unknown trade_unknown
REQUEST_PARAMETER denied 404: no_match
LIMIT_ASSET denied 403: single_limit_exceeded below_minimum total_limit_exceeded instrument_invalid subaccount_frozen
  subaccount_cancelled subaccount_key_invalid
LIMIT_ASSET denied 404: subaccount_unknown
REFUND denied 409: refund_exceeded
LIMIT_ASSET denied 402: balance_insufficient execution_failed
PAYMENT_PROOF_VALIDATION denied 402: proof_invalid proof_expired proof_mismatch
PAYMENT_PROOF_VALIDATION denied 409: proof_used
SYSTEM undetermined 503: key_unavailable status_unavailable service_unavailable
AUTHORIZATION_RISK undetermined 503: constraint_unknown constraint_withheld fact_missing confirmation_pending
TRANSACTION_STATE undetermined 503: outcome_unknown
`

const FACTS = new Map(
  CODES.trim().split(/\n(?! )/).flatMap((line) => {
    const [facts, codes] = line.split(': ')
    const [category, outcome, status] = facts.split(' ')
    return codes.split(/\s+/).map((code) => [code, { category, outcome, status: Number(status) }])
  }),
)

// describe gives what stands in an answer of HTTP and an error of A402.
export function describe(code) {
  const { category, outcome, status } = FACTS.get(code)
  const [error_id, retryability, valid_next_actions] = TABLE[category]
  return { outcome, status, error_id, category, retryability, valid_next_actions, details: { code } }
}
