// The messages between agents, merchants and providers about payments that were
// made or wait (SPEC.md 6.1, 6.3, 6.8, 6.10, 6.12 to 6.14).

import { readNeeded, readProofToken } from './a402.mjs'
import {
  amount, count, currency, did, form, id, listOf, matching, minor, nonce, time, webUrl, word,
} from './forms.mjs'
import { checkAge, read, verifySender } from './messages.mjs'
import { parseObject } from './json.mjs'
import { need } from './refusal.mjs'
import { amountFromText, later, timeParse } from './values.mjs'

const QUESTION = { request_id: id, nonce, timestamp: time, psp_id: did }
const ANSWER = { request_id: id, psp_id: did }
const STATES = ['WAIT_BUYER_PAY', 'WAIT_SELLER_FULFILLMENT', 'WAIT_BUYER_RECEIPT', 'TRADE_FINISHED', 'TRADE_CLOSED']
const state = word(...STATES)
const paidState = word(...STATES.slice(1))
const reason = word('CANCELLED', 'NOT_DELIVERED', 'DEFECTIVE', 'RETURNED', 'ADJUSTMENT', 'DUPLICATE', 'FRAUD', 'OTHER')
const proofText = (value) => {
  matching(/^[A-Za-z0-9_-]+$/)(value)
  need(value.length <= 8192, 'too_large')
}

// exactly asks for one of two members.
function exactly(message, one, other) {
  need(one in message || other in message, 'field_missing')
  need(!(one in message && other in message), 'field_invalid')
}

const agent = { sender: 'buyer_agent_id', purpose: 'agent-request', recipient: 'psp_id' }
const merchant = { sender: 'merchant_id', purpose: 'seller', recipient: 'psp_id' }

// Messages that are received, by kind.
export const QUESTIONS = {
  'payment-query': { ...agent, members: { ...QUESTION, buyer_agent_id: did, payment_request_id: id } },
  'instrument-query': {
    ...agent,
    members: { ...QUESTION, buyer_agent_id: did, 'payment_token?': id, 'subaccount_id?': id },
    rules: (message) => exactly(message, 'payment_token', 'subaccount_id'),
  },
  'proof-consumption': {
    ...merchant,
    members: { ...QUESTION, merchant_id: did, payment_proof: proofText, consumer: id },
    after: (message) => readProofToken(message.payment_proof),
  },
  'fulfilment-confirmation': {
    ...merchant,
    members: { ...QUESTION, merchant_id: did, trade_no: id, consumer: id, delivered_at: time },
  },
  'refund-request': {
    ...merchant,
    members: { ...QUESTION, merchant_id: did, 'trade_no?': id, 'merchant_order_id?': id, amount, currency, reason },
    rules(message) {
      exactly(message, 'trade_no', 'merchant_order_id')
      minor(message.amount, message.currency, 1n)
    },
  },
}

const TRADE_QUERY = { ...QUESTION, merchant_id: did, 'buyer_agent_id?': did, 'trade_no?': id, 'merchant_order_id?': id }

// tradeQuery is by who is asking: the agent when it is named, else the merchant.
export function tradeQuery(source) {
  const role = 'buyer_agent_id' in parseObject(source) ? agent : merchant
  return { ...role, members: TRADE_QUERY, rules: (message) => exactly(message, 'trade_no', 'merchant_order_id') }
}

function same(message, sent, code, ...names) {
  for (const name of names) if (name in sent) need(message[name] === sent[name], code)
}

function sameAmount(message, sent) {
  need(message.currency === sent.currency, 'order_mismatch')
  need(amountFromText(message.amount, message.currency) === amountFromText(sent.amount, sent.currency), 'order_mismatch')
}

const REFUND = { refund_no: id, refund_request_id: id, amount, reason, refunded_at: time }

// Messages that answer, by kind: their members, their rules, and what they have
// to do with the question.
export const ANSWERS = {
  'payment-pending': {
    members: {
      ...ANSWER, buyer_agent_id: did, merchant_id: did, merchant_order_id: id, amount, currency, trade_no: id,
      trade_state: word('WAIT_BUYER_PAY'), cashier_url: secureUrl, expires_at: time,
    },
    rules: (message) => minor(message.amount, message.currency, 1n),
    agrees(message, sent, now) {
      same(message, sent, 'request_conflict', 'request_id')
      same(message, sent, 'agent_mismatch', 'buyer_agent_id')
      same(message, sent, 'order_mismatch', 'merchant_id', 'merchant_order_id')
      sameAmount(message, sent)
      need(sent.scenario === 'INS', 'mode_mismatch')
      need(now < timeParse(message.expires_at).seconds, 'request_expired')
    },
  },
  'instrument-state': {
    members: {
      ...ANSWER, buyer_agent_id: did, 'payment_token?': id, 'subaccount_id?': id,
      state: word('CANCELLED', 'EXPIRED', 'FROZEN', 'NOT_YET_VALID', 'ACTIVE'), 'valid_until?': time,
      'available?': amount, 'currency?': currency, as_of: time,
    },
    rules: instrumentRules,
    agrees(message, sent, now) {
      same(message, sent, 'request_conflict', 'request_id')
      same(message, sent, 'agent_mismatch', 'buyer_agent_id')
      same(message, sent, 'instrument_mismatch', 'payment_token', 'subaccount_id')
      checkAge(message, now, 'as_of')
    },
  },
  'proof-consumption-result': {
    members: {
      ...ANSWER, trade_no: id, out_trade_no: id, merchant_id: did, consumer: id, amount, currency,
      trade_state: paidState, consumed_at: time,
    },
    rules: (message) => minor(message.amount, message.currency, 1n),
    agrees: (message, sent) => same(message, sent, 'request_conflict', 'request_id', 'merchant_id', 'consumer'),
  },
  'fulfilment-result': {
    members: { ...ANSWER, trade_no: id, merchant_id: did, trade_state: paidState, confirmed_at: time },
    agrees: (message, sent) => same(message, sent, 'request_conflict', 'request_id', 'merchant_id', 'trade_no'),
  },
  'refund-result': {
    members: {
      ...ANSWER, merchant_id: did, refund_no: id, trade_no: id, merchant_order_id: id, amount, currency,
      refunded_total: amount, reason, trade_state: paidState, refunded_at: time,
    },
    rules(message) {
      const part = minor(message.amount, message.currency, 1n)
      need(minor(message.refunded_total, message.currency) >= part, 'field_invalid')
    },
    agrees(message, sent) {
      same(message, sent, 'request_conflict', 'request_id')
      same(message, sent, 'order_mismatch', 'merchant_id', 'trade_no', 'merchant_order_id', 'reason')
      sameAmount(message, sent)
    },
  },
  'trade-state': {
    members: {
      ...ANSWER, merchant_id: did, buyer_agent_id: did, trade_no: id, merchant_order_id: id, amount, currency,
      trade_state: state, 'paid_at?': time, refunded_total: amount,
      'refunds?': listOf((one) => form(one, REFUND), { most: 64, required: false }), as_of: time,
    },
    rules: tradeRules,
    agrees(message, sent, now) {
      same(message, sent, 'request_conflict', 'request_id')
      same(message, sent, 'agent_mismatch', 'buyer_agent_id')
      same(message, sent, 'order_mismatch', 'merchant_id', 'trade_no', 'merchant_order_id')
      checkAge(message, now, 'as_of')
    },
  },
}

function secureUrl(value) {
  webUrl(value)
  need(/^https:/i.test(value), 'field_invalid')
}

function instrumentRules(message) {
  exactly(message, 'payment_token', 'subaccount_id')
  const told = 'available' in message
  need(told === 'currency' in message, 'field_missing')
  need(told || !('subaccount_id' in message), 'field_missing')
  if (told) need(minor(message.available, message.currency) === 0n || message.state === 'ACTIVE', 'field_invalid')
  if (message.state === 'ACTIVE' && 'valid_until' in message) {
    need(later(timeParse(message.valid_until), timeParse(message.as_of)), 'field_invalid')
  }
}

function tradeRules(message) {
  const { amount: whole, currency: code, refunds = [], trade_state: now } = message
  const most = minor(whole, code, 1n)
  const parts = refunds.map((one) => minor(one.amount, code, 1n))
  const total = parts.reduce((sum, part) => sum + part, 0n)
  need(minor(message.refunded_total, code) === total && total <= most, 'field_invalid')
  need('paid_at' in message || ['WAIT_BUYER_PAY', 'TRADE_CLOSED'].includes(now), 'field_missing')
  need(now !== 'WAIT_BUYER_PAY' || !('paid_at' in message), 'field_invalid')
  need('paid_at' in message || refunds.length === 0, 'field_invalid')
}

// answer judges a message that answers another, which is good.
export async function answer(kind, given, documents, now) {
  const { members, rules, agrees } = ANSWERS[kind]
  const message = read(given.message, members, rules)
  const sent = parseObject(given.sent)
  need(message.psp_id === sent.psp_id, 'issuer_untrusted')
  await verifySender(message, kind, 'psp_id', 'proof', documents, now)
  agrees(message, sent, now)
  return message
}

// RESULT is the answer to a payment that was made (6.1).
const RESULT = {
  ...ANSWER, trade_no: id, scenario: word('INS', 'DEL', 'AUP'), 'delegation_id?': id, merchant_order_id: id,
  buyer_agent_id: did, merchant_id: did, amount, currency, trade_state: paidState, paid_at: time,
  'spent_total?': amount, payment_proof: proofText, proof_expires_at: time,
}

function resultRules(message) {
  for (const name of ['delegation_id', 'spent_total']) {
    if (message.scenario === 'INS') need(!(name in message), 'field_invalid')
    else need(name in message, 'field_missing')
  }
  const paid = minor(message.amount, message.currency, 1n)
  if ('spent_total' in message) need(minor(message.spent_total, message.currency) >= paid, 'field_invalid')
  need(later(timeParse(message.proof_expires_at), timeParse(message.paid_at)), 'field_invalid')
}

// result judges the result of a payment request that is good, and its proof.
export async function result(given, documents, now) {
  const message = read(given.message, RESULT, resultRules)
  const sent = parseObject(given.sent)
  need(message.psp_id === sent.psp_id, 'issuer_untrusted')
  const paidAt = timeParse(message.paid_at).seconds
  await verifySender(message, 'payment-result', 'psp_id', 'proof', documents, paidAt)
  same(message, sent, 'request_conflict', 'request_id')
  same(message, sent, 'agent_mismatch', 'buyer_agent_id')
  same(message, sent, 'mode_mismatch', 'scenario')
  same(message, sent, 'order_mismatch', 'merchant_id', 'merchant_order_id', 'delegation_id')
  sameAmount(message, sent)
  const token = readProofToken(message.payment_proof)
  await token.verify(await documents.find(token.keyId, 'proof', paidAt))
  proofSays(token.claims, message, sent, given.thumbprint)
  return message
}

function proofSays(claims, message, sent, thumbprint) {
  const expected = {
    iss: message.psp_id, aud: message.merchant_id, trade_no: message.trade_no, out_trade_no: message.merchant_order_id,
    payer: message.buyer_agent_id, currency: message.currency,
    method_id: sent.payment_method.replace('urn:act:payment:', 'act:payment/'),
  }
  for (const [name, value] of Object.entries(expected)) need(claims[name] === value, 'proof_mismatch')
  const paid = amountFromText(message.amount, message.currency)
  need(amountFromText(claims.amount, claims.currency) === paid, 'proof_mismatch')
  need(claims.cnf.jkt === thumbprint, 'proof_mismatch')
  need(Number(claims.exp.literal) === timeParse(message.proof_expires_at).seconds, 'proof_mismatch')
  const bill = 'bill' in sent ? readNeeded([sent.bill]).protocol : { resource_id: sent.merchant_order_id }
  for (const name of ['resource_id', 'request_method', 'request_fingerprint', 'idempotency_key']) {
    need(claims[name] === bill[name], 'proof_mismatch')
  }
}

// 6.14

const NOTIFICATION = {
  psp_id: did, merchant_id: did, sequence: count(1, Number.MAX_SAFE_INTEGER), timestamp: time,
  event: word('PAYMENT_COMPLETED', 'PAYMENT_REFUNDED', 'PAYMENT_CLOSED'), occurred_at: time, trade_no: id,
  merchant_order_id: id, amount, currency, trade_state: state, 'refund_no?': id, 'refund_request_id?': id,
  'refund_amount?': amount, 'refunded_total?': amount,
}
const OF_REFUND = ['refund_no', 'refund_request_id', 'refund_amount', 'refunded_total']
const AFTER = {
  PAYMENT_COMPLETED: ['WAIT_SELLER_FULFILLMENT'],
  PAYMENT_CLOSED: ['TRADE_CLOSED'],
  PAYMENT_REFUNDED: STATES.slice(1),
}

function notificationRules(message) {
  const refund = message.event === 'PAYMENT_REFUNDED'
  for (const name of OF_REFUND) {
    need(!refund || name in message, 'field_missing')
    need(refund || !(name in message), 'field_invalid')
  }
  need(AFTER[message.event].includes(message.trade_state), 'field_invalid')
  const whole = minor(message.amount, message.currency, 1n)
  if (!refund) return
  const part = minor(message.refund_amount, message.currency, 1n)
  const total = minor(message.refunded_total, message.currency)
  need(part <= total && total <= whole, 'field_invalid')
}

export async function notification(given, documents, now) {
  const message = read(given.message, NOTIFICATION, notificationRules)
  need(message.psp_id === given.psp_id, 'issuer_untrusted')
  await verifySender(message, 'payment-notification', 'psp_id', 'proof', documents, now)
  need(message.merchant_id === given.recipient, 'audience_mismatch')
  checkAge(message, now)
  return message
}
