package ledger

import "github.com/actprotocol/act-go/protocol"

// A State is one of the protocol's six states of a trade (PSD-PAY-A402-11).
type State string

// An Event moves a trade from one state to the next.
type Event string

const (
	Paid     State = "WAIT_SELLER_FULFILLMENT"
	Receipt  State = "WAIT_BUYER_RECEIPT"
	Finished State = "TRADE_FINISHED"
)

const (
	deliveryCommitted   Event = "DELIVERY_COMMITTED"
	fulfilmentConfirmed Event = "FULFILLMENT_CONFIRMED"
)

// move applies an event to a trade.
func (t *tx) move(trade *Trade, event Event) (refusal, err error) {
	var next State
	switch {
	case trade.State == Paid && event == deliveryCommitted:
		next = Receipt
	case trade.State == Receipt && event == fulfilmentConfirmed:
		next = Finished
	default:
		return protocol.New(protocol.CodeStateConflict, "trade_state", "PSD-PAY-A402-11", ""), nil
	}
	trade.State = next
	return nil, t.exec("INSERT INTO trade_moves (trade, seq, event, state, at) VALUES (?, (SELECT count(*) FROM trade_moves WHERE trade = ?), ?, ?, ?)",
		trade.id, trade.id, string(event), string(next), t.unix())
}
