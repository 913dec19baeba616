package provider

import (
	"context"
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// Consume gives the delivery that a proof pays for to its first consumer
// (PSD-PAY-A402-08, PSD-PAY-A402-15).
func (p *Provider) Consume(ctx context.Context, body []byte) (Answer, error) {
	verified, err := p.config.Verifier.Consumption(ctx, body, p.expect)
	if err != nil {
		return Answer{}, err
	}
	c := verified.Value()
	claims, err := p.ownProof(c.PaymentProof)
	if err != nil {
		return Answer{}, err
	}
	if claims.MerchantID != c.MerchantID {
		return Answer{}, protocol.New(protocol.CodeProofMismatch, "payment_proof", "PSD-PAY-A402-08", "for another merchant")
	}
	if !p.config.Now().Before(claims.Expires) {
		// Too late to begin with it; who has it already may ask again.
		trade, err := made(p.config.Ledger.Trade(ctx, claims.TradeNo))
		if err != nil {
			return Answer{}, err
		}
		if trade.Consumer != c.Consumer {
			return Answer{}, protocol.New(protocol.CodeProofExpired, "payment_proof", "PSD-PAY-A402-07", "")
		}
	}
	trade, err := made(p.config.Ledger.Consume(context.WithoutCancel(ctx), c.MerchantID, claims.TradeNo, c.Consumer))
	if err != nil {
		return Answer{}, err
	}
	amount, err := trade.Money()
	if err != nil {
		return Answer{}, err
	}
	out, err := payment.SignConsumptionResult(p.config.Signer, payment.ConsumptionResult{
		RequestID: c.RequestID, PSPID: p.ID(), TradeNo: trade.No, OutTradeNo: trade.Order, MerchantID: trade.Payee,
		Consumer: trade.Consumer, Amount: amount, TradeState: trade.State, ConsumedAt: trade.ConsumedAt,
	})
	return Answer{out, http.StatusOK}, own(err)
}

// Fulfil records that a merchant has delivered (PSD-PAY-A402-10).
func (p *Provider) Fulfil(ctx context.Context, body []byte) (Answer, error) {
	verified, err := p.config.Verifier.Fulfilment(ctx, body, p.expect)
	if err != nil {
		return Answer{}, err
	}
	f := verified.Value()
	trade, err := made(p.config.Ledger.Confirm(context.WithoutCancel(ctx), f.MerchantID, f.TradeNo, f.Consumer, f.DeliveredAt))
	if err != nil {
		return Answer{}, err
	}
	out, err := payment.SignFulfilmentResult(p.config.Signer, payment.FulfilmentResult{
		RequestID: f.RequestID, PSPID: p.ID(), TradeNo: trade.No, MerchantID: trade.Payee,
		TradeState: trade.State, ConfirmedAt: trade.ConfirmedAt,
	})
	return Answer{out, http.StatusOK}, own(err)
}
