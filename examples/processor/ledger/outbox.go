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

const reportedUpTo = "(SELECT coalesce(max(event), 0) FROM event_reports)"

// Unreported returns the oldest events that were not acknowledged, in their
// order, and at most limit of them.
func (l *Ledger) Unreported(ctx context.Context, limit int) ([]book.Event, error) {
	var events []book.Event
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		events = nil
		return queryRows(conn, `SELECT e.id, e.type, t.trade_no, m.delegation_id, t.order_number, e.at
			FROM events e JOIN trades t ON t.id = e.trade LEFT JOIN mandates m ON m.id = t.mandate
			WHERE e.id > `+reportedUpTo+` ORDER BY e.id LIMIT ?`, []any{int64(limit)},
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

// Acknowledge records that an event, and all before it, were reported. It is
// durable when it returns. Acknowledging again, or an earlier one, changes
// nothing; an event that does not exist is field_invalid.
func (l *Ledger) Acknowledge(ctx context.Context, event int64) error {
	var refusal error
	err := l.write(ctx, func(t *tx) error {
		refusal = nil
		var exists bool
		if _, err := t.row("SELECT EXISTS (SELECT 1 FROM events WHERE id = ?)", []any{event}, func(r *sqlite.Stmt) { exists = r.ColumnBool(0) }); err != nil {
			return err
		}
		if !exists {
			refusal = protocol.New(protocol.CodeFieldInvalid, "event", "PSD-PAY-A402-24", "no such event")
			return nil
		}
		return t.exec("INSERT INTO event_reports (event, at) SELECT ?, ? WHERE ? > "+reportedUpTo, event, t.unix(), event)
	})
	if err != nil {
		return err
	}
	return refusal
}
