// The operations of conformance/operations/core.md.

import { Documents, parseDid, parseKeyId, readDocument } from '../lib/dids.mjs'
import { canonical, checkDigest, decode64, digest, parse, parseNumber, parseObject } from '../lib/json.mjs'
import { messageDigest, readJwk, readMessage, SIGNATURE_TYPES, verifyMessage, verifyToken } from '../lib/keys.mjs'
import { need } from '../lib/refusal.mjs'
import { verifySdJwt } from '../lib/sdjwt.mjs'
import { amountFromNumber, amountFromText, amountText, checkId, timeParse, timeText } from '../lib/values.mjs'

const source = ({ text, bytes }) => text ?? decode64(bytes)
const money = (minor, currency) => ({ amount: amountText(minor, currency), minor: String(minor) })

export const core = {
  'canon.canonicalize': (clock, given) => ({ canonical: canonical(parse(source(given))) }),
  'canon.digest': (clock, given) => ({ digest: digest(canonical(parse(source(given)))) }),
  'digest.parse': (clock, given) => ({ digest: checkDigest(given.digest) }),
  'base64url.decode': (clock, given) => ({ hex: decode64(given.text).toString('hex') }),
  'id.check'(clock, given) {
    checkId(given.id)
    return {}
  },
  'money.parse': (clock, { amount, currency }) => money(amountFromText(amount, currency), currency),
  'money.number': (clock, { number, currency }) => money(amountFromNumber(parseNumber(number), currency), currency),
  'time.parse'(clock, { time, form }) {
    const { seconds, nanos } = timeParse(time, { utc: form === 'utc' })
    return { time: timeText(seconds), nanos }
  },
  'did.parse': (clock, given) => parseDid(given.did),
  'key_id.parse': (clock, given) => parseKeyId(given.key_id),
  async 'did.document'(clock, given) {
    const entries = await readDocument(given.did, given.text)
    return {
      keys: entries.map(({ id, purpose, key, thumbprint }) => ({ id, purpose, algorithm: key.algorithm, thumbprint })),
    }
  },
  async 'key.find'(clock, given) {
    const key = await new Documents(given.documents).find(given.key_id, given.purpose, clock)
    return { thumbprint: await key.thumbprint() }
  },
  async 'jwk.parse'(clock, given) {
    const key = readJwk(parseObject(given.jwk))
    return { algorithm: key.algorithm, thumbprint: await key.thumbprint() }
  },
  'signature.verify'(clock, given) {
    const key = readJwk(given.jwk)
    need(SIGNATURE_TYPES[given.signature_type] === key.algorithm, 'algorithm_refused')
    key.verify(decode64(given.signature), given.message)
    return {}
  },
  async 'jws.verify'(clock, { token, typ, purpose, documents }) {
    const read = await verifyToken(token, typ, purpose, new Documents(documents), clock)
    return { key_id: read.keyId, payload: read.claims }
  },
  async 'sdjwt.verify'(clock, { sd_jwt: source, typ, purpose, documents }) {
    const { keyId, claims, hidden } = await verifySdJwt(source, { typ, purpose }, new Documents(documents), clock)
    const output = { key_id: keyId, payload: claims }
    return hidden.length > 0 ? { ...output, hidden: hidden.sort((one, other) => (one.path < other.path ? -1 : 1)) } : output
  },
  async 'signed_message.verify'(clock, given) {
    const message = readMessage(given.message)
    await verifyMessage(message, given.kind, given.purpose, new Documents(given.documents), clock)
    return { key_id: message.signer_id, digest: messageDigest(message) }
  },
}
