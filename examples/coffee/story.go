package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

const (
	latte = "latte"
	// disputeDays is how long the agent keeps what was said.
	disputeDays = 180
)

// The prices of the story.
var (
	lattePrice = stage.Yuan("18.00")
	teaHouse   = stage.Yuan("19.00") // for a latte there
	pagePrice  = stage.Yuan("0.30")
)

// A tale is the story while it is told.
type tale struct {
	*stage.World
	person    *stage.Person
	buyer     *stage.Buyer
	shop, tea *stage.Store
	intents   agent.MemoryIntents
	received  money.Amount // the price of all that the shops handed over
	explained bool         // a payment's checks
}

// tell runs the whole story and fails when anything is not as it should be.
func tell(ctx context.Context, n *stage.Narrator) (err error) {
	w, err := stage.New(ctx, n)
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	t := &tale{World: w, received: money.Zero(stage.CNY)}
	for _, chapter := range []func(context.Context) error{
		t.moveIn, t.introduce, t.buyLatte, t.readReports, t.attacks, t.showBook,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

// moveIn is what happened long before any purchase: the principal has put 100
// yuan on an account, which the agent can pay from, and two shops have opened.
func (t *tale) moveIn(ctx context.Context) (err error) {
	if t.person, err = t.NewPerson(ctx, "principal", stage.Yuan("100.00")); err != nil {
		return err
	}
	key, err := t.NewAgentKey("agent")
	if err != nil {
		return err
	}
	if t.buyer, err = t.NewBuyer(ctx, "agent", key, t.person, nil); err != nil {
		return err
	}
	if t.shop, err = t.openStore(ctx, "coffee", lattePrice); err != nil {
		return err
	}
	if t.tea, err = t.openStore(ctx, "tea", teaHouse); err != nil {
		return err
	}
	// Two pages that cost: all that a merchant writes is the offer and a handler
	// that knows nothing of payment.
	for _, page := range []string{"report", "forecast"} {
		offer := merchant.Offer{Resource: page, Category: "data/" + page, Price: pagePrice}
		t.shop.Sell("GET /"+page, offer, func(rw http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(rw, "bean price %s, day %s: 31.40 yuan a kilo", page, r.URL.Query().Get("day"))
		})
	}
	return nil
}

func (t *tale) openStore(ctx context.Context, name string, price money.Amount) (*stage.Store, error) {
	s, err := t.NewStore(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	return s, s.Stock(ctx, commerce.Item{
		ID: latte, Name: "Caffè latte, 12 oz", Category: "food/coffee", Price: price, Delivery: 5 * time.Minute,
	}, 12)
}

func (t *tale) introduce(context.Context) error {
	t.Line("Ids such as PSD-PAY-DEL-04 name requirements of ACT 2.1: ADD is delegation, CID commerce,")
	t.Line("PSD payment, PRV privacy. SPEC.md has the table of all of them.")
	t.Chapter("The parties, each a server of its own on this machine")
	t.Table([]string{"", "identifier", "signs with"}, [][]string{
		{"principal", t.person.ID(), "(her bank does)"},
		{"bank", t.Bank.ID(), "mandates, their state"},
		{"agent", t.buyer.ID(), "needs, carts, payments"},
		{"shop", t.shop.ID, "its card, orders, bills"},
		{"tea house", t.tea.ID, "the same"},
		{"psp", t.Processor.ID().String(), "results, proofs"},
	})
	return nil
}

// wish is a principal who says what she wants, sees the summary, and agrees;
// her bank then issues the mandate.
func (t *tale) wish(ctx context.Context, words string, update func(*delegation.ISR)) (agent.Mandate, error) {
	confirmed, err := t.person.Confirm(t.buyer, words, update)
	if err != nil {
		return agent.Mandate{}, err
	}
	if err := t.intents.Keep(ctx, confirmed, t.Now().AddDate(0, 0, disputeDays)); err != nil {
		return agent.Mandate{}, err
	}
	t.Notes("agent", "keeps these words for %d days, in case of a dispute (ADD-INT-ICS-18)", disputeDays)
	return t.person.Grant(ctx, t.buyer, confirmed)
}

func latteFrom(shops ...string) func(*delegation.ISR) {
	return func(i *delegation.ISR) {
		i.DelegationMode = delegation.Specified
		i.MaxTotalAmount = "20"
		i.Ext = &delegation.Ext{
			Commerce: &delegation.Commerce{
				MaxSingleAmount: "20", AllowedMerchants: shops, AllowedCategories: []string{"food/coffee"},
			},
			AgentBehavior: &delegation.AgentBehavior{
				PriceDeviationTolerance: "10", PriceDeviationAction: delegation.PauseAndNotify,
			},
		}
	}
}

// buyLatte is directed delegated payment: the goods are known, the person is
// not there any more when it happens.
func (t *tale) buyLatte(ctx context.Context) error {
	t.Chapter("A latte, by directed delegated payment (PSD-PAY-DEL)")
	m, err := t.wish(ctx, "A latte, under 20 yuan, from the coffee shop or the tea house, today.", latteFrom(t.shop.ID, t.tea.ID))
	if err != nil {
		return err
	}
	best, err := t.find(ctx, m)
	if err != nil {
		return err
	}
	_, decision := t.buyer.Agent.Check(ctx, delegation.Purchase{
		Amount: best.Item.Price, CataloguePrice: best.Item.Price, Merchant: best.Shop.Merchant(), Categories: []string{best.Item.Category},
	})
	t.Notes("agent", "may I? %d checks, %s (CID-CART-CFM-01, PSD-PAY-DEL-01)", len(decision.Checks()), decision.Outcome())
	t.Checks(decision.Checks())

	agreed, err := best.Shop.Negotiate(ctx, best.Item.Price)
	if err != nil {
		return err
	}
	t.Says("agent", "shop", "how can I pay you? (CID-PCA-NEG-03)")
	t.Says("shop", "agent", "here is my card, signed, and what it points to: by %s, through %s (CID-PCA-NEG-01, -02)", agreed.MethodID, agreed.PSPID)
	t.Notes("agent", "that is my psp, at the address that I know myself: agreed (CID-PCA-NEG-04, -07)")
	order, err := best.Shop.Under(agreed).ConfirmCart(ctx, []agent.Line{{ItemID: best.Item.ID, Quantity: 1, MaxPrice: best.Item.Price}}, commerce.Fulfilment{})
	if err != nil {
		return err
	}
	t.Says("agent", "shop", "one latte, please (CID-CART-CFM-03)")
	if err := t.payAndPickUp(ctx, order); err != nil {
		return err
	}
	spent, err := t.buyer.Agent.Spent(ctx, m)
	if err != nil {
		return err
	}
	t.Notes("agent", "spent %s of %s yuan (PSD-PAY-DEL-10)", spent, m.Bounds().Total())
	return nil
}

// find asks both shops and returns the cheapest latte. The mandate judges the
// need before it is sent, and every candidate that comes back.
func (t *tale) find(ctx context.Context, m agent.Mandate) (agent.Candidate, error) {
	shop, err := t.buyer.Shop(t.shop)
	if err != nil {
		return agent.Candidate{}, err
	}
	tea, err := t.buyer.Shop(t.tea)
	if err != nil {
		return agent.Candidate{}, err
	}
	need := agent.Need{Explicit: "a latte", Categories: []string{"food/coffee"}, Sort: commerce.SortPrice}
	found := agent.AskAll(ctx, []*agent.Shop{shop, tea}, need, agent.AskOptions{})
	t.Says("agent", "both shops", "who has a latte? (CID-INT-XFR-01, -06) Neither hears of the limit, the mandate or the other shop")
	if err := found.Err(); err != nil {
		return agent.Candidate{}, err
	}
	if !t.discreet(need, m) {
		return agent.Candidate{}, errors.New("a shop was told more than the need, or less")
	}
	for _, c := range found.Candidates {
		who := "shop"
		if c.Shop == tea {
			who = "tea house"
		}
		t.Says(who, "agent", "%s, %s, %s yuan (CID-INT-XFR-03, CID-MER-CAT-01)", c.Item.Name, c.Item.Category, c.Item.Price)
	}
	best := found.Candidates[0]
	if len(found.Candidates) != 2 || best.Shop != shop {
		return best, fmt.Errorf("the coffee shop is not the cheapest of two, but of %d", len(found.Candidates))
	}
	return best, t.buyer.Chose(m, found.Candidates, best)
}

// discreet looks at what the agent has really sent: to both shops the need, and
// to none the mandate or the other shop.
func (t *tale) discreet(need agent.Need, m agent.Mandate) bool {
	told := func(s *stage.Store, text string) bool { return t.buyer.Wire.Told(s.Site.Host, []byte(text)) }
	for _, c := range [][2]*stage.Store{{t.shop, t.tea}, {t.tea, t.shop}} {
		if one, other := c[0], c[1]; !told(one, need.Explicit) || told(one, other.ID) || told(one, m.Raw()) {
			return false
		}
	}
	return true
}

// payAndPickUp pays a confirmed order and takes what was bought.
func (t *tale) payAndPickUp(ctx context.Context, o *agent.Order) error {
	number := short(o.Confirmation.MerchantOrderID)
	t.Says("shop", "agent", "order %s: %s yuan, price and stock held until %s (CID-CART-CFM-04)",
		number, o.Confirmation.Amount, o.Confirmation.Expires.Format(time.TimeOnly))
	paid, err := t.buyer.Agent.PayOrder(ctx, o)
	if err != nil {
		return err
	}
	t.Says("agent", "psp", "pay order %s with this mandate (PSD-PAY-DEL-02)", number)
	t.decided()
	t.Says("psp", "agent", "paid %s yuan; here is the proof (PSD-PAY-DEL-13)", paid.Amount)
	goods, err := t.buyer.PickUp(ctx, o, paid)
	if err != nil {
		return err
	}
	t.Says("agent", "shop", "proof of payment")
	t.Says("shop", "psp", "use this proof for this order, once (PSD-PAY-A402-08)")
	t.Says("shop", "agent", "%s. Enjoy!", goods)
	t.received, err = t.received.Add(o.Confirmation.Amount)
	return err
}

// readReports is the machine route: pages that cost, fetched by an ordinary
// http.Client until the budget says no.
func (t *tale) readReports(ctx context.Context) error {
	t.Chapter("Reports, by the machine route (PSD-PAY-A402, PSD-PAY-AUP)")
	m, err := t.wish(ctx, "Keep an eye on bean prices for me. Up to one yuan in all, no more than 50 fen at a time.", func(i *delegation.ISR) {
		i.DelegationMode = delegation.Bounded
		i.MaxTotalAmount = "1"
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{MaxSingleAmount: "0.50", AllowedCategories: []string{"data"}}}
	})
	if err != nil {
		return err
	}
	for day := 1; day <= 3; day++ {
		page, err := t.buyer.Get(ctx, fmt.Sprintf("%s/report?day=%d", t.shop.Base, day))
		if err != nil {
			return err
		}
		t.Says("agent", "shop", "client.Get(\"/report?day=%d\")", day)
		t.Says("shop", "agent", "402 Payment Required, %s yuan (PSD-PAY-A402-02)", pagePrice)
		t.Says("agent", "psp", "pay this bill with this mandate (PSD-PAY-AUP-06)")
		t.decided()
		t.Says("agent", "shop", "the same request, with Payment-Proof (PSD-PAY-A402-06)")
		t.Says("shop", "agent", "200 OK: “%s” (PSD-PAY-A402-19)", page)
		if t.received, err = t.received.Add(pagePrice); err != nil {
			return err
		}
	}
	_, err = t.buyer.Get(ctx, t.shop.Base+"/report?day=4")
	t.Says("agent", "shop", "client.Get(\"/report?day=4\")")
	t.Says("shop", "agent", "402 Payment Required, %s yuan", pagePrice)
	if err := t.Expect("agent", err, protocol.CodeTotalLimitExceeded); err != nil {
		return err
	}
	spent, err := t.buyer.Agent.Spent(ctx, m)
	if err != nil {
		return err
	}
	t.Notes("agent", "spent %s of %s yuan; the budget itself said no (PSD-PAY-AUP-02)", spent, m.Bounds().Total())
	return nil
}

// decided prints what the processor checked before it paid; which checks, the
// first time.
func (t *tale) decided() {
	checks := t.Decided().Checks()
	t.Notes("psp", "%d checks, all met (PSD-PAY-DEL-04)", len(checks))
	if !t.explained || t.Verbose {
		t.Checks(checks)
	}
	t.explained = true
}

// short is the end of a long number, for people.
func short(number string) string { return "…" + number[max(0, len(number)-6):] }

// showBook prints the processor's ledger, recomputes it, and compares it with
// what the agent knows that it has bought, and that with what it was given.
func (t *tale) showBook(ctx context.Context) error {
	t.Chapter("The processor's ledger")
	bought := money.Zero(stage.CNY)
	for _, m := range t.buyer.Agent.Wallet().Mandates() {
		spent, err := t.buyer.Agent.Spent(ctx, m)
		if err != nil {
			return err
		}
		if bought, err = bought.Add(spent); err != nil {
			return err
		}
	}
	names := map[string]string{t.shop.ID: "coffee shop", t.tea.ID: "tea house"}
	if err := t.Audit(ctx, names, map[string]money.Amount{t.person.ID(): bought}); err != nil {
		return err
	}
	stolen, err := bought.Sub(t.received)
	if err != nil || !stolen.IsZero() {
		return fmt.Errorf("%s yuan were paid for what cost %s", bought, t.received)
	}
	t.Line("\nOne latte, three reports, five attacks: %s yuan paid, %s stolen.", bought, stolen)
	return nil
}
