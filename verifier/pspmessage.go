package verifier

import (
	"context"

	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// Query verifies an agent's question what became of a payment request, for the
// provider (PSD-PAY-A402-23): form, the agent's key and signature, recipient,
// time of sending and the nonce, which it uses up. The answer is for the
// agent that asks: look the request up by (BuyerAgentID, PaymentRequestID).
func (v *Verifier) Query(ctx context.Context, raw []byte, expect PaymentExpectation) (*Verified[payment.Query], error) {
	if err := required([2]string{"psp", expect.PSP}); err != nil {
		return nil, err
	}
	u, err := payment.ParseQuery(raw)
	if err != nil {
		return nil, err
	}
	q := u.Query
	key, d, err := v.receive(ctx, u, envelope{
		kind: keys.KindPaymentQuery, signer: q.BuyerAgentID, purpose: keys.AgentRequest,
		recipient: q.PSPID, recipientField: "psp_id", expectedRecipient: expect.PSP,
		nonce: q.Nonce, timestamp: q.Timestamp, requirement: "PSD-PAY-A402-23",
	})
	if err != nil {
		return nil, err
	}
	return &Verified[payment.Query]{value: q, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// Consumption verifies a merchant's claim on a payment proof, for the provider
// (PSD-PAY-A402-08): form, the merchant's key for selling and its signature,
// recipient, time of sending and the nonce, which it uses up.
//
// The proof inside is not verified here: it is the provider's own, and the
// provider looks its trade up; payment.ParseProofClaims tells which. The
// merchant must be the trade's payee.
func (v *Verifier) Consumption(ctx context.Context, raw []byte, expect PaymentExpectation) (*Verified[payment.Consumption], error) {
	if err := required([2]string{"psp", expect.PSP}); err != nil {
		return nil, err
	}
	u, err := payment.ParseConsumption(raw)
	if err != nil {
		return nil, err
	}
	c := u.Consumption
	key, d, err := v.receive(ctx, u, envelope{
		kind: keys.KindProofConsumption, signer: c.MerchantID, purpose: keys.Seller,
		recipient: c.PSPID, recipientField: "psp_id", expectedRecipient: expect.PSP,
		nonce: c.Nonce, timestamp: c.Timestamp, requirement: "PSD-PAY-A402-08",
	})
	if err != nil {
		return nil, err
	}
	return &Verified[payment.Consumption]{value: c, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// Fulfilment verifies a merchant's word that it has delivered, for the
// provider (PSD-PAY-A402-10), as Consumption does. Whether the trade is this
// merchant's and was consumed by this consumer is the provider's to know.
func (v *Verifier) Fulfilment(ctx context.Context, raw []byte, expect PaymentExpectation) (*Verified[payment.Fulfilment], error) {
	if err := required([2]string{"psp", expect.PSP}); err != nil {
		return nil, err
	}
	u, err := payment.ParseFulfilment(raw)
	if err != nil {
		return nil, err
	}
	f := u.Fulfilment
	key, d, err := v.receive(ctx, u, envelope{
		kind: keys.KindFulfilmentConfirmation, signer: f.MerchantID, purpose: keys.Seller,
		recipient: f.PSPID, recipientField: "psp_id", expectedRecipient: expect.PSP,
		nonce: f.Nonce, timestamp: f.Timestamp, requirement: "PSD-PAY-A402-10",
	})
	if err != nil {
		return nil, err
	}
	return &Verified[payment.Fulfilment]{value: f, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}
