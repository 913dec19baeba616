package payment

import (
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A TradeQuery asks what has become of a trade (SPEC.md 6.13): a merchant asks
// about its own, and an agent about those that it paid. Exactly one of TradeNo
// and MerchantOrderID names it; an order number finds the trade by which the
// order was paid. It moves nothing.
type TradeQuery struct {
	RequestID       string // of the query
	Nonce           string
	Timestamp       time.Time
	PSPID           string // DID; the recipient
	MerchantID      string // DID of the payee; the signer, unless
	BuyerAgentID    string // DID; there when an agent asks, which then is the signer
	TradeNo         string // or
	MerchantOrderID string
}

// Sender is the DID of who asks.
func (q TradeQuery) Sender() string {
	if q.BuyerAgentID != "" {
		return q.BuyerAgentID
	}
	return q.MerchantID
}

// Purpose is that of the sender's key.
func (q TradeQuery) Purpose() keys.Purpose {
	if q.BuyerAgentID != "" {
		return keys.AgentRequest
	}
	return keys.Seller
}

type tradeQueryWire struct {
	RequestID       string  `json:"request_id"`
	Nonce           string  `json:"nonce"`
	Timestamp       string  `json:"timestamp"`
	PSPID           string  `json:"psp_id"`
	MerchantID      string  `json:"merchant_id"`
	BuyerAgentID    *string `json:"buyer_agent_id,omitzero"`
	TradeNo         *string `json:"trade_no,omitzero"`
	MerchantOrderID *string `json:"merchant_order_id,omitzero"`
}

func (q TradeQuery) wire() tradeQueryWire {
	return tradeQueryWire{
		q.RequestID, q.Nonce, wire.FormatTime(q.Timestamp), q.PSPID, q.MerchantID,
		wire.Optional(q.BuyerAgentID), wire.Optional(q.TradeNo), wire.Optional(q.MerchantOrderID),
	}
}

func (w tradeQueryWire) value() (TradeQuery, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-23"}
	q := TradeQuery{RequestID: w.RequestID, Nonce: w.Nonce, PSPID: w.PSPID, MerchantID: w.MerchantID}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	q.Timestamp = r.Time("timestamp", w.Timestamp)
	r.DID("psp_id", w.PSPID)
	r.DID("merchant_id", w.MerchantID)
	if w.BuyerAgentID != nil {
		q.BuyerAgentID = *w.BuyerAgentID
		r.DID("buyer_agent_id", q.BuyerAgentID)
	}
	q.TradeNo, q.MerchantOrderID = oneTrade(&r, w.TradeNo, w.MerchantOrderID)
	if err := r.Err(); err != nil {
		return TradeQuery{}, err
	}
	return q, nil
}

// SignTradeQuery checks a query and returns it as a signed message, by the
// merchant's key for sellers or the agent's for agent requests.
func SignTradeQuery(s *keys.Signer, q TradeQuery) ([]byte, error) {
	field := "merchant_id"
	if q.BuyerAgentID != "" {
		field = "buyer_agent_id"
	}
	return sign[TradeQuery](s, q.Purpose(), keys.KindTradeQuery, field, q.Sender(), q.wire())
}

// An UnverifiedTradeQuery has the right form; nothing is known of its origin.
type UnverifiedTradeQuery struct {
	Query TradeQuery
	envelope
}

// ParseTradeQuery reads a query: form, and that the key id is the sender's.
func ParseTradeQuery(data []byte) (*UnverifiedTradeQuery, error) {
	v, e, err := parse[TradeQuery, tradeQueryWire](data, keys.KindTradeQuery, TradeQuery.Sender)
	if err != nil {
		return nil, err
	}
	return &UnverifiedTradeQuery{v, e}, nil
}

// A TradeState is the provider's answer to a [TradeQuery]: the trade as it is
// now, with its refunds in the order in which they were made. It names neither
// mandate nor principal nor instrument.
type TradeState struct {
	RequestID       string // of the query
	PSPID           string // DID; the signer
	MerchantID      string // DID
	BuyerAgentID    string // DID
	TradeNo         string
	MerchantOrderID string
	Amount          money.Amount
	RefundedTotal   money.Amount // of Refunds; nothing but zero for a trade that is not paid
	State           State        // not CREATE
	PaidAt          time.Time    // zero for a trade that is not paid
	Refunds         []RefundMade
	AsOf            time.Time
}

// A RefundMade is one refund of a trade.
type RefundMade struct {
	RefundNo   string
	RequestID  string // of the merchant's request
	Amount     money.Amount
	Reason     RefundReason
	RefundedAt time.Time
}

type tradeStateWire struct {
	RequestID       string           `json:"request_id"`
	PSPID           string           `json:"psp_id"`
	MerchantID      string           `json:"merchant_id"`
	BuyerAgentID    string           `json:"buyer_agent_id"`
	TradeNo         string           `json:"trade_no"`
	MerchantOrderID string           `json:"merchant_order_id"`
	Amount          string           `json:"amount"`
	Currency        string           `json:"currency"`
	RefundedTotal   string           `json:"refunded_total"`
	State           State            `json:"trade_state"`
	PaidAt          *string          `json:"paid_at,omitzero"`
	Refunds         []refundMadeWire `json:"refunds,omitzero"`
	AsOf            string           `json:"as_of"`
}

type refundMadeWire struct {
	RefundNo   string       `json:"refund_no"`
	RequestID  string       `json:"refund_request_id"`
	Amount     string       `json:"amount"`
	Reason     RefundReason `json:"reason"`
	RefundedAt string       `json:"refunded_at"`
}

func (s TradeState) wire() tradeStateWire {
	w := tradeStateWire{
		RequestID: s.RequestID, PSPID: s.PSPID, MerchantID: s.MerchantID, BuyerAgentID: s.BuyerAgentID, TradeNo: s.TradeNo,
		MerchantOrderID: s.MerchantOrderID, State: s.State, PaidAt: wire.Optional(wire.FormatTime(s.PaidAt)), AsOf: wire.FormatTime(s.AsOf),
	}
	w.Amount, w.Currency = wire.FormatAmount(s.Amount)
	w.RefundedTotal = inCurrency(s.RefundedTotal, s.Amount)
	for _, m := range s.Refunds {
		w.Refunds = append(w.Refunds, refundMadeWire{m.RefundNo, m.RequestID, inCurrency(m.Amount, s.Amount), m.Reason, wire.FormatTime(m.RefundedAt)})
	}
	return w
}

// inCurrency writes an amount that has no currency member of its own; of
// another currency it writes nothing, which is then missing.
func inCurrency(a, same money.Amount) (text string) {
	if a.Currency() == same.Currency() {
		text, _ = wire.FormatAmount(a)
	}
	return text
}

func (w tradeStateWire) value() (TradeState, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-23"}
	r.ID("request_id", w.RequestID)
	r.DID("psp_id", w.PSPID)
	r.DID("merchant_id", w.MerchantID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.ID("trade_no", w.TradeNo)
	r.ID("merchant_order_id", w.MerchantOrderID)
	enum(&r, "trade_state", w.State, States())
	currency := r.Currency("currency", w.Currency)
	s := TradeState{
		RequestID: w.RequestID, PSPID: w.PSPID, MerchantID: w.MerchantID, BuyerAgentID: w.BuyerAgentID, TradeNo: w.TradeNo,
		MerchantOrderID: w.MerchantOrderID, State: w.State, Amount: r.Positive("amount", w.Amount, currency),
		RefundedTotal: r.Amount("refunded_total", w.RefundedTotal, currency),
		PaidAt:        r.OptionalTime("paid_at", w.PaidAt), AsOf: r.Time("as_of", w.AsOf),
	}
	w.refunds(&r, &s, currency)
	s.judge(&r, w.PaidAt == nil)
	if err := r.Err(); err != nil {
		return TradeState{}, err
	}
	return s, nil
}

func (w tradeStateWire) refunds(r *wire.Reader, s *TradeState, currency money.Currency) {
	if len(w.Refunds) > MaxRefunds || w.Refunds != nil && len(w.Refunds) == 0 {
		r.Invalid("refunds", "one to 64, or absent")
	}
	sum, exact := int64(0), true
	for _, m := range w.Refunds {
		r.ID("refunds.refund_no", m.RefundNo)
		r.ID("refunds.refund_request_id", m.RequestID)
		enum(r, "refunds.reason", m.Reason, RefundReasons())
		made := RefundMade{m.RefundNo, m.RequestID, r.Positive("refunds.amount", m.Amount, currency), m.Reason, r.Time("refunds.refunded_at", m.RefundedAt)}
		s.Refunds = append(s.Refunds, made)
		if exact = exact && made.Amount.Valid() && made.Amount.Minor() <= s.Amount.Minor()-sum; exact {
			sum += made.Amount.Minor()
		}
	}
	if s.RefundedTotal.Valid() && (!exact || sum != s.RefundedTotal.Minor()) {
		r.Invalid("refunded_total", "the sum of the refunds, and not above the amount")
	}
}

// judge compares what the members say with each other.
func (s *TradeState) judge(r *wire.Reader, unpaid bool) {
	switch {
	case s.State == StateCreate:
		r.Invalid("trade_state", "nobody has asked for this money")
	case s.State == StateWaitBuyerPay && !unpaid:
		r.Invalid("paid_at", "it waits for the buyer")
	case unpaid && s.State != StateWaitBuyerPay && s.State != StateTradeClosed:
		r.Fail("", protocol.New(protocol.CodeFieldMissing, "paid_at", "", "it was paid"))
	case unpaid && len(s.Refunds) > 0:
		r.Invalid("refunds", "nothing was paid")
	}
}

// SignTradeState checks an answer and returns it as a signed message, by the
// provider's key for proofs.
func SignTradeState(k *keys.Signer, s TradeState) ([]byte, error) {
	return sign[TradeState](k, keys.Proof, keys.KindTradeState, "psp_id", s.PSPID, s.wire())
}

// An UnverifiedTradeState has the right form; nothing is known of its origin.
type UnverifiedTradeState struct {
	State TradeState
	envelope
}

// ParseTradeState reads an answer: form, and that the key id is the provider's.
func ParseTradeState(data []byte) (*UnverifiedTradeState, error) {
	v, e, err := parse[TradeState, tradeStateWire](data, keys.KindTradeState, func(s TradeState) string { return s.PSPID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedTradeState{v, e}, nil
}
