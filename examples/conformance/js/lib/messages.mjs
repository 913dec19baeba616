// Signed messages of commerce and payment (SPEC.md 2.3, 5, 6): who signs which,
// with which key, and what a recipient judges.

import { canonical, without } from './json.mjs'
import { readMessage, verifyMessage } from './keys.mjs'
import { parseKeyId } from './dids.mjs'
import { form, matching } from './forms.mjs'
import { need } from './refusal.mjs'
import { timeParse } from './values.mjs'

const any = () => {}
const AGE = 300
const SKEW = 60

// ENVELOPE is what every signed message has; readMessage judged it.
const ENVELOPE = { signer_id: any, signature_type: any, signature_covered_fields: any, signature: matching(/./) }

// read judges the form of a message: the signature's members, then its own.
export function read(source, members, rules = any) {
  const message = readMessage(source)
  form(message, { ...members, ...ENVELOPE })
  rules(message)
  return message
}

// verifySender checks key and signature; sender is the member that names them.
export async function verifySender(message, kind, sender, purpose, documents, now) {
  need(parseKeyId(message.signer_id).did === message[sender], 'claims_conflict')
  await verifyMessage(message, kind, purpose, documents, now)
}

export function checkAge(message, now, member = 'timestamp') {
  const { seconds, nanos } = timeParse(message[member])
  const late = seconds + nanos / 1e9
  need(late >= now - AGE && late <= now + SKEW, 'request_expired')
}

// receive is what a recipient does: form, key and signature, recipient and
// time, nonce (5.5, 5.6, 6.1).
export async function receive(kind, { members, rules, sender, recipient, purpose = 'agent-request' }, given, documents, now) {
  const message = read(given.message, members, rules)
  await verifySender(message, kind, sender, purpose, documents, now)
  need(message[recipient] === given.recipient, 'audience_mismatch')
  checkAge(message, now)
  need(!given.received_before, 'replayed')
  return message
}

// NOT_CONTENT are the members that make no difference to what is asked.
const NOT_CONTENT = {
  'payment-request': ['nonce', 'timestamp', 'subaccount_authorization', 'signature'],
  'binding-request': ['nonce', 'timestamp', 'subaccount_key_proof', 'signature'],
}

// content is the text by which two messages are the same (5.4, 6.1, 6.11).
export function content(kind, source) {
  const message = without(readMessage(source), ...(NOT_CONTENT[kind] ?? ['nonce', 'timestamp', 'signature']))
  if (kind === 'payment-request' && message.iac?.includes('~')) message.iac = message.iac.split('~')[0]
  return canonical(message)
}
