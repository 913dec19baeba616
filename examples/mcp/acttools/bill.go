package acttools

import (
	"context"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

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
