package ledger

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
)

// reportedUpTo is the latest event that a consumer has taken.
const reportedUpTo = "(SELECT coalesce(max(event), 0) FROM event_reports WHERE consumer = ?1)"

func reported(conn *sqlite.Conn, c book.Consumer) (event int64, err error) {
	_, err = queryRow(conn, "SELECT "+reportedUpTo, []any{string(c)}, func(r *sqlite.Stmt) { event = r.ColumnInt64(0) })
	return event, err
}

// Unreported implements book.Outbox.
func (l *Ledger) Unreported(ctx context.Context, c book.Consumer, limit int) ([]book.Event, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	var events []book.Event
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		events = nil
		after, err := reported(conn, c)
		if err != nil {
			return err
		}
		return queryRows(conn, `SELECT p.id AS id, '`+book.TransactionCompleted+`', p.trade_no, m.delegation_id, p.order_number, p.paid_at, NULL
			FROM payments p LEFT JOIN mandates m ON m.id = p.mandate WHERE p.id > ?1
			UNION ALL SELECT e.id, e.type, coalesce(p.trade_no, w.trade_no), m.delegation_id, coalesce(p.order_number, w.order_number), e.at, f.refund_no
			FROM other_events e LEFT JOIN payments p ON p.id = e.trade LEFT JOIN mandates m ON m.id = p.mandate
			LEFT JOIN waiting w ON w.id = e.waiting LEFT JOIN refunds f ON f.id = e.refund
			WHERE e.id > ?1 AND ?3 ORDER BY id LIMIT ?2`, []any{after, int64(limit), c.All()},
			func(r *sqlite.Stmt) error {
				events = append(events, book.Event{
					ID: r.ColumnInt64(0), Type: r.ColumnText(1), TradeNo: r.ColumnText(2),
					DelegationID: r.ColumnText(3), Order: r.ColumnText(4), At: fromUnix(r.ColumnInt64(5)), RefundNo: r.ColumnText(6),
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
	return l.decideApart(ctx, func(t *tx) (refusal, err error) {
		exists, err := t.row("SELECT 1 FROM events WHERE id = ?", []any{event}, func(*sqlite.Stmt) {})
		if err != nil {
			return nil, err
		}
		if !exists {
			return book.UnknownEvent(), nil
		}
		return nil, t.exec("INSERT INTO event_reports (consumer, event, at) SELECT ?, ?, ? WHERE ? > "+reportedUpTo, string(c), event, t.unix(), event)
	})
}
