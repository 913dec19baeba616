package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/provider"
)

// A trip is the story while it is told.
//
// A mandate has one total and one limit for a single payment, whoever is paid.
// The limits of flight and hotel are therefore on what the principal's account
// is bound to: two payment tokens, each for one merchant and up to a ceiling
// (PSD-PMT-BND-03). The processor holds both, the mandate's limits and the
// token's. On the agent's side a token is an instrument, and an agent with one
// instrument each books flights and hotels; both share the wallet and the
// record of what was spent, since the total is one.
type trip struct {
	*stage.World
	person  *stage.Person
	airline *airline
	hotel   *stage.Store
	flights *stage.Buyer
	nights  *stage.Buyer
	tickets []string // the payment tokens of flights, the present one last
	mandate agent.Mandate
	spent   money.Amount // what was bought, as the merchants said
}

// tell runs the whole story and fails when anything is not as it should be.
func tell(ctx context.Context, n *stage.Narrator) (err error) {
	w, err := stage.New(ctx, n)
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	t := &trip{World: w, spent: money.Zero(stage.CNY)}
	for _, chapter := range []func(context.Context) error{
		t.introduce, t.plan, t.separateLimits, t.bookFlight, t.bookHotel, t.breakfast, t.showBooks,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *trip) introduce(ctx context.Context) (err error) {
	t.Line("A flight and two nights, booked while prices move (PSD-PAY-DEL, CID-CART-CFM).")
	if t.person, err = t.NewPerson(ctx, "principal", stage.Yuan("3000.00")); err != nil {
		return err
	}
	if err := t.openMerchants(ctx); err != nil {
		return err
	}
	key, err := t.NewAgentKey("agent")
	if err != nil {
		return err
	}
	ticket, err := t.bind(ctx, key.DID(), t.airline.ID, "1250.00")
	if err != nil {
		return err
	}
	t.tickets = []string{ticket}
	if t.flights, err = t.NewBuyer(ctx, "agent", key, t.person, func(c *agent.Config) { c.Instruments[0].Token = ticket }); err != nil {
		return err
	}
	bed, err := t.bind(ctx, key.DID(), t.hotel.ID, "900.00")
	if err != nil {
		return err
	}
	t.nights, err = t.booker(ctx, bed)
	return err
}

// booker is the agent of the story with another instrument.
func (t *trip) booker(ctx context.Context, token string) (*stage.Buyer, error) {
	return t.NewBuyer(ctx, "agent", t.flights.Signer, t.person, func(c *agent.Config) {
		c.Wallet, c.Spent = t.flights.Agent.Wallet(), t.flights.Spent
		c.Instruments[0].Token = token
	})
}

// intent is what the principal agrees to.
func (t *trip) intent(total string) func(*delegation.ISR) {
	return func(i *delegation.ISR) {
		i.DelegationMode, i.MaxTotalAmount = delegation.Specified, delegation.Number(total)
		i.Ext = &delegation.Ext{
			Commerce: &delegation.Commerce{
				AllowedMerchants: []string{t.airline.ID, t.hotel.ID}, AllowedCategories: []string{"travel"},
			},
			AgentBehavior: &delegation.AgentBehavior{PriceDeviationTolerance: "5", PriceDeviationAction: delegation.PauseAndNotify},
		}
	}
}

func (t *trip) plan(ctx context.Context) error {
	t.Chapter("One mandate, a limit for each")
	confirmed, err := t.person.Confirm(t.flights, "Book the morning flight and two nights at the hotel by the lake.", t.intent("2100"))
	if err != nil {
		return err
	}
	if t.mandate, err = t.person.Grant(ctx, t.flights, confirmed); err != nil {
		return err
	}
	t.saw(t.flights, t.airline.ID, "seat", "1180.00")
	t.saw(t.nights, t.hotel.ID, "night", "420.00")
	t.Says("principal", "psp", "bind my account to the agent: 1250.00 for the airline only, 900.00 for the hotel only (PSD-PMT-BND-03)")
	return nil
}

// saw remembers the price that the principal saw when she agreed.
func (t *trip) saw(b *stage.Buyer, merchant, item, price string) {
	b.Agent.RecordPrice(merchant, item, stage.Yuan(price))
	t.Notes("agent", "one %s was %s yuan when the principal agreed; 5 %% more is too much", item, price)
}

// order has one line confirmed by a merchant.
func order(ctx context.Context, b *stage.Buyer, s *stage.Store, item string, quantity int64) (*agent.Order, error) {
	shop, err := b.Shop(s)
	if err != nil {
		return nil, err
	}
	return shop.ConfirmCart(ctx, []agent.Line{{ItemID: item, Quantity: quantity}}, commerce.Fulfilment{})
}

// separateLimits: money for the flight does not pay for the hotel, although the
// mandate would allow it.
func (t *trip) separateLimits(ctx context.Context) error {
	wrong, err := t.booker(ctx, t.tickets[0])
	if err != nil {
		return err
	}
	wrong.Agent.RecordPrice(t.hotel.ID, "night", stage.Yuan("420.00"))
	o, err := order(ctx, wrong, t.hotel, "night", 1)
	if err != nil {
		return err
	}
	t.Says("agent", "psp", "pay one night with the token for the airline")
	_, err = wrong.Agent.PayOrder(ctx, o)
	return t.Expect("psp", err, protocol.CodeInstrumentInvalid)
}

func (t *trip) bookFlight(ctx context.Context) error {
	t.Chapter("The flight")
	t.airline.SetPrice("seat", stage.Yuan("1290.00"))
	t.Says("airline", "agent", "the morning flight: 1290.00 yuan now")
	_, err := order(ctx, t.flights, t.airline.Store, "seat", 1)
	if err := t.Expect("agent", err, protocol.CodePriceDeviation); err != nil {
		return err
	}
	if err := t.confirmAnew(ctx); err != nil {
		return err
	}
	held, err := t.hold(ctx)
	if err != nil {
		return err
	}
	if err := t.tooLate(ctx, held); err != nil {
		return err
	}
	return t.flyAnyway(ctx)
}

// confirmAnew is what PAUSE_AND_NOTIFY leads to: the principal is asked, and a
// new mandate takes the place of the old one, which nobody can widen.
func (t *trip) confirmAnew(ctx context.Context) error {
	t.Says("agent", "principal", "the flight costs 1290.00 instead of 1180.00: what now? (CID-CART-CFM-02)")
	confirmed, err := t.person.Confirm(t.flights, "Take it, up to 1310 for the flight. The hotel as before.", t.intent("2210"))
	if err != nil {
		return err
	}
	if err := t.Issuer.Revoke(ctx, t.mandate.Claims().ID, delegation.ActorPrincipal); err != nil {
		return err
	}
	t.flights.Agent.Wallet().Remove(t.mandate.Key())
	t.Says("principal", "bank", "revoke the first mandate (ADD-IAC-LCM-04)")
	if t.mandate, err = t.person.Grant(ctx, t.flights, confirmed); err != nil {
		return err
	}
	if err := t.Processor.SetTokenState(ctx, t.tickets[0], provider.TokenCancelled); err != nil {
		return err
	}
	ticket, err := t.bind(ctx, t.flights.ID(), t.airline.ID, "1310.00")
	if err != nil {
		return err
	}
	t.tickets = append(t.tickets, ticket)
	t.Says("principal", "psp", "cancel the first token for the airline; 1310.00 by a new one (PSD-PMT-BND-04)")
	if t.flights, err = t.booker(ctx, ticket); err != nil {
		return err
	}
	t.saw(t.flights, t.airline.ID, "seat", "1290.00")
	return nil
}

// hold has the last seat held; the airline has no second one to give away.
func (t *trip) hold(ctx context.Context) (*agent.Order, error) {
	held, err := order(ctx, t.flights, t.airline.Store, "seat", 1)
	if err != nil {
		return nil, err
	}
	t.Says("airline", "agent", "the last seat is yours until %s (CID-CART-CFM-04)", held.Confirmation.Expires.Format(time.TimeOnly))
	_, err = order(ctx, t.flights, t.airline.Store, "seat", 1)
	return held, t.Expect("airline", err, protocol.CodeOutOfStock)
}

// tooLate: the lock ends before the payment, and the seat is free again.
func (t *trip) tooLate(ctx context.Context, held *agent.Order) error {
	t.Pass(25 * time.Minute)
	t.Notes("network", "the agent is offline for 25 minutes")
	_, err := t.flights.Agent.PayOrder(ctx, held)
	if err := t.Expect("agent", err, protocol.CodeOrderExpired); err != nil {
		return err
	}
	t.Notes("airline", "has given the seat back: it can be held again")
	return nil
}

// flyAnyway books the seat, whose price moves while that is done.
func (t *trip) flyAnyway(ctx context.Context) error {
	t.airline.moveAfterLook(stage.Yuan("1299.00"))
	_, err := order(ctx, t.flights, t.airline.Store, "seat", 1)
	if err := t.Expect("airline", err, protocol.CodePriceChanged); err != nil {
		return err
	}
	t.Says("airline", "agent", "1299.00 yuan, since a second ago")
	o, err := order(ctx, t.flights, t.airline.Store, "seat", 1)
	if err != nil {
		return err
	}
	t.Notes("agent", "0.7 %% more than the principal saw is within 5 %% (CID-CART-CFM-01)")
	return t.pay(ctx, t.flights, o, "airline")
}

// pay pays an order and takes what was bought.
func (t *trip) pay(ctx context.Context, b *stage.Buyer, o *agent.Order, merchant string) error {
	paid, err := b.Agent.PayOrder(ctx, o)
	if err != nil {
		return err
	}
	t.Says("agent", "psp", "%s yuan for the %s (PSD-PAY-DEL-02)", paid.Amount, merchant)
	goods, err := b.PickUp(ctx, o, paid)
	if err != nil {
		return err
	}
	t.Says(merchant, "agent", "%s", goods)
	t.spent, err = t.spent.Add(paid.Amount)
	return err
}

func (t *trip) bookHotel(ctx context.Context) error {
	t.Chapter("The hotel")
	t.hotel.SetPrice("night", stage.Yuan("425.00"))
	t.Says("hotel", "agent", "425.00 yuan a night now")
	o, err := order(ctx, t.nights, t.hotel, "night", 2)
	if err != nil {
		return err
	}
	t.Notes("agent", "1.2 %% more than the principal saw is within 5 %% (CID-CART-CFM-01)")
	return t.pay(ctx, t.nights, o, "hotel")
}

// breakfast is an extra under a mandate of its own, which says that a price
// that moved is not worth a question.
func (t *trip) breakfast(ctx context.Context) error {
	t.Chapter("The extra")
	confirmed, err := t.person.Confirm(t.nights, "Breakfast too, if it is still 58. Do not ask me otherwise.", func(i *delegation.ISR) {
		i.DelegationMode, i.MaxTotalAmount = delegation.Specified, "100"
		i.Ext = &delegation.Ext{
			Commerce: &delegation.Commerce{AllowedMerchants: []string{t.hotel.ID}, AllowedCategories: []string{"food/breakfast"}},
			AgentBehavior: &delegation.AgentBehavior{
				PriceDeviationTolerance: "0", PriceDeviationAction: delegation.AutoCancel,
			},
		}
	})
	if err != nil {
		return err
	}
	if _, err := t.person.Grant(ctx, t.nights, confirmed); err != nil {
		return err
	}
	t.nights.Agent.RecordPrice(t.hotel.ID, "breakfast", stage.Yuan("58.00"))
	t.hotel.SetPrice("breakfast", stage.Yuan("78.00"))
	t.Says("hotel", "agent", "breakfast: 78.00 yuan now")
	_, err = order(ctx, t.nights, t.hotel, "breakfast", 1)
	if err := t.Expect("agent", err, protocol.CodePriceDeviation); err != nil {
		return err
	}
	refusals := t.nights.Agent.Refusals()
	last := refusals[len(refusals)-1]
	if last.Policy != delegation.AutoCancel {
		return fmt.Errorf("the policy was %s", last.Policy)
	}
	t.Notes("agent", "%s: ended, and kept with the reason; nobody is asked (CID-CART-CFM-02)", last.Policy)
	return nil
}

// showBooks compares what was bought with the processor's ledger.
func (t *trip) showBooks(ctx context.Context) error {
	t.Chapter("The processor's ledger")
	for _, s := range []*stage.Store{t.airline.Store, t.hotel} {
		if err := s.Shop.Flush(ctx); err != nil {
			return err
		}
	}
	bill, err := t.flights.Agent.TaskBill(ctx, t.mandate)
	if err != nil {
		return err
	}
	if bill.Spent != t.spent {
		return fmt.Errorf("the agent's bill says %s, the merchants %s", bill.Spent, t.spent)
	}
	names := map[string]string{t.airline.ID: "airline", t.hotel.ID: "hotel"}
	if err := t.Audit(ctx, names, map[string]money.Amount{t.person.ID(): t.spent}); err != nil {
		return err
	}
	t.Notes("agent", "spent %s of %s yuan (PSD-PAY-DEL-10)", bill.Spent, bill.Total)
	return nil
}
