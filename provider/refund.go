package provider

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// Refunds are the part of a [Ledger] that gives money back (SPEC.md 6.12) and
// finds trades for those who took part in them (SPEC.md 6.13). What holds for
// every method of a Ledger holds here too.
type Refunds interface {
	// Refund decides a refund and makes it. In one transaction, and in this
	// order: the earlier answer to (Merchant, ID), the trade, all that
	// [RefundFacts.Judge] judges, the money.
	//
	// The first answer is the answer for ever, success or refusal: a request
	// with equal Digest gets it again, whatever has become of money and trade
	// since, and one with another Digest is request_conflict. A denial is stored
	// and comes back as a *payment.RefundRefusal, with one exception: nobody
	// has vouched for who asks about a trade that is not known, or another
	// merchant's, or about an order that was not paid. That is trade_unknown,
	// and nothing is kept of it. A first answer has the state of the trade as
	// it is when it is given.
	//
	// The money comes from the account of the merchant and from nowhere else,
	// and goes back where it came from: into the sub-account that paid, as long
	// as it is not cancelled and its own limit on what it may hold leaves room
	// for all of it, and else into its principal's account, as that of a token.
	// It restores no headroom: neither of the mandate, nor of a token's ceiling,
	// nor of a sub-account's limits (PSD-PAY-DEL-07), and the order stays paid.
	//
	// A trade that has all of its amount given back, and is neither finished nor
	// closed, is closed (TRADE_CLOSED). No other refund moves its state.
	Refund(ctx context.Context, r RefundRequest) (*Refund, error)

	// Find returns a trade in its present state together with its refunds, in
	// the order in which they were made, both from one moment; trade_unknown
	// when there is none, also when it is none of the given Merchant or Agent.
	Find(ctx context.Context, k TradeKey) (*Trade, []Refund, error)
}

// A RefundRequest is an authenticated request of a merchant to give back all or
// a part of what it was paid.
type RefundRequest struct {
	Merchant string       // DID of who asks, and has to be the payee
	ID       string       // request_id: the idempotency key, within Merchant
	Digest   canon.Digest // of all that two transmissions have in common
	TradeNo  string       // or
	Order    string       // the merchant's order number
	Amount   int64        // minor units, above zero
	Currency string       // ISO 4217
	Reason   payment.RefundReason
}

// Check refuses a request in which something is missing or of the wrong form
// (field_missing, field_invalid).
func (r *RefundRequest) Check() error {
	switch {
	case r.Merchant == "" || r.ID == "" || r.Digest == "" || r.Currency == "" || r.Reason == "":
		return protocol.New(protocol.CodeFieldMissing, "refund", "", "merchant, id, digest, currency and reason are needed")
	case (r.TradeNo == "") == (r.Order == ""):
		return protocol.New(protocol.CodeFieldMissing, "trade_no", "", "exactly one of trade number and order number")
	case r.Amount <= 0:
		return protocol.New(protocol.CodeFieldInvalid, "amount", "", "above zero")
	}
	return nil
}

// Key is how the trade is found.
func (r *RefundRequest) Key() TradeKey {
	return TradeKey{Merchant: r.Merchant, TradeNo: r.TradeNo, Order: r.Order}
}

// A Refund is one that was made.
type Refund struct {
	No        string // unique at the provider, by the ledger; RefundNo makes one
	RequestID string
	Merchant  string
	TradeNo   string
	Order     string
	Amount    int64 // minor units
	Currency  string
	Total     int64 // of all refunds of the trade up to and with this one
	Reason    payment.RefundReason
	At        time.Time     // whole seconds
	State     payment.State // of the trade; as Refund found or made it, and empty from Find
}

// RefundNo makes a globally unique number for a refund, as TradeNo does for a
// trade.
func RefundNo(at time.Time) string { return "R" + TradeNo(at) }

// A TradeKey finds one trade: by its number, or by the order that was paid by
// it, for which Merchant is needed. Merchant and Agent, when they are not
// empty, have to be those of the trade.
type TradeKey struct {
	Merchant string // DID of the payee
	Agent    string // DID of the buyer
	TradeNo  string
	Order    string
}

// Check refuses a key in which something is missing (field_missing).
func (k TradeKey) Check() error {
	if (k.TradeNo == "") == (k.Order == "") || k.Order != "" && k.Merchant == "" {
		return protocol.New(protocol.CodeFieldMissing, "trade_no", "PSD-PAY-A402-23", "a trade number, or a merchant and its order number")
	}
	return nil
}

// Fits reports whether a trade is one of the parties that the key names.
func (k TradeKey) Fits(t *Trade) bool {
	return (k.Merchant == "" || k.Merchant == t.Payee) && (k.Agent == "" || k.Agent == t.Agent)
}

// RefundFacts are everything in a book that a refund depends on, read in the
// transaction that will make it. The zero value refuses.
type RefundFacts struct {
	Trade    *Trade // of the merchant that asks
	Refunded int64  // of it, so far
	Count    int    // of its refunds, so far
	Balance  int64  // of the merchant's account in the trade's currency
}

// Judge makes every check that a refund needs, and makes all of them unless the
// trade was never paid. Which code is reported follows from their precedence
// (SPEC.md 7).
func (f *RefundFacts) Judge(r *RefundRequest) (d protocol.Decision) {
	t := f.Trade
	if !d.Require(t != nil && t.Payee == r.Merchant, protocol.CodeTradeUnknown, "PSD-PAY-A402-23", "trade of this merchant", "trade_no", "") ||
		!d.Require(!t.PaidAt.IsZero(), protocol.CodeStateConflict, "PSD-PAY-A402-11", "trade paid", "trade_no", "nothing was paid") {
		return d
	}
	if !d.Require(r.Currency == t.Currency, protocol.CodeCurrencyMismatch, "PSD-PAY-A402-13", "currency of the payment", "currency", "") {
		return d // amounts of two currencies are not compared
	}
	d.Require(f.Count < payment.MaxRefunds, protocol.CodeRefundExceeded, "PSD-PAY-A402-11", "number of refunds", "trade_no", "a trade has at most 64 refunds")
	d.Require(within(r.Amount, f.Refunded, t.Amount), protocol.CodeRefundExceeded, "PSD-PAY-A402-11", "not more than is left of the payment", "amount", "")
	d.Require(r.Amount <= f.Balance, protocol.CodeBalanceInsufficient, "PSD-PAY-A402-11", "balance of the merchant", "amount", "")
	return d
}

// Make is the refund of a request that was judged and allowed. The trade is then
// in the state that follows, which a ledger records when there is a move.
func (f *RefundFacts) Make(r *RefundRequest, now time.Time) (made Refund, move *Move) {
	t := f.Trade
	total := f.Refunded + r.Amount
	if next, event := AfterRefund(t.State, t.Amount, total); event != "" {
		t.State, move = next, &Move{event, next, wholeSeconds(now)}
	}
	return Refund{
		No: RefundNo(now), RequestID: r.ID, Merchant: r.Merchant, TradeNo: t.No, Order: t.Order, Amount: r.Amount,
		Currency: r.Currency, Total: total, Reason: r.Reason, At: wholeSeconds(now), State: t.State,
	}, move
}

// AfterRefund is the state of a paid trade of which so much has been given back
// in all, and the event that leads to it, if there is one: a trade whose whole
// amount went back before it was finished is closed (PSD-PAY-A402-11).
func AfterRefund(state payment.State, amount, refunded int64) (payment.State, payment.Event) {
	if refunded >= amount {
		for _, e := range []payment.Event{payment.EventCompensationCompleted, payment.EventTradeTerminated} {
			if next, err := payment.Next(state, e); err == nil {
				return next, e
			}
		}
	}
	return state, ""
}
