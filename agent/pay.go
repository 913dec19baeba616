package agent

import (
	"context"
	"errors"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/payment"
)

const (
	// sendFor is how long after the reservation a request is transmitted.
	sendFor = time.Minute
	// finalAfter is when no transmission can be accepted any more: a message
	// is at most five minutes old, clocks differ by a minute on either side.
	finalAfter = sendFor + 5*time.Minute + 2*time.Minute

	retriesUnbounded = 3 // transmissions after the first under AUTO_RETRY without max_retry_count
	retryPause       = 200 * time.Millisecond
)

// A charge is one payment that is about to be made.
type charge struct {
	subject  string
	purchase delegation.Purchase // with an empty Method any instrument will do
	provider string              // DID of the PSP that order or bill name; any when empty
	host     string              // of the address that asks for the money
	merchant string
	orderNo  string
	what     string    // in the seller's words
	order    string    // one of the two
	bill     string    //
	until    time.Time // end of the order's lock, or pay_before of the bill
	among    func() []Mandate
	paying   bool        // and not only asking
	with     *Instrument // the only one that is considered, if any
}

// A buyer is on what authority something is bought: the wallet's mandates, or
// one confirmed intent while the principal is there.
type buyer struct {
	agent    *Agent
	mandates func() []Mandate
	instant  *Instant // nil with mandates
}

func (a *Agent) buyer() buyer { return buyer{agent: a, mandates: a.config.Wallet.Mandates} }

// open returns the open payment for a subject, after asking the provider about
// it when its outcome is not known (PSD-PAY-A402-23). Nil means that there is
// none and the subject may be paid for.
func (b buyer) open(ctx context.Context, subject string) (*Payment, error) {
	a, track := b.agent, trailOf(ctx)
	history, err := a.config.Spent.History(ctx, "", subject)
	if err != nil {
		track.begin()
		return nil, err
	}
	if history.Open == nil {
		return nil, nil
	}
	track.begin()
	p := *history.Open
	if p.State == Paid {
		return &p, nil
	}
	provider := a.instruments().psp(p.PSP)
	if provider == nil {
		return nil, unresolved(p, protocol.New(protocol.CodeFieldMissing, "instruments", "PSD-PAY-A402-23", "no instrument of the provider that was asked to pay"))
	}
	late := !a.config.Now().Before(p.FinalAfter) // judged before the provider looks, not after
	result, err := provider.Query(ctx, a.asked(p))
	switch waiting := waits(err); {
	case err == nil:
		return a.commit(ctx, p, result)
	case waiting != nil && b.instant != nil && p.Mandate == b.instant.intent.Key():
		return b.instant.wait(ctx, provider, p, waiting)
	case refused(err):
		return nil, a.release(ctx, p, err)
	case late && protocol.CodeOf(err) == protocol.CodeTradeUnknown:
		return nil, a.release(ctx, p, nil)
	}
	return nil, unresolved(p, err)
}

// refused reports whether the provider has refused the payment itself, and
// never will carry it out.
func refused(err error) bool {
	var refusal *payment.Refusal
	return errors.As(err, &refusal)
}

// waits returns what the provider said when an instant payment waits for the
// principal, or nil.
func waits(err error) (waiting *payment.AwaitsConfirmation) {
	errors.As(err, &waiting)
	return waiting
}

// release gives back what was reserved for a payment that certainly has not
// happened and will not, and returns why.
func (a *Agent) release(ctx context.Context, p Payment, why error) error {
	err := a.config.Spent.Release(context.WithoutCancel(ctx), p.RequestID)
	if err == nil {
		trailOf(ctx).end()
	}
	return errors.Join(why, err)
}

// An Unresolved is the error while nobody knows whether a payment that was begun
// has moved money: its amount stays reserved, and the same thing is not paid for
// again. Buying the same again asks the provider first, and from FinalAfter on its
// answer always settles the matter; see the package comment.
//
// It is an error, and errors.As finds the [protocol.Error] in it, whose code is
// outcome_unknown.
type Unresolved struct {
	RequestID  string    // of the payment request
	FinalAfter time.Time // see Payment.FinalAfter
	Reason     *protocol.Error
}

// Error is the text of the reason and the time.
func (u *Unresolved) Error() string {
	return u.Reason.Error() + "; no later than " + canon.FormatTime(u.FinalAfter) + " the provider can tell"
}

// Unwrap returns the reason.
func (u *Unresolved) Unwrap() error { return u.Reason }

func unresolved(p Payment, cause error) error {
	return &Unresolved{RequestID: p.RequestID, FinalAfter: p.FinalAfter, Reason: protocol.Wrap(protocol.CodeOutcomeUnknown, "", "PSD-PAY-A402-23",
		"a payment was begun and its outcome is not known; buying the same again asks about it first", cause)}
}

// asked is what a Query needs to know of a stored payment.
func (a *Agent) asked(p Payment) payment.Request {
	return payment.Request{
		Scenario: payment.Scenario(p.Scenario), RequestID: p.RequestID, PSPID: p.PSP, BuyerAgentID: a.id,
		MerchantID: p.Merchant, DelegationID: p.DelegationID, MerchantOrderID: p.OrderNo, Amount: p.Amount, Bill: p.Bill,
	}
}

// pay checks, reserves and pays a charge, and returns the payment with its
// proof. The caller holds the lock of the subject and has found nothing open.
func (b buyer) pay(ctx context.Context, c charge) (*Payment, error) {
	a := b.agent
	c.paying = true
	chosen, err := a.allow(ctx, c)
	if err != nil {
		return nil, err
	}
	m, with, now := chosen.mandate, chosen.instrument, a.config.Now()
	p := Payment{
		RequestID: canon.UUID(), Mandate: m.Key(), DelegationID: m.claims.ID, Subject: c.subject, Amount: c.purchase.Amount,
		Merchant: c.merchant, PSP: with.PSP.ID(), OrderNo: c.orderNo, Scenario: string(m.Scenario()), Bill: c.bill,
		At: now, What: c.what, PayBefore: c.until, FinalAfter: now.Add(finalAfter),
	}
	if end := c.until.Add(confirmGrace); m.instant != nil && end.After(p.FinalAfter) {
		p.FinalAfter = end // until then the principal may confirm
	}
	q := a.asked(p)
	c.purchase.Method = with.Method
	if q.IAC, err = m.present(c.purchase); err != nil {
		return nil, err
	}
	q.Order = c.order
	// From here on a crash leaves the request in the store, to be asked about.
	trailOf(ctx).begin()
	if err := a.config.Spent.Reserve(ctx, p, Limits{Total: m.bounds.Total(), Payments: chosen.limit}); err != nil {
		return nil, a.unreserved(ctx, m, c, err)
	}
	defer a.watchSpent(ctx, m)
	until := now.Add(sendFor)
	if err := ctx.Err(); err != nil || !a.config.Now().Before(until) { // nothing has been sent
		return nil, a.release(ctx, p, unsent(err))
	}
	retries := 0
	if m.bounds.OnFailure() == delegation.AutoRetry {
		retries = retriesUnbounded
		if limit, ok := m.bounds.MaxRetries(); ok {
			retries = limit
		}
	}
	return b.send(ctx, with, p, q, retries, until)
}

// unreserved takes note of a purchase that the record itself has refused, because
// another one was faster. A record that does not answer may have reserved.
func (a *Agent) unreserved(ctx context.Context, m Mandate, c charge, err error) error {
	e := protocol.AsError(err)
	if e.Code.Outcome() != protocol.Denied {
		return err
	}
	trailOf(ctx).end()
	var d protocol.Decision
	d.Record(e.Requirement, "own record", e)
	r := a.refusal(m, c, d)
	if a.config.Refused != nil {
		_ = a.config.Refused(ctx, r) // there is nothing that it could change
	}
	return err
}

func unsent(cause error) error {
	return protocol.Wrap(protocol.CodeServiceUnavailable, "", "PSD-PAY-A402-23", "given up before anything was sent", cause)
}

// send asks for the payment and learns of its instrument: what was paid is no
// longer there, and what could not be paid is a reason to ask again.
func (b buyer) send(ctx context.Context, with Instrument, p Payment, q payment.Request, retries int, until time.Time) (*Payment, error) {
	b.agent.states.take(with, p.Amount)
	paid, err := b.transmit(ctx, with, p, q, retries, until)
	if err != nil {
		b.agent.states.forget(with)
	}
	return paid, err
}

// transmit transmits the request until its outcome is known, or the mandate's
// retries, the time or the caller's patience are used up. All transmissions
// are of one request id: the provider carries it out at most once.
func (b buyer) transmit(ctx context.Context, with Instrument, p Payment, q payment.Request, retries int, until time.Time) (*Payment, error) {
	a, pause := b.agent, retryPause
	for sent := 1; ; sent++ {
		result, err := with.pay(ctx, q)
		if err == nil {
			return a.commit(ctx, p, result)
		}
		if waiting := waits(err); waiting != nil {
			if b.instant == nil { // nobody was asked for, and nobody is there
				return nil, unresolved(p, err)
			}
			return b.instant.wait(ctx, with.PSP, p, waiting)
		}
		if final(err, sent == 1) {
			return nil, a.release(ctx, p, err)
		}
		if ctx.Err() != nil {
			return nil, unresolved(p, err)
		}
		result, asked := with.PSP.Query(ctx, q)
		if asked == nil {
			return a.commit(ctx, p, result)
		}
		if waiting := waits(asked); waiting != nil && b.instant != nil {
			return b.instant.wait(ctx, with.PSP, p, waiting)
		}
		if refused(asked) {
			return nil, a.release(ctx, p, asked)
		}
		if protocol.CodeOf(asked) != protocol.CodeTradeUnknown || sent > retries || !sleep(ctx, pause) || !a.config.Now().Before(until) {
			return nil, unresolved(p, err)
		}
		pause *= 2
	}
}

// final reports whether an answer to a transmission means that the payment has
// not happened and will not. The provider's stored refusal always does. Any
// other refusal speaks of one copy: it settles the matter only when that copy
// was the first, because an earlier one may still arrive, or have been carried
// out.
func final(err error, first bool) bool {
	if refused(err) {
		return true
	}
	switch protocol.AsError(err).Code {
	case protocol.CodeReplayed, protocol.CodeRequestConflict, // it has seen this request before
		protocol.CodeOutcomeUnknown, protocol.CodeServiceUnavailable, protocol.CodeConfirmationPending:
		return false
	}
	return first
}

// commit records what the provider confirmed (PSD-PAY-DEL-10).
func (a *Agent) commit(ctx context.Context, p Payment, result payment.Result) (*Payment, error) {
	// The money has moved: a caller who gives up now does not undo it.
	if err := a.config.Spent.Commit(context.WithoutCancel(ctx), p.RequestID, result.Amount, result.PaymentProof); err != nil {
		return nil, unresolved(p, err)
	}
	p.State, p.Amount, p.Proof = Paid, result.Amount, result.PaymentProof
	return &p, nil
}

// close records that a payment has brought what it was for. When that fails
// the payment stays open, and the same purchase presents its proof again and
// gets the same answer: nothing is paid twice.
func (a *Agent) close(ctx context.Context, p *Payment) {
	_ = a.config.Spent.Close(context.WithoutCancel(ctx), p.RequestID)
}

// sleep waits, and reports whether the context is still good.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
