// Opens and seals payloads by SPEC.md 8.3 with the npm package jose, knowing
// nothing else of the Go library. Reads one request from standard input and
// writes the answer to standard output, both JSON.
import { createHash, randomBytes } from 'node:crypto'
import { CompactSign, GeneralEncrypt, compactVerify, generalDecrypt, importJWK } from 'jose'

const ALG = 'ECDH-ES+A256KW'
const ENC = 'A256GCM'
const text = new TextEncoder()

// RFC 8785; numbers and strings are those of JavaScript anyway.
function canonical(v) {
  if (Array.isArray(v)) return '[' + v.map(canonical).join(',') + ']'
  if (v === null || typeof v !== 'object') return JSON.stringify(v)
  return '{' + Object.keys(v).sort().map((k) => JSON.stringify(k) + ':' + canonical(v[k])).join(',') + '}'
}

const signing = (jwk) => (jwk.kty === 'OKP' ? 'EdDSA' : 'ES256')
const digest = (s) => 'sha-256:' + createHash('sha256').update(s).digest('base64url')

function need(ok, what) {
  if (!ok) throw new Error(what)
}

async function open({ message, sender, reader, keys }) {
  const { payload, protectedHeader } = await compactVerify(message.manifest, await importJWK(sender, signing(sender)), { algorithms: ['EdDSA', 'ES256'] })
  need(protectedHeader.typ === 'act-sealed+jwt', 'typ')
  const manifest = JSON.parse(new TextDecoder().decode(payload))
  need(protectedHeader.kid.split('#')[0] === manifest.iss, 'iss')
  const parts = {}
  for (const part of message.parts) {
    need(part.aad === Buffer.from(manifest.jti).toString('base64url'), 'aad')
    const plaintext = await decrypt(part, keys)
    if (plaintext === undefined) continue
    const c = JSON.parse(plaintext)
    need(manifest.parts.includes(digest(canonical(c))), 'digest')
    need(Buffer.byteLength(plaintext) % 256 === 0 && plaintext.trimEnd() === canonical(c), 'form')
    need(c.message_id === manifest.jti && c.sender === manifest.iss && c.readers.includes(reader), 'claims')
    parts[c.name] = c.content
  }
  return { id: manifest.jti, parts }
}

async function decrypt(part, keys) {
  for (const jwk of keys) {
    try {
      const opened = await generalDecrypt(part, await importJWK(jwk, ALG), {
        keyManagementAlgorithms: [ALG], contentEncryptionAlgorithms: [ENC],
      })
      return new TextDecoder().decode(opened.plaintext)
    } catch (e) {
      if (e.code !== 'ERR_JWE_DECRYPTION_FAILED') throw e
    }
  }
}

async function seal({ id, iat, sender, kid, key, parts }) {
  const manifest = { iat, iss: sender, jti: id, parts: [] }
  const jwes = []
  for (const { name, content, readers } of parts) {
    const plaintext = canonical({
      content, message_id: id, name, readers: readers.map((r) => r.did).sort(),
      salt: randomBytes(32).toString('base64url'), sender,
    })
    manifest.parts.push(digest(plaintext))
    const bytes = text.encode(plaintext)
    const padded = new Uint8Array(Math.ceil(bytes.length / 256) * 256).fill(0x20)
    padded.set(bytes)
    const jwe = new GeneralEncrypt(padded).setProtectedHeader({ alg: ALG, enc: ENC }).setAdditionalAuthenticatedData(text.encode(id))
    for (const r of readers) jwe.addRecipient(await importJWK(r.jwk, ALG))
    jwes.push(await jwe.encrypt())
  }
  const signed = await new CompactSign(text.encode(canonical(manifest)))
    .setProtectedHeader({ alg: signing(key), kid, typ: 'act-sealed+jwt' })
    .sign(await importJWK(key, signing(key)))
  return { manifest: signed, parts: jwes }
}

let input = ''
for await (const chunk of process.stdin) input += chunk
const request = JSON.parse(input)
const answer = request.do === 'open' ? await open(request) : await seal(request)
process.stdout.write(JSON.stringify(answer))
