// Mandates as SD-JWT VC, of which parts are shown (SPEC.md 8.1; RFC 9901).
//
// The package @sd-jwt/core puts disclosures into their places. It is made for
// SD-JWTs of any kind, and parses as JSON.parse does, so what 8.1 asks beyond
// RFC 9901 (strict form, places, decoys in the wrong ones) is judged here
// first, on the bytes; both must come to the same claims.

import { SDJwt } from '@sd-jwt/core'
import { canonical, closed, decode64, encode64, isObject, MAX_BYTES, noNull, parse, sha256 } from './json.mjs'
import { readToken } from './keys.mjs'
import { need } from './refusal.mjs'
import { integer, LAST_SECOND } from './terms.mjs'

const MOST_DISCLOSURES = 256
const MOST_DEPTH = 32
const MANIFEST = [
  'allowed_payment_methods', 'currency', 'delegation_mode', 'delegator_identity',
  'ext.agent_behavior.max_retry_count', 'ext.agent_behavior.on_payment_failure',
  'ext.agent_behavior.price_deviation_action', 'ext.agent_behavior.price_deviation_tolerance',
  'ext.commerce.allowed_categories', 'ext.commerce.allowed_merchants', 'ext.commerce.forbidden_categories',
  'ext.commerce.forbidden_merchants', 'ext.commerce.max_single_amount', 'ext.commerce.min_single_amount',
  'ext.fulfillment.delivery_time_requirement', 'max_total_amount',
]
const ALLOW_LISTS = ['allowed_payment_methods', 'ext.commerce.allowed_categories', 'ext.commerce.allowed_merchants']
const HIDING = [
  '', 'authorization', 'authorization.ext', 'authorization.ext.commerce', 'authorization.ext.agent_behavior',
  'authorization.ext.fulfillment',
]
const VISIBLE = [
  'iss', 'sub', 'aud', 'jti', 'iat', 'nbf', 'exp', 'cnf', 'status', 'vct', 'authorization', 'constraints',
  'authorization.delegation_id', 'authorization.intent_id', 'authorization.agent_id',
  'authorization.validity_start_time', 'authorization.validity_end_time', 'authorization.ext',
  'authorization.ext.commerce', 'authorization.ext.agent_behavior', 'authorization.ext.fulfillment',
]

function readDisclosure(source) {
  const parts = parse(decode64(source))
  need(Array.isArray(parts) && (parts.length === 2 || parts.length === 3), 'malformed')
  need(typeof parts[0] === 'string' && /^[A-Za-z0-9_-]{22,}$/.test(parts[0]), 'malformed')
  if (parts.length === 3) {
    need(typeof parts[1] === 'string' && !['_sd', '...', '_sd_alg'].includes(parts[1]), 'malformed')
  }
  return parts
}

// Walk puts the disclosures into the payload and looks at every place.
class Walk {
  constructor(disclosures) {
    this.disclosures = new Map()
    for (const source of disclosures) {
      const name = encode64(sha256(source))
      need(!this.disclosures.has(name), 'malformed')
      this.disclosures.set(name, readDisclosure(source))
    }
    this.seen = new Set()
    this.partial = new Set()
    this.hidden = new Map() // digests without a disclosure, by the JSON pointer of where they stand
    this.misplaced = false
  }

  take(name, length) {
    need(typeof name === 'string' && name.length === 43 && !this.seen.has(name), 'malformed')
    decode64(name)
    this.seen.add(name)
    const parts = this.disclosures.get(name)
    need(!parts || parts.length === length, 'malformed')
    return parts
  }

  hide(pointer) {
    this.hidden.set(pointer, (this.hidden.get(pointer) ?? 0) + 1)
  }

  value(value, path, pointer, depth) {
    if (!isObject(value) && !Array.isArray(value)) return value
    need(depth < MOST_DEPTH, 'too_large')
    return Array.isArray(value) ? this.array(value, path, pointer, depth + 1) : this.object(value, path, pointer, depth + 1)
  }

  object(value, path, pointer, depth) {
    const plain = Object.create(null)
    const join = (name) => (path === '' ? name : `${path}.${name}`)
    const below = (name) => `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    for (const [name, member] of Object.entries(value)) {
      need(name !== '...' && (name !== '_sd_alg' || path === ''), 'malformed')
      if (name !== '_sd' && name !== '_sd_alg') plain[name] = this.value(member, join(name), below(name), depth)
    }
    if (!('_sd' in value)) return plain
    need(Array.isArray(value._sd), 'malformed')
    if (!HIDING.includes(path)) this.misplaced = true
    for (const name of value._sd) {
      const parts = this.take(name, 3)
      if (!parts) {
        this.hide(pointer)
        continue
      }
      need(!(parts[1] in plain), 'malformed')
      if (VISIBLE.includes(join(parts[1]))) this.misplaced = true
      plain[parts[1]] = this.value(parts[2], join(parts[1]), below(parts[1]), depth)
    }
    return plain
  }

  array(value, path, pointer, depth) {
    const list = path.replace(/^authorization\./, '')
    const plain = []
    for (const element of value) {
      if (!isObject(element) || !('...' in element)) {
        plain.push(this.value(element, `${path}[]`, `${pointer}/${plain.length}`, depth))
        continue
      }
      need(Object.keys(element).length === 1, 'malformed')
      if (list === path || !ALLOW_LISTS.includes(list)) this.misplaced = true
      const parts = this.take(element['...'], 2)
      if (parts) plain.push(this.value(parts[1], `${path}[]`, `${pointer}/${plain.length}`, depth))
      else {
        this.partial.add(list)
        this.hide(pointer)
      }
    }
    return plain
  }
}

// readSdJwt takes an SD-JWT of a kind apart, whatever it hides; nothing is verified.
export async function readSdJwt(source, typ = 'dc+sd-jwt') {
  need(/^[\x00-\x7f]*$/.test(source), 'malformed')
  need(source.length <= MAX_BYTES, 'too_large')
  const parts = source.split('~')
  const [jwt, binding] = [parts[0], parts.at(-1)]
  const disclosures = parts.slice(1, -1)
  need(disclosures.length <= MOST_DISCLOSURES, 'too_large')
  const token = readToken(jwt, typ)
  const algorithm = token.claims._sd_alg ?? 'sha-256'
  need(typeof algorithm === 'string', 'malformed')
  need(algorithm === 'sha-256', 'algorithm_refused')
  const walk = new Walk(disclosures)
  const claims = walk.value(token.claims, '', '', 0)
  need([...walk.disclosures.keys()].every((name) => walk.seen.has(name)), 'malformed')
  const covered = source.slice(0, source.length - binding.length)
  await checkSame(covered, claims)
  return { token, claims, covered, binding, partial: walk.partial, misplaced: walk.misplaced, hidden: walk.hidden }
}

// checkSame is the second opinion: a difference is a fault of ours.
async function checkSame(source, claims) {
  const read = await SDJwt.fromEncode(source, sha256)
  const theirs = await read.getClaims(sha256)
  if (canonical(theirs) !== canonical(claims)) throw new Error('@sd-jwt/core reads other claims')
}

// verifySdJwt verifies an SD-JWT of any claims that is shown without key binding.
export async function verifySdJwt(source, { typ, purpose }, documents, now) {
  const { token, claims, binding, hidden } = await readSdJwt(source, typ)
  if (binding !== '') {
    readToken(binding, 'kb+jwt', { keyId: false }) // what is none is not in the strict form
    need(false, 'field_invalid')
  }
  await token.verify(await documents.find(token.keyId, purpose, now))
  return { keyId: token.keyId, claims, hidden: [...hidden].map(([path, count]) => ({ path, count })) }
}

// withheldOf judges the manifest; a list with no entry shown is taken out.
export function withheldOf({ claims, partial }) {
  const { constraints: manifest, authorization } = claims
  noNull(manifest)
  need(Array.isArray(manifest) && manifest.every((path) => typeof path === 'string'), 'field_invalid')
  const sorted = [...new Set(manifest)].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
  need(sorted.length === manifest.length && sorted.every((path, i) => path === manifest[i]), 'field_invalid')
  need(manifest.includes('delegator_identity') && manifest.includes('max_total_amount'), 'field_missing')
  need(isObject(authorization), 'field_invalid')
  const withheld = new Set()
  for (const path of MANIFEST) {
    const name = path.split('.').at(-1)
    const holder = path.split('.').slice(0, -1).reduce((value, step) => value?.[step] ?? {}, authorization)
    need(isObject(holder), 'field_invalid')
    const shown = name in holder
    need(!shown || manifest.includes(path), 'claims_conflict')
    const empty = shown && partial.has(path) && holder[name].length === 0
    if (empty) delete holder[name]
    if (empty || (!shown && manifest.includes(path))) withheld.add(path)
  }
  return { withheld, strange: !manifest.every((path) => MANIFEST.includes(path)) }
}

// verifyBinding checks the key binding of a presentation, by the key of cnf.
export async function verifyBinding({ binding, covered }, holder, { audience, nonce }, now) {
  const token = readToken(binding, 'kb+jwt', { keyId: false })
  const claims = closed(token.claims, ['aud', 'iat', 'nonce', 'sd_hash'])
  for (const name of ['aud', 'nonce', 'sd_hash']) need(typeof claims[name] === 'string', 'field_invalid')
  const issued = integer(claims.iat, 0, LAST_SECOND)
  await token.verify(holder)
  need(claims.sd_hash === encode64(sha256(covered)), 'signature_invalid')
  need(claims.aud === audience, 'audience_mismatch')
  need(claims.nonce === nonce, 'claims_conflict')
  need(issued >= now - 300 && issued <= now + 60, 'request_expired')
}
