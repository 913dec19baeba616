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

// readBy is the part of the outbox that a consumer reads: Attestation takes
// payments alone.
const readBy = "(SELECT * FROM events WHERE ?1 <> '" + string(book.Attestation) + "' OR type = '" + book.TransactionCompleted + "')"

const reportedUpTo = "(SELECT coalesce(max(event), 0) FROM event_reports WHERE consumer = ?1)"

// Unreported implements book.Outbox.
func (l *Ledger) Unreported(ctx context.Context, c book.Consumer, limit int) ([]book.Event, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	var events []book.Event
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		events = nil
		return queryRows(conn, `SELECT e.id, e.type, coalesce(t.trade_no, w.trade_no), m.delegation_id, coalesce(t.order_number, w.order_number), e.at, f.refund_no
			FROM `+readBy+` e LEFT JOIN trades t ON t.id = e.trade LEFT JOIN mandates m ON m.id = t.mandate
			LEFT JOIN waiting w ON w.id = e.waiting LEFT JOIN refunds f ON f.id = e.refund
			WHERE e.id > `+reportedUpTo+` ORDER BY e.id LIMIT ?`, []any{string(c), int64(limit)},
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
	return l.decide(ctx, func(t *tx) (refusal, err error) {
		exists, err := t.row("SELECT 1 FROM events WHERE id = ?", []any{event}, func(*sqlite.Stmt) {})
		if err != nil {
			return nil, err
		}
		if !exists {
			return protocol.New(protocol.CodeFieldInvalid, "event", "PSD-PAY-A402-24", "no such event"), nil
		}
		return nil, t.exec("INSERT INTO event_reports (consumer, event, at) SELECT ?, ?, ? WHERE ? > "+reportedUpTo, string(c), event, t.unix(), event)
	})
}
