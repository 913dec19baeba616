package agent

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/payment"
)

const (
	defaultPoll = 2 * time.Second
	// confirmGrace is how long after the end of the time to confirm the provider
	// is still asked what came of it: its clock may differ.
	confirmGrace = time.Minute
)

// InstantConfig is what an instant buyer needs. Intent and Cashier are required.
type InstantConfig struct {
	// Intent is what the principal said and confirmed. Purchases are checked
	// against its boundaries (CID-CART-CFM-01), its total among them. Nobody
	// else knows it: it binds the agent, and the principal confirms each payment.
	Intent *delegation.Confirmed

	// Cashier takes the principal to the provider's cashier, at
	// p.CashierURL, where they see amount, currency, payee and method and
	// confirm or cancel. Its word is not taken for either: the provider is asked
	// while it runs and after it has returned. ctx ends when the outcome is
	// known. An error means that the principal could not be taken there, and
	// ends the waiting. It may be called again for the same payment.
	Cashier func(ctx context.Context, p payment.Pending) error

	// Poll is the time between two questions to the provider; 2 seconds.
	Poll time.Duration
}

// An Instant buys while the principal is there (PSD-PAY-INS): without a mandate,
// and with one confirmation by the principal for each payment. Amount, currency
// and order are those of the merchant's signed order or bill; the agent never
// alters them (PSD-PAY-INS-05).
//
// What the principal cancels, or does not confirm in time, is refused with
// confirmation_failed and has certainly not been paid. While nobody knows, the
// error is an *Unresolved; buying the same again asks the provider first, and
// takes the principal to the cashier again when it still waits for them.
//
// For what is sold by the request, use Transport; for orders, Shop, and then the
// agent's own PayOrder and PickUp.
//
// It is safe for concurrent use.
type Instant struct {
	agent  *Agent
	config InstantConfig
	intent Mandate
}

// Instant returns a buyer for one confirmed intent.
func (a *Agent) Instant(c InstantConfig) (*Instant, error) {
	const requirement = "PSD-PAY-A402-05"
	if c.Cashier == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "cashier", requirement, "the principal has to be taken to the provider's cashier")
	}
	bounds, err := c.Intent.Bounds()
	if err != nil {
		return nil, protocol.In(err, "intent")
	}
	isr := c.Intent.ISR()
	if isr.AgentID != a.id {
		return nil, protocol.New(protocol.CodeAgentMismatch, "intent.agent_id", requirement, "the intent is for another agent")
	}
	if len(a.instruments().sorted(false)) == 0 {
		return nil, protocol.New(protocol.CodeFieldMissing, "instruments", "PSD-PAY-INS-08", "instant payment needs a payment token")
	}
	if c.Poll <= 0 {
		c.Poll = defaultPoll
	}
	i := &Instant{agent: a, config: c}
	i.intent = Mandate{bounds: bounds, instant: i, claims: delegation.Claims{Authorization: &delegation.Authorization{IntentID: isr.IntentID}}}
	return i, nil
}

// Intent is the confirmed intent in the place of a mandate: for Agent.Spent and
// Agent.TaskBill. Of its Claims only Authorization.IntentID is there.
func (i *Instant) Intent() Mandate { return i.intent }

// Check is Agent.Check for an instant purchase: against the boundaries of the
// intent and what was already bought for it.
func (i *Instant) Check(ctx context.Context, p delegation.Purchase) protocol.Decision {
	_, d := i.agent.choose(ctx, charge{purchase: p, among: i.buyer().mandates})
	return d
}

// Shop is Agent.Shop for a merchant whose orders are paid for instantly: orders
// of its ConfirmCart go to Agent.PayOrder, which takes the principal to the
// cashier and returns when they have decided, and then to Agent.PickUp. An order
// of Agent.Shop is paid for under a mandate.
func (i *Instant) Shop(merchant, base string, c *http.Client) (*Shop, error) {
	s, err := i.agent.Shop(merchant, base, c)
	if err != nil {
		return nil, err
	}
	s.buyer = i.buyer()
	return s, nil
}

// Transport is Agent.Transport by instant payment: RoundTrip returns when the
// principal has confirmed or not.
func (i *Instant) Transport(base http.RoundTripper) http.RoundTripper {
	return i.buyer().transport(base)
}

func (i *Instant) buyer() buyer {
	return buyer{agent: i.agent, instant: i, mandates: func() []Mandate { return []Mandate{i.intent} }}
}

// wait takes the principal to the cashier and asks the provider until the
// outcome is known, or nobody wants to know any more.
func (i *Instant) wait(ctx context.Context, with PSP, p Payment, waiting *payment.AwaitsConfirmation) (*Payment, error) {
	a, until := i.agent, lastMoment(p, waiting).Add(confirmGrace)
	shown, leave := context.WithCancel(ctx)
	defer leave()
	cashier := make(chan error, 1)
	go func() {
		cashier <- guarded(shown, func() error { return i.config.Cashier(shown, waiting.Pending) })
	}()
	timer := time.NewTimer(i.config.Poll)
	defer timer.Stop()
	for {
		var failed error
		select {
		case failed = <-cashier: // its word is not taken; the provider is asked now
		case <-timer.C:
		case <-ctx.Done():
			return nil, stillWaiting(p, waiting, ctx.Err())
		}
		timer.Reset(i.config.Poll)
		late := !a.config.Now().Before(until) // judged before the provider looks
		result, err := with.Query(ctx, a.asked(p))
		switch {
		case err == nil:
			return a.commit(ctx, p, result)
		case refused(err):
			return nil, a.release(ctx, p, err)
		case failed != nil:
			return nil, stillWaiting(p, waiting, failed)
		case late:
			return nil, stillWaiting(p, waiting, err)
		}
	}
}

// lastMoment is when the principal cannot confirm any more: as the provider
// says, and no later than order or bill end (SPEC.md 6.8).
func lastMoment(p Payment, waiting *payment.AwaitsConfirmation) time.Time {
	if end := waiting.Pending.ExpiresAt; end.Before(p.PayBefore) {
		return end
	}
	return p.PayBefore
}

// stillWaiting is the error when the principal has not been heard and may still
// confirm.
func stillWaiting(p Payment, waiting *payment.AwaitsConfirmation, cause error) error {
	if refused(cause) { // a word that only the provider has
		cause = nil
	}
	return unresolved(p, errors.Join(waiting, cause))
}
