package server

import (
	"time"

	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// memo is what the ledger keeps of a payment for the proof, beyond what it
// needs itself. The proof is not stored: it is signed anew from these facts
// whenever it is asked for, and Ed25519 then gives the same bytes.
type memo struct {
	ResourceID     string       `json:"resource_id"`
	MethodID       string       `json:"method_id"`
	RequestMethod  string       `json:"request_method,omitzero"`
	Fingerprint    canon.Digest `json:"request_fingerprint,omitzero"`
	IdempotencyKey string       `json:"idempotency_key,omitzero"`
	Thumbprint     string       `json:"jkt"`
	ProofSeconds   int64        `json:"proof_seconds"`
}

func (s *Server) memo(p *verifier.AuthorizedPayment) ([]byte, error) {
	c := p.ProofClaims()
	life := s.proofLife
	if q := p.Request(); q.Bill != "" {
		bill, err := payment.ParseBill(q.Bill)
		if err != nil {
			return nil, err
		}
		// The seller remembers what it delivered no longer than that.
		life = min(life, bill.Bill.ReplayWindow)
	}
	return canon.Marshal(memo{
		ResourceID: c.ResourceID, MethodID: c.MethodID, RequestMethod: c.RequestMethod, Fingerprint: c.RequestFingerprint,
		IdempotencyKey: c.IdempotencyKey, Thumbprint: c.Thumbprint, ProofSeconds: int64(life / time.Second),
	})
}

// result signs the answer to a payment request: the facts of the trade, and the
// given state.
func (s *Server) result(t *ledger.Trade, state payment.State) ([]byte, error) {
	amount, err := amountOf(t.Amount, t.Currency)
	if err != nil {
		return nil, err
	}
	spent, err := amountOf(t.SpentTotal, t.Currency)
	if err != nil {
		return nil, err
	}
	proof, expires, err := s.proof(t, amount)
	if err != nil {
		return nil, err
	}
	return payment.SignResult(s.signer, payment.Result{
		RequestID: t.RequestID, TradeNo: t.No, Scenario: payment.Scenario(t.Scenario), DelegationID: t.DelegationID,
		MerchantOrderID: t.Order, PSPID: s.id.String(), BuyerAgentID: t.Agent, MerchantID: t.Payee, Amount: amount,
		TradeState: state, PaidAt: t.PaidAt, SpentTotal: spent, PaymentProof: proof, ProofExpiresAt: expires,
	})
}

// proof signs the payment proof of a trade (SPEC.md 6.2).
func (s *Server) proof(t *ledger.Trade, amount money.Amount) (string, time.Time, error) {
	var m memo
	if err := canon.Decode(t.Memo, &m); err != nil {
		return "", time.Time{}, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the trade's memo cannot be read", err)
	}
	expires := t.PaidAt.Add(time.Duration(m.ProofSeconds) * time.Second)
	proof, err := payment.SignProofClaims(s.signer, payment.ProofClaims{
		PSPID: s.id.String(), MerchantID: t.Payee, ID: "proof-" + t.No, IssuedAt: t.PaidAt, Expires: expires,
		TradeNo: t.No, OutTradeNo: t.Order, ResourceID: m.ResourceID, Amount: amount, Payer: t.Agent, MethodID: m.MethodID,
		RequestMethod: m.RequestMethod, RequestFingerprint: m.Fingerprint, IdempotencyKey: m.IdempotencyKey, Thumbprint: m.Thumbprint,
	})
	return proof, expires, err
}

// ownProof reads a proof that this processor has signed. It does not check the
// proof's period and whom it is for.
func (s *Server) ownProof(proof string) (payment.ProofClaims, error) {
	u, err := payment.ParseProofClaims(proof)
	if err != nil {
		return payment.ProofClaims{}, err
	}
	invalid := func(err error) error {
		return protocol.Wrap(protocol.CodeProofInvalid, "payment_proof", "PSD-PAY-A402-08", "not a proof of this processor", err)
	}
	if u.Claims.PSPID != s.id.String() {
		return payment.ProofClaims{}, invalid(nil)
	}
	key, err := s.document.Key(u.KeyID(), keys.Proof, u.Claims.IssuedAt)
	if err != nil {
		return payment.ProofClaims{}, invalid(err)
	}
	if err := u.Verify(key); err != nil {
		return payment.ProofClaims{}, invalid(err)
	}
	return u.Claims, nil
}

// amountOf turns what the ledger holds into an amount; it fails only when the
// ledger holds what it should not.
func amountOf(minor int64, currency string) (money.Amount, error) {
	c, err := money.ParseCurrency(currency)
	if err == nil {
		var a money.Amount
		if a, err = money.FromMinor(minor, c); err == nil {
			return a, nil
		}
	}
	return money.Amount{}, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the ledger holds no amount", err)
}
