// The two sides of Alipay's product that a seller meets, made from its public
// documentation with node:crypto, knowing nothing of the Go library. Reads one
// request from standard input and writes the answer to standard output, both
// JSON.
//
//   bill    checks the seller's signature of a Payment-Needed
//   proof   writes a Payment-Proof
//   call    checks the signature of a call, given as the body of the form
//   answer  signs an answer of the gateway
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'

const der = (text) => Buffer.from(text, 'base64')
const signed = (fields) => Object.keys(fields).filter((k) => fields[k] !== '').sort().map((k) => `${k}=${fields[k]}`).join('&')
const good = (text, signature, key) =>
  verify('RSA-SHA256', Buffer.from(text, 'utf8'), createPublicKey({ key: der(key), format: 'der', type: 'spki' }), der(signature))

const actions = {
  bill({ header, key }) {
    const { protocol: p, method: m } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))
    const text = signed({
      amount: p.amount, currency: p.currency, goods_name: m.goods_name, out_trade_no: p.out_trade_no,
      pay_before: p.pay_before, resource_id: p.resource_id, seller_id: p.seller_unique_id, service_id: m.service_id,
    })
    const open = Date.parse(p.pay_before) > 0 && p.seller_sign_type === 'RSA2' && m.seller_unique_id_key === 'seller_id'
    return { good: open && good(text, p.seller_signature, key), out_trade_no: p.out_trade_no, amount: p.amount, resource_id: p.resource_id }
  },
  proof({ payment_proof, trade_no, client_session }) {
    const text = JSON.stringify({ protocol: { payment_proof, trade_no }, method: { client_session } })
    return { header: Buffer.from(text, 'utf8').toString('base64') }
  },
  call({ form, key }) {
    const { sign: signature, ...fields } = Object.fromEntries(new URLSearchParams(form))
    return { good: good(signed(fields), signature, key), method: fields.method, content: JSON.parse(fields.biz_content), timestamp: fields.timestamp }
  },
  answer({ method, node, key }) {
    const text = JSON.stringify(node)
    const signature = sign('RSA-SHA256', Buffer.from(text, 'utf8'), createPrivateKey({ key: der(key), format: 'der', type: 'pkcs8' }))
    return { body: `{"${method.replaceAll('.', '_')}_response":${text},"sign":"${signature.toString('base64')}"}` }
  },
}

let input = ''
for await (const chunk of process.stdin) input += chunk
const request = JSON.parse(input)
process.stdout.write(JSON.stringify(actions[request.do](request)))
