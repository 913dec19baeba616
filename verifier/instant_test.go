package verifier_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// instant is a good request for a payment that the principal confirms.
func (w *world) instant() payment.Request {
	q, o := w.request(), w.order()
	o.DelegationID = ""
	q.Scenario, q.DelegationID, q.IAC, q.Order = payment.ScenarioINS, "", "", w.signOrder(o)
	return q
}

// payInstant does what a provider with a cashier does.
func (w *world) payInstant(raw []byte) (*verifier.AuthorizedPayment, error) {
	ctx := context.Background()
	r, err := w.v.PaymentRequest(ctx, raw, verifier.PaymentExpectation{PSP: pspDID, Instant: true})
	if err != nil {
		return nil, err
	}
	if err := r.UseNonce(ctx); err != nil {
		return nil, err
	}
	return r.Authorize(ctx)
}

func TestInstantPayment(t *testing.T) {
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		w := newWorld(t, alg)
		p, err := w.payInstant(w.signRequest(w.instant()))
		if err != nil {
			t.Fatal(err)
		}
		if p.Issuer() != "" || p.DelegationID() != "" || p.Delegator() != "" || p.PayloadDigest() != "" || p.Total().Valid() {
			t.Errorf("PSD-PAY-INS-08 a mandate out of nowhere: %+v", p)
		}
		if p.Agent() != agentDID || p.Payee() != shopDID || p.OrderNumber() != "order-1" || p.Amount() != amount(t, "18.00") ||
			p.PaymentToken() != "token-1" || !p.Expires().Equal(epoch.Add(10*time.Minute)) {
			t.Errorf("PSD-PAY-INS-05: %+v", p)
		}
		c := p.ProofClaims()
		if c.Thumbprint != w.signers[agentDID+"#k1"].Public().Thumbprint() || c.ResourceID != "order-1" || c.MethodID != methodID {
			t.Errorf("claims %+v", c)
		}
		if w.asked != 0 {
			t.Error("a status was asked for")
		}
	})
	t.Run("PSD-PAY-INS-01 the decision names every check in its order", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		p, err := w.payInstant(w.signRequest(w.instant()))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range p.Decision().Checks() {
			if c.Outcome != protocol.Allowed {
				t.Errorf("%v", c)
			}
			got = append(got, c.Requirement+" "+c.Name)
		}
		want := []string{
			"PSD-PAY-INS-08 form",
			"PSD-PAY-INS-01 key of the signer, for this purpose",
			"PSD-PAY-INS-01 signature",
			"PSD-PAY-INS-01 provider",
			"PSD-PAY-INS-01 nonce is fresh",
			"PSD-PAY-INS-01 time of sending",
			"PSD-PAY-INS-03 provider has a cashier",
			"CID-CART-CFM-05 form of the order",
			"CID-CART-CFM-04 key of the signer, for this purpose",
			"CID-CART-CFM-04 signature",
			"PSD-PAY-INS-05 payee",
			"PSD-PAY-INS-05 order number",
			"PSD-PAY-INS-05 amount and currency",
			"PSD-PAY-INS-05 buyer",
			"PSD-PAY-INS-05 provider of the order",
			"PSD-PAY-INS-05 payment method of the order",
			"CID-CART-CFM-05 order made under no mandate",
		}
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("checks:\n%s", strings.Join(got, "\n"))
		}
	})
	t.Run("PSD-PAY-A402-05 for a bill", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		q := w.instant()
		q.Order, q.Bill, q.MerchantOrderID, q.Amount = "", w.signBill(w.bill()), "trade-1", amount(t, "0.50")
		p, err := w.payInstant(w.signRequest(q))
		if err != nil {
			t.Fatal(err)
		}
		if c := p.ProofClaims(); c.RequestFingerprint != w.bill().RequestFingerprint || !p.Expires().Equal(w.bill().PayBefore) {
			t.Errorf("claims %+v", c)
		}
	})
	t.Run("the nonce that a ledger records is not called fresh", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		r, err := w.v.PaymentRequest(context.Background(), w.signRequest(w.instant()), verifier.PaymentExpectation{PSP: pspDID, Instant: true})
		if err != nil {
			t.Fatal(err)
		}
		r.TakeNonce()
		p, err := r.Authorize(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Decision().Checks() {
			if c.Name == "nonce is fresh" {
				t.Error("nobody has looked")
			}
		}
	})
}

// A provider that did not say that it has a cashier cannot be brought to pay.
func TestInstantNeedsCashier(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	p, err := w.pay(w.signRequest(w.instant()))
	if p != nil {
		t.Fatal("PSD-PAY-INS-03 authorized without anybody who could confirm")
	}
	e := protocol.AsError(err)
	if e.Code != protocol.CodeMethodNotAllowed || e.Field != "scenario" || e.Requirement != "PSD-PAY-INS-03" || !payment.Final(e.Code) {
		t.Errorf("PSD-PAY-INS-03: %v", err)
	}
	// And one that has, still asks for mandates where there must be one.
	q := w.request()
	q.IAC = "e30.e30.AA"
	_, err = w.payInstant(w.signRequest(q))
	wantCode(t, err, protocol.CodeFieldMissing)
	if _, err := w.payInstant(w.signRequest(w.request())); err != nil {
		t.Errorf("a delegated payment at a provider with a cashier: %v", err)
	}
}

// instantAttack makes an attack of a good instant request.
func instantAttack(f func(w *world, q *payment.Request)) func(w *world) []byte {
	return func(w *world) []byte {
		q := w.instant()
		f(w, &q)
		return w.signRequest(q)
	}
}

func TestInstantRefused(t *testing.T) {
	order := func(f func(o *commerce.Order)) func(w *world) []byte {
		return instantAttack(func(w *world, q *payment.Request) {
			o := w.order()
			o.DelegationID = ""
			f(&o)
			q.Order = w.signOrder(o)
		})
	}
	// forged has members that SignRequest would not write.
	forged := func(f func(m map[string]any)) func(w *world) []byte {
		return func(w *world) []byte {
			m := w.members(w.instant())
			f(m)
			return w.must(keys.SignMessage(w.signers[agentDID+"#k1"], keys.AgentRequest, keys.KindPaymentRequest, m))
		}
	}
	for _, c := range []attack{
		{"PSD-PAY-INS-01 addressed to another provider", protocol.CodeAudienceMismatch, instantAttack(func(_ *world, q *payment.Request) { q.PSPID = "did:act:other.example/pay" })},
		{"PSD-PAY-INS-07 too old", protocol.CodeRequestExpired, instantAttack(func(_ *world, q *payment.Request) { q.Timestamp = epoch.Add(-5*time.Minute - time.Second) })},
		{"PSD-PAY-INS-07 dated ahead", protocol.CodeRequestExpired, instantAttack(func(_ *world, q *payment.Request) { q.Timestamp = epoch.Add(61 * time.Second) })},
		{"PSD-PAY-INS-07 signed by another key under the same id", protocol.CodeSignatureInvalid, func(w *world) []byte {
			return w.must(payment.SignRequest(w.signer(agentDID+"#k1", keys.AgentRequest), w.instant()))
		}},
		{"PSD-PAY-INS-08 a key that no document has", protocol.CodeKeyUnknown, func(w *world) []byte {
			return w.must(payment.SignRequest(w.signer(agentDID+"#k9", keys.AgentRequest), w.instant()))
		}},
		{"PSD-PAY-INS-01 a key that is for selling", protocol.CodeKeyPurpose, func(w *world) []byte {
			w.edit(agentDID+"#k1", func(k *identity.Key) { k.Purpose = keys.Seller })
			return w.signRequest(w.instant())
		}},
		{"PSD-PAY-INS-05 the price raised in the request", protocol.CodeOrderMismatch, instantAttack(func(w *world, q *payment.Request) { q.Amount = amount(w.t, "19.00") })},
		{"PSD-PAY-INS-05 another currency", protocol.CodeOrderMismatch, instantAttack(func(w *world, q *payment.Request) { q.Amount = dollars(w.t, "18.00") })},
		{"PSD-PAY-INS-05 another order number", protocol.CodeOrderMismatch, instantAttack(func(_ *world, q *payment.Request) { q.MerchantOrderID = "order-2" })},
		{"PSD-PAY-INS-05 another payee", protocol.CodeOrderMismatch, instantAttack(func(_ *world, q *payment.Request) { q.MerchantID = shop2DID })},
		{"PSD-PAY-INS-05 another agent's order", protocol.CodeAgentMismatch, order(func(o *commerce.Order) { o.BuyerAgentID = agent2DID })},
		{"PSD-PAY-INS-05 an order under a mandate", protocol.CodeOrderMismatch, order(func(o *commerce.Order) { o.DelegationID = authorization().DelegationID })},
		{"PSD-PAY-INS-05 an order for another provider", protocol.CodeAudienceMismatch, order(func(o *commerce.Order) { o.PSPID = "did:act:other.example/pay" })},
		{"CID-CART-CFM-04 the lock has ended", protocol.CodeOrderExpired, order(func(o *commerce.Order) { o.IssuedAt, o.Expires = epoch.Add(-time.Minute), epoch })},
		{"PSD-PAY-A402-18 a bill whose time is over", protocol.CodeOrderExpired, instantAttack(func(w *world, q *payment.Request) {
			b := w.bill()
			b.PayBefore = epoch
			q.Order, q.Bill, q.MerchantOrderID, q.Amount = "", w.signBill(b), "trade-1", b.Amount
		})},
		{"an order whose seller is out of reach", protocol.CodeKeyUnavailable, instantAttack(func(w *world, _ *payment.Request) { delete(w.docs, parseDID(w.t, shopDID)) })},
		{"PSD-PAY-INS-08 with a mandate", protocol.CodeFieldInvalid, forged(func(m map[string]any) { m["iac"] = "e30.e30.AA" })},
		{"PSD-PAY-INS-08 with an empty mandate", protocol.CodeFieldInvalid, forged(func(m map[string]any) { m["iac"] = "" })},
		{"PSD-PAY-INS-08 with a mandate's id", protocol.CodeFieldInvalid, forged(func(m map[string]any) { m["delegation_id"] = "d-1" })},
		{"PSD-PAY-INS-08 from a sub-account", protocol.CodeFieldInvalid, forged(func(m map[string]any) {
			m["subaccount_id"], m["subaccount_authorization"] = "sub-1", "e30.e30.AA"
		})},
		{"PSD-PAY-INS-08 without an instrument", protocol.CodeFieldMissing, forged(func(m map[string]any) { delete(m, "payment_token") })},
		{"PSD-PAY-DEL-02 directed without a mandate", protocol.CodeFieldMissing, forged(func(m map[string]any) { m["scenario"] = "DEL" })},
		{"PSD-PAY-AUP-06 autonomous without a mandate", protocol.CodeFieldMissing, forged(func(m map[string]any) { m["scenario"] = "AUP" })},
		{"an unknown scenario", protocol.CodeFieldInvalid, forged(func(m map[string]any) { m["scenario"] = "ins" })},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, keys.EdDSA)
			p, err := w.payInstant(c.request(w))
			wantCode(t, err, c.want)
			if p != nil {
				t.Error("a value together with an error")
			}
			noLeak(t, err)
		})
	}
	t.Run("PSD-PAY-INS-01 the same transmission twice", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		raw := w.signRequest(w.instant())
		if _, err := w.payInstant(raw); err != nil {
			t.Fatal(err)
		}
		_, err := w.payInstant(raw)
		wantCode(t, err, protocol.CodeReplayed)
		if e := protocol.AsError(err); e.Requirement == "" {
			t.Error(err)
		}
	})
	t.Run("PSD-PAY-INS-01 a refused request, all of what was found", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		q := w.instant()
		q.Amount, q.MerchantOrderID = amount(t, "19.00"), "order-2"
		_, err := w.payInstant(w.signRequest(q))
		var failed int
		for _, c := range protocol.AsError(err).Checks {
			if c.Outcome != protocol.Allowed {
				failed++
			}
		}
		if failed != 2 {
			t.Errorf("%d reasons: %v", failed, err)
		}
	})
}

func dollars(t testing.TB, text string) money.Amount {
	t.Helper()
	c, err := money.ParseCurrency("USD")
	if err != nil {
		t.Fatal(err)
	}
	a, err := money.Parse(text, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (w *world) pending(q payment.Request) payment.Pending {
	return payment.Pending{
		RequestID: q.RequestID, TradeNo: "t-1", PSPID: q.PSPID, BuyerAgentID: q.BuyerAgentID, MerchantID: q.MerchantID,
		MerchantOrderID: q.MerchantOrderID, Amount: q.Amount, TradeState: payment.StateWaitBuyerPay,
		CashierURL: "https://psp.example/cashier/t-1", ExpiresAt: w.clock().Add(5 * time.Minute),
	}
}

func TestPending(t *testing.T) {
	w := newWorld(t, keys.ES256)
	q := w.instant()
	sign := func(p payment.Pending) []byte {
		return w.must(payment.SignPending(w.signers[pspDID+"#proof"], p))
	}
	algorithms(t, func(t *testing.T, alg keys.Algorithm) {
		w := newWorld(t, alg)
		q := w.instant()
		raw := w.must(payment.SignPending(w.signers[pspDID+"#proof"], w.pending(q)))
		m, err := w.v.Pending(context.Background(), raw, verifier.PendingExpectation{Request: q})
		if err != nil {
			t.Fatal(err)
		}
		if m.Value().CashierURL != "https://psp.example/cashier/t-1" || m.KeyID() != pspDID+"#proof" || !m.Decision().Allowed() {
			t.Errorf("PSD-PAY-INS-06: %+v", m.Value())
		}
	})
	for _, c := range []struct {
		name   string
		want   protocol.Code
		change func(p *payment.Pending, q *payment.Request)
	}{
		{"another request", protocol.CodeRequestConflict, func(p *payment.Pending, _ *payment.Request) { p.RequestID = "pay-2" }},
		{"another amount", protocol.CodeOrderMismatch, func(p *payment.Pending, _ *payment.Request) { p.Amount = mustAmount("1.00") }},
		{"another currency", protocol.CodeOrderMismatch, func(p *payment.Pending, _ *payment.Request) { p.Amount = dollars(t, "18.00") }},
		{"another payee", protocol.CodeOrderMismatch, func(p *payment.Pending, _ *payment.Request) { p.MerchantID = shop2DID }},
		{"another order", protocol.CodeOrderMismatch, func(p *payment.Pending, _ *payment.Request) { p.MerchantOrderID = "order-2" }},
		{"another buyer", protocol.CodeAgentMismatch, func(p *payment.Pending, _ *payment.Request) { p.BuyerAgentID = agent2DID }},
		{"another provider", protocol.CodeIssuerUntrusted, func(_ *payment.Pending, q *payment.Request) { q.PSPID = "did:act:other.example/pay" }},
		{"too late, to the second", protocol.CodeRequestExpired, func(p *payment.Pending, _ *payment.Request) { p.ExpiresAt = epoch }},
		{"a payment with a mandate", protocol.CodeModeMismatch, func(_ *payment.Pending, q *payment.Request) {
			q.Scenario, q.DelegationID = payment.ScenarioDEL, "d-1"
		}},
		{"nothing expected", protocol.CodeFieldMissing, func(_ *payment.Pending, q *payment.Request) { *q = payment.Request{} }},
		{"no amount expected", protocol.CodeFieldMissing, func(_ *payment.Pending, q *payment.Request) { q.Amount = amountZero }},
	} {
		t.Run("PSD-PAY-INS-06 "+c.name, func(t *testing.T) {
			p, e := w.pending(q), q
			c.change(&p, &e)
			m, err := w.v.Pending(context.Background(), sign(p), verifier.PendingExpectation{Request: e})
			wantCode(t, err, c.want)
			if m != nil {
				t.Error("a value together with an error")
			}
			noLeak(t, err)
		})
	}
	verify := func(raw []byte) error {
		_, err := w.v.Pending(context.Background(), raw, verifier.PendingExpectation{Request: q})
		return err
	}
	forger := w.signer(pspDID+"#proof", keys.Proof)
	wantCode(t, verify(w.must(payment.SignPending(forger, w.pending(q)))), protocol.CodeSignatureInvalid)
	where := strings.Replace(string(sign(w.pending(q))), "psp.example/cashier", "psp.evil.example/x", 1)
	wantCode(t, verify([]byte(where)), protocol.CodeSignatureInvalid)
	content := map[string]any{}
	if err := canon.Decode(sign(w.pending(q)), &content); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"signer_id", "signature", "signature_type", "signature_covered_fields"} {
		delete(content, name)
	}
	other := w.must(keys.SignMessage(w.signers[pspDID+"#proof"], keys.Proof, keys.KindPaymentResult, content))
	wantCode(t, verify(other), protocol.CodeSignatureInvalid)
}

// TestInstantResult: what the agent believes at the end of an instant payment.
func TestInstantResult(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	q := w.instant()
	good := w.result(q)
	good.SpentTotal = money.Amount{}
	verify := func(r payment.Result, q payment.Request) error {
		raw := w.must(payment.SignResult(w.signers[pspDID+"#proof"], r))
		_, err := w.v.Result(context.Background(), raw, verifier.ResultExpectation{Request: q, Thumbprint: w.signers[agentDID+"#k1"].Public().Thumbprint()})
		return err
	}
	wantCode(t, verify(good, q), "")
	other := good
	other.Scenario, other.DelegationID, other.SpentTotal = payment.ScenarioDEL, "d-1", other.Amount
	wantCode(t, verify(other, q), protocol.CodeModeMismatch) // charged to a mandate in place of the confirmation
	delegated := w.request()
	wantCode(t, verify(good, delegated), protocol.CodeModeMismatch)
	named := q
	named.DelegationID = "d-1"
	wantCode(t, verify(good, named), protocol.CodeOrderMismatch)
	forgotten := w.request()
	forgotten.DelegationID = ""
	wantCode(t, verify(w.result(w.request()), forgotten), protocol.CodeFieldMissing)
}
