// Refusals and their order (SPEC.md, section 7).

export const DENIED = `
too_large malformed field_missing field_invalid field_unknown type_mismatch
algorithm_refused header_refused key_unknown key_purpose key_not_valid
signature_invalid issuer_untrusted claims_conflict agent_mismatch
principal_mismatch audience_mismatch replayed request_conflict request_expired
access_denied too_many_requests context_unknown constraint_conflict no_match
mandate_not_yet_valid mandate_expired mandate_revoked mandate_suspended
mode_mismatch order_unknown order_mismatch order_expired order_paid
out_of_stock price_changed currency_mismatch single_limit_exceeded
below_minimum total_limit_exceeded method_not_allowed merchant_not_allowed
category_not_allowed delivery_not_met price_deviation retries_exhausted
instrument_invalid instrument_mismatch subaccount_unknown subaccount_frozen
subaccount_cancelled subaccount_key_invalid refund_exceeded
balance_insufficient confirmation_failed risk_refused execution_failed
proof_invalid proof_expired proof_mismatch proof_used trade_unknown
state_conflict actor_refused policy_refused`.trim().split(/\s+/)

const UNDETERMINED = `
key_unavailable status_unavailable constraint_unknown constraint_withheld
fact_missing service_unavailable outcome_unknown confirmation_pending`.trim().split(/\s+/)

const ORDER = [...DENIED, ...UNDETERMINED]

// Refused says that the input is refused, with one code.
export class Refused extends Error {
  constructor(code) {
    super(code)
    if (!ORDER.includes(code)) throw new Error(`no such code: ${code}`)
    this.code = code
  }
}

// Unsupported says that this implementation cannot do what is asked.
export class Unsupported extends Error {}

export function refuse(code) {
  throw new Refused(code)
}

export function need(condition, code) {
  if (!condition) throw new Refused(code)
}

// first is the code to report when several apply, undefined for none.
export function first(codes) {
  return ORDER.find((code) => codes.includes(code))
}

// codeOf runs a check and gives its code, or undefined when it passed.
export async function codeOf(check) {
  try {
    await check()
    return undefined
  } catch (error) {
    if (error instanceof Refused) return error.code
    throw error
  }
}
