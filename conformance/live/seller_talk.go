package live

import (
	"fmt"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// card reads the agent card and checks that the seller has signed it.
func (p *probe) card() *commerce.AgentCard {
	if !p.scenario.Seller.Negotiation {
		p.skip("the scenario says nothing of negotiation")
	}
	r := p.reached(p.get(p.scenario.Seller.Base + "/.well-known/agent-card.json"))
	if r.status != http.StatusOK {
		p.expect("the agent card", r.refused())
	}
	u, err := commerce.ParseAgentCard(r.body)
	p.fault("the agent card", err)
	key, err := p.sellerKey(p.ctx, u.KeyID())
	p.fault("the key of the agent card", err)
	p.fault("the signature of the agent card", u.Verify(key))
	return &u.Card
}

// way is the address at which the seller negotiates in a mode.
func (p *probe) way(mode commerce.Mode) string {
	n := p.card().Negotiation
	if n.Mode != mode {
		p.skip("the seller negotiates in the mode " + string(n.Mode))
	}
	return n.URL()
}

// negotiate asks by which methods the seller can be paid.
func (p *probe) negotiate(change func(m map[string]any)) (commerce.NegotiationRequest, reply) {
	url := p.way(commerce.TwoWay)
	agent := p.fresh("agent", keys.AgentRequest)
	q := commerce.NegotiationRequest{
		RequestID: canon.UUID(), AgentID: agent.did, MerchantID: p.scenario.Seller.ID, Methods: []string{p.scenario.Seller.Method}, Estimated: p.money("18.00"),
	}
	m := map[string]any{
		"request_id": q.RequestID, "nonce": canon.Nonce(), "timestamp": canon.FormatTime(time.Now()), "agent_id": q.AgentID, "merchant_id": q.MerchantID,
		"buyer_supported_methods": q.Methods, "currency": p.scenario.currency(), "estimated_amount": "18.00",
	}
	if change != nil {
		change(m)
		if methods, ok := m["buyer_supported_methods"].([]string); ok {
			q.Methods = methods
		}
	}
	return q, p.post(url, p.sign(agent.signer(keys.AgentRequest), keys.KindNegotiationRequest, m))
}

// sellerNegotiationChecks are about the agent card and how the seller can be
// paid.
func sellerNegotiationChecks() []Check {
	return []Check{
		must("seller/negotiation/001", "CID-PCA-NEG-02", "The agent card is signed by the seller and says where it negotiates.", observed("agent", "yes", "address", "yes"), func(p *probe) conformance.Answer {
			c := p.card()
			return observed("agent", yes(c.AgentID == p.scenario.Seller.ID), "address", yes(c.Negotiation.URL() != ""))
		}),
		must("seller/negotiation/002", "CID-PCA-NEG-01 CID-PCA-NEG-02", "The capability statement is the seller's, and names for each method provider, endpoint and form of payload.",
			observed("agent", "yes", "method", "yes"), func(p *probe) conformance.Answer {
				r := p.reached(p.get(p.way(commerce.OneWay)))
				c, err := commerce.DecodeCapability(r.body)
				p.fault("the capability statement", err)
				found := false
				for _, o := range c.Offers {
					found = found || o.MethodID == p.scenario.Seller.Method && o.PSPID == p.till().psp.did && o.Endpoint == p.url("/psp")
				}
				return observed("agent", yes(c.AgentID == p.scenario.Seller.ID), "method", yes(found))
			}),
		must("seller/negotiation/003", "CID-PCA-NEG-08 CID-PCA-NEG-02", "A two-way request with the seller's method is answered with it.", observed("offers", "1"), func(p *probe) conformance.Answer {
			return p.offers(p.negotiate(nil))
		}),
		must("seller/negotiation/004", "CID-PCA-NEG-08", "A two-way request without a method of the seller's is answered with an empty list.", observed("offers", "0"), func(p *probe) conformance.Answer {
			return p.offers(p.negotiate(func(m map[string]any) { m["buyer_supported_methods"] = []string{"urn:act:payment:other-than-all"} }))
		}),
		must("seller/negotiation/005", "CID-PCA-NEG-08", "A currency that the seller does not take is no error: the list is empty.", observed("offers", "0"), func(p *probe) conformance.Answer {
			return p.offers(p.negotiate(func(m map[string]any) { m["currency"] = "XAF"; m["estimated_amount"] = "18" }))
		}),
		must("seller/negotiation/006", "CID-PCA-NEG-06", "A two-way request that is for another seller is refused.", refused(protocol.CodeAudienceMismatch), func(p *probe) conformance.Answer {
			_, r := p.negotiate(func(m map[string]any) { m["merchant_id"] = p.fresh("merchant", keys.Seller).did })
			return r.refused()
		}),
		must("seller/negotiation/007", "CID-PCA-NEG-06", "A two-way request that is an hour old is refused.", refused(protocol.CodeRequestExpired), func(p *probe) conformance.Answer {
			_, r := p.negotiate(func(m map[string]any) { m["timestamp"] = canon.FormatTime(time.Now().Add(-time.Hour)) })
			return r.refused()
		}),
		must("seller/negotiation/008", "CID-PCA-NEG-06", "A two-way request that another agent has signed is refused.", refused(protocol.CodeClaimsConflict), func(p *probe) conformance.Answer {
			_, r := p.negotiate(func(m map[string]any) { m["agent_id"] = p.fresh("agent", keys.AgentRequest).did })
			return r.refused()
		}),
	}
}

// offers counts what the seller offers in its answer.
func (p *probe) offers(q commerce.NegotiationRequest, r reply) conformance.Answer {
	if p.reached(r).status != http.StatusOK {
		return r.refused()
	}
	a, err := commerce.DecodeNegotiationAnswer(r.body, q)
	if err != nil {
		return unread(err)
	}
	return observed("offers", fmt.Sprint(len(a.Offers)))
}

// A need is an intent request on its way.
type need struct {
	agent   *party
	message map[string]any
}

// need is a request for what the seller has.
func (p *probe) need() *need {
	if !p.scenario.Seller.Intents {
		p.skip("the scenario says nothing of intent requests")
	}
	agent := p.fresh("agent", keys.AgentRequest)
	return &need{agent, map[string]any{
		"request_id": canon.UUID(), "buyer_agent_id": agent.did, "merchant_id": p.scenario.Seller.ID, "intent_id": "urn:uuid:" + canon.UUID(),
		"intent_context": map[string]any{"explicit_intent": p.item(p.items().Plain).Name},
	}}
}

// tell sends it.
func (p *probe) tell(n *need) reply {
	m := map[string]any{"nonce": canon.Nonce(), "timestamp": canon.FormatTime(time.Now())}
	for k, v := range n.message {
		m[k] = v
	}
	return p.post(p.scenario.Seller.Base+"/intents", p.sign(n.agent.signer(keys.AgentRequest), keys.KindIntentRequest, m))
}

// candidates judges the answer to an intent request.
func (p *probe) candidates(n *need, r reply) (conformance.Answer, []commerce.Item) {
	if r.err != nil || r.status != http.StatusOK {
		return r.refused(), nil
	}
	a, err := commerce.DecodeIntentAnswer(r.body)
	if err != nil {
		return unread(err), nil
	}
	if a.RequestID != n.message["request_id"] || a.MerchantID != p.scenario.Seller.ID {
		return unread(protocol.New(protocol.CodeClaimsConflict, "request_id", "CID-INT-XFR-03", "")), nil
	}
	return accepted(), a.Candidates
}

// told is a check of one intent request with one change.
func told(change func(p *probe, n *need)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		n := p.need()
		change(p, n)
		a, _ := p.candidates(n, p.tell(n))
		return a
	}
}

// limits is a need with constraints.
func limits(pairs ...any) func(*probe, *need) {
	return func(_ *probe, n *need) {
		c := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			name, _ := pairs[i].(string)
			c[name] = pairs[i+1]
		}
		n.message["constraints"] = c
	}
}

// sellerIntentChecks are about what a seller answers to a need.
func sellerIntentChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("seller/intent/"+id, req, title, refused(code), run)
	}
	return []Check{
		must("seller/intent/001", "CID-INT-XFR-01 CID-INT-XFR-03", "A need that the seller can meet is answered with candidates, joined to the request.", accepted(), told(func(*probe, *need) {})),
		must("seller/intent/002", "CID-INT-XFR-03", "Not more candidates come than were asked for.", observed("candidates", "1"), func(p *probe) conformance.Answer {
			n := p.need()
			n.message["response_requirements"] = map[string]any{"max_candidates": 1}
			a, all := p.candidates(n, p.tell(n))
			p.expect("the intent request", a)
			return observed("candidates", fmt.Sprint(len(all)))
		}),
		must("seller/intent/003", "CID-INT-XFR-03", "Candidates meet the constraints: no price is above the amount.", observed("above", "0"), func(p *probe) conformance.Answer {
			n := p.need()
			most := p.item(p.items().Plain).Price
			limits("max_amount", most.String(), "currency", most.Currency().Code())(p, n)
			a, all := p.candidates(n, p.tell(n))
			p.expect("the intent request", a)
			above := 0
			for _, i := range all {
				if c, err := i.Price.Cmp(most); err != nil || c > 0 {
					above++
				}
			}
			return observed("above", fmt.Sprint(above))
		}),
		bad("004", "CID-INT-XFR-05", "A need that the seller cannot meet has no match.", protocol.CodeNoMatch, told(limits("allowed_categories", []string{"spacecraft"}))),
		bad("005", "CID-INT-XFR-05", "Constraints that exclude each other are told as such.", protocol.CodeConstraintConflict, told(limits("allowed_categories", []string{"food"}, "forbidden_categories", []string{"food"}))),
		bad("006", "CID-INT-XFR-05", "A request that is not in form is told as such.", protocol.CodeFieldMissing, told(func(_ *probe, n *need) { delete(n.message, "intent_id") })),
		bad("007", "CID-INT-XFR-02", "A preference that comes without the principal's consent is refused.", protocol.CodeFieldMissing, told(func(_ *probe, n *need) {
			n.message["intent_context"] = map[string]any{"explicit_intent": "coffee", "preferences": []string{"oat milk"}}
		})),
		bad("008", "CID-INT-XFR-01", "A request that another agent has signed is refused.", protocol.CodeClaimsConflict, told(func(p *probe, n *need) {
			n.message["buyer_agent_id"] = p.fresh("agent", keys.AgentRequest).did
		})),
		bad("009", "CID-INT-XFR-01", "A request for another merchant is refused.", protocol.CodeAudienceMismatch, told(func(p *probe, n *need) {
			n.message["merchant_id"] = p.fresh("merchant", keys.Seller).did
		})),
		bad("010", "CID-INT-XFR-01", "A request that is sent twice, byte for byte, is a replay.", protocol.CodeReplayed, func(p *probe) conformance.Answer {
			n := p.need()
			n.message["nonce"], n.message["timestamp"] = canon.Nonce(), canon.FormatTime(time.Now())
			a, _ := p.candidates(n, p.tell(n))
			p.expect("the intent request", a)
			return p.tell(n).refused()
		}),
		must("seller/intent/011", "CID-INT-XFR-04", "An update of a need that was told is taken.", accepted(), func(p *probe) conformance.Answer { return p.updated(p.need(), nil) }),
		bad("012", "CID-INT-XFR-04", "An update of a need that was never told is not understood.", protocol.CodeContextUnknown, func(p *probe) conformance.Answer {
			n := p.need()
			n.message["previous_request_id"] = canon.UUID()
			a, _ := p.candidates(n, p.tell(n))
			return a
		}),
		bad("013", "CID-INT-XFR-04", "Another agent's need cannot be updated, nor found.", protocol.CodeContextUnknown, func(p *probe) conformance.Answer {
			return p.updated(p.need(), p.fresh("agent", keys.AgentRequest))
		}),
		bad("014", "CID-INT-XFR-04", "An update of another intent is refused.", protocol.CodeClaimsConflict, func(p *probe) conformance.Answer {
			n := p.need()
			a, _ := p.candidates(n, p.tell(n))
			p.expect("the first request", a)
			u := *n
			u.message = map[string]any{}
			for k, v := range n.message {
				u.message[k] = v
			}
			u.message["previous_request_id"], u.message["request_id"], u.message["intent_id"] = n.message["request_id"], canon.UUID(), "urn:uuid:"+canon.UUID()
			a, _ = p.candidates(&u, p.tell(&u))
			return a
		}),
	}
}

// updated tells a need and then more of it, by another agent when there is one.
func (p *probe) updated(n *need, other *party) conformance.Answer {
	a, _ := p.candidates(n, p.tell(n))
	p.expect("the first request", a)
	most := p.item(p.items().Plain).Price
	u := &need{n.agent, map[string]any{
		"request_id": canon.UUID(), "buyer_agent_id": n.agent.did, "merchant_id": p.scenario.Seller.ID, "intent_id": n.message["intent_id"],
		"previous_request_id": n.message["request_id"], "constraints": map[string]any{"max_amount": most.String(), "currency": most.Currency().Code()},
	}}
	if other != nil {
		u.agent, u.message["buyer_agent_id"] = other, other.did
	}
	a, _ = p.candidates(u, p.tell(u))
	return a
}
