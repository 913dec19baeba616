// Whether a purchase is inside a mandate, for each role (SPEC.md 4.4).

import { decimal } from './json.mjs'
import { windowCodes } from './mandates.mjs'
import { codeOf, DENIED, first, Refused } from './refusal.mjs'
import { category as checkCategory } from './terms.mjs'
import { amountFromText, later, timeParse } from './values.mjs'

const minorOf = ({ amount, currency }) => amountFromText(amount, currency)

// decide gives { decision } and, unless it is allowed, { code }.
export async function decide(bounds, unknown, { role, purchase, spent }, now) {
  const codes = windowCodes(bounds, now)
  if (unknown) codes.push('constraint_unknown')
  if (role !== 'merchant') {
    const judge = new Judge(bounds, role)
    judge.shown('delegation_mode')
    if (role === 'psp') judge.shown('delegator_identity')
    judge.amounts(purchase, spent)
    judge.listed(purchase.payment_method, 'allowed_payment_methods', undefined, 'method_not_allowed')
    judge.listed(
      purchase.merchant_id, 'ext.commerce.allowed_merchants', 'ext.commerce.forbidden_merchants', 'merchant_not_allowed')
    await judge.categories(purchase.categories)
    judge.delivery(purchase.deliver_by)
    if (role === 'agent') judge.behavior(purchase)
    codes.push(...judge.codes)
  }
  const code = first(codes)
  if (!code) return { decision: 'allowed' }
  return { decision: DENIED.includes(code) ? 'denied' : 'undetermined', code }
}

class Judge {
  constructor(bounds, role) {
    this.bounds = bounds
    this.role = role
    this.codes = []
  }

  report(condition, code) {
    if (condition) this.codes.push(code)
    return condition
  }

  // shown reports a constraint that is named and withheld.
  shown(path) {
    return !this.report(this.bounds.withheld.has(path), 'constraint_withheld')
  }

  // constraint gives a constraint that there is; a withheld one is reported.
  constraint(path) {
    return path && this.shown(path) ? this.bounds.member(path) : undefined
  }

  amounts({ amount }, spent) {
    const { total, most, least, currency } = this.bounds
    for (const path of ['max_total_amount', 'ext.commerce.max_single_amount', 'ext.commerce.min_single_amount', 'currency']) {
      this.shown(path)
    }
    if (this.report(!amount, 'fact_missing') || currency === undefined) return
    if (this.report(amount.currency !== currency, 'currency_mismatch')) return
    const minor = minorOf(amount)
    this.report(most !== undefined && minor > most, 'single_limit_exceeded')
    this.report(least !== undefined && minor < least, 'below_minimum')
    if (total === undefined) return
    if (!spent) this.report(this.role === 'agent', 'fact_missing')
    else if (!this.report(spent.currency !== currency, 'currency_mismatch')) {
      this.report(minor > total - minorOf(spent), 'total_limit_exceeded')
    }
  }

  listed(value, allowedPath, forbiddenPath, code) {
    const allowed = this.constraint(allowedPath)
    const forbidden = this.constraint(forbiddenPath)
    if (!allowed && !forbidden) return
    if (this.report(value === undefined, 'fact_missing')) return
    this.report(forbidden?.includes(value), code)
    if (allowed && !allowed.includes(value)) this.outside(allowedPath, code)
  }

  // outside: what is not in a list that is shown in part may yet be allowed.
  outside(path, code) {
    const inPart = this.bounds.partial.has(path) && this.role !== 'agent'
    this.codes.push(inPart ? 'constraint_withheld' : code)
  }

  async categories(categories) {
    const allowed = this.constraint('ext.commerce.allowed_categories')
    const forbidden = this.constraint('ext.commerce.forbidden_categories')
    if (!allowed && !forbidden) return
    if (this.report(!categories?.length, 'fact_missing')) return
    const inside = (category, wider) => category === wider || category.startsWith(`${wider}/`)
    for (const category of categories) {
      if (this.report(await codeOf(() => checkCategory(category)), 'fact_missing')) continue
      for (const entry of forbidden ?? []) {
        if (!this.report(inside(category, entry), 'category_not_allowed')) {
          this.report(inside(entry, category), 'fact_missing')
        }
      }
      if (allowed && !allowed.some((entry) => inside(category, entry))) {
        this.outside('ext.commerce.allowed_categories', 'category_not_allowed')
      }
    }
  }

  delivery(deliverBy) {
    const required = this.constraint('ext.fulfillment.delivery_time_requirement')
    if (required === undefined) return
    let latest
    try {
      latest = timeParse(required)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
    }
    if (this.report(!latest || deliverBy === undefined, 'fact_missing')) return
    this.report(later(timeParse(deliverBy), latest), 'delivery_not_met')
  }

  behavior({ amount, catalogue_price: price, attempt = 0 }) {
    const tolerance = this.constraint('ext.agent_behavior.price_deviation_tolerance')
    this.shown('ext.agent_behavior.price_deviation_action')
    if (tolerance !== undefined && !this.report(!price, 'fact_missing') && amount?.currency === this.bounds.currency) {
      const other = this.report(price.currency !== amount.currency, 'currency_mismatch')
      this.report(!other && beyond(minorOf(amount), minorOf(price), tolerance), 'price_deviation')
    }
    const failure = this.constraint('ext.agent_behavior.on_payment_failure')
    const count = this.constraint('ext.agent_behavior.max_retry_count')
    const most = failure === 'CANCEL' ? 0 : count && Number(count.literal)
    this.report(most !== undefined && attempt > most, 'retries_exhausted')
  }
}

// beyond compares exactly: difference times 100 with tolerance times price.
function beyond(minor, price, tolerance) {
  const { digits, exponent } = decimal(tolerance.literal)
  const difference = (minor > price ? minor - price : price - minor) * 100n
  const scale = 10n ** BigInt(Math.abs(exponent))
  return exponent < 0 ? difference * scale > digits * price : difference > digits * scale * price
}
