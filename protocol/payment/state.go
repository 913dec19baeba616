package payment

import (
	"slices"

	"github.com/actprotocol/act-go/protocol"
)

// A State is the state of a trade as it is shown outside (PSD-PAY-A402-11).
type State string

// The six states. The last two are terminal.
const (
	StateCreate                State = "CREATE"                  // nobody has asked for money yet
	StateWaitBuyerPay          State = "WAIT_BUYER_PAY"          // billed, not paid
	StateWaitSellerFulfillment State = "WAIT_SELLER_FULFILLMENT" // paid, not delivered
	StateWaitBuyerReceipt      State = "WAIT_BUYER_RECEIPT"      // delivered, not confirmed
	StateTradeFinished         State = "TRADE_FINISHED"          // delivered and confirmed
	StateTradeClosed           State = "TRADE_CLOSED"            // ended by cancellation or refund
)

// An Event moves a trade from one state to another.
type Event string

// The seven events, by their official names.
const (
	EventPaymentNeededIssued   Event = "PAYMENT_NEEDED_ISSUED"
	EventPaymentValidated      Event = "PAYMENT_VALIDATED"
	EventPaymentTerminated     Event = "PAYMENT_TERMINATED"
	EventDeliveryCommitted     Event = "DELIVERY_COMMITTED"
	EventCompensationCompleted Event = "COMPENSATION_COMPLETED"
	EventFulfillmentConfirmed  Event = "FULFILLMENT_CONFIRMED"
	EventTradeTerminated       Event = "TRADE_TERMINATED"
)

// move is one row of the state machine.
type move struct {
	from  State
	event Event
	to    State
}

// moves are the only moves there are.
var moves = [...]move{
	{StateCreate, EventPaymentNeededIssued, StateWaitBuyerPay},
	{StateWaitBuyerPay, EventPaymentValidated, StateWaitSellerFulfillment},
	{StateWaitBuyerPay, EventPaymentTerminated, StateTradeClosed},
	{StateWaitSellerFulfillment, EventDeliveryCommitted, StateWaitBuyerReceipt},
	{StateWaitSellerFulfillment, EventCompensationCompleted, StateTradeClosed},
	{StateWaitBuyerReceipt, EventFulfillmentConfirmed, StateTradeFinished},
	{StateWaitBuyerReceipt, EventTradeTerminated, StateTradeClosed},
}

// States returns the six states, in the order of a trade that goes well.
func States() []State {
	return []State{
		StateCreate, StateWaitBuyerPay, StateWaitSellerFulfillment,
		StateWaitBuyerReceipt, StateTradeFinished, StateTradeClosed,
	}
}

// Events returns the seven events.
func Events() []Event {
	var out []Event
	for _, m := range moves {
		out = append(out, m.event)
	}
	return out
}

// Known reports whether s is one of the six states.
func (s State) Known() bool { return slices.Contains(States(), s) }

// Terminal reports whether nothing can follow s.
func (s State) Terminal() bool { return s == StateTradeFinished || s == StateTradeClosed }

// Next returns the state that follows from when event happens, or
// state_conflict when it cannot happen there (PSD-PAY-A402-11).
func Next(from State, event Event) (State, error) {
	for _, m := range moves {
		if m.from == from && m.event == event {
			return m.to, nil
		}
	}
	return "", protocol.New(protocol.CodeStateConflict, "transaction_state", "PSD-PAY-A402-11", "")
}

// Can reports whether one event leads from one state to the other. Staying is
// not a move.
func Can(from, to State) bool {
	return slices.ContainsFunc(moves[:], func(m move) bool { return m.from == from && m.to == to })
}
