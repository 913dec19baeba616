package ledger

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
)

// completed puts the event of a new trade into the outbox.
func (t *tx) completed(trade int64) error {
	return t.exec("INSERT INTO events (type, trade, at) VALUES (?, ?, ?)", book.TransactionCompleted, trade, t.unix())
}

const reportedUpTo = "(SELECT coalesce(max(event), 0) FROM event_reports WHERE consumer = ?)"

// Unreported implements book.Outbox.
func (l *Ledger) Unreported(ctx context.Context, c book.Consumer, limit int) ([]book.Event, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	var events []book.Event
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		events = nil
		return queryRows(conn, `SELECT e.id, e.type, t.trade_no, m.delegation_id, t.order_number, e.at
			FROM events e JOIN trades t ON t.id = e.trade LEFT JOIN mandates m ON m.id = t.mandate
			WHERE e.id > `+reportedUpTo+` ORDER BY e.id LIMIT ?`, []any{string(c), int64(limit)},
			func(r *sqlite.Stmt) error {
				events = append(events, book.Event{
					ID: r.ColumnInt64(0), Type: r.ColumnText(1), TradeNo: r.ColumnText(2),
					DelegationID: r.ColumnText(3), Order: r.ColumnText(4), At: fromUnix(r.ColumnInt64(5)),
				})
				return nil
			})
	})
	return events, err
}

// Acknowledge implements book.Outbox.
func (l *Ledger) Acknowledge(ctx context.Context, c book.Consumer, event int64) error {
	if err := c.Check(); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) {
		exists, err := t.row("SELECT 1 FROM events WHERE id = ?", []any{event}, func(*sqlite.Stmt) {})
		if err != nil {
			return nil, err
		}
		if !exists {
			return protocol.New(protocol.CodeFieldInvalid, "event", "PSD-PAY-A402-24", "no such event"), nil
		}
		return nil, t.exec("INSERT INTO event_reports (consumer, event, at) SELECT ?, ?, ? WHERE ? > "+reportedUpTo, string(c), event, t.unix(), event, string(c))
	})
}
