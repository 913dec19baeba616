package psp

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// Consume uses a payment proof for one delivery (SPEC.md 6.3). consumer is the
// merchant's stable id of that delivery: the first consumer wins, the same one
// gets the same answer again, another is proof_used. An undetermined error
// means that nobody knows; call again with the same consumer.
func (c *Client) Consume(ctx context.Context, proof, consumer string) (payment.ConsumptionResult, error) {
	sent := payment.Consumption{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: c.config.Now(),
		PSPID: c.config.ID, MerchantID: c.config.Signer.DID(), PaymentProof: proof, Consumer: consumer,
	}
	message, err := payment.SignConsumption(c.config.Signer, sent)
	if err != nil {
		return payment.ConsumptionResult{}, err
	}
	body, err := c.post(ctx, "/consumptions", message)
	if err != nil {
		return payment.ConsumptionResult{}, err
	}
	verified, err := c.config.Verifier.ConsumptionResult(ctx, body, sent)
	if err != nil {
		return payment.ConsumptionResult{}, unverified(protocol.CodeServiceUnavailable, err)
	}
	return verified.Value(), nil
}

// ConfirmFulfilment tells the provider that a trade has been delivered
// (SPEC.md 6.3, PSD-PAY-A402-10). It may be repeated.
func (c *Client) ConfirmFulfilment(ctx context.Context, tradeNo, consumer string, deliveredAt time.Time) (payment.FulfilmentResult, error) {
	sent := payment.Fulfilment{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: c.config.Now(),
		PSPID: c.config.ID, MerchantID: c.config.Signer.DID(), TradeNo: tradeNo, Consumer: consumer, DeliveredAt: deliveredAt,
	}
	message, err := payment.SignFulfilment(c.config.Signer, sent)
	if err != nil {
		return payment.FulfilmentResult{}, err
	}
	body, err := c.post(ctx, "/fulfilments", message)
	if err != nil {
		return payment.FulfilmentResult{}, err
	}
	verified, err := c.config.Verifier.FulfilmentResult(ctx, body, sent)
	if err != nil {
		return payment.FulfilmentResult{}, unverified(protocol.CodeServiceUnavailable, err)
	}
	return verified.Value(), nil
}
