package ledger

import (
	"time"

	"github.com/actprotocol/act-go/protocol/payment"
)

// Paid is the state of a trade after its debit. A payment under a mandate is
// born in it, because decision and debit are one transaction; only an instant
// payment is seen in WAIT_BUYER_PAY before (PSD-PAY-A402-11).
const Paid = payment.StateWaitSellerFulfillment

// move applies an event to a trade and records it; the protocol's state machine
// says whether it can happen.
func (t *tx) move(trade *trade, event payment.Event, at time.Time) (refusal, err error) {
	next, refusal := payment.Next(trade.State, event)
	if refusal != nil {
		return refusal, nil
	}
	trade.State = next
	return nil, t.exec("INSERT INTO trade_moves (trade, seq, event, state, at) VALUES (?, (SELECT count(*) FROM trade_moves WHERE trade = ?), ?, ?, ?)",
		trade.id, trade.id, string(event), string(next), at.Unix())
}
