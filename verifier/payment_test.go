package verifier_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

func TestPaymentRequest(t *testing.T) {
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		w := newWorld(t, alg)
		p, err := w.pay(w.signRequest(w.request()))
		if err != nil {
			t.Fatal(err)
		}
		u, _ := delegation.ParseMandate([]byte(p.Request().IAC))
		if p.Issuer() != bankDID || p.DelegationID() != u.Claims().ID || p.Delegator() != annDID || p.PayloadDigest() != u.PayloadDigest() ||
			p.Total() != amount(t, "20.00") || p.Amount() != amount(t, "18.00") || p.Payee() != shopDID || p.OrderNumber() != "order-1" ||
			p.Agent() != agentDID || p.PaymentToken() != "token-1" || !p.Expires().Equal(epoch.Add(10*time.Minute)) {
			t.Errorf("authorized %+v", p)
		}
		c := p.ProofClaims()
		if c.Thumbprint != w.signers[agentDID+"#k1"].Public().Thumbprint() || c.ResourceID != "order-1" || c.RequestFingerprint != "" || c.MethodID != methodID {
			t.Errorf("claims %+v", c)
		}
		if !p.Decision().Allowed() || len(p.Decision().Checks()) < 25 {
			t.Errorf("%d checks", len(p.Decision().Checks()))
		}
		for _, check := range p.Decision().Checks() {
			if check.Requirement == "" || check.Name == "" {
				t.Errorf("a check without requirement or name: %+v", check)
			}
		}
	})
}

// bounded is a mandate for autonomous payment.
func bounded() *delegation.Authorization {
	a := authorization()
	a.DelegationMode = delegation.Bounded
	return a
}

func (w *world) autonomous() payment.Request {
	q := w.request()
	q.Scenario, q.Order, q.Bill = payment.ScenarioAUP, "", w.signBill(w.bill())
	q.IAC, q.MerchantOrderID, q.Amount = string(w.issue(w.claims(bounded()))), "trade-1", amount(w.t, "0.50")
	return q
}

func TestAutonomousPayment(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	p, err := w.pay(w.signRequest(w.autonomous()))
	if err != nil {
		t.Fatal(err)
	}
	b := w.bill()
	c := p.ProofClaims()
	if c.ResourceID != b.ResourceID || c.RequestFingerprint != b.RequestFingerprint || c.RequestMethod != "GET" || c.OutTradeNo != "trade-1" {
		t.Errorf("claims %+v", c)
	}
}

// An attack on a payment, and the code that answers it.
type attack struct {
	name    string
	want    protocol.Code
	request func(w *world) []byte
}

// change makes an attack of a good request that was changed before signing.
func change(f func(w *world, q *payment.Request)) func(w *world) []byte {
	return func(w *world) []byte {
		q := w.request()
		f(w, &q)
		return w.signRequest(q)
	}
}

func runAttacks(t *testing.T, attacks []attack) {
	t.Helper()
	for _, c := range attacks {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, keys.EdDSA)
			p, err := w.pay(c.request(w))
			wantCode(t, err, c.want)
			if (p == nil) != (err != nil) {
				t.Errorf("value %t, error %v", p != nil, err)
			}
			if err != nil {
				noLeak(t, err)
			}
		})
	}
}

// Attacks on envelope, time, agent and keys.
func TestPaymentEnvelopeRefused(t *testing.T) {
	runAttacks(t, []attack{
		{"PSD-PAY-DEL-04 addressed to another provider", protocol.CodeAudienceMismatch, change(func(_ *world, q *payment.Request) { q.PSPID = "did:act:other.example/pay" })},
		{"PSD-PAY-DEL-04 too old", protocol.CodeRequestExpired, change(func(_ *world, q *payment.Request) { q.Timestamp = epoch.Add(-5*time.Minute - time.Second) })},
		{"PSD-PAY-DEL-04 too far ahead", protocol.CodeRequestExpired, change(func(_ *world, q *payment.Request) { q.Timestamp = epoch.Add(61 * time.Second) })},
		{"PSD-PAY-DEL-04 signed by another key under the same id", protocol.CodeSignatureInvalid, func(w *world) []byte {
			raw, err := payment.SignRequest(w.signer(agentDID+"#k1", keys.AgentRequest), w.request())
			if err != nil {
				w.t.Fatal(err)
			}
			return raw
		}},
		{"PSD-PAY-DEL-03 a member changed after signing", protocol.CodeSignatureInvalid, func(w *world) []byte {
			return []byte(replaceOnce(w.t, string(w.signRequest(w.request())), `"amount":"18.00"`, `"amount":"18.01"`))
		}},
		{"PSD-PAY-DEL-03 a member that the signature is said not to cover", protocol.CodeFieldInvalid, func(w *world) []byte {
			return []byte(replaceOnce(w.t, string(w.signRequest(w.request())), `["amount",`, `[`))
		}},
		{"a message of another kind", protocol.CodeSignatureInvalid, func(w *world) []byte {
			q := w.request()
			raw, err := keys.SignMessage(w.signers[agentDID+"#k1"], keys.AgentRequest, keys.KindCartRequest, map[string]string{
				"scenario": "DEL", "request_id": q.RequestID, "nonce": q.Nonce, "timestamp": canon.FormatTime(q.Timestamp), "psp_id": q.PSPID,
				"buyer_agent_id": q.BuyerAgentID, "merchant_id": q.MerchantID, "delegation_id": q.DelegationID, "iac": q.IAC,
				"merchant_order_id": q.MerchantOrderID, "amount": "18.00", "currency": "CNY", "payment_method": q.PaymentMethod,
				"payment_token": q.PaymentToken, "order": q.Order})
			if err != nil {
				w.t.Fatal(err)
			}
			return raw
		}},
		{"PSD-PAY-DEL-05 the holder's other key", protocol.CodeAgentMismatch, func(w *world) []byte {
			raw, err := payment.SignRequest(w.signers[agentDID+"#k2"], w.request())
			if err != nil {
				w.t.Fatal(err)
			}
			return raw
		}},
		{"PSD-PAY-DEL-05 a stolen mandate", protocol.CodeAgentMismatch, change(func(_ *world, q *payment.Request) { q.BuyerAgentID = agent2DID })},
		{"ADD-IAC-ISS-12 a key that is for selling", protocol.CodeKeyPurpose, func(w *world) []byte {
			w.edit(agentDID+"#k1", func(k *identity.Key) { k.Purpose = keys.Seller })
			return w.signRequest(w.request())
		}},
		{"a rotated key outside its period", protocol.CodeKeyNotValid, func(w *world) []byte {
			w.edit(agentDID+"#k1", func(k *identity.Key) { k.NotAfter = epoch })
			return w.signRequest(w.request())
		}},
	})
}

// Attacks on mandate and boundaries.
func TestPaymentMandateRefused(t *testing.T) {
	mandate := func(f func(a *delegation.Authorization)) func(w *world) []byte {
		return change(func(w *world, q *payment.Request) {
			a := authorization()
			f(a)
			q.IAC = string(w.issue(w.claims(a)))
		})
	}
	runAttacks(t, []attack{
		{"another delegation id", protocol.CodeClaimsConflict, change(func(_ *world, q *payment.Request) { q.DelegationID = "urn:uuid:0" })},
		{"PSD-PAY-DEL-12 directed with BOUNDED", protocol.CodeModeMismatch, mandate(func(a *delegation.Authorization) { a.DelegationMode = delegation.Bounded })},
		{"PSD-PAY-AUP-01 autonomous with SPECIFIED", protocol.CodeModeMismatch, change(func(_ *world, q *payment.Request) { q.Scenario = payment.ScenarioAUP })},
		{"PSD-PAY-DEL-06 single limit", protocol.CodeSingleLimitExceeded, mandate(func(a *delegation.Authorization) { a.Ext.Commerce.MaxSingleAmount = "17.99" })},
		{"PSD-PAY-DEL-06 minimum", protocol.CodeBelowMinimum, mandate(func(a *delegation.Authorization) { a.Ext.Commerce.MinSingleAmount = "18.01" })},
		{"PSD-PAY-DEL-06 payment method", protocol.CodeMethodNotAllowed, mandate(func(a *delegation.Authorization) { a.AllowedPaymentMethods = []string{"urn:act:payment:card"} })},
		{"currency confusion", protocol.CodeCurrencyMismatch, mandate(func(a *delegation.Authorization) {
			a.Currency, a.MaxTotalAmount, a.Ext.Commerce.MaxSingleAmount = "JPY", "2000", "2000"
		})},
		{"PSD-PAY-DEL-04 merchant out of scope", protocol.CodeMerchantNotAllowed, mandate(func(a *delegation.Authorization) { a.Ext.Commerce.AllowedMerchants = []string{shop2DID} })},
		{"PSD-PAY-DEL-04 category", protocol.CodeCategoryNotAllowed, mandate(func(a *delegation.Authorization) { a.Ext.Commerce.AllowedCategories = []string{"food/drinks"} })},
		{"PSD-PAY-DEL-04 delivery", protocol.CodeDeliveryNotMet, mandate(func(a *delegation.Authorization) {
			a.Ext.Fulfillment = &delegation.Fulfillment{DeliveryTimeRequirement: canon.FormatTime(epoch.Add(20 * time.Minute))}
		})},
		{"PSD-PAY-DEL-04 delivery in words", protocol.CodeFactMissing, mandate(func(a *delegation.Authorization) {
			a.Ext.Fulfillment = &delegation.Fulfillment{DeliveryTimeRequirement: "soon"}
		})},
		{"ADD-IAC-LCM-07 revoked", protocol.CodeMandateRevoked, func(w *world) []byte { w.status = delegation.StatusRevoked; return w.signRequest(w.request()) }},
		{"ADD-IAC-LCM-07 suspended", protocol.CodeMandateSuspended, func(w *world) []byte { w.status = delegation.StatusSuspended; return w.signRequest(w.request()) }},
		{"ADD-IAC-LCM-10 no status", protocol.CodeStatusUnavailable, func(w *world) []byte { w.broken = errors.New("down"); return w.signRequest(w.request()) }},
		{"PSD-PAY-DEL-05 expired", protocol.CodeMandateExpired, func(w *world) []byte { w.pass(time.Hour); return w.signRequest(w.request()) }},
	})
}

// Attacks on order.
func TestPaymentOrderRefused(t *testing.T) {
	order := func(f func(o *commerce.Order)) func(w *world) []byte {
		return change(func(w *world, q *payment.Request) {
			o := w.order()
			f(&o)
			q.Order = w.signOrder(o)
		})
	}
	runAttacks(t, []attack{
		{"CID-CART-CFM-05 the price raised in the request", protocol.CodeOrderMismatch, change(func(w *world, q *payment.Request) { q.Amount = amount(w.t, "19.00") })},
		{"CID-CART-CFM-05 another order number", protocol.CodeOrderMismatch, change(func(_ *world, q *payment.Request) { q.MerchantOrderID = "order-2" })},
		{"CID-CART-CFM-05 another payee than signed the order", protocol.CodeOrderMismatch, change(func(_ *world, q *payment.Request) { q.MerchantID = shop2DID })},
		{"CID-CART-CFM-05 another agent's order", protocol.CodeAgentMismatch, order(func(o *commerce.Order) { o.BuyerAgentID = agent2DID })},
		{"an order for another provider", protocol.CodeAudienceMismatch, order(func(o *commerce.Order) { o.PSPID = "did:act:other.example/pay" })},
		{"an order by another method", protocol.CodeOrderMismatch, order(func(o *commerce.Order) { o.PaymentMethod = "urn:act:payment:card" })},
		{"an order for another mandate", protocol.CodeOrderMismatch, order(func(o *commerce.Order) { o.DelegationID = "urn:uuid:1" })},
		{"PSD-PAY-AUP-03 an order for another intent", protocol.CodeOrderMismatch, order(func(o *commerce.Order) { o.IntentID = "intent-2" })},
		{"CID-CART-CFM-04 the lock has ended", protocol.CodeOrderExpired, order(func(o *commerce.Order) { o.IssuedAt, o.Expires = epoch.Add(-time.Minute), epoch })},
		{"an order from the future", protocol.CodeOrderMismatch, order(func(o *commerce.Order) { o.IssuedAt = epoch.Add(2 * time.Minute) })},
		{"an order signed by another key", protocol.CodeSignatureInvalid, change(func(w *world, q *payment.Request) {
			raw, err := commerce.SignOrder(w.signer(shopDID+"#sell", keys.Seller), w.order())
			if err != nil {
				w.t.Fatal(err)
			}
			q.Order = string(raw)
		})},
		{"an order whose seller is out of reach", protocol.CodeKeyUnavailable, change(func(w *world, _ *payment.Request) { delete(w.docs, parseDID(w.t, shopDID)) })},
		{"an order that is none", protocol.CodeMalformed, change(func(_ *world, q *payment.Request) { q.Order = "x" })},
		{"a mandate in place of an order", protocol.CodeTypeMismatch, change(func(_ *world, q *payment.Request) { q.Order = q.IAC })},
		{"a bound that denies wins over one that is undetermined", protocol.CodeSingleLimitExceeded, change(func(w *world, q *payment.Request) {
			a := authorization()
			a.Ext.Commerce.MaxSingleAmount = "17.99"
			q.IAC = string(w.issue(w.claims(a)))
			delete(w.docs, parseDID(w.t, shopDID))
		})},
	})
}

// Attacks on bill.
func TestPaymentBillRefused(t *testing.T) {
	bill := func(f func(b *payment.Bill)) func(w *world) []byte {
		return func(w *world) []byte {
			q, b := w.autonomous(), w.bill()
			f(&b)
			q.Bill = w.signBill(b)
			return w.signRequest(q)
		}
	}
	runAttacks(t, []attack{
		{"PSD-PAY-A402-18 after pay_before", protocol.CodeOrderExpired, bill(func(b *payment.Bill) { b.PayBefore = epoch })},
		{"a cheaper bill", protocol.CodeOrderMismatch, bill(func(b *payment.Bill) { b.Amount = mustAmount("0.49") })},
		{"another bill", protocol.CodeOrderMismatch, bill(func(b *payment.Bill) { b.OutTradeNo = "trade-2" })},
		{"another seller's bill", protocol.CodeOrderMismatch, bill(func(b *payment.Bill) { b.SellerID = shop2DID })},
		{"another buyer's bill", protocol.CodeAgentMismatch, bill(func(b *payment.Bill) { b.BuyerID = agent2DID })},
		{"a bill for another provider", protocol.CodeAudienceMismatch, bill(func(b *payment.Bill) { b.PSPID = "did:act:other.example/pay" })},
		{"a bill by another method", protocol.CodeOrderMismatch, bill(func(b *payment.Bill) { b.MethodID = "act:payment/card" })},
		{"PSD-PAY-AUP-03 the bill's category", protocol.CodeCategoryNotAllowed, bill(func(b *payment.Bill) { b.Category = "tobacco" })},
		{"PSD-PAY-AUP-03 a category too wide to know", protocol.CodeCategoryNotAllowed, bill(func(b *payment.Bill) { b.Category = "food" })},
	})
}

func mustAmount(s string) money.Amount {
	c, err := money.ParseCurrency("CNY")
	if err != nil {
		panic(err)
	}
	a, err := money.Parse(s, c)
	if err != nil {
		panic(err)
	}
	return a
}

func TestPaymentReplay(t *testing.T) {
	ctx := context.Background()
	expect := verifier.PaymentExpectation{PSP: pspDID}
	t.Run("PSD-PAY-DEL-04 the same transmission twice", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		raw := w.signRequest(w.request())
		if _, err := w.pay(raw); err != nil {
			t.Fatal(err)
		}
		_, err := w.pay(raw)
		wantCode(t, err, protocol.CodeReplayed)
	})
	t.Run("PSD-PAY-DEL-04 the nonce in a new request", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		q := w.request()
		if _, err := w.pay(w.signRequest(q)); err != nil {
			t.Fatal(err)
		}
		q.RequestID = "pay-2"
		_, err := w.pay(w.signRequest(q))
		wantCode(t, err, protocol.CodeReplayed)
		other := w.request() // another agent's nonce is its own affair
		other.BuyerAgentID, other.Nonce = agent2DID, q.Nonce
		_, err = w.pay(w.signRequest(other))
		wantCode(t, err, protocol.CodeAgentMismatch)
	})
	t.Run("a repeat has another nonce and the same content", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		q := w.request()
		first, err := w.v.PaymentRequest(ctx, w.signRequest(q), expect)
		if err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		q.Nonce, q.Timestamp = canon.Nonce(), w.clock()
		second, err := w.v.PaymentRequest(ctx, w.signRequest(q), expect)
		if err != nil || second.ContentDigest() != first.ContentDigest() || second.UseNonce(ctx) != nil {
			t.Errorf("repeat: %v", err)
		}
		q.Amount = amount(t, "18.01")
		third, err := w.v.PaymentRequest(ctx, w.signRequest(q), expect)
		if err != nil || third.ContentDigest() == first.ContentDigest() {
			t.Errorf("other content has the same digest, %v", err)
		}
	})
	t.Run("PSD-PAY-DEL-04 a bad signature uses up no nonce", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		store := verifier.NewMemoryReplay(10, w.clock)
		w.v = w.verifier(func(c *verifier.Config) { c.Replay = store })
		good := w.signRequest(w.request())
		forged := strings.Replace(string(good), `"amount":"18.00"`, `"amount":"18.01"`, 1)
		_, err := w.pay([]byte(forged))
		wantCode(t, err, protocol.CodeSignatureInvalid)
		if store.Len() != 0 {
			t.Error("a forged request took a place in the store")
		}
		if _, err := w.pay(good); err != nil {
			t.Error(err)
		}
	})
	t.Run("the nonce cannot be forgotten", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		r, err := w.v.PaymentRequest(ctx, w.signRequest(w.request()), expect)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Authorize(ctx)
		wantCode(t, err, protocol.CodeFieldMissing)
		n := r.TakeNonce()
		if n.Value != r.Request().Nonce || !strings.Contains(n.Scope, agentDID) || !n.Until.After(epoch.Add(6*time.Minute)) {
			t.Errorf("nonce %+v", n)
		}
		if _, err = r.Authorize(ctx); err != nil {
			t.Error(err)
		}
		_, err = new(verifier.AuthenticRequest).Authorize(ctx)
		wantCode(t, err, protocol.CodeFieldMissing)
	})
	t.Run("without a store, or with a full one, nothing is decided", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		w.v = w.verifier(func(c *verifier.Config) { c.Replay = nil })
		_, err := w.pay(w.signRequest(w.request()))
		wantCode(t, err, protocol.CodeServiceUnavailable)
		w.v = w.verifier(func(c *verifier.Config) { c.Replay = verifier.NewMemoryReplay(1, w.clock) })
		if _, err := w.pay(w.signRequest(w.request())); err != nil {
			t.Fatal(err)
		}
		_, err = w.pay(w.signRequest(w.request()))
		wantCode(t, err, protocol.CodeServiceUnavailable)
	})
	t.Run("a nonce is kept longer than its message can live", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		q := w.request()
		q.Timestamp = epoch.Add(time.Minute) // as far ahead as is allowed
		raw := w.signRequest(q)
		if _, err := w.pay(raw); err != nil {
			t.Fatal(err)
		}
		for range 60 {
			w.pass(10 * time.Second)
			_, err := w.pay(raw)
			if code := protocol.CodeOf(err); code != protocol.CodeReplayed && code != protocol.CodeRequestExpired {
				t.Fatalf("after %v: %v", w.clock().Sub(epoch), err)
			}
		}
	})
	t.Run("an expectation left empty", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		_, err := w.v.PaymentRequest(ctx, w.signRequest(w.request()), verifier.PaymentExpectation{})
		wantCode(t, err, protocol.CodeFieldMissing)
	})
}
