// Identifiers, ids of keys, and documents (SPEC.md 3.1 to 3.3).

import { canonical, isObject, MAX_BYTES, noNull, parseObject } from './json.mjs'
import { ed25519Key, p256Compressed, readEncryptionJwk, readJwk } from './keys.mjs'
import { codeOf, need, refuse } from './refusal.mjs'
import { later, timeParse } from './values.mjs'

const PURPOSES = [
  'issue-authorization', 'issue-identity', 'agent-request', 'status', 'sub-account', 'seller',
  'proof', 'attestation', 'anchor', 'credit', 'encryption',
]
const MOST_ENTRIES = 32
const MOST_LENGTH = 384
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

function domain(text) {
  const [host, port, ...rest] = text.split('%3A')
  const labels = host.split('.')
  need(rest.length === 0 && host.length <= 253, 'field_invalid')
  need(labels.every((label) => LABEL.test(label)) && /^[a-z]/.test(labels.at(-1)), 'field_invalid')
  if (port === undefined) return host
  need(/^[1-9][0-9]{0,4}$/.test(port) && Number(port) < 65536, 'field_invalid')
  return `${host}:${port}`
}

const notDots = (text) => text !== '.' && text !== '..'

// parseDid gives { method, url }; a did:key has no url.
export function parseDid(did) {
  need(typeof did === 'string', 'field_invalid')
  need(did !== '', 'field_missing')
  need(did.length <= MOST_LENGTH, 'field_invalid')
  if (did.startsWith('did:act:')) {
    const [host, name, ...rest] = did.slice(8).split('/')
    need(rest.length === 0 && name !== undefined, 'field_invalid')
    need(/^[a-z0-9._-]{1,64}$/.test(name) && notDots(name), 'field_invalid')
    return { method: 'act', url: `https://${domain(host)}/.well-known/act/${name}/did.json` }
  }
  if (did.startsWith('did:web:')) {
    const [host, ...segments] = did.slice(8).split(':')
    need(segments.every((segment) => /^[A-Za-z0-9._-]+$/.test(segment) && notDots(segment)), 'field_invalid')
    const path = segments.length ? segments.join('/') : '.well-known'
    return { method: 'web', url: `https://${domain(host)}/${path}/did.json` }
  }
  if (did.startsWith('did:key:')) {
    keyOfDid(did)
    return { method: 'key' }
  }
  refuse('field_invalid')
}

function keyOfDid(did) {
  const text = did.slice(9)
  need(did[8] === 'z' && text.length < 128, 'field_invalid')
  let number = 0n
  for (const character of text) {
    const digit = BASE58.indexOf(character)
    need(digit >= 0, 'field_invalid')
    number = number * 58n + BigInt(digit)
  }
  let hex = number === 0n ? '' : number.toString(16)
  if (hex.length % 2) hex = '0' + hex
  const zeros = text.length - text.replace(/^1+/, '').length
  const data = Buffer.concat([Buffer.alloc(zeros), Buffer.from(hex, 'hex')])
  if (data[0] === 0xed && data[1] === 0x01) return ed25519Key(data.subarray(2))
  if (data[0] === 0x80 && data[1] === 0x24) return p256Compressed(data.subarray(2))
  refuse('field_invalid')
}

// parseKeyId gives { did, fragment }.
export function parseKeyId(keyId) {
  need(typeof keyId === 'string', 'field_invalid')
  need(keyId !== '', 'field_missing')
  const at = keyId.indexOf('#')
  const did = keyId.slice(0, at)
  const fragment = keyId.slice(at + 1)
  need(at > 0 && /^[A-Za-z0-9._:-]{1,96}$/.test(fragment), 'field_invalid')
  parseDid(did)
  return { did, fragment }
}

function goodAt(entry, seconds) {
  const moment = { seconds, nanos: 0 }
  if (entry.compromised) return false
  if (entry.from && later(entry.from, moment)) return false
  return !entry.until || later(entry.until, moment)
}

// readDocument gives the entries whose keys verify, compromised ones marked.
export async function readDocument(did, text) {
  const document = parseObject(text)
  noNull(document)
  need('id' in document, 'field_missing')
  parseDid(document.id)
  need(!document.id.startsWith('did:key:'), 'field_invalid')
  need(document.id === did, 'claims_conflict')
  const methods = document.verificationMethod ?? []
  need(Array.isArray(methods), 'field_invalid')
  need(methods.length <= MOST_ENTRIES, 'too_large')
  const ids = new Set()
  const purposes = new Map()
  const entries = []
  for (const method of methods) {
    need(isObject(method), 'field_invalid')
    if (!('actPurpose' in method)) continue
    const entry = await readEntry(did, method)
    need(!ids.has(entry.id), 'field_invalid')
    ids.add(entry.id)
    if (!entry.key) continue
    need((purposes.get(entry.thumbprint) ?? entry.purpose) === entry.purpose, 'field_invalid')
    purposes.set(entry.thumbprint, entry.purpose)
    if (entry.purpose !== 'encryption') entries.push(entry)
  }
  const spoiled = entries.filter((entry) => entry.compromised).map((entry) => entry.thumbprint)
  for (const entry of entries) entry.compromised = spoiled.includes(entry.thumbprint)
  return entries
}

async function readEntry(did, method) {
  for (const name of ['id', 'type', 'controller', 'publicKeyJwk']) need(name in method, 'field_missing')
  need(parseKeyId(method.id).did === did && method.controller === did, 'field_invalid')
  need(['JsonWebKey', 'JsonWebKey2020'].includes(method.type), 'field_invalid')
  need(PURPOSES.includes(method.actPurpose), 'field_invalid')
  const from = 'actValidFrom' in method ? timeParse(method.actValidFrom) : undefined
  const until = 'actValidUntil' in method ? timeParse(method.actValidUntil) : undefined
  need(!from || !until || later(until, from), 'field_invalid')
  const compromised = method.actCompromised ?? false
  need(typeof compromised === 'boolean', 'field_invalid')
  need(isObject(method.publicKeyJwk), 'field_invalid')
  const read = method.actPurpose === 'encryption' ? readEncryptionJwk : readJwk
  const key = read(method.publicKeyJwk)
  const thumbprint = await key?.thumbprint()
  return { id: method.id, purpose: method.actPurpose, key, thumbprint, from, until, compromised }
}

// Documents is what a resolver would find: the documents of an input.
export class Documents {
  constructor(documents = {}) {
    this.documents = documents
    this.known = new Map()
  }

  async entries(did) {
    if (parseDid(did).method === 'key') {
      const key = keyOfDid(did)
      const thumbprint = await key.thumbprint()
      return [{ id: `${did}#${did.slice(8)}`, purpose: 'agent-request', key, thumbprint, compromised: false }]
    }
    need(Object.hasOwn(this.documents, did), 'key_unavailable')
    if (!this.known.has(did)) {
      const found = this.documents[did]
      const text = typeof found === 'string' ? found : canonical(found)
      let entries
      const wrong = await codeOf(async () => {
        need(Buffer.byteLength(text) <= MAX_BYTES, 'too_large')
        entries = await readDocument(did, text)
      })
      this.known.set(did, wrong ? undefined : entries)
    }
    need(this.known.get(did), 'key_unavailable')
    return this.known.get(did)
  }

  // find gives the key for what was signed at that second.
  async find(keyId, purpose, at) {
    const { did } = parseKeyId(keyId)
    const entry = (await this.entries(did)).find((one) => one.id === keyId)
    need(entry, 'key_unknown')
    need(entry.purpose === purpose, 'key_purpose')
    need(goodAt(entry, at), 'key_not_valid')
    return entry.key
  }
}
