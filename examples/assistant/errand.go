package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

// patience is how long the agent waits for each merchant.
const patience = 2 * time.Second

// A wish is what somebody wants, and what has to come of it.
type wish struct {
	who, words, category string
	limit                delegation.Number
	by                   criterion
	from, price          string // where the story has it that it is bought, and for how much
}

var wishes = []wish{
	{"reader", "A novel for a long journey.", "books/novel", "100", cheapest, "warehouse", "38.00"},
	{"cook", "A cookbook about noodles.", "books/cookbook", "80", cheapest, "bazaar", "55.00"},
	{"runner", "Running shoes for wet roads, as soon as possible.", "sport/shoes", "450", fastest, "corner", "399.00"},
	{"camper", "A lantern for my tent, by tomorrow.", "sport/lantern", "100", cheapest.by(24 * time.Hour), "corner", "68.00"},
	{"gardener", "A bag of tulip bulbs, by tomorrow.", "garden/bulbs", "60", cheapest.by(24 * time.Hour), "bazaar", "29.00"},
	{"painter", "A set of watercolours.", "art/paint", "120", cheapest, "bazaar", "79.00"},
	{"pianist", "A metronome.", "music/metronome", "200", cheapest, "warehouse", "120.00"},
	{"traveller", "An adapter for my charger, this afternoon.", "electronics/adapter", "60", cheapest.by(4 * time.Hour), "corner", "45.00"},
}

// An errand is one person's wish on its way. It has an agent of its own: the
// key is the same for all, and the wallet, the record of what was spent, the
// payment token and the binding are this person's.
type errand struct {
	wish
	person  *stage.Person
	buyer   *stage.Buyer
	token   string
	mandate agent.Mandate
	shops   []*agent.Shop // the merchants as this agent sees them
	taste   string        // what the person has agreed to be told of their taste

	answers *agent.Answers
	record  *record
	sealed  []byte
	choice  *agent.Candidate
	goods   string
	spent   money.Amount
}

// begin makes the person a customer of the platform.
func (a *assistant) begin(ctx context.Context, w wish) (e *errand, err error) {
	e = &errand{wish: w, spent: money.Zero(stage.CNY)}
	if e.person, err = a.NewPerson(ctx, w.who, stage.Yuan("1000.00")); err != nil {
		return nil, err
	}
	if e.token, err = e.person.Token(ctx, a.platform.agent.DID()); err != nil {
		return nil, err
	}
	e.buyer, err = a.session(ctx, e.person, e.token, a.platform.bind(e.person.ID(), a.Processor.ID().String()), nil)
	if err != nil {
		return nil, err
	}
	e.shops, err = shopsOf(e.buyer, a.stores)
	return e, err
}

// session is the platform's agent while it acts for one person. Its verifier
// believes the bank's mandates for this person only. A nil wallet is a new one.
func (a *assistant) session(ctx context.Context, p *stage.Person, token string, b binder, wallet *agent.Wallet) (*stage.Buyer, error) {
	provider, err := a.platform.provider(b)
	if err != nil {
		return nil, err
	}
	return a.NewBuyer(ctx, "assistant", a.platform.agent, p, func(c *agent.Config) {
		c.Instruments[0].PSP, c.Instruments[0].Token = provider, token
		if wallet != nil {
			c.Wallet = wallet
		}
	})
}

func shopsOf(b *stage.Buyer, stores []*stage.Store) (shops []*agent.Shop, err error) {
	for _, s := range stores {
		shop, err := b.Shop(s)
		if err != nil {
			return nil, err
		}
		shops = append(shops, shop)
	}
	return shops, nil
}

// agree has the person confirm and the bank issue the mandate.
func (a *assistant) agree(ctx context.Context, e *errand) error {
	confirmed, err := e.person.Confirm(e.buyer, e.words, func(i *delegation.ISR) {
		i.DelegationMode, i.MaxTotalAmount = delegation.Specified, e.limit
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: a.ids(), AllowedCategories: []string{e.category}}}
	})
	if err != nil {
		return err
	}
	e.mandate, err = e.person.Grant(ctx, e.buyer, confirmed)
	return err
}

// need is what the merchants are told. NeedFrom takes all from the mandate; how
// much the person would pay at most is nobody's business, since it might become
// the price. What is dearer is left out when the answers are judged.
func (e *errand) need(ctx context.Context, now time.Time) (agent.Need, error) {
	n, err := e.buyer.Agent.NeedFrom(ctx, e.mandate, e.words)
	n.MaxPrice, n.Sort = money.Amount{}, e.by.sort
	if e.taste != "" {
		n.Preferences = []agent.Hint{{Text: e.taste}}
		n.Consent = &agent.Consent{IntentID: e.intentID(), Scope: []commerce.ConsentScope{commerce.ConsentPreferences}, GrantedAt: now}
	}
	return n, err
}

// intentID is what links the person's words, the mandate and the record.
func (e *errand) intentID() string { return e.mandate.Claims().Authorization.IntentID }

// run does the errand: research, compare, decide, buy, fetch.
func (a *assistant) run(ctx context.Context, e *errand) error {
	need, err := e.need(ctx, a.Now())
	if err != nil {
		return err
	}
	e.answers = agent.AskAll(ctx, e.shops, need, agent.AskOptions{Timeout: patience})
	if err := e.answers.Err(); err != nil {
		return err
	}
	e.record, e.choice, err = decide(e.intentID(), e.by, e.answers, a.Now())
	if err != nil {
		return err
	}
	if e.sealed, err = e.record.seal(); err != nil { // before the money moves
		return err
	}
	return e.buy(ctx, e.choice.Shop, agent.Line{ItemID: e.choice.Item.ID, Quantity: 1, MaxPrice: e.choice.Item.Price})
}

// buy orders one piece, pays it and fetches it.
func (e *errand) buy(ctx context.Context, shop *agent.Shop, line agent.Line) error {
	order, paid, err := pay(ctx, e.buyer, shop, line)
	if err != nil {
		return err
	}
	if e.spent, err = e.spent.Add(paid.Amount); err != nil {
		return err
	}
	e.goods, err = e.buyer.PickUp(ctx, order, paid)
	return err
}

// pay orders one piece and pays it.
func pay(ctx context.Context, b *stage.Buyer, shop *agent.Shop, line agent.Line) (*agent.Order, *agent.Payment, error) {
	order, err := shop.ConfirmCart(ctx, []agent.Line{line}, commerce.Fulfilment{})
	if err != nil {
		return nil, nil, err
	}
	paid, err := b.Agent.PayOrder(ctx, order)
	return order, paid, err
}

// each does something for all errands at once, and fails with the first of the
// errors in the errands' order.
func (a *assistant) each(do func(*errand) error) error {
	errs := make([]error, len(a.errands))
	var wg sync.WaitGroup
	for n, e := range a.errands {
		wg.Go(func() { errs[n] = do(e) })
	}
	wg.Wait()
	for n, err := range errs {
		if err != nil {
			return fmt.Errorf("the %s's errand: %w", a.errands[n].who, err)
		}
	}
	return nil
}
