package live

import (
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// pspPayChecks are payments that have to succeed.
func pspPayChecks() []Check {
	return []Check{
		must("psp/pay/001", "PSD-PAY-DEL-04 PSD-PAY-DEL-13 ADD-IAC-LCM-06",
			"A delegated payment that is right in everything is made; result and proof are signed by the provider and say what the request said.",
			accepted(), changed(func(*probe, *purchase) {})),
		must("psp/pay/002", "PSD-PAY-AUP-01 PSD-PAY-AUP-03 PSD-PAY-DEL-13",
			"An autonomous payment under a BOUNDED mandate is made.", accepted(), func(p *probe) conformance.Answer {
				y := p.payer()
				p.grant(y, func(c *delegation.Claims) { c.Authorization.DelegationMode = delegation.Bounded })
				b := p.purchase(y, "18.00")
				b.message["scenario"] = "AUP"
				return p.pay(b)
			}),
		must("psp/pay/003", "PSD-PAY-DEL-13 PSD-PAY-DEL-07",
			"The result names the amount to the last digit, and spent_total is the sum of what was paid under the mandate.",
			observed("first", "18.37", "second", "18.38"), func(p *probe) conformance.Answer {
				y := p.payer()
				first := p.paid("the first payment", p.purchase(y, "18.37"))
				second := p.paid("the second payment", p.purchase(y, "0.01"))
				return observed("first", first.SpentTotal.String(), "second", second.SpentTotal.String())
			}),
		must("psp/pay/004", "PSD-PAY-A402-11",
			"A trade that was paid waits for the seller.", observed("trade_state", "WAIT_SELLER_FULFILLMENT"), func(p *probe) conformance.Answer {
				return observed("trade_state", string(p.paid("the payment", p.purchase(p.payer(), "18.00")).TradeState))
			}),
		must("psp/pay/005", "PSD-PAY-DEL-13",
			"Two payments have two trade numbers.", observed("equal", "no"), func(p *probe) conformance.Answer {
				y := p.payer()
				one, two := p.paid("the first payment", p.purchase(y, "1.00")), p.paid("the second payment", p.purchase(y, "1.00"))
				return observed("equal", yes(one.TradeNo == two.TradeNo))
			}),
		must("psp/pay/006", "PSD-PAY-A402-13",
			"An amount with fewer decimals than the currency has is the same amount.", accepted(), changed(set("amount", "18"))),
		must("psp/pay/007", "PSD-PAY-A402-05 PSD-PAY-A402-20",
			"A bill of a seller, as it stands in Payment-Needed, is paid as an order is.", accepted(), func(p *probe) conformance.Answer {
				b := p.billed(p.payer(), nil)
				return p.pay(b)
			}),
		must("psp/pay/008", "PSD-PAY-A402-08 PSD-PAY-A402-16",
			"The proof for a bill is bound to resource, request, order and buyer's key.",
			observed("resource", "yes", "fingerprint", "yes", "order", "yes", "key", "yes"), func(p *probe) conformance.Answer {
				b := p.billed(p.payer(), nil)
				r := p.paid("the payment", b)
				u, err := payment.ParseProofClaims(r.PaymentProof)
				p.fault("the proof", err)
				return observed("resource", yes(u.Claims.ResourceID == "report-7"), "fingerprint", yes(u.Claims.RequestFingerprint == billFingerprint),
					"order", yes(u.Claims.OutTradeNo == b.message["merchant_order_id"]), "key", yes(u.Claims.Thumbprint == b.signer.Public().Thumbprint()))
			}),
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// billFingerprint is that of a GET which the suite's merchant sells.
const billFingerprint = canon.Digest("sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")

// billed is a purchase behind a paywall of the suite's merchant, after a change
// of the bill.
func (p *probe) billed(y *payer, change func(*payment.Bill)) *purchase {
	b := p.purchase(y, "18.00")
	name, _ := strings.CutPrefix(p.scenario.PSP.Method, "urn:act:payment:")
	bill := payment.Bill{
		MethodID: "act:payment/" + name, MethodVersion: payment.MethodVersion, OutTradeNo: b.order.MerchantOrderID, ResourceID: "report-7",
		Amount: b.order.Amount, PayBefore: time.Now().Add(minutes).Truncate(time.Second), SellerID: b.seller.did, RequestMethod: http.MethodGet,
		RequestFingerprint: billFingerprint, ReplayWindow: 24 * time.Hour, PSPID: p.scenario.PSP.ID, Endpoint: p.scenario.PSP.Endpoint, Category: "food/coffee",
	}
	if change != nil {
		change(&bill)
	}
	header, err := payment.SignBill(b.seller.signer(keys.Seller), bill)
	p.fault("the suite's bill", err)
	delete(b.message, "order")
	b.message["bill"] = header
	return b
}

// pspMessageChecks are payment requests whose form, key or signature is not
// right.
func pspMessageChecks() []Check {
	bad := func(id, req, title string, code protocol.Code, run func(*probe) conformance.Answer) Check {
		return must("psp/message/"+id, req, title, refused(code), run)
	}
	return []Check{
		bad("001", "PSD-PAY-DEL-04 PSD-PAY-DEL-03", "A request whose signature does not verify is refused.", protocol.CodeSignatureInvalid, altered("amount", "17.00")),
		bad("002", "PSD-PAY-DEL-03", "A signature that does not cover all members is refused.", protocol.CodeFieldInvalid,
			changed(set("signature_covered_fields", []string{"amount", "request_id"}))),
		bad("003", "PSD-PAY-DEL-04", "A request by a key that the agent's document does not have is refused.", protocol.CodeKeyUnknown, changed(func(p *probe, b *purchase) {
			s, err := p.otherKey(b.payer.agent, "unknown", keys.AgentRequest)
			p.fault("making a key", err)
			b.signer = s
		})),
		bad("004", "ADD-IAC-ISS-12 PSD-PAY-DEL-04", "A request by a key that is declared for another purpose is refused.", protocol.CodeKeyPurpose, func(p *probe) conformance.Answer {
			y := p.payerWith("100.00") // whose document the provider has not seen yet
			s, err := p.otherKey(y.agent, "seller", keys.Seller)
			p.fault("making a key", err)
			p.addKey(y.agent, s, false)
			b := p.purchase(y, "18.00")
			b.signer = s
			return p.pay(b)
		}),
		bad("005", "PSD-PAY-DEL-04", "A request by a key that its owner has marked as compromised is refused.", protocol.CodeKeyNotValid, func(p *probe) conformance.Answer {
			y := p.payerWith("100.00") // whose document the provider has not seen yet
			s, err := p.otherKey(y.agent, "stolen", keys.AgentRequest)
			p.fault("making a key", err)
			p.addKey(y.agent, s, true)
			b := p.purchase(y, "18.00")
			b.signer = s
			return p.pay(b)
		}),
		bad("006", "PSD-PAY-DEL-04", "A request that one agent signs in the name of another is refused.", protocol.CodeClaimsConflict, changed(func(p *probe, b *purchase) {
			b.signer = p.fresh("agent", keys.AgentRequest).signer(keys.AgentRequest)
		})),
		bad("007", "PSD-PAY-DEL-04", "A request whose sender's document cannot be had is undetermined, and not paid.", protocol.CodeKeyUnavailable, func(p *probe) conformance.Answer {
			b := p.purchase(p.payer(), "18.00")
			ghost := p.party("ghost-"+p.run, keys.AgentRequest) // has no document
			b.signer, b.message["buyer_agent_id"] = ghost.signer(keys.AgentRequest), ghost.did
			return p.pay(b)
		}),
		bad("008", "PSD-PAY-DEL-04", "A request for another provider is refused.", protocol.CodeAudienceMismatch, changed(func(p *probe, b *purchase) {
			b.message["psp_id"] = p.party("psp-"+p.run, keys.Proof).did
		})),
		bad("009", "PSD-PAY-DEL-02", "A request without an amount is refused.", protocol.CodeFieldMissing, changed(set("amount", nil))),
		bad("010", "PSD-PAY-A402-13", "More decimals than the currency has are refused, not rounded.", protocol.CodeFieldInvalid, changed(set("amount", "18.004"))),
		bad("011", "PSD-PAY-A402-13", "An amount that is a JSON number is refused.", protocol.CodeFieldInvalid, changed(set("amount", 18))),
		bad("012", "PSD-PAY-DEL-06", "An amount of zero is refused.", protocol.CodeFieldInvalid, changed(set("amount", "0.00"))),
		bad("013", "PSD-PAY-DEL-06", "A negative amount is refused.", protocol.CodeFieldInvalid, changed(set("amount", "-18.00"))),
		bad("014", "PSD-PAY-DEL-06", "An amount with an exponent is refused.", protocol.CodeFieldInvalid, changed(set("amount", "1.8e1"))),
		bad("015", "PSD-PAY-DEL-02", "A currency that is none is refused.", protocol.CodeFieldInvalid, changed(set("currency", "cny"))),
		bad("016", "PSD-PAY-DEL-02", "A member that a payment request does not have is refused.", protocol.CodeFieldUnknown, changed(set("tip", "1.00"))),
		bad("017", "PSD-PAY-DEL-02", "A delegated payment without a mandate is refused.", protocol.CodeFieldMissing, changed(set("iac", nil))),
		bad("018", "PSD-PAY-DEL-02", "A request without an instrument is refused.", protocol.CodeFieldMissing, changed(set("payment_token", nil))),
		bad("019", "PSD-PAY-DEL-02", "A nonce that is not of 16 bytes is refused.", protocol.CodeFieldInvalid, changed(set("nonce", "AAAA"))),
		bad("020", "PSD-PAY-DEL-02", "A scenario that does not exist is refused.", protocol.CodeFieldInvalid, changed(set("scenario", "GIFT"))),
		bad("021", "PSD-PAY-DEL-03", "A signature_type that is not the key's algorithm is refused.", protocol.CodeAlgorithmRefused, changed(set("signature_type", "ES256"))),
		bad("022", "PSD-PAY-DEL-03", "A message of another kind, signed as such, is refused as a payment request.", protocol.CodeSignatureInvalid, func(p *probe) conformance.Answer {
			b := p.purchase(p.payer(), "18.00")
			b.message["nonce"], b.message["timestamp"] = canon.Nonce(), canon.FormatTime(time.Now())
			a, _ := p.result(b, p.pspPost("/payments", p.sign(b.signer, keys.KindPaymentQuery, b.message)))
			return a
		}),
	}
}

// altered is a check of a payment of which a member was changed after it was
// signed.
func altered(name, value string) func(*probe) conformance.Answer {
	return func(p *probe) conformance.Answer {
		b := p.purchase(p.payer(), "18.00")
		body := p.transmit(b)
		old, _ := b.message[name].(string)
		text := strings.Replace(string(body), `"`+name+`":"`+old+`"`, `"`+name+`":"`+value+`"`, 1)
		if text == string(body) {
			return conformance.Answer{Outcome: conformance.Error, Message: "the suite changed nothing"}
		}
		a, _ := p.result(b, p.pspPost("/payments", []byte(text)))
		return a
	}
}

// otherKey makes another key under the name of a party, which its document does
// not have.
func (p *probe) otherKey(x *party, fragment string, purpose keys.Purpose) (*keys.Signer, error) {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		return nil, err
	}
	return keys.NewSigner(x.did+"#"+fragment+"-"+p.run, purpose, private)
}
