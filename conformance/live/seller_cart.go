package live

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A cart is a cart request on its way.
type cart struct {
	agent   *party
	item    commerce.Item
	message map[string]any
}

// cart is a request for one piece of an item.
func (p *probe) cart(item string) *cart { return p.cartOf(item, 1) }

func (p *probe) cartOf(item string, quantity int64) *cart {
	c := &cart{agent: p.fresh("agent", keys.AgentRequest), item: p.item(item)}
	c.message = map[string]any{
		"request_id": canon.UUID(), "buyer_agent_id": c.agent.did, "merchant_id": p.scenario.Seller.ID, "intent_id": "urn:uuid:" + canon.UUID(),
		"psp_id": p.till().psp.did, "payment_method": p.scenario.Seller.Method, "currency": c.item.Price.Currency().Code(),
	}
	c.lines(p, quantity, c.item.Price)
	return c
}

// lines sets the one line of a cart and its sum.
func (c *cart) lines(p *probe, quantity int64, price money.Amount) {
	sum, err := price.Mul(quantity)
	p.fault("the sum of the suite's cart", err)
	c.message["items"] = []any{map[string]any{"item_id": c.item.ID, "quantity": quantity, "unit_price": price.String()}}
	c.message["amount"] = sum.String()
}

// transmission signs a cart request.
func (p *probe) transmission(c *cart) []byte {
	m := map[string]any{"nonce": canon.Nonce(), "timestamp": canon.FormatTime(time.Now())}
	for k, v := range c.message {
		m[k] = v
	}
	return p.sign(c.agent.signer(keys.AgentRequest), keys.KindCartRequest, m)
}

func (p *probe) sendCart(body []byte) reply { return p.post(p.scenario.Seller.Base+"/carts", body) }

// order judges the answer to a cart request: an order that the seller has signed
// and that says what the cart said.
func (p *probe) order(c *cart, r reply) (conformance.Answer, *commerce.Order) {
	if r.err != nil || r.status != http.StatusOK {
		return r.refused(), nil
	}
	u, err := commerce.ParseOrder([]byte(strings.TrimSpace(string(r.body))))
	if err != nil {
		return unread(err), nil
	}
	if u.SignerDID() != p.scenario.Seller.ID {
		return unread(protocol.New(protocol.CodeIssuerUntrusted, "kid", "CID-CART-CFM-04", "")), nil
	}
	key, err := p.sellerKey(p.ctx, u.KeyID())
	if err == nil {
		err = u.Verify(key)
	}
	if err != nil {
		return unread(err), nil
	}
	o := u.Order
	if o.Amount.String() != c.message["amount"] || o.BuyerAgentID != c.agent.did || o.RequestID != c.message["request_id"] || o.IntentID != c.message["intent_id"] ||
		o.PSPID != c.message["psp_id"] || len(o.Items) != 1 || o.Items[0].ItemID != c.item.ID {
		return unread(protocol.New(protocol.CodeOrderMismatch, "", "CID-CART-CFM-05", "what the cart said")), nil
	}
	return accepted(), &o
}

// confirmedCart is a cart that has to be confirmed.
func (p *probe) confirmedCart(c *cart) *commerce.Order {
	a, o := p.order(c, p.sendCart(p.transmission(c)))
	p.expect("the cart", a)
	return o
}

// carted is a check of one cart with one change.
func carted(change func(p *probe, c *cart)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		c := p.cart(p.items().Plain)
		change(p, c)
		a, _ := p.order(c, p.sendCart(p.transmission(c)))
		return a
	}
}

// member is a change of members of a cart request.
func cartWith(pairs ...any) func(*probe, *cart) {
	return func(_ *probe, c *cart) {
		for i := 0; i+1 < len(pairs); i += 2 {
			name, _ := pairs[i].(string)
			c.message[name] = pairs[i+1]
		}
	}
}

// sellerCartChecks are about carts, where the seller takes them.
func sellerCartChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("seller/cart/"+id, req, title, refused(code), run)
	}
	return append(sellerStockChecks(),
		must("seller/cart/001", "CID-CART-CFM-04 CID-CART-CFM-05 CID-CART-CFM-06", "A cart at the prices of the catalogue is confirmed, signed, with what was asked for.", accepted(), carted(func(*probe, *cart) {})),
		must("seller/cart/002", "CID-CART-CFM-04", "The order holds price and stock for some time.", observed("holds", "yes"), func(p *probe) conformance.Answer {
			o := p.confirmedCart(p.cart(p.items().Plain))
			return observed("holds", yes(time.Until(o.Expires) > 5*time.Second && o.MerchantOrderID != ""))
		}),
		bad("003", "CID-CART-CFM-04 CID-CART-CFM-05", "A price that is lower than the catalogue's is refused: the seller does not trust the agent's sum.", protocol.CodePriceChanged, carted(func(p *probe, c *cart) {
			c.lines(p, 1, p.money("0.01"))
		})),
		bad("004", "CID-CART-CFM-04", "A price that is higher than the catalogue's is refused.", protocol.CodePriceChanged, carted(func(p *probe, c *cart) {
			more, err := c.item.Price.Add(p.money("0.01"))
			p.fault("a price of the suite's", err)
			c.lines(p, 1, more)
		})),
		bad("005", "CID-CART-CFM-03", "A sum that is not that of the lines is refused.", protocol.CodeFieldInvalid, carted(cartWith("amount", "0.01"))),
		bad("006", "CID-CART-CFM-03", "A quantity of zero is refused.", protocol.CodeFieldInvalid, carted(func(_ *probe, c *cart) {
			c.message["items"] = []any{map[string]any{"item_id": c.item.ID, "quantity": 0, "unit_price": c.item.Price.String()}}
		})),
		bad("007", "CID-CART-CFM-03", "A negative quantity is refused.", protocol.CodeFieldInvalid, carted(func(_ *probe, c *cart) {
			c.message["items"] = []any{map[string]any{"item_id": c.item.ID, "quantity": -1, "unit_price": c.item.Price.String()}}
		})),
		bad("008", "CID-CART-CFM-04", "An item that is not offered is refused.", protocol.CodeOutOfStock, carted(func(p *probe, c *cart) {
			c.item.ID = "item-of-nobody"
			c.lines(p, 1, c.item.Price)
		})),
		bad("009", "CID-CART-CFM-03", "A cart that another agent has signed is refused.", protocol.CodeClaimsConflict, carted(func(p *probe, c *cart) {
			c.message["buyer_agent_id"] = p.fresh("agent", keys.AgentRequest).did
		})),
		bad("010", "CID-CART-CFM-03", "A cart for another merchant is refused.", protocol.CodeAudienceMismatch, carted(func(p *probe, c *cart) {
			c.message["merchant_id"] = p.fresh("merchant", keys.Seller).did
		})),
		bad("011", "CID-CART-CFM-03", "A cart that is an hour old is refused.", protocol.CodeRequestExpired, carted(func(_ *probe, c *cart) {
			c.message["timestamp"] = canon.FormatTime(time.Now().Add(-time.Hour))
		})),
		bad("012", "CID-CART-CFM-03", "A cart that is dated ahead is refused.", protocol.CodeRequestExpired, carted(func(_ *probe, c *cart) {
			c.message["timestamp"] = canon.FormatTime(time.Now().Add(5 * time.Minute))
		})),
	)
}

// sellerCartFormChecks are about repeated carts, and what a cart asks for besides goods.
func sellerCartFormChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("seller/cart/"+id, req, title, refused(code), run)
	}
	return []Check{
		bad("013", "CID-CART-CFM-03", "A cart that is sent twice, byte for byte, is a replay.", protocol.CodeReplayed, func(p *probe) conformance.Answer {
			c := p.cart(p.items().Plain)
			body := p.transmission(c)
			a, _ := p.order(c, p.sendCart(body))
			p.expect("the cart", a)
			return p.sendCart(body).refused()
		}),
		must("seller/cart/014", "CID-CART-CFM-04", "The same cart in a new transmission gets the first order.", observed("order", "same"), func(p *probe) conformance.Answer {
			c := p.cart(p.items().Plain)
			first, again := p.confirmedCart(c), p.confirmedCart(c)
			return observed("order", same(first.MerchantOrderID == again.MerchantOrderID))
		}),
		bad("015", "CID-CART-CFM-04", "A request id that comes again with another cart is a conflict.", protocol.CodeRequestConflict, func(p *probe) conformance.Answer {
			c := p.cart(p.items().Plain)
			p.confirmedCart(c)
			c.lines(p, 2, c.item.Price)
			a, _ := p.order(c, p.sendCart(p.transmission(c)))
			return a
		}),
		bad("016", "CID-CART-CFM-04", "A provider through which the seller is not paid is refused.", protocol.CodeFieldInvalid, carted(func(p *probe, c *cart) {
			c.message["psp_id"] = p.fresh("psp", keys.Proof).did
		})),
		bad("017", "CID-CART-CFM-04", "A payment method that the seller does not take is refused.", protocol.CodeMethodNotAllowed, carted(cartWith("payment_method", "urn:act:payment:other-than-all"))),
		bad("018", "CID-CART-CFM-04", "A delivery that the seller cannot make in time is refused.", protocol.CodeDeliveryNotMet, carted(func(_ *probe, c *cart) {
			c.message["fulfilment"] = map[string]any{"delivery_time_requirement": canon.FormatTime(time.Now().Add(-time.Minute))}
		})),
		bad("019", "CID-CART-CFM-03", "A cart whose signature does not verify is refused.", protocol.CodeSignatureInvalid, func(p *probe) conformance.Answer {
			c := p.cart(p.items().Plain)
			body := strings.Replace(string(p.transmission(c)), `"intent_id":"urn:uuid:`, `"intent_id":"urn:uu1d:`, 1)
			return p.sendCart([]byte(body)).refused()
		}),
		bad("020", "CID-CART-CFM-03", "A body of more than 64 KiB is refused.", protocol.CodeTooLarge, func(p *probe) conformance.Answer {
			return p.sendCart(append(p.transmission(p.cart(p.items().Plain)), make([]byte, 70000)...)).refused()
		}),
		must("seller/cart/021", "CID-CART-CFM-04", "Two carts have two order numbers.", observed("order", "different"), func(p *probe) conformance.Answer {
			one, other := p.confirmedCart(p.cart(p.items().Plain)), p.confirmedCart(p.cart(p.items().Plain))
			return observed("order", same(one.MerchantOrderID == other.MerchantOrderID))
		}),
		must("seller/cart/022", "CID-CART-CFM-05", "The order number is the same for the same cart in eight transmissions at once.", observed("orders", "1"), func(p *probe) conformance.Answer {
			c := p.cart(p.items().Plain)
			bodies := make([][]byte, 8)
			for i := range bodies {
				bodies[i] = p.transmission(c)
			}
			numbers := make([]string, 8)
			together(8, func(i int) {
				if a, o := p.order(c, p.sendCart(bodies[i])); a.Outcome == conformance.Valid {
					numbers[i] = o.MerchantOrderID
				}
			})
			slices.Sort(numbers)
			numbers = slices.DeleteFunc(slices.Compact(numbers), func(s string) bool { return s == "" })
			return observed("orders", fmt.Sprint(len(numbers)))
		}),
	}
}

// sellerStockChecks are about stock that is scarce.
func sellerStockChecks() []Check {
	return []Check{
		must("seller/stock/001", "CID-CART-CFM-04", "More than there is cannot be locked: the cart is refused as a whole.", refused(protocol.CodeOutOfStock), func(p *probe) conformance.Answer {
			if p.items().Scarce == "" {
				p.skip("the scenario names no scarce item")
			}
			c := p.cartOf(p.items().Scarce, p.items().Stock+1)
			a, _ := p.order(c, p.sendCart(p.transmission(c)))
			return a
		}),
		must("seller/stock/002", "CID-CART-CFM-04", "When more carts arrive together than there is stock, no more are confirmed than there is.", observed("more_than_stock", "no", "another_answer", "no"), func(p *probe) conformance.Answer {
			if p.items().Scarce == "" {
				p.skip("the scenario names no scarce item")
			}
			n := int(p.items().Stock) + 5
			all, bodies := make([]*cart, n), make([][]byte, n)
			for i := range all {
				all[i] = p.cart(p.items().Scarce)
				bodies[i] = p.transmission(all[i])
			}
			answers := make([]conformance.Answer, n)
			together(n, func(i int) { answers[i], _ = p.order(all[i], p.sendCart(bodies[i])) })
			held, other := 0, false
			for _, a := range answers {
				switch {
				case a.Outcome == conformance.Valid:
					held++
				case a.Code != protocol.CodeOutOfStock:
					other = true
				}
			}
			return observed("more_than_stock", yes(int64(held) > p.items().Stock), "another_answer", yes(other))
		}),
		must("seller/stock/003", "CID-CART-CFM-04", "One buyer cannot hold as many carts as they like.", observed("limit", "too_many_requests", "retry_after", "yes"), func(p *probe) conformance.Answer {
			most := p.items().MaxCarts
			if most == 0 {
				p.skip("the scenario names no limit of open carts")
			}
			agent := p.fresh("agent", keys.AgentRequest)
			var last reply
			for range most + 1 {
				c := p.cart(p.items().Plain)
				c.agent, c.message["buyer_agent_id"] = agent, agent.did
				last = p.reached(p.sendCart(p.transmission(c)))
			}
			return observed("limit", word(last.refused()), "retry_after", yes(last.header.Get("Retry-After") != ""))
		}),
	}
}

// An errand is a pick-up on its way.
type errand struct {
	order  *commerce.Order
	buyer  *party
	proof  string
	number string // merchant_order_id
	sign   bool
}

// errand is a pick-up of an order that was paid, after a change of the proof.
func (p *probe) errand(change func(*payment.ProofClaims)) (*errand, string) {
	c := p.cart(p.items().Plain)
	o := p.confirmedCart(c)
	name, _ := strings.CutPrefix(o.PaymentMethod, "urn:act:payment:")
	now := time.Now().Truncate(time.Second)
	claims := payment.ProofClaims{
		PSPID: p.till().psp.did, MerchantID: p.scenario.Seller.ID, ID: canon.UUID(), IssuedAt: now, Expires: now.Add(minutes), TradeNo: "trade-" + canon.UUID(),
		OutTradeNo: o.MerchantOrderID, ResourceID: o.MerchantOrderID, Amount: o.Amount, Payer: c.agent.did, MethodID: "act:payment/" + name,
		Thumbprint: c.agent.signer(keys.AgentRequest).Public().Thumbprint(),
	}
	if change != nil {
		change(&claims)
	}
	return &errand{order: o, buyer: c.agent, proof: p.proofOf(claims, p.till().psp), number: o.MerchantOrderID, sign: true}, claims.TradeNo
}

// collect sends it.
func (p *probe) collect(e *errand) reply {
	body, err := canon.Marshal(map[string]any{"merchant_order_id": e.number, "payment_proof": e.proof})
	p.fault("the suite's pick-up", err)
	r := p.request(http.MethodPost, p.scenario.Seller.Base+"/pickups")
	r.Header.Set("Content-Type", "application/json")
	if e.sign {
		p.fault("signing the pick-up", httpsig.Sign(r, body, e.buyer.signer(keys.AgentRequest), time.Now(), time.Minute))
	}
	return p.send(r, body)
}

// collected is a check of one pick-up with one change.
func collected(change func(p *probe, e *errand)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		e, _ := p.errand(nil)
		change(p, e)
		return delivered(p.collect(e))
	}
}

// sellerPickupChecks are about what was ordered and paid for.
func sellerPickupChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("seller/pickup/"+id, req, title, refused(code), run)
	}
	return []Check{
		must("seller/pickup/001", "PSD-PAY-A402-19 PSD-PAY-A402-08", "An order that was paid is handed out.", accepted(), collected(func(*probe, *errand) {})),
		must("seller/pickup/002", "PSD-PAY-A402-15", "A pick-up that is repeated gets the same answer, and nothing is handed out again.", observed("again", "accepted", "answer", "same", "consumers", "1"), func(p *probe) conformance.Answer {
			e, no := p.errand(nil)
			one := p.collect(e)
			p.expect("the pick-up", delivered(one))
			two := p.collect(e)
			n := 0
			p.till().look(no, func(x *trade) { n = len(x.consumers) })
			return observed("again", word(delivered(two)), "answer", same(string(one.body) == string(two.body)), "consumers", fmt.Sprint(n))
		}),
		bad("003", "PSD-PAY-A402-08", "An order is handed out to its buyer and to nobody else who has seen the proof.", protocol.CodeProofMismatch, func(p *probe) conformance.Answer {
			return collected(func(p *probe, e *errand) { e.buyer = p.fresh("agent", keys.AgentRequest) })(p)
		}),
		bad("004", "PSD-PAY-A402-08 CID-CART-CFM-05", "Another order's proof does not hand out an order.", protocol.CodeProofMismatch, func(p *probe) conformance.Answer {
			e, _ := p.errand(nil)
			c := p.cart(p.items().Plain)
			c.agent, c.message["buyer_agent_id"] = e.buyer, e.buyer.did
			e.number = p.confirmedCart(c).MerchantOrderID
			return delivered(p.collect(e))
		}),
		bad("005", "CID-CART-CFM-05", "An order that does not exist is not handed out.", protocol.CodeOrderUnknown, collected(func(_ *probe, e *errand) { e.number = "order-of-nobody" })),
		bad("006", "PSD-PAY-A402-08", "A pick-up that is not signed is refused.", protocol.CodeSignatureInvalid, collected(func(_ *probe, e *errand) { e.sign = false })),
		bad("007", "PSD-PAY-A402-08 CID-CART-CFM-05", "A proof over less than the order's amount does not hand it out.", protocol.CodeProofMismatch, func(p *probe) conformance.Answer {
			e, _ := p.errand(func(c *payment.ProofClaims) { c.Amount = p.money("0.01") })
			return delivered(p.collect(e))
		}),
		bad("008", "PSD-PAY-A402-07 PSD-PAY-A402-08", "A proof whose time is over does not hand out an order.", protocol.CodeProofExpired, func(p *probe) conformance.Answer {
			e, _ := p.errand(func(c *payment.ProofClaims) {
				c.IssuedAt, c.Expires = c.IssuedAt.Add(-time.Hour), c.IssuedAt.Add(-time.Minute)
			})
			return delivered(p.collect(e))
		}),
	}
}
