package verifier_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

var amountZero money.Amount

func (w *world) proofClaims() payment.ProofClaims {
	return payment.ProofClaims{
		PSPID: pspDID, MerchantID: shopDID, ID: "proof-1", IssuedAt: w.clock(), Expires: w.clock().Add(10 * time.Minute),
		TradeNo: "t-1", OutTradeNo: "trade-1", ResourceID: "report-7", Amount: amount(w.t, "0.50"), Payer: agentDID, MethodID: methodID,
		RequestMethod: "GET", RequestFingerprint: w.bill().RequestFingerprint,
		Thumbprint: w.signers[agentDID+"#k1"].Public().Thumbprint(),
	}
}

func (w *world) signProof(c payment.ProofClaims) string {
	w.t.Helper()
	proof, err := payment.SignProofClaims(w.signers[pspDID+"#proof"], c)
	if err != nil {
		w.t.Fatal(err)
	}
	return proof
}

func (w *world) proofExpectation() verifier.ProofExpectation {
	return verifier.ProofExpectation{
		PSP: pspDID, Payee: shopDID, OrderNumber: "trade-1", ResourceID: "report-7", Amount: amount(w.t, "0.50"), MethodID: methodID,
		RequestMethod: "GET", Fingerprint: w.bill().RequestFingerprint,
		Payer: agentDID, Thumbprint: w.signers[agentDID+"#k1"].Public().Thumbprint(),
	}
}

func TestProof(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	verify := func(t *testing.T, proof string, e verifier.ProofExpectation, want protocol.Code) {
		t.Helper()
		m, err := w.v.Proof(context.Background(), proof, e)
		wantCode(t, both(w, m != nil && m.Value().TradeNo == "t-1" && m.Decision().Allowed(), err), want)
	}
	verify(t, w.signProof(w.proofClaims()), w.proofExpectation(), "")
	type change func(c *payment.ProofClaims, e *verifier.ProofExpectation)
	for _, c := range []struct {
		name   string
		want   protocol.Code
		change change
	}{
		{"PSD-PAY-A402-08 another provider", protocol.CodeIssuerUntrusted, func(_ *payment.ProofClaims, e *verifier.ProofExpectation) { e.PSP = "did:act:other.example/pay" }},
		{"PSD-PAY-A402-08 paid to another merchant", protocol.CodeAudienceMismatch, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) { c.MerchantID = shop2DID }},
		{"PSD-PAY-A402-08 another order", protocol.CodeProofMismatch, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) { c.OutTradeNo = "trade-2" }},
		{"PSD-PAY-A402-08 another resource", protocol.CodeProofMismatch, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) { c.ResourceID = "report-8" }},
		{"PSD-PAY-A402-08 a cheaper order", protocol.CodeProofMismatch, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) { c.Amount = mustAmount("0.05") }},
		{"PSD-PAY-A402-16 another request body", protocol.CodeProofMismatch, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) {
			c.RequestFingerprint = canon.Sum([]byte("x"))
		}},
		{"PSD-PAY-A402-16 another method", protocol.CodeProofMismatch, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) { c.RequestMethod = "HEAD" }},
		{"PSD-PAY-A402-16 another idempotency key", protocol.CodeProofMismatch, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) { c.IdempotencyKey = "k" }},
		{"another payment method", protocol.CodeProofMismatch, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) { c.MethodID = "act:payment/card" }},
		{"another payer", protocol.CodeProofMismatch, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) { c.Payer = agent2DID }},
		{"a stolen proof: another key", protocol.CodeProofMismatch, func(_ *payment.ProofClaims, e *verifier.ProofExpectation) {
			e.Thumbprint = w.signers[agentDID+"#k2"].Public().Thumbprint()
		}},
		{"PSD-PAY-A402-07 after its time", protocol.CodeProofExpired, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) {
			c.IssuedAt, c.Expires = epoch.Add(-time.Hour), epoch
		}},
		{"PSD-PAY-A402-07 from the future", protocol.CodeProofInvalid, func(c *payment.ProofClaims, _ *verifier.ProofExpectation) { c.IssuedAt = epoch.Add(2 * time.Minute) }},
		{"a cart's proof for a request", protocol.CodeProofMismatch, func(c *payment.ProofClaims, e *verifier.ProofExpectation) {
			c.RequestMethod, c.RequestFingerprint, c.ResourceID, e.ResourceID = "", "", "trade-1", "trade-1"
		}},
		{"a request's proof for a cart", protocol.CodeProofMismatch, func(_ *payment.ProofClaims, e *verifier.ProofExpectation) {
			e.Cart, e.RequestMethod, e.Fingerprint = true, "", ""
		}},
		{"a cart's proof for its cart", "", func(c *payment.ProofClaims, e *verifier.ProofExpectation) {
			c.RequestMethod, c.RequestFingerprint, c.ResourceID, e.ResourceID = "", "", "trade-1", "trade-1"
			e.Cart, e.RequestMethod, e.Fingerprint = true, "", ""
		}},
		{"a bearer when nobody asks for the key", "", func(_ *payment.ProofClaims, e *verifier.ProofExpectation) {
			e.Payer, e.Thumbprint, e.InsecureBearer = "", "", true
		}},
		{"no key to compare with", protocol.CodeFieldMissing, func(_ *payment.ProofClaims, e *verifier.ProofExpectation) { e.Thumbprint = "" }},
		{"no payer", protocol.CodeFieldMissing, func(_ *payment.ProofClaims, e *verifier.ProofExpectation) { e.Payer = "" }},
		{"no amount", protocol.CodeFieldMissing, func(_ *payment.ProofClaims, e *verifier.ProofExpectation) { e.Amount = amountZero }},
		{"no request", protocol.CodeFieldMissing, func(_ *payment.ProofClaims, e *verifier.ProofExpectation) { e.Fingerprint = "" }},
		{"a cart and a request", protocol.CodeFieldInvalid, func(_ *payment.ProofClaims, e *verifier.ProofExpectation) { e.Cart = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims, e := w.proofClaims(), w.proofExpectation()
			c.change(&claims, &e)
			verify(t, w.signProof(claims), e, c.want)
		})
	}
	t.Run("a payment result in place of a proof", func(t *testing.T) {
		verify(t, canon.EncodeBase64([]byte(w.signOrder(w.order()))), w.proofExpectation(), protocol.CodeTypeMismatch)
	})
	t.Run("PSD-PAY-A402-08 signed by another key", func(t *testing.T) {
		proof, err := payment.SignProofClaims(w.signer(pspDID+"#proof", keys.Proof), w.proofClaims())
		if err != nil {
			t.Fatal(err)
		}
		verify(t, proof, w.proofExpectation(), protocol.CodeSignatureInvalid)
	})
}

// TestProofClaims: what was read can be changed by who holds it, and then it is
// not what the provider has signed.
func TestProofClaims(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	for _, c := range []struct {
		name   string
		change func(*payment.ProofClaims)
		want   protocol.Code
	}{
		{"as it was read", func(*payment.ProofClaims) {}, ""},
		{"PSD-PAY-A402-08 another order", func(c *payment.ProofClaims) { c.OutTradeNo = "trade-2" }, protocol.CodeSignatureInvalid},
		{"PSD-PAY-A402-08 more money", func(c *payment.ProofClaims) { c.Amount = mustAmount("5.00") }, protocol.CodeSignatureInvalid},
		{"PSD-PAY-A402-08 a longer life", func(c *payment.ProofClaims) { c.Expires = c.Expires.Add(time.Hour) }, protocol.CodeSignatureInvalid},
		{"PSD-PAY-A402-08 another key", func(c *payment.ProofClaims) { c.Thumbprint = "x" }, protocol.CodeSignatureInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := payment.ParseProofClaims(w.signProof(w.proofClaims()))
			if err != nil {
				t.Fatal(err)
			}
			c.change(&u.Claims)
			e := w.proofExpectation()
			e.OrderNumber, e.Amount, e.Thumbprint = u.Claims.OutTradeNo, u.Claims.Amount, u.Claims.Thumbprint
			m, err := w.v.ProofClaims(context.Background(), u, e)
			wantCode(t, both(w, m != nil && m.Value() == u.Claims && m.Decision().Allowed(), err), c.want)
		})
	}
}

func TestProofHeader(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	u, err := payment.ParseProofClaims(w.signProof(w.proofClaims()))
	if err != nil {
		t.Fatal(err)
	}
	verify := func(p payment.Proof, want protocol.Code) {
		t.Helper()
		header, err := p.EncodeHeader()
		if err != nil {
			t.Fatal(err)
		}
		m, err := w.v.ProofHeader(context.Background(), header, w.proofExpectation())
		wantCode(t, both(w, m != nil && m.Value().TradeNo == "t-1", err), want)
	}
	verify(u.Proof(), "")
	t.Log("PSD-PAY-A402-21 outer members must equal the claims inside")
	p := u.Proof()
	p.ResourceID = "report-8"
	verify(p, protocol.CodeClaimsConflict)
	p = u.Proof()
	p.ExpiresAt = p.ExpiresAt.Add(time.Hour)
	verify(p, protocol.CodeClaimsConflict)
	if _, err := w.v.ProofHeader(context.Background(), "", verifier.ProofExpectation{}); protocol.CodeOf(err) != protocol.CodeFieldMissing {
		t.Error(err)
	}
}

func (w *world) result(q payment.Request) payment.Result {
	c := w.proofClaims()
	c.OutTradeNo, c.ResourceID, c.Amount, c.RequestMethod, c.RequestFingerprint = q.MerchantOrderID, q.MerchantOrderID, q.Amount, "", ""
	return payment.Result{
		RequestID: q.RequestID, TradeNo: "t-1", Scenario: q.Scenario, DelegationID: q.DelegationID, MerchantOrderID: q.MerchantOrderID,
		PSPID: q.PSPID, BuyerAgentID: q.BuyerAgentID, MerchantID: q.MerchantID, Amount: q.Amount,
		TradeState: payment.StateWaitSellerFulfillment, PaidAt: w.clock(), SpentTotal: q.Amount,
		PaymentProof: w.signProof(c), ProofExpiresAt: c.Expires,
	}
}

func TestResult(t *testing.T) {
	w := newWorld(t, keys.ES256)
	q := w.request()
	thumb := w.signers[agentDID+"#k1"].Public().Thumbprint()
	sign := func(r payment.Result) []byte {
		raw, err := payment.SignResult(w.signers[r.PSPID+"#proof"], r)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	verify := func(t *testing.T, r payment.Result, e verifier.ResultExpectation, want protocol.Code) {
		t.Helper()
		m, err := w.v.Result(context.Background(), sign(r), e)
		wantCode(t, both(w, m != nil && m.Value().TradeNo == "t-1", err), want)
	}
	good := verifier.ResultExpectation{Request: q, Thumbprint: thumb}
	verify(t, w.result(q), good, "")
	for _, c := range []struct {
		name   string
		want   protocol.Code
		change func(r *payment.Result, e *verifier.ResultExpectation)
	}{
		{"PSD-PAY-DEL-13 another request", protocol.CodeRequestConflict, func(r *payment.Result, _ *verifier.ResultExpectation) { r.RequestID = "pay-2" }},
		{"PSD-PAY-DEL-10 another amount", protocol.CodeOrderMismatch, func(r *payment.Result, _ *verifier.ResultExpectation) { r.Amount = mustAmount("1.00") }},
		{"another order", protocol.CodeOrderMismatch, func(r *payment.Result, _ *verifier.ResultExpectation) { r.MerchantOrderID = "order-2" }},
		{"another payee", protocol.CodeOrderMismatch, func(r *payment.Result, _ *verifier.ResultExpectation) { r.MerchantID = shop2DID }},
		{"another buyer", protocol.CodeAgentMismatch, func(r *payment.Result, _ *verifier.ResultExpectation) { r.BuyerAgentID = agent2DID }},
		{"another mandate", protocol.CodeOrderMismatch, func(r *payment.Result, _ *verifier.ResultExpectation) { r.DelegationID = "urn:uuid:1" }},
		{"another scenario", protocol.CodeModeMismatch, func(r *payment.Result, _ *verifier.ResultExpectation) { r.Scenario = payment.ScenarioAUP }},
		{"another provider", protocol.CodeIssuerUntrusted, func(_ *payment.Result, e *verifier.ResultExpectation) { e.Request.PSPID = "did:act:other.example/pay" }},
		{"PSD-PAY-A402-08 a proof of another trade", protocol.CodeProofMismatch, func(r *payment.Result, _ *verifier.ResultExpectation) { r.PaymentProof = w.signProof(w.proofClaims()) }},
		{"a proof for another key", protocol.CodeProofMismatch, func(_ *payment.Result, e *verifier.ResultExpectation) { e.Thumbprint = "x" }},
		{"a proof for a cart in place of the bill's request", protocol.CodeProofMismatch, func(_ *payment.Result, e *verifier.ResultExpectation) {
			e.Request.Order, e.Request.Bill = "", w.signBill(w.bill())
		}},
		{"no thumbprint", protocol.CodeFieldMissing, func(_ *payment.Result, e *verifier.ResultExpectation) { e.Thumbprint = "" }},
		{"no amount", protocol.CodeFieldMissing, func(_ *payment.Result, e *verifier.ResultExpectation) { e.Request.Amount = amountZero }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, e := w.result(q), good
			c.change(&r, &e)
			if r.Amount != q.Amount {
				r.SpentTotal = r.Amount
			}
			verify(t, r, e, c.want)
		})
	}
	t.Run("a first answer, by a key that has been retired since", func(t *testing.T) {
		r := w.result(q)
		w.pass(24 * time.Hour)
		w.edit(pspDID+"#proof", func(k *identity.Key) { k.NotAfter = epoch.Add(time.Hour) })
		verify(t, r, good, "")
		w.edit(pspDID+"#proof", func(k *identity.Key) { k.NotAfter = time.Time{} })
	})
}

func TestProviderAnswers(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	ctx, s := context.Background(), w.signers[pspDID+"#proof"]
	c := payment.Consumption{RequestID: "c-1", PSPID: pspDID, MerchantID: shopDID, Consumer: "d-1"}
	cr := payment.ConsumptionResult{RequestID: "c-1", PSPID: pspDID, TradeNo: "t-1", OutTradeNo: "trade-1", MerchantID: shopDID, Consumer: "d-1",
		Amount: amount(t, "0.50"), TradeState: payment.StateWaitSellerFulfillment, ConsumedAt: epoch}
	raw, err := payment.SignConsumptionResult(s, cr)
	if err != nil {
		t.Fatal(err)
	}
	check := func(change func(*payment.Consumption), want protocol.Code) {
		t.Helper()
		sent := c
		change(&sent)
		m, err := w.v.ConsumptionResult(ctx, raw, sent)
		wantCode(t, both(w, m != nil && m.Value().TradeNo == "t-1", err), want)
	}
	check(func(*payment.Consumption) {}, "")
	check(func(c *payment.Consumption) { c.RequestID = "c-2" }, protocol.CodeRequestConflict)
	check(func(c *payment.Consumption) { c.Consumer = "d-2" }, protocol.CodeRequestConflict)
	check(func(c *payment.Consumption) { c.MerchantID = shop2DID }, protocol.CodeRequestConflict)
	check(func(c *payment.Consumption) { c.PSPID = shop2DID }, protocol.CodeIssuerUntrusted)
	check(func(c *payment.Consumption) { c.PSPID = "" }, protocol.CodeFieldMissing)

	f := payment.Fulfilment{RequestID: "f-1", PSPID: pspDID, MerchantID: shopDID, TradeNo: "t-1"}
	raw, err = payment.SignFulfilmentResult(s, payment.FulfilmentResult{RequestID: "f-1", PSPID: pspDID, TradeNo: "t-1", MerchantID: shopDID,
		TradeState: payment.StateWaitBuyerReceipt, ConfirmedAt: epoch})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.v.FulfilmentResult(ctx, raw, f); err != nil {
		t.Error(err)
	}
	f.TradeNo = "t-2"
	_, err = w.v.FulfilmentResult(ctx, raw, f)
	wantCode(t, err, protocol.CodeRequestConflict)
	w.edit(pspDID+"#proof", func(k *identity.Key) { k.Purpose = keys.Seller })
	f.TradeNo = "t-1"
	_, err = w.v.FulfilmentResult(ctx, raw, f)
	wantCode(t, err, protocol.CodeKeyPurpose)
}

func TestHTTPSignature(t *testing.T) {
	const authority = "shop.example"
	w := newWorld(t, keys.ES256)
	body := []byte(`{"q":1}`)
	sign := func(s *keys.Signer, at time.Time, extra ...string) *verifierRequest {
		sent, err := http.NewRequest("POST", "https://"+authority+"/report?x=1", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		sent.Header.Set("Payment-Proof", "abc")
		if err := httpsig.Sign(sent, body, s, at, time.Minute, extra...); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/report?x=1", nil) // as a server has it
		r.Host, r.Header = authority, sent.Header
		return &verifierRequest{r, body}
	}
	verify := func(t *testing.T, r *verifierRequest, e verifier.HTTPExpectation, want protocol.Code) {
		t.Helper()
		m, err := w.v.HTTPSignature(context.Background(), r.r, r.body, e)
		wantCode(t, both(w, m != nil && m.Value().Agent == agentDID && m.Value().Thumbprint == m.Key().Thumbprint(), err), want)
	}
	mine := w.signers[agentDID+"#k1"]
	expect := verifier.HTTPExpectation{Authority: authority, Covers: []string{"payment-proof"}}
	t.Run("IDN-04 once, and not twice", func(t *testing.T) {
		r := sign(mine, epoch, "payment-proof")
		verify(t, r, expect, "")
		verify(t, r, expect, protocol.CodeReplayed)
	})
	t.Run("IDN-04 what must be covered is", func(t *testing.T) {
		verify(t, sign(mine, epoch), expect, protocol.CodeFieldMissing)
	})
	t.Run("IDN-04 another proof", func(t *testing.T) {
		r := sign(mine, epoch, "payment-proof")
		r.r.Header.Set("Payment-Proof", "abd")
		verify(t, r, expect, protocol.CodeSignatureInvalid)
		r.r.Header.Set("Payment-Proof", "abc")
		verify(t, r, expect, "") // the refused one used no nonce up
	})
	t.Run("IDN-04 another body", func(t *testing.T) {
		r := sign(mine, epoch, "payment-proof")
		r.body = []byte(`{"q":2}`)
		verify(t, r, expect, protocol.CodeFieldInvalid)
	})
	t.Run("IDN-04 another authority", func(t *testing.T) {
		verify(t, sign(mine, epoch, "payment-proof"), verifier.HTTPExpectation{Authority: "tea.example", Covers: expect.Covers}, protocol.CodeSignatureInvalid)
	})
	t.Run("IDN-04 times", func(t *testing.T) {
		verify(t, sign(mine, epoch.Add(-time.Minute), "payment-proof"), expect, protocol.CodeRequestExpired)
		verify(t, sign(mine, epoch.Add(61*time.Second), "payment-proof"), expect, protocol.CodeRequestExpired)
	})
	t.Run("IDN-04 a forger with the agent's key id", func(t *testing.T) {
		verify(t, sign(w.signer(agentDID+"#k1", keys.AgentRequest), epoch, "payment-proof"), expect, protocol.CodeSignatureInvalid)
	})
	t.Run("IDN-04 unsigned", func(t *testing.T) {
		verify(t, &verifierRequest{httptest.NewRequest("GET", "/", nil), nil}, expect, protocol.CodeSignatureInvalid)
	})
	t.Run("no authority", func(t *testing.T) {
		verify(t, sign(mine, epoch, "payment-proof"), verifier.HTTPExpectation{}, protocol.CodeFieldMissing)
	})
}
