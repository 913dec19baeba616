// Public keys, signatures, compact JWS and signed messages (SPEC.md 2), on the
// package jose and, for bytes that are no JWS, node:crypto.

import { createPublicKey, verify } from 'node:crypto'
import { calculateJwkThumbprint, compactVerify, importJWK } from 'jose'
import { parseKeyId } from './dids.mjs'
import { canonical, decode64, digest, encode64, MAX_BYTES, noNull, parseObject, without } from './json.mjs'
import { need, refuse, Refused } from './refusal.mjs'

const ALGORITHMS = { EdDSA: 'EdDSA', Ed25519: 'EdDSA', ES256: 'ES256' }
export const SIGNATURE_TYPES = { ED25519: 'EdDSA', ES256: 'ES256' }

const P = 2n ** 255n - 19n
// The y of the points of small order on the curve of RFC 8032.
const ORDER8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n
const SMALL = [0n, 1n, P - 1n, ORDER8, P - ORDER8]

export class PublicKey {
  constructor(jwk) {
    this.jwk = jwk
    this.algorithm = jwk.kty === 'OKP' ? 'EdDSA' : 'ES256'
  }

  thumbprint() {
    return calculateJwkThumbprint(this.jwk)
  }

  // verify checks a signature over bytes that are no JWS.
  verify(signature, message) {
    need(signature.length === 64, 'signature_invalid')
    let good = false
    try {
      const key = createPublicKey({ key: this.jwk, format: 'jwk' })
      const hash = this.algorithm === 'EdDSA' ? null : 'sha256'
      good = verify(hash, Buffer.from(message), { key, dsaEncoding: 'ieee-p1363' }, signature)
    } catch {
      // No point of the curve: no signature verifies by it.
    }
    need(good, 'signature_invalid')
  }

  // verifyToken checks a compact JWS whose form was read before.
  async verifyToken(text) {
    try {
      await compactVerify(text, await importJWK(this.jwk, this.algorithm))
    } catch {
      refuse('signature_invalid')
    }
  }
}

export function ed25519Key(data) {
  need(data.length === 32, 'field_invalid')
  const y = BigInt('0x' + Buffer.from(data).reverse().toString('hex')) & (2n ** 255n - 1n)
  need(y < P && !SMALL.includes(y), 'field_invalid')
  return new PublicKey({ crv: 'Ed25519', kty: 'OKP', x: encode64(data) })
}

export function p256Key(x, y) {
  need(x.length === 32 && y.length === 32, 'field_invalid')
  const jwk = { crv: 'P-256', kty: 'EC', x: encode64(x), y: encode64(y) }
  try {
    createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    refuse('field_invalid')
  }
  return new PublicKey(jwk)
}

const SPKI_P256 = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex')

export function p256Compressed(data) {
  need(data.length === 33 && (data[0] === 2 || data[0] === 3), 'field_invalid')
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI_P256, data]), format: 'der', type: 'spki' })
    const { x, y } = key.export({ format: 'jwk' })
    return p256Key(Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url'))
  } catch (error) {
    if (error instanceof Refused) throw error
    refuse('field_invalid')
  }
}

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

function member(jwk, name) {
  need(name in jwk && jwk[name] !== '', 'field_missing')
  need(typeof jwk[name] === 'string', 'field_invalid')
  return jwk[name]
}

// readJwk reads a public JWK (2.1).
export function readJwk(jwk) {
  noNull(jwk)
  need(!PRIVATE.some((name) => name in jwk), 'field_invalid')
  const kty = member(jwk, 'kty')
  need(kty === 'OKP' || kty === 'EC', 'algorithm_refused')
  need(member(jwk, 'crv') === (kty === 'OKP' ? 'Ed25519' : 'P-256'), 'algorithm_refused')
  const algorithm = kty === 'OKP' ? 'EdDSA' : 'ES256'
  for (const name of ['alg', 'use']) need(!(name in jwk) || typeof jwk[name] === 'string', 'field_invalid')
  if ('alg' in jwk) need(ALGORITHMS[jwk.alg] === algorithm, 'algorithm_refused')
  if ('use' in jwk) need(jwk.use === 'sig', 'key_purpose')
  if ('key_ops' in jwk) {
    need(Array.isArray(jwk.key_ops) && jwk.key_ops.every((use) => typeof use === 'string'), 'field_invalid')
    need(jwk.key_ops.includes('verify'), 'key_purpose')
  }
  if (kty === 'EC') return p256Key(decode64(member(jwk, 'x')), decode64(member(jwk, 'y')))
  need(!('y' in jwk), 'field_invalid')
  return ed25519Key(decode64(member(jwk, 'x')))
}

// Points of X25519 that give a secret of zero, little-endian.
const ZERO = [
  '0'.repeat(64), '01' + '0'.repeat(62), 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
]

// readEncryptionJwk reads a key to seal for (8.3): P-256 as a key, X25519 and
// kinds that are not ours as undefined.
export function readEncryptionJwk(jwk) {
  noNull(jwk)
  need(!PRIVATE.some((name) => name in jwk), 'field_invalid')
  const kind = `${member(jwk, 'kty')} ${jwk.crv}`
  if (kind !== 'OKP X25519' && kind !== 'EC P-256') return undefined
  const { alg = 'ECDH-ES+A256KW', use = 'enc', key_ops: uses = [] } = jwk
  need(typeof alg === 'string' && typeof use === 'string', 'field_invalid')
  if (alg !== 'ECDH-ES+A256KW') return undefined
  need(use === 'enc', 'key_purpose')
  need(Array.isArray(uses) && uses.every((one) => typeof one === 'string'), 'field_invalid')
  need(uses.length === 0 || uses.includes('deriveKey') || uses.includes('deriveBits'), 'key_purpose')
  const x = decode64(member(jwk, 'x'))
  if (kind === 'EC P-256') return p256Key(x, decode64(member(jwk, 'y')))
  need(!('y' in jwk) && x.length === 32, 'field_invalid')
  const number = BigInt('0x' + Buffer.from(x).reverse().toString('hex'))
  need(number < P && !ZERO.includes(x.toString('hex')), 'field_invalid')
}

// readToken reads the form of a compact JWS of one kind (2.2).
export function readToken(text, typ, { keyId = true } = {}) {
  need(typeof text === 'string', 'field_invalid')
  need(Buffer.byteLength(text) <= MAX_BYTES, 'too_large')
  const parts = text.split('.')
  need(parts.length === 3, 'malformed')
  const [headerBytes, payload, signature] = parts.map((part) => decode64(part))
  const header = parseObject(headerBytes)
  noNull(header)
  const names = keyId ? ['alg', 'kid', 'typ'] : ['alg', 'typ']
  need(names.every((name) => name in header), 'field_missing')
  need(Object.keys(header).length === names.length, 'header_refused')
  need(names.every((name) => typeof header[name] === 'string'), 'field_invalid')
  need(header.alg in ALGORITHMS, 'algorithm_refused')
  need(header.typ === typ, 'type_mismatch')
  const signer = keyId ? parseKeyId(header.kid).did : undefined
  const claims = parseObject(payload)
  need(signature.length === 64, 'signature_invalid')
  const algorithm = ALGORITHMS[header.alg]
  return {
    keyId: header.kid,
    signer,
    claims,
    payload,
    async verify(key) {
      need(key.algorithm === algorithm, 'algorithm_refused')
      await key.verifyToken(text)
    },
  }
}

// verifyToken reads and verifies a token by the key that its kid names.
export async function verifyToken(text, typ, purpose, documents, at) {
  const token = readToken(text, typ)
  await token.verify(await documents.find(token.keyId, purpose, at))
  return token
}

const byUnits = (one, other) => (one < other ? -1 : one > other ? 1 : 0)

// readMessage reads the form of a signed message (2.3).
export function readMessage(text) {
  // It is read in its canonical form, in which 2.0 is the integer 2.
  const message = parseObject(canonical(parseObject(text)))
  noNull(message)
  const own = ['signer_id', 'signature_type', 'signature_covered_fields', 'signature']
  need(own.every((name) => name in message && message[name] !== '' && message[name].length !== 0), 'field_missing')
  for (const name of ['signer_id', 'signature_type', 'signature']) {
    need(typeof message[name] === 'string', 'field_invalid')
  }
  parseKeyId(message.signer_id)
  const names = Object.keys(without(message, 'signature')).sort(byUnits)
  const covered = message.signature_covered_fields
  need(Array.isArray(covered) && covered.every((name) => typeof name === 'string'), 'field_invalid')
  need(covered.length === names.length && names.every((name, i) => name === covered[i]), 'field_invalid')
  need(message.signature_type in SIGNATURE_TYPES, 'algorithm_refused')
  return message
}

// verifyMessage checks the signature of a message that readMessage gave.
export async function verifyMessage(message, kind, purpose, documents, at) {
  const signature = decode64(message.signature)
  const key = await documents.find(message.signer_id, purpose, at)
  need(SIGNATURE_TYPES[message.signature_type] === key.algorithm, 'algorithm_refused')
  key.verify(signature, `act-go/1 ${kind}\n${canonical(without(message, 'signature'))}`)
  return key
}

export const messageDigest = (message) => digest(canonical(without(message, 'signature')))
