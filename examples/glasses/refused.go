package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A visit is what happens at the cashier while the processor waits.
type visit = func(context.Context, payment.Pending) error

// refusals are four payments that do not happen.
func (s *walk) refusals(ctx context.Context) error {
	for _, r := range []struct {
		title string
		run   func(context.Context) error
	}{
		{"Cancelled", s.cancelled},
		{"Too late", s.tooLate},
		{"More than was said", s.tooMuch},
		{"Altered on the way", s.altered},
	} {
		s.Chapter(r.title)
		if err := s.untouched(ctx, r.run); err != nil {
			return fmt.Errorf("%s: %w", r.title, err)
		}
	}
	return nil
}

// untouched runs something, and compares the processor's accounts and what the
// glasses hold reserved before and after (PSD-PAY-INS-04).
func (s *walk) untouched(ctx context.Context, run func(context.Context) error) error {
	if err := s.teahouse.Shop.Flush(ctx); err != nil {
		return err
	}
	if err := s.Unmoved(ctx, run); err != nil {
		return err
	}
	spent, err := s.glasses.Agent.Spent(ctx, s.checkout.Intent())
	if err != nil {
		return err
	}
	if spent != s.spent {
		return fmt.Errorf("%s is spent or reserved instead of %s", spent, s.spent)
	}
	s.Notes("psp", "nothing was moved or reserved (PSD-PAY-INS-04)")
	return nil
}

// cancelled: the principal looks at the phone and says no.
func (s *walk) cancelled(ctx context.Context) error {
	order, err := s.order(ctx, agent.Line{ItemID: "tea", Quantity: 1})
	if err != nil {
		return err
	}
	_, err = s.ask(ctx, order, s.phone.Refuse)
	return s.Expect("psp", err, protocol.CodeConfirmationFailed)
}

// tooLate: the phone is in the pocket, and the principal says yes to a payment
// that is over.
func (s *walk) tooLate(ctx context.Context) error {
	order, err := s.order(ctx, agent.Line{ItemID: "cake", Quantity: 1})
	if err != nil {
		return err
	}
	_, err = s.ask(ctx, order, func(ctx context.Context, p payment.Pending) error {
		_, err := s.phone.Decide(ctx, p.CashierURL, func(v cashier.View) bool {
			s.Pass(p.ExpiresAt.Sub(s.Now()))
			s.Notes("phone", "in a pocket, until the time to confirm is over")
			return stage.Shows(v, order.Confirmation)
		})
		return s.Expect("cashier", err, protocol.CodeConfirmationFailed)
	})
	s.Says("glasses", "psp", "what came of it?")
	return s.Expect("psp", err, protocol.CodeConfirmationFailed)
}

// tooMuch: what the principal said binds the glasses although no mandate does.
func (s *walk) tooMuch(ctx context.Context) error {
	s.Notes("glasses", "have understood two of each, which is more than 30 yuan")
	_, err := s.shop.ConfirmCart(ctx, []agent.Line{{ItemID: "tea", Quantity: 2}, {ItemID: "cake", Quantity: 2}}, commerce.Fulfilment{})
	return s.Expect("glasses", err, protocol.CodeSingleLimitExceeded)
}

// altered: something in the glasses has their key and their token, and asks for
// more than the tea house. The processor compares with what the tea house
// signed before it asks anybody, so that nobody is shown the wrong amount.
func (s *walk) altered(ctx context.Context) error {
	order, err := s.order(ctx, agent.Line{ItemID: "cake", Quantity: 1})
	if err != nil {
		return err
	}
	provider, err := s.Provider(s.glasses.Signer, nil)
	if err != nil {
		return err
	}
	last, err := payment.ParseRequest(s.glasses.Wire.Last("payments"))
	if err != nil {
		return err
	}
	q := last.Request // the one before, with the token in it
	q.RequestID, q.Order, q.MerchantOrderID = canon.UUID(), order.Token, order.Confirmation.MerchantOrderID
	q.Amount = stage.Yuan("85.00")
	before, err := s.waiting(ctx)
	if err != nil {
		return err
	}
	s.Says("glasses", "psp", "pay %s yuan for the order of %s", q.Amount, order.Confirmation.Amount)
	_, err = provider.Pay(ctx, q)
	if err := s.Expect("psp", err, protocol.CodeOrderMismatch); err != nil {
		return err
	}
	after, err := s.waiting(ctx)
	if err == nil && after != before {
		err = errors.New("the cashier has heard of it")
	}
	if err == nil {
		s.Notes("cashier", "has never heard of it (PSD-PAY-INS-01)")
	}
	return err
}

// waiting is how many payments have ever reached the cashier.
func (s *walk) waiting(ctx context.Context) (int, error) {
	instants, err := s.Book.Instants(ctx, 100)
	return len(instants), err
}

// otherPhone: the cashier's address got into somebody else's hands, whose phone
// is paired too, with another account. The payment goes on waiting for the
// principal.
func (s *walk) otherPhone(ctx context.Context) error {
	s.Chapter("Somebody else's phone")
	order, err := s.order(ctx, agent.Line{ItemID: "cake", Quantity: 1})
	if err != nil {
		return err
	}
	return s.pay(ctx, order, func(ctx context.Context, p payment.Pending) error {
		err := s.Unmoved(ctx, func(ctx context.Context) error {
			_, err := s.other.Decide(ctx, p.CashierURL, func(cashier.View) bool { return true })
			return s.Expect("cashier", err, protocol.CodePrincipalMismatch)
		})
		if err != nil {
			return err
		}
		s.Notes("cashier", "goes on waiting for the principal")
		return s.phone.Agree(order)(ctx, p)
	})
}
