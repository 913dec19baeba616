package live

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// sellerChecks are the checks of a merchant.
func sellerChecks() []Check {
	return slices.Concat(
		sellerBillChecks(), sellerProofChecks(), sellerBoundChecks(), sellerDeliveryChecks(), sellerCatalogueChecks(), sellerNegotiationChecks(), sellerIntentChecks(), sellerCartChecks(), sellerCartFormChecks(),
		sellerPickupChecks(),
	)
}

// A good is something that is sold by the request, and how it is asked for.
type good struct {
	resource          *Resource
	method, url, key  string
	body              []byte
	ctype             string
	buyer             *party
	coverNothing      bool // the signature of the retry does not cover the proof
	unsigned          bool
	lifetime, backway time.Duration // of that signature
}

// good is a resource for a buyer whom nobody has met.
func (p *probe) good(r *Resource, method, kind string) *good {
	if r == nil {
		p.skip("the scenario has no resource " + kind)
	}
	g := &good{resource: r, method: method, url: p.scenario.Seller.Base + r.Path, buyer: p.fresh("agent", keys.AgentRequest), lifetime: time.Minute}
	if method == http.MethodPost {
		g.body, g.ctype = []byte(r.Body), r.Ctype
		if g.ctype == "" {
			g.ctype = "text/plain"
		}
		if r.Body == "" {
			g.body = []byte("one")
		}
	}
	return g
}

func (p *probe) safe() *good   { return p.good(p.scenario.Seller.Safe, http.MethodGet, "safe") }
func (p *probe) other() *good  { return p.good(p.scenario.Seller.Other, http.MethodGet, "other") }
func (p *probe) unsafe() *good { return p.good(p.scenario.Seller.Unsafe, http.MethodPost, "unsafe") }

// ask makes the request for a good, without a proof.
func (g *good) ask(p *probe) *http.Request {
	r := p.request(g.method, g.url)
	if g.ctype != "" {
		r.Header.Set("Content-Type", g.ctype)
	}
	if g.key != "" {
		r.Header.Set("Idempotency-Key", g.key)
	}
	return r
}

// bill asks for a good without a proof, and reads the bill.
func (p *probe) bill(g *good) *payment.Bill {
	return p.readBill(p.send(g.ask(p), g.body))
}

// readBill reads the bill of an answer, and checks that the seller has signed it.
func (p *probe) readBill(r reply) *payment.Bill {
	b, err := p.billIn(r)
	p.fault("the bill", err)
	return b
}

func (p *probe) billIn(r reply) (*payment.Bill, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.status != http.StatusPaymentRequired {
		return nil, fmt.Errorf("status %d", r.status)
	}
	header, err := payment.Header(r.header, payment.HeaderNeeded)
	if err != nil {
		return nil, err
	}
	u, err := payment.ParseBill(header)
	if err != nil {
		return nil, err
	}
	if err := u.CheckProfile(); err != nil {
		return nil, err
	}
	if u.SignerDID() != p.scenario.Seller.ID {
		return nil, protocol.New(protocol.CodeIssuerUntrusted, "signer_id", "PSD-PAY-A402-20", "the seller's own key")
	}
	key, err := p.sellerKey(p.ctx, u.KeyID())
	if err != nil {
		return nil, err
	}
	return &u.Bill, u.Verify(key)
}

// pay makes the proof that a bill was paid by the buyer of a good, after a
// change of what it says.
func (p *probe) proof(g *good, b *payment.Bill, change func(*payment.ProofClaims)) (proof string, tradeNo string) {
	now := time.Now().Truncate(time.Second)
	c := payment.ProofClaims{
		PSPID: p.till().psp.did, MerchantID: p.scenario.Seller.ID, ID: canon.UUID(), IssuedAt: now, Expires: now.Add(minutes), TradeNo: "trade-" + canon.UUID(),
		OutTradeNo: b.OutTradeNo, ResourceID: b.ResourceID, Amount: b.Amount, Payer: g.buyer.did, MethodID: b.MethodID, RequestMethod: b.RequestMethod,
		RequestFingerprint: b.RequestFingerprint, IdempotencyKey: b.IdempotencyKey, Thumbprint: g.buyer.signer(keys.AgentRequest).Public().Thumbprint(),
	}
	if change != nil {
		change(&c)
	}
	return p.proofOf(c, p.till().psp), c.TradeNo
}

// proofOf signs a proof and books the trade.
func (p *probe) proofOf(c payment.ProofClaims, psp *party) string {
	token, err := payment.SignProofClaims(psp.signer(keys.Proof), c)
	p.fault("the suite's proof", err)
	t := p.till()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trades[c.TradeNo] = &trade{claims: c, consumers: map[string]bool{}}
	return token
}

// header is the value of Payment-Proof for a proof.
func (p *probe) header(proof string) string {
	u, err := payment.ParseProofClaims(proof)
	p.fault("the suite's proof", err)
	h, err := u.Proof().EncodeHeader()
	p.fault("the suite's proof", err)
	return h
}

// retry makes the request for a good with a proof, signed as SPEC.md 6.4 says.
func (g *good) retry(p *probe, header string) *http.Request {
	r := g.ask(p)
	r.Header.Set(payment.HeaderProof, header)
	if g.unsigned {
		return r
	}
	covered := []string{"payment-proof"}
	if g.coverNothing {
		covered = nil
	}
	p.fault("signing the request", httpsig.Sign(r, g.body, g.buyer.signer(keys.AgentRequest), time.Now().Add(-g.backway), g.lifetime, covered...))
	return r
}

// present sends the request for a good with a proof.
func (p *probe) present(g *good, proof string) reply {
	return p.send(g.retry(p, p.header(proof)), g.body)
}

// delivered judges the answer to a request with a proof.
func delivered(r reply) conformance.Answer {
	if r.err == nil && r.status < 400 {
		return accepted()
	}
	return r.refused()
}

// bought is a delivery that has to succeed.
func (p *probe) bought(g *good) (proof, tradeNo string, r reply) {
	proof, tradeNo = p.proof(g, p.bill(g), nil)
	r = p.present(g, proof)
	p.expect("the delivery", delivered(r))
	return proof, tradeNo, r
}

// validation reads Payment-Validation.
func (p *probe) validation(r reply) *payment.Validation {
	header, err := payment.Header(r.header, payment.HeaderValidation)
	p.fault("Payment-Validation", err)
	if header == "" {
		p.fault("Payment-Validation", protocol.New(protocol.CodeFieldMissing, payment.HeaderValidation, "PSD-PAY-A402-22", "the header"))
	}
	u, err := payment.ParseValidation(header)
	p.fault("Payment-Validation", err)
	p.fault("Payment-Validation", u.CheckProfile())
	return &u.Validation
}

// sellerBillChecks are about what the answer to a request without a proof says.
func sellerBillChecks() []Check {
	return []Check{
		must("seller/bill/001", "PSD-PAY-A402-02 PSD-PAY-A402-03 PSD-PAY-A402-20", "A request without a proof is answered with 402 and a bill that the seller has signed.", accepted(), func(p *probe) conformance.Answer {
			g := p.safe()
			r := p.reached(p.send(g.ask(p), nil))
			if r.status != http.StatusPaymentRequired {
				return observed("status", fmt.Sprint(r.status))
			}
			if _, err := p.billIn(r); err != nil {
				return unread(err)
			}
			return accepted()
		}),
		must("seller/bill/002", "PSD-PAY-A402-20 PSD-PAY-A402-16", "The bill is for this request: method and fingerprint are those that the buyer computes.",
			observed("method", "GET", "fingerprint", "yes", "seller", "yes", "psp", "yes"), func(p *probe) conformance.Answer {
				g := p.safe()
				b := p.bill(g)
				own, err := payment.Fingerprint(g.method, g.url, "", nil)
				p.fault("the fingerprint", err)
				return observed("method", b.RequestMethod, "fingerprint", yes(own == b.RequestFingerprint), "seller", yes(b.SellerID == p.scenario.Seller.ID),
					"psp", yes(b.PSPID == p.till().psp.did))
			}),
		must("seller/bill/003", "PSD-PAY-A402-01", "Two requests for one thing have one resource_id and two order numbers.", observed("resource", "same", "order", "different"), func(p *probe) conformance.Answer {
			one, two := p.bill(p.safe()), p.bill(p.safe())
			return observed("resource", same(one.ResourceID == two.ResourceID), "order", same(one.OutTradeNo == two.OutTradeNo))
		}),
		must("seller/bill/004", "PSD-PAY-A402-01", "Two things have two resource_ids.", observed("resource", "different"), func(p *probe) conformance.Answer {
			one, two := p.bill(p.safe()), p.bill(p.other())
			return observed("resource", same(one.ResourceID == two.ResourceID))
		}),
		must("seller/bill/005", "PSD-PAY-A402-16", "The fingerprint of a POST covers its body.", observed("fingerprint", "different", "computed", "yes"), func(p *probe) conformance.Answer {
			g := p.unsafe()
			one := p.bill(g)
			g.body = append(slices.Clone(g.body), " and more"...)
			two := p.bill(g)
			own, err := payment.Fingerprint(g.method, g.url, g.ctype, g.body)
			p.fault("the fingerprint", err)
			return observed("fingerprint", same(one.RequestFingerprint == two.RequestFingerprint), "computed", yes(own == two.RequestFingerprint))
		}),
		must("seller/bill/006", "PSD-PAY-A402-16", "The bill for a POST has an idempotency_key.", observed("key", "yes"), func(p *probe) conformance.Answer {
			return observed("key", yes(p.bill(p.unsafe()).IdempotencyKey != ""))
		}),
		must("seller/bill/007", "PSD-PAY-A402-16", "The Idempotency-Key of the request is that of the bill.", observed("key", "same"), func(p *probe) conformance.Answer {
			g := p.unsafe()
			g.key = canon.UUID()
			return observed("key", same(p.bill(g).IdempotencyKey == g.key))
		}),
		must("seller/bill/008", "PSD-PAY-A402-20", "A bill can still be paid when it comes.", observed("open", "yes"), func(p *probe) conformance.Answer {
			return observed("open", yes(time.Until(p.bill(p.safe()).PayBefore) > 5*time.Second))
		}),
		must("seller/bill/009", "PSD-PAY-A402-02", "The answer without a proof does not have the goods in it.", observed("goods", "no"), func(p *probe) conformance.Answer {
			g := p.safe()
			if g.resource.Label == "" {
				p.skip("the scenario names no marker of the resource safe")
			}
			return observed("goods", yes(bytes.Contains(p.reached(p.send(g.ask(p), nil)).body, []byte(g.resource.Label))))
		}),
		must("seller/bill/010", "PSD-PAY-A402-03", "Payment-Needed has at most 3 KiB, and stands there once.", observed("short", "yes", "times", "1"), func(p *probe) conformance.Answer {
			r := p.reached(p.send(p.safe().ask(p), nil))
			v := r.header.Values(payment.HeaderNeeded)
			return observed("short", yes(len(strings.Join(v, "")) <= payment.MaxHeaderWritten), "times", fmt.Sprint(len(v)))
		}),
		must("seller/bill/011", "PSD-PAY-A402-14 PSD-PAY-A402-13", "The price of the scenario is the price of the bill.", observed("price", "yes"), func(p *probe) conformance.Answer {
			g := p.safe()
			if g.resource.Price == "" {
				p.skip("the scenario names no price of the resource safe")
			}
			b := p.bill(g)
			return observed("price", yes(b.Amount.String() == g.resource.Price && b.Amount.Currency().Code() == p.scenario.currency()))
		}),
		must("seller/bill/012", "PSD-PAY-A402-20", "The bill names a category and the method by which the seller is paid.", observed("category", "yes", "method", "yes"), func(p *probe) conformance.Answer {
			b := p.bill(p.safe())
			urn, err := payment.MethodURN(b.MethodID)
			p.fault("the method of the bill", err)
			return observed("category", yes(b.Category != ""), "method", yes(urn == p.scenario.Seller.Method))
		}),
	}
}

func same(b bool) string {
	if b {
		return "same"
	}
	return "different"
}
