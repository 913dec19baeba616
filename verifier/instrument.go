package verifier

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// InstrumentQuery verifies an agent's question whether an instrument can pay,
// for the provider (PSD-PAY-AUP-02), as Query does: form, the agent's key and
// signature, recipient, time of sending and the nonce, which it uses up. Whose
// the instrument is, is the provider's to know: answer (BuyerAgentID) only
// about its own.
func (v *Verifier) InstrumentQuery(ctx context.Context, raw []byte, expect PaymentExpectation) (*Verified[payment.InstrumentQuery], error) {
	if err := required([2]string{"psp", expect.PSP}); err != nil {
		return nil, err
	}
	u, err := payment.ParseInstrumentQuery(raw)
	if err != nil {
		return nil, err
	}
	q := u.Query
	key, d, err := v.receive(ctx, u, envelope{
		kind: keys.KindInstrumentQuery, signer: q.BuyerAgentID, purpose: keys.AgentRequest,
		recipient: q.PSPID, recipientField: "psp_id", expectedRecipient: expect.PSP,
		nonce: q.Nonce, timestamp: q.Timestamp, requirement: "PSD-PAY-AUP-02",
	})
	if err != nil {
		return nil, err
	}
	return &Verified[payment.InstrumentQuery]{value: q, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// InstrumentExpectation is what an agent expects of the state of an instrument:
// that it answers the query which it sent.
type InstrumentExpectation struct {
	Query payment.InstrumentQuery // required
}

// InstrumentState verifies a provider's answer about an instrument, for the
// agent (PSD-PAY-AUP-02): the provider's key for proofs and its signature, that
// it answers this query and no earlier one, about this instrument of this
// agent, and that it is of now, as the time of a message is judged.
//
// What the state means for a payment, and its end, are the agent's to judge.
func (v *Verifier) InstrumentState(ctx context.Context, raw []byte, expect InstrumentExpectation) (*Verified[payment.InstrumentState], error) {
	const requirement = "PSD-PAY-AUP-02"
	q := expect.Query
	if err := required([2]string{"query.request_id", q.RequestID}, [2]string{"query.psp_id", q.PSPID},
		[2]string{"query.buyer_agent_id", q.BuyerAgentID}, [2]string{"query.payment_token", q.PaymentToken + q.SubAccountID}); err != nil {
		return nil, err
	}
	u, err := payment.ParseInstrumentState(raw)
	if err != nil {
		return nil, err
	}
	s := u.State
	key, d, err := v.answer(ctx, u, requirement, s.PSPID, q.PSPID, s.RequestID == q.RequestID)
	if err != nil {
		return nil, err
	}
	d.Require(s.BuyerAgentID == q.BuyerAgentID, protocol.CodeAgentMismatch, requirement, "about this agent's", "buyer_agent_id", "not what was asked about")
	d.Require(s.PaymentToken == q.PaymentToken && s.SubAccountID == q.SubAccountID, protocol.CodeInstrumentMismatch, requirement, "about this instrument", "payment_token",
		"not what was asked about")
	d.Require(checkTimestamp(s.AsOf, v.now(), requirement) == nil, protocol.CodeRequestExpired, requirement, "time of the answer", "as_of", "not of now")
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[payment.InstrumentState]{value: s, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}
