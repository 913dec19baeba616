// The operations of conformance/operations/psd.md.

import { fingerprint, readNeeded, readProof, readValidation, verifyNeeded, verifyProof } from '../lib/a402.mjs'
import { Documents } from '../lib/dids.mjs'
import { describe } from '../lib/errors.mjs'
import { receive } from '../lib/messages.mjs'
import { answer, notification, QUESTIONS, result, tradeQuery } from '../lib/payments.mjs'
import { need } from '../lib/refusal.mjs'
import { amountFromText, amountText } from '../lib/values.mjs'

function billOf({ protocol }) {
  const { method_id, out_trade_no, resource_id, seller_unique_id, amount, currency } = protocol
  const written = amountText(amountFromText(amount, currency), currency)
  return { method_id, out_trade_no, resource_id, seller_unique_id, amount: written, currency }
}

// The moves of PSD-PAY-A402-11.
const MOVES = {
  CREATE: ['WAIT_BUYER_PAY'],
  WAIT_BUYER_PAY: ['WAIT_SELLER_FULFILLMENT', 'TRADE_CLOSED'],
  WAIT_SELLER_FULFILLMENT: ['WAIT_BUYER_RECEIPT', 'TRADE_CLOSED'],
  WAIT_BUYER_RECEIPT: ['TRADE_FINISHED', 'TRADE_CLOSED'],
  TRADE_FINISHED: [],
  TRADE_CLOSED: [],
}

// QUERIES are the operations of messages that are received.
const QUERIES = {
  'payment_query.verify': 'payment-query', 'instrument_query.verify': 'instrument-query',
  'proof_consumption.verify': 'proof-consumption', 'fulfilment_confirmation.verify': 'fulfilment-confirmation',
  'refund_request.verify': 'refund-request', 'trade_query.verify': 'trade-query',
}

// REPLIES are those of messages that answer.
const REPLIES = {
  'payment.pending.verify': 'payment-pending', 'payment.instrument.verify': 'instrument-state',
  'proof_consumption_result.verify': 'proof-consumption-result', 'fulfilment_result.verify': 'fulfilment-result',
  'refund_result.verify': 'refund-result', 'trade_state.verify': 'trade-state',
}

const messages = {
  ...Object.fromEntries(Object.entries(QUERIES).map(([operation, kind]) => [operation, async (now, given) => {
    const spec = QUESTIONS[kind] ?? tradeQuery(given.message)
    const message = await receive(kind, spec, given, new Documents(given.documents), now)
    spec.after?.(message)
    return { key_id: message.signer_id }
  }])),
  ...Object.fromEntries(Object.entries(REPLIES).map(([operation, kind]) => [operation, async (now, given) => {
    const message = await answer(kind, given, new Documents(given.documents), now)
    return { key_id: message.signer_id }
  }])),
}

export const payment = {
  ...messages,
  async 'payment.result.verify'(now, given) {
    const { trade_no, trade_state, amount, currency } = await result(given, new Documents(given.documents), now)
    return { trade_no, trade_state, amount: amountText(amountFromText(amount, currency), currency) }
  },
  async 'payment_notification.verify'(now, given) {
    const { signer_id, event, sequence } = await notification(given, new Documents(given.documents), now)
    return { key_id: signer_id, event, sequence: Number(sequence.literal) }
  },
  'fingerprint.compute': (now, given) => ({ request_fingerprint: fingerprint(given) }),
  'a402.needed.parse': (now, { lines }) => billOf(readNeeded(lines)),
  'a402.needed.verify': async (now, given) => billOf(await verifyNeeded(given, new Documents(given.documents), now)),
  'a402.proof.parse'(now, { lines }) {
    const { method_id, out_trade_no, resource_id, buyer_unique_id, trade_no } = readProof(lines).protocol
    return { method_id, out_trade_no, resource_id, buyer_unique_id, trade_no }
  },
  async 'a402.proof.verify'(now, given) {
    const { trade_no, payer } = await verifyProof(given, new Documents(given.documents), now)
    return { trade_no, payer }
  },
  'a402.validation.parse'(now, { lines }) {
    const { validation_status, delivery_status, fulfillment_status, transaction_state, error } = readValidation(lines).protocol
    const output = { validation_status, delivery_status, fulfillment_status, transaction_state }
    return error ? { ...output, category: error.category } : output
  },
  'trade.move'(now, { from, to }) {
    need(MOVES[from]?.includes(to), 'state_conflict')
    return { terminal: MOVES[to].length === 0 }
  },
  'error.describe': (now, { code }) => describe(code),
}
