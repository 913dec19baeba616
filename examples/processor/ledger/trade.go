package ledger

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// trade is a trade with what the ledger itself needs of it.
type trade struct {
	provider.Trade
	id       int64           // position of the payment; 0 while it waits, and when it is closed
	waiting  int64           // position of the waiting trade; 0 of a payment under a mandate
	digest   string          // of the request
	declined *protocol.Error // why it was closed
}

// late reports whether a trade waits for a confirmation that would come too
// late. A nil one does not.
func (t *trade) late(now time.Time) bool { return t != nil && t.Late(now) }

// value is the trade as it is given; nil for none.
func (t *trade) value() *provider.Trade {
	if t == nil {
		return nil
	}
	return &t.Trade
}

const tradeColumns = `SELECT t.id, t.trade_no, coalesce(k.agent, s.agent), t.request_id, t.scenario, t.method, b.owner, t.order_number,
	m.issuer, m.delegation_id, t.amount, b.currency, t.spent_total, t.paid_at, t.memo, c.consumer, c.at, v.state, v.event, v.at,
	t.expires, a.owner, s.subaccount, t.waiting, y.method, y.at, t.digest
	FROM payments t LEFT JOIN mandates m ON m.id = t.mandate LEFT JOIN tokens k ON k.id = t.token LEFT JOIN subaccounts s ON s.id = t.subaccount
	JOIN accounts a ON a.id = coalesce(k.account, s.main) JOIN accounts b ON b.id = t.payee
	LEFT JOIN consumptions c ON c.trade = t.id LEFT JOIN confirmations y ON y.waiting = t.waiting
	LEFT JOIN trade_moves v ON v.trade = t.id AND v.seq = (SELECT max(seq) FROM trade_moves w WHERE w.trade = t.id)
	WHERE `

// tradeBy reads the one trade that was paid and that a condition with one
// parameter names; nil when there is none.
func tradeBy(conn *sqlite.Conn, condition string, arg any) (*trade, error) {
	var t *trade
	_, err := queryRow(conn, tradeColumns+condition, []any{arg}, func(r *sqlite.Stmt) { t = scanTrade(r) })
	return t, err
}

func scanTrade(r *sqlite.Stmt) *trade {
	t := &trade{id: r.ColumnInt64(0), waiting: r.ColumnInt64(23), digest: r.ColumnText(26), Trade: provider.Trade{
		No: r.ColumnText(1), Agent: r.ColumnText(2), RequestID: r.ColumnText(3), Scenario: payment.Scenario(r.ColumnText(4)),
		Method: r.ColumnText(5), Payee: r.ColumnText(6), Order: r.ColumnText(7), Issuer: r.ColumnText(8), DelegationID: r.ColumnText(9),
		Amount: r.ColumnInt64(10), Currency: r.ColumnText(11), SpentTotal: r.ColumnInt64(12), PaidAt: fromUnix(r.ColumnInt64(13)),
		Memo: columnBytes(r, 14), State: provider.StatePaid, Expires: exact(r.ColumnInt64(20)), Principal: r.ColumnText(21), SubAccount: r.ColumnText(22),
	}}
	if !r.ColumnIsNull(15) {
		t.Consumer, t.ConsumedAt = r.ColumnText(15), fromUnix(r.ColumnInt64(16))
	}
	if !r.ColumnIsNull(17) {
		t.State = payment.State(r.ColumnText(17))
		if payment.Event(r.ColumnText(18)) == payment.EventFulfillmentConfirmed {
			t.ConfirmedAt = fromUnix(r.ColumnInt64(19))
		}
	}
	if !r.ColumnIsNull(24) {
		t.Confirmation = provider.Confirmation{Method: r.ColumnText(24), At: exact(r.ColumnInt64(25))}
	}
	return t
}

// numbered reads a trade by its number, in whatever state it is.
func numbered(conn *sqlite.Conn, no string) (*trade, error) {
	at := positionOf(no)
	t, err := tradeBy(conn, "t.id = ?", at)
	if t == nil && err == nil {
		t, err = instantBy(conn, "w.id = ?", at)
	}
	if t != nil && t.No != no {
		t = nil
	}
	return t, err
}

// Query implements provider.Ledger.
func (l *Ledger) Query(ctx context.Context, agent, requestID string) (*provider.Trade, error) {
	first, _, err := l.earlier(ctx, agent, requestID, nil)
	if err != nil {
		return nil, err
	}
	if !first.known() {
		return nil, provider.UnknownTrade("payment_request_id")
	}
	return first.give(requestID, first.digest)
}

// Trade implements provider.Ledger.
func (l *Ledger) Trade(ctx context.Context, no string) (*provider.Trade, error) {
	var t *trade
	look := func(conn *sqlite.Conn) (err error) {
		t, err = numbered(conn, no)
		return err
	}
	err := l.read(ctx, look)
	if err == nil && t.late(l.now()) {
		if err = l.lapse(ctx, no); err == nil {
			err = l.read(ctx, look)
		}
	}
	if err == nil && t == nil {
		err = provider.UnknownTrade("trade_no")
	}
	if err != nil {
		return nil, err
	}
	return &t.Trade, nil
}

// Consume implements provider.Ledger.
func (l *Ledger) Consume(ctx context.Context, merchant, tradeNo, consumer string) (*provider.Trade, error) {
	if err := provider.CheckConsumer(consumer); err != nil {
		return nil, err
	}
	return l.change(ctx, merchant, tradeNo, func(t *tx, trade *trade) (refusal, err error) {
		if fresh, refusal := trade.Consume(consumer, t.now); !fresh {
			return refusal, nil
		}
		return nil, t.exec("INSERT INTO consumptions (trade, consumer, at) VALUES (?, ?, ?)", trade.id, consumer, t.unix())
	})
}

// Confirm implements provider.Ledger.
func (l *Ledger) Confirm(ctx context.Context, merchant, tradeNo, consumer string, deliveredAt time.Time) (*provider.Trade, error) {
	return l.change(ctx, merchant, tradeNo, func(t *tx, trade *trade) (refusal, err error) {
		moves, refusal := trade.Confirm(consumer, deliveredAt, t.now)
		for i := 0; i < len(moves) && err == nil; i++ {
			err = t.move(trade, moves[i])
		}
		return refusal, err
	})
}

// change finds the merchant's trade and lets step change it, in one
// transaction.
func (l *Ledger) change(ctx context.Context, merchant, tradeNo string, step func(*tx, *trade) (refusal, err error)) (*provider.Trade, error) {
	var found *trade
	err := l.decideApart(ctx, func(t *tx) (refusal, err error) {
		if found, err = t.numbered(tradeNo); err != nil {
			return nil, err
		}
		if found == nil || found.Payee != merchant {
			return provider.UnknownTrade("trade_no"), nil
		}
		return step(t, found)
	})
	if err != nil {
		return nil, err
	}
	return &found.Trade, nil
}
