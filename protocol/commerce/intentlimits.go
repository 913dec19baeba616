package commerce

import (
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

// Constraints are the limits that a merchant is told. They are never wider than
// those of the ISR or IAC that the agent acts under, and need not be all of
// them: the agent judges what it is offered by all. Zero members are absent and
// restrict nothing.
type Constraints struct {
	MaxAmount           money.Amount   // of one piece
	Currency            money.Currency // of prices; that of MaxAmount when there is one
	AllowedCategories   []string       // at most MaxIntentEntries, as ForbiddenCategories
	ForbiddenCategories []string
	DeliverBy           time.Time // latest delivery, whole seconds
}

func (c Constraints) absent() bool {
	return !c.MaxAmount.Valid() && c.Currency.IsZero() && c.AllowedCategories == nil && c.ForbiddenCategories == nil && c.DeliverBy.IsZero()
}

func (c Constraints) wire() *constraintsWire {
	amount, _ := wire.FormatAmount(c.MaxAmount)
	return &constraintsWire{
		MaxAmount: wire.Optional(amount), Currency: wire.Optional(c.Currency.Code()), Allowed: c.AllowedCategories,
		Forbidden: c.ForbiddenCategories, Delivery: wire.Optional(wire.FormatTime(c.DeliverBy)),
	}
}

func (w *constraintsWire) read(r *wire.Reader) (c Constraints) {
	const at = "constraints."
	if w.MaxAmount == nil && w.Currency == nil && w.Allowed == nil && w.Forbidden == nil && w.Delivery == nil {
		r.Invalid("constraints", "without members it is left out")
	}
	if w.Currency != nil {
		c.Currency = r.Currency(at+"currency", *w.Currency)
	}
	if w.MaxAmount != nil {
		if w.Currency == nil {
			r.Require(at+"currency", "")
		}
		c.MaxAmount = r.Positive(at+"max_amount", *w.MaxAmount, c.Currency)
	}
	readList(r, at+"allowed_categories", w.Allowed, r.Category)
	readList(r, at+"forbidden_categories", w.Forbidden, r.Category)
	c.AllowedCategories, c.ForbiddenCategories = w.Allowed, w.Forbidden
	c.DeliverBy = r.OptionalTime(at+"delivery_time_requirement", w.Delivery)
	return c
}

// Conflict reports constraints that nothing can meet at a time:
// constraint_conflict with the member that excludes another, as an amount in
// another currency, categories that are all forbidden as well, or a delivery
// in the past (CID-INT-XFR-05).
func (c Constraints) Conflict(at time.Time) error {
	conflict := func(member, detail string) error {
		return protocol.New(protocol.CodeConstraintConflict, "constraints."+member, "CID-INT-XFR-05", detail)
	}
	forbidden := func(category string) bool {
		return slices.ContainsFunc(c.ForbiddenCategories, func(f string) bool { return CategoryWithin(category, f) })
	}
	switch {
	case c.MaxAmount.Valid() && c.MaxAmount.Currency() != c.Currency:
		return conflict("currency", "the amount is in another currency")
	case c.AllowedCategories != nil && !slices.ContainsFunc(c.AllowedCategories, func(a string) bool { return !forbidden(a) }):
		return conflict("forbidden_categories", "every allowed category is forbidden as well")
	case !c.DeliverBy.IsZero() && c.DeliverBy.Before(at):
		return conflict("delivery_time_requirement", "a time in the past")
	}
	return nil
}

// Check judges one piece of an item at a time: currency_mismatch,
// single_limit_exceeded, category_not_allowed, delivery_not_met, or
// fact_missing, which is undetermined, where the item does not tell what a
// constraint asks for, or names a category that is wider than a forbidden one.
func (c Constraints) Check(i Item, at time.Time) error {
	fail := func(code protocol.Code, member string) error {
		return protocol.New(code, "constraints."+member, "CID-INT-XFR-02", "")
	}
	within := func(list []string) bool {
		return slices.ContainsFunc(list, func(parent string) bool { return CategoryWithin(i.Category, parent) })
	}
	wider := func(f string) bool { return CategoryWithin(f, i.Category) }
	switch {
	case !i.Price.Valid():
		return fail(protocol.CodeFactMissing, "currency")
	case !c.Currency.IsZero() && i.Price.Currency() != c.Currency:
		return fail(protocol.CodeCurrencyMismatch, "currency")
	case c.MaxAmount.Valid() && (i.Price.Currency() != c.MaxAmount.Currency() || i.Price.Minor() > c.MaxAmount.Minor()):
		return fail(protocol.CodeSingleLimitExceeded, "max_amount")
	case within(c.ForbiddenCategories):
		return fail(protocol.CodeCategoryNotAllowed, "forbidden_categories")
	case c.AllowedCategories != nil && !within(c.AllowedCategories):
		return fail(protocol.CodeCategoryNotAllowed, "allowed_categories")
	case !c.DeliverBy.IsZero() && i.Delivery >= 0 && at.Add(i.Delivery).After(c.DeliverBy):
		return fail(protocol.CodeDeliveryNotMet, "delivery_time_requirement")
	case slices.ContainsFunc(c.ForbiddenCategories, wider):
		return fail(protocol.CodeFactMissing, "forbidden_categories")
	case !c.DeliverBy.IsZero() && i.Delivery < 0:
		return fail(protocol.CodeFactMissing, "delivery_time_requirement")
	}
	return nil
}

// CategoryWithin reports whether a category is parent or below it, by segments
// (SPEC.md 4.2): "food/coffee" is within "food", "foodstuff" is not.
func CategoryWithin(category, parent string) bool {
	return strings.HasPrefix(category, parent) && (len(category) == len(parent) || category[len(parent)] == '/')
}
