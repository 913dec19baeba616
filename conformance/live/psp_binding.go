package live

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A binding is a binding request on its way.
type binding struct {
	payer   *payer
	message map[string]any
}

// binding is a request for a payment token with a ceiling.
func (p *probe) binding() *binding {
	y := p.account("100.00")
	return &binding{y, map[string]any{
		"request_id": canon.UUID(), "psp_id": p.scenario.PSP.ID, "buyer_agent_id": y.agent.did, "principal_id": y.principal,
		"terms": map[string]any{
			"instrument": "PAYMENT_TOKEN", "currency": p.scenario.currency(), "ceiling": "50.00", "valid_until": p.later(24 * time.Hour), "merchants": []string{p.merchant().did},
		},
	}}
}

// purseBinding is a request for a sub-account, after a change of the word of its
// key.
func (p *probe) purseBinding(change func(*payment.SubAccountKeyProof)) *binding {
	b := p.binding()
	s, err := p.otherKey(b.payer.agent, "asked", keys.SubAccount)
	p.fault("making a key", err)
	agent := b.payer.agent.signer(keys.AgentRequest)
	m := b.message
	m["terms"] = map[string]any{"instrument": "SUB_ACCOUNT", "currency": p.scenario.currency(), "single_limit": "20.00"}
	m["nonce"], m["timestamp"] = canon.Nonce(), canon.FormatTime(time.Now())
	m["signer_id"], m["signature_type"], m["signature_covered_fields"] = agent.KeyID(), agent.Public().Algorithm().SignatureType(), ""
	m["subaccount_key"], m["subaccount_key_proof"] = s.Public(), ""
	m["signature_covered_fields"] = slices.Sorted(maps.Keys(m))
	digested := maps.Clone(m)
	delete(digested, "subaccount_key_proof")
	text, err := canon.Marshal(digested)
	p.fault("a binding request of the suite's", err)
	text, err = canon.Canonicalize(text)
	p.fault("a binding request of the suite's", err)
	now := time.Now().Truncate(time.Second)
	word := payment.SubAccountKeyProof{AgentID: b.payer.agent.did, PSPID: p.scenario.PSP.ID, ID: canon.UUID(), IssuedAt: now, Expires: now.Add(time.Minute), RequestDigest: canon.Sum(text)}
	if change != nil {
		change(&word)
	}
	m["subaccount_key_proof"], err = payment.SignSubAccountKeyProof(s, word)
	p.fault("a binding request of the suite's", err)
	return b
}

// bindingBody signs a transmission of a binding request.
func (p *probe) bindingBody(b *binding) []byte {
	m := map[string]any{"nonce": canon.Nonce(), "timestamp": canon.FormatTime(time.Now())}
	maps.Copy(m, b.message)
	return p.sign(b.payer.agent.signer(keys.AgentRequest), keys.KindBindingRequest, m)
}

func (p *probe) sendBinding(b *binding) reply {
	return p.offered(p.pspPost("/bindings", p.bindingBody(b)))
}

// awaiting judges an answer that has to say that the request waits.
func (p *probe) awaiting(b *binding, r reply) (conformance.Answer, *payment.BindingPending) {
	if r.err != nil || r.status != http.StatusAccepted {
		if r.status == http.StatusOK {
			return conformance.Answer{Outcome: conformance.Invalid, Code: protocol.CodeStateConflict}, nil // bound, and nobody was asked
		}
		return r.refused(), nil
	}
	u, err := payment.ParseBindingPending(bytes.TrimSpace(r.body))
	if err == nil {
		err = p.believe(u, time.Now())
	}
	if err == nil && (u.Pending.RequestID != b.message["request_id"] || u.Pending.BuyerAgentID != b.payer.agent.did) {
		err = protocol.New(protocol.CodeRequestConflict, "request_id", "PSD-PMT-BND-02", "")
	}
	if err != nil {
		return unread(err), nil
	}
	return accepted(), &u.Pending
}

// awaited is a binding request that has to wait.
func (p *probe) awaited(b *binding) *payment.BindingPending {
	a, w := p.awaiting(b, p.sendBinding(b))
	p.expect("the binding request", a)
	return w
}

// pspBindingChecks are about instruments that agents ask for, where the provider
// binds in this way.
func pspBindingChecks() []Check {
	return []Check{
		must("psp/binding/001", "PSD-PMT-BND-02 PSD-PMT-BND-03", "A binding request waits for the principal, and its answer holds no token.", observed("answer", "accepted", "https", "yes", "token", "no"), func(p *probe) conformance.Answer {
			b := p.binding()
			r := p.sendBinding(b)
			a, w := p.awaiting(b, r)
			p.expect("the binding request", a)
			return observed("answer", word(a), "https", yes(strings.HasPrefix(w.BindingURL, "https://")), "token", yes(bytes.Contains(r.body, []byte("payment_token"))))
		}),
		must("psp/binding/002", "PSD-PMT-BND-02", "The same content in a new transmission gets the same address.", observed("address", "same"), func(p *probe) conformance.Answer {
			b := p.binding()
			one, two := p.awaited(b), p.awaited(b)
			return observed("address", same(one.BindingURL == two.BindingURL && one.ExpiresAt.Equal(two.ExpiresAt)))
		}),
		must("psp/binding/003", "PSD-PMT-BND-02", "A binding request that is sent twice, byte for byte, is a replay.", refused(protocol.CodeReplayed), func(p *probe) conformance.Answer {
			b := p.binding()
			body := p.bindingBody(b)
			a, _ := p.awaiting(b, p.offered(p.pspPost("/bindings", body)))
			p.expect("the binding request", a)
			return p.pspPost("/bindings", body).refused()
		}),
		must("psp/binding/004", "PSD-PMT-BND-02", "A request id that comes again with wider limits is a conflict.", refused(protocol.CodeRequestConflict), func(p *probe) conformance.Answer {
			b := p.binding()
			p.awaited(b)
			terms, _ := b.message["terms"].(map[string]any)
			terms["ceiling"] = "99.00"
			a, _ := p.awaiting(b, p.sendBinding(b))
			return a
		}),
		must("psp/binding/005", "PSD-PMT-BND-05", "A binding that the principal declined yields no token, and says why, for good.", observed("first", "confirmation_failed", "stored", "yes", "again", "confirmation_failed"), func(p *probe) conformance.Answer {
			b := p.binding()
			w := p.awaited(b)
			p.act("decline_binding", "binding_url", w.BindingURL, "principal", b.payer.principal)
			e, err := p.sendBinding(b).refusal()
			p.fault("the answer after the principal declined", err)
			again, _ := p.awaiting(b, p.sendBinding(b))
			return observed("first", string(e.Code), "stored", yes(e.Binding == b.message["request_id"]), "again", word(again))
		}),
		must("psp/binding/006", "PSD-PMT-BND-02 PSD-PMT-BND-03 PSD-PMT-BND-01", "A binding that the principal accepted yields a token, within what was asked for, and it pays.", observed("terms", "yes", "pays", "accepted"), func(p *probe) conformance.Answer {
			b := p.binding()
			w := p.awaited(b)
			p.act("accept_binding", "binding_url", w.BindingURL, "principal", b.payer.principal)
			r := p.sendBinding(b)
			if r.status != http.StatusOK {
				p.expect("the answer after the principal accepted", r.refused())
			}
			u, err := payment.ParseBindingResult(bytes.TrimSpace(r.body))
			p.fault("the binding-result", err)
			p.fault("the signature of the binding-result", p.believe(u, time.Now()))
			b.payer.token = u.Result.PaymentToken
			limit := u.Result.Terms.Ceiling
			return observed("terms", yes(limit.Valid() && limit.Minor() <= p.money("50.00").Minor()), "pays", word(p.pay(p.purchase(b.payer, "18.00"))))
		}),
	}
}

// pspAskedChecks are about what may be asked for.
func pspAskedChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, change func(m map[string]any)) Check {
		return must("psp/binding/"+id, req, title, refused(code), func(p *probe) conformance.Answer {
			b := p.binding()
			change(b.message)
			a, _ := p.awaiting(b, p.sendBinding(b))
			return a
		})
	}
	return []Check{
		must("psp/binding/007", "PSD-PMT-BND-01", "Who asks for a stranger's account waits like everybody else: nobody is told whom the provider knows.", accepted(), func(p *probe) conformance.Answer {
			b := p.binding()
			b.message["principal_id"] = p.party("nobody-"+p.run, keys.AgentRequest).did
			a, _ := p.awaiting(b, p.sendBinding(b))
			return a
		}),
		bad("008", "PSD-PMT-BND-02", "A binding request that another agent has signed is refused.", protocol.CodeClaimsConflict, func(m map[string]any) {
			m["buyer_agent_id"] = "did:act:elsewhere.example/agent"
		}),
		bad("009", "PSD-PMT-BND-03", "A ceiling of zero is refused.", protocol.CodeFieldInvalid, func(m map[string]any) {
			terms, _ := m["terms"].(map[string]any)
			terms["ceiling"] = "0.00"
		}),
		bad("010", "PSD-PMT-BND-02", "A limit that the provider does not know is refused, not left out.", protocol.CodeFieldUnknown, func(m map[string]any) {
			terms, _ := m["terms"].(map[string]any)
			terms["per_moon"] = "5.00"
		}),
		must("psp/binding/011", "PSD-AGT-SUB-01", "A request for a sub-account with the word of its key waits.", accepted(), func(p *probe) conformance.Answer {
			b := p.purseBinding(nil)
			a, _ := p.awaiting(b, p.sendBinding(b))
			return a
		}),
		must("psp/binding/012", "PSD-AGT-SUB-01", "A request for a sub-account with a key's word for another request is refused.", refused(protocol.CodeClaimsConflict), func(p *probe) conformance.Answer {
			b := p.purseBinding(func(w *payment.SubAccountKeyProof) { w.RequestDigest = canon.Sum([]byte("another request")) })
			a, _ := p.awaiting(b, p.sendBinding(b))
			return a
		}),
		must("psp/binding/013", "PSD-AGT-SUB-01", "A request for a sub-account with a key's word for another provider is refused.", refused(protocol.CodeAudienceMismatch), func(p *probe) conformance.Answer {
			b := p.purseBinding(func(w *payment.SubAccountKeyProof) { w.PSPID = p.party("psp-"+p.run, keys.Proof).did })
			a, _ := p.awaiting(b, p.sendBinding(b))
			return a
		}),
	}
}
