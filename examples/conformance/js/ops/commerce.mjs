// The operations of conformance/operations/cid.md.

import { decide } from '../lib/bounds.mjs'
import {
  CART, checkOrderTime, compareOrder, INTENT, NEGOTIATION, readCandidates, readCatalogue, readOffers, readOrder,
  readStatement,
} from '../lib/commerce.mjs'
import { Documents } from '../lib/dids.mjs'
import { parseObject } from '../lib/json.mjs'
import { readToken } from '../lib/keys.mjs'
import { Bounds } from '../lib/mandates.mjs'
import { content, receive } from '../lib/messages.mjs'
import { amountText, amountFromText, timeParse, timeText } from '../lib/values.mjs'

const receiver = (kind, spec) => async (now, given) => {
  const message = await receive(kind, spec, given, new Documents(given.documents), now)
  return { key_id: message.signer_id }
}

export const commerce = {
  'catalogue.read': (now, { catalogue }) => readCatalogue(catalogue),
  'capability.read': (now, { statement }) => readStatement(statement),
  'negotiation.verify': receiver('negotiation-request', NEGOTIATION),
  'negotiation.answer.verify': (now, { answer, sent }) => readOffers(answer, parseObject(sent)),
  'intent_context.verify': receiver('intent-request', INTENT),
  'intent_context.answer.verify': (now, { answer, sent }) => readCandidates(answer, parseObject(sent)),
  'cart.verify': receiver('cart-request', CART),
  async 'order.verify'(now, { order: source, sent, documents }) {
    const token = readToken(source, 'act-order+jwt')
    const order = readOrder(token)
    await token.verify(await new Documents(documents).find(token.keyId, 'seller', now))
    compareOrder(order, parseObject(sent))
    checkOrderTime(order, now)
    return {
      merchant_order_id: order.merchant_order_id,
      amount: amountText(amountFromText(order.amount, order.currency), order.currency),
      currency: order.currency,
      categories: [...new Set(order.items.map((line) => line.category))].sort(),
      deliver_by: timeText(timeParse(order.deliver_by).seconds),
    }
  },
  'message.compare': (now, { kind, messages: [one, other] }) => ({ equal: content(kind, one) === content(kind, other) }),
  async 'purchase.check'(now, given) {
    const bounds = new Bounds(parseObject(given.authorization))
    const decision = await decide(bounds, bounds.unknown, { ...given, role: 'agent' }, now)
    if (decision.decision === 'allowed') return decision
    return { ...decision, policy: bounds.member('ext.agent_behavior.price_deviation_action') ?? 'PAUSE_AND_NOTIFY' }
  },
}
