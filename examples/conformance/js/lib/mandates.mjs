// Mandates, IAC: their form, what they say, and their verification (SPEC.md 4.2, 8.1).

import { parseDid } from './dids.mjs'
import { closed, digest, has, isObject, noNull, only } from './json.mjs'
import { readJwk, readToken } from './keys.mjs'
import { codeOf, first, need, refuse } from './refusal.mjs'
import { readSdJwt, verifyBinding, withheldOf } from './sdjwt.mjs'
import {
  checkConversation, checkExtensions, checkMembers, integer, LAST_SECOND, NAMESPACES, printable, readAmounts, readWindow, text,
} from './terms.mjs'
import { checkId, decimalsOf } from './values.mjs'

const MEMBERS = [
  'delegation_id', 'intent_id', 'conversation_history', 'delegator_identity', 'agent_id', 'delegation_mode',
  'validity_start_time', 'validity_end_time', 'max_total_amount', 'currency', 'allowed_payment_methods',
  'user_confirmation_method', 'user_confirmation_timestamp', 'source_isr_digest', 'ext',
]
const REQUIRED = [
  'delegation_id', 'delegator_identity', 'agent_id', 'validity_start_time', 'validity_end_time', 'max_total_amount',
]
const CLAIMS = ['iss', 'sub', 'aud', 'jti', 'iat', 'nbf', 'exp', 'cnf']
const SHORT_LIFE = 900
const SKEW = 60

const pick = (value, names) => Object.fromEntries(Object.entries(value).filter(([name]) => names.includes(name)))

// Bounds is what a payload says, what was withheld of it, and whether it has
// something that is not understood.
export class Bounds {
  constructor(payload, { withheld = new Set(), partial = new Set() } = {}) {
    need(isObject(payload), 'field_invalid')
    this.withheld = withheld
    this.partial = partial
    this.payload = pick(payload, MEMBERS)
    this.unknown = !only(payload, MEMBERS)
    this.payload.ext = this.readExtensions(this.payload.ext ?? {})
    noNull(this.payload)
    has(this.payload, REQUIRED.filter((name) => !withheld.has(name)))
    need('intent_id' in this.payload || 'conversation_history' in this.payload, 'field_missing')
    checkMembers(this.payload, REQUIRED)
    if ('conversation_history' in this.payload) checkConversation(this.payload.conversation_history)
    Object.assign(this, readWindow(this.payload))
    if ('currency' in this.payload) decimalsOf(text(this.payload.currency))
    Object.assign(this, readAmounts(this.payload, this.currency))
    checkExtensions(this.payload.ext)
  }

  readExtensions(ext) {
    need(isObject(ext), 'field_invalid')
    const known = {}
    for (const [name, space] of Object.entries(ext)) {
      if (name === 'vendor_private') known[name] = space
      else if (!(name in NAMESPACES)) this.unknown = true
      else {
        need(isObject(space), 'field_invalid')
        known[name] = pick(space, NAMESPACES[name])
        this.unknown ||= !only(space, NAMESPACES[name])
      }
    }
    return known
  }

  get currency() {
    return this.withheld.has('currency') ? undefined : (this.payload.currency ?? 'CNY')
  }

  get mode() {
    return this.withheld.has('delegation_mode') ? undefined : (this.payload.delegation_mode ?? 'SPECIFIED')
  }

  // member gives a member by its path in the manifest.
  member(path) {
    return path.split('.').reduce((value, name) => value?.[name], this.payload)
  }
}

// readMandate reads a mandate in one of its two forms; nothing is verified.
export async function readMandate(source) {
  need(typeof source === 'string', 'field_invalid')
  return source.includes('~') ? readSelective(source) : readVc(source)
}

function readVc(source) {
  const token = readToken(source, 'vc+jwt')
  const { claims } = token
  has(claims, [...CLAIMS, 'vc'])
  const { vc } = claims
  need(isObject(vc), 'field_invalid')
  has(vc, ['type', 'credentialSubject'])
  checkType(vc.type, 'ACTIntentAuthorization')
  checkProofRef(vc)
  const bounds = new Bounds(vc.credentialSubject)
  const known = only(claims, [...CLAIMS, 'vc', 'status']) && only(vc, ['type', 'credentialSubject', 'control_proof_ref'])
  return finish({ token, claims, bounds, unknown: !known })
}

async function readSelective(source) {
  const shown = await readSdJwt(source)
  need(!shown.misplaced, 'field_invalid')
  const { claims } = shown
  has(claims, [...CLAIMS, 'vct', 'authorization', 'constraints'])
  need(typeof claims.vct === 'string', 'field_invalid')
  need(claims.vct === 'urn:act:vct:intent-authorization', 'type_mismatch')
  checkProofRef(claims)
  const { withheld, strange } = withheldOf(shown)
  has(claims.authorization, ['intent_id'])
  const bounds = new Bounds(claims.authorization, { withheld, partial: shown.partial })
  const known = only(claims, [...CLAIMS, 'vct', 'authorization', 'constraints', 'status', 'control_proof_ref'])
  return finish({ token: shown.token, claims, bounds, unknown: strange || !known, shown })
}

export function checkType(type, name) {
  noNull(type)
  need(Array.isArray(type) && type.every((one) => typeof one === 'string'), 'field_invalid')
  need(type.length === 2 && type[0] === 'VerifiableCredential' && type[1] === name, 'type_mismatch')
}

function checkProofRef(holder) {
  if ('control_proof_ref' in holder) printable(holder.control_proof_ref, 1024)
}

export const numericDate = (value, least = 0) => integer(value, least, LAST_SECOND)

export function readHolder(cnf) {
  closed(cnf, ['jwk'])
  need(isObject(cnf.jwk), 'field_invalid')
  return readJwk(cnf.jwk)
}

// readReference gives the status claim as { uri, index, unknown }.
export function readReference(claims) {
  if (!('status' in claims)) return undefined
  need(isObject(claims.status), 'field_invalid')
  has(claims.status, ['status_list'])
  const { idx, uri } = closed(claims.status.status_list, ['idx', 'uri'])
  const index = integer(idx, 0, 4194303)
  checkUri(text(uri, true))
  return { uri, index, unknown: !only(claims.status, ['status_list']) }
}

function checkUri(uri) {
  need(/^https:\/\/[\x21-\x7e]{1,1016}$/.test(uri) && !uri.includes('#'), 'field_invalid')
  need(!/%(?![0-9A-Fa-f]{2})/.test(uri) && !/^https:\/\/[/?:]/.test(uri), 'field_invalid')
  need(URL.canParse(uri) && !uri.slice(8).split(/[/?]/)[0].includes('@'), 'field_invalid')
}

async function finish(mandate) {
  const { claims, bounds, token } = mandate
  for (const name of ['iss', 'sub', 'aud']) parseDid(text(claims[name], true))
  checkId(text(claims.jti, true))
  mandate.issued = numericDate(claims.iat)
  const [starts, ends] = [numericDate(claims.nbf), numericDate(claims.exp)]
  need(mandate.issued < ends, 'field_invalid')
  mandate.holder = readHolder(claims.cnf)
  mandate.reference = readReference(claims)
  const twins = [
    [claims.sub, bounds.payload.agent_id], [claims.jti, bounds.payload.delegation_id],
    [starts, bounds.start], [ends, bounds.end], [token.signer, claims.iss],
  ]
  need(twins.every(([one, other]) => one === other), 'claims_conflict')
  need(!claims.iss.startsWith('did:key:'), 'key_purpose')
  need(mandate.reference || ends - Math.min(mandate.issued, starts) <= SHORT_LIFE, 'status_unavailable')
  mandate.unknown ||= bounds.unknown || Boolean(mandate.reference?.unknown)
  return mandate
}

export const payloadDigest = (mandate) => digest(mandate.token.payload)

export function windowCodes(bounds, now) {
  if (now < bounds.start) return ['mandate_not_yet_valid']
  return now >= bounds.end ? ['mandate_expired'] : []
}

// verifyMandate checks everything but what may be bought.
export async function verifyMandate(source, { agent, audience, presented, issuers, documents, statuses, network, now }) {
  const mandate = await readMandate(source)
  const { claims, bounds, token, shown } = mandate
  checkPresence(shown, presented)
  const delegator = bounds.payload.delegator_identity ?? ''
  const trusted = issuers.some((pair) => pair.issuer === claims.iss && pair.delegator === delegator)
  need(trusted, 'issuer_untrusted')
  const codes = windowCodes(bounds, now)
  const judge = (condition, code) => condition || codes.push(code)
  judge(claims.sub === agent, 'agent_mismatch')
  judge(claims.aud === audience, 'audience_mismatch')
  judge(mandate.issued <= now + SKEW, 'mandate_not_yet_valid')
  judge(!mandate.unknown, 'constraint_unknown')
  const more = [
    await codeOf(async () => {
      const key = await documents.find(token.keyId, 'issue-authorization', mandate.issued)
      await token.verify(key)
      need((await key.thumbprint()) !== (await mandate.holder.thumbprint()), 'key_purpose')
    }),
    await codeOf(() => presented && verifyBinding(shown, mandate.holder, presented, now)),
    await codeOf(() => judgeState(mandate, statuses, network, now)),
  ]
  const code = first([...codes, ...more])
  if (code) refuse(code)
  return mandate
}

function checkPresence(shown, presented) {
  if (!presented) return need(!shown?.binding, 'field_invalid')
  need(shown, 'type_mismatch')
  need(shown.binding, 'field_missing')
}

async function judgeState({ reference, claims }, statuses, network, now) {
  if (!reference) return
  const state = await statuses.state(reference.uri, reference.index, claims.iss, network, now)
  need(state !== 'Revoked', 'mandate_revoked')
  need(state !== 'Suspended', 'mandate_suspended')
}
