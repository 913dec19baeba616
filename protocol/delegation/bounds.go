package delegation

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
)

// Bounds are the boundaries of an authorization in a form that decides quickly.
// They are immutable and may be used by several goroutines. The zero value
// allows nothing.
type Bounds struct {
	made       bool // by Authorization.Bounds
	start, end time.Time
	mode       Mode // "" when withheld
	currency   money.Currency
	total      money.Amount // not Valid when withheld
	single     money.Amount // not Valid when absent
	minimum    money.Amount // not Valid when absent
	methods    []string
	commerce   Commerce
	behavior   AgentBehavior
	delivery   string    // the requirement as written
	deliverBy  time.Time // zero when the requirement is not a time
	unknown    bool

	withheld constraintSet // named and not shown
	partial  constraintSet // allow-lists that may have more entries than were shown
}

// Bounds validates the authorization and returns its boundaries.
func (a *Authorization) Bounds() (Bounds, error) {
	if err := a.Validate(); err != nil {
		return Bounds{}, err
	}
	return a.bounds()
}

// Bounds returns the boundaries of a confirmed intent, for who buys in the
// presence of the principal and without a mandate (CID-CART-CFM-01). Mind that
// nobody but the agent judges by them.
func (c *Confirmed) Bounds() (Bounds, error) {
	if c == nil || c.isr == nil {
		return Bounds{}, protocol.New(protocol.CodeFieldMissing, "", "CID-CART-CFM-01", "no confirmed ISR")
	}
	i := c.isr // its rules were checked when it was confirmed
	return (&Authorization{
		DelegationMode: i.DelegationMode, ValidityStart: i.ValidityStart, ValidityEnd: i.ValidityEnd,
		MaxTotalAmount: i.MaxTotalAmount, Currency: i.Currency, AllowedPaymentMethods: i.AllowedPaymentMethods, Ext: i.Ext,
	}).bounds()
}

// bounds is Bounds of what has been validated.
func (a *Authorization) bounds() (Bounds, error) {
	currency, err := money.ParseCurrency(a.CurrencyCode())
	if err != nil {
		return Bounds{}, inMember(err, "currency")
	}
	e := a.Clone().Ext // the caller may change its copy
	b := Bounds{
		made: true, currency: currency, withheld: a.withheld, partial: a.partial,
		start: a.ValidityStart, end: a.ValidityEnd, mode: a.Mode(),
		methods:  cloneSlice(a.AllowedPaymentMethods),
		commerce: e.commerce(), behavior: e.behavior(),
		delivery: e.fulfillment().DeliveryTimeRequirement,
		unknown:  len(a.unknown) > 0,
	}
	if n := a.MaxTotalAmount; n != "" { // required, but it may have been withheld
		if b.total, err = n.Amount(currency); err != nil {
			return Bounds{}, inMember(err, "max_total_amount")
		}
	}
	if n := b.commerce.MaxSingleAmount; n != "" {
		if b.single, err = n.Amount(currency); err != nil {
			return Bounds{}, inMember(err, "max_single_amount")
		}
	}
	if n := b.commerce.MinSingleAmount; n != "" {
		if b.minimum, err = n.Amount(currency); err != nil {
			return Bounds{}, inMember(err, "min_single_amount")
		}
	}
	if t, err := canon.ParseTime(b.delivery); err == nil {
		b.deliverBy = t
	}
	return b, nil
}

// Understood reports whether every constraint is known. If not, every decision
// is undetermined.
func (b Bounds) Understood() bool { return !b.unknown }

// Window returns the window [start, end).
func (b Bounds) Window() (start, end time.Time) { return b.start, b.end }

// Withheld returns the paths of the constraints that were not shown, wholly or
// in part. For what was withheld the other methods return what they return for
// a constraint that is absent; only Decide tells the two apart.
func (b Bounds) Withheld() []string { return (b.withheld | b.partial).paths() }

// Mode returns the delegation mode, "" when it was withheld.
func (b Bounds) Mode() Mode { return b.mode }

// Currency returns the one currency of all amounts, the zero value when it was
// withheld.
func (b Bounds) Currency() money.Currency {
	if b.withheld.has(currencyCode) {
		return money.Currency{}
	}
	return b.currency
}

// Total returns the most that may be spent in all; it is not Valid when it was
// withheld.
func (b Bounds) Total() money.Amount { return b.total }

// Single returns the most for one payment, if there is such a limit.
func (b Bounds) Single() (limit money.Amount, ok bool) { return b.single, b.single.Valid() }

// Minimum returns the least for one payment, if there is such a limit.
func (b Bounds) Minimum() (limit money.Amount, ok bool) { return b.minimum, b.minimum.Valid() }

// Methods returns the allowed payment methods; nil when all are.
func (b Bounds) Methods() []string { return cloneSlice(b.methods) }

// Merchants returns the merchants that are allowed, nil when all are, and those
// that are forbidden.
func (b Bounds) Merchants() (allowed, forbidden []string) {
	return cloneSlice(b.commerce.AllowedMerchants), cloneSlice(b.commerce.ForbiddenMerchants)
}

// Categories returns the categories that are allowed, nil when all are, and
// those that are forbidden.
func (b Bounds) Categories() (allowed, forbidden []string) {
	return cloneSlice(b.commerce.AllowedCategories), cloneSlice(b.commerce.ForbiddenCategories)
}

// MaxRetries returns how many attempts may follow a failed one, if that is
// limited. CANCEL on failure is a limit of 0.
func (b Bounds) MaxRetries() (limit int, ok bool) {
	switch {
	case b.behavior.OnPaymentFailure == Cancel:
		return 0, true
	case b.behavior.MaxRetryCount != nil:
		return *b.behavior.MaxRetryCount, true
	}
	return 0, false
}

// OnFailure returns what to do when a payment fails, or "".
func (b Bounds) OnFailure() FailureAction { return b.behavior.OnPaymentFailure }

// DeviationAction returns what to do when a price moved further than
// tolerated, or "".
func (b Bounds) DeviationAction() DeviationAction { return b.behavior.PriceDeviationAction }

// A Role is whose decision it is.
type Role int

// The roles of SPEC.md 4.4 and 8.2. The zero value is none of them and is
// refused.
const (
	RoleAgent Role = iota + 1
	RoleMerchant
	RolePSP
	RoleTrustService // sees evidence and judges no purchase: Decide refuses it
)

// A Purchase is what the judging role knows about a purchase. A zero field is a
// fact that is not known: a constraint that needs it is then undetermined.
type Purchase struct {
	At             time.Time    // now
	Amount         money.Amount // the whole amount of the payment
	Merchant       string       // the payee
	Categories     []string     // of all goods
	Method         string       // payment method URN
	DeliverBy      time.Time    // what the merchant promised; now, for what is delivered at once
	CataloguePrice money.Amount // agent: the price it recorded when it chose
	Attempt        int          // agent: 0 for the first attempt, 1 for the first retry
}

// Decide judges a purchase by the constraints that are this role's business
// (SPEC.md 4.4), one check a constraint. It is allowed only when every one of
// them is met.
//
// The total is judged against spent, what has been spent under the mandate
// before. A PSP that holds the total in its ledger, in the transaction of the
// debit, passes nil, and then no check of the total is made; an agent must
// know it. A merchant judges the window only.
//
// A constraint that the mandate names, that is this role's to judge and that
// was withheld is constraint_withheld, which is undetermined; so is what is not
// among the shown entries of an allow-list that may have more. For the agent,
// who holds the whole mandate, what it was not shown is not allowed.
//
// Decide does not know the state of the mandate, who presents it, nor what the
// mode is needed for.
func (b Bounds) Decide(role Role, p Purchase, spent *money.Amount) protocol.Decision {
	j := judge{b: &b, p: &p, role: role}
	if role < RoleAgent || role > RolePSP || !b.made {
		j.fail(protocol.CodeFactMissing, "ADD-IAC-ISS-04", "boundaries", "", "no boundaries or no role to judge for")
		return j.d
	}
	if b.unknown {
		j.fail(protocol.CodeConstraintUnknown, "ADD-IAC-ISS-07", "constraints known", "", "a member that is not known may be a constraint")
	} else {
		j.d.Pass("ADD-IAC-ISS-07", "constraints known")
	}
	j.window()
	if role == RoleMerchant {
		return j.d
	}
	j.shown()
	j.amount(spent)
	j.method()
	j.merchant()
	j.category()
	j.delivery()
	if role == RoleAgent {
		j.deviation()
		j.retries()
	}
	return j.d
}
