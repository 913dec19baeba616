package agent

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

// An authority is what an agent asks around under: a mandate, or the intent of
// an instant buyer.
type authority struct {
	intentID     string
	delegationID string // empty in instant payment
	mandate      string // Mandate.Key
	bounds       delegation.Bounds
	spent        money.Amount
}

// authority finds what allows a Need to be told to a merchant, or says why
// nothing does (CID-INT-XFR-02). A mandate is verified with its present state:
// under one that was revoked nothing is told.
func (s *Shop) authority(ctx context.Context, n Need) (authority, error) {
	now := s.agent.config.Now()
	var best protocol.Decision
	fewest := -1
	for _, m := range s.buyer.mandates() {
		if n.Mandate != "" && m.Key() != n.Mandate {
			continue
		}
		auth, d := s.agent.under(ctx, m)
		d.Append(auth.allows(n, s.merchant, now))
		if d.Allowed() {
			return auth, nil
		}
		if failed := len(d.Failed()); fewest < 0 || failed < fewest {
			best, fewest = d, failed
		}
	}
	if fewest < 0 {
		best.Fail(protocol.CodePolicyRefused, "CID-INT-XFR-02", "a mandate is held", "wallet", "no such mandate is held, see Wallet.Add")
	}
	return authority{}, best.Err()
}

// under verifies a mandate and gives its boundaries.
func (a *Agent) under(ctx context.Context, m Mandate) (authority, protocol.Decision) {
	auth := authority{mandate: m.Key(), bounds: m.bounds}
	auth.delegationID, auth.intentID = m.links()
	var d protocol.Decision
	a.verify(ctx, m, m.claims.Audience, &d)
	var err error
	auth.spent, err = a.config.Spent.Spent(ctx, m.Key(), m.bounds.Currency())
	d.Record("CID-INT-XFR-02", "own record of what was spent", err)
	return auth, d
}

// allows judges a Need: whether this merchant may be asked, whether what is
// told is inside the boundaries, and whether the hints are (CID-INT-XFR-02).
func (au authority) allows(n Need, merchant string, now time.Time) protocol.Decision {
	const rule = "CID-INT-XFR-02"
	d := au.judge(delegation.Purchase{At: now, Amount: n.MaxPrice, Merchant: merchant, Categories: n.Categories, DeliverBy: n.DeliverBy})
	_, forbidden := au.bounds.Categories()
	hint := func(member string, k int, h Hint) {
		field := "intent_context." + member + "[" + strconv.Itoa(k) + "]"
		if h.Merchant == "" {
			h.Merchant = merchant
		}
		p := delegation.Purchase{At: now, Amount: h.Price, Merchant: h.Merchant, Categories: h.Categories, DeliverBy: h.DeliverBy}
		for _, c := range au.judge(p).Failed() {
			d.Fail(conflictOf(c.Code), rule, "hint inside the boundaries", field, c.Code.Text())
		}
		if slices.ContainsFunc(forbidden, func(f string) bool { return mentions(h.Text, f) }) {
			d.Fail(protocol.CodeConstraintConflict, rule, "hint inside the boundaries", field, "names what is forbidden")
		}
	}
	for k, h := range n.Implicit {
		hint("implicit_intent", k, h)
	}
	for k, h := range n.Preferences {
		hint("preferences", k, h)
	}
	if d.Allowed() { // else it is said already what is wrong
		d.Record(rule, "constraints go together", n.intent(au.bounds).Constraints.Conflict(now))
	}
	return d
}

// conflictOf is constraint_conflict for what denies; what cannot be decided
// stays so.
func conflictOf(c protocol.Code) protocol.Code {
	if c.Outcome() == protocol.Undetermined {
		return c
	}
	return protocol.CodeConstraintConflict
}

// judge decides about facts of which some may be absent, and are then not
// judged: a limit on what was not said cannot be broken. Of a category that is
// told, only a part need be allowed, since what comes back is judged again.
func (au authority) judge(p delegation.Purchase) (out protocol.Decision) {
	if !p.Amount.Valid() {
		p.Amount = money.Zero(au.bounds.Currency())
	}
	for _, c := range au.offer(p).Checks() {
		vague := c.Name == checkCategory && !slices.ContainsFunc(p.Categories, func(c string) bool { return delegation.CheckCategory(c) != nil })
		untold := c.Name == checkDelivery && p.DeliverBy.IsZero()
		if c.Code == protocol.CodeFactMissing && (vague || untold) {
			continue
		}
		copyCheck(&out, c)
	}
	return out
}

// The names of the checks of delegation.Bounds.Decide that are not all of this
// package's business.
const (
	checkCategory = "category"
	checkDelivery = "delivery time"
	checkMinimum  = "single minimum"
)

// offer judges one piece of something. The minimum of a payment is not judged,
// because several pieces may reach it, nor is the payment method, which is for
// the cart.
func (au authority) offer(p delegation.Purchase) (out protocol.Decision) {
	if methods := au.bounds.Methods(); len(methods) > 0 {
		p.Method = methods[0]
	}
	if !p.CataloguePrice.Valid() {
		p.CataloguePrice = p.Amount
	}
	for _, c := range au.bounds.Decide(delegation.RoleAgent, p, &au.spent).Checks() {
		if c.Name != checkMinimum {
			copyCheck(&out, c)
		}
	}
	return out
}

func copyCheck(d *protocol.Decision, c protocol.Check) {
	if c.Outcome == protocol.Allowed {
		d.Pass(c.Requirement, c.Name)
	} else {
		d.Fail(c.Code, c.Requirement, c.Name, c.Field, c.Detail)
	}
}

// candidate judges what a merchant offers, by the boundaries and by the Need:
// a merchant is not believed to have kept to either. recorded is the price that
// the agent has seen of the item before, if any.
func (au authority) candidate(n Need, merchant string, i commerce.Item, recorded money.Amount, now time.Time) protocol.Decision {
	const rule = "CID-INT-XFR-02"
	p := delegation.Purchase{At: now, Amount: i.Price, Merchant: merchant, Categories: []string{i.Category}, CataloguePrice: recorded}
	if i.Delivery >= 0 {
		p.DeliverBy = now.Add(i.Delivery)
	}
	d := au.offer(p)
	d.Record(rule, "what was asked for", n.intent(au.bounds).Constraints.Check(i, now))
	d.Require(i.Available == nil || *i.Available, protocol.CodeOutOfStock, "CID-MER-CAT-02", "available", "available", "")
	d.Require(i.PriceValidUntil.IsZero() || now.Before(i.PriceValidUntil), protocol.CodePriceChanged, "CID-MER-CAT-02", "price still valid", "price_valid_until", "")
	return d
}
