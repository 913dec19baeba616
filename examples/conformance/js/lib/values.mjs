// Amounts, times and identifiers (SPEC.md 1.5 to 1.7).

import currencies from 'currency-codes'
import { decimal, JsonNumber } from './json.mjs'
import { need } from './refusal.mjs'

// The package has the list of 2024 with funds, metals and the like; SPEC.md
// 1.5 has that of 2026 without them.
const ADDED = ['XAD', 'XCG']
const LEFT_OUT = `
ANG BGN CUC BOV CHE CHW CLF COU MXV USN UYI
XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX`.trim().split(/\s+/)

const MOST_MINOR = 2n ** 63n - 1n

export function decimalsOf(currency) {
  need(typeof currency === 'string' && /^[A-Z]{3}$/.test(currency), 'field_invalid')
  if (ADDED.includes(currency)) return 2
  const found = currencies.code(currency)
  need(found && !LEFT_OUT.includes(currency), 'field_invalid')
  return found.digits
}

// amountFromText reads the decimal string of a message, as minor units.
export function amountFromText(amount, currency) {
  const decimals = decimalsOf(currency)
  need(typeof amount === 'string', 'field_invalid')
  const form = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(amount)
  need(form && (form[2] ?? '').length <= decimals, 'field_invalid')
  const minor = BigInt(form[1] + (form[2] ?? '').padEnd(decimals, '0'))
  need(minor <= MOST_MINOR, 'field_invalid')
  return minor
}

// amountFromNumber reads the number of an intent or mandate from its literal.
// A currency that was withheld has two decimals.
export function amountFromNumber(number, currency) {
  const decimals = currency === undefined ? 2 : decimalsOf(currency)
  need(number instanceof JsonNumber, 'field_invalid')
  const { digits, exponent } = decimal(number.literal)
  need(digits >= 0n && -exponent <= Math.min(2, decimals) && exponent < 30, 'field_invalid')
  const minor = digits * 10n ** BigInt(exponent + decimals)
  need(minor <= MOST_MINOR, 'field_invalid')
  return minor
}

export function amountText(minor, currency) {
  const decimals = currency === undefined ? 2 : decimalsOf(currency)
  const digits = String(minor).padStart(decimals + 1, '0')
  return decimals ? `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}` : digits
}

const TIME =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/

// timeParse reads RFC 3339 as { seconds, nanos } since 1970.
export function timeParse(text, { utc = false } = {}) {
  need(typeof text === 'string', 'field_invalid')
  const form = TIME.exec(text)
  need(form, 'field_invalid')
  const [year, month, day, hour, minute, second] = form.slice(1, 7).map(Number)
  need(hour < 24 && minute < 60 && second < 60, 'field_invalid')
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  need(date.getUTCMonth() === month - 1 && date.getUTCDate() === day, 'field_invalid')
  if (utc) need(text.endsWith('Z') && form[7] === undefined, 'field_invalid')
  let offset = 0
  if (form[8]) {
    need(Number(form[9]) < 24 && Number(form[10]) < 60, 'field_invalid')
    offset = (Number(form[9]) * 60 + Number(form[10])) * (form[8] === '+' ? 60 : -60)
  }
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset
  return { seconds, nanos: Number((form[7] ?? '').padEnd(9, '0')) }
}

export const timeText = (seconds) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

// later compares two times.
export const later = (one, other) =>
  one.seconds > other.seconds || (one.seconds === other.seconds && one.nanos > other.nanos)

export function checkId(text) {
  need(typeof text === 'string' && /^[\x21-\x7e]{1,256}$/.test(text), 'field_invalid')
  return text
}
