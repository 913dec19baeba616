// Forms of the messages of SPEC.md 5 and 6: objects whose members are judged
// one by one, and what their members may be.

import { parseDid } from './dids.mjs'
import { checkDigest, closed, decode64, isObject } from './json.mjs'
import { need } from './refusal.mjs'
import { integer, text } from './terms.mjs'
import { amountFromText, checkId, decimalsOf, timeParse } from './values.mjs'

// form judges a closed object by a check for each member; names of optional
// members end in "?". An empty string is a missing member (1.1).
export function form(value, members) {
  const names = Object.keys(members)
  const required = names.filter((name) => !name.endsWith('?'))
  const optional = names.filter((name) => name.endsWith('?')).map((name) => name.slice(0, -1))
  closed(value, required, optional)
  need(!Object.values(value).includes(''), 'field_missing')
  for (const name of names) {
    const plain = name.replace('?', '')
    if (plain in value) members[name](value[plain])
  }
  return value
}

export const did = (value) => parseDid(text(value, true))
export const id = (value) => checkId(text(value, true))
export const time = (value) => timeParse(text(value, true))
export const nonce = (value) => need(decode64(text(value, true), 'field_invalid').length === 16, 'field_invalid')
export const currency = (value) => decimalsOf(text(value, true))
export const amount = (value) => need(/^(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(text(value, true)), 'field_invalid')
export const sha256Digest = (value) => checkDigest(text(value, true))
export const count = (least, most) => (value) => integer(value, least, most)
export const word = (...words) => (value) => need(words.includes(text(value, true)), 'field_invalid')
export const matching = (pattern) => (value) => need(pattern.test(text(value, true)), 'field_invalid')
export const boolean = (value) => need(typeof value === 'boolean', 'field_invalid')
export const any = () => {}
export const object = (members) => (value) => form(value, members)
export const someObject = (value) => need(isObject(value), 'field_invalid')

export const METHOD_NAME = '[a-z0-9][a-z0-9._-]{0,127}'
export const method = matching(new RegExp(`^urn:act:payment:${METHOD_NAME}$`))

// address is where something is delivered (5.2): text in lines.
export function address(value) {
  need(Buffer.byteLength(text(value, true)) <= 2048, 'field_invalid')
  need(!/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(value.replaceAll('\n', '')), 'field_invalid')
}

// label is text for people (5.1): no control characters, none that reorder or break lines.
export function label(value) {
  text(value, true)
  need([...value].length <= 256, 'field_invalid')
  need(!/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(value), 'field_invalid')
}

export function category(value) {
  label(value)
  for (const segment of value.split('/')) need(/^\P{White_Space}(.*\P{White_Space})?$/su.test(segment), 'field_invalid')
}

// webUrl is an address that people or programs may be sent to (5.1).
export function webUrl(value) {
  const parts = /^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[^\[\]@:/?#%]+)(?::[0-9]*)?(\/[^?#]*)?(?:\?[^#]*)?$/i.exec(text(value, true))
  need(parts && value.length <= 2048 && /^[\x21-\x7e]+$/.test(value), 'field_invalid')
  need(!/%(?![0-9A-Fa-f]{2})/.test(parts[1] ?? ''), 'field_invalid')
}

// listOf judges every entry. An empty list is missing where one is needed.
export function listOf(check, { least = 1, most = Infinity, required = true, unique } = {}) {
  return (value) => {
    need(Array.isArray(value), 'field_invalid')
    if (value.length === 0 && least > 0) need(false, required ? 'field_missing' : 'field_invalid')
    need(value.length <= most, 'field_invalid')
    value.forEach((entry) => {
      need(entry !== '', 'field_missing')
      check(entry)
    })
    if (unique) need(new Set(value.map(unique)).size === value.length, 'field_invalid')
  }
}

export const itself = (value) => value

// plainUrl is an address in the one spelling of 5.6.
export function plainUrl(value) {
  text(value, true)
  need(value.length <= 2048, 'field_invalid')
  const parts = /^https:\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?((?:\/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*)$/.exec(value)
  need(parts, 'field_invalid')
  const [, host, port, path] = parts
  need(!/^\.|\.$|\.\./.test(host) && port !== '443', 'field_invalid')
  need(!path.split('/').slice(1).some((segment) => /^\.+$/.test(segment)), 'field_invalid')
}

// minor reads an amount beside its currency; least 1 is "more than zero".
export function minor(value, code, least = 0n) {
  const units = amountFromText(value, code)
  need(units >= least, 'field_invalid')
  return units
}
