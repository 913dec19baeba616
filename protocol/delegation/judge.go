package delegation

import (
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

// A judge collects the checks of one decision.
type judge struct {
	b    *Bounds
	p    *Purchase
	role Role
	d    protocol.Decision
}

func (j *judge) fail(code protocol.Code, requirement, name, field, detail string) {
	j.d.Fail(code, requirement, name, field, detail)
}

// requirement is the agent's self-check or the PSP's binding, whichever asks
// for the rule.
func (j *judge) requirement(psp string) string {
	if j.role == RoleAgent {
		return "PSD-PAY-DEL-01"
	}
	return psp
}

// withheld records that a constraint was named and not shown, if it was.
func (j *judge) withheld(c constraint, requirement, name string) bool {
	if !j.b.withheld.has(c) {
		return false
	}
	j.fail(protocol.CodeConstraintWithheld, requirement, name, c.String(), "named in the mandate and not shown")
	return true
}

// shown judges what has no rule of its own here, but is the role's to know:
// what mode the payment needs, and whose account it is made from.
func (j *judge) shown() {
	j.withheld(delegationMode, j.requirement("PSD-PAY-DEL-05"), "delegation mode")
	if j.role == RolePSP {
		j.withheld(delegator, "PSD-PAY-DEL-09", "delegator")
	}
}

// outside records that something is not among the shown entries of an
// allow-list.
func (j *judge) outside(c constraint, code protocol.Code, requirement, name string) {
	if j.b.partial.has(c) && j.role != RoleAgent {
		j.fail(protocol.CodeConstraintWithheld, requirement, name, c.String(), "not among the entries that were shown")
		return
	}
	j.fail(code, requirement, name, c.String(), "")
}

func (j *judge) window() {
	const name = "time window"
	switch {
	case j.p.At.IsZero():
		j.fail(protocol.CodeFactMissing, "ADD-IAC-LCM-06", name, "validity_start_time", "no time to judge by")
	case j.p.At.Before(j.b.start):
		j.fail(protocol.CodeMandateNotYetValid, "ADD-IAC-LCM-06", name, "validity_start_time", "")
	case !j.p.At.Before(j.b.end):
		j.fail(protocol.CodeMandateExpired, "ADD-IAC-LCM-05", name, "validity_end_time", "")
	default:
		j.d.Pass("ADD-IAC-LCM-06", name)
	}
}

// amount judges currency, single limits and total. When the currency is another
// one, or was withheld, nothing can be compared and the other checks are not
// made.
func (j *judge) amount(spent *money.Amount) {
	amount, rule := j.p.Amount, j.requirement("PSD-PAY-DEL-06")
	switch {
	case j.withheld(currencyCode, rule, "currency"):
		return
	case !amount.Valid():
		j.fail(protocol.CodeFactMissing, rule, "currency", "amount", "no amount to judge")
		return
	case amount.Currency() != j.b.currency:
		j.fail(protocol.CodeCurrencyMismatch, rule, "currency", "currency", "")
		return
	}
	j.d.Pass(rule, "currency")
	if !j.withheld(maxSingleAmount, rule, "single limit") {
		single := !j.b.single.Valid() || amount.Minor() <= j.b.single.Minor()
		j.d.Require(single, protocol.CodeSingleLimitExceeded, rule, "single limit", "ext.commerce.max_single_amount", "")
	}
	if !j.withheld(minSingleAmount, rule, "single minimum") {
		minimum := !j.b.minimum.Valid() || amount.Minor() >= j.b.minimum.Minor()
		j.d.Require(minimum, protocol.CodeBelowMinimum, rule, "single minimum", "ext.commerce.min_single_amount", "")
	}
	if !j.withheld(maxTotalAmount, rule, "total limit") {
		j.total(spent, rule)
	}
}

func (j *judge) total(spent *money.Amount, rule string) {
	const name, field = "total limit", "max_total_amount"
	switch {
	case spent == nil && j.role == RolePSP:
		return // held by the ledger
	case spent == nil || !spent.Valid():
		j.fail(protocol.CodeFactMissing, rule, name, field, "what has been spent is not known")
		return
	case spent.Currency() != j.b.currency:
		j.fail(protocol.CodeCurrencyMismatch, rule, name, field, "what has been spent is in another currency")
		return
	}
	// Neither is negative and neither sum can overflow.
	left := j.b.total.Minor() - spent.Minor()
	j.d.Require(j.p.Amount.Minor() <= left, protocol.CodeTotalLimitExceeded, rule, name, field, "")
}

func (j *judge) method() {
	rule := j.requirement("PSD-PAY-DEL-06")
	const name = "payment method"
	switch {
	case j.withheld(allowedMethods, rule, name):
	case j.b.methods == nil:
		j.d.Pass(rule, name)
	case j.p.Method == "":
		j.fail(protocol.CodeFactMissing, rule, name, allowedMethods.String(), "no payment method to judge")
	case !slices.Contains(j.b.methods, j.p.Method):
		j.outside(allowedMethods, protocol.CodeMethodNotAllowed, rule, name)
	default:
		j.d.Pass(rule, name)
	}
}

// merchant: what is forbidden stays so even when it is allowed as well.
func (j *judge) merchant() {
	rule := j.requirement("PSD-PAY-DEL-04")
	const name = "merchant"
	allowed, forbidden := j.b.commerce.AllowedMerchants, j.b.commerce.ForbiddenMerchants
	hidden := j.b.withheld & setOf(allowedMerchants, forbiddenMerchants)
	switch {
	case allowed == nil && forbidden == nil && hidden == 0:
		j.d.Pass(rule, name)
	case j.p.Merchant == "":
		j.fail(protocol.CodeFactMissing, rule, name, "ext.commerce.allowed_merchants", "no merchant to judge")
	case slices.Contains(forbidden, j.p.Merchant):
		j.fail(protocol.CodeMerchantNotAllowed, rule, name, "ext.commerce.forbidden_merchants", "")
	case allowed != nil && !slices.Contains(allowed, j.p.Merchant):
		j.outside(allowedMerchants, protocol.CodeMerchantNotAllowed, rule, name)
	case j.withheld(allowedMerchants, rule, name), j.withheld(forbiddenMerchants, rule, name):
	default:
		j.d.Pass(rule, name)
	}
}

// category judges the goods: each must be below an allowed category, and none
// below a forbidden one. Goods whose category is wider than a forbidden one may
// or may not be of the forbidden kind, which is undetermined.
func (j *judge) category() {
	rule := j.requirement("PSD-PAY-DEL-04")
	const name = "category"
	allowed, forbidden := j.b.commerce.AllowedCategories, j.b.commerce.ForbiddenCategories
	hidden := j.b.withheld & setOf(allowedCategories, forbiddenCategories)
	if allowed == nil && forbidden == nil && hidden == 0 {
		j.d.Pass(rule, name)
		return
	}
	vague, outside := len(j.p.Categories) == 0, false
	for _, c := range j.p.Categories {
		switch {
		case CheckCategory(c) != nil:
			vague = true
		case slices.ContainsFunc(forbidden, func(f string) bool { return within(c, f) }):
			j.fail(protocol.CodeCategoryNotAllowed, rule, name, "ext.commerce.forbidden_categories", "")
			return
		case allowed != nil && !slices.ContainsFunc(allowed, func(a string) bool { return within(c, a) }):
			outside = true
		case slices.ContainsFunc(forbidden, func(f string) bool { return within(f, c) }):
			vague = true
		}
	}
	switch {
	case outside:
		j.outside(allowedCategories, protocol.CodeCategoryNotAllowed, rule, name)
	case vague:
		j.fail(protocol.CodeFactMissing, rule, name, "ext.commerce.allowed_categories", "the goods' categories are not known closely enough")
	case j.withheld(allowedCategories, rule, name), j.withheld(forbiddenCategories, rule, name):
	default:
		j.d.Pass(rule, name)
	}
}

// within reports whether category c is category parent or below it.
func within(c, parent string) bool {
	return strings.HasPrefix(c, parent) && (len(c) == len(parent) || c[len(parent)] == '/')
}

func (j *judge) delivery() {
	rule := j.requirement("PSD-PAY-DEL-04")
	const name, field = "delivery time", "ext.fulfillment.delivery_time_requirement"
	switch {
	case j.withheld(deliveryTime, rule, name):
	case j.b.delivery == "":
		j.d.Pass(rule, name)
	case j.b.deliverBy.IsZero():
		j.fail(protocol.CodeFactMissing, rule, name, field, "the requirement is not an RFC 3339 time")
	case j.p.DeliverBy.IsZero():
		j.fail(protocol.CodeFactMissing, rule, name, field, "no promised delivery to judge")
	default:
		j.d.Require(!j.p.DeliverBy.After(j.b.deliverBy), protocol.CodeDeliveryNotMet, rule, name, field, "")
	}
}

func (j *judge) deviation() {
	const rule, name, field = "ADD-INT-ICS-15", "price deviation", "ext.agent_behavior.price_deviation_tolerance"
	tolerance := j.b.behavior.PriceDeviationTolerance
	switch {
	case j.withheld(deviationTolerance, rule, name), j.withheld(deviationAction, rule, name):
	case tolerance == "":
		j.d.Pass(rule, name)
	case !j.p.CataloguePrice.Valid() || !j.p.Amount.Valid():
		j.fail(protocol.CodeFactMissing, rule, name, field, "no recorded catalogue price to compare with")
	default:
		ok, err := j.p.Amount.Within(j.p.CataloguePrice, string(tolerance))
		if err != nil {
			j.fail(protocol.CodeOf(err), rule, name, field, "the catalogue price cannot be compared")
			return
		}
		j.d.Require(ok, protocol.CodePriceDeviation, rule, name, field, "")
	}
}

func (j *judge) retries() {
	const rule, name, field = "ADD-INT-ICS-15", "attempts", "ext.agent_behavior.max_retry_count"
	limit, limited := j.b.MaxRetries()
	switch {
	case j.withheld(onPaymentFailure, rule, name), j.withheld(maxRetryCount, rule, name):
	case j.p.Attempt < 0:
		j.fail(protocol.CodeFactMissing, rule, name, field, "the number of the attempt is not known")
	default:
		j.d.Require(!limited || j.p.Attempt <= limit, protocol.CodeRetriesExhausted, rule, name, field, "")
	}
}
