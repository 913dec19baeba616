package psp

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// Instrument asks, before a payment, in which state an instrument of the Signer
// is (PSD-PAY-AUP-02, PSD-AGT-SUB-02; SPEC.md 6.10). Of q one of PaymentToken
// and SubAccountID is needed, and everything else is set here. It moves and
// reserves nothing.
//
// A nil error means that the provider has signed the state for exactly this
// question; that it is ACTIVE is for the caller to see. An error that is not
// errors.Is protocol.ErrUndetermined means that the provider has refused to
// answer, for an instrument that it does not know for example.
func (c *Client) Instrument(ctx context.Context, q payment.InstrumentQuery) (payment.InstrumentState, error) {
	q.RequestID, q.Nonce, q.Timestamp = canon.UUID(), canon.Nonce(), c.config.Now()
	q.PSPID, q.BuyerAgentID = c.config.ID, c.config.Signer.DID()
	message, err := payment.SignInstrumentQuery(c.config.Signer, q)
	if err != nil {
		return payment.InstrumentState{}, err
	}
	body, err := c.post(ctx, "/instruments", message)
	if err != nil {
		return payment.InstrumentState{}, err
	}
	verified, err := c.config.Verifier.InstrumentState(ctx, body, verifier.InstrumentExpectation{Query: q})
	if err != nil {
		return payment.InstrumentState{}, unverified(protocol.CodeServiceUnavailable, err)
	}
	return verified.Value(), nil
}
