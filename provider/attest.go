package provider

import (
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
)

// Completed is the account of a paid trade, for its attestation record
// (transaction-completed; TSD-ATT-EVT-03, PSD-PAY-A402-24). Make it of a trade
// that is read from the book, for example for every event of an outbox that is
// written with the debit: then a provider that is killed attests later. A trade
// that is not paid is state_conflict.
//
// It names no principal. The digest is of the proof as it is signed now: with an
// algorithm that signs the same in other bytes (ES256) it is not that of a proof
// given out before. Links has no intent id when neither the mandate, as it was
// shown, nor the order had one; a record needs one.
func (p *Provider) Completed(t *Trade) (attestation.Draft, error) {
	if t.PaidAt.IsZero() {
		return attestation.Draft{}, protocol.New(protocol.CodeStateConflict, "trade_no", "TSD-ATT-EVT-03", "the trade is not paid")
	}
	amount, err := t.Money()
	if err != nil {
		return attestation.Draft{}, err
	}
	proof, _, err := p.proof(t, amount)
	if err != nil {
		return attestation.Draft{}, err
	}
	m, err := t.memo()
	if err != nil {
		return attestation.Draft{}, err
	}
	draft, err := attestation.NewDraft(
		attestation.Payment{Amount: amount, ProofDigest: canon.Sum([]byte(proof)), Method: t.Method}, t.PaidAt,
		attestation.Links{IntentID: m.IntentID, DelegationID: t.DelegationID, MerchantOrderID: t.Order, TradeNo: t.No},
		attestation.Participant{ID: p.ID(), Role: attestation.PSP},
		attestation.Participant{ID: t.Agent, Role: attestation.PayerAgent},
		attestation.Participant{ID: t.Payee, Role: attestation.Merchant})
	return draft, own(err)
}
