package merchant

import (
	"context"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// An OrderStore keeps what a shop must not forget: which paid request is being
// worked on, which has been delivered and with what answer, and which carts
// hold stock. What is merely billed is not in it: a bill authenticates itself.
//
// Every method is atomic and safe for concurrent use. Times come from the
// caller, so that a store needs no clock. Errors are *protocol.Error; a store
// that cannot tell fails with service_unavailable, and nothing is delivered. A
// shop that must survive a crash, or that has several processes, needs a
// durable and shared store. The contract is a test that any implementation can
// run: package merchanttest.
type OrderStore interface {
	// Claim gives the caller the right to deliver d.OutTradeNo (PSD-PAY-A402-15).
	//
	// When the order is new it is stored as Claimed with d.Lease until
	// d.LeaseUntil, and claimed is true. When it is known:
	//   - with another Binding: proof_used;
	//   - Failed, or Claimed with a lease that ended and Repeatable: claimed
	//     again under the new lease, and claimed is true;
	//   - Claimed with a lease that ended and not Repeatable: it becomes
	//     Unknown, claimed is false;
	//   - in every other state nothing changes and claimed is false.
	// The delivery is returned as it then is.
	Claim(ctx context.Context, d Delivery, now time.Time) (current Delivery, claimed bool, err error)

	// Deliver keeps the answer. It needs the lease of the claim and moves
	// Claimed, or Unknown when the holder of the lease comes back late, to
	// Delivered; otherwise it fails with state_conflict.
	Deliver(ctx context.Context, outTradeNo, lease string, answer Answer, at time.Time) error

	// Fail ends a claim without a delivery: it needs the lease and moves
	// Claimed to Failed when the work may be repeated, and to Unknown when it
	// may not; otherwise it fails with state_conflict.
	Fail(ctx context.Context, outTradeNo, lease string) error

	// Reopen moves Unknown to Failed: a person has found out that nothing was
	// delivered. From another state it fails with state_conflict.
	Reopen(ctx context.Context, outTradeNo string) error

	// Confirm records that the provider knows of the fulfilment, and the
	// trade's state there. It moves Delivered to Confirmed; repeating it
	// changes nothing; from another state it fails with state_conflict.
	Confirm(ctx context.Context, outTradeNo string, state payment.State, at time.Time) error

	// Reject records that the provider will not hear of the fulfilment. It
	// moves Delivered to Rejected; from another state it fails with
	// state_conflict.
	Reject(ctx context.Context, outTradeNo string) error

	// Delivery returns a delivery, or order_unknown.
	Delivery(ctx context.Context, outTradeNo string) (Delivery, error)

	// Unconfirmed returns up to limit deliveries in state Delivered, the
	// oldest first, without their answers' bodies.
	Unconfirmed(ctx context.Context, limit int) ([]Delivery, error)

	// SetStock says how many of an item can be sold from now on, beside those
	// that are locked or taken.
	SetStock(ctx context.Context, itemID string, count int64) error

	// LockOrder locks the stock of all lines or of none (CID-CART-CFM-04) and
	// stores the order. A second call with the same Buyer and RequestID
	// returns the first order when Content is equal, with request_conflict
	// when it is not. A buyer who has open orders already, as many as open
	// says, gets too_many_requests, so that nobody can lock a shop's stock by
	// asking again and again; open is at least 1, and an order is open while
	// it is Locked. Missing stock is out_of_stock, whose Field names the first
	// line that cannot be locked: items[0].quantity; an order number that
	// exists is state_conflict. Orders whose ReleaseAt has passed give their
	// stock back first, and those that are not Locked may be forgotten from
	// their KeepUntil on, and then their RequestID is new again.
	LockOrder(ctx context.Context, o CartOrder, open int, now time.Time) (CartOrder, error)

	// Requested returns the order that LockOrder stored for a buyer's request,
	// or order_unknown.
	Requested(ctx context.Context, buyer, requestID string) (CartOrder, error)

	// Order returns an order, or order_unknown.
	Order(ctx context.Context, id string) (CartOrder, error)

	// TakeOrder takes the goods of a paid order out of the stock for good.
	// Repeating it changes nothing. When the lock was given up in the
	// meantime the stock is taken anew, or out_of_stock if it is gone.
	TakeOrder(ctx context.Context, id string, now time.Time) (CartOrder, error)
}

// A DeliveryState is the state of one paid request at the seller.
type DeliveryState string

// The states of a delivery (SPEC.md, 6.4). BILLED is not among them because
// what is merely billed is not stored.
const (
	Claimed   DeliveryState = "CLAIMED"   // somebody works on it, until the lease ends
	Failed    DeliveryState = "FAILED"    // certain not to have been delivered; the same proof may try again
	Delivered DeliveryState = "DELIVERED" // the answer is kept
	Confirmed DeliveryState = "CONFIRMED" // and the provider knows
	Rejected  DeliveryState = "REJECTED"  // delivered, and the provider refuses the confirmation
	Unknown   DeliveryState = "UNKNOWN"   // begun and not known to have ended; never begun again by itself
)

// A Delivery is one paid request: a paywall's, or the pick-up of an order.
type Delivery struct {
	OutTradeNo string       // the shop's number of it, its key
	TradeNo    string       // the provider's
	Consumer   string       // the id under which the proof was consumed
	Binding    canon.Digest // what a repeated submission must agree in
	Repeatable bool         // doing the work twice does no harm

	State       DeliveryState
	Lease       string    // who may deliver
	LeaseUntil  time.Time // until when the holder is believed to be alive
	Answer      *Answer   // from Delivered on
	TradeState  payment.State
	DeliveredAt time.Time
	ConfirmedAt time.Time

	// KeepUntil is when a Confirmed or Rejected delivery may be forgotten: the proof has
	// expired by then, and is refused without looking here.
	KeepUntil time.Time
}

// An Answer is a captured HTTP response.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// An OrderState is the state of a cart order's goods.
type OrderState string

// The states of a cart order.
const (
	Locked  OrderState = "LOCKED"  // price and stock are held
	Expired OrderState = "EXPIRED" // the lock ended unpaid, or so it seemed; the stock went back
	Taken   OrderState = "TAKEN"   // paid for, the goods have left the stock
)

// A CartOrder is a confirmed cart.
type CartOrder struct {
	ID           string       // the order number
	Buyer        string       // DID of the agent
	RequestID    string       // of the cart request, unique within Buyer
	Content      canon.Digest // of the cart request without what changes on repetition
	Lines        []StockLine
	Confirmation []byte // the signed act-order+jwt
	State        OrderState

	// ReleaseAt is when the stock goes back if nobody has come. It is later
	// than the end of the lock that the buyer was told: a payment made in the
	// last second needs some time to be presented.
	ReleaseAt time.Time

	// KeepUntil is when the order may be forgotten, paid for or not: the last
	// proof that could be presented for it has expired by then. It is not
	// before ReleaseAt.
	KeepUntil time.Time
}

// A StockLine is an item and how many of it.
type StockLine struct {
	ItemID   string
	Quantity int64
}
