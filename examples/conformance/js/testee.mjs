#!/usr/bin/env node
// A testee of the conformance suite on Node.js and npm packages. It reads one
// request a line and answers each with one line; see conformance/README.md.
// The operations stand in ops/.

import { createInterface } from 'node:readline'
import { Refused, Unsupported } from './lib/refusal.mjs'
import { timeParse } from './lib/values.mjs'
import { commerce } from './ops/commerce.mjs'
import { core } from './ops/core.mjs'
import { delegation } from './ops/delegation.mjs'
import { payment } from './ops/payment.mjs'

const operations = { ...core, ...delegation, ...commerce, ...payment }
const features = ['ed25519', 'es256', 'status-grace']

async function answer({ operation, clock, input }) {
  if (!Object.hasOwn(operations, operation)) return { outcome: 'skipped', reason: 'not implemented' }
  try {
    return { outcome: 'valid', output: await operations[operation](timeParse(clock).seconds, input) }
  } catch (error) {
    if (error instanceof Refused) return { outcome: 'invalid', code: error.code }
    if (error instanceof Unsupported) return { outcome: 'skipped', reason: error.message }
    console.error(error)
    return { outcome: 'error', message: String(error).slice(0, 200) }
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const request = JSON.parse(line)
  if (request.type === 'bye') break
  const reply =
    request.type === 'hello'
      ? { type: 'hello', name: 'javascript', version: '1.0', operations: Object.keys(operations).sort(), features }
      : { type: 'result', seq: request.seq, ...(await answer(request)) }
  process.stdout.write(JSON.stringify(reply) + '\n')
}
process.exit(0)
