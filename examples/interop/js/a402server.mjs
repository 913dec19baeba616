// A seller in the manner of the official repository's local sample: it answers
// 402 with a bill of the right form that nobody can verify, takes no payment
// and never delivers. It knows nothing of the Go library. Options come as JSON
// in the first argument; the first line of standard output is its address.
//
//   /paid-resource            the sample's bill: no DIDs, a made-up signature
//   /paid-resource?as=NAME    the bill of this name in the option "bills"
//   /seen                     what was asked since this was last asked
import { createServer } from 'node:http'

const options = JSON.parse(process.argv[2] ?? '{}')
const seen = []

const sample = () => ({
  protocol: {
    method_id: 'example:a402/local',
    method_version: '1.0.0',
    out_trade_no: 'SAMPLE-1',
    amount: '0.01',
    currency: 'CNY',
    resource_id: 'sample-data',
    pay_before: new Date(Date.now() + 600_000).toISOString(),
    seller_unique_id: 'sample-seller',
    request_method: 'GET',
    request_fingerprint: 'sha-256:' + 'A'.repeat(43),
    replay_window_seconds: 600,
    signer_id: 'sample-key',
    signature_content: Buffer.from('nobody has signed this').toString('base64url'),
    signature_type: 'ED25519',
  },
  method: { psp_id: 'sample-psp', endpoint: 'https://example.invalid/pay' },
})

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (url.pathname === '/seen') {
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(seen.splice(0)))
    return
  }
  seen.push({ target: request.url, proof: 'payment-proof' in request.headers })
  const bill = options.bills?.[url.searchParams.get('as')] ?? Buffer.from(JSON.stringify(sample())).toString('base64url')
  response.writeHead(402, { 'Payment-Needed': bill, 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify({ payment_performed: false, resource_delivered: false }))
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
