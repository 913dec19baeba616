package book

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// Statements are what principals and merchants are shown of their money. All
// sums are made from the entries of accounts, and not from what is kept beside
// them.
type Statements interface {
	// TaskBill gathers what was paid for a principal, task by task
	// (PSD-PAY-AUP-05): the payments under each mandate, and those that it
	// confirmed one by one, by currency. Tasks stand in the order of their first
	// payment, payments by time. Only payments made in [from, until) count; the
	// zero time is no limit. A principal without an account is
	// instrument_invalid.
	TaskBill(ctx context.Context, principal string, from, until time.Time) ([]Task, error)

	// Settlement sums up what merchants were paid and gave back in [from,
	// until), one line for each merchant and currency with any movement, by
	// merchant and then currency. Payments count when they were made and refunds
	// when they were made, whatever day the payment was.
	Settlement(ctx context.Context, from, until time.Time) ([]Settlement, error)
}

// A Task is what was paid under one mandate, or without one.
type Task struct {
	Issuer       string // both empty: confirmed one by one
	DelegationID string
	Currency     string
	Total        int64 // max_total_amount of the mandate in minor units; 0 without one
	Spent        int64 // of the whole mandate, whatever the period of the bill; 0 without one
	Paid         int64 // of Payments
	Refunded     int64 // of Payments
	Payments     []TaskPayment
}

// nearLimit is the part of a budget, in percent, from which its owner is warned.
const nearLimit = 80

// NearLimit reports whether most of the mandate is spent (PSD-PAY-AUP-05).
func (t *Task) NearLimit() bool {
	return t.Total > 0 && t.Spent >= t.Total/100*nearLimit+t.Total%100*nearLimit/100
}

// A TaskPayment is one payment of a bill.
type TaskPayment struct {
	TradeNo    string
	Agent      string // DID
	Scenario   payment.Scenario
	Payee      string // DID
	PayeeName  string // as the operator knows it; may be empty
	Order      string
	SubAccount string // from which it was paid; empty for the main account
	Amount     int64
	Refunded   int64
	State      payment.State
	PaidAt     time.Time
}

// A Settlement is one merchant's movement in one currency.
type Settlement struct {
	Merchant string // DID
	Name     string // may be empty
	Currency string
	Payments int64 // number
	Gross    int64 // of payments, minor units
	Refunds  int64 // number
	Refunded int64
	Net      int64 // Gross - Refunded; below zero when more was given back
}

// CheckPeriod refuses a period that ends before it begins.
func CheckPeriod(from, until time.Time) error {
	if !until.IsZero() && !from.Before(until) {
		return protocol.New(protocol.CodeFieldInvalid, "until", "PSD-PAY-AUP-05", "after from")
	}
	return nil
}
