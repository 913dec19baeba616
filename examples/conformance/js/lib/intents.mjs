// The intent of a principal, ISR (SPEC.md 4.1).

import { canonical, closed, digest, has, isObject, noNull, only, parseObject } from './json.mjs'
import { need } from './refusal.mjs'
import { checkConversation, checkExtensions, checkMembers, NAMESPACES, readAmounts, readWindow, text } from './terms.mjs'
import { decimalsOf } from './values.mjs'

const FINAL = [
  'conversation_history', 'intent_id', 'delegation_mode', 'validity_start_time', 'validity_end_time',
  'max_total_amount', 'currency', 'agent_id', 'user_confirmation_method', 'user_confirmation_timestamp',
]
const MEMBERS = [...FINAL, 'allowed_payment_methods', 'ext']

export function readIsr(source, final) {
  const isr = parseObject(source)
  noNull(isr)
  need(only(isr, MEMBERS), 'field_unknown')
  const ext = isr.ext ?? {}
  need(isObject(ext), 'field_invalid')
  need(only(ext, [...Object.keys(NAMESPACES), 'vendor_private']), 'field_unknown')
  for (const [name, members] of Object.entries(NAMESPACES)) closed(ext[name] ?? {}, [], members)
  if (final) has(isr, FINAL)
  checkMembers(isr, FINAL)
  if ('conversation_history' in isr) checkConversation(isr.conversation_history)
  readWindow(isr)
  if ('currency' in isr) decimalsOf(text(isr.currency, true))
  readAmounts(isr, isr.currency)
  checkExtensions(ext)
  if (final) checkBoundary(isr, ext.commerce ?? {})
  return isr
}

// checkBoundary asks for a main boundary besides the total.
function checkBoundary(isr, commerce) {
  const bounded = 'allowed_payment_methods' in isr || 'allowed_merchants' in commerce || 'allowed_categories' in commerce
  need(bounded, 'field_missing')
  need(isr.delegation_mode !== 'SPECIFIED' || 'allowed_merchants' in commerce, 'field_missing')
}

export const isrDigest = (isr) => digest(canonical(isr))
