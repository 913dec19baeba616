package acttools

import (
	"context"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

const (
	maxWords = 1024    // bytes
	maxHours = 24 * 31 // of a mandate
)

// IntentInput are the arguments of describe_intent.
type IntentInput struct {
	Words      string   `json:"words" jsonschema:"what the person said, word by word"`
	MaxTotal   string   `json:"max_total" jsonschema:"the most to be spent in all, a decimal number such as 100.00"`
	MaxSingle  string   `json:"max_single,omitzero" jsonschema:"the most for one payment"`
	Shops      []string `json:"shops,omitzero" jsonschema:"names of the shops that may be paid; without it any shop"`
	Categories []string `json:"categories,omitzero" jsonschema:"kinds of goods that may be bought, for example food/coffee; without it any"`
	Never      []string `json:"never,omitzero" jsonschema:"kinds of goods that must not be bought"`
	ValidHours int      `json:"valid_hours" jsonschema:"for how many hours from now, 1 to 744"`
}

// IntentOutput is the result of describe_intent.
type IntentOutput struct {
	IntentID    string `json:"intent_id"`
	Mandate     string `json:"mandate" jsonschema:"the name of the mandate in show_limits and show_bill"`
	ConfirmedBy string `json:"confirmed_by" jsonschema:"how the person confirmed"`
	Summary     string `json:"summary" jsonschema:"what the person agreed to"`
}

func (t *Tools) addIntent(s *mcp.Server) error {
	return add(t, s, mcp.Tool{
		Name: "describe_intent", Title: "Describe what I want",
		Description: "Makes a draft of what the person wants to have bought and has the person confirm it, outside of this conversation. " +
			"Only then is there a mandate to buy under. You cannot confirm it yourself.",
		Annotations: &mcp.ToolAnnotations{DestructiveHint: new(false), OpenWorldHint: new(false)},
	}, t.describeIntent)
}

func (t *Tools) describeIntent(ctx context.Context, in IntentInput) (out IntentOutput, err error) {
	a := ctx.Value(askingKey{}).(*asking)
	if a.draft == nil { // otherwise it is the one that the person was shown
		if a.draft, err = t.draft(in); err != nil {
			return out, err
		}
	}
	out.Summary = a.draft.Summary(delegation.English)
	out.ConfirmedBy, err = a.ask(ctx, Question{AboutMandate, "Your assistant asks for a mandate to buy for you. " +
		"Agree only if these are your words and your limits:\n" + out.Summary + t.legend(a.draft.Draft())})
	if err != nil {
		return out, err
	}
	confirmed, err := a.draft.Confirm(out.ConfirmedBy, t.config.Now())
	if err != nil {
		return out, err
	}
	raw, err := t.config.Issue(ctx, confirmed)
	if err != nil {
		return out, err
	}
	m, err := t.config.Agent.Wallet().Add(raw)
	if err != nil {
		return out, err
	}
	out.IntentID, out.Mandate = a.draft.IntentID(), m.Claims().ID
	return out, nil
}

// legend says which shops the identifiers of a summary are.
func (t *Tools) legend(i *delegation.ISR) (lines string) {
	if i.Ext == nil || i.Ext.Commerce == nil {
		return ""
	}
	for _, id := range i.Ext.Commerce.AllowedMerchants {
		lines += "The " + t.nameOf(id) + " is " + id + "\n"
	}
	return lines
}

// draft is what the model has understood. Nothing follows from it.
func (t *Tools) draft(in IntentInput) (*delegation.Capture, error) {
	invalid := func(field, detail string) error {
		return protocol.New(protocol.CodeFieldInvalid, field, "ADD-INT-ICS-04", detail)
	}
	total, err := t.limit("max_total", in.MaxTotal)
	if err != nil {
		return nil, err
	}
	commerce := delegation.Commerce{AllowedCategories: in.Categories, ForbiddenCategories: in.Never}
	if in.MaxSingle != "" {
		single, err := t.limit("max_single", in.MaxSingle)
		if err != nil {
			return nil, err
		}
		commerce.MaxSingleAmount = delegation.NumberOf(single)
	}
	switch {
	case in.Words == "" || len(in.Words) > maxWords:
		return nil, invalid("words", "1 to 1024 bytes")
	case in.ValidHours < 1 || in.ValidHours > maxHours:
		return nil, invalid("valid_hours", "1 to 744")
	case in.Shops != nil && len(in.Shops) == 0:
		return nil, invalid("shops", "at least one, or no list")
	}
	mode := delegation.Bounded
	if in.Shops != nil { // the person has settled whom to buy from
		mode = delegation.Specified
		shops, err := t.named(in.Shops)
		if err != nil {
			return nil, err
		}
		for _, s := range shops {
			commerce.AllowedMerchants = append(commerce.AllowedMerchants, s.ID)
		}
	}
	now := t.config.Now()
	capture := delegation.NewCapture(delegation.ConversationHistory{
		Raw:       delegation.RawIntent{Turns: []delegation.Turn{delegation.Say(in.Words, now)}},
		InputMode: []string{delegation.InputText},
	})
	return capture, capture.Clarify(func(i *delegation.ISR) {
		i.DelegationMode = mode
		i.ValidityStart = now.Truncate(time.Second).UTC()
		i.ValidityEnd = i.ValidityStart.Add(time.Duration(in.ValidHours) * time.Hour)
		i.MaxTotalAmount, i.Currency = delegation.NumberOf(total), t.config.Ceiling.Currency().Code()
		i.AllowedPaymentMethods = t.config.Methods
		i.AgentID = t.config.Agent.ID()
		i.Ext = &delegation.Ext{Commerce: &commerce}
	})
}

// limit reads an amount that a person may be asked to allow.
func (t *Tools) limit(field, amount string) (money.Amount, error) {
	a, err := money.Parse(amount, t.config.Ceiling.Currency())
	if err != nil {
		return a, protocol.In(err, field)
	}
	if a.IsZero() {
		return a, protocol.New(protocol.CodeFieldInvalid, field, "ADD-INT-ICS-09", "more than nothing")
	}
	if order, err := a.Cmp(t.config.Ceiling); err != nil || order > 0 {
		return a, protocol.New(protocol.CodePolicyRefused, field, "ADD-INT-ICS-09", "more than the person wants to be asked for")
	}
	return a, nil
}
