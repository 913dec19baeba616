package delegation

import (
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// A constraint is a member of the payload that limits what may be done and that
// a mandate with selective disclosure can withhold (SPEC.md 8.1). What a mandate
// has of them is named in its manifest, so that nobody takes one that was
// withheld for one that is not there.
type constraint uint8

// The constraints, in the order of their paths.
const (
	allowedMethods constraint = iota
	currencyCode
	delegationMode
	delegator
	maxRetryCount
	onPaymentFailure
	deviationAction
	deviationTolerance
	allowedCategories
	allowedMerchants
	forbiddenCategories
	forbiddenMerchants
	maxSingleAmount
	minSingleAmount
	deliveryTime
	maxTotalAmount
	constraintCount
)

// constraintPaths are the names in a manifest.
var constraintPaths = [constraintCount]string{
	allowedMethods:      "allowed_payment_methods",
	currencyCode:        "currency",
	delegationMode:      "delegation_mode",
	delegator:           "delegator_identity",
	maxRetryCount:       "ext.agent_behavior.max_retry_count",
	onPaymentFailure:    "ext.agent_behavior.on_payment_failure",
	deviationAction:     "ext.agent_behavior.price_deviation_action",
	deviationTolerance:  "ext.agent_behavior.price_deviation_tolerance",
	allowedCategories:   "ext.commerce.allowed_categories",
	allowedMerchants:    "ext.commerce.allowed_merchants",
	forbiddenCategories: "ext.commerce.forbidden_categories",
	forbiddenMerchants:  "ext.commerce.forbidden_merchants",
	maxSingleAmount:     "ext.commerce.max_single_amount",
	minSingleAmount:     "ext.commerce.min_single_amount",
	deliveryTime:        "ext.fulfillment.delivery_time_requirement",
	maxTotalAmount:      "max_total_amount",
}

func (c constraint) String() string { return constraintPaths[c] }

// pointer is where an SD-JWT has the constraint, as a JSON pointer.
func (c constraint) pointer() string { return constraintPointers[c] }

var constraintPointers = func() (pointers [constraintCount]string) {
	for c, path := range constraintPaths {
		pointers[c] = "/authorization/" + strings.ReplaceAll(path, ".", "/")
	}
	return pointers
}()

// constraintNamed finds a constraint by its path.
func constraintNamed(path string) (constraint, bool) {
	i, ok := slices.BinarySearch(constraintPaths[:], path)
	return constraint(i), ok
}

// A constraintSet holds constraints.
type constraintSet uint32

func setOf(list ...constraint) (s constraintSet) {
	for _, c := range list {
		s |= 1 << c
	}
	return s
}

func (s constraintSet) has(c constraint) bool { return s&(1<<c) != 0 }

// paths lists the set in the order of the paths.
func (s constraintSet) paths() []string {
	var out []string
	for c := range constraintCount {
		if s.has(c) {
			out = append(out, c.String())
		}
	}
	return out
}

// constraints returns which constraints are present.
func (a *Authorization) constraints() (s constraintSet) {
	c, b := a.Ext.commerce(), a.Ext.behavior()
	for _, m := range [...]struct {
		present bool
		c       constraint
	}{
		{a.AllowedPaymentMethods != nil, allowedMethods},
		{a.Currency != "", currencyCode},
		{a.DelegationMode != "", delegationMode},
		{a.DelegatorIdentity != "", delegator},
		{b.MaxRetryCount != nil, maxRetryCount},
		{b.OnPaymentFailure != "", onPaymentFailure},
		{b.PriceDeviationAction != "", deviationAction},
		{b.PriceDeviationTolerance != "", deviationTolerance},
		{c.AllowedCategories != nil, allowedCategories},
		{c.AllowedMerchants != nil, allowedMerchants},
		{c.ForbiddenCategories != nil, forbiddenCategories},
		{c.ForbiddenMerchants != nil, forbiddenMerchants},
		{c.MaxSingleAmount != "", maxSingleAmount},
		{c.MinSingleAmount != "", minSingleAmount},
		{a.Ext.fulfillment().DeliveryTimeRequirement != "", deliveryTime},
		{a.MaxTotalAmount != "", maxTotalAmount},
	} {
		if m.present {
			s |= 1 << m.c
		}
	}
	return s
}

// list returns the allow-list that a constraint is, nil when it is none or
// absent: the lists whose elements can be withheld one by one.
func (a *Authorization) list(c constraint) *[]string {
	switch {
	case c == allowedMethods:
		return &a.AllowedPaymentMethods
	case a.Ext == nil || a.Ext.Commerce == nil:
		return nil
	case c == allowedCategories:
		return &a.Ext.Commerce.AllowedCategories
	case c == allowedMerchants:
		return &a.Ext.Commerce.AllowedMerchants
	}
	return nil
}

// allowLists are the constraints of which parts may be shown. A part of what is
// allowed allows less; a part of what is forbidden would allow more.
var allowLists = [...]constraint{allowedMethods, allowedCategories, allowedMerchants}

// Withheld returns the paths of the constraints that the mandate names and that
// were not shown, or of allow-lists that may have more entries than were shown.
// It is empty for a mandate without selective disclosure.
func (a *Authorization) Withheld() []string { return (a.withheld | a.partial).paths() }

// whole refuses an authorization of which something was withheld.
func (a *Authorization) whole() error {
	if a.withheld|a.partial != 0 {
		return protocol.New(protocol.CodeConstraintWithheld, (a.withheld | a.partial).paths()[0], "PRV-01", "only the issuer's whole can be written again")
	}
	return nil
}
