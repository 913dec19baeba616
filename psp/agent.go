package psp

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// Pay asks for a payment, once (SPEC.md 6.1). The caller makes and stores
// q.RequestID before; calling Pay again with the same q is one more
// transmission of the same request and gets the first answer. Nonce and
// Timestamp of q are set here.
//
// A nil error means that the provider has signed a result for exactly this
// request, with a proof for the key of the Signer. A
// *payment.AwaitsConfirmation means that an instant payment waits for the
// principal: send them to its cashier and ask Query. An error that is not
// errors.Is protocol.ErrUndetermined means that the provider has refused this
// transmission, and a *payment.Refusal that it has refused the request for
// good; outcome_unknown means that nobody knows. After a transmission whose
// outcome is not known, only a result or a *payment.Refusal settles the
// request: that a later copy was too late, for example, says nothing about the
// first.
func (c *Client) Pay(ctx context.Context, q payment.Request) (payment.Result, error) {
	return c.PayFrom(ctx, q, nil)
}

// PayFrom is Pay from the sub-account q.SubAccountID (SPEC.md 6.7): sub, its
// key, authorizes this transmission. With a sub of nil it is Pay.
func (c *Client) PayFrom(ctx context.Context, q payment.Request, sub *keys.Signer) (payment.Result, error) {
	if q.PSPID != c.config.ID {
		return payment.Result{}, protocol.New(protocol.CodeAudienceMismatch, "psp_id", "PSD-PAY-A402-17", "addressed to another provider")
	}
	q.Nonce, q.Timestamp = canon.Nonce(), c.config.Now()
	message, err := payment.SignRequestFrom(c.config.Signer, sub, q)
	if err != nil {
		return payment.Result{}, err
	}
	return c.result(ctx, "/payments", message, q)
}

// Query asks what became of the payment request q (PSD-PAY-A402-23). Of q the
// members that a result repeats are needed: RequestID, Scenario, BuyerAgentID,
// MerchantID, DelegationID, MerchantOrderID, Amount, and Bill if there was one.
//
// A *payment.AwaitsConfirmation means that an instant payment still waits for
// the principal.
//
// A *payment.Refusal means that the provider has refused the request for good:
// nothing was paid. trade_unknown means that the provider has not carried the
// request out so far; a transmission that is still on its way may change that.
// Every other error, a refusal of the question itself above all, leaves the
// outcome open.
func (c *Client) Query(ctx context.Context, q payment.Request) (payment.Result, error) {
	q.PSPID = c.config.ID
	message, err := payment.SignQuery(c.config.Signer, payment.Query{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: c.config.Now(),
		PSPID: c.config.ID, BuyerAgentID: q.BuyerAgentID, PaymentRequestID: q.RequestID,
	})
	if err != nil {
		return payment.Result{}, err
	}
	return c.result(ctx, "/queries", message, q)
}

// result sends what a payment is made or asked about with, and reads the answer
// about q. Only an instant payment can be told to wait.
func (c *Client) result(ctx context.Context, path string, message []byte, q payment.Request) (payment.Result, error) {
	body, waits, err := c.exchange(ctx, call{
		path: path, message: message, about: q.RequestID, lost: protocol.CodeOutcomeUnknown, mayWait: q.Scenario == payment.ScenarioINS,
	})
	if err != nil {
		return payment.Result{}, err
	}
	if waits {
		pending, err := c.config.Verifier.Pending(ctx, body, verifier.PendingExpectation{Request: q})
		if err != nil {
			return payment.Result{}, unverified(protocol.CodeOutcomeUnknown, err)
		}
		return payment.Result{}, &payment.AwaitsConfirmation{Pending: pending.Value()}
	}
	verified, err := c.config.Verifier.Result(ctx, body, verifier.ResultExpectation{
		Request: q, Thumbprint: c.config.Signer.Public().Thumbprint(),
	})
	if err != nil {
		return payment.Result{}, unverified(protocol.CodeOutcomeUnknown, err)
	}
	return verified.Value(), nil
}
