// The operations of conformance/operations/add.md.

import { decide } from '../lib/bounds.mjs'
import { Documents } from '../lib/dids.mjs'
import { verifyCredential, verifyPrincipal } from '../lib/identities.mjs'
import { isrDigest, readIsr } from '../lib/intents.mjs'
import { issue } from '../lib/issuing.mjs'
import { decode64, parseObject } from '../lib/json.mjs'
import { Book } from '../lib/lifecycle.mjs'
import { Bounds, payloadDigest, readMandate, verifyMandate } from '../lib/mandates.mjs'
import { StatusReader } from '../lib/statuslists.mjs'
import { checkContext } from '../lib/terms.mjs'
import { amountText, timeParse } from '../lib/values.mjs'

function world(given) {
  const documents = new Documents(given.documents)
  return { documents, statuses: new StatusReader(documents, given.status_providers) }
}

async function mandateVerify(now, given) {
  const mandate = await verifyMandate(given.mandate, { ...given, ...world(given), network: given.status ?? {}, now })
  const { claims, bounds } = mandate
  const output = {
    issuer: claims.iss,
    delegation_id: claims.jti,
    agent_id: claims.sub,
    audience: claims.aud,
    payload_digest: payloadDigest(mandate),
    delegator_identity: bounds.payload.delegator_identity,
    delegation_mode: bounds.mode,
    currency: bounds.currency,
  }
  if (bounds.total !== undefined) output.max_total_amount = amountText(bounds.total, bounds.currency)
  const withheld = [...new Set([...bounds.withheld, ...bounds.partial])].sort()
  if (withheld.length) output.withheld = withheld
  return output
}

export const delegation = {
  'intent.check'(now, { isr: source, final, context }) {
    const isr = readIsr(source, final)
    if (context !== undefined && isr.conversation_history) checkContext(isr.conversation_history, decode64(context))
    return { digest: isrDigest(isr) }
  },
  'mandate.issue': async (now, given) => ({ mandate: await issue(given, now) }),
  'mandate.verify': mandateVerify,
  'mandate.present_verify': mandateVerify,
  async 'mandate.decide'(now, given) {
    if ('authorization' in given) {
      const bounds = new Bounds(parseObject(given.authorization))
      return decide(bounds, bounds.unknown, given, now)
    }
    const { bounds, unknown } = await readMandate(given.mandate)
    return decide(bounds, unknown, given, now)
  },
  'mandate.transition'(now, given) {
    const at = (time) => timeParse(time, { utc: true }).seconds
    const book = new Book(at(given.validity_start_time), at(given.validity_end_time))
    for (const step of given.steps) book.carryOut(step.command, step.actor, at(step.at))
    return { state: book.state(now), status: book.status() }
  },
  async 'status.read'(now, given) {
    const { documents } = world(given)
    const statuses = new StatusReader(documents, given.status_providers, given.grace_seconds)
    for (const { at, status } of given.earlier ?? []) {
      await statuses.state(given.uri, given.idx, given.issuer, status, timeParse(at).seconds)
    }
    return { status: await statuses.state(given.uri, given.idx, given.issuer, given.status, now) }
  },
  async 'identity.verify'(now, given) {
    const { documents, statuses } = world(given)
    const { subject, thumbprint } = await verifyCredential(given, documents, statuses, now)
    const { agent_id, provider, agent_type, principal } = subject
    return { agent_id, provider, agent_type, principal, thumbprint }
  },
  async 'binding.verify'(now, given) {
    const { documents, statuses } = world(given)
    const credential = await verifyCredential(given, documents, statuses, now)
    const { sub, principal } = await verifyPrincipal(given, credential, documents, now)
    return { agent_id: sub, principal }
  },
}
