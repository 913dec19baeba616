// Reads, presents and issues mandates with selective disclosure by SPEC.md 8.1
// with the npm package @sd-jwt/sd-jwt-vc and node:crypto, knowing nothing else of
// the Go library. Reads one request from standard input and writes the answer to
// standard output, both JSON.
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'

const algorithm = (jwk) => (jwk.kty === 'OKP' ? 'EdDSA' : 'ES256')
const hashOf = (jwk) => (jwk.kty === 'OKP' ? null : 'sha256')

function signer(jwk) {
  const key = createPrivateKey({ key: jwk, format: 'jwk' })
  return (data) => sign(hashOf(jwk), Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

function verifies(jwk, data, sig) {
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return verify(hashOf(jwk), Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(sig, 'base64url'))
}

function instance({ issuer, key, holder }) {
  return new SDJwtVcInstance({
    hasher: (data, alg) => createHash(alg.replace('-', '')).update(Buffer.from(data)).digest(),
    hashAlg: 'sha-256',
    saltGenerator: (length) => randomBytes(length).toString('base64url'),
    verifier: issuer && ((data, sig) => verifies(issuer, data, sig)),
    kbVerifier: (data, sig, payload) => verifies(payload.cnf.jwk, data, sig),
    signer: key && signer(key),
    signAlg: key && algorithm(key),
    kbSigner: holder && signer(holder),
    kbSignAlg: holder && algorithm(holder),
  })
}

const actions = {
  async verify(r) {
    const options = { currentDate: r.now }
    if (r.nonce) options.keyBindingNonce = r.nonce
    const seen = await instance(r).verify(r.token, options)
    return { payload: seen.payload, header: seen.header, kb: seen.kb?.payload }
  },
  async present(r) {
    return { token: await instance(r).present(r.token, r.frame, { kb: { payload: r.kb } }) }
  },
  async issue(r) {
    return { token: await instance(r).issue(r.payload, r.frame, { header: { kid: r.kid } }) }
  },
}

let input = ''
for await (const chunk of process.stdin) input += chunk
const request = JSON.parse(input)
let answer
try {
  answer = await actions[request.do](request)
} catch (e) {
  answer = { error: String(e.message ?? e) }
}
process.stdout.write(JSON.stringify(answer))
