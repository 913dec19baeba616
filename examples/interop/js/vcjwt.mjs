// Reads and makes mandates as VC-JWT (SPEC.md 4.2) with the npm package jose,
// knowing nothing else of the Go library. Reads one request from standard input
// and writes the answer to standard output, both JSON.
import { SignJWT, importJWK, jwtVerify } from 'jose'

const signing = (jwk) => (jwk.kty === 'OKP' ? 'EdDSA' : 'ES256')

async function verify({ token, key, audience, now }) {
  const { payload, protectedHeader } = await jwtVerify(token, await importJWK(key, signing(key)), {
    algorithms: ['EdDSA', 'ES256'], typ: 'vc+jwt', audience, currentDate: new Date(now * 1000),
  })
  return { payload, header: protectedHeader }
}

async function sign({ payload, key, kid }) {
  const alg = signing(key)
  const token = await new SignJWT(payload).setProtectedHeader({ alg, kid, typ: 'vc+jwt' }).sign(await importJWK(key, alg))
  return { token }
}

let input = ''
for await (const chunk of process.stdin) input += chunk
const request = JSON.parse(input)
let answer
try {
  answer = await { verify, sign }[request.do](request)
} catch (e) {
  answer = { error: String(e.code ?? e.message) }
}
process.stdout.write(JSON.stringify(answer))
