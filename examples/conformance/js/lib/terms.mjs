// The members that intents and mandates share, and their rules (SPEC.md 4.1, 4.2).

import { parseDid } from './dids.mjs'
import { checkDigest, closed, digest, isObject, JsonNumber, noNull } from './json.mjs'
import { need } from './refusal.mjs'
import { amountFromNumber, checkId, timeParse } from './values.mjs'

export const NAMESPACES = {
  commerce: [
    'max_single_amount', 'min_single_amount', 'allowed_categories', 'forbidden_categories',
    'allowed_merchants', 'forbidden_merchants',
  ],
  agent_behavior: ['price_deviation_tolerance', 'price_deviation_action', 'on_payment_failure', 'max_retry_count'],
  fulfillment: ['delivery_time_requirement', 'delivery_address'],
}
const MOST_RETRIES = 1048576

// text is a string; an empty one is missing where the member is required.
export function text(value, required = false) {
  need(typeof value === 'string', 'field_invalid')
  need(value !== '', required ? 'field_missing' : 'field_invalid')
  return value
}

export function printable(value, most, { lineFeeds = false } = {}) {
  need(Buffer.byteLength(text(value)) <= most, 'field_invalid')
  const line = lineFeeds ? value.replaceAll('\n', '') : value
  need(!/[\u0000-\u001f\u007f-\u009f]/.test(line), 'field_invalid')
}

export function list(value, check) {
  need(Array.isArray(value) && value.length > 0, 'field_invalid')
  value.forEach((entry) => check(entry))
}

function merchant(value) {
  checkId(value)
  need(/^[a-z][a-z0-9+.-]*:./.test(value), 'field_invalid')
}

export function category(value) {
  printable(value, 256)
  need(!value.split('/').includes(''), 'field_invalid')
}

export const LAST_SECOND = 253402300799 // of the year 9999

export function integer(value, least = 0, most = Number.MAX_SAFE_INTEGER) {
  need(value instanceof JsonNumber && value.isInteger, 'field_invalid')
  const number = Number(value.literal)
  need(number >= least && number <= most, 'field_invalid')
  return number
}

const oneOf = (value, words, required) => need(words.includes(text(value, required)), 'field_invalid')

// hasHash reads a digest and says whether its hash function is had here.
export function hasHash(value) {
  text(value)
  if (/^sm3:[A-Za-z0-9_-]{43}$/.test(value)) return false
  checkDigest(value)
  return true
}

export function checkConversation(value) {
  need(isObject(value), 'field_invalid')
  closed(value, [], ['user_intent_raw', 'user_intent_raw_digest', 'input_mode', 'context_ref'])
  need('user_intent_raw' in value || 'user_intent_raw_digest' in value, 'field_missing')
  const { user_intent_raw: raw, user_intent_raw_digest: named } = value
  if (Array.isArray(raw)) list(raw, checkTurn)
  else if (raw !== undefined) text(raw)
  if (named !== undefined) {
    hasHash(named)
    need('context_ref' in value, 'field_missing')
  }
  if ('context_ref' in value) text(value.context_ref)
  if ('input_mode' in value) list(value.input_mode, text)
}

function checkTurn(turn) {
  closed(turn, ['role', 'content', 'create_time'])
  text(turn.role, true)
  need(typeof turn.content === 'string', 'field_invalid')
  timeParse(text(turn.create_time, true))
}

// checkContext compares content with the digest that the conversation names.
export function checkContext(conversation, content) {
  const named = conversation.user_intent_raw_digest
  if (named === undefined) return
  need(hasHash(named), 'fact_missing')
  need(digest(content) === named, 'claims_conflict')
}

function moment(value, name, required) {
  if (!(name in value)) return undefined
  const { seconds } = timeParse(text(value[name], required), { utc: true })
  need(seconds >= 0, 'field_invalid')
  return seconds
}

export function readWindow(value) {
  const start = moment(value, 'validity_start_time', true)
  const end = moment(value, 'validity_end_time', true)
  need(start === undefined || end === undefined || start < end, 'field_invalid')
  return { start, end }
}

// readAmounts gives total and single limits in minor units.
export function readAmounts(value, currency) {
  const commerce = value.ext?.commerce ?? {}
  const read = (number) => (number === undefined ? undefined : amountFromNumber(number, currency))
  const total = read(value.max_total_amount)
  const most = read(commerce.max_single_amount)
  const least = read(commerce.min_single_amount)
  need(total === undefined || most === undefined || most <= total, 'field_invalid')
  need(most === undefined || least === undefined || least <= most, 'field_invalid')
  return { total, most, least }
}

// checkExtensions judges the members of the standard extensions.
export function checkExtensions(ext) {
  const { commerce = {}, agent_behavior: behavior = {}, fulfillment = {} } = ext
  for (const name of ['allowed_categories', 'forbidden_categories']) {
    if (name in commerce) list(commerce[name], category)
  }
  for (const name of ['allowed_merchants', 'forbidden_merchants']) {
    if (name in commerce) list(commerce[name], merchant)
  }
  if ('price_deviation_tolerance' in behavior) {
    const tolerance = behavior.price_deviation_tolerance
    need(tolerance instanceof JsonNumber && Number(tolerance.literal) >= 0, 'field_invalid')
  }
  if ('price_deviation_action' in behavior) oneOf(behavior.price_deviation_action, ['PAUSE_AND_NOTIFY', 'AUTO_CANCEL'])
  if ('on_payment_failure' in behavior) oneOf(behavior.on_payment_failure, ['AUTO_RETRY', 'CANCEL'])
  if ('max_retry_count' in behavior) integer(behavior.max_retry_count, 0, MOST_RETRIES)
  if ('delivery_time_requirement' in fulfillment) printable(fulfillment.delivery_time_requirement, 256)
  if ('delivery_address' in fulfillment) printable(fulfillment.delivery_address, 2048, { lineFeeds: true })
  if ('vendor_private' in ext) {
    need(isObject(ext.vendor_private), 'field_invalid')
    noNull(ext.vendor_private)
  }
}

// checkMembers judges the members beside ext, as far as they are there.
export function checkMembers(value, required) {
  const given = (name, check) => {
    if (name in value) check(text(value[name], required.includes(name)))
  }
  given('delegation_id', checkId)
  given('intent_id', checkId)
  given('agent_id', parseDid)
  given('delegator_identity', parseDid)
  given('delegation_mode', (mode) => oneOf(mode, ['SPECIFIED', 'BOUNDED']))
  if ('allowed_payment_methods' in value) list(value.allowed_payment_methods, checkId)
  given('user_confirmation_method', () => need('user_confirmation_timestamp' in value, 'field_missing'))
  moment(value, 'user_confirmation_timestamp', required.includes('user_confirmation_timestamp'))
  given('source_isr_digest', hasHash)
}

