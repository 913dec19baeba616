package psp

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// Refund gives back all or a part of a payment, from the balance of the Signer,
// which is the merchant that was paid (SPEC.md 6.12). Of q RequestID, one of
// TradeNo and MerchantOrderID, Amount and Reason are needed; everything else is
// set here. Make RequestID, and store it, before the first call: it is the
// idempotency key, and a repetition with the same content gets the first
// answer.
//
// A *payment.RefundRefusal means that the provider has refused the request for
// good: nothing was given back under this RequestID, and nothing will be. Every
// other error leaves open what became of an earlier transmission of it;
// outcome_unknown says that of this one. Call again with the same q, or ask
// Trade.
func (c *Client) Refund(ctx context.Context, q payment.RefundRequest) (payment.RefundResult, error) {
	q.Nonce, q.Timestamp = canon.Nonce(), c.config.Now()
	q.PSPID, q.MerchantID = c.config.ID, c.config.Signer.DID()
	message, err := payment.SignRefundRequest(c.config.Signer, q)
	if err != nil {
		return payment.RefundResult{}, err
	}
	body, _, err := c.exchange(ctx, call{path: "/refunds", message: message, refund: q.RequestID, lost: protocol.CodeOutcomeUnknown})
	if err != nil {
		return payment.RefundResult{}, err
	}
	verified, err := c.config.Verifier.RefundResult(ctx, body, q)
	if err != nil {
		return payment.RefundResult{}, unverified(protocol.CodeOutcomeUnknown, err)
	}
	return verified.Value(), nil
}

// Trade asks what has become of a trade (SPEC.md 6.13): of the merchant that is
// the Signer, when q has no BuyerAgentID; else of the agent that is the Signer,
// and that paid MerchantID. One of TradeNo and MerchantOrderID is needed.
//
// trade_unknown means that the provider knows no such trade of these parties,
// or that the order was not paid so far.
func (c *Client) Trade(ctx context.Context, q payment.TradeQuery) (payment.TradeState, error) {
	q.RequestID, q.Nonce, q.Timestamp, q.PSPID = canon.UUID(), canon.Nonce(), c.config.Now(), c.config.ID
	if q.BuyerAgentID == "" {
		q.MerchantID = c.config.Signer.DID()
	}
	message, err := payment.SignTradeQuery(c.config.Signer, q)
	if err != nil {
		return payment.TradeState{}, err
	}
	body, err := c.post(ctx, "/trades", message)
	if err != nil {
		return payment.TradeState{}, err
	}
	verified, err := c.config.Verifier.TradeState(ctx, body, q)
	if err != nil {
		return payment.TradeState{}, unverified(protocol.CodeServiceUnavailable, err)
	}
	return verified.Value(), nil
}
