package book

import (
	"context"
	"net/url"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// Notices are what merchants are told of their payments without asking
// (SPEC.md 6.14; PSD-PAY-INS-06, PSD-PAY-DEL-13). Distribute gives the events
// of the outbox to the merchants that want to be told, each with a sequence of
// its own, so that one that cannot be reached holds up nobody else. It runs
// beside the payments and costs them nothing.
type Notices interface {
	// SetReceiver records where a merchant, who has an account (otherwise
	// merchant_not_allowed), is told of what is distributed from now on; the last
	// word counts. An empty URL ends it: what is distributed then is not told,
	// also later. What was distributed before goes to wherever the merchant is
	// told now.
	// See [CheckReceiver].
	SetReceiver(ctx context.Context, merchant, url string) error

	// Receivers lists the merchants that are told, or were, with what waits for
	// them, in the order in which they were recorded first.
	Receivers(ctx context.Context) ([]Receiver, error)

	// Distribute takes the oldest events that the consumer Notification has not
	// acknowledged, at most limit of them, gives each to its merchant if that
	// has a receiver, and acknowledges them, all in one transaction. It returns
	// how many it took.
	Distribute(ctx context.Context, limit int) (int, error)

	// Notices returns the oldest notices that a merchant has not acknowledged,
	// by their sequence, and at most limit of them.
	Notices(ctx context.Context, merchant string, limit int) ([]Notice, error)

	// Noticed records that a merchant has acknowledged a notice, and all before
	// it. It is durable when it returns. An earlier one changes nothing; one
	// that was not distributed is field_invalid.
	Noticed(ctx context.Context, merchant string, sequence int64) error
}

// A Receiver is where a merchant is told.
type Receiver struct {
	Merchant string // DID
	URL      string // https; empty when it is not told any more
	Last     int64  // sequence of the latest notice that was distributed; 0 before the first
	Noticed  int64  // of the latest that it has acknowledged
	Since    time.Time
}

// A Notice is one event for one merchant.
type Notice struct {
	Merchant string
	Sequence int64 // from 1, without gaps, in the order of events
	Event    payment.NotificationEvent
	TradeNo  string
	Order    string
	Amount   int64 // of the trade, minor units
	Currency string
	State    payment.State // right after the event
	At       time.Time     // of the event

	// Of a refund only.
	RefundNo        string
	RefundRequestID string
	RefundAmount    int64
	RefundedTotal   int64 // of the trade, up to and with this refund
}

// CheckReceiver refuses a merchant that is not named, and an address that is
// not an https URL of at most 2048 characters with a host and without user
// information and fragment. Whether the host is a public address is judged when
// it is dialled.
func CheckReceiver(merchant, address string) error {
	if merchant == "" {
		return protocol.New(protocol.CodeFieldMissing, "merchant", "PSD-PAY-DEL-13", "")
	}
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || len(address) > 2048 || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return protocol.New(protocol.CodeFieldInvalid, "url", "PSD-PAY-DEL-13", "an https URL without user information and fragment")
	}
	return nil
}

// Tell says what a merchant is told of an event, by its type; refunded is the
// state in which a refund left the trade.
func (n *Notice) Tell(eventType string, refunded payment.State) {
	switch eventType {
	case TransactionCompleted:
		n.Event, n.State = payment.NotifyCompleted, provider.StatePaid
	case Refunded:
		n.Event, n.State = payment.NotifyRefunded, refunded
	case Closed:
		n.Event, n.State = payment.NotifyClosed, payment.StateTradeClosed
	}
}

// UnknownNotice refuses to acknowledge what was not distributed.
func UnknownNotice() error {
	return protocol.New(protocol.CodeFieldInvalid, "sequence", "PSD-PAY-DEL-13", "no such notice")
}
