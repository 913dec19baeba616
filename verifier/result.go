package verifier

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// ResultExpectation is what an agent expects of a payment result: that it
// answers the request which it sent.
type ResultExpectation struct {
	Request    payment.Request // required
	Thumbprint string          // RFC 7638, of the key that signed the request; required
}

// Result verifies a provider's payment result, for the agent
// (PSD-PAY-INS-06, PSD-PAY-DEL-10, -13): the provider's key for proofs and its signature, every
// member that the request named, and the payment proof inside, which must
// carry the same facts and the agent's key.
//
// paid_at may lie far back, since a repeated request gets the first answer;
// the provider's key is the one of that time.
func (v *Verifier) Result(ctx context.Context, raw []byte, expect ResultExpectation) (*Verified[payment.Result], error) {
	q := expect.Request
	if err := required([2]string{"thumbprint", expect.Thumbprint}); err != nil {
		return nil, err
	}
	if err := requiredOf(q); err != nil {
		return nil, err
	}
	u, err := payment.ParseResult(raw)
	if err != nil {
		return nil, err
	}
	requirement := "PSD-PAY-DEL-13"
	if q.Scenario == payment.ScenarioINS {
		requirement = "PSD-PAY-INS-06"
	}
	p := u.Result
	var d protocol.Decision
	d.Pass(requirement, "form of the result")
	if !d.Require(p.PSPID == q.PSPID, protocol.CodeIssuerUntrusted, requirement, "provider", "psp_id", "not the provider that was asked") {
		return nil, d.Err()
	}
	at := p.PaidAt
	if now := v.now(); at.After(now) {
		at = now
	}
	key, ok := v.authenticateAt(ctx, u, q.PSPID, keys.Proof, at, requirement, &d)
	if !ok {
		return nil, d.Err()
	}
	same := func(ok bool, code protocol.Code, name, field string) {
		d.Require(ok, code, requirement, name, field, "not what was asked for")
	}
	same(p.RequestID == q.RequestID, protocol.CodeRequestConflict, "answers this request", "request_id")
	same(p.BuyerAgentID == q.BuyerAgentID, protocol.CodeAgentMismatch, "buyer", "buyer_agent_id")
	same(p.MerchantID == q.MerchantID, protocol.CodeOrderMismatch, "payee", "merchant_id")
	same(p.DelegationID == q.DelegationID, protocol.CodeOrderMismatch, "mandate", "delegation_id")
	same(p.MerchantOrderID == q.MerchantOrderID, protocol.CodeOrderMismatch, "order number", "merchant_order_id")
	same(p.Scenario == q.Scenario, protocol.CodeModeMismatch, "scenario", "scenario")
	same(p.Amount == q.Amount, protocol.CodeOrderMismatch, "amount and currency", "amount")
	v.proofInside(ctx, p, expect, at, &d)
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[payment.Result]{value: p, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// requiredOf asks for the members of a request that its answers repeat.
func requiredOf(q payment.Request) error {
	if err := required([2]string{"request.psp_id", q.PSPID}, [2]string{"request.request_id", q.RequestID},
		[2]string{"request.buyer_agent_id", q.BuyerAgentID}, [2]string{"request.merchant_id", q.MerchantID},
		[2]string{"request.merchant_order_id", q.MerchantOrderID}); err != nil {
		return err
	}
	if q.Scenario != payment.ScenarioINS {
		if err := required([2]string{"request.delegation_id", q.DelegationID}); err != nil {
			return err
		}
	}
	if !q.Amount.Valid() {
		return protocol.New(protocol.CodeFieldMissing, "expectation.request.amount", "PSD-PAY-DEL-10", "an expectation that protects money is required")
	}
	return nil
}

// proofInside checks that the proof says what the result says, for the order or
// bill that was paid. A proof that has expired meanwhile is still the right
// one.
func (v *Verifier) proofInside(ctx context.Context, p payment.Result, expect ResultExpectation, at time.Time, d *protocol.Decision) {
	const requirement = "PSD-PAY-A402-08"
	u, err := payment.ParseProofClaims(p.PaymentProof)
	if !d.Record(requirement, "form of the proof", protocol.In(err, "payment_proof")) {
		return
	}
	if _, ok := v.authenticateAt(ctx, u, p.PSPID, keys.Proof, at, requirement, d); !ok {
		return
	}
	c := u.Claims
	d.Require(c.TradeNo == p.TradeNo && c.OutTradeNo == p.MerchantOrderID && c.MerchantID == p.MerchantID && c.Payer == p.BuyerAgentID &&
		c.Amount == p.Amount && c.Expires.Equal(p.ProofExpiresAt) && c.Thumbprint == expect.Thumbprint,
		protocol.CodeProofMismatch, requirement, "proof is for this payment", "payment_proof", "the proof is for something else")
	var want payment.Bill // of a cart order: no request
	want.ResourceID = expect.Request.MerchantOrderID
	if method := expect.Request.PaymentMethod; method != "" { // a question after a restart may not know it
		want.MethodID, err = payment.MethodID(method)
		if !d.Record(requirement, "payment method has an identifier", err) {
			return
		}
	}
	if expect.Request.Bill != "" {
		bill, err := payment.ParseBill(expect.Request.Bill)
		if !d.Record(requirement, "form of the bill", protocol.In(err, "bill")) {
			return
		}
		want = bill.Bill
	}
	d.Require(want.MethodID == "" || c.MethodID == want.MethodID, protocol.CodeProofMismatch, requirement, "proof is for this payment method", "payment_proof", "the proof is for another method")
	d.Require(c.ResourceID == want.ResourceID && c.RequestMethod == want.RequestMethod &&
		c.RequestFingerprint == want.RequestFingerprint && c.IdempotencyKey == want.IdempotencyKey,
		protocol.CodeProofMismatch, requirement, "proof is for this request", "payment_proof", "the proof is for another resource or request")
}

// ConsumptionResult verifies a provider's answer to a merchant's consumption
// (PSD-PAY-A402-08): the provider's key and signature, and that it answers
// this request. Trade, order and amount are the provider's word: compare them
// with the purchase.
func (v *Verifier) ConsumptionResult(ctx context.Context, raw []byte, sent payment.Consumption) (*Verified[payment.ConsumptionResult], error) {
	if err := required([2]string{"sent.psp_id", sent.PSPID}, [2]string{"sent.request_id", sent.RequestID},
		[2]string{"sent.merchant_id", sent.MerchantID}, [2]string{"sent.consumer", sent.Consumer}); err != nil {
		return nil, err
	}
	u, err := payment.ParseConsumptionResult(raw)
	if err != nil {
		return nil, err
	}
	r := u.Result
	key, d, err := v.answer(ctx, u, "PSD-PAY-A402-08", r.PSPID, sent.PSPID,
		r.RequestID == sent.RequestID && r.MerchantID == sent.MerchantID && r.Consumer == sent.Consumer)
	if err != nil {
		return nil, err
	}
	return &Verified[payment.ConsumptionResult]{value: r, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// FulfilmentResult verifies a provider's answer to a merchant's confirmation of
// fulfilment (PSD-PAY-A402-10), as ConsumptionResult does.
func (v *Verifier) FulfilmentResult(ctx context.Context, raw []byte, sent payment.Fulfilment) (*Verified[payment.FulfilmentResult], error) {
	if err := required([2]string{"sent.psp_id", sent.PSPID}, [2]string{"sent.request_id", sent.RequestID},
		[2]string{"sent.merchant_id", sent.MerchantID}, [2]string{"sent.trade_no", sent.TradeNo}); err != nil {
		return nil, err
	}
	u, err := payment.ParseFulfilmentResult(raw)
	if err != nil {
		return nil, err
	}
	r := u.Result
	key, d, err := v.answer(ctx, u, "PSD-PAY-A402-10", r.PSPID, sent.PSPID,
		r.RequestID == sent.RequestID && r.MerchantID == sent.MerchantID && r.TradeNo == sent.TradeNo)
	if err != nil {
		return nil, err
	}
	return &Verified[payment.FulfilmentResult]{value: r, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// answer judges a provider's answer: from the provider that was asked, signed
// by its key for proofs, and to this question.
func (v *Verifier) answer(ctx context.Context, m signedText, requirement, from, asked string, fits bool) (keys.PublicKey, protocol.Decision, error) {
	var d protocol.Decision
	d.Pass(requirement, "form of the answer")
	if !d.Require(from == asked, protocol.CodeIssuerUntrusted, requirement, "provider", "psp_id", "not the provider that was asked") {
		return keys.PublicKey{}, d, d.Err()
	}
	key, ok := v.authenticate(ctx, m, asked, keys.Proof, requirement, &d)
	if !ok {
		return keys.PublicKey{}, d, d.Err()
	}
	d.Require(fits, protocol.CodeRequestConflict, requirement, "answers this request", "request_id", "an answer to another request")
	return key, d, d.Err()
}
