package payment

import (
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A RefundReason says why a merchant gives money back. The list is closed, and
// there is no text beside it that could hold personal data.
type RefundReason string

// The reasons.
const (
	RefundCancelled    RefundReason = "CANCELLED"     // the purchase was called off
	RefundNotDelivered RefundReason = "NOT_DELIVERED" // the merchant did not deliver
	RefundDefective    RefundReason = "DEFECTIVE"     // what was delivered was not what was ordered
	RefundReturned     RefundReason = "RETURNED"      // the goods came back
	RefundAdjustment   RefundReason = "ADJUSTMENT"    // the price was lowered afterwards
	RefundDuplicate    RefundReason = "DUPLICATE"     // the same was bought twice
	RefundFraud        RefundReason = "FRAUD"
	RefundOther        RefundReason = "OTHER"
)

// RefundReasons returns the closed list.
func RefundReasons() []RefundReason {
	return []RefundReason{
		RefundCancelled, RefundNotDelivered, RefundDefective, RefundReturned, RefundAdjustment, RefundDuplicate, RefundFraud, RefundOther,
	}
}

// refundRequirement is what a refund is part of: the moves of a trade.
const refundRequirement = "PSD-PAY-A402-11"

// MaxRefunds is how many refunds one trade can have, so that a [TradeState]
// with all of them is a message.
const MaxRefunds = 64

// A RefundRequest asks the provider to give back all or a part of one payment,
// from the merchant's balance (SPEC.md 6.12). RequestID is the idempotency key
// within (merchant, request_id): the first answer is the answer for ever.
// Exactly one of TradeNo and MerchantOrderID names the payment.
type RefundRequest struct {
	RequestID       string
	Nonce           string
	Timestamp       time.Time
	PSPID           string // DID; the recipient
	MerchantID      string // DID; the signer, and the payee of the payment
	TradeNo         string // or
	MerchantOrderID string
	Amount          money.Amount // above zero, in the currency of the payment
	Reason          RefundReason
}

type refundRequestWire struct {
	RequestID       string       `json:"request_id"`
	Nonce           string       `json:"nonce"`
	Timestamp       string       `json:"timestamp"`
	PSPID           string       `json:"psp_id"`
	MerchantID      string       `json:"merchant_id"`
	TradeNo         *string      `json:"trade_no,omitzero"`
	MerchantOrderID *string      `json:"merchant_order_id,omitzero"`
	Amount          string       `json:"amount"`
	Currency        string       `json:"currency"`
	Reason          RefundReason `json:"reason"`
}

func (q RefundRequest) wire() refundRequestWire {
	w := refundRequestWire{
		RequestID: q.RequestID, Nonce: q.Nonce, Timestamp: wire.FormatTime(q.Timestamp), PSPID: q.PSPID, MerchantID: q.MerchantID,
		TradeNo: wire.Optional(q.TradeNo), MerchantOrderID: wire.Optional(q.MerchantOrderID), Reason: q.Reason,
	}
	w.Amount, w.Currency = wire.FormatAmount(q.Amount)
	return w
}

func (w refundRequestWire) value() (RefundRequest, error) {
	r := wire.Reader{Requirement: refundRequirement}
	q := RefundRequest{RequestID: w.RequestID, Nonce: w.Nonce, PSPID: w.PSPID, MerchantID: w.MerchantID, Reason: w.Reason}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	q.Timestamp = r.Time("timestamp", w.Timestamp)
	r.DID("psp_id", w.PSPID)
	r.DID("merchant_id", w.MerchantID)
	q.TradeNo, q.MerchantOrderID = oneTrade(&r, w.TradeNo, w.MerchantOrderID)
	q.Amount = r.Positive("amount", w.Amount, r.Currency("currency", w.Currency))
	enum(&r, "reason", w.Reason, RefundReasons())
	if err := r.Err(); err != nil {
		return RefundRequest{}, err
	}
	return q, nil
}

// oneTrade reads the members of which a message has exactly one.
func oneTrade(r *wire.Reader, tradeNo, order *string) (no, number string) {
	const detail = "exactly one of trade number and order number"
	if tradeNo == nil && order == nil {
		r.Fail("", protocol.New(protocol.CodeFieldMissing, "trade_no", "", detail))
	}
	if tradeNo != nil {
		absent(r, "merchant_order_id", order, detail)
	}
	return r.OptionalID("trade_no", tradeNo), r.OptionalID("merchant_order_id", order)
}

// SignRefundRequest checks a request and returns it as a signed message, by the
// merchant's key for sellers.
func SignRefundRequest(s *keys.Signer, q RefundRequest) ([]byte, error) {
	return sign[RefundRequest](s, keys.Seller, keys.KindRefundRequest, "merchant_id", q.MerchantID, q.wire())
}

// An UnverifiedRefundRequest has the right form; nothing is known of its origin.
type UnverifiedRefundRequest struct {
	Request RefundRequest
	envelope
}

// ParseRefundRequest reads a request: form, and that the key id is the
// merchant's. Whether the payment is there and leaves so much is not looked at.
func ParseRefundRequest(data []byte) (*UnverifiedRefundRequest, error) {
	v, e, err := parse[RefundRequest, refundRequestWire](data, keys.KindRefundRequest, func(q RefundRequest) string { return q.MerchantID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedRefundRequest{v, e}, nil
}

// A RefundResult is the provider's word that money was given back.
type RefundResult struct {
	RequestID       string // of the request
	PSPID           string // DID; the signer
	MerchantID      string // DID
	RefundNo        string // unique at the provider
	TradeNo         string
	MerchantOrderID string
	Amount          money.Amount // of this refund
	RefundedTotal   money.Amount // of all refunds of the trade up to and with this one
	Reason          RefundReason
	TradeState      State // of now; of a paid trade
	RefundedAt      time.Time
}

type refundResultWire struct {
	RequestID       string       `json:"request_id"`
	PSPID           string       `json:"psp_id"`
	MerchantID      string       `json:"merchant_id"`
	RefundNo        string       `json:"refund_no"`
	TradeNo         string       `json:"trade_no"`
	MerchantOrderID string       `json:"merchant_order_id"`
	Amount          string       `json:"amount"`
	Currency        string       `json:"currency"`
	RefundedTotal   string       `json:"refunded_total"`
	Reason          RefundReason `json:"reason"`
	TradeState      State        `json:"trade_state"`
	RefundedAt      string       `json:"refunded_at"`
}

func (p RefundResult) wire() refundResultWire {
	w := refundResultWire{
		RequestID: p.RequestID, PSPID: p.PSPID, MerchantID: p.MerchantID, RefundNo: p.RefundNo, TradeNo: p.TradeNo,
		MerchantOrderID: p.MerchantOrderID, Reason: p.Reason, TradeState: p.TradeState, RefundedAt: wire.FormatTime(p.RefundedAt),
	}
	w.Amount, w.Currency = wire.FormatAmount(p.Amount)
	if p.RefundedTotal.Currency() == p.Amount.Currency() {
		w.RefundedTotal, _ = wire.FormatAmount(p.RefundedTotal)
	}
	return w
}

func (w refundResultWire) value() (RefundResult, error) {
	r := wire.Reader{Requirement: refundRequirement}
	r.ID("request_id", w.RequestID)
	r.DID("psp_id", w.PSPID)
	r.DID("merchant_id", w.MerchantID)
	r.ID("refund_no", w.RefundNo)
	r.ID("trade_no", w.TradeNo)
	r.ID("merchant_order_id", w.MerchantOrderID)
	enum(&r, "reason", w.Reason, RefundReasons())
	paidState(&r, w.TradeState)
	currency := r.Currency("currency", w.Currency)
	p := RefundResult{
		RequestID: w.RequestID, PSPID: w.PSPID, MerchantID: w.MerchantID, RefundNo: w.RefundNo, TradeNo: w.TradeNo,
		MerchantOrderID: w.MerchantOrderID, Reason: w.Reason, TradeState: w.TradeState,
		Amount: r.Positive("amount", w.Amount, currency), RefundedTotal: r.Positive("refunded_total", w.RefundedTotal, currency),
		RefundedAt: r.Time("refunded_at", w.RefundedAt),
	}
	if p.Amount.Valid() && p.RefundedTotal.Valid() && p.RefundedTotal.Minor() < p.Amount.Minor() {
		r.Invalid("refunded_total", "includes this refund")
	}
	if err := r.Err(); err != nil {
		return RefundResult{}, err
	}
	return p, nil
}

// SignRefundResult checks a result and returns it as a signed message, by the
// provider's key for proofs.
func SignRefundResult(s *keys.Signer, p RefundResult) ([]byte, error) {
	return sign[RefundResult](s, keys.Proof, keys.KindRefundResult, "psp_id", p.PSPID, p.wire())
}

// An UnverifiedRefundResult has the right form; nothing is known of its origin.
type UnverifiedRefundResult struct {
	Result RefundResult
	envelope
}

// ParseRefundResult reads a result: form, and that the key id is the
// provider's.
func ParseRefundResult(data []byte) (*UnverifiedRefundResult, error) {
	v, e, err := parse[RefundResult, refundResultWire](data, keys.KindRefundResult, func(p RefundResult) string { return p.PSPID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedRefundResult{v, e}, nil
}
