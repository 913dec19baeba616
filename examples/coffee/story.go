package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/verifier"
)

// disputeDays is how long the agent keeps what was said.
const disputeDays = 180

// A tale is the story while it is told.
type tale struct {
	*narrator
	*world
	wire    *wiretap // on the agent's line
	wallet  *agent.Wallet
	buyer   *agent.Agent
	client  *http.Client // the agent's
	shown   map[int]bool // decisions of so many checks
	intents agent.MemoryIntents
}

// tell runs the whole story and fails when anything is not as it should be.
func tell(ctx context.Context, out io.Writer, verbose bool) (err error) {
	t := &tale{narrator: &narrator{out: out, verbose: verbose}, shown: map[int]bool{}}
	if t.world, err = newWorld(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close(context.WithoutCancel(ctx))) }()
	for _, chapter := range []func(context.Context) error{
		t.introduce, t.buyLatte, t.readReports, t.attacks, t.showBook,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *tale) introduce(context.Context) (err error) {
	t.line("Ids such as PSD-PAY-DEL-04 name requirements of ACT 2.1: ADD is delegation, CID commerce,")
	t.line("PSD payment, PRV privacy. SPEC.md has the table of all of them.")
	t.chapter("The parties, each a server of its own on this machine")
	t.table([]string{"", "identifier", "signs with"}, [][]string{
		{"principal", t.principal.String(), "(her bank does)"},
		{"bank", t.bank.String(), "mandates, their state"},
		{"agent", t.agent.DID(), "payment requests"},
		{"shop", t.shop.id, "orders, bills"},
		{"psp", t.processor.ID().String(), "results, proofs"},
	})
	t.wire = &wiretap{story: t.narrator}
	provider, err := t.provider(t.agent, t.wire)
	if err != nil {
		return err
	}
	v, err := t.newVerifier(verifier.IssuerMap{t.bank.String(): {t.principal.String()}})
	if err != nil {
		return err
	}
	t.wallet = agent.NewWallet(t.agent)
	t.buyer, err = agent.New(agent.Config{
		Signer: t.agent, Wallet: t.wallet, Verifier: v, Spent: new(agent.MemorySpend),
		Instruments: []agent.Instrument{{PSP: provider, Method: method, Token: t.token}},
	})
	if err != nil {
		return err
	}
	plain := t.newClient(t.wire)
	t.client = &http.Client{Transport: t.buyer.Transport(plain.Transport), Timeout: time.Minute}
	return nil
}

// confirm is a principal who says what she wants, sees the summary, and agrees.
func (t *tale) confirm(ctx context.Context, words string, update func(*delegation.ISR)) (*delegation.Confirmed, error) {
	now := time.Now()
	t.says("principal", "agent", "“%s”", words)
	capture := delegation.NewCapture(delegation.ConversationHistory{
		Raw:       delegation.RawIntent{Turns: []delegation.Turn{delegation.Say(words, now)}},
		InputMode: []string{delegation.InputText},
	})
	err := capture.Clarify(func(i *delegation.ISR) {
		i.ValidityStart = now.Truncate(time.Second).UTC()
		i.ValidityEnd = i.ValidityStart.Add(4 * time.Hour)
		i.Currency = "CNY"
		i.AllowedPaymentMethods = []string{method}
		i.AgentID = t.agent.DID()
		update(i)
	})
	if err != nil {
		return nil, err
	}
	t.says("agent", "principal", "understood as follows, please confirm (ADD-INT-ICS-05):")
	for line := range strings.Lines(capture.Summary(delegation.English)) {
		t.line("%26s %s", "│", strings.TrimRight(line, "\n"))
	}
	confirmed, err := capture.Confirm("FINGERPRINT", now)
	if err != nil {
		return nil, err
	}
	t.says("principal", "agent", "confirmed, by fingerprint (ADD-INT-ICS-04, -12)")
	if err := t.intents.Keep(ctx, confirmed, now.AddDate(0, 0, disputeDays)); err != nil {
		return nil, err
	}
	t.notes("agent", "keeps these words for %d days, in case of a dispute (ADD-INT-ICS-18)", disputeDays)
	return confirmed, nil
}

// mandate has the bank issue a mandate from a confirmed intent.
func (t *tale) mandate(ctx context.Context, c *delegation.Confirmed) (agent.Mandate, error) {
	raw, err := t.issuer.Issue(ctx, issuer.Grant{
		Confirmed: c, Delegator: t.principal.String(), Audience: t.processor.ID().String(), Holder: t.agent.Public(),
	})
	if err != nil {
		return agent.Mandate{}, err
	}
	m, err := t.wallet.Add(raw)
	if err != nil {
		return agent.Mandate{}, err
	}
	t.says("bank", "agent", "%s mandate, signed, %d bytes (ADD-IAC-ISS-10)", m.Bounds().Mode(), len(raw))
	t.message("mandate", raw)
	return m, nil
}

func latteIntent(shop string) func(*delegation.ISR) {
	return func(i *delegation.ISR) {
		i.DelegationMode = delegation.Specified
		i.MaxTotalAmount = "20"
		i.Ext = &delegation.Ext{
			Commerce: &delegation.Commerce{
				MaxSingleAmount: "20", AllowedMerchants: []string{shop}, AllowedCategories: []string{"food/coffee"},
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
	t.chapter("A latte, by directed delegated payment (PSD-PAY-DEL)")
	confirmed, err := t.confirm(ctx, "A latte, under 20 yuan, from this coffee shop, today.", latteIntent(t.shop.id))
	if err != nil {
		return err
	}
	m, err := t.mandate(ctx, confirmed)
	if err != nil {
		return err
	}
	shop, err := t.buyer.Shop(t.shop.id, t.shop.base, t.newClient(t.wire))
	if err != nil {
		return err
	}
	catalogue, err := shop.Catalogue(ctx)
	if err != nil {
		return err
	}
	latte, ok := catalogue.Item("latte")
	if !ok {
		return errors.New("no latte in the catalogue")
	}
	t.says("shop", "agent", "catalogue: %s, %s, %s yuan (CID-MER-CAT-01)", latte.Name, latte.Category, latte.Price)
	_, decision := t.buyer.Check(ctx, delegation.Purchase{
		Amount: latte.Price, CataloguePrice: latte.Price, Merchant: t.shop.id, Categories: []string{latte.Category},
	})
	t.notes("agent", "may I? %d checks, %s (CID-CART-CFM-01, PSD-PAY-DEL-01)", len(decision.Checks()), decision.Outcome())
	t.checks(decision.Checks())

	order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
	if err != nil {
		return err
	}
	number := short(order.Confirmation.MerchantOrderID)
	t.says("agent", "shop", "one latte, please (CID-CART-CFM-03)")
	t.says("shop", "agent", "order %s: %s yuan, price and stock held until %s (CID-CART-CFM-04)",
		number, order.Confirmation.Amount, order.Confirmation.Expires.Format(time.TimeOnly))
	paid, err := t.buyer.PayOrder(ctx, order)
	if err != nil {
		return err
	}
	t.says("agent", "psp", "pay order %s with this mandate (PSD-PAY-DEL-02)", number)
	t.decided()
	t.says("psp", "agent", "paid %s yuan; here is the proof (PSD-PAY-DEL-13)", paid.Amount)
	goods, err := t.pickUp(ctx, order, paid)
	if err != nil {
		return err
	}
	t.says("agent", "shop", "proof of payment")
	t.says("shop", "psp", "use this proof for this order, once (PSD-PAY-A402-08)")
	t.says("shop", "agent", "%s. Enjoy!", goods)
	spent, err := t.buyer.Spent(ctx, m)
	if err != nil {
		return err
	}
	t.notes("agent", "spent %s of %s yuan (PSD-PAY-DEL-10)", spent, m.Bounds().Total())
	return nil
}

func (t *tale) pickUp(ctx context.Context, o *agent.Order, p *agent.Payment) (string, error) {
	response, err := t.buyer.PickUp(ctx, o, p)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	goods, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the shop answered %s", response.Status)
	}
	return string(goods), nil
}

// readReports is the machine route: pages that cost, fetched by an ordinary
// http.Client until the budget says no.
func (t *tale) readReports(ctx context.Context) error {
	t.chapter("Reports, by the machine route (PSD-PAY-A402, PSD-PAY-AUP)")
	confirmed, err := t.confirm(ctx, "Keep an eye on bean prices for me. Up to one yuan in all, no more than 50 fen at a time.", func(i *delegation.ISR) {
		i.DelegationMode = delegation.Bounded
		i.MaxTotalAmount = "1"
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{MaxSingleAmount: "0.50", AllowedCategories: []string{"data"}}}
	})
	if err != nil {
		return err
	}
	m, err := t.mandate(ctx, confirmed)
	if err != nil {
		return err
	}
	for day := 1; day <= 3; day++ {
		page, err := t.get(ctx, t.shop.base+fmt.Sprintf("/report?day=%d", day))
		if err != nil {
			return err
		}
		t.says("agent", "shop", "client.Get(\"/report?day=%d\")", day)
		t.says("shop", "agent", "402 Payment Required, 0.30 yuan (PSD-PAY-A402-02)")
		t.says("agent", "psp", "pay this bill with this mandate (PSD-PAY-AUP-06)")
		t.decided()
		t.says("agent", "shop", "the same request, with Payment-Proof (PSD-PAY-A402-06)")
		t.says("shop", "agent", "200 OK: “%s” (PSD-PAY-A402-19)", page)
	}
	_, err = t.get(ctx, t.shop.base+"/report?day=4")
	t.says("agent", "shop", "client.Get(\"/report?day=4\")")
	t.says("shop", "agent", "402 Payment Required, 0.30 yuan")
	if err := t.expect("agent", err, protocol.CodeTotalLimitExceeded); err != nil {
		return err
	}
	spent, err := t.buyer.Spent(ctx, m)
	if err != nil {
		return err
	}
	t.notes("agent", "spent %s of %s yuan; the budget itself said no (PSD-PAY-AUP-02)", spent, m.Bounds().Total())
	return nil
}

// decided prints what the processor checked before it paid.
func (t *tale) decided() {
	checks := t.paid.Load().Checks()
	t.notes("psp", "%d checks, all met (PSD-PAY-DEL-04)", len(checks))
	if !t.shown[len(checks)] || t.verbose {
		t.checks(checks)
	}
	t.shown[len(checks)] = true
}

// short is the end of a long number, for people.
func short(number string) string { return "…" + number[max(0, len(number)-6):] }

// get is all that a user of the library writes to fetch a paid page.
func (t *tale) get(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := t.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the shop answered %s", response.Status)
	}
	return string(page), err
}

// expect tells that something was refused, and fails when it was not refused
// for this reason.
func (t *tale) expect(who string, err error, code protocol.Code) error {
	var refused *protocol.Error
	switch {
	case err == nil:
		return fmt.Errorf("%s allowed what should have failed with %s", who, code)
	case !errors.As(err, &refused) || refused.Code != code:
		return fmt.Errorf("%s: refused, but not with %s: %w", who, code, err)
	}
	t.notes(who, "%s refused, %s: %s (%s)", mark(protocol.Denied), refused.Code, refused.Code.Text(), refused.Requirement)
	return nil
}

// showBook prints the processor's ledger, recomputes it, and compares it with
// what the agent knows that it has bought.
func (t *tale) showBook(ctx context.Context) error {
	t.chapter("The processor's ledger")
	if err := t.shop.shop.Flush(ctx); err != nil {
		return err
	}
	accounts, err := t.book.Accounts(ctx)
	if err != nil {
		return err
	}
	names := map[string]string{
		t.principal.String(): "principal", t.shop.id: "coffee shop", t.tea.id: "tea house", "external": "outside world",
	}
	var sum, paid int64
	var rows [][]string
	for _, a := range accounts {
		sum += a.Balance
		if a.Owner == t.principal.String() {
			paid = deposited.Minor() - a.Balance
		}
		rows = append(rows, []string{names[a.Owner], string(a.Kind), a.Currency, fen(a.Balance)})
	}
	t.table([]string{"account", "kind", "currency", "balance"}, append(rows, []string{"sum", "", "", fen(sum)}))
	report, err := t.book.Audit(ctx)
	if err != nil {
		return err
	}
	bought, err := t.bought(ctx)
	if err != nil {
		return err
	}
	if sum != 0 || !report.Sound() || paid != bought {
		return errors.New("the ledger does not balance, or something else was paid for than was bought")
	}
	t.notes("psp", "recomputed from the entries: sound (PSD-PAY-DEL-07)")
	t.line("\nOne latte, three reports, five attacks: %s yuan paid, %s stolen.", fen(paid), fen(paid-bought))
	return nil
}

// bought is what the agent has bought under all its mandates.
func (t *tale) bought(ctx context.Context) (int64, error) {
	total := int64(0)
	for _, m := range t.wallet.Mandates() {
		spent, err := t.buyer.Spent(ctx, m)
		if err != nil {
			return 0, err
		}
		total += spent.Minor()
	}
	return total, nil
}

func fen(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	a, err := money.FromMinor(minor, yuan)
	if err != nil {
		return "?"
	}
	return sign + a.String()
}
