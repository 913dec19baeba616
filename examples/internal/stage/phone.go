package stage

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A Phone is paired with one person's account at the processor. What its key
// signs at the cashier moves that person's money, and nobody else's
// (PSD-PAY-INS-03).
type Phone struct {
	Name  string
	Owner *Person
	ID    string // the processor's name for it
	Wire  *Wiretap

	device *cashier.Device // with the key, which never leaves the phone
}

// PairPhone makes a key in a new phone and registers its public half with the
// processor, which has identified the person before.
func (p *Person) PairPhone(ctx context.Context, name string) (*Phone, error) {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		return nil, err
	}
	public, err := keys.NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	id, err := p.world.Processor.PairDevice(ctx, p.ID(), public)
	if err != nil {
		return nil, err
	}
	phone := &Phone{Name: name, Owner: p, ID: id, Wire: &Wiretap{Story: p.world.Narrator}}
	phone.device = &cashier.Device{ID: id, Key: key, Cashier: p.world.Processor.Cashier(), Client: p.world.NewClient(phone.Wire)}
	return phone, nil
}

// Decide opens the cashier's address, shows the owner what is to be paid, and
// gives the cashier the owner's answer: signed when it is yes.
func (ph *Phone) Decide(ctx context.Context, url string, owner func(cashier.View) bool) (cashier.View, error) {
	n, agreed := ph.Owner.world.Narrator, false
	view, err := ph.device.Decide(ctx, url, func(v cashier.View) bool {
		n.Says("psp", ph.Name, "%s %s to %s, by %s, open until %s (PSD-PAY-INS-02)", v.Amount, v.Currency, payee(v), v.Method, v.Expires)
		agreed = owner(v)
		return agreed
	})
	if agreed {
		n.Says(ph.Owner.Name, ph.Name, "yes")
		n.Says(ph.Name, "psp", "yes to exactly this, signed by the key of the phone (PSD-PAY-INS-03)")
	} else if err == nil {
		n.Says(ph.Owner.Name, ph.Name, "no")
	}
	return view, err
}

func payee(v cashier.View) string {
	if v.PayeeName == "" {
		return v.Payee
	}
	return v.PayeeName
}

// Shows reports whether the cashier shows what a merchant has confirmed: amount,
// currency, payee, order and method. It is what an attentive person compares.
func Shows(v cashier.View, o commerce.Order) bool {
	return v.Amount == o.Amount.String() && v.Currency == o.Amount.Currency().Code() && v.Payee == o.MerchantID &&
		v.Order == o.MerchantOrderID && v.Method == Method
}

// A Checkout is a buyer whose principal is there, phone in hand, and confirms
// each payment (PSD-PAY-INS). One payment at a time.
type Checkout struct {
	*agent.Instant
	buyer *Buyer
	visit atomic.Pointer[visit]
}

// A visit is what happens when the principal is taken to the cashier.
type visit struct {
	run   func(context.Context, payment.Pending) error
	ended chan error
}

// Checkout makes a buyer pay instantly for what its principal has confirmed.
func (b *Buyer) Checkout(c *delegation.Confirmed) (*Checkout, error) {
	out := &Checkout{buyer: b}
	var err error
	out.Instant, err = b.Agent.Instant(agent.InstantConfig{Intent: c, Cashier: out.cashier})
	return out, err
}

// cashier is what the agent calls when the processor waits for the principal.
// A phone does not hang up because the agent has heard the outcome.
func (c *Checkout) cashier(ctx context.Context, p payment.Pending) error {
	v := c.visit.Swap(nil)
	if v == nil {
		return errors.New("nobody is at the phone")
	}
	err := v.run(context.WithoutCancel(ctx), p)
	v.ended <- err
	return err
}

// Shop is a store whose orders are paid instantly.
func (c *Checkout) Shop(s *Store) (*agent.Shop, error) {
	return c.Instant.Shop(s.ID, s.Base, c.buyer.Plain)
}

// Pay pays an order. While the processor waits for the principal, at happens; an
// error of at is the story's, not the payment's, and ends it.
func (c *Checkout) Pay(ctx context.Context, o *agent.Order, at func(context.Context, payment.Pending) error) (*agent.Payment, error) {
	v := &visit{run: at, ended: make(chan error, 1)}
	c.visit.Store(v)
	paid, err := c.buyer.Agent.PayOrder(ctx, o)
	if c.visit.Swap(nil) == nil { // somebody went to the cashier, and has to come back
		if failed := <-v.ended; failed != nil {
			return nil, fmt.Errorf("at the cashier: %w", failed)
		}
	}
	return paid, err
}

// Agree is what usually happens at the cashier: the owner of the phone compares
// what it shows with the order and says yes.
func (ph *Phone) Agree(o *agent.Order) func(context.Context, payment.Pending) error {
	return func(ctx context.Context, p payment.Pending) error {
		v, err := ph.Decide(ctx, p.CashierURL, func(v cashier.View) bool { return Shows(v, o.Confirmation) })
		if err == nil && v.State != cashier.Paid {
			err = errors.New("the cashier shows something else than the order")
		}
		return err
	}
}

// Refuse is a person who looks and says no.
func (ph *Phone) Refuse(ctx context.Context, p payment.Pending) error {
	_, err := ph.Decide(ctx, p.CashierURL, func(cashier.View) bool { return false })
	return err
}
