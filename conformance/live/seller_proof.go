package live

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// proven is a check of one request with a proof that has one change.
func proven(change func(p *probe, g *good, c *payment.ProofClaims)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		g := p.safe()
		proof, _ := p.proof(g, p.bill(g), func(c *payment.ProofClaims) { change(p, g, c) })
		return delivered(p.present(g, proof))
	}
}

// carried is a check of one request with a right proof that is carried in a
// wrong way.
func carried(change func(p *probe, g *good)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		g := p.safe()
		proof, _ := p.proof(g, p.bill(g), nil)
		change(p, g)
		return delivered(p.present(g, proof))
	}
}

// sellerProofChecks are requests with proofs.
func sellerProofChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("seller/proof/"+id, req, title, refused(code), run)
	}
	return append(sellerRefusalChecks(),
		must("seller/proof/001", "PSD-PAY-A402-19 PSD-PAY-A402-07 PSD-PAY-A402-08", "A request with a proof that is right in everything is delivered.", accepted(), proven(func(*probe, *good, *payment.ProofClaims) {})),
		must("seller/proof/002", "PSD-PAY-A402-22", "Payment-Validation of a delivery repeats trade, order, resource and fingerprint, and tells the phases apart.",
			observed("validation", "VALID", "delivery", "DELIVERED", "identifiers", "yes"), func(p *probe) conformance.Answer {
				g := p.safe()
				b := p.bill(g)
				proof, no := p.proof(g, b, nil)
				r := p.present(g, proof)
				p.expect("the delivery", delivered(r))
				v := p.validation(r)
				return observed("validation", string(v.Status), "delivery", string(v.Delivery), "identifiers",
					yes(v.TradeNo == no && v.OutTradeNo == b.OutTradeNo && v.ResourceID == b.ResourceID && v.RequestFingerprint == b.RequestFingerprint))
			}),
		must("seller/proof/003", "PSD-PAY-A402-08", "Before it delivers, the seller has the proof consumed at the provider, as one consumer.", observed("consumers", "1"), func(p *probe) conformance.Answer {
			_, no, _ := p.bought(p.safe())
			n := 0
			p.till().look(no, func(x *trade) { n = len(x.consumers) })
			return observed("consumers", fmt.Sprint(n))
		}),
		must("seller/proof/004", "PSD-PAY-A402-10", "After a delivery the seller confirms it to the provider.", observed("confirmed", "yes"), func(p *probe) conformance.Answer {
			_, no, _ := p.bought(p.safe())
			return observed("confirmed", yes(p.confirmed(no)))
		}),
		bad("010", "PSD-PAY-A402-07 PSD-PAY-A402-08", "A proof for an order that the seller never issued is refused, on a first request too.", protocol.CodeProofMismatch, func(p *probe) conformance.Answer {
			g := p.safe()
			b := p.bill(g)
			proof, _ := p.proof(g, b, func(c *payment.ProofClaims) { c.OutTradeNo = strings.Repeat("a", len(c.OutTradeNo)) })
			return delivered(p.present(g, proof))
		}),
		bad("011", "PSD-PAY-A402-08", "A proof that another provider has signed is refused.", protocol.CodeIssuerUntrusted, func(p *probe) conformance.Answer {
			g := p.safe()
			stranger := p.fresh("psp", keys.Proof)
			_, no := p.proof(g, p.bill(g), nil)
			var c payment.ProofClaims
			p.till().look(no, func(x *trade) { c = x.claims })
			c.PSPID = stranger.did
			return delivered(p.present(g, p.proofOf(c, stranger)))
		}),
		bad("012", "PSD-PAY-A402-08", "A proof by a key that the provider does not have is refused.", protocol.CodeKeyUnknown, func(p *probe) conformance.Answer {
			g := p.safe()
			s, err := p.otherKey(p.till().psp, "forged-"+canon.UUID()[:8], keys.Proof)
			p.fault("making a key", err)
			_, no := p.proof(g, p.bill(g), nil)
			var c payment.ProofClaims
			p.till().look(no, func(x *trade) { c = x.claims })
			token, err := payment.SignProofClaims(s, c)
			p.fault("the suite's proof", err)
			return delivered(p.present(g, token))
		}),
		bad("013", "PSD-PAY-A402-07 PSD-PAY-A402-08", "A proof whose time is over is refused.", protocol.CodeProofExpired, proven(func(_ *probe, _ *good, c *payment.ProofClaims) {
			c.IssuedAt, c.Expires = c.IssuedAt.Add(-time.Hour), c.IssuedAt.Add(-time.Minute)
		})),
		bad("014", "PSD-PAY-A402-08", "A proof over another amount than the bill's is refused.", protocol.CodeProofMismatch, proven(func(p *probe, _ *good, c *payment.ProofClaims) {
			c.Amount = p.money("0.01")
		})),
		bad("015", "PSD-PAY-A402-08", "A proof for another merchant is refused.", protocol.CodeAudienceMismatch, proven(func(p *probe, _ *good, c *payment.ProofClaims) {
			c.MerchantID = p.fresh("merchant", keys.Seller).did
		})),
		bad("016", "PSD-PAY-A402-08 PSD-PAY-A402-16", "A proof for one thing does not deliver another.", protocol.CodeProofMismatch, func(p *probe) conformance.Answer {
			g, other := p.safe(), p.other()
			proof, _ := p.proof(other, p.bill(other), nil)
			g.buyer = other.buyer
			return delivered(p.present(g, proof))
		}),
	)
}

// sellerBoundChecks are requests with proofs for something else, or from somebody else.
func sellerBoundChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("seller/proof/"+id, req, title, refused(code), run)
	}
	return []Check{
		bad("017", "PSD-PAY-A402-16 PSD-PAY-A402-08", "A proof for one body does not deliver for another.", protocol.CodeProofMismatch, func(p *probe) conformance.Answer {
			g := p.unsafe()
			proof, _ := p.proof(g, p.bill(g), nil)
			g.body = append(g.body, " and more"...)
			return delivered(p.present(g, proof))
		}),
		bad("018", "PSD-PAY-A402-16 PSD-PAY-A402-08", "A proof for a request does not deliver for one with another query.", protocol.CodeProofMismatch, func(p *probe) conformance.Answer {
			g := p.safe()
			proof, _ := p.proof(g, p.bill(g), nil)
			g.url += map[bool]string{true: "&", false: "?"}[strings.Contains(g.url, "?")] + "more=1"
			return delivered(p.present(g, proof))
		}),
		bad("019", "PSD-PAY-A402-08", "An order's proof does not deliver another order: number and terms belong together.", protocol.CodeProofMismatch, func(p *probe) conformance.Answer {
			g := p.unsafe()
			cheap := p.bill(g)
			g.body = append(g.body, " and more"...)
			dear := p.bill(g)
			proof, _ := p.proof(g, dear, func(c *payment.ProofClaims) { c.OutTradeNo = cheap.OutTradeNo })
			return delivered(p.present(g, proof))
		}),
		bad("020", "PSD-PAY-A402-08", "A proof that somebody else presents, by a key of their own, is refused.", protocol.CodeProofMismatch, carried(func(p *probe, g *good) {
			g.buyer = p.fresh("agent", keys.AgentRequest)
		})),
		bad("021", "PSD-PAY-A402-08", "A proof in a request that is not signed is refused.", protocol.CodeSignatureInvalid, carried(func(_ *probe, g *good) { g.unsigned = true })),
		bad("022", "PSD-PAY-A402-08", "A signature that does not cover the proof is refused.", protocol.CodeFieldMissing, carried(func(_ *probe, g *good) { g.coverNothing = true })),
		bad("023", "PSD-PAY-A402-08", "A signature whose time is over is refused.", protocol.CodeRequestExpired, carried(func(_ *probe, g *good) { g.backway, g.lifetime = 10*time.Minute, time.Minute })),
		bad("024", "PSD-PAY-A402-03 PSD-PAY-A402-09", "A Payment-Proof that is no base64url of JSON is refused.", protocol.CodeMalformed, func(p *probe) conformance.Answer {
			g := p.safe()
			p.bill(g)
			return delivered(p.send(g.retry(p, "this-is-not-a-proof!"), nil))
		}),
		bad("025", "PSD-PAY-A402-03", "A Payment-Proof that stands there twice is refused.", protocol.CodeMalformed, func(p *probe) conformance.Answer {
			g := p.safe()
			proof, _ := p.proof(g, p.bill(g), nil)
			r := g.retry(p, p.header(proof))
			r.Header.Add(payment.HeaderProof, p.header(proof))
			return delivered(p.send(r, nil))
		}),
		bad("026", "PSD-PAY-A402-21 PSD-PAY-A402-08", "A Payment-Proof whose outer members are not those of the proof inside is refused.", protocol.CodeClaimsConflict, func(p *probe) conformance.Answer {
			g := p.safe()
			proof, _ := p.proof(g, p.bill(g), nil)
			u, err := payment.ParseProofClaims(proof)
			p.fault("the suite's proof", err)
			outer := u.Proof()
			outer.TradeNo = "trade-" + canon.UUID()
			h, err := outer.EncodeHeader()
			p.fault("the suite's proof", err)
			return delivered(p.send(g.retry(p, h), nil))
		}),
		bad("027", "PSD-PAY-A402-16", "A retry under another Idempotency-Key than was paid for is refused.", protocol.CodeProofMismatch, func(p *probe) conformance.Answer {
			g := p.unsafe()
			g.key = canon.UUID()
			proof, _ := p.proof(g, p.bill(g), nil)
			g.key = canon.UUID()
			return delivered(p.present(g, proof))
		}),
	}
}

// confirmed waits for the seller's confirmation of a delivery.
func (p *probe) confirmed(no string) bool {
	for range 40 {
		done := false
		p.till().look(no, func(x *trade) { done = !x.finished.IsZero() })
		if done {
			return true
		}
		p.wait(250 * time.Millisecond)
	}
	return false
}

// sellerRefusalChecks are about the form of a refusal, and about a provider that
// refuses or does not answer.
func sellerRefusalChecks() []Check {
	return []Check{
		must("seller/refusal/001", "PSD-PAY-A402-09 PSD-PAY-A402-02 PSD-PAY-A402-14", "A proof that is refused is answered with 402, a new bill, and a Payment-Validation that says INVALID and why.",
			observed("status", "402", "bill", "new", "validation", "INVALID", "delivery", "NOT_STARTED", "code", "proof_expired"), func(p *probe) conformance.Answer {
				g := p.safe()
				b := p.bill(g)
				proof, _ := p.proof(g, b, func(c *payment.ProofClaims) {
					c.IssuedAt, c.Expires = c.IssuedAt.Add(-time.Hour), c.IssuedAt.Add(-time.Minute)
				})
				r := p.reached(p.present(g, proof))
				again, err := p.billIn(r)
				p.fault("the new bill", err)
				v := p.validation(r)
				code := ""
				if v.Error != nil {
					code = string(v.Error.Code())
				}
				return observed("status", fmt.Sprint(r.status), "bill", map[bool]string{true: "old", false: "new"}[again.OutTradeNo == b.OutTradeNo],
					"validation", string(v.Status), "delivery", string(v.Delivery), "code", code)
			}),
		must("seller/refusal/002", "PSD-PAY-A402-08 PSD-PAY-A402-15", "A proof of which the provider says that it was used is refused.", refused(protocol.CodeProofUsed), denied(func(x *trade) { x.deny = protocol.CodeProofUsed })),
		must("seller/refusal/003", "PSD-PAY-A402-08", "A trade that was given back as a whole delivers nothing.", refused(protocol.CodeProofInvalid), denied(func(x *trade) { x.closed = true })),
		must("seller/refusal/004", "PSD-PAY-A402-23 PSD-PAY-A402-22", "While the provider does not answer, nothing is delivered and nothing billed anew: 503, and a Payment-Validation that says UNKNOWN.",
			observed("status", "503", "bill", "no", "validation", "UNKNOWN", "retry_after", "yes"), func(p *probe) conformance.Answer {
				g := p.safe()
				proof, no := p.proof(g, p.bill(g), nil)
				p.till().look(no, func(x *trade) { x.down = true })
				r := p.reached(p.present(g, proof))
				return observed("status", fmt.Sprint(r.status), "bill", yes(r.header.Get(payment.HeaderNeeded) != ""), "validation", string(p.validation(r).Status),
					"retry_after", yes(r.header.Get("Retry-After") != ""))
			}),
		must("seller/refusal/005", "PSD-PAY-A402-23", "A proof that could not be checked is good once the provider answers.", accepted(), func(p *probe) conformance.Answer {
			g := p.safe()
			proof, no := p.proof(g, p.bill(g), nil)
			p.till().look(no, func(x *trade) { x.down = true })
			if r := p.reached(p.present(g, proof)); r.status < 400 {
				return conformance.Answer{Outcome: conformance.Invalid, Code: protocol.CodeProofUsed}
			}
			p.till().look(no, func(x *trade) { x.down = false })
			return p.patiently(func() reply { return p.present(g, proof) })
		}),
		must("seller/refusal/006", "PSD-PAY-A402-10", "A confirmation that the provider does not take is made again, and the delivery stands.", observed("delivery", "accepted", "confirmed", "yes"), func(p *probe) conformance.Answer {
			g := p.safe()
			proof, no := p.proof(g, p.bill(g), nil)
			p.till().look(no, func(x *trade) { x.mute = true })
			a := delivered(p.present(g, proof))
			p.wait(500 * time.Millisecond)
			p.till().look(no, func(x *trade) { x.mute = false })
			return observed("delivery", word(a), "confirmed", yes(p.confirmed(no)))
		}),
		must("seller/refusal/007", "PSD-PAY-A402-09 PSD-PAY-A402-12", "The body of a refusal names code, outcome and category.", observed("code", "proof_mismatch", "outcome", "denied", "category", "PAYMENT_PROOF_VALIDATION"), func(p *probe) conformance.Answer {
			g := p.safe()
			proof, _ := p.proof(g, p.bill(g), func(c *payment.ProofClaims) { c.Amount = p.money("0.01") })
			e, err := p.present(g, proof).refusal()
			p.fault("the answer", err)
			category := ""
			if e.A402 != nil {
				category = string(e.A402.Category)
			}
			return observed("code", string(e.Code), "outcome", e.Outcome.String(), "category", category)
		}),
		must("seller/refusal/008", "PSD-PAY-A402-22 PSD-PAY-A402-03", "What the seller says to the provider is signed by its key for selling, and in form.", observed("faults", "0"), func(p *probe) conformance.Answer {
			_, no, _ := p.bought(p.safe())
			p.confirmed(no)
			t := p.till()
			t.mu.Lock()
			defer t.mu.Unlock()
			return observed("faults", fmt.Sprint(len(t.all)))
		}),
	}
}

// denied is a check of a right proof of which the provider says something else.
func denied(change func(*trade)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		g := p.safe()
		proof, no := p.proof(g, p.bill(g), nil)
		p.till().look(no, change)
		return delivered(p.present(g, proof))
	}
}

// patiently does something again as long as the answer is that it cannot be done
// now, for some seconds.
func (p *probe) patiently(do func() reply) conformance.Answer {
	for i := 0; ; i++ {
		r := do()
		if r.status != http.StatusServiceUnavailable || i == 12 {
			return delivered(r)
		}
		p.wait(500 * time.Millisecond)
	}
}
