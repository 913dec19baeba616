package ledger

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/payment"
)

// closed puts the end of an instant payment without money into the outbox.
func (t *tx) closed(waiting int64) error {
	return t.exec("INSERT INTO other_events (id, type, waiting, at) VALUES (?, ?, ?, ?)", t.next(), book.Closed, waiting, t.unix())
}

// receiver is the last word on where a merchant is told.
const receiver = "(SELECT r.url FROM receivers r WHERE r.merchant = x.merchant ORDER BY r.id DESC LIMIT 1)"

// SetReceiver implements book.Notices.
func (l *Ledger) SetReceiver(ctx context.Context, merchant, url string) error {
	if err := book.CheckReceiver(merchant, url); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) {
		known, err := has(t.conn, merchant, book.Merchant)
		if err != nil {
			return nil, err
		}
		if !known {
			return book.NotRegistered("PSD-PAY-DEL-13"), nil
		}
		return nil, t.exec(`INSERT INTO receivers (merchant, url, at) SELECT ?, ?, ?
			WHERE ? IS NOT (SELECT url FROM receivers WHERE merchant = ? ORDER BY id DESC LIMIT 1)`, merchant, url, t.unix(), url, merchant)
	})
}

const (
	lastNotice = "(SELECT coalesce(max(n.sequence), 0) FROM notices n WHERE n.merchant = x.merchant)"
	lastMark   = "(SELECT coalesce(max(m.sequence), 0) FROM notice_marks m WHERE m.merchant = x.merchant)"
)

// Receivers implements book.Notices.
func (l *Ledger) Receivers(ctx context.Context) ([]book.Receiver, error) {
	var out []book.Receiver
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		out = nil
		return queryRows(conn, `SELECT x.merchant, `+receiver+`, `+lastNotice+`, `+lastMark+`, x.at
			FROM receivers x WHERE x.id = (SELECT min(f.id) FROM receivers f WHERE f.merchant = x.merchant) ORDER BY x.id`, nil,
			func(r *sqlite.Stmt) error {
				out = append(out, book.Receiver{
					Merchant: r.ColumnText(0), URL: r.ColumnText(1), Last: r.ColumnInt64(2), Noticed: r.ColumnInt64(3), Since: fromUnix(r.ColumnInt64(4)),
				})
				return nil
			})
	})
	return out, err
}

// nextEvents counts the events behind one, as far as they are distributed
// together. Of the view events SQLite would sort all that there are; these two
// tables it merges, and reads no more than it needs.
const nextEvents = `SELECT max(id), count(*) FROM (SELECT id FROM payments WHERE id > ?1
	UNION ALL SELECT id FROM other_events WHERE id > ?1 ORDER BY id LIMIT ?2)`

// Distribute implements book.Notices.
func (l *Ledger) Distribute(ctx context.Context, limit int) (int, error) {
	var taken int
	err := l.writeApart(ctx, func(t *tx) error {
		var last, n int64
		taken = 0
		after, err := reported(t.conn, book.Notification)
		if err != nil {
			return err
		}
		if _, err := t.row(nextEvents, []any{after, int64(limit)}, func(r *sqlite.Stmt) { last, n = r.ColumnInt64(0), r.ColumnInt64(1) }); err != nil || n == 0 {
			return err
		}
		taken = int(n)
		// One statement numbers them all: each behind those of its merchant. When no
		// merchant ever asked to be told it looks at none of them.
		if err := t.exec(`INSERT INTO notices (merchant, sequence, event)
			SELECT x.merchant, `+lastNotice+` + row_number() OVER (PARTITION BY x.merchant ORDER BY x.event), x.event
			FROM (SELECT coalesce(a.owner, w.payee) AS merchant, e.id AS event FROM events e LEFT JOIN payments p ON p.id = e.trade LEFT JOIN accounts a ON a.id = p.payee
				LEFT JOIN waiting w ON w.id = e.waiting WHERE e.id > ? AND e.id <= ? AND EXISTS (SELECT 1 FROM receivers)) x
			WHERE `+receiver+` <> ''`,
			after, last); err != nil {
			return err
		}
		return t.exec("INSERT INTO event_reports (consumer, event, at) VALUES (?, ?, ?)", string(book.Notification), last, t.unix())
	})
	if err != nil {
		return 0, err
	}
	return taken, nil
}

// Notices implements book.Notices.
func (l *Ledger) Notices(ctx context.Context, merchant string, limit int) ([]book.Notice, error) {
	var out []book.Notice
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		out = nil
		return queryRows(conn, `SELECT x.sequence, coalesce(e.type, '`+book.TransactionCompleted+`'), coalesce(t.trade_no, w.trade_no), coalesce(t.order_number, w.order_number),
			coalesce(t.amount, w.amount), coalesce(a.currency, w.currency), f.state, coalesce(e.at, t.paid_at), f.refund_no, q.request_id, f.amount, f.total
			FROM notices x LEFT JOIN other_events e ON e.id = x.event LEFT JOIN payments t ON t.id = coalesce(e.trade, x.event) LEFT JOIN accounts a ON a.id = t.payee
			LEFT JOIN waiting w ON w.id = e.waiting
			LEFT JOIN refunds f ON f.id = e.refund LEFT JOIN refund_requests q ON q.refund = f.id
			WHERE x.merchant = ? AND x.sequence > `+lastMark+` ORDER BY x.sequence LIMIT ?`, []any{merchant, int64(limit)},
			func(r *sqlite.Stmt) error {
				n := book.Notice{
					Merchant: merchant, Sequence: r.ColumnInt64(0), TradeNo: r.ColumnText(2), Order: r.ColumnText(3), Amount: r.ColumnInt64(4),
					Currency: r.ColumnText(5), At: fromUnix(r.ColumnInt64(7)), RefundNo: r.ColumnText(8), RefundRequestID: r.ColumnText(9),
					RefundAmount: r.ColumnInt64(10), RefundedTotal: r.ColumnInt64(11),
				}
				n.Tell(r.ColumnText(1), payment.State(r.ColumnText(6)))
				out = append(out, n)
				return nil
			})
	})
	return out, err
}

// Noticed implements book.Notices.
func (l *Ledger) Noticed(ctx context.Context, merchant string, sequence int64) error {
	return l.decideApart(ctx, func(t *tx) (refusal, err error) {
		exists, err := t.row("SELECT 1 FROM notices WHERE merchant = ? AND sequence = ?", []any{merchant, sequence}, func(*sqlite.Stmt) {})
		if err != nil {
			return nil, err
		}
		if !exists {
			return book.UnknownNotice(), nil
		}
		return nil, t.exec("INSERT INTO notice_marks (merchant, sequence, at) SELECT x.merchant, x.sequence, ? FROM (SELECT ? AS merchant, ? AS sequence) x WHERE x.sequence > "+lastMark,
			t.unix(), merchant, sequence)
	})
}
