package agent

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/verifier"
)

// A Refusal is a purchase that the agent's own check did not allow, and why
// (CID-CART-CFM-02).
type Refusal struct {
	At       time.Time
	Mandate  string // Mandate.Key of the mandate that came closest; empty when none is held
	Policy   delegation.DeviationAction
	Purchase delegation.Purchase
	Decision protocol.Decision
}

// maxRefusals is how many refusals are remembered.
const maxRefusals = 256

// Refusals returns the latest refusals, the oldest first: the record of what
// was cancelled or paused and why (CID-CART-CFM-02).
func (a *Agent) Refusals() []Refusal {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Refusal(nil), a.refusals...)
}

// Check is the agent's own check of a purchase (CID-CART-CFM-01,
// PSD-PAY-DEL-01, PSD-PAY-AUP-02, PSD-PAY-A402-05): for each mandate that is
// held, the mandate itself, with its present state, and the purchase against
// its boundaries and the agent's own record of what was spent.
//
// It returns the first mandate that allows the purchase, or the one that comes
// closest, which is the one with the fewest failed checks, and its decision.
// With no mandate at all the decision denies. An empty At is filled in, and with
// an empty Method any instrument will do. Nothing is reserved: two purchases may
// both be allowed of which only one fits. Whether the instrument can pay is not
// asked here: the provider is asked before each payment.
func (a *Agent) Check(ctx context.Context, p delegation.Purchase) (Mandate, protocol.Decision) {
	chosen, d := a.choose(ctx, charge{purchase: p, among: a.config.Wallet.Mandates})
	return chosen.mandate, d
}

// A choice is what a purchase is paid under, and with.
type choice struct {
	mandate    Mandate
	instrument Instrument
	limit      int // of payments to the merchant under the mandate, by the policy; 0 for none
}

// choose returns the first of the mandates that allow a charge, with the first
// instrument that it allows.
func (a *Agent) choose(ctx context.Context, c charge) (best choice, decision protocol.Decision) {
	if c.purchase.At.IsZero() {
		c.purchase.At = a.config.Now()
	}
	fewest := -1
	for _, m := range c.among() {
		i, d := a.judge(ctx, m, c)
		if d.Allowed() {
			return choice{mandate: m, instrument: i}, d
		}
		if failed := len(d.Failed()); fewest < 0 || failed < fewest {
			best, decision, fewest = choice{mandate: m, instrument: i}, d, failed
		}
	}
	if fewest < 0 {
		detail := "the wallet holds no mandate, see Wallet.Add"
		if len(a.config.Wallet.Mandates()) > 0 {
			detail = "the mandate that this was checked against is no longer held"
		}
		decision.Fail(protocol.CodePolicyRefused, "PSD-PAY-A402-05", "a mandate is held", "wallet", detail)
	}
	return best, decision
}

// judge decides about one mandate and one charge, and returns the instrument
// that the decision is about. The boundaries are judged also when the mandate
// itself has failed, so that the decision explains all.
func (a *Agent) judge(ctx context.Context, m Mandate, c charge) (Instrument, protocol.Decision) {
	var d protocol.Decision
	fitting := a.instruments().fitting(m, c)
	if !d.Require(len(fitting) > 0, protocol.CodeMethodNotAllowed, "PSD-PAY-A402-05", "instrument", "instruments", "none of this provider and method") {
		fitting = a.instruments()[:1] // what else is wrong is said as well
	}
	a.verify(ctx, m, fitting[0].PSP.ID(), &d)
	history, err := a.config.Spent.History(ctx, m.Key(), c.subject)
	if !d.Record("PSD-PAY-DEL-01", "own record of attempts", err) {
		return fitting[0], d
	}
	spent, err := a.config.Spent.Spent(ctx, m.Key(), m.bounds.Currency())
	if !d.Record("PSD-PAY-DEL-01", "own record of what was spent", err) {
		return fitting[0], d
	}
	a.watch(m.Key(), m.bounds, spent)
	p := c.purchase
	p.Attempt = history.Failed
	good := d.Allowed()
	chosen, bounds := first(fitting, func(i Instrument) protocol.Decision {
		if c.purchase.Method == "" {
			p.Method = i.Method
		}
		decision := m.bounds.Decide(delegation.RoleAgent, p, &spent)
		if c.paying && good && decision.Allowed() { // nobody is asked about what will not be paid
			decision.Append(a.usable(ctx, m, i, p.Amount))
		}
		return decision
	})
	d.Append(bounds)
	return chosen, d
}

// verify judges what the agent may pay under: a mandate as it is now, or an
// intent, which was confirmed when the buyer was made.
func (a *Agent) verify(ctx context.Context, m Mandate, audience string, d *protocol.Decision) {
	if m.instant != nil {
		d.Pass("PSD-PAY-A402-05", "the principal confirms each payment")
		return
	}
	verified, err := a.config.Verifier.Mandate(ctx, []byte(m.raw), verifier.MandateExpectation{Agent: a.id, Audience: audience})
	if err != nil {
		record(d, "mandate", err)
		return
	}
	d.Append(verified.Decision())
}

// first returns the first instrument that is allowed and what was decided about
// it, or the first of all when none is. One of which nothing can be learned
// ends the search: another is not charged for that.
func first(of instruments, decide func(Instrument) protocol.Decision) (Instrument, protocol.Decision) {
	chosen, decision := of[0], decide(of[0])
	if decision.Outcome() != protocol.Denied {
		return chosen, decision
	}
	for _, i := range of[1:] {
		if d := decide(i); d.Outcome() != protocol.Denied {
			return i, d
		}
	}
	return chosen, decision
}

// record takes the checks of an error over.
func record(d *protocol.Decision, name string, err error) {
	e := protocol.AsError(err)
	if len(e.Checks) == 0 {
		d.Record(e.Requirement, name, e)
		return
	}
	for _, c := range e.Checks {
		if c.Outcome == protocol.Allowed {
			d.Pass(c.Requirement, c.Name)
		} else {
			d.Fail(c.Code, c.Requirement, c.Name, c.Field, c.Detail)
		}
	}
}

// allow chooses the mandate for a purchase and applies the policy when none
// allows it (CID-CART-CFM-02). A mandate's price_deviation_action is taken as
// its policy for every failed check; with none the agent pauses and notifies.
func (a *Agent) allow(ctx context.Context, c charge) (choice, error) {
	for again := true; ; again = false {
		if !again {
			c = a.renewed(c)
		}
		chosen, d := a.choose(ctx, c)
		var cause error
		if d.Allowed() && c.paying {
			cause = a.confirm(ctx, &chosen, c, &d)
		}
		if d.Allowed() {
			return chosen, nil
		}
		r := a.refusal(chosen.mandate, c, d)
		refusal := protocol.AsError(d.Err())
		refusal.Err = cause
		if a.config.Refused == nil {
			return choice{}, refusal
		}
		err := a.config.Refused(ctx, r)
		if r.Policy == delegation.AutoCancel || err != nil || !again {
			return choice{}, refusal
		}
	}
}

// recheckAfter is how long the policy may take before everything is checked
// once more: a person who decides may take longer than the mandate lasts.
const recheckAfter = time.Second

// confirm asks the policy about what the mandate allows, adds its word to the
// decision, and returns what was behind a refusal.
func (a *Agent) confirm(ctx context.Context, chosen *choice, c charge, d *protocol.Decision) (cause error) {
	began := a.config.Now()
	var err error
	if a.config.Policy != nil {
		chosen.limit, err = a.consult(ctx, *chosen, c)
		d.Record("PSD-PAY-A402-05", "policy", err)
	}
	if err != nil {
		return err
	}
	now := a.config.Now()
	if !now.Before(c.until) {
		d.Fail(protocol.CodeOrderExpired, "PSD-PAY-A402-18", "order or bill still open", "", "the time to pay has passed while somebody decided")
		return nil
	}
	if now.Sub(began) < recheckAfter {
		return nil
	}
	c = a.renewed(c)
	c.with, c.purchase.Method = &chosen.instrument, chosen.instrument.Method
	_, again := a.judge(ctx, chosen.mandate, c)
	d.Append(again)
	return nil
}

// renewed is a charge as it is judged now.
func (a *Agent) renewed(c charge) charge {
	c.purchase.At = a.config.Now()
	if c.bill != "" { // what a machine reads is delivered at once
		c.purchase.DeliverBy = c.purchase.At
	}
	return c
}

// refusal makes the record of a purchase that was refused, and keeps it.
func (a *Agent) refusal(m Mandate, c charge, d protocol.Decision) Refusal {
	r := Refusal{At: a.config.Now(), Policy: m.bounds.DeviationAction(), Purchase: c.purchase, Decision: d}
	if r.Policy == "" {
		r.Policy = delegation.PauseAndNotify
	}
	if m.raw != "" || m.instant != nil {
		r.Mandate = m.Key()
	}
	a.remember(r)
	return r
}

func (a *Agent) remember(r Refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.refusals) >= maxRefusals {
		a.refusals = a.refusals[1:]
	}
	a.refusals = append(a.refusals, r)
}
