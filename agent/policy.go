package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A Policy is the user's own word on a payment that the mandate allows. It can
// only refuse: nothing that the mandate does not allow is ever proposed.
//
// Nil lets the payment pass. An error of code confirmation_pending means that a
// person has to decide and has not done so; every other error refuses, with code
// policy_refused, and is found behind it by errors.Is and errors.As unless it is
// an undetermined one. A policy
// that panics has refused. Policies are called concurrently, once for each
// payment, and once more when Config.Refused wants another check; one that outlives ctx is not waited for, and its answer does not
// count.
type Policy func(ctx context.Context, p *Proposal) error

// A Proposal is a payment that is about to be made.
type Proposal struct {
	Mandate  Mandate // what it is made under; in instant payment the principal's intent
	Scenario payment.Scenario
	Purchase delegation.Purchase // amount, merchant, categories, method
	Host     string              // of the address that asks for the money: lower case, without port
	OrderNo  string
	What     string // the seller's name for what is bought; not to be trusted

	limit *int // see Limit
}

// Limit allows the payment only as one of at most n to this merchant under this
// mandate. It is judged with the reservation of the amount, so that it also
// holds between payments at the same time and, with a shared SpendStore, between
// processes. Of several limits the lowest counts; n below one refuses.
func (p *Proposal) Limit(n int) {
	if p.limit == nil || n < *p.limit {
		p.limit = &n
	}
}

// Policies asks all of some policies, in this order, and ends with the first
// that refuses. That a person has to decide is said only when none refuses.
func Policies(all ...Policy) Policy {
	return func(ctx context.Context, p *Proposal) error {
		var pending error
		for _, policy := range all {
			err := policy(ctx, p)
			if err != nil && protocol.CodeOf(err) != protocol.CodeConfirmationPending {
				return err
			}
			if pending == nil {
				pending = err
			}
		}
		return pending
	}
}

// AskAbove has a person decide about each payment of more than limit, and about
// each in another currency. ask returns whether they agree; an error of it, and
// an ask of nil, mean that nobody has decided.
func AskAbove(limit money.Amount, ask func(ctx context.Context, p Proposal) (bool, error)) Policy {
	return func(ctx context.Context, p *Proposal) error {
		if order, err := p.Purchase.Amount.Cmp(limit); err == nil && order <= 0 {
			return nil
		}
		var agreed bool
		err := error(nil)
		if ask != nil {
			agreed, err = ask(ctx, *p)
		}
		switch {
		case ask == nil || err != nil:
			return protocol.Wrap(protocol.CodeConfirmationPending, "amount", "PSD-PAY-A402-05", "a person has to decide about this amount", err)
		case !agreed:
			return protocol.New(protocol.CodePolicyRefused, "amount", "PSD-PAY-A402-05", "a person has refused this payment")
		}
		return nil
	}
}

// AtMost stops after n payments to one seller under one mandate. Payments that
// certainly did not happen do not count.
func AtMost(n int) Policy {
	return func(_ context.Context, p *Proposal) error { p.Limit(n); return nil }
}

// RefuseHosts refuses what is asked for at these hosts and below them:
// "shop.example" is also "www.shop.example". A host that is not known is refused
// as well.
func RefuseHosts(hosts ...string) Policy {
	refused := make([]string, len(hosts))
	for n, h := range hosts {
		refused[n] = hostname(h)
	}
	return func(_ context.Context, p *Proposal) error {
		for _, h := range refused {
			if p.Host == "" || p.Host == h || strings.HasSuffix(p.Host, "."+h) {
				return protocol.New(protocol.CodePolicyRefused, "host", "PSD-PAY-A402-05", "nothing is bought from this host")
			}
		}
		return nil
	}
}

// hostname is a host in the one spelling by which it is compared.
func hostname(h string) string {
	if host, _, err := net.SplitHostPort(h); err == nil {
		h = host
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(h, "[]"), "."))
}

// consult asks the policy about a charge that the mandate allows, and returns
// the limit that it set on the number of payments, or 0. An error has one of the
// two codes of a Policy.
func (a *Agent) consult(ctx context.Context, chosen choice, c charge) (limit int, err error) {
	p := &Proposal{
		Mandate: chosen.mandate, Scenario: chosen.mandate.Scenario(), Purchase: c.purchase, Host: hostname(c.host), OrderNo: c.orderNo, What: c.what,
	}
	p.Purchase.Method = chosen.instrument.Method
	p.Purchase.Categories = append([]string(nil), c.purchase.Categories...)
	err = guarded(ctx, func() error { return a.config.Policy(ctx, p) })
	switch {
	case err == nil && p.limit == nil:
		return 0, nil
	case err == nil && *p.limit > 0:
		return *p.limit, nil
	case protocol.CodeOf(err) == protocol.CodePolicyRefused:
		return 0, protocol.AsError(err)
	case errors.Is(err, errAbandoned), protocol.CodeOf(err) == protocol.CodeConfirmationPending:
		return 0, protocol.Wrap(protocol.CodeConfirmationPending, "policy", "PSD-PAY-A402-05", "a person has to decide, and nobody has", err)
	}
	if errors.Is(err, protocol.ErrUndetermined) { // it has refused all the same, and must not look as if it had not
		err = nil
	}
	return 0, protocol.Wrap(protocol.CodePolicyRefused, "policy", "PSD-PAY-A402-05", "", err)
}

// errAbandoned is the error of a call that did not return in time.
var errAbandoned = errors.New("not waited for")

// guarded calls a function of the user's and does not wait for it any longer
// than ctx allows. A panic becomes an error; what it said is not printed.
func guarded(ctx context.Context, f func() error) error {
	if ctx.Err() != nil {
		return errAbandoned
	}
	done := make(chan error, 1)
	go func() {
		err := errPanicked // also when f ends its goroutine
		defer func() {
			_ = recover()
			done <- err
		}()
		err = f()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errAbandoned, ctx.Err())
	}
}

var errPanicked = errors.New("the function panicked")
