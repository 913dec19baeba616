package acttools

import (
	"context"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

// Nothing is the arguments of a tool that has none.
type Nothing struct{}

// LimitsOutput is the result of show_limits.
type LimitsOutput struct {
	Shops    []string `json:"shops" jsonschema:"names of all shops that can be bought from"`
	Mandates []Limits `json:"mandates" jsonschema:"none means that nothing can be bought: call describe_intent"`
}

// Limits are what one mandate allows. An absent list does not restrict.
type Limits struct {
	Mandate    string          `json:"mandate"`
	Mode       delegation.Mode `json:"mode"`
	From       string          `json:"valid_from"`
	Until      string          `json:"valid_until"`
	Currency   string          `json:"currency"`
	Total      string          `json:"total"`
	Spent      string          `json:"spent" jsonschema:"what is reserved counts"`
	Left       string          `json:"left"`
	Single     string          `json:"most_for_one_payment,omitzero"`
	Minimum    string          `json:"least_for_one_payment,omitzero"`
	Merchants  []string        `json:"only_shops,omitempty"`
	Forbidden  []string        `json:"never_shops,omitempty"`
	Categories []string        `json:"only_categories,omitempty"`
	Never      []string        `json:"never_categories,omitempty"`
	Understood bool            `json:"understood" jsonschema:"false: it has a constraint that is not known here, and nothing can be bought with it"`
}

func (t *Tools) addLimits(s *mcp.Server) error {
	return add(t, s, mcp.Tool{
		Name: "show_limits", Title: "Show my limits",
		Description: "What you may spend, where, on what, and until when. Whether a mandate has been suspended is found out with each purchase.",
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: new(false)},
	}, t.showLimits)
}

func (t *Tools) showLimits(ctx context.Context, _ Nothing) (out LimitsOutput, err error) {
	for _, s := range t.shops {
		out.Shops = append(out.Shops, s.Name)
	}
	for _, m := range t.config.Agent.Wallet().Mandates() {
		bill, err := t.config.Agent.TaskBill(ctx, m)
		if err != nil {
			return out, err
		}
		out.Mandates = append(out.Mandates, t.limitsOf(m, bill))
	}
	return out, nil
}

func (t *Tools) limitsOf(m agent.Mandate, bill agent.TaskBill) Limits {
	b := m.Bounds()
	start, end := b.Window()
	l := Limits{
		Mandate: m.Claims().ID, Mode: b.Mode(), From: canon.FormatTime(start), Until: canon.FormatTime(end), Currency: b.Currency().Code(),
		Total: bill.Total.String(), Spent: bill.Spent.String(), Left: bill.Left.String(), Understood: b.Understood(),
	}
	if single, ok := b.Single(); ok {
		l.Single = single.String()
	}
	if least, ok := b.Minimum(); ok {
		l.Minimum = least.String()
	}
	l.Categories, l.Never = b.Categories()
	allowed, forbidden := b.Merchants()
	for _, id := range allowed {
		l.Merchants = append(l.Merchants, t.nameOf(id))
	}
	for _, id := range forbidden {
		l.Forbidden = append(l.Forbidden, t.nameOf(id))
	}
	return l
}

// BillInput are the arguments of show_bill.
type BillInput struct {
	Mandate string `json:"mandate,omitzero" jsonschema:"of one mandate; without it of all"`
}

// BillOutput is the result of show_bill.
type BillOutput struct {
	Bills []TaskBill `json:"bills"`
}

// A TaskBill is what was paid under one mandate.
type TaskBill struct {
	Mandate  string  `json:"mandate"`
	Currency string  `json:"currency"`
	Total    string  `json:"total"`
	Spent    string  `json:"spent"`
	Left     string  `json:"left"`
	Entries  []Entry `json:"entries"`
}

// An Entry is one payment. Its request id is that of the provider's statement.
type Entry struct {
	At        string             `json:"at"`
	Shop      string             `json:"shop"`
	What      Quoted             `json:"what"`
	Amount    string             `json:"amount"`
	State     agent.PaymentState `json:"state" jsonschema:"RESERVED: not known whether it was paid; PAID: not delivered yet; CLOSED: delivered; RELEASED: not paid"`
	RequestID string             `json:"request_id"`
}

func (t *Tools) addBill(s *mcp.Server) error {
	return add(t, s, mcp.Tool{
		Name: "show_bill", Title: "Show the bill",
		Description: "Everything that was paid, or may have been, with the sum (PSD-PAY-AUP-05). It is the agent's own record; the provider's statement counts.",
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: new(false)},
	}, t.showBill)
}

func (t *Tools) showBill(ctx context.Context, in BillInput) (out BillOutput, err error) {
	for _, m := range t.config.Agent.Wallet().Mandates() {
		id := m.Claims().ID
		if in.Mandate != "" && in.Mandate != id {
			continue
		}
		b, err := t.config.Agent.TaskBill(ctx, m)
		if err != nil {
			return out, err
		}
		bill := TaskBill{Mandate: id, Currency: b.Total.Currency().Code(), Total: b.Total.String(), Spent: b.Spent.String(), Left: b.Left.String()}
		for _, e := range b.Entries {
			bill.Entries = append(bill.Entries, t.entry(e))
		}
		out.Bills = append(out.Bills, bill)
	}
	if in.Mandate != "" && len(out.Bills) == 0 {
		return out, protocol.New(protocol.CodeFieldInvalid, "mandate", "PSD-PAY-AUP-05", "no mandate of this name is held")
	}
	return out, nil
}

func (t *Tools) entry(e agent.BillEntry) Entry {
	return Entry{
		At: canon.FormatTime(e.At), Shop: t.nameOf(e.Merchant), What: quoteName(e.What), Amount: e.Amount.String(), State: e.State, RequestID: e.RequestID,
	}
}

// record is the agent's record of all payments under the mandates it holds, by
// request id.
func (t *Tools) record(ctx context.Context) (map[string]agent.BillEntry, error) {
	out := make(map[string]agent.BillEntry)
	for _, m := range t.config.Agent.Wallet().Mandates() {
		b, err := t.config.Agent.TaskBill(ctx, m)
		if err != nil {
			return nil, err
		}
		for _, e := range b.Entries {
			out[e.RequestID] = e
		}
	}
	return out, nil
}

// watched runs what may spend, alone, and says what it has paid; with an error,
// whether money has moved.
func (t *Tools) watched(ctx context.Context, run func() error) (paid []Paid, err error) {
	done, err := t.spend(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	before, err := t.record(ctx)
	if err != nil {
		return nil, err
	}
	failure := run()
	after, err := t.record(context.WithoutCancel(ctx))
	if err != nil {
		return nil, paidError{errors.Join(failure, err), MoneyUnknown}
	}
	money := MoneyUntouched
	for id, e := range after {
		if was, ok := before[id]; e.State == agent.Released || ok && was.State != agent.Reserved {
			continue
		}
		if e.State == agent.Reserved {
			money = MoneyUnknown
			continue
		}
		paid = append(paid, Paid{Shop: t.nameOf(e.Merchant), What: quoteName(e.What), Amount: e.Amount.String(), Currency: currency(e.Amount)})
		if money == MoneyUntouched {
			money = MoneyMoved
		}
	}
	if failure != nil {
		return nil, paidError{failure, money}
	}
	return paid, nil
}

func currency(a money.Amount) string { return a.Currency().Code() }

// Paid is a payment that a call has made.
type Paid struct {
	Shop     string `json:"shop"`
	What     Quoted `json:"what"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}
