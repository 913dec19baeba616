// An issuer's mandate of a final intent (SPEC.md 4.2).

import { CompactSign, importJWK } from 'jose'
import { canonical, isObject } from './json.mjs'
import { isrDigest, readIsr } from './intents.mjs'
import { readMandate } from './mandates.mjs'
import { need, Unsupported } from './refusal.mjs'
import { timeParse } from './values.mjs'

const filled = (value) => isObject(value) && Object.keys(value).length > 0

function payloadOf(isr, delegationId, delegator) {
  const { conversation_history: _, ext, ...payload } = isr
  if (ext) {
    const { fulfillment, ...spaces } = ext
    const { delivery_address: __, ...delivery } = fulfillment ?? {}
    if (filled(delivery)) spaces.fulfillment = delivery
    if (filled(spaces)) payload.ext = spaces
  }
  return { ...payload, delegation_id: delegationId, delegator_identity: delegator, source_isr_digest: isrDigest(isr) }
}

export async function issue(given, now) {
  const isr = readIsr(given.isr, true)
  need(given.purpose === 'issue-authorization', 'key_purpose')
  const { d, ...publicJwk } = given.key
  if (publicJwk.crv !== 'Ed25519') throw new Unsupported('ES256 signatures are not the same twice')
  const claims = {
    iss: given.key_id.split('#')[0],
    sub: isr.agent_id,
    aud: given.audience,
    jti: given.delegation_id,
    iat: now,
    nbf: timeParse(isr.validity_start_time).seconds,
    exp: timeParse(isr.validity_end_time).seconds,
    cnf: { jwk: given.holder },
    vc: {
      type: ['VerifiableCredential', 'ACTIntentAuthorization'],
      credentialSubject: payloadOf(isr, given.delegation_id, given.delegator),
    },
  }
  if ('status' in given) claims.status = given.status
  if ('control_proof_ref' in given) claims.vc.control_proof_ref = given.control_proof_ref
  // jose writes the header in the order of its members, which is canonical here.
  const token = await new CompactSign(Buffer.from(canonical(claims)))
    .setProtectedHeader({ alg: 'EdDSA', kid: given.key_id, typ: 'vc+jwt' })
    .sign(await importJWK({ ...publicJwk, d }, 'EdDSA'))
  // Nothing leaves that a reader would refuse.
  const mandate = await readMandate(token)
  need(!mandate.unknown, 'constraint_unknown')
  need(mandate.holder.jwk.x !== publicJwk.x, 'key_purpose')
  return token
}
