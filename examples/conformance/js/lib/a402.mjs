// A402: fingerprints, the three headers, and payment proofs (SPEC.md 6.2, 6.4 to 6.6).

import { CATEGORIES } from './errors.mjs'
import {
  amount, category, count, did, form, id, listOf, matching, METHOD_NAME, minor, object, someObject, time, webUrl, word,
} from './forms.mjs'
import { canonical, decode64, digest, has, noNull, parseObject, sha256, without } from './json.mjs'
import { readToken, SIGNATURE_TYPES } from './keys.mjs'
import { parseKeyId } from './dids.mjs'
import { need } from './refusal.mjs'
import { text } from './terms.mjs'
import { amountFromText, timeParse } from './values.mjs'

const MOST_BYTES = 8192
const MOST_TARGET = 8192
const SAFE = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

// fingerprint is that of a request (6.4).
export function fingerprint({ method, uri, content_type: type, body }) {
  need(/^[A-Z]{1,32}$/.test(method), 'field_invalid')
  const media = (type ?? '').split(';')[0].trim().toLowerCase()
  need(/^$|^[a-z0-9!#$%&'*+.^_`|~-]+\/[a-z0-9!#$%&'*+.^_`|~-]+$/.test(media), 'field_invalid')
  const lines = [method, targetUri(uri), media, sha256(decode64(body ?? '')).toString('base64url')]
  return digest(lines.join('\n'))
}

function targetUri(uri) {
  need(uri.length <= MOST_TARGET, 'too_large')
  const parts = /^(https?):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?$/i.exec(uri)
  need(parts && /^[\x21-\x7e]+$/.test(uri), 'field_invalid')
  const [, scheme, authority, path, query = ''] = parts
  const server = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([1-9][0-9]{0,4})?)?$/.exec(authority)
  need(server, 'field_invalid')
  const [, host, port = ''] = server
  const usual = scheme.toLowerCase() === 'https' ? '443' : '80'
  const shown = port === '' || port === usual ? '' : `:${port}`
  return `${scheme.toLowerCase()}://${host.toLowerCase()}${shown}${path || '/'}${query}`
}

// 6.5

const short = (value) => need([...text(value, true)].length <= 256, 'field_invalid')
const base64url = matching(/^[A-Za-z0-9_-]+$/)
const decimalText = (value) => {
  amount(value)
  need(/^[0-9]+(\.[0-9]{1,18})?$/.test(value) && value.length <= 80, 'field_invalid')
}
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$/
const uri = (value) => need(URI.test(text(value, true)) && value.length <= 2048, 'field_invalid')

const fingerprintForm = matching(/^sha-256:[A-Za-z0-9_-]{43}$/)

const FORMS = {
  method_id: (value) => need(/^[a-z][a-z0-9+.-]*:[a-z0-9][a-z0-9._/-]*$/.test(text(value, true)) && value.length <= 160, 'field_invalid'),
  method_version: (value) => need(/^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}(-[0-9A-Za-z.-]+)?$/.test(text(value, true)) && value.length <= 64, 'field_invalid'),
  out_trade_no: short, resource_id: short, trade_no: short, seller_unique_id: short, buyer_unique_id: short,
  idempotency_key: short, signer_id: short, amount: decimalText, currency: matching(/^[A-Z]{3}$/), pay_before: time,
  expires_at: time, validated_at: time, payment_proof: base64url, signature_content: base64url,
  request_fingerprint: fingerprintForm, request_method: matching(/^[A-Z]{1,32}$/), signature_type: matching(/^[A-Z0-9_-]{2,32}$/),
  replay_window_seconds: count(1, 2592000),
  commerce_confirmation: object({ confirmation_id: short, confirmation_digest: fingerprintForm, 'confirmation_uri?': uri }),
  evidence_refs: evidence, error: readError,
  validation_status: word('VALID', 'INVALID', 'UNKNOWN'),
  delivery_status: word('NOT_STARTED', 'STARTED', 'DELIVERED', 'FAILED', 'UNKNOWN'),
  fulfillment_status: word('NOT_CONFIRMED', 'PENDING', 'CONFIRMED', 'FAILED', 'UNKNOWN'),
  transaction_state: word(
    'CREATE', 'WAIT_BUYER_PAY', 'WAIT_SELLER_FULFILLMENT', 'WAIT_BUYER_RECEIPT', 'TRADE_FINISHED', 'TRADE_CLOSED'),
}

function evidence(value) {
  need(Array.isArray(value), 'field_invalid')
  need(value.length <= 20, 'too_large')
  const type = word('PAYMENT', 'VALIDATION', 'DELIVERY', 'FULFILLMENT', 'RECEIPT')
  listOf(object({ type, digest: fingerprintForm, 'uri?': uri }), { least: 0, unique: canonical })(value)
}

const ACTIONS = word(
  'CORRECT_REQUEST', 'RENEGOTIATE_METHOD', 'REAUTHORIZE', 'CHANGE_PAYMENT_TOOL', 'QUERY_PAYMENT_STATUS',
  'OBTAIN_NEW_PROOF', 'RETRY_VALIDATION', 'RETRY_DELIVERY', 'RETRY_FULFILLMENT', 'RETURN_PRIOR_RESULT',
  'CREATE_NEW_REQUIREMENT', 'SWITCH_COUNTERPARTY', 'ESCALATE', 'ABORT')

function readError(value) {
  form(value, {
    error_id: (name) => need(/^ACT-A402-[A-Z0-9_]+$/.test(text(name, true)) && name.length <= 96, 'field_invalid'),
    category: word(...CATEGORIES),
    phase: word('REQUIREMENT', 'AUTHORIZATION', 'PAYMENT', 'PROOF_VALIDATION', 'DELIVERY', 'FULFILLMENT', 'EVIDENCE'),
    retryability: word('NEVER', 'AFTER_CORRECTION', 'AFTER_AUTHORIZATION', 'RETRYABLE', 'QUERY_FIRST', 'TERMINAL'),
    valid_next_actions: listOf(ACTIONS, { unique: (action) => action }),
    message: (said) => need([...text(said, true)].length <= 1024, 'field_invalid'),
    'retry_after_seconds?': count(0, 86400),
    'details?': someObject,
  })
}

const members = (required, optional) => ({
  ...Object.fromEntries(required.map((name) => [name, FORMS[name]])),
  ...Object.fromEntries(optional.map((name) => [`${name}?`, FORMS[name]])),
})

const NEEDED = members(
  ['method_id', 'method_version', 'out_trade_no', 'amount', 'currency', 'resource_id', 'pay_before', 'seller_unique_id',
    'request_method', 'request_fingerprint', 'replay_window_seconds', 'signer_id', 'signature_content', 'signature_type'],
  ['buyer_unique_id', 'idempotency_key', 'commerce_confirmation'])
const PROOF = members(
  ['method_id', 'method_version', 'out_trade_no', 'resource_id', 'buyer_unique_id', 'payment_proof', 'trade_no',
    'expires_at', 'request_method', 'request_fingerprint'],
  ['idempotency_key'])
const VALIDATION = members(
  ['method_id', 'method_version', 'out_trade_no', 'resource_id', 'trade_no', 'request_fingerprint', 'validated_at',
    'validation_status', 'delivery_status', 'fulfillment_status', 'transaction_state'],
  ['error', 'evidence_refs'])

// readHeader reads one of the three headers as { protocol, method }.
function readHeader(lines, protocol) {
  need(lines.length === 1 && lines[0] !== '', 'malformed')
  need(lines[0].length <= MOST_BYTES, 'too_large')
  const value = parseObject(decode64(lines[0]))
  noNull(value)
  form(value, { protocol: (inner) => form(inner, protocol), method: someObject })
  need(Object.keys(value.method).length > 0, 'field_missing')
  return value
}

const needsKey = (protocol) =>
  need(SAFE.includes(protocol.request_method) || 'idempotency_key' in protocol, 'field_missing')

export function readNeeded(lines) {
  const bill = readHeader(lines, NEEDED)
  amountFromText(bill.protocol.amount, bill.protocol.currency)
  needsKey(bill.protocol)
  return bill
}

export function readProof(lines) {
  const proof = readHeader(lines, PROOF)
  needsKey(proof.protocol)
  return proof
}

export function readValidation(lines) {
  const validation = readHeader(lines, VALIDATION)
  const { validation_status: valid, delivery_status: delivered, fulfillment_status: fulfilled, error } = validation.protocol
  need(valid === 'VALID' || error, 'field_missing')
  need(valid !== 'VALID' || !error, 'field_invalid')
  need(valid === 'VALID' || !['STARTED', 'DELIVERED'].includes(delivered), 'field_invalid')
  need(delivered === 'DELIVERED' || !['PENDING', 'CONFIRMED'].includes(fulfilled), 'field_invalid')
  checkProfile(validation)
  return validation
}

const IDS = ['out_trade_no', 'resource_id', 'trade_no', 'idempotency_key']
const methodId = matching(new RegExp(`^act:payment/${METHOD_NAME}$`))

// checkProfile is what this profile asks of every header beyond the schema.
function checkProfile({ protocol, method }) {
  methodId(protocol.method_id)
  need(protocol.method_version === '1.0.0', 'field_invalid')
  for (const name of IDS) if (name in protocol) id(protocol[name])
  for (const name of ['seller_unique_id', 'buyer_unique_id']) if (name in protocol) did(protocol[name])
  has(method, ['psp_id'])
  did(method.psp_id)
}

// verifyNeeded judges a bill for a request of one's own.
export async function verifyNeeded(given, documents, now) {
  const bill = readNeeded(given.lines)
  const { protocol, method } = bill
  checkProfile(bill)
  has(method, ['endpoint', 'category'])
  webUrl(method.endpoint)
  category(method.category)
  minor(protocol.amount, protocol.currency, 1n)
  need(given.lines[0].length <= 3072, 'too_large')
  await verifyBill(bill, documents, now)
  need((protocol.buyer_unique_id ?? given.agent) === given.agent, 'agent_mismatch')
  need(method.psp_id === given.psp_id, 'audience_mismatch')
  need(given.methods.includes(protocol.method_id.replace('act:payment/', 'urn:act:payment:')), 'method_not_allowed')
  need(protocol.request_method === given.request.method, 'order_mismatch')
  need(protocol.request_fingerprint === fingerprint(given.request), 'order_mismatch')
  const key = given.idempotency_key
  need(key === undefined || key === protocol.idempotency_key, 'order_mismatch')
  need(now < timeParse(protocol.pay_before).seconds, 'order_expired')
  return bill
}

// verifyBill checks the seller's signature on a bill.
export async function verifyBill({ protocol, method }, documents, now) {
  need(parseKeyId(protocol.signer_id).did === protocol.seller_unique_id, 'claims_conflict')
  need(protocol.signature_type in SIGNATURE_TYPES, 'algorithm_refused')
  const signature = decode64(protocol.signature_content)
  const key = await documents.find(protocol.signer_id, 'seller', now)
  need(SIGNATURE_TYPES[protocol.signature_type] === key.algorithm, 'algorithm_refused')
  key.verify(signature, `act-go/1 a402-bill\n${canonical({ protocol: without(protocol, 'signature_content'), method })}`)
}

// 6.2

const seconds = count(0, 253402300799)
const CLAIMS = {
  iss: did, aud: did, jti: id, iat: seconds, exp: seconds, trade_no: id, out_trade_no: id, resource_id: id,
  amount, currency: FORMS.currency, payer: did, method_id: methodId,
  'request_method?': FORMS.request_method, 'request_fingerprint?': fingerprintForm, 'idempotency_key?': id,
  cnf: object({ jkt: matching(/^[A-Za-z0-9_-]{43}$/) }),
}

// readProofToken reads a payment proof as it stands in payment_proof.
export function readProofToken(source) {
  need(source.length <= MOST_BYTES, 'too_large')
  const token = readToken(decode64(source).toString('latin1'), 'act-payment-proof+jwt')
  const claims = form(token.claims, CLAIMS)
  minor(claims.amount, claims.currency, 1n)
  need(Number(claims.iat.literal) < Number(claims.exp.literal), 'field_invalid')
  const bound = 'request_method' in claims
  need(bound === 'request_fingerprint' in claims, 'field_missing')
  if (bound) needsKey(claims)
  else {
    need(!('idempotency_key' in claims), 'field_invalid')
    need(claims.resource_id === claims.out_trade_no, 'claims_conflict')
  }
  need(token.signer === claims.iss, 'claims_conflict')
  return token
}

// verifyProof judges a proof for a sale; outer members equal the claims.
export async function verifyProof(given, documents, now) {
  const outer = given.lines && readProof(given.lines)
  if (outer) checkProfile(outer)
  const token = readProofToken(outer ? outer.protocol.payment_proof : given.payment_proof)
  const { claims } = token
  if (outer) compareOuter(outer, claims)
  need(claims.iss === given.psp_id, 'issuer_untrusted')
  need(claims.aud === given.payee, 'audience_mismatch')
  const key = await documents.find(token.keyId, 'proof', Number(claims.iat.literal))
  await token.verify(key)
  need(Number(claims.iat.literal) <= now + 60, 'proof_invalid')
  need(now < Number(claims.exp.literal), 'proof_expired')
  const expected = {
    out_trade_no: given.order_number, resource_id: given.resource_id, currency: given.currency,
    method_id: given.method_id, idempotency_key: given.idempotency_key, payer: given.payer,
    request_method: outer && given.request.method, request_fingerprint: outer && fingerprint(given.request),
  }
  for (const [name, value] of Object.entries(expected)) need(claims[name] === value, 'proof_mismatch')
  need(amountFromText(claims.amount, claims.currency) === amountFromText(given.amount, given.currency), 'proof_mismatch')
  need(claims.cnf.jkt === given.thumbprint, 'proof_mismatch')
  return claims
}

function compareOuter({ protocol, method }, claims) {
  const same = ['method_id', 'out_trade_no', 'resource_id', 'trade_no', 'request_method', 'request_fingerprint', 'idempotency_key']
  need(same.every((name) => protocol[name] === claims[name]), 'claims_conflict')
  need(protocol.buyer_unique_id === claims.payer && method.psp_id === claims.iss, 'claims_conflict')
  const ends = timeParse(protocol.expires_at)
  need(ends.seconds === Number(claims.exp.literal) && ends.nanos === 0, 'claims_conflict')
}

