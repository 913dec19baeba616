package payment

import (
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A NotificationEvent is what a merchant is told about (SPEC.md 6.14).
type NotificationEvent string

// The events.
const (
	NotifyCompleted NotificationEvent = "PAYMENT_COMPLETED" // the money has arrived (PSD-PAY-INS-06, PSD-PAY-DEL-13)
	NotifyRefunded  NotificationEvent = "PAYMENT_REFUNDED"  // some or all of it was given back
	NotifyClosed    NotificationEvent = "PAYMENT_CLOSED"    // an instant payment ended, and nothing was paid
)

// A Notification is the provider's word to a merchant, without being asked, of
// what has happened to one of its trades. Sequence counts the notifications of
// one provider to one merchant from 1, without gaps and in the order of events:
// whoever keeps the last one that it has worked off knows every repetition.
type Notification struct {
	PSPID           string // DID; the signer
	MerchantID      string // DID; the recipient
	Sequence        int64
	Timestamp       time.Time // of this transmission
	Event           NotificationEvent
	OccurredAt      time.Time
	TradeNo         string
	MerchantOrderID string
	Amount          money.Amount // of the trade
	TradeState      State        // right after the event

	// Of a refund only.
	RefundNo        string
	RefundRequestID string       // of the merchant's request
	RefundAmount    money.Amount // of this refund
	RefundedTotal   money.Amount // up to and with this one
}

// MaxSequence is the largest that a JSON number keeps exactly.
const MaxSequence = 1<<53 - 1

type notificationWire struct {
	PSPID           string            `json:"psp_id"`
	MerchantID      string            `json:"merchant_id"`
	Sequence        *int64            `json:"sequence"`
	Timestamp       string            `json:"timestamp"`
	Event           NotificationEvent `json:"event"`
	OccurredAt      string            `json:"occurred_at"`
	TradeNo         string            `json:"trade_no"`
	MerchantOrderID string            `json:"merchant_order_id"`
	Amount          string            `json:"amount"`
	Currency        string            `json:"currency"`
	TradeState      State             `json:"trade_state"`
	RefundNo        *string           `json:"refund_no,omitzero"`
	RefundRequestID *string           `json:"refund_request_id,omitzero"`
	RefundAmount    *string           `json:"refund_amount,omitzero"`
	RefundedTotal   *string           `json:"refunded_total,omitzero"`
}

func (n Notification) wire() notificationWire {
	w := notificationWire{
		PSPID: n.PSPID, MerchantID: n.MerchantID, Sequence: &n.Sequence, Timestamp: wire.FormatTime(n.Timestamp), Event: n.Event,
		OccurredAt: wire.FormatTime(n.OccurredAt), TradeNo: n.TradeNo, MerchantOrderID: n.MerchantOrderID, TradeState: n.TradeState,
		RefundNo: wire.Optional(n.RefundNo), RefundRequestID: wire.Optional(n.RefundRequestID),
		RefundAmount: wire.Optional(inCurrency(n.RefundAmount, n.Amount)), RefundedTotal: wire.Optional(inCurrency(n.RefundedTotal, n.Amount)),
	}
	w.Amount, w.Currency = wire.FormatAmount(n.Amount)
	return w
}

func (w notificationWire) value() (Notification, error) {
	r := wire.Reader{Requirement: "PSD-PAY-DEL-13"}
	r.DID("psp_id", w.PSPID)
	r.DID("merchant_id", w.MerchantID)
	if w.Sequence == nil {
		r.Fail("", protocol.New(protocol.CodeFieldMissing, "sequence", "", ""))
		w.Sequence = new(int64)
	} else if *w.Sequence < 1 || *w.Sequence > MaxSequence {
		r.Invalid("sequence", "counts from 1")
	}
	enum(&r, "event", w.Event, []NotificationEvent{NotifyCompleted, NotifyRefunded, NotifyClosed})
	r.ID("trade_no", w.TradeNo)
	r.ID("merchant_order_id", w.MerchantOrderID)
	enum(&r, "trade_state", w.TradeState, States())
	currency := r.Currency("currency", w.Currency)
	n := Notification{
		PSPID: w.PSPID, MerchantID: w.MerchantID, Sequence: *w.Sequence, Timestamp: r.Time("timestamp", w.Timestamp), Event: w.Event,
		OccurredAt: r.Time("occurred_at", w.OccurredAt), TradeNo: w.TradeNo, MerchantOrderID: w.MerchantOrderID,
		Amount: r.Positive("amount", w.Amount, currency), TradeState: w.TradeState,
	}
	w.refund(&r, &n, currency)
	fits := n.TradeState == StateWaitSellerFulfillment
	switch w.Event {
	case NotifyRefunded:
		fits = n.TradeState != StateCreate && n.TradeState != StateWaitBuyerPay
	case NotifyClosed:
		fits = n.TradeState == StateTradeClosed
	}
	if !fits {
		r.Invalid("trade_state", "not the state after this event")
	}
	if err := r.Err(); err != nil {
		return Notification{}, err
	}
	return n, nil
}

// refund reads what only a refund has.
func (w notificationWire) refund(r *wire.Reader, n *Notification, currency money.Currency) {
	if w.Event != NotifyRefunded {
		for _, m := range []struct {
			field string
			value *string
		}{{"refund_no", w.RefundNo}, {"refund_request_id", w.RefundRequestID}, {"refund_amount", w.RefundAmount}, {"refunded_total", w.RefundedTotal}} {
			absent(r, m.field, m.value, "of a refund only")
		}
		return
	}
	n.RefundNo, n.RefundRequestID = text(w.RefundNo), text(w.RefundRequestID)
	r.ID("refund_no", n.RefundNo)
	r.ID("refund_request_id", n.RefundRequestID)
	n.RefundAmount = r.Positive("refund_amount", text(w.RefundAmount), currency)
	n.RefundedTotal = r.Positive("refunded_total", text(w.RefundedTotal), currency)
	if n.RefundAmount.Valid() && n.RefundedTotal.Valid() && n.Amount.Valid() &&
		(n.RefundedTotal.Minor() < n.RefundAmount.Minor() || n.RefundedTotal.Minor() > n.Amount.Minor()) {
		r.Invalid("refunded_total", "includes this refund, and is not above the amount")
	}
}

// SignNotification checks a notification and returns it as a signed message, by
// the provider's key for proofs.
func SignNotification(s *keys.Signer, n Notification) ([]byte, error) {
	return sign[Notification](s, keys.Proof, keys.KindPaymentNotification, "psp_id", n.PSPID, n.wire())
}

// An UnverifiedNotification has the right form; nothing is known of its origin.
type UnverifiedNotification struct {
	Notification Notification
	envelope
}

// ParseNotification reads a notification: form, and that the key id is the
// provider's.
func ParseNotification(data []byte) (*UnverifiedNotification, error) {
	v, e, err := parse[Notification, notificationWire](data, keys.KindPaymentNotification, func(n Notification) string { return n.PSPID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedNotification{v, e}, nil
}
