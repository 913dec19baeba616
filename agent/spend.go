package agent

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol/money"
)

// A SpendStore is the agent's own record of what it has paid and of what it
// may be about to pay (PSD-PAY-DEL-01, PSD-PAY-DEL-10, PSD-PAY-AUP-02). It is
// what makes deciding and spending one step, and what lets an agent that was
// stopped in the middle of a payment ask about it instead of paying again.
//
// It is not the authority on a mandate's total: that is the ledger of the
// payment service provider. A store that lost its memory can make an agent
// ask too much, never make it get too much.
//
// Every method is atomic and safe for concurrent use. Errors are
// *protocol.Error; a store that cannot tell fails with service_unavailable,
// and then nothing is paid. An agent that must survive a crash needs a durable
// store. The contract is a test that any implementation can run: package
// agenttest.
type SpendStore interface {
	// Reserve records p in state Reserved. It fails
	//   - with field_missing when RequestID, Mandate or Subject is empty, and
	//     field_invalid when Amount is not valid,
	//   - with request_conflict when RequestID was used before,
	//   - with outcome_unknown when a payment for the same Subject is still
	//     open: it has to be resolved first, whatever mandate it used,
	//   - with currency_mismatch when l.Total has another currency,
	//   - with total_limit_exceeded when everything reserved and paid under
	//     p.Mandate, and p.Amount, are together more than l.Total,
	//   - with policy_refused when l.Payments is more than zero and as many
	//     payments to p.Merchant under p.Mandate are not released.
	Reserve(ctx context.Context, p Payment, l Limits) error

	// Commit moves a payment from Reserved to Paid with the amount that the
	// provider confirmed, which takes the place of the reserved one also when
	// it is larger: money that moved is recorded (PSD-PAY-DEL-10). Repeating
	// it with the same amount and proof changes nothing. In any other state
	// it fails with state_conflict, after Release above all. An unknown
	// request is trade_unknown.
	Commit(ctx context.Context, requestID string, confirmed money.Amount, proof string) error

	// Release moves a payment from Reserved to Released and gives its
	// headroom back. Repeating it changes nothing; after Commit it fails
	// with state_conflict.
	Release(ctx context.Context, requestID string) error

	// Close moves a payment from Paid to Closed: what was paid for has been
	// delivered, or somebody decided not to wait for it any longer. The money
	// stays spent. Repeating it changes nothing; from Reserved or Released it
	// fails with state_conflict.
	Close(ctx context.Context, requestID string) error

	// History tells what is known about a subject: the open payment, under
	// whatever mandate, and how often it failed under this one.
	History(ctx context.Context, mandate, subject string) (History, error)

	// Spent is the sum of everything reserved, paid and closed under a
	// mandate. An unknown mandate has spent Zero of the given currency.
	Spent(ctx context.Context, mandate string, currency money.Currency) (money.Amount, error)

	// Payments returns all payments that were ever reserved under a mandate, in
	// this order; those of an unknown one are none. The caller may change what
	// it gets.
	Payments(ctx context.Context, mandate string) ([]Payment, error)
}

// Limits are what a reservation must keep.
type Limits struct {
	Total    money.Amount // of everything under the mandate
	Payments int          // to one merchant under the mandate; 0 means any number
}

// A PaymentState is the state of one payment in a SpendStore.
type PaymentState string

// The states of a payment. Reserved and Paid are open: as long as a payment is
// open, its subject is not paid for again.
const (
	Reserved PaymentState = "RESERVED" // the request may have been sent, its outcome is not known
	Paid     PaymentState = "PAID"     // the provider has confirmed it, the goods are not there yet
	Closed   PaymentState = "CLOSED"   // delivered, or given up
	Released PaymentState = "RELEASED" // certain not to have happened and never to happen
)

// A Payment is one payment of the agent, from the moment before its request is
// first sent.
type Payment struct {
	RequestID string       // the idempotency key at the provider
	Mandate   string       // Mandate.Key of the mandate, or of the intent, it is made under
	Subject   string       // what is paid for: a request fingerprint, or seller and order number
	Amount    money.Amount // as reserved; as confirmed from Commit on
	Merchant  string       // DID of the seller
	PSP       string       // DID of the provider
	OrderNo   string       // the seller's order number
	Scenario  string       // INS, DEL or AUP
	At        time.Time    // when it was begun
	What      string       // the seller's name for what is bought

	PayBefore time.Time // end of the order's lock or of the bill

	DelegationID string // of the mandate; empty in instant payment
	Bill         string // the seller's bill, or empty for a cart order

	// FinalAfter is the time from which on no transmission of the request can
	// be accepted any more, nor an instant payment be confirmed. A provider that
	// does not know the request then never will.
	FinalAfter time.Time

	State PaymentState
	Proof string // the payment proof, from Commit on
}

// A History is what a SpendStore knows about one subject.
type History struct {
	Open   *Payment // the open payment, or nil
	Failed int      // payments for the subject under the mandate that were released
}
