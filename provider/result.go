package provider

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// memo is what the ledger keeps of a payment for the proof, beyond what it
// needs itself. The proof is not stored: it is signed anew from these facts
// whenever it is asked for. The members are in the order of the canonical form.
type memo struct {
	IdempotencyKey string       `json:"idempotency_key,omitzero"`
	IntentID       string       `json:"intent_id,omitzero"`
	Thumbprint     string       `json:"jkt"`
	MethodID       string       `json:"method_id"`
	ProofSeconds   int64        `json:"proof_seconds"`
	Fingerprint    canon.Digest `json:"request_fingerprint,omitzero"`
	RequestMethod  string       `json:"request_method,omitzero"`
	ResourceID     string       `json:"resource_id"`
}

// memo reads the trade's.
func (t *Trade) memo() (m memo, err error) {
	if err := canon.Decode(t.Memo, &m); err != nil {
		return m, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the trade's memo cannot be read", err)
	}
	return m, nil
}

func (c *call) memo(a *verifier.AuthorizedPayment) ([]byte, error) {
	claims := a.ProofClaims()
	life := c.config.ProofLife
	if c.q.Bill != "" {
		bill, err := payment.ParseBill(c.q.Bill)
		if err != nil {
			return nil, err
		}
		// The seller remembers what it delivered no longer than that.
		life = min(life, bill.Bill.ReplayWindow)
	}
	return canon.Marshal(memo{
		ResourceID: claims.ResourceID, MethodID: claims.MethodID, RequestMethod: claims.RequestMethod, Fingerprint: claims.RequestFingerprint,
		IdempotencyKey: claims.IdempotencyKey, Thumbprint: claims.Thumbprint, ProofSeconds: int64(life / time.Second),
		IntentID: a.IntentID(),
	})
}

// pending signs that a payment waits for its principal. The ledger has begun it
// before; when the cashier cannot be asked now, the agent asks again.
func (p *Provider) pending(ctx context.Context, t *Trade) ([]byte, error) {
	if p.config.Cashier == nil {
		return nil, protocol.New(protocol.CodeServiceUnavailable, "", "PSD-PAY-INS-03", "the trade waits, and there is no cashier")
	}
	url, err := p.config.Cashier(ctx, t)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "", "PSD-PAY-INS-03", "the cashier did not answer", err)
	}
	amount, err := t.Money()
	if err != nil {
		return nil, err
	}
	body, err := payment.SignPending(p.config.Signer, payment.Pending{
		RequestID: t.RequestID, TradeNo: t.No, PSPID: p.ID(), BuyerAgentID: t.Agent, MerchantID: t.Payee, MerchantOrderID: t.Order,
		Amount: amount, TradeState: t.State, CashierURL: url, ExpiresAt: t.Expires,
	})
	return body, own(err)
}

// result signs the answer that a paid trade is: its facts, and the given state.
func (p *Provider) result(t *Trade, state payment.State) ([]byte, error) {
	if t.PaidAt.IsZero() {
		return nil, protocol.New(protocol.CodeServiceUnavailable, "", "PSD-PAY-INS-04", "the ledger calls a trade paid that is not")
	}
	amount, err := t.Money()
	if err != nil {
		return nil, err
	}
	proof, expires, err := p.proof(t, amount)
	if err != nil {
		return nil, err
	}
	r := payment.Result{
		RequestID: t.RequestID, TradeNo: t.No, Scenario: t.Scenario, DelegationID: t.DelegationID,
		MerchantOrderID: t.Order, PSPID: p.ID(), BuyerAgentID: t.Agent, MerchantID: t.Payee, Amount: amount,
		TradeState: state, PaidAt: t.PaidAt, PaymentProof: proof, ProofExpiresAt: expires,
	}
	if t.Scenario != payment.ScenarioINS {
		if r.SpentTotal, err = amountOf(t.SpentTotal, t.Currency); err != nil {
			return nil, err
		}
	}
	body, err := payment.SignResult(p.config.Signer, r)
	return body, own(err)
}

// own turns what is wrong with an answer of ours into an undetermined error: it
// is nothing that the caller did.
func own(err error) error {
	if err == nil {
		return nil
	}
	return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the answer could not be made", err)
}

// proof signs the payment proof of a trade (SPEC.md 6.2).
func (p *Provider) proof(t *Trade, amount money.Amount) (string, time.Time, error) {
	m, err := t.memo()
	if err != nil {
		return "", time.Time{}, err
	}
	expires := t.PaidAt.Add(time.Duration(m.ProofSeconds) * time.Second)
	proof, err := payment.SignProofClaims(p.config.Signer, payment.ProofClaims{
		PSPID: p.ID(), MerchantID: t.Payee, ID: "proof-" + t.No, IssuedAt: t.PaidAt, Expires: expires,
		TradeNo: t.No, OutTradeNo: t.Order, ResourceID: m.ResourceID, Amount: amount, Payer: t.Agent, MethodID: m.MethodID,
		RequestMethod: m.RequestMethod, RequestFingerprint: m.Fingerprint, IdempotencyKey: m.IdempotencyKey, Thumbprint: m.Thumbprint,
	})
	return proof, expires, own(err)
}

// ownProof reads a proof that this provider has signed. It does not check the
// proof's period and whom it is for.
func (p *Provider) ownProof(proof string) (payment.ProofClaims, error) {
	u, err := payment.ParseProofClaims(proof)
	if err != nil {
		return payment.ProofClaims{}, err
	}
	invalid := func(err error) error {
		return protocol.Wrap(protocol.CodeProofInvalid, "payment_proof", "PSD-PAY-A402-08", "not a proof of this provider", err)
	}
	if u.Claims.PSPID != p.ID() {
		return payment.ProofClaims{}, invalid(nil)
	}
	key, err := p.document.Key(u.KeyID(), keys.Proof, u.Claims.IssuedAt)
	if err != nil {
		return payment.ProofClaims{}, invalid(err)
	}
	if err := u.Verify(key); err != nil {
		return payment.ProofClaims{}, invalid(err)
	}
	return u.Claims, nil
}
