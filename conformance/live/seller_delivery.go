package live

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/payment"
)

// sellerDeliveryChecks are about how often something is delivered.
func sellerDeliveryChecks() []Check {
	return []Check{
		must("seller/delivery/001", "PSD-PAY-A402-15 PSD-PAY-A402-08", "The same request with the same proof gets the same answer again.", observed("again", "accepted", "answer", "same", "consumers", "1"), func(p *probe) conformance.Answer {
			g := p.safe()
			proof, no, one := p.bought(g)
			two := p.present(g, proof)
			n := 0
			p.till().look(no, func(x *trade) { n = len(x.consumers) })
			return observed("again", word(delivered(two)), "answer", same(bytes.Equal(one.body, two.body)), "consumers", fmt.Sprint(n))
		}),
		must("seller/delivery/002", "PSD-PAY-A402-15", "A POST that is sent again with its proof is not carried out again: the kept answer comes.", observed("again", "accepted", "answer", "same"), func(p *probe) conformance.Answer {
			g := p.unsafe()
			proof, _, one := p.bought(g)
			two := p.present(g, proof)
			return observed("again", word(delivered(two)), "answer", same(bytes.Equal(one.body, two.body)))
		}),
		must("seller/delivery/003", "PSD-PAY-A402-15", "Two purchases of a POST are carried out twice: the answers differ.", observed("answer", "different"), func(p *probe) conformance.Answer {
			_, _, one := p.bought(p.unsafe())
			_, _, two := p.bought(p.unsafe())
			return observed("answer", same(bytes.Equal(one.body, two.body)))
		}),
		must("seller/delivery/004", "PSD-PAY-A402-15", "A POST that is submitted eight times at once with one proof is carried out once.", observed("deliveries", "1", "others", "0"), func(p *probe) conformance.Answer {
			g := p.unsafe()
			return p.atOnce(g, 8)
		}),
		must("seller/delivery/005", "PSD-PAY-A402-15", "Work that takes its time is done once, whoever asks meanwhile.", observed("deliveries", "1", "others", "0"), func(p *probe) conformance.Answer {
			g := p.good(p.scenario.Seller.Slow, http.MethodPost, "slow")
			return p.atOnce(g, 4)
		}),
		must("seller/delivery/006", "PSD-PAY-A402-15", "A GET that is submitted eight times at once with one proof is consumed by one consumer.", observed("consumers", "1"), func(p *probe) conformance.Answer {
			g := p.safe()
			proof, no := p.proof(g, p.bill(g), nil)
			requests := make([]*http.Request, 8)
			for i := range requests {
				requests[i] = g.retry(p, p.header(proof))
			}
			together(len(requests), func(i int) { p.send(requests[i], nil) })
			n := 0
			p.till().look(no, func(x *trade) { n = len(x.consumers) })
			return observed("consumers", fmt.Sprint(n))
		}),
		must("seller/delivery/007", "PSD-PAY-A402-19 PSD-PAY-A402-22", "A GET whose delivery failed says so, and the same proof gets it when it works.",
			observed("first", "VALID FAILED", "then", "accepted"), func(p *probe) conformance.Answer {
				g := p.good(p.scenario.Seller.Faulty, http.MethodGet, "faulty")
				proof, _ := p.proof(g, p.bill(g), nil)
				r := p.reached(p.present(g, proof))
				v := p.validation(r)
				return observed("first", string(v.Status)+" "+string(v.Delivery), "then", word(p.patiently(func() reply { return p.present(g, proof) })))
			}),
		must("seller/delivery/008", "PSD-PAY-A402-14", "A bill stays good after another one was made for the same request.", observed("first", "accepted", "second", "accepted"), func(p *probe) conformance.Answer {
			g := p.safe()
			one, two := p.bill(g), p.bill(g)
			first, _ := p.proof(g, one, nil)
			second, _ := p.proof(g, two, nil)
			return observed("first", word(delivered(p.present(g, first))), "second", word(delivered(p.present(g, second))))
		}),
		must("seller/delivery/009", "PSD-PAY-A402-14", "A bill stays good at its own price when the price changes, and the new bill has the new one.",
			observed("old", "accepted", "new", "yes"), func(p *probe) conformance.Answer {
				g := p.other() // no other check compares its price
				before := p.bill(g)
				p.act("set_price", "path", g.resource.Path, "price", "21.00")
				after := p.bill(g)
				proof, _ := p.proof(g, before, nil)
				return observed("old", word(delivered(p.present(g, proof))), "new", yes(after.Amount.String() == "21.00" && before.Amount.String() != "21.00"))
			}),
		must("seller/delivery/010", "PSD-PAY-A402-22 PSD-PAY-A402-10", "What Payment-Validation says of the trade is what it knows: delivered, and the buyer has it.", observed("states", "yes"), func(p *probe) conformance.Answer {
			_, _, r := p.bought(p.safe())
			v := p.validation(r)
			return observed("states", yes(slices.Contains([]payment.State{payment.StateWaitBuyerReceipt, payment.StateTradeFinished}, v.State)))
		}),
		must("seller/delivery/011", "PSD-PAY-A402-15 PSD-PAY-A402-08", "After a delivery, the proof is worth nothing to somebody else.", refused(protocol.CodeProofMismatch), func(p *probe) conformance.Answer {
			g := p.safe()
			proof, _, _ := p.bought(g)
			stranger := p.safe()
			return delivered(p.present(stranger, proof))
		}),
	}
}

// atOnce submits one proof n times at once and tells how many different
// deliveries came of it, and how many answers that are neither a delivery nor
// the word that one is under way.
func (p *probe) atOnce(g *good, n int) conformance.Answer {
	proof, _ := p.proof(g, p.bill(g), nil)
	requests, replies := make([]*http.Request, n), make([]reply, n)
	for i := range requests {
		requests[i] = g.retry(p, p.header(proof))
	}
	together(n, func(i int) { replies[i] = p.send(requests[i], g.body) })
	different, others := map[string]bool{}, 0
	for _, r := range replies {
		switch {
		case r.err == nil && r.status < 400:
			different[string(r.body)] = true
		case r.err == nil && r.status == http.StatusServiceUnavailable:
		default:
			others++
		}
	}
	last := p.reached(p.present(g, proof))
	for range 20 {
		if last.status != http.StatusServiceUnavailable {
			break
		}
		p.wait(500 * time.Millisecond)
		last = p.reached(p.present(g, proof))
	}
	if last.status < 400 {
		different[string(last.body)] = true
	}
	return observed("deliveries", fmt.Sprint(len(different)), "others", fmt.Sprint(others))
}

// sellerCatalogueChecks are about the catalogue, where there is one.
func sellerCatalogueChecks() []Check {
	return []Check{
		must("seller/catalogue/001", "CID-MER-CAT-01", "Each item has the minimum, and an id that no other has.", observed("items", "yes", "unusable", "0", "merchant", "yes"), func(p *probe) conformance.Answer {
			c := p.catalogue()
			return observed("items", yes(len(c.Items) > 0), "unusable", fmt.Sprint(len(c.Unusable())), "merchant", yes(c.MerchantID == p.scenario.Seller.ID))
		}),
		should("seller/catalogue/002", "CID-MER-CAT-02", "Each item tells whether it is available and when it is delivered.", observed("tell", "yes"), func(p *probe) conformance.Answer {
			for _, i := range p.catalogue().Items {
				if i.Available == nil || i.Delivery == commerce.DeliveryUnknown {
					return observed("tell", "no")
				}
			}
			return observed("tell", "yes")
		}),
		must("seller/catalogue/003", "CID-MER-CAT-01", "The catalogue is JSON.", observed("type", "application/json"), func(p *probe) conformance.Answer {
			p.items()
			return observed("type", mediaType(p.reached(p.get(p.scenario.Seller.Base+"/catalogue"))))
		}),
		must("seller/catalogue/004", "CID-MER-CAT-01", "The catalogue is read and not written: a POST is 405.", observed("status", "405"), func(p *probe) conformance.Answer {
			p.items()
			return observed("status", fmt.Sprint(p.reached(p.post(p.scenario.Seller.Base+"/catalogue", []byte("{}"))).status))
		}),
	}
}

// items are the articles of the scenario.
func (p *probe) items() *Items {
	if p.scenario.Seller.Items == nil {
		p.skip("the scenario has no items")
	}
	return p.scenario.Seller.Items
}

// catalogue reads the catalogue.
func (p *probe) catalogue() *commerce.Catalogue {
	p.items()
	r := p.reached(p.get(p.scenario.Seller.Base + "/catalogue"))
	if r.status != http.StatusOK {
		p.expect("the catalogue", r.refused())
	}
	c, err := commerce.DecodeCatalogue(r.body)
	p.fault("the catalogue", err)
	return c
}

// item is one of the catalogue.
func (p *probe) item(id string) commerce.Item {
	i, ok := p.catalogue().Item(id)
	if !ok {
		p.fault("the item of the scenario", protocol.New(protocol.CodeOutOfStock, "", "", "it is not in the catalogue"))
	}
	return i
}
