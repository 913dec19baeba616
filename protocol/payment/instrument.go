package payment

import (
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// An InstrumentQuery asks, before a payment, whether one of the agent's own
// instruments can pay (PSD-PAY-AUP-02, PSD-AGT-SUB-02; SPEC.md 6.10): exactly
// one of PaymentToken and SubAccountID. It moves and reserves nothing.
type InstrumentQuery struct {
	RequestID    string // of the query
	Nonce        string
	Timestamp    time.Time
	PSPID        string // DID; the recipient
	BuyerAgentID string // DID; the signer
	PaymentToken string // the payment token, or
	SubAccountID string
}

type instrumentQueryWire struct {
	RequestID    string  `json:"request_id"`
	Nonce        string  `json:"nonce"`
	Timestamp    string  `json:"timestamp"`
	PSPID        string  `json:"psp_id"`
	BuyerAgentID string  `json:"buyer_agent_id"`
	PaymentToken *string `json:"payment_token,omitzero"`
	SubAccountID *string `json:"subaccount_id,omitzero"`
}

func (q InstrumentQuery) wire() instrumentQueryWire {
	return instrumentQueryWire{
		q.RequestID, q.Nonce, wire.FormatTime(q.Timestamp), q.PSPID, q.BuyerAgentID, wire.Optional(q.PaymentToken), wire.Optional(q.SubAccountID),
	}
}

func (w instrumentQueryWire) value() (InstrumentQuery, error) {
	r := wire.Reader{Requirement: "PSD-PAY-AUP-02"}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	q := InstrumentQuery{RequestID: w.RequestID, Nonce: w.Nonce, PSPID: w.PSPID, BuyerAgentID: w.BuyerAgentID, Timestamp: r.Time("timestamp", w.Timestamp)}
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	q.PaymentToken, q.SubAccountID = oneInstrument(&r, w.PaymentToken, w.SubAccountID)
	if err := r.Err(); err != nil {
		return InstrumentQuery{}, err
	}
	return q, nil
}

// oneInstrument reads the members of which a message has exactly one.
func oneInstrument(r *wire.Reader, paymentToken, subAccountID *string) (token, subAccount string) {
	if paymentToken == nil && subAccountID == nil {
		r.Fail("", protocol.New(protocol.CodeFieldMissing, "payment_token", "", "exactly one of payment token and sub-account"))
	}
	if paymentToken != nil {
		absent(r, "subaccount_id", subAccountID, "exactly one of payment token and sub-account")
	}
	return r.OptionalID("payment_token", paymentToken), r.OptionalID("subaccount_id", subAccountID)
}

// SignInstrumentQuery checks a query and returns it as a signed message, by the
// agent's key for agent requests.
func SignInstrumentQuery(s *keys.Signer, q InstrumentQuery) ([]byte, error) {
	return sign[InstrumentQuery](s, keys.AgentRequest, keys.KindInstrumentQuery, "buyer_agent_id", q.BuyerAgentID, q.wire())
}

// An UnverifiedInstrumentQuery has the right form; nothing is known of its
// origin.
type UnverifiedInstrumentQuery struct {
	Query InstrumentQuery
	envelope
}

// ParseInstrumentQuery reads a query: form, and that the key id is the buyer's.
func ParseInstrumentQuery(data []byte) (*UnverifiedInstrumentQuery, error) {
	v, e, err := parse[InstrumentQuery, instrumentQueryWire](data, keys.KindInstrumentQuery, func(q InstrumentQuery) string { return q.BuyerAgentID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedInstrumentQuery{v, e}, nil
}

// An InstrumentStatus says whether an instrument can pay. The list is closed;
// of several that apply the first is told.
type InstrumentStatus string

// The states of an instrument. Cancelled and expired are for ever.
const (
	InstrumentCancelled   InstrumentStatus = "CANCELLED"
	InstrumentExpired     InstrumentStatus = "EXPIRED" // its time is over
	InstrumentFrozen      InstrumentStatus = "FROZEN"
	InstrumentNotYetValid InstrumentStatus = "NOT_YET_VALID" // its time has not begun
	InstrumentActive      InstrumentStatus = "ACTIVE"
)

var instrumentStatuses = []InstrumentStatus{InstrumentCancelled, InstrumentExpired, InstrumentFrozen, InstrumentNotYetValid, InstrumentActive}

// An InstrumentState is the provider's answer to an InstrumentQuery. It tells
// nothing of account, principal and main balance (PSD-PMT-BND-01), promises
// nothing, and reserves nothing: what a payment finds is judged by the payment.
type InstrumentState struct {
	RequestID    string // of the query
	PSPID        string // DID; the signer
	BuyerAgentID string // DID
	PaymentToken string // as the query has it, or
	SubAccountID string //
	State        InstrumentStatus

	// ValidUntil is the first moment at which it cannot pay any more; zero when
	// it has no end.
	ValidUntil time.Time

	// Available is the most that one payment could take at AsOf: of a
	// sub-account what it holds and its limits leave, of a payment token what
	// is left of its ceiling. It is nothing in every state but
	// InstrumentActive, and not valid for a token without a ceiling.
	Available money.Amount

	AsOf time.Time
}

type instrumentStateWire struct {
	RequestID    string           `json:"request_id"`
	PSPID        string           `json:"psp_id"`
	BuyerAgentID string           `json:"buyer_agent_id"`
	PaymentToken *string          `json:"payment_token,omitzero"`
	SubAccountID *string          `json:"subaccount_id,omitzero"`
	State        InstrumentStatus `json:"state"`
	ValidUntil   *string          `json:"valid_until,omitzero"`
	Available    *string          `json:"available,omitzero"`
	Currency     *string          `json:"currency,omitzero"`
	AsOf         string           `json:"as_of"`
}

func (s InstrumentState) wire() instrumentStateWire {
	available, currency := wire.FormatAmount(s.Available)
	return instrumentStateWire{
		RequestID: s.RequestID, PSPID: s.PSPID, BuyerAgentID: s.BuyerAgentID,
		PaymentToken: wire.Optional(s.PaymentToken), SubAccountID: wire.Optional(s.SubAccountID), State: s.State,
		ValidUntil: wire.Optional(wire.FormatTime(s.ValidUntil)), Available: wire.Optional(available), Currency: wire.Optional(currency),
		AsOf: wire.FormatTime(s.AsOf),
	}
}

func (w instrumentStateWire) value() (InstrumentState, error) {
	r := wire.Reader{Requirement: "PSD-PAY-AUP-02"}
	r.ID("request_id", w.RequestID)
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	s := InstrumentState{
		RequestID: w.RequestID, PSPID: w.PSPID, BuyerAgentID: w.BuyerAgentID, State: w.State,
		ValidUntil: r.OptionalTime("valid_until", w.ValidUntil), AsOf: r.Time("as_of", w.AsOf),
	}
	s.PaymentToken, s.SubAccountID = oneInstrument(&r, w.PaymentToken, w.SubAccountID)
	enum(&r, "state", w.State, instrumentStatuses)
	if s.SubAccountID != "" || w.Available != nil || w.Currency != nil {
		s.Available = r.Amount("available", text(w.Available), r.Currency("currency", text(w.Currency)))
	}
	if s.State != InstrumentActive && !s.Available.IsZero() {
		r.Invalid("available", "only what is active has something available")
	}
	if s.State == InstrumentActive && !s.ValidUntil.IsZero() && !s.AsOf.Before(s.ValidUntil) {
		r.Invalid("valid_until", "over, and active all the same")
	}
	if err := r.Err(); err != nil {
		return InstrumentState{}, err
	}
	return s, nil
}

// SignInstrumentState checks an answer and returns it as a signed message, by
// the provider's key for proofs.
func SignInstrumentState(s *keys.Signer, state InstrumentState) ([]byte, error) {
	return sign[InstrumentState](s, keys.Proof, keys.KindInstrumentState, "psp_id", state.PSPID, state.wire())
}

// An UnverifiedInstrumentState has the right form; nothing is known of its
// origin.
type UnverifiedInstrumentState struct {
	State InstrumentState
	envelope
}

// ParseInstrumentState reads an answer: form, and that the key id is the
// provider's. It does not check the signature, the time, nor that this is the
// answer to what was asked.
func ParseInstrumentState(data []byte) (*UnverifiedInstrumentState, error) {
	v, e, err := parse[InstrumentState, instrumentStateWire](data, keys.KindInstrumentState, func(s InstrumentState) string { return s.PSPID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedInstrumentState{v, e}, nil
}
