// Strict JSON, canonical form, digests and base64url (SPEC.md 1.1 to 1.4).
//
// JSON.parse takes duplicate members and forgets how a number was written, so
// the reader here is our own. The canonical form is the package canonicalize.

import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { need, refuse } from './refusal.mjs'

export const MAX_BYTES = 65536
const MAX_DEPTH = 32

// JsonNumber keeps the literal: 3 is not 3.0, and no digit is lost.
export class JsonNumber {
  constructor(literal) {
    this.literal = literal
  }

  get isInteger() {
    return /^-?[0-9]+$/.test(this.literal)
  }

  toJSON() {
    return Number(this.literal)
  }
}

// decimal is the exact value of a literal, digits times ten to the exponent.
export function decimal(literal) {
  const [, sign, whole, fraction = '', power = '0'] =
    /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(literal)
  let digits = (whole + fraction).replace(/^0+/, '')
  let exponent = Number(power) - fraction.length
  const trimmed = digits.replace(/0+$/, '')
  exponent += digits.length - trimmed.length
  digits = trimmed
  if (digits === '') return { digits: 0n, exponent: 0 }
  return { digits: BigInt(sign + digits), exponent }
}

class Reader {
  constructor(text) {
    this.text = text
    this.at = 0
  }

  fail() {
    refuse('malformed')
  }

  space() {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at++
  }

  take(pattern) {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (!found) this.fail()
    this.at = pattern.lastIndex
    return found[0]
  }

  value(depth) {
    this.space()
    const mark = this.text[this.at]
    if (mark === '{' || mark === '[') {
      need(depth < MAX_DEPTH, 'too_large')
      return mark === '{' ? this.object(depth + 1) : this.array(depth + 1)
    }
    if (mark === '"') return this.string()
    if (mark === '-' || (mark >= '0' && mark <= '9')) return this.number()
    const word = this.take(/true|false|null/y)
    return word === 'null' ? null : word === 'true'
  }

  members(close, read) {
    this.at++
    this.space()
    if (this.text[this.at] === close) {
      this.at++
      return
    }
    for (;;) {
      read()
      this.space()
      const mark = this.text[this.at++]
      if (mark === close) return
      if (mark !== ',') this.fail()
    }
  }

  object(depth) {
    const value = Object.create(null)
    this.members('}', () => {
      this.space()
      const name = this.string()
      if (name in value) this.fail()
      this.space()
      if (this.text[this.at++] !== ':') this.fail()
      value[name] = this.value(depth)
    })
    return value
  }

  array(depth) {
    const value = []
    this.members(']', () => value.push(this.value(depth)))
    return value
  }

  string() {
    const literal = this.take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y)
    const value = JSON.parse(literal)
    if (!value.isWellFormed()) this.fail()
    return value
  }

  number() {
    const literal = this.take(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y)
    need(literal.length <= 100 && Number.isFinite(Number(literal)), 'malformed')
    const written = decimal(literal)
    const kept = decimal(String(Number(literal)))
    need(written.digits === kept.digits && written.exponent === kept.exponent, 'malformed')
    return new JsonNumber(literal)
  }
}

// parseNumber reads a literal by itself; what is no number is field_invalid.
export function parseNumber(literal) {
  need(/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(literal), 'field_invalid')
  try {
    return parse(literal)
  } catch {
    refuse('field_invalid')
  }
}

// parse reads one JSON text, a string or bytes.
export function parse(data) {
  if (typeof data === 'string') need(data.isWellFormed(), 'malformed')
  const bytes = Buffer.from(data)
  need(bytes.length <= MAX_BYTES, 'too_large')
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    refuse('malformed')
  }
  const reader = new Reader(text)
  const value = reader.value(0)
  reader.space()
  if (reader.at !== text.length) refuse('malformed')
  return value
}

export const isObject = (value) =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof JsonNumber)

export function parseObject(data) {
  const value = parse(data)
  need(isObject(value), 'field_invalid')
  return value
}

export const canonical = (value) => canonicalize(value)
export const sha256 = (data) => createHash('sha256').update(data).digest()
export const digest = (data) => 'sha-256:' + sha256(data).toString('base64url')

// checkDigest is for comparing only: a digest is never decoded.
export function checkDigest(text) {
  need(typeof text === 'string', 'field_invalid')
  if (text.startsWith('sm3:')) refuse('algorithm_refused')
  need(/^sha-256:[A-Za-z0-9_-]{43}$/.test(text), 'field_invalid')
  return text
}

export const encode64 = (data) => Buffer.from(data).toString('base64url')

// decode64 is strict; Buffer by itself forgives nearly everything.
export function decode64(text, code = 'malformed') {
  need(typeof text === 'string', code)
  const data = Buffer.from(text, 'base64url')
  need(data.toString('base64url') === text, code)
  return data
}

// noNull refuses null wherever it stands.
export function noNull(value) {
  need(value !== null, 'field_invalid')
  if (Array.isArray(value)) value.forEach(noNull)
  else if (isObject(value)) Object.values(value).forEach(noNull)
}

// closed checks the names of an object: none missing, none unknown.
export function closed(value, required, optional = []) {
  need(isObject(value), 'field_invalid')
  noNull(value)
  has(value, required)
  need(Object.keys(value).every((name) => required.includes(name) || optional.includes(name)), 'field_unknown')
  return value
}

export function has(value, names) {
  need(names.every((name) => name in value), 'field_missing')
}

export const only = (value, names) => Object.keys(value).every((name) => names.includes(name))

export function without(value, ...names) {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))
}
