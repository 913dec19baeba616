// Catalogue, negotiation, intents and carts (SPEC.md 5).

import {
  address, amount, boolean, category, count, currency, did, form, id, itself, label, listOf, matching, method, minor, nonce,
  object, plainUrl, time, webUrl, word,
} from './forms.mjs'
import { isObject, noNull, parseObject } from './json.mjs'
import { codeOf, need } from './refusal.mjs'
import { later, timeParse } from './values.mjs'

const REQUEST = { request_id: id, nonce, timestamp: time, merchant_id: did }

// 5.1

const ITEM = {
  item_id: id, name: label, category, price: amount, currency, 'available?': boolean, 'price_valid_until?': time,
  'delivery_seconds?': count(0, 1e9), 'merchant_id?': did, 'detail_url?': webUrl,
}

async function usableItems(items, merchantId) {
  const good = []
  const seen = new Set()
  let shared = false
  for (const item of items) {
    if (isObject(item) && typeof item.item_id === 'string') {
      shared ||= seen.has(item.item_id)
      seen.add(item.item_id)
    }
    const wrong = await codeOf(() => {
      form(item, ITEM)
      minor(item.price, item.currency)
      need((item.merchant_id ?? merchantId) === merchantId, 'claims_conflict')
    })
    if (!wrong) good.push(item.item_id)
  }
  need(!shared, 'field_invalid')
  return { good, leftOut: items.length - good.length }
}

export async function readCatalogue(source) {
  const catalogue = parseObject(source)
  noNull(catalogue)
  form(catalogue, { merchant_id: did, items: listOf(() => {}, { least: 0 }), as_of: time })
  const { good, leftOut } = await usableItems(catalogue.items, catalogue.merchant_id)
  return { merchant_id: catalogue.merchant_id, items: good, left_out: leftOut }
}

// 5.2

const LINE = { item_id: id, quantity: count(1, 1000000), unit_price: amount }
const FULFILMENT = {
  'delivery_time_requirement?': label,
  'delivery_address?': address,
}

const times = (line, code) => minor(line.unit_price, code) * BigInt(line.quantity.literal)

export const CART = {
  sender: 'buyer_agent_id',
  recipient: 'merchant_id',
  members: {
    ...REQUEST, buyer_agent_id: did, intent_id: id, 'delegation_id?': id, psp_id: did, payment_method: method,
    items: listOf(object(LINE), { unique: (line) => line.item_id }), amount, currency, 'fulfilment?': object(FULFILMENT),
  },
  rules(cart) {
    const sum = cart.items.reduce((total, line) => total + times(line, cart.currency), 0n)
    need(minor(cart.amount, cart.currency, 1n) === sum, 'field_invalid')
  },
}

// 5.3

const ORDER_LINE = { item_id: id, name: label, category, unit_price: amount, quantity: count(1, 1000000), subtotal: amount }
const seconds = count(0, 253402300799)
const ORDER = {
  iss: did, merchant_id: did, sub: did, buyer_agent_id: did, iat: seconds, exp: seconds, merchant_order_id: id,
  request_id: id, intent_id: id, 'delegation_id?': id, psp_id: did, payment_method: method,
  items: listOf(object(ORDER_LINE), { unique: (line) => line.item_id }), amount, currency, deliver_by: time,
  status: word('CONFIRMED'),
}

// readOrder judges the form of the claims and the sums.
export function readOrder(token) {
  const order = form(token.claims, ORDER)
  need(Number(order.iat.literal) < Number(order.exp.literal), 'field_invalid')
  let sum = 0n
  for (const line of order.items) {
    need(minor(line.subtotal, order.currency) === times(line, order.currency), 'field_invalid')
    sum += times(line, order.currency)
  }
  need(minor(order.amount, order.currency, 1n) === sum, 'field_invalid')
  need(order.iss === order.merchant_id && order.sub === order.buyer_agent_id, 'claims_conflict')
  need(token.signer === order.iss, 'claims_conflict')
  return order
}

// compareOrder asks whether the order is what the cart request named.
export function compareOrder(order, cart) {
  need(order.buyer_agent_id === cart.buyer_agent_id, 'agent_mismatch')
  need(order.psp_id === cart.psp_id, 'audience_mismatch')
  for (const name of ['merchant_id', 'request_id', 'intent_id', 'delegation_id', 'payment_method', 'currency']) {
    need(order[name] === cart[name], 'order_mismatch')
  }
  need(minor(order.amount, order.currency) === minor(cart.amount, cart.currency), 'order_mismatch')
  need(order.items.length === cart.items.length, 'order_mismatch')
  for (const line of cart.items) {
    const same = order.items.find((one) => one.item_id === line.item_id)
    need(same && same.quantity.literal === line.quantity.literal, 'order_mismatch')
    need(minor(same.unit_price, order.currency) === minor(line.unit_price, cart.currency), 'order_mismatch')
  }
}

export function checkOrderTime(order, now) {
  need(Number(order.iat.literal) <= now + 60, 'order_mismatch')
  need(now < Number(order.exp.literal), 'order_expired')
}

// 5.5

const CONTEXT = {
  'explicit_intent?': label, 'implicit_intent?': texts(label), 'preferences?': texts(label), 'background?': texts(label),
}
const CONSTRAINTS = {
  'max_amount?': amount, 'currency?': currency, 'allowed_categories?': texts(category),
  'forbidden_categories?': texts(category), 'delivery_time_requirement?': time,
}
const RESPONSE = { 'max_candidates?': count(1, 100), 'sort_preference?': word('relevance', 'price', 'delivery') }
const PARTS = { intent_context: CONTEXT, constraints: CONSTRAINTS, response_requirements: RESPONSE }
const REMOVABLE = Object.entries(PARTS).flatMap(([part, members]) =>
  Object.keys(members).map((name) => `${part}.${name.slice(0, -1)}`),
)

function texts(check) {
  return listOf(check, { most: 16, required: false, unique: itself })
}

function filled(members) {
  return (value) => {
    form(value, members)
    need(Object.keys(value).length > 0, 'field_invalid')
  }
}

const CONSENT = { scope: listOf(word('implicit_intent', 'preferences'), { least: 0, unique: itself }), granted_at: time }

export const INTENT = {
  sender: 'buyer_agent_id',
  recipient: 'merchant_id',
  members: {
    ...REQUEST, buyer_agent_id: did, intent_id: id, 'delegation_id?': id, 'previous_request_id?': id,
    'intent_context?': filled(CONTEXT), 'consent?': object(CONSENT), 'constraints?': filled(CONSTRAINTS),
    'response_requirements?': filled(RESPONSE), 'removed?': listOf(word(...REMOVABLE), { required: false, unique: itself }),
  },
  rules(message) {
    const { previous_request_id: previous, constraints = {}, removed = [] } = message
    if (previous === undefined) checkFirst(message)
    else checkUpdate(message)
    if ('max_amount' in constraints) {
      need('currency' in constraints, 'field_missing')
      minor(constraints.max_amount, constraints.currency, 1n)
    }
    need(!removed.includes('intent_context.explicit_intent'), 'field_invalid')
    checkConsent(message)
  },
}

function checkFirst(message) {
  need(message.intent_context?.explicit_intent !== undefined, 'field_missing')
  need(!('removed' in message), 'field_invalid')
}

function checkUpdate(message) {
  need(message.previous_request_id !== message.request_id, 'field_invalid')
  need(Object.keys(PARTS).some((part) => part in message) || 'removed' in message, 'field_missing')
  for (const path of message.removed ?? []) {
    const [part, name] = path.split('.')
    need(message[part]?.[name] === undefined, 'field_invalid')
  }
}

function checkConsent({ consent, timestamp, intent_context: context = {} }) {
  const scope = ['implicit_intent', 'preferences'].filter((name) => name in context)
  need(scope.length === 0 || consent, 'field_missing')
  need(scope.length > 0 || !consent, 'field_invalid')
  if (!consent) return
  need(scope.join() === consent.scope.join(), 'field_invalid')
  need(!later(timeParse(consent.granted_at), timeParse(timestamp)), 'field_invalid')
}

export async function readCandidates(source, sent) {
  const answer = parseObject(source)
  noNull(answer)
  const most = Number(sent.response_requirements?.max_candidates?.literal ?? 100)
  form(answer, { request_id: id, merchant_id: did, as_of: time, candidates: listOf(() => {}) })
  need(answer.candidates.length <= 100, 'too_large')
  need(answer.candidates.length <= most, 'field_invalid')
  need(answer.request_id === sent.request_id && answer.merchant_id === sent.merchant_id, 'claims_conflict')
  const { good, leftOut } = await usableItems(answer.candidates, answer.merchant_id)
  need(good.length > 0, 'field_invalid')
  return { candidates: good, left_out: leftOut }
}

// 5.6

const absolute = matching(/^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,250}$/)

const PSP = { psp_id: absolute, endpoint: plainUrl, method_schema_url: plainUrl }
const SUPPORTED = { method_id: method, psps: listOf(object(PSP), { unique: (psp) => psp.psp_id }) }
const STATEMENT = {
  version: word('1.0'), role: word('payee'), agent_id: did, 'mode?': word('one-way', 'two-way'),
  supported_methods: listOf(object(SUPPORTED), { least: 0, unique: (entry) => entry.method_id }),
}

export function readStatement(source) {
  const statement = parseObject(source)
  noNull(statement)
  form(statement, STATEMENT)
  const offers = statement.supported_methods.flatMap(({ method_id, psps }) => psps.map((psp) => ({ method_id, ...psp })))
  return { agent_id: statement.agent_id, offers }
}

export const NEGOTIATION = {
  sender: 'agent_id',
  recipient: 'merchant_id',
  members: {
    ...REQUEST, agent_id: did, buyer_supported_methods: listOf(method, { unique: itself }), currency,
    estimated_amount: amount,
  },
  rules: (message) => minor(message.estimated_amount, message.currency, 1n),
}

const OFFER = { method_id: method, ...PSP }

export function readOffers(source, sent) {
  const answer = parseObject(source)
  noNull(answer)
  form(answer, {
    request_id: id, agent_id: did,
    supported_methods: listOf(object(OFFER), { least: 0, unique: (offer) => `${offer.method_id} ${offer.psp_id}` }),
  })
  const asked = answer.supported_methods.every((offer) => sent.buyer_supported_methods.includes(offer.method_id))
  need(answer.request_id === sent.request_id && answer.agent_id === sent.merchant_id && asked, 'claims_conflict')
  return { offers: answer.supported_methods }
}

