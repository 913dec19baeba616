package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/verifier"
)

// cidOperations are about catalogue, negotiation, intents and carts.
func cidOperations() map[string]testee.Operation {
	operations := map[string]testee.Operation{
		"catalogue.read":               testee.Of(readCatalogue),
		"order.verify":                 testee.Of(verifyOrder),
		"intent_context.update":        testee.Of(updateIntent),
		"intent_context.answer.verify": testee.Of(verifyIntentAnswer),
		"intent_context.answer.judge":  testee.Of(judgeIntentAnswer),
		"agent_card.verify":            testee.Of(verifyCard),
		"agent_card.make":              testee.Of(makeCard),
		"capability.read":              testee.Of(readCapability),
		"capability.negotiate":         testee.Of(negotiate),
		"negotiation.answer.verify":    testee.Of(verifyNegotiationAnswer),
		"message.compare":              testee.Of(compareMessages),
		"purchase.check":               testee.Of(checkPurchase),
	}
	maps.Copy(operations, messageOperations())
	return operations
}

// itemIDs are the ids of items, in their order.
func itemIDs(items []commerce.Item) []string {
	out := []string{}
	for _, i := range items {
		out = append(out, i.ID)
	}
	return out
}

func readCatalogue(_ time.Time, in struct {
	Catalogue string `json:"catalogue"`
}) (any, error) {
	c, err := commerce.DecodeCatalogue([]byte(in.Catalogue))
	if err != nil {
		return nil, err
	}
	return map[string]any{"merchant_id": c.MerchantID, "items": itemIDs(c.Items), "left_out": len(c.Unusable())}, nil
}

func verifyOrder(clock time.Time, in struct {
	fetched `json:",inline"`
	Order   string `json:"order"`
	Sent    string `json:"sent"`
}) (any, error) {
	v, err := in.verifier(verifier.Config{}, clock)
	if err != nil {
		return nil, err
	}
	u, err := commerce.ParseCartRequest([]byte(in.Sent))
	if err != nil {
		return nil, errEarlier{err}
	}
	verified, err := v.Order(context.Background(), []byte(in.Order), verifier.OrderExpectation{Request: u.Request})
	if err != nil {
		return nil, err
	}
	o := verified.Value()
	return map[string]any{
		"merchant_order_id": o.MerchantOrderID, "amount": o.Amount.String(), "currency": o.Amount.Currency().Code(),
		"categories": o.Categories(), "deliver_by": canon.FormatTime(o.DeliverBy),
	}, nil
}

func parseIntents(texts []string) (out []commerce.IntentRequest, err error) {
	for _, text := range texts {
		u, err := commerce.ParseIntentRequest([]byte(text))
		if err != nil {
			return nil, err
		}
		out = append(out, u.Request)
	}
	return out, nil
}

// updateIntent is what a merchant knows after a chain of requests.
func updateIntent(clock time.Time, in struct {
	Messages []string `json:"messages"`
}) (any, error) {
	chain, err := parseIntents(in.Messages)
	if err != nil {
		return nil, err
	}
	intent := chain[0].Intent
	for i, q := range chain[1:] {
		before := chain[i]
		switch {
		case q.PreviousRequestID != before.RequestID || q.BuyerAgentID != before.BuyerAgentID:
			return nil, protocol.New(protocol.CodeContextUnknown, "previous_request_id", "CID-INT-XFR-04", "")
		case q.IntentID != before.IntentID || q.DelegationID != before.DelegationID:
			return nil, protocol.New(protocol.CodeClaimsConflict, "intent_id", "CID-INT-XFR-04", "")
		}
		if intent, err = intent.Updated(q.Intent, q.Removed); err != nil {
			return nil, err
		}
	}
	if err := intent.Constraints.Conflict(clock); err != nil {
		return nil, err
	}
	return intentOutput(intent), nil
}

// intentOutput writes an intent as requests have it.
func intentOutput(i commerce.Intent) map[string]any {
	group := func(members map[string]any) map[string]any {
		maps.DeleteFunc(members, func(_ string, v any) bool {
			l, isList := v.([]string)
			return v == "" || v == 0 || isList && l == nil
		})
		return members
	}
	c := i.Constraints
	constraints := map[string]any{
		"currency": c.Currency.Code(), "allowed_categories": c.AllowedCategories, "forbidden_categories": c.ForbiddenCategories,
	}
	if c.MaxAmount.Valid() {
		constraints["max_amount"], constraints["currency"] = c.MaxAmount.String(), c.MaxAmount.Currency().Code()
	}
	if !c.DeliverBy.IsZero() {
		constraints["delivery_time_requirement"] = canon.FormatTime(c.DeliverBy)
	}
	return map[string]any{
		"intent_context": group(map[string]any{
			"explicit_intent": i.Context.Explicit, "implicit_intent": i.Context.Implicit, "preferences": i.Context.Preferences, "background": i.Context.Background,
		}),
		"constraints":           group(constraints),
		"response_requirements": group(map[string]any{"max_candidates": i.Response.MaxCandidates, "sort_preference": string(i.Response.Sort)}),
	}
}

func verifyIntentAnswer(_ time.Time, in struct {
	Answer string `json:"answer"`
	Sent   string `json:"sent"`
}) (any, error) {
	_, a, err := readIntentAnswer(in.Sent, in.Answer)
	if err != nil {
		return nil, err
	}
	return map[string]any{"candidates": itemIDs(a.Candidates), "left_out": len(a.Unusable())}, nil
}

func verifyCard(clock time.Time, in struct {
	fetched `json:",inline"`
	Card    string `json:"card"`
	Agent   string `json:"agent"`
}) (any, error) {
	v, err := in.verifier(verifier.Config{}, clock)
	if err != nil {
		return nil, err
	}
	card, err := v.AgentCard(context.Background(), []byte(in.Card), verifier.CardExpectation{Agent: in.Agent})
	if err != nil {
		return nil, err
	}
	out := map[string]string{"key_id": card.KeyID()}
	if n := card.Value().Negotiation; n != (commerce.Negotiation{}) {
		out["mode"], out["url"] = string(n.Mode), n.URL()
	}
	return out, nil
}

// An offer is how somebody can be paid.
type offer struct {
	MethodID        string `json:"method_id"`
	PSPID           string `json:"psp_id"`
	Endpoint        string `json:"endpoint"`
	MethodSchemaURL string `json:"method_schema_url"`
}

func offersOf(in []commerce.Offer) []offer {
	out := []offer{}
	for _, o := range in {
		out = append(out, offer(o))
	}
	return out
}

func readCapability(_ time.Time, in struct {
	Statement string `json:"statement"`
}) (any, error) {
	c, err := commerce.DecodeCapability([]byte(in.Statement))
	if err != nil {
		return nil, err
	}
	return map[string]any{"agent_id": c.AgentID, "offers": offersOf(c.Offers)}, nil
}

func verifyNegotiationAnswer(_ time.Time, in struct {
	Answer string `json:"answer"`
	Sent   string `json:"sent"`
}) (any, error) {
	u, err := commerce.ParseNegotiationRequest([]byte(in.Sent))
	if err != nil {
		return nil, errEarlier{err}
	}
	a, err := commerce.DecodeNegotiationAnswer([]byte(in.Answer), u.Request)
	if err != nil {
		return nil, err
	}
	return map[string]any{"offers": offersOf(a.Offers)}, nil
}

// compareMessages tells whether two messages have equal content.
func compareMessages(_ time.Time, in struct {
	Kind     string   `json:"kind"`
	Messages []string `json:"messages"`
}) (any, error) {
	digests := []canon.Digest{}
	for _, m := range in.Messages {
		d, err := contentOf(in.Kind, []byte(m))
		if err != nil {
			return nil, err
		}
		digests = append(digests, d)
	}
	return map[string]bool{"equal": len(slices.Compact(digests)) == 1}, nil
}

// checkPurchase is what an agent does before it confirms a cart or pays.
func checkPurchase(clock time.Time, in struct {
	Authorization string      `json:"authorization"`
	Purchase      purchase    `json:"purchase"`
	Spent         *amountText `json:"spent"`
}) (any, error) {
	bounds, err := boundsOf(in.Authorization, "")
	if err != nil {
		return nil, err
	}
	p, err := in.Purchase.read(clock)
	if err != nil {
		return nil, err
	}
	spent, err := in.Spent.read()
	if err != nil {
		return nil, err
	}
	d := bounds.Decide(delegation.RoleAgent, p, spent)
	out := map[string]any{"decision": d.Outcome().String()}
	if !d.Allowed() {
		out["code"], out["policy"] = string(protocol.CodeOf(d.Err())), string(cmp.Or(bounds.DeviationAction(), delegation.PauseAndNotify))
	}
	return out, nil
}
