package ledger

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A Trade is a payment that was made, and what became of it. Everything up to
// Memo is fixed when it is paid; what follows is its present state.
type Trade struct {
	id int64

	No           string // globally unique, by the ledger
	Agent        string
	RequestID    string
	Scenario     string
	Method       string
	Payee        string
	Order        string
	Issuer       string
	DelegationID string
	Amount       int64 // minor units
	Currency     string
	SpentTotal   int64 // of the mandate, this trade included, when it was paid
	PaidAt       time.Time
	Memo         []byte

	State       payment.State
	Consumer    string    // who has the proof's one delivery; empty before
	ConsumedAt  time.Time // zero before
	ConfirmedAt time.Time // when the merchant confirmed the fulfilment; zero before

	// Decision is what Pay decided when it made this trade, Payment.Made
	// included. It is not part of the book: a trade that is read back, or is
	// an earlier answer, has none.
	Decision protocol.Decision
}

const tradeColumns = `SELECT t.id, t.trade_no, t.agent, t.request_id, t.scenario, t.method, t.payee, t.order_number,
	m.issuer, m.delegation_id, t.amount, t.currency, t.spent_total, t.paid_at, t.memo, c.consumer, c.at, v.state, v.event, v.at
	FROM trades t JOIN mandates m ON m.id = t.mandate LEFT JOIN consumptions c ON c.trade = t.id
	LEFT JOIN trade_moves v ON v.trade = t.id AND v.seq = (SELECT max(seq) FROM trade_moves w WHERE w.trade = t.id)
	WHERE `

// tradeBy reads the one trade that a condition with one parameter names; nil
// when there is none.
func tradeBy(conn *sqlite.Conn, condition string, arg any) (*Trade, error) {
	var t *Trade
	_, err := queryRow(conn, tradeColumns+condition, []any{arg}, func(r *sqlite.Stmt) { t = scanTrade(r) })
	return t, err
}

func scanTrade(r *sqlite.Stmt) *Trade {
	t := &Trade{
		id: r.ColumnInt64(0), No: r.ColumnText(1), Agent: r.ColumnText(2), RequestID: r.ColumnText(3), Scenario: r.ColumnText(4),
		Method: r.ColumnText(5), Payee: r.ColumnText(6), Order: r.ColumnText(7), Issuer: r.ColumnText(8), DelegationID: r.ColumnText(9),
		Amount: r.ColumnInt64(10), Currency: r.ColumnText(11), SpentTotal: r.ColumnInt64(12), PaidAt: fromUnix(r.ColumnInt64(13)),
		Memo: columnBytes(r, 14), State: Paid,
	}
	if !r.ColumnIsNull(15) {
		t.Consumer, t.ConsumedAt = r.ColumnText(15), fromUnix(r.ColumnInt64(16))
	}
	if !r.ColumnIsNull(17) {
		t.State = payment.State(r.ColumnText(17))
		if payment.Event(r.ColumnText(18)) == payment.EventFulfillmentConfirmed {
			t.ConfirmedAt = fromUnix(r.ColumnInt64(19))
		}
	}
	return t
}

func unknownTrade(field string) error {
	return protocol.New(protocol.CodeTradeUnknown, field, "PSD-PAY-A402-08", "")
}

// Query returns the answer to an earlier request of an agent, a trade in its
// present state or a *payment.Refusal, and trade_unknown when there is none.
func (l *Ledger) Query(ctx context.Context, agent, requestID string) (*Trade, error) {
	var first answer
	err := l.read(ctx, func(conn *sqlite.Conn) (err error) {
		first, err = earlier(conn, agent, requestID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !first.known() {
		return nil, unknownTrade("payment_request_id")
	}
	return first.to(requestID, first.digest)
}

// Trade returns a trade by its number, or trade_unknown.
func (l *Ledger) Trade(ctx context.Context, no string) (*Trade, error) {
	var t *Trade
	err := l.read(ctx, func(conn *sqlite.Conn) (err error) {
		t, err = tradeBy(conn, "t.trade_no = ?", no)
		return err
	})
	if err == nil && t == nil {
		err = unknownTrade("trade_no")
	}
	return t, err
}

// Consume gives the one delivery that a trade pays for to the first consumer
// that asks (PSD-PAY-A402-08, PSD-PAY-A402-15). The same consumer gets the same
// answer again, another is proof_used. A trade whose payee is another merchant is
// trade_unknown.
//
// Consuming is not delivering: the trade stays in WAIT_SELLER_FULFILLMENT until
// the merchant says that it has delivered.
func (l *Ledger) Consume(ctx context.Context, merchant, tradeNo, consumer string) (*Trade, error) {
	if consumer == "" {
		return nil, protocol.New(protocol.CodeFieldMissing, "consumer", "PSD-PAY-A402-15", "")
	}
	return l.change(ctx, merchant, tradeNo, func(t *tx, trade *Trade) (refusal, err error) {
		switch {
		case trade.Consumer == consumer:
			return nil, nil
		case trade.Consumer != "":
			return protocol.New(protocol.CodeProofUsed, "consumer", "PSD-PAY-A402-15", "the proof delivers to its first consumer"), nil
		}
		if trade.State != Paid {
			return protocol.New(protocol.CodeStateConflict, "trade_no", "PSD-PAY-A402-11", ""), nil
		}
		trade.Consumer, trade.ConsumedAt = consumer, fromUnix(t.unix())
		return nil, t.exec("INSERT INTO consumptions (trade, consumer, at) VALUES (?, ?, ?)", trade.id, consumer, t.unix())
	})
}

// deliverySkew is how far a merchant's clock may be off when it tells the time
// of its delivery.
const deliverySkew = time.Minute

// Confirm records that the merchant has delivered, and when
// (PSD-PAY-A402-10). With this one word two things are known, so the trade makes
// two moves, to WAIT_BUYER_RECEIPT and to TRADE_FINISHED. Only the consumer that
// has the delivery can confirm it; before any consumption it is state_conflict.
// A repeat gets the first answer.
func (l *Ledger) Confirm(ctx context.Context, merchant, tradeNo, consumer string, deliveredAt time.Time) (*Trade, error) {
	return l.change(ctx, merchant, tradeNo, func(t *tx, trade *Trade) (refusal, err error) {
		switch {
		case trade.Consumer == "":
			return protocol.New(protocol.CodeStateConflict, "trade_no", "PSD-PAY-A402-11", "the proof has not been consumed"), nil
		case trade.Consumer != consumer:
			return protocol.New(protocol.CodeProofUsed, "consumer", "PSD-PAY-A402-15", "another consumer has the delivery"), nil
		case !trade.ConfirmedAt.IsZero():
			return nil, nil
		case deliveredAt.Before(trade.PaidAt.Add(-deliverySkew)) || deliveredAt.After(t.now.Add(deliverySkew)):
			return protocol.New(protocol.CodeFieldInvalid, "delivered_at", "PSD-PAY-A402-10", "not before the payment and not in the future"), nil
		}
		if refusal, err := t.move(trade, payment.EventDeliveryCommitted, deliveredAt); refusal != nil || err != nil {
			return refusal, err
		}
		if refusal, err := t.move(trade, payment.EventFulfillmentConfirmed, t.now); refusal != nil || err != nil {
			return refusal, err
		}
		trade.ConfirmedAt = fromUnix(t.unix())
		return nil, nil
	})
}

// change finds the merchant's trade and lets step change it, in one
// transaction.
func (l *Ledger) change(ctx context.Context, merchant, tradeNo string, step func(*tx, *Trade) (refusal, err error)) (*Trade, error) {
	var trade *Trade
	var refusal error
	err := l.write(ctx, func(t *tx) (err error) {
		if trade, err = tradeBy(t.conn, "t.trade_no = ?", tradeNo); err != nil {
			return err
		}
		if trade == nil || trade.Payee != merchant {
			refusal = unknownTrade("trade_no")
			return nil
		}
		refusal, err = step(t, trade)
		return err
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return nil, err
	}
	return trade, nil
}
