package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// home is what only couriers may learn.
const home = "17 Harbour Road, third floor, door code 4711"

// An evening is the story while it is told.
type evening struct {
	*stage.World
	person *stage.Person
	phone  *stage.Phone
	buyer  *stage.Buyer
	till   *till
	market *market

	noodles, orchard, grocer, florist *shop

	mandate agent.Mandate
	sealed  map[string][]byte // what was sealed for whom, by the name of the shop
	spent   money.Amount      // what was bought, as the shops said
}

// tell runs the whole story and fails when anything is not as it should be.
func tell(ctx context.Context, n *stage.Narrator) (err error) {
	w, err := stage.New(ctx, n)
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	e := newEvening(w)
	for _, chapter := range e.chapters() {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (e *evening) chapters() []func(context.Context) error {
	return []func(context.Context) error{
		e.introduce, e.look, e.agree, e.dinner, e.showMandate, e.fruit, e.flowers, e.curious, e.meddling, e.showKnown, e.showBooks,
	}
}

func newEvening(w *stage.World) *evening {
	return &evening{World: w, till: new(till), sealed: map[string][]byte{}, spent: money.Zero(stage.CNY)}
}

func (e *evening) introduce(ctx context.Context) (err error) {
	e.Line("A dinner from several shops of a marketplace, to a door that only couriers learn of (PRV-01, PRV-02).")
	if e.person, err = e.NewPerson(ctx, "principal", stage.Yuan("500.00")); err != nil {
		return err
	}
	if e.phone, err = e.person.PairPhone(ctx, "phone"); err != nil {
		return err
	}
	if err := e.openMarket(); err != nil {
		return err
	}
	for _, s := range []struct {
		shop     **shop
		name     string
		title    string
		id       string
		item     string
		category string
		price    string
		count    int64
	}{
		{&e.noodles, "noodles", "Noodle kitchen", "noodles", "Beef noodles", "food/meal", "28.00", 10},
		{&e.orchard, "orchard", "Orchard", "peaches", "Peaches, one box", "food/fruit", "22.50", 0}, // sold out, and not said in the catalogue
		{&e.grocer, "grocer", "Corner grocer", "peaches", "Peaches, one box", "food/fruit", "24.00", 6},
		{&e.florist, "florist", "Florist", "tulips", "Ten tulips", "gifts/flowers", "45.00", 3},
	} {
		item := commerce.Item{ID: s.id, Name: s.item, Category: s.category, Price: stage.Yuan(s.price), Delivery: 40 * time.Minute}
		if *s.shop, err = e.openShop(ctx, s.name, s.title, item, s.count); err != nil {
			return err
		}
	}
	key, err := e.NewAgentKey("agent")
	if err != nil {
		return err
	}
	e.buyer, err = e.NewBuyer(ctx, "agent", key, e.person, func(c *agent.Config) {
		e.till.PSP = c.Instruments[0].PSP
		c.Instruments[0].PSP = e.till
	})
	return err
}

// look asks the marketplace what there is. It is believed no further than that:
// whom the agent may pay is what the principal confirms next.
func (e *evening) look(ctx context.Context) error {
	e.Chapter("One marketplace, four shops")
	e.Says("agent", "market", "who delivers within the hour?")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.market.site.URL()+"/shops", nil)
	if err != nil {
		return err
	}
	response, err := e.buyer.Plain.Do(request)
	if err != nil {
		return err
	}
	text, err := stage.Read(response)
	if err != nil {
		return err
	}
	var found directory
	if err := canon.Decode([]byte(text), &found); err != nil {
		return err
	}
	var rows [][]string
	for _, l := range found.Shops {
		rows = append(rows, []string{l.Name, l.Item, l.Category, l.Merchant})
	}
	e.Table([]string{"shop", "sells", "category", "identifier"}, rows)
	e.Notes("agent", "each of them has published a key for which others may seal (PRV-02)")
	return nil
}

// errand is the part of an intent that all errands of the evening share.
func (e *evening) errand(total string, within delegation.Commerce) func(*delegation.ISR) {
	return func(i *delegation.ISR) {
		i.DelegationMode, i.MaxTotalAmount = delegation.Specified, delegation.Number(total)
		i.Ext = &delegation.Ext{
			Commerce: &within,
			Fulfillment: &delegation.Fulfillment{
				DeliveryTimeRequirement: canon.FormatTime(i.ValidityStart.Add(90 * time.Minute)), DeliveryAddress: home,
			},
			AgentBehavior: &delegation.AgentBehavior{PriceDeviationTolerance: "10", PriceDeviationAction: delegation.PauseAndNotify},
		}
	}
}

// agree makes the mandate for the food, in the form of which each party can be
// shown a part. The address is not in it: nobody judges an address.
func (e *evening) agree(ctx context.Context) error {
	e.Chapter("A mandate for dinner (L2)")
	confirmed, err := e.person.Confirm(e.buyer, "Two beef noodles and a box of peaches, home, by tonight.", e.errand("150", delegation.Commerce{
		MaxSingleAmount: "80", AllowedMerchants: []string{e.noodles.ID, e.orchard.ID, e.grocer.ID},
		AllowedCategories: []string{"food"}, ForbiddenCategories: []string{"food/alcohol"},
	}))
	if err != nil {
		return err
	}
	raw, err := e.Issuer.Issue(ctx, issuer.Grant{
		Confirmed: confirmed, Delegator: e.person.ID(), Audience: e.Processor.ID().String(), Holder: e.buyer.Signer.Public(), Selective: true,
	})
	if err != nil {
		return err
	}
	if e.mandate, err = e.buyer.Agent.Wallet().Add(raw); err != nil {
		return err
	}
	if e.mandate.Claims().Authorization.Ext.Fulfillment.DeliveryAddress != "" {
		return errors.New("the address is in the mandate")
	}
	e.Message("mandate", raw)
	e.Says("bank", "agent", "%s mandate as SD-JWT, of which each member can be shown apart; the address is not in it (PRV-01, ADD-IAC-ISS-14)", e.mandate.Bounds().Mode())
	return nil
}

func (e *evening) dinner(ctx context.Context) error {
	e.Chapter("Noodles")
	return e.buy(ctx, e.noodles, agent.Line{ItemID: "noodles", Quantity: 2})
}

// buy orders under the mandate.
func (e *evening) buy(ctx context.Context, s *shop, line agent.Line) error {
	at, err := e.buyer.Shop(s.Store)
	if err != nil {
		return err
	}
	return e.bring(ctx, at, s, line, func(o *agent.Order) (*agent.Payment, error) {
		e.Says("agent", "psp", "pay, with what the processor judges of the mandate (PSD-PAY-DEL-02)")
		return e.buyer.Agent.PayOrder(ctx, o)
	})
}

// bring is one errand from cart to courier. The address is sealed before the cart
// is signed, because the cart names it by digest, and sent afterwards.
func (e *evening) bring(ctx context.Context, at *agent.Shop, s *shop, line agent.Line, pay func(*agent.Order) (*agent.Payment, error)) error {
	message, err := e.seal(ctx, s)
	if err != nil {
		return err
	}
	order, err := at.ConfirmCart(ctx, []agent.Line{line}, commerce.Fulfilment{DeliveryAddress: string(canon.Sum(message))})
	if err != nil {
		return err
	}
	e.Says("agent", s.Name, "%d × %s; the address is the message with digest %.17s… (CID-CART-CFM-03)", line.Quantity, line.ItemID, canon.Sum(message))
	e.Says(s.Name, "agent", "%s yuan, held until %s (CID-CART-CFM-04)", order.Confirmation.Amount, order.Confirmation.Expires.Format(time.TimeOnly))
	if err := e.post(ctx, s.Base+"/addresses", message); err != nil {
		return err
	}
	e.sealed[s.Name] = message
	e.Says("agent", s.Name, "the sealed message, %d bytes, through the marketplace (PRV-02)", len(message))
	paid, err := pay(order)
	if err != nil {
		return err
	}
	e.Says("psp", "agent", "paid %s yuan by %s; here is the proof", paid.Amount, paid.Scenario)
	goods, err := e.buyer.PickUp(ctx, order, paid)
	if err != nil {
		return err
	}
	to := s.couriers()
	if len(to) != 1 || to[0] != home {
		return fmt.Errorf("%s has sent %d couriers, or to the wrong door", s.Name, len(to))
	}
	e.Says(s.Name, "principal", "%s, at %s", goods, to[0])
	e.spent, err = e.spent.Add(paid.Amount)
	return err
}

// showMandate compares the mandate with what the processor got of it.
func (e *evening) showMandate(context.Context) error {
	e.Chapter("What the processor was shown of the mandate")
	var payment struct {
		IAC string `json:"iac"`
	}
	if err := canon.DecodeOpen(e.buyer.Wire.Last("payments"), &payment); err != nil {
		return err
	}
	presentation, _ := sdjwt.Cut([]byte(payment.IAC)) // without the agent's signature of this request
	shown, err := delegation.ParseMandate(presentation)
	if err != nil {
		return err
	}
	whole, part := e.mandate.Claims().Authorization, shown.Claims().Authorization
	rows := [][]string{
		{"total, single limit", string(whole.MaxTotalAmount) + ", " + string(whole.Ext.Commerce.MaxSingleAmount), string(part.MaxTotalAmount) + ", " + string(part.Ext.Commerce.MaxSingleAmount)},
		{"allowed merchants", fmt.Sprint(len(whole.Ext.Commerce.AllowedMerchants)), fmt.Sprint(len(part.Ext.Commerce.AllowedMerchants)) + ", the payee"},
		{"forbidden categories", fmt.Sprint(len(whole.Ext.Commerce.ForbiddenCategories)), fmt.Sprint(len(part.Ext.Commerce.ForbiddenCategories))},
		{"what to do when prices move", string(whole.Ext.AgentBehavior.PriceDeviationAction), "nothing"},
		{"how the principal confirmed", whole.UserConfirmationMethod, "nothing"},
	}
	e.Table([]string{"member", "in the mandate", "shown"}, rows)
	switch {
	case len(part.Ext.Commerce.AllowedMerchants) != 1 || part.Ext.Commerce.AllowedMerchants[0] != e.noodles.ID:
		return errors.New("the processor was shown other merchants than the payee")
	case part.Ext.AgentBehavior != nil && *part.Ext.AgentBehavior != (delegation.AgentBehavior{}) || part.UserConfirmationMethod != "" || part.SourceISRDigest != "":
		return errors.New("the processor was shown more than it judges")
	case part.MaxTotalAmount != whole.MaxTotalAmount || len(part.Ext.Commerce.ForbiddenCategories) != 1:
		return errors.New("the processor was shown less than it judges")
	}
	e.Notes("psp", "sees what it judges, and cannot tell how many merchants there are beside the payee (PRV-01)")
	return nil
}

// fruit: the shop that the agent prefers has nothing left, which it says before
// it has been told any address.
func (e *evening) fruit(ctx context.Context) error {
	e.Chapter("Peaches")
	err := e.buy(ctx, e.orchard, agent.Line{ItemID: "peaches", Quantity: 1})
	if err = e.Expect("orchard", err, protocol.CodeOutOfStock); err != nil {
		return err
	}
	e.Notes("agent", "goes to the next shop that the mandate allows; what was sealed for the orchard was not sent")
	at, err := e.buyer.Shop(e.grocer.Store)
	if err != nil {
		return err
	}
	return e.bring(ctx, at, e.grocer, agent.Line{ItemID: "peaches", Quantity: 1}, func(o *agent.Order) (*agent.Payment, error) {
		e.till.withhold("/authorization/ext/commerce/forbidden_categories")
		paid, err := e.buyer.Agent.PayOrder(ctx, o)
		if err != nil {
			return nil, err
		}
		e.Says("agent", "psp", "pay, with a mandate that leaves out what is forbidden")
		if err := e.Expect("psp", e.till.said(), protocol.CodeConstraintWithheld); err != nil {
			return nil, err
		}
		e.Says("agent", "psp", "pay, with all that the processor judges (PSD-PAY-DEL-02)")
		return paid, nil
	})
}

// flowers are not dinner. The principal is there, and pays for them herself.
func (e *evening) flowers(ctx context.Context) error {
	e.Chapter("Flowers, paid with the phone (L1)")
	err := e.buy(ctx, e.florist, agent.Line{ItemID: "tulips", Quantity: 1})
	if err := e.Expect("agent", err, protocol.CodeMerchantNotAllowed); err != nil {
		return err
	}
	confirmed, err := e.person.Confirm(e.buyer, "Tulips then; I pay for them on the phone.", e.errand("60", delegation.Commerce{
		AllowedMerchants: []string{e.florist.ID}, AllowedCategories: []string{"gifts/flowers"},
	}))
	if err != nil {
		return err
	}
	checkout, err := e.buyer.Checkout(confirmed)
	if err != nil {
		return err
	}
	at, err := checkout.Shop(e.florist.Store)
	if err != nil {
		return err
	}
	return e.bring(ctx, at, e.florist, agent.Line{ItemID: "tulips", Quantity: 1}, func(o *agent.Order) (*agent.Payment, error) {
		e.Says("agent", "psp", "instant payment of %s yuan, no mandate (PSD-PAY-INS-08)", o.Confirmation.Amount)
		return checkout.Pay(ctx, o, e.phone.Agree(o))
	})
}

// showBooks compares what was bought with the processor's ledger.
func (e *evening) showBooks(ctx context.Context) error {
	e.Chapter("The processor's ledger")
	return e.Audit(ctx, nil, map[string]money.Amount{e.person.ID(): e.spent})
}
