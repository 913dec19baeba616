package acttools

import (
	"context"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
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
