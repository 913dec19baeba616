package book

import (
	"context"
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
)

// Outbox is what the processor has to report of payments. Several consumers
// read it, each at its own pace.
type Outbox interface {
	// Unreported returns the oldest events that a consumer has not
	// acknowledged, in their order, and at most limit of them. A consumer that
	// never did begins with the first event of the book.
	Unreported(ctx context.Context, c Consumer, limit int) ([]Event, error)

	// Acknowledge records that a consumer has taken an event, and all before
	// it. It is durable when it returns. Acknowledging again, or an earlier
	// one, changes nothing; an event that does not exist is field_invalid.
	Acknowledge(ctx context.Context, c Consumer, event int64) error
}

// A Consumer is one reader of the outbox.
type Consumer string

// The consumers; any other is field_invalid.
const (
	Attestation  Consumer = "attestation"  // records of payments for the trust chain (PSD-PAY-A402-24); of [TransactionCompleted] alone
	Notification Consumer = "notification" // what merchants are told of, by Distribute (PSD-PAY-INS-06); of all types
)

// Consumers lists them all.
func Consumers() []Consumer { return []Consumer{Attestation, Notification} }

// Check refuses one that is not known.
func (c Consumer) Check() error {
	if !slices.Contains(Consumers(), c) {
		return protocol.New(protocol.CodeFieldInvalid, "consumer", "PSD-PAY-A402-24", "no such consumer of events")
	}
	return nil
}

// The types of events. Every payment leaves the first (PSD-PAY-A402-24), every
// refund the second, and every instant payment that ends without money the
// third.
const (
	TransactionCompleted = "act:payment:transaction-completed"
	Refunded             = "refunded"
	Closed               = "closed"
)

// An Event is what the processor has to report of a payment. It is written in
// the transaction of the debit, the refund or the end, so a trade without its
// event, or an event without its trade, does not exist. It names no person.
type Event struct {
	ID           int64 // position in the outbox; grows in the order of the transactions
	Type         string
	TradeNo      string
	RefundNo     string    // of a refund; else empty
	DelegationID string    // empty for an instant payment
	Order        string    // the merchant's order number
	At           time.Time // of the debit, the refund or the end
}

// All reports whether a consumer reads all types of events: Attestation takes
// payments alone.
func (c Consumer) All() bool { return c != Attestation }

// UnknownEvent refuses to acknowledge what never happened.
func UnknownEvent() error {
	return protocol.New(protocol.CodeFieldInvalid, "event", "PSD-PAY-A402-24", "no such event")
}
