package book

import (
	"context"
	"time"
)

// Outbox is what the processor has to report of payments.
type Outbox interface {
	// Unreported returns the oldest events that were not acknowledged, in their
	// order, and at most limit of them.
	Unreported(ctx context.Context, limit int) ([]Event, error)

	// Acknowledge records that an event, and all before it, were reported. It
	// is durable when it returns. Acknowledging again, or an earlier one,
	// changes nothing; an event that does not exist is field_invalid.
	Acknowledge(ctx context.Context, event int64) error
}

// TransactionCompleted is the type of the event that every payment leaves
// (PSD-PAY-A402-24).
const TransactionCompleted = "act:payment:transaction-completed"

// An Event is what the processor has to report of a payment. It is written in
// the transaction of the debit, so a trade without its event, or an event
// without its trade, does not exist. It names no person.
type Event struct {
	ID           int64 // position in the outbox; grows in the order of the debits
	Type         string
	TradeNo      string
	DelegationID string    // empty for an instant payment
	Order        string    // the merchant's order number
	At           time.Time // of the debit
}
