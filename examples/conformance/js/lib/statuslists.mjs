// The state of a mandate in a Token Status List (SPEC.md 4.3).

import { inflateSync } from 'node:zlib'
import { closed, decode64 } from './json.mjs'
import { verifyToken } from './keys.mjs'
import { codeOf, need, refuse } from './refusal.mjs'
import { integer } from './terms.mjs'

const STATES = ['Active', 'Revoked', 'Suspended']
const MOST_BYTES = 4194304 / 4
const SKEW = 60

function inflate(data) {
  try {
    const { buffer, engine } = inflateSync(data, { maxOutputLength: MOST_BYTES, info: true })
    need(engine.bytesWritten === data.length, 'malformed')
    return buffer
  } catch {
    refuse('malformed')
  }
}

async function readList(token, uri, signer, documents, now) {
  const read = await verifyToken(token, 'statuslist+jwt', 'status', documents, now)
  const claims = closed(read.claims, ['iss', 'sub', 'iat', 'exp', 'ttl', 'status_list'])
  need(claims.iss === signer && read.signer === signer, 'issuer_untrusted')
  need(claims.sub === uri, 'claims_conflict')
  const issued = integer(claims.iat)
  const expires = integer(claims.exp)
  integer(claims.ttl, 1)
  need(issued < expires && issued <= now + SKEW && now < expires, 'request_expired')
  const { bits, lst } = closed(claims.status_list, ['bits', 'lst'])
  need(integer(bits) === 2, 'field_invalid')
  return { issued, expires, fetched: now, entries: inflate(decode64(lst)) }
}

function stateAt(found, index) {
  need(index >> 2 < found.entries.length, 'status_unavailable')
  const state = STATES[(found.entries[index >> 2] >> (2 * (index & 3))) & 3]
  need(state, 'status_unavailable')
  return state
}

// StatusReader asks what the network would give; it remembers the last answer
// of each list, so that time never goes back. It uses an answer again, which
// 4.3 allows, only while there is none and for as long as grace, in seconds,
// says (ADD-IAC-LCM-08).
export class StatusReader {
  constructor(documents, providers = {}, grace = 0) {
    this.documents = documents
    this.providers = providers
    this.grace = grace
    this.last = new Map()
  }

  // state gives the state, or refuses with status_unavailable for any reason.
  async state(uri, index, issuer, network, now) {
    if (!Object.hasOwn(network, uri)) return stateAt(this.#lastOf(uri, now), index)
    need(typeof network[uri] === 'string', 'status_unavailable')
    const signer = this.providers[issuer] ?? issuer
    let found
    const wrong = await codeOf(async () => {
      found = await readList(network[uri], uri, signer, this.documents, now)
    })
    need(!wrong && found.issued >= (this.last.get(uri)?.issued ?? 0), 'status_unavailable')
    this.last.set(uri, found)
    return stateAt(found, index)
  }

  #lastOf(uri, now) {
    const last = this.last.get(uri)
    need(last && now < last.expires && now - last.fetched < this.grace, 'status_unavailable')
    return last
  }
}
