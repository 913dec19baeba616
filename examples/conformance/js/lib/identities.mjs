// Agent identity credentials, possession and bindings (SPEC.md 9.1).

import { parseDid } from './dids.mjs'
import { closed, digest } from './json.mjs'
import { readToken } from './keys.mjs'
import { checkType, numericDate, readHolder, readReference } from './mandates.mjs'
import { need } from './refusal.mjs'
import { hasHash, list, text } from './terms.mjs'
import { checkId } from './values.mjs'

const SKEW = 60
const AGE = 300
const SHORT_LIFE = 900

const date = (value) => numericDate(value, 1)
const id = (value) => checkId(text(value, true))
const dids = (...values) => values.forEach((value) => parseDid(text(value, true)))

function checkIssuer(token, claims) {
  need(token.signer === claims.iss, 'claims_conflict')
  need(!claims.iss.startsWith('did:key:'), 'key_purpose')
}

function readSubject(value) {
  const subject = closed(value, ['agent_id', 'provider', 'agent_type'], ['principal', 'capabilities'])
  dids(subject.agent_id, subject.provider)
  const { agent_type: type, principal, capabilities } = subject
  need(['PLATFORM', 'DEDICATED'].includes(text(type, true)), 'field_invalid')
  if (type === 'PLATFORM') need(principal === undefined, 'field_invalid')
  else {
    need(principal !== undefined, 'field_missing')
    id(principal)
    need(!/^did:(act|web):/.test(principal), 'field_invalid')
  }
  if (capabilities !== undefined) {
    list(capabilities, checkId)
    need(capabilities.length <= 64, 'too_large')
    need(new Set(capabilities).size === capabilities.length, 'field_invalid')
  }
  return subject
}

function readCredential(source) {
  const token = readToken(source, 'act-identity+jwt')
  const claims = closed(token.claims, ['iss', 'sub', 'jti', 'iat', 'nbf', 'exp', 'cnf', 'vc'], ['status'])
  dids(claims.iss, claims.sub)
  id(claims.jti)
  const [issued, start, end] = [claims.iat, claims.nbf, claims.exp].map(date)
  need(issued < end && start < end, 'field_invalid')
  const key = readHolder(claims.cnf)
  const reference = readReference(claims)
  need(!reference?.unknown, 'field_unknown')
  const vc = closed(claims.vc, ['type', 'credentialSubject'])
  checkType(vc.type, 'ACTAgentIdentity')
  const subject = readSubject(vc.credentialSubject)
  need(claims.sub === subject.agent_id, 'claims_conflict')
  checkIssuer(token, claims)
  need(reference || end - Math.min(issued, start) <= SHORT_LIFE, 'status_unavailable')
  return { token, claims, issued, start, end, key, reference, subject }
}

const trusts = (identities, issuer, provider) =>
  identities.some((pair) => pair.issuer === issuer && pair.provider === provider)

async function checkPossession(given, credential, now) {
  const token = readToken(given.possession, 'act-possession+jwt')
  const claims = closed(token.claims, ['iss', 'aud', 'nonce', 'iat', 'credential_digest'])
  dids(claims.iss, claims.aud)
  need(/^[A-Za-z0-9_-]{22}$/.test(text(claims.nonce, true)), 'field_invalid')
  hasHash(claims.credential_digest)
  const issued = date(claims.iat)
  need(token.signer === claims.iss, 'claims_conflict')
  await token.verify(credential.key)
  need(claims.iss === given.agent && claims.credential_digest === digest(credential.token.payload), 'agent_mismatch')
  need(claims.aud === given.verifier, 'audience_mismatch')
  need(issued >= now - AGE && issued <= now + SKEW, 'request_expired')
  need(claims.nonce === given.challenge, 'replayed')
}

// verifyCredential verifies a credential with an answer to a challenge.
export async function verifyCredential(given, documents, statuses, now) {
  const credential = readCredential(given.credential)
  const { token, claims, subject, issued, start, end, key, reference } = credential
  need(trusts(given.identities, claims.iss, subject.provider), 'issuer_untrusted')
  const issuing = await documents.find(token.keyId, 'issue-identity', issued)
  await token.verify(issuing)
  credential.thumbprint = await key.thumbprint()
  need((await issuing.thumbprint()) !== credential.thumbprint, 'key_purpose')
  need(claims.sub === given.agent, 'agent_mismatch')
  await checkPossession(given, credential, now)
  need((given.capabilities ?? []).every((name) => subject.capabilities?.includes(name)), 'policy_refused')
  need(issued <= now + SKEW && start <= now && now < end, 'key_not_valid')
  if (reference) {
    const state = await statuses.state(reference.uri, reference.index, claims.iss, given.status, now)
    need(state === 'Active', 'key_not_valid')
  }
  need(!given.shown_before, 'replayed')
  return credential
}

// verifyPrincipal verifies a binding with a credential that was verified.
export async function verifyPrincipal(given, credential, documents, now) {
  const token = readToken(given.binding, 'act-principal-binding+jwt')
  const claims = closed(token.claims, ['iss', 'sub', 'aud', 'jti', 'iat', 'exp', 'principal', 'cnf'])
  dids(claims.iss, claims.sub, claims.aud)
  id(claims.jti)
  id(claims.principal)
  const [issued, end] = [claims.iat, claims.exp].map(date)
  need(issued < end && end <= issued + SHORT_LIFE, 'field_invalid')
  const { jkt } = closed(claims.cnf, ['jkt'])
  need(/^[A-Za-z0-9_-]{43}$/.test(text(jkt, true)), 'field_invalid')
  checkIssuer(token, claims)
  const { provider, agent_type: type } = credential.subject
  const speaks = [provider, credential.claims.iss].includes(claims.iss) && trusts(given.identities, claims.iss, provider)
  need(speaks, 'issuer_untrusted')
  const issuing = await documents.find(token.keyId, 'issue-identity', issued)
  await token.verify(issuing)
  need(![credential.thumbprint, jkt].includes(await issuing.thumbprint()), 'key_purpose')
  need(claims.sub === given.agent && jkt === credential.thumbprint, 'agent_mismatch')
  need(type === 'PLATFORM' && claims.principal === given.principal, 'principal_mismatch')
  need(claims.aud === given.audience, 'audience_mismatch')
  need(issued <= now + SKEW && now < end, 'request_expired')
  return claims
}
