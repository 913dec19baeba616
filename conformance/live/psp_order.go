package live

import (
	"fmt"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// pspBoundChecks are payments at and over the boundaries of a mandate.
func pspBoundChecks() []Check {
	bound := func(id, req, title string, want conformance.Answer, change func(a *delegation.Authorization)) Check {
		return must("psp/bounds/"+id, req, title, want, granted(func(_ *probe, c *delegation.Claims) { change(c.Authorization) }))
	}
	return []Check{
		bound("001", "PSD-PAY-DEL-06 ADD-INT-ICS-13", "A payment over the limit for one payment is refused.", refused(protocol.CodeSingleLimitExceeded),
			func(a *delegation.Authorization) { a.Ext.Commerce.MaxSingleAmount = "17.99" }),
		bound("002", "PSD-PAY-DEL-06", "A payment of exactly the limit for one payment is made.", accepted(),
			func(a *delegation.Authorization) { a.Ext.Commerce.MaxSingleAmount = "18" }),
		bound("003", "PSD-PAY-DEL-06 ADD-INT-ICS-13", "A payment under the minimum is refused.", refused(protocol.CodeBelowMinimum), func(a *delegation.Authorization) {
			a.Ext.Commerce.MinSingleAmount, a.Ext.Commerce.MaxSingleAmount = "18.01", "100"
		}),
		bound("004", "PSD-PAY-DEL-06", "A payment over the total is refused.", refused(protocol.CodeTotalLimitExceeded),
			func(a *delegation.Authorization) { a.MaxTotalAmount = "17.99" }),
		bound("005", "PSD-PAY-DEL-06", "A method that the mandate does not allow is refused.", refused(protocol.CodeMethodNotAllowed),
			func(a *delegation.Authorization) { a.AllowedPaymentMethods = []string{"urn:act:payment:other"} }),
		bound("006", "PSD-PAY-DEL-04 PSD-PAY-DEL-11", "A merchant who is not among the allowed ones is refused.", refused(protocol.CodeMerchantNotAllowed),
			func(a *delegation.Authorization) {
				a.Ext.Commerce.AllowedMerchants = []string{"did:act:elsewhere.example/shop"}
			}),
		must("psp/bounds/007", "PSD-PAY-DEL-04 ADD-INT-ICS-14", "A merchant who is forbidden is refused, also when it is allowed as well.", refused(protocol.CodeMerchantNotAllowed),
			granted(func(p *probe, c *delegation.Claims) {
				m := p.merchant().did
				c.Authorization.Ext.Commerce.AllowedMerchants, c.Authorization.Ext.Commerce.ForbiddenMerchants = []string{m}, []string{m}
			})),
		bound("008", "PSD-PAY-DEL-04 PSD-PAY-AUP-03", "Goods of a category that is not allowed are refused.", refused(protocol.CodeCategoryNotAllowed),
			func(a *delegation.Authorization) { a.Ext.Commerce.AllowedCategories = []string{"books"} }),
		bound("009", "PSD-PAY-DEL-04", "A category is compared by its segments, not by its letters.", refused(protocol.CodeCategoryNotAllowed),
			func(a *delegation.Authorization) { a.Ext.Commerce.AllowedCategories = []string{"foo"} }),
		bound("010", "PSD-PAY-DEL-04", "Goods of a forbidden category are refused, also when a wider one is allowed.", refused(protocol.CodeCategoryNotAllowed),
			func(a *delegation.Authorization) { a.Ext.Commerce.ForbiddenCategories = []string{"food/coffee"} }),
		bound("011", "PSD-PAY-DEL-04", "A delivery that is later than required is refused.", refused(protocol.CodeDeliveryNotMet), func(a *delegation.Authorization) {
			a.Ext.Fulfillment = &delegation.Fulfillment{DeliveryTimeRequirement: canon.FormatTime(time.Now().Add(30 * time.Minute))}
		}),
		bound("012", "ADD-INT-ICS-16", "A requirement of delivery that the provider cannot judge leaves the payment undetermined.", refused(protocol.CodeFactMissing), func(a *delegation.Authorization) {
			a.Ext.Fulfillment = &delegation.Fulfillment{DeliveryTimeRequirement: "before the guests come"}
		}),
		must("psp/bounds/013", "PSD-PAY-DEL-06", "A mandate in another currency pays nothing: nothing is converted.", refused(protocol.CodeCurrencyMismatch),
			granted(func(p *probe, c *delegation.Claims) {
				c.Authorization.Currency = map[bool]string{true: "EUR", false: "CNY"}[p.scenario.currency() == "CNY"]
			})),
		must("psp/bounds/014", "PSD-PAY-DEL-04 PSD-PAY-DEL-11", "Of several codes the first of the list is reported, whatever is found first.", refused(protocol.CodeSingleLimitExceeded),
			granted(func(_ *probe, c *delegation.Claims) {
				c.Authorization.Ext.Commerce.MaxSingleAmount, c.Authorization.Ext.Commerce.AllowedCategories = "1", []string{"books"}
				c.Authorization.AllowedPaymentMethods = []string{"urn:act:payment:other"}
			})),
	}
}

// pspOrderChecks are payments for orders that are not what the request says.
func pspOrderChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("psp/order/"+id, req, title, refused(code), run)
	}
	return []Check{
		bad("001", "PSD-PAY-DEL-04 CID-CART-CFM-05", "An amount that is not the order's is refused.", protocol.CodeOrderMismatch, changed(set("amount", "17.00"))),
		bad("002", "CID-CART-CFM-05", "An order number that is not the order's is refused.", protocol.CodeOrderMismatch, changed(set("merchant_order_id", "order-of-somebody"))),
		bad("003", "PSD-PAY-DEL-04", "A payee who has not signed the order is refused.", protocol.CodeOrderMismatch, changed(func(p *probe, b *purchase) {
			b.message["merchant_id"] = p.anotherMerchant().did
		})),
		bad("004", "PSD-PAY-DEL-04", "An order that was confirmed to another buyer is refused.", protocol.CodeAgentMismatch, ordered(func(p *probe, o *commerce.Order) {
			o.BuyerAgentID = p.fresh("agent", keys.AgentRequest).did
		})),
		bad("005", "PSD-PAY-DEL-04", "An order whose lock is over is refused.", protocol.CodeOrderExpired, ordered(func(_ *probe, o *commerce.Order) {
			o.IssuedAt, o.Expires = o.IssuedAt.Add(-time.Hour), o.IssuedAt.Add(-time.Second)
		})),
		bad("006", "PSD-PAY-DEL-04", "An order that names another provider is refused.", protocol.CodeAudienceMismatch, ordered(func(p *probe, o *commerce.Order) {
			o.PSPID = p.party("psp-"+p.run, keys.Proof).did
		})),
		bad("007", "PSD-PAY-DEL-04", "An order by another payment method is refused.", protocol.CodeOrderMismatch, ordered(func(_ *probe, o *commerce.Order) {
			o.PaymentMethod = "urn:act:payment:other"
		})),
		bad("008", "PSD-PAY-DEL-04", "An order that was made under another mandate is refused.", protocol.CodeOrderMismatch, ordered(func(_ *probe, o *commerce.Order) {
			o.DelegationID = "urn:uuid:" + canon.UUID()
		})),
		bad("009", "ADD-INT-ICS-06", "An order of another intent is refused.", protocol.CodeOrderMismatch, ordered(func(_ *probe, o *commerce.Order) {
			o.IntentID = "urn:uuid:" + canon.UUID()
		})),
		bad("010", "PSD-PAY-DEL-04", "An order that was changed after it was signed is refused.", protocol.CodeSignatureInvalid, changed(func(_ *probe, b *purchase) {
			token, _ := b.message["order"].(string)
			parts := strings.Split(token, ".")
			if payload, err := canon.DecodeBase64(parts[1]); err == nil {
				parts[1] = canon.EncodeBase64([]byte(strings.Replace(string(payload), "food/coffee", "food/cocoa!", 1)))
			}
			b.message["order"] = strings.Join(parts, ".")
		})),
		bad("011", "ADD-IAC-ISS-12", "An order that is signed by a key for something else is refused.", protocol.CodeKeyPurpose, changed(func(p *probe, b *purchase) {
			m := p.fresh("merchant", keys.Proof)
			resigned(p, b, m.signer(keys.Proof))
		})),
		bad("012", "PSD-PAY-DEL-04", "An order that is dated ten minutes ahead is refused.", protocol.CodeOrderMismatch, ordered(func(_ *probe, o *commerce.Order) {
			o.IssuedAt, o.Expires = o.IssuedAt.Add(10*time.Minute), o.IssuedAt.Add(20*time.Minute)
		})),
		bad("013", "PSD-PAY-A402-18", "A bill whose pay_before is over is not paid.", protocol.CodeOrderExpired, withBill(func(_ *probe, b *payment.Bill) {
			b.PayBefore = time.Now().Add(-time.Second).Truncate(time.Second)
		})),
		bad("014", "PSD-PAY-DEL-04", "A bill for another buyer is not paid.", protocol.CodeAgentMismatch, withBill(func(p *probe, b *payment.Bill) {
			b.BuyerID = p.fresh("agent", keys.AgentRequest).did
		})),
		bad("015", "PSD-PAY-DEL-04 PSD-PAY-A402-17", "A bill that is to be paid through another provider is not paid here.", protocol.CodeAudienceMismatch, withBill(func(p *probe, b *payment.Bill) {
			b.PSPID = p.party("psp-"+p.run, keys.Proof).did
		})),
		bad("016", "PSD-PAY-DEL-04 CID-CART-CFM-05", "A bill of another amount than the request is not paid.", protocol.CodeOrderMismatch, withBill(func(p *probe, b *payment.Bill) {
			b.Amount = p.money("17.00")
		})),
		bad("017", "PSD-PAY-DEL-02", "A request with an order and a bill is refused.", protocol.CodeFieldInvalid, func(p *probe) conformance.Answer {
			b := p.billed(p.payer(), nil)
			p.confirm(b, nil)
			return p.pay(b)
		}),
		bad("018", "PSD-PAY-DEL-04", "A merchant without an account is refused.", protocol.CodeMerchantNotAllowed, func(p *probe) conformance.Answer {
			return p.pay(p.purchaseFrom(p.payer(), p.fresh("merchant", keys.Seller), "18.00"))
		}),
		must("psp/order/019", "PSD-PAY-DEL-04", "The category is what the merchant signed, not what the agent says: the message has no place for one.", refused(protocol.CodeFieldUnknown), changed(set("category", "food/coffee"))),
	}
}

// resigned signs the payload of an order by another key, in whose name the order
// then is.
func resigned(p *probe, b *purchase, s *keys.Signer) {
	token, _ := b.message["order"].(string)
	payload, err := canon.DecodeBase64(strings.Split(token, ".")[1])
	p.fault("the suite's order", err)
	text := strings.ReplaceAll(string(payload), b.seller.did, s.DID())
	again, err := keys.SignCompact(s, s.Purpose(), keys.TypeOrder, []byte(text))
	p.fault("the suite's order", err)
	b.message["order"], b.message["merchant_id"] = string(again), s.DID()
}

// withBill is a check of one payment of a bill with one change.
func withBill(change func(*probe, *payment.Bill)) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		return p.pay(p.billed(p.payer(), func(b *payment.Bill) { change(p, b) }))
	}
}

// pspLimitChecks are about sums, also of payments that arrive together.
func pspLimitChecks() []Check {
	return []Check{
		must("psp/limit/001", "PSD-PAY-DEL-06 PSD-PAY-DEL-07", "The total is used to the last unit and not beyond it.",
			observed("first", "accepted", "to_the_last", "accepted", "beyond", "total_limit_exceeded"), func(p *probe) conformance.Answer {
				y := p.payer()
				p.grant(y, func(c *delegation.Claims) { c.Authorization.MaxTotalAmount = "20" })
				return observed("first", word(p.pay(p.purchase(y, "19.99"))), "to_the_last", word(p.pay(p.purchase(y, "0.01"))), "beyond", word(p.pay(p.purchase(y, "0.01"))))
			}),
		must("psp/limit/002", "PSD-PAY-DEL-07", "The total holds when eight payments arrive together.", observed("paid", "2", "total_limit_exceeded", "6"), func(p *probe) conformance.Answer {
			y := p.payer()
			p.grant(y, func(c *delegation.Claims) { c.Authorization.MaxTotalAmount = "50" })
			return p.rush(y, "18.00", protocol.CodeTotalLimitExceeded)
		}),
		must("psp/limit/003", "PSD-PAY-DEL-07 PSD-PAY-AUP-03", "The last money of an account is paid out once, when eight payments arrive together.", observed("paid", "1", "balance_insufficient", "7"), func(p *probe) conformance.Answer {
			return p.rush(p.payerWith("20.00"), "18.00", protocol.CodeBalanceInsufficient)
		}),
		must("psp/limit/004", "PSD-PAY-AUP-03 PSD-PAY-DEL-11", "An account is used to the last unit and not beyond it.",
			observed("to_the_last", "accepted", "beyond", "balance_insufficient"), func(p *probe) conformance.Answer {
				y := p.payerWith("18.00")
				return observed("to_the_last", word(p.pay(p.purchase(y, "18.00"))), "beyond", word(p.pay(p.purchase(y, "0.01"))))
			}),
		must("psp/limit/005", "PSD-PAY-DEL-07", "A payment that was refused takes nothing from the total.",
			observed("refused", "category_not_allowed", "then", "accepted"), func(p *probe) conformance.Answer {
				y := p.payer()
				p.grant(y, func(c *delegation.Claims) { c.Authorization.MaxTotalAmount = "18" })
				b := p.purchase(y, "18.00")
				p.confirm(b, func(o *commerce.Order) { o.Items[0].Category = "books" })
				return observed("refused", word(p.pay(b)), "then", word(p.pay(p.purchase(y, "18.00"))))
			}),
		must("psp/limit/006", "PSD-PAY-DEL-07", "The total belongs to the mandate: what was paid under another one does not count.", accepted(), func(p *probe) conformance.Answer {
			y := p.payer()
			p.grant(y, func(c *delegation.Claims) { c.Authorization.MaxTotalAmount = "18" })
			p.paid("the payment under the first mandate", p.purchase(y, "18.00"))
			p.grant(y, func(c *delegation.Claims) { c.Authorization.MaxTotalAmount = "18" })
			return p.pay(p.purchase(y, "18.00"))
		}),
		must("psp/limit/007", "PSD-PAY-DEL-07", "The sum is the provider's own: what the agent says it has spent is not asked, and has no place in the message.", refused(protocol.CodeFieldUnknown), changed(set("spent_total", "0.00"))),
		must("psp/limit/008", "PSD-PAY-DEL-07 PSD-PMT-BND-03", "The total holds across two payment tokens of one principal.", refused(protocol.CodeTotalLimitExceeded), func(p *probe) conformance.Answer {
			y := p.payerWith("100.00")
			p.grant(y, func(c *delegation.Claims) { c.Authorization.MaxTotalAmount = "18" })
			p.paid("the payment by the first token", p.purchase(y, "18.00"))
			y.token = p.bind(y)
			return p.pay(p.purchase(y, "18.00"))
		}),
	}
}

// rush sends eight payments for eight orders at once.
func (p *probe) rush(y *payer, amount string, code protocol.Code) conformance.Answer {
	const n = 8
	all, bodies := make([]*purchase, n), make([][]byte, n)
	for i := range all {
		all[i] = p.purchase(y, amount)
		bodies[i] = p.transmit(all[i])
	}
	got := p.race(n, func(i int) conformance.Answer { a, _ := p.result(all[i], p.pspPost("/payments", bodies[i])); return a }, code)
	if len(got.Output) == 0 {
		got.Message = fmt.Sprint("of ", n, " payments")
	}
	return got
}
