// Looks at a bill as the official repository's inspector does: 402, base64url
// of JSON, and the members and forms that it asks for. Reads one request from
// standard input, {"status", "header"}, and writes {"error"} or {"summary"} to
// standard output. It knows nothing of the Go library.
const members = [
  'method_id', 'method_version', 'out_trade_no', 'amount', 'currency', 'resource_id', 'pay_before', 'seller_unique_id',
  'request_method', 'request_fingerprint', 'replay_window_seconds', 'signer_id', 'signature_content', 'signature_type',
]
const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v)

function inspect({ status, header }) {
  if (status !== 402) return { error: 'not 402' }
  if (!header || header.length > 32768) return { error: 'no bill, or too long a one' }
  let bill
  try {
    bill = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))
  } catch {
    return { error: 'not base64url of JSON' }
  }
  if (!isObject(bill?.protocol) || !isObject(bill.method)) return { error: 'protocol and method' }
  const missing = members.filter((name) => bill.protocol[name] === undefined || bill.protocol[name] === '')
  if (missing.length > 0) return { error: `missing: ${missing.join(' ')}` }
  const { currency, pay_before, request_fingerprint } = bill.protocol
  if (!/^[A-Z]{3}$/.test(currency)) return { error: 'currency' }
  if (Number.isNaN(Date.parse(pay_before))) return { error: 'pay_before' }
  if (!/^sha-256:[A-Za-z0-9_-]{43}$/.test(request_fingerprint)) return { error: 'request_fingerprint' }
  return { summary: { amount: bill.protocol.amount, resource_id: bill.protocol.resource_id, psp_id: bill.method.psp_id } }
}

let input = ''
for await (const chunk of process.stdin) input += chunk
process.stdout.write(JSON.stringify(inspect(JSON.parse(input))))
