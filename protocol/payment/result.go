package payment

import (
	"slices"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A Result is the provider's word that a request was paid (PSD-PAY-INS-06,
// PSD-PAY-DEL-13).
// The agent adds Amount, not its own request's, to what it has spent
// (PSD-PAY-DEL-10).
type Result struct {
	RequestID       string // of the payment request
	TradeNo         string // unique at the provider
	Scenario        Scenario
	DelegationID    string // not in INS
	MerchantOrderID string
	PSPID           string // DID; the signer
	BuyerAgentID    string // DID
	MerchantID      string // DID
	Amount          money.Amount
	TradeState      State // not CREATE and not WAIT_BUYER_PAY: the money has moved
	PaidAt          time.Time
	SpentTotal      money.Amount // not in INS; of the mandate by the provider's ledger, this payment included
	PaymentProof    string       // see ProofClaims
	ProofExpiresAt  time.Time
}

// In the order of the canonical form: what is written needs no sorting.
type resultWire struct {
	Amount          string   `json:"amount"`
	BuyerAgentID    string   `json:"buyer_agent_id"`
	Currency        string   `json:"currency"`
	DelegationID    *string  `json:"delegation_id,omitzero"`
	MerchantID      string   `json:"merchant_id"`
	MerchantOrderID string   `json:"merchant_order_id"`
	PaidAt          string   `json:"paid_at"`
	PaymentProof    string   `json:"payment_proof"`
	ProofExpiresAt  string   `json:"proof_expires_at"`
	PSPID           string   `json:"psp_id"`
	RequestID       string   `json:"request_id"`
	Scenario        Scenario `json:"scenario"`
	SpentTotal      *string  `json:"spent_total,omitzero"`
	TradeNo         string   `json:"trade_no"`
	TradeState      State    `json:"trade_state"`
}

func (p Result) wire() resultWire {
	w := resultWire{
		RequestID: p.RequestID, TradeNo: p.TradeNo, Scenario: p.Scenario, DelegationID: wire.Optional(p.DelegationID),
		MerchantOrderID: p.MerchantOrderID, PSPID: p.PSPID, BuyerAgentID: p.BuyerAgentID, MerchantID: p.MerchantID,
		TradeState: p.TradeState, PaidAt: wire.FormatTime(p.PaidAt), PaymentProof: p.PaymentProof,
		ProofExpiresAt: wire.FormatTime(p.ProofExpiresAt),
	}
	w.Amount, w.Currency = wire.FormatAmount(p.Amount)
	if p.SpentTotal.Currency() == p.Amount.Currency() {
		spent, _ := wire.FormatAmount(p.SpentTotal)
		w.SpentTotal = wire.Optional(spent)
	}
	return w
}

func (w resultWire) value() (Result, error) {
	r := wire.Reader{Requirement: "PSD-PAY-DEL-13"}
	if w.Scenario == ScenarioINS {
		r.Requirement = "PSD-PAY-INS-06"
	}
	r.ID("request_id", w.RequestID)
	r.ID("trade_no", w.TradeNo)
	enum(&r, "scenario", w.Scenario, scenarios)
	r.ID("merchant_order_id", w.MerchantOrderID)
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.DID("merchant_id", w.MerchantID)
	paidState(&r, w.TradeState)
	proofText(&r, "payment_proof", w.PaymentProof)
	currency := r.Currency("currency", w.Currency)
	p := Result{
		RequestID: w.RequestID, TradeNo: w.TradeNo, Scenario: w.Scenario,
		MerchantOrderID: w.MerchantOrderID, PSPID: w.PSPID, BuyerAgentID: w.BuyerAgentID, MerchantID: w.MerchantID,
		TradeState: w.TradeState, PaidAt: r.Time("paid_at", w.PaidAt), PaymentProof: w.PaymentProof,
		Amount:         r.Positive("amount", w.Amount, currency),
		ProofExpiresAt: r.Time("proof_expires_at", w.ProofExpiresAt),
	}
	if slices.Contains(scenarios, w.Scenario) { // else it is not known what belongs in it
		w.mandate(&r, &p, currency)
	}
	if !p.PaidAt.IsZero() && !p.ProofExpiresAt.IsZero() && !p.PaidAt.Before(p.ProofExpiresAt) {
		r.Invalid("proof_expires_at", "must be after paid_at")
	}
	if err := r.Err(); err != nil {
		return Result{}, err
	}
	return p, nil
}

// mandate reads what an instant payment does not have: the mandate, and what was
// spent by it.
func (w resultWire) mandate(r *wire.Reader, p *Result, currency money.Currency) {
	p.DelegationID = text(w.DelegationID)
	if w.Scenario == ScenarioINS {
		absent(r, "delegation_id", w.DelegationID, "an instant payment has no mandate")
		absent(r, "spent_total", w.SpentTotal, "an instant payment has no mandate")
		return
	}
	r.ID("delegation_id", p.DelegationID)
	p.SpentTotal = r.Amount("spent_total", text(w.SpentTotal), currency)
	if p.Amount.Valid() && p.SpentTotal.Valid() && p.SpentTotal.Minor() < p.Amount.Minor() {
		r.Invalid("spent_total", "includes this payment")
	}
}

// paidState reads the state of a trade whose money has moved.
func paidState(r *wire.Reader, s State) {
	enum(r, "trade_state", s, States())
	if s == StateCreate || s == StateWaitBuyerPay {
		r.Fail("", protocol.New(protocol.CodeFieldInvalid, "trade_state", "PSD-PAY-A402-11", "not a state of a paid trade"))
	}
}

// proofText reads a payment proof without looking into it.
func proofText(r *wire.Reader, field, s string) {
	base64url(r, field, s)
	if len(s) > MaxHeaderRead {
		r.Fail("", protocol.New(protocol.CodeTooLarge, field, "", "at most 8 KiB"))
	}
}

// SignResult checks a result and returns it as a signed message, by the
// provider's key for proofs.
func SignResult(s *keys.Signer, p Result) ([]byte, error) {
	return sign[Result](s, keys.Proof, keys.KindPaymentResult, "psp_id", p.PSPID, p.wire())
}

// An UnverifiedResult has the right form; nothing is known of its origin.
type UnverifiedResult struct {
	Result Result
	envelope
}

// ParseResult reads a result: form, and that the key id is the provider's. It
// does not check the signature, nor that this is the answer to what was asked.
func ParseResult(data []byte) (*UnverifiedResult, error) {
	v, e, err := parse[Result, resultWire](data, keys.KindPaymentResult, func(p Result) string { return p.PSPID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedResult{v, e}, nil
}
