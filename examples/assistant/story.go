package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/verifier"
)

// An assistant is the story while it is told.
type assistant struct {
	*stage.World
	platform *platform
	stores   []*stage.Store
	errands  []*errand
	reasons  chan error // why the processor's risk control refused
}

// tell runs the whole story and fails when anything is not as it should be.
func tell(ctx context.Context, n *stage.Narrator) (err error) {
	w, err := stage.New(ctx, n)
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	a := &assistant{World: w, reasons: make(chan error, 8)}
	for _, chapter := range []func(context.Context) error{
		a.introduce, a.demandBindings, a.agreeAll, a.askConsent, a.runAll, a.showRecord, a.mixUp, a.unbound, a.showLearned, a.showBooks,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *assistant) introduce(ctx context.Context) (err error) {
	a.Line("One agent of a platform runs errands for %d people at once (PSD-PAY-DEL, CID-INT-XFR, IDN-03).", len(wishes))
	a.Chapter("The platform")
	if a.platform, err = openPlatform(a.World); err != nil {
		return err
	}
	if err := a.openMerchants(ctx); err != nil {
		return err
	}
	a.Message("credential", a.platform.credential)
	a.Says("platform", "assistant", "a credential: this key is our agent's, of type PLATFORM; it names no principal (IDN-01, IDN-03)")
	for _, w := range wishes {
		e, err := a.begin(ctx, w)
		if err != nil {
			return err
		}
		a.errands = append(a.errands, e)
	}
	a.Notes("assistant", "one key for all; for each person a wallet, a payment token and a record of payments of their own")
	return nil
}

// demandBindings makes the processor ask more of agents that act for many.
func (a *assistant) demandBindings(context.Context) error {
	a.Says("psp", "platform", "with each payment, prove for whom: a binding to the mandate's principal (PSD-PAY-DEL-09)")
	company := a.platform.company.ID()
	return a.AskForBindings(verifier.IssuerMap{company: {company}}, a.note)
}

// note keeps the reason of a refusal.
func (a *assistant) note(reason error) {
	select {
	case a.reasons <- reason:
	default: // more than the story expects, which it will notice
	}
}

// ids are the merchants, in the order in which they are asked.
func (a *assistant) ids() (out []string) {
	for _, s := range a.stores {
		out = append(out, s.ID)
	}
	return out
}

func (a *assistant) agreeAll(ctx context.Context) error {
	a.Chapter("A mandate for each")
	if err := a.agree(ctx, a.errands[0]); err != nil {
		return err
	}
	a.Says("seven", "assistant", "more of the same kind, one for each person")
	return a.Untold(func() error {
		for _, e := range a.errands[1:] {
			if err := a.agree(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// askConsent: what the agent knows of a person's taste is not told because it
// would be useful.
func (a *assistant) askConsent(ctx context.Context) error {
	a.Chapter("Research")
	const taste, format = "sad endings", "paperback"
	e := a.errands[0]
	need, err := e.need(ctx, a.Now())
	if err != nil {
		return err
	}
	need.Preferences = []agent.Hint{{Text: taste}}
	a.Notes("assistant", "the reader likes %s: shall the merchants know?", taste)
	err = agent.AskAll(ctx, e.shops, need, agent.AskOptions{Timeout: patience}).Err()
	if err := a.Expect("assistant", err, protocol.CodePolicyRefused); err != nil {
		return err
	}
	if requests, _ := e.buyer.Wire.Volume(); requests != 0 {
		return errors.New("the merchants were asked all the same")
	}
	a.Notes("assistant", "nobody was asked and nothing was told: the reader has not consented (CID-INT-XFR-02)")
	a.Says("reader", "assistant", "tell them that I like a %s, and no more", format)
	e.taste = format
	return nil
}

// runAll runs all errands at the same time.
func (a *assistant) runAll(ctx context.Context) error {
	a.Says("assistant", "merchants", "%d intents, each to %d merchants, all at once (CID-INT-XFR-01, -06)", len(a.errands), len(a.stores))
	if err := a.each(func(e *errand) error { return a.run(ctx, e) }); err != nil {
		return err
	}
	var rows [][]string
	for _, e := range a.errands {
		from := a.store(e.choice.Shop.Merchant())
		if from.Name != e.from || e.spent != stage.Yuan(e.price) || e.goods != "1 × "+e.choice.Item.Name {
			return fmt.Errorf("the %s has got %q from the %s for %s", e.who, e.goods, from.Name, e.spent)
		}
		rows = append(rows, []string{
			e.who, e.choice.Item.Name, a.missing(e), fmt.Sprint(len(e.record.Candidates)), e.record.Criterion, from.Name, e.spent.String(),
		})
	}
	a.Table([]string{"for", "what", "no offer from", "offers", "the", "from", "yuan"}, rows)
	a.Notes("assistant", "who did not answer within %s, or had nothing, took nothing from the others (CID-INT-XFR-03, -05)", patience)
	return nil
}

// missing says who had nothing to offer.
func (a *assistant) missing(e *errand) string {
	var out []string
	for _, m := range e.record.Missing {
		why := "nothing"
		if m.Code != protocol.CodeNoMatch {
			why = "too slow"
		}
		out = append(out, a.store(m.MerchantID).Name+": "+why)
	}
	return strings.Join(out, ", ")
}

// showRecord shows one decision as it is kept: whoever has the digest can tell
// later whether the record was changed.
func (a *assistant) showRecord(context.Context) error {
	a.Chapter("Why the camper got what the camper got")
	e := a.errands[3]
	var rows [][]string
	for n, c := range e.record.Candidates {
		mark := ""
		if n == e.record.Choice {
			mark = "chosen"
		}
		rows = append(rows, []string{a.store(c.MerchantID).Name, c.ItemID, c.Delivery, mark, c.Price})
	}
	for _, m := range e.record.Missing {
		rows = append(rows, []string{a.store(m.MerchantID).Name, "", "", string(m.Code), ""})
	}
	a.Table([]string{"merchant", "item", "delivery", "", "yuan"}, rows)
	a.Notes("assistant", "the reason: %s", e.record.Reason)
	a.Notes("assistant", "recorded before it paid, %d bytes, %s", len(e.sealed), canon.Sum(e.sealed))
	for _, e := range a.errands {
		for _, personal := range []string{e.person.ID(), e.words, e.token} {
			if bytes.Contains(e.sealed, []byte(personal)) {
				return fmt.Errorf("the record of the %s's errand holds what is personal", e.who)
			}
		}
	}
	a.Notes("assistant", "no person and no word of theirs is in the records; the intent's id leads there (PRV-04)")
	return nil
}

// mixUp is what happens when a platform confuses two people: the cook's session
// holds the reader's mandate.
func (a *assistant) mixUp(ctx context.Context) error {
	a.Chapter("One person's authority never serves another")
	reader, cook := a.errands[0], a.errands[1]
	return a.unmoved(ctx, func(ctx context.Context) error {
		a.Notes("platform", "a bug: the reader's mandate lands in the cook's session")
		wallet := agent.NewWallet(a.platform.agent)
		if _, err := wallet.Add([]byte(reader.mandate.Raw())); err != nil {
			return err
		}
		confused, err := a.session(ctx, cook.person, cook.token, a.platform.bind(cook.person.ID(), a.Processor.ID().String()), wallet)
		if err != nil {
			return err
		}
		if err := a.Expect("assistant", a.attempt(ctx, confused), protocol.CodeIssuerUntrusted); err != nil {
			return err
		}
		a.Notes("assistant", "in the cook's session the bank speaks for the cook only; nothing was ordered")

		a.Notes("platform", "another bug: the reader's session has the cook's payment token")
		confused, err = a.session(ctx, reader.person, cook.token, a.platform.bind(reader.person.ID(), a.Processor.ID().String()), reader.buyer.Agent.Wallet())
		if err != nil {
			return err
		}
		return a.Expect("psp", a.attempt(ctx, confused), protocol.CodePrincipalMismatch)
	})
}

// attempt tries to buy a second novel.
func (a *assistant) attempt(ctx context.Context, b *stage.Buyer) error {
	shop, err := b.Shop(a.stores[0])
	if err != nil {
		return err
	}
	_, _, err = pay(ctx, b, shop, agent.Line{ItemID: "novel", Quantity: 1})
	return err
}

// unbound: mandate and token are the reader's, and the platform does not prove
// that it acts for the reader now.
func (a *assistant) unbound(ctx context.Context) error {
	reader, cook, psp := a.errands[0], a.errands[1], a.Processor.ID().String()
	for _, c := range []struct {
		what string
		bind binder
		why  protocol.Code
	}{
		{"with the reader's mandate and token, and no binding", nil, protocol.CodeFieldMissing},
		{"with a binding to the cook", a.platform.bind(cook.person.ID(), psp), protocol.CodePrincipalMismatch},
		{"with a binding to the reader that was made for a merchant", a.platform.bind(reader.person.ID(), a.stores[0].ID), protocol.CodeAudienceMismatch},
	} {
		a.Says("assistant", "psp", "pay, %s", c.what)
		err := a.unmoved(ctx, func(ctx context.Context) error {
			b, err := a.session(ctx, reader.person, reader.token, c.bind, reader.buyer.Agent.Wallet())
			if err != nil {
				return err
			}
			return a.Expect("psp", a.attempt(ctx, b), protocol.CodeRiskRefused)
		})
		if err != nil {
			return err
		}
		select {
		case reason := <-a.reasons:
			if protocol.CodeOf(reason) != c.why {
				return fmt.Errorf("the reason is not %s: %w", c.why, reason)
			}
			a.Notes("psp", "keeps the reason to itself: %s (IDN-03, PSD-PAY-AUP-03)", protocol.CodeOf(reason))
		default:
			return errors.New("the binding was not judged")
		}
	}
	before := reader.spent
	if err := reader.buy(ctx, reader.shops[0], agent.Line{ItemID: "novel", Quantity: 1}); err != nil {
		return err
	}
	second, err := reader.spent.Sub(before)
	if err != nil {
		return err
	}
	a.Says("assistant", "psp", "the same in the reader's own session: %s yuan, paid (PSD-PAY-DEL-02)", second)
	return nil
}

// unmoved runs what must move no money.
func (a *assistant) unmoved(ctx context.Context, act func(context.Context) error) error {
	for _, s := range a.stores {
		if err := s.Shop.Flush(ctx); err != nil {
			return err
		}
	}
	return a.Unmoved(ctx, act)
}

// showLearned looks at everything that was sent to merchants.
func (a *assistant) showLearned(context.Context) error {
	a.Chapter("What the merchants know")
	requests := 0
	for _, e := range a.errands {
		n, _ := e.buyer.Wire.Volume()
		requests += n
		for _, secret := range []string{e.person.ID(), e.token, e.mandate.Raw(), "max_amount"} {
			if e.buyer.Wire.Told("", []byte(secret)) {
				return fmt.Errorf("a merchant was told more of the %s than it has to know", e.who)
			}
		}
	}
	if reader := a.errands[0]; !reader.buyer.Wire.Told("", []byte(reader.taste)) {
		return errors.New("what may be told was not told")
	}
	a.Notes("merchants", "in %d requests: one agent, what it looked for, what it bought", requests)
	a.Notes("merchants", "in none: a principal, a mandate, a payment token, a limit (CID-INT-XFR-02, PSD-PMT-BND-01)")
	return nil
}

// showBooks compares every person's own record with the processor's ledger.
func (a *assistant) showBooks(ctx context.Context) error {
	a.Chapter("What everybody spent")
	spent, names := map[string]money.Amount{}, map[string]string{}
	var rows [][]string
	for _, e := range a.errands {
		bill, err := e.buyer.Agent.TaskBill(ctx, e.mandate)
		if err != nil {
			return err
		}
		if bill.Spent != e.spent {
			return fmt.Errorf("the %s's bill says %s, the merchants %s", e.who, bill.Spent, e.spent)
		}
		spent[e.person.ID()] = e.spent
		rows = append(rows, []string{e.who, fmt.Sprint(len(bill.Entries)), bill.Total.String(), bill.Left.String(), bill.Spent.String()})
	}
	a.Table([]string{"principal", "payments", "limit", "left", "spent"}, rows)
	for _, s := range a.stores {
		if err := s.Shop.Flush(ctx); err != nil {
			return err
		}
		names[s.ID] = s.Name
	}
	a.Chapter("The processor's ledger")
	return a.Audit(ctx, names, spent)
}
