package verifier

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// PendingExpectation is what an agent expects of the word that its instant
// payment waits for the principal: that it answers the request which it sent.
type PendingExpectation struct {
	Request payment.Request // required, of scenario INS
}

// Pending verifies a provider's word that an instant payment waits for the
// principal, for the agent (PSD-PAY-INS-03, -06): the provider's key for proofs
// and its signature, every member that the request named, and that there is
// still time. Only then the principal is sent to the cashier.
//
// It does not open the cashier's address, and promises nothing: what came of
// the payment is a result or a refusal.
func (v *Verifier) Pending(ctx context.Context, raw []byte, expect PendingExpectation) (*Verified[payment.Pending], error) {
	q := expect.Request
	if err := requiredOf(q); err != nil {
		return nil, err
	}
	const requirement = "PSD-PAY-INS-06"
	if q.Scenario != payment.ScenarioINS {
		return nil, protocol.New(protocol.CodeModeMismatch, "expectation.request.scenario", requirement, "only an instant payment waits for the principal")
	}
	u, err := payment.ParsePending(raw)
	if err != nil {
		return nil, err
	}
	p := u.Pending
	var d protocol.Decision
	d.Pass(requirement, "form of the answer")
	if !d.Require(p.PSPID == q.PSPID, protocol.CodeIssuerUntrusted, requirement, "provider", "psp_id", "not the provider that was asked") {
		return nil, d.Err()
	}
	key, ok := v.authenticate(ctx, u, q.PSPID, keys.Proof, requirement, &d)
	if !ok {
		return nil, d.Err()
	}
	same := func(ok bool, code protocol.Code, name, field string) {
		d.Require(ok, code, requirement, name, field, "not what was asked for")
	}
	same(p.RequestID == q.RequestID, protocol.CodeRequestConflict, "answers this request", "request_id")
	same(p.BuyerAgentID == q.BuyerAgentID, protocol.CodeAgentMismatch, "buyer", "buyer_agent_id")
	same(p.MerchantID == q.MerchantID, protocol.CodeOrderMismatch, "payee", "merchant_id")
	same(p.MerchantOrderID == q.MerchantOrderID, protocol.CodeOrderMismatch, "order number", "merchant_order_id")
	same(p.Amount == q.Amount, protocol.CodeOrderMismatch, "amount and currency", "amount")
	d.Require(v.now().Before(p.ExpiresAt), protocol.CodeRequestExpired, requirement, "still time to confirm", "expires_at", "the time to confirm has passed")
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[payment.Pending]{value: p, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}
