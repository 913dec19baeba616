package provider

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// StatePaid is the state of a trade after its debit. A payment under a mandate
// is born in it, because decision and debit are one transaction; only an instant
// payment is seen in WAIT_BUYER_PAY before (PSD-PAY-A402-11).
const StatePaid = payment.StateWaitSellerFulfillment

// A Move is one step of a trade, for a ledger to record.
type Move struct {
	Event payment.Event
	State payment.State // behind it
	At    time.Time     // whole seconds
}

// move applies an event; the protocol's state machine says whether it can
// happen.
func (t *Trade) move(event payment.Event, at time.Time) (Move, error) {
	next, err := payment.Next(t.State, event)
	if err != nil {
		return Move{}, err
	}
	t.State = next
	return Move{event, next, wholeSeconds(at)}, nil
}

func wholeSeconds(at time.Time) time.Time { return at.UTC().Truncate(time.Second) }

// CheckConsumer refuses a consumer without a name (field_missing).
func CheckConsumer(consumer string) error {
	if consumer == "" {
		return protocol.New(protocol.CodeFieldMissing, "consumer", "PSD-PAY-A402-15", "")
	}
	return nil
}

// Consume is what [Ledger].Consume decides about a trade of the merchant that
// asks: it sets Consumer and ConsumedAt, and reports whether these are new. A
// refusal changes nothing.
func (t *Trade) Consume(consumer string, now time.Time) (fresh bool, refusal error) {
	switch {
	case t.Consumer != "" && t.Consumer != consumer:
		return false, protocol.New(protocol.CodeProofUsed, "consumer", "PSD-PAY-A402-15", "the proof delivers to its first consumer")
	case t.Consumer != "":
		return false, nil
	case t.State != StatePaid:
		return false, protocol.New(protocol.CodeStateConflict, "trade_no", "PSD-PAY-A402-11", "not paid, or delivered before")
	}
	t.Consumer, t.ConsumedAt = consumer, wholeSeconds(now)
	return true, nil
}

// deliverySkew is how far a merchant's clock may be off when it tells the time
// of its delivery.
const deliverySkew = time.Minute

// Confirm is what [Ledger].Confirm decides about a trade of the merchant that
// confirms: it sets State and ConfirmedAt. With this one word two things are
// known, so the trade makes two moves, to WAIT_BUYER_RECEIPT and to
// TRADE_FINISHED; of a repeat there are none. A refusal changes nothing.
func (t *Trade) Confirm(consumer string, deliveredAt, now time.Time) ([]Move, error) {
	switch {
	case t.Consumer == "":
		return nil, protocol.New(protocol.CodeStateConflict, "trade_no", "PSD-PAY-A402-11", "the proof has not been consumed")
	case t.Consumer != consumer:
		return nil, protocol.New(protocol.CodeProofUsed, "consumer", "PSD-PAY-A402-15", "another consumer has the delivery")
	case !t.ConfirmedAt.IsZero():
		return nil, nil
	case deliveredAt.Before(t.PaidAt.Add(-deliverySkew)) || deliveredAt.After(now.Add(deliverySkew)):
		return nil, protocol.New(protocol.CodeFieldInvalid, "delivered_at", "PSD-PAY-A402-10", "not before the payment and not in the future")
	}
	after := *t
	delivered, err := after.move(payment.EventDeliveryCommitted, deliveredAt)
	if err != nil {
		return nil, err
	}
	confirmed, err := after.move(payment.EventFulfillmentConfirmed, now)
	if err != nil {
		return nil, err
	}
	t.State, t.ConfirmedAt = after.State, confirmed.At
	return []Move{delivered, confirmed}, nil
}
