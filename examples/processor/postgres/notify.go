package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/payment"
)

// receiver is the last word on where a merchant is told, of a row x.
const receiver = "(SELECT r.url FROM receivers r WHERE r.merchant = x.merchant ORDER BY r.id DESC LIMIT 1)"

const (
	lastNotice = "(SELECT coalesce(max(n.sequence), 0) FROM notices n WHERE n.merchant = x.merchant)"
	lastMark   = "(SELECT coalesce(max(m.sequence), 0) FROM notice_marks m WHERE m.merchant = x.merchant)"
)

// SetReceiver implements book.Notices.
func (s *Store) SetReceiver(ctx context.Context, merchant, url string) error {
	if err := book.CheckReceiver(merchant, url); err != nil {
		return err
	}
	return s.decide(ctx, []key{keyOf("receiver", merchant)}, func(t *tx) (refusal, err error) {
		known, err := t.has(merchant, book.Merchant)
		if err != nil {
			return nil, err
		}
		if !known {
			return book.NotRegistered("PSD-PAY-DEL-13"), nil
		}
		return nil, t.exec(`INSERT INTO receivers (merchant, url, at) SELECT $1, $2, $3
			WHERE $2 IS DISTINCT FROM (SELECT url FROM receivers WHERE merchant = $1 ORDER BY id DESC LIMIT 1)`, merchant, url, t.at())
	})
}

// Receivers implements book.Notices.
func (s *Store) Receivers(ctx context.Context) ([]book.Receiver, error) {
	var out []book.Receiver
	err := s.query(ctx, func(r pgx.Rows) error {
		var x book.Receiver
		err := r.Scan(&x.Merchant, &x.URL, &x.Last, &x.Noticed, &x.Since)
		x.Since = x.Since.UTC()
		out = append(out, x)
		return err
	}, `SELECT x.merchant, `+receiver+`, `+lastNotice+`, `+lastMark+`, x.at
		FROM receivers x WHERE x.id = (SELECT min(f.id) FROM receivers f WHERE f.merchant = x.merchant) ORDER BY x.id`)
	return out, err
}

// merchantOf tells whose an event is.
const merchantOf = `SELECT coalesce(t.payee, w.payee) AS merchant, e.id AS event
	FROM events e LEFT JOIN trades t ON t.id = e.trade LEFT JOIN waiting w ON w.id = e.waiting`

// Distribute implements book.Notices. One process distributes at a time. Events
// before which one may still come wait for the next call; see Unreported.
func (s *Store) Distribute(ctx context.Context, limit int) (taken int, err error) {
	more, err := s.ready(ctx, limit)
	if err != nil || !more {
		return 0, err
	}
	err = s.write(ctx, []key{keyOf("consumer", string(book.Notification))}, func(t *tx) error {
		var last *int64
		if err := t.QueryRow(t, `SELECT count(*), max(id) FROM (SELECT e.id FROM events e WHERE e.id > `+reportedUpTo+` AND e.id < horizon() ORDER BY e.id LIMIT $2) x`,
			string(book.Notification), limit).Scan(&taken, &last); err != nil || taken == 0 {
			return err
		}
		// One statement numbers them all: each behind those of its merchant.
		if err := t.exec(`INSERT INTO notices (merchant, sequence, event)
			SELECT x.merchant, `+lastNotice+` + row_number() OVER (PARTITION BY x.merchant ORDER BY x.event), x.event
			FROM (`+merchantOf+` WHERE e.id > `+reportedUpTo+` AND e.id <= $2) x
			WHERE `+receiver+` <> ''`, string(book.Notification), *last); err != nil {
			return err
		}
		return t.exec("INSERT INTO event_reports (consumer, event, at) VALUES ($1, $2, $3)", string(book.Notification), *last, t.at())
	})
	if err != nil {
		return 0, err
	}
	return taken, nil
}

// ready waits, as Unreported does, until there is something to distribute.
func (s *Store) ready(ctx context.Context, limit int) (bool, error) {
	if limit <= 0 {
		return false, nil
	}
	events, err := s.Unreported(ctx, book.Notification, 1)
	return len(events) > 0, err
}

// Notices implements book.Notices.
func (s *Store) Notices(ctx context.Context, merchant string, limit int) ([]book.Notice, error) {
	var out []book.Notice
	err := s.query(ctx, func(r pgx.Rows) error {
		n := book.Notice{Merchant: merchant}
		var kind string
		var state, refund, request *string
		var amount, total *int64
		if err := r.Scan(&n.Sequence, &kind, &n.TradeNo, &n.Order, &n.Amount, &n.Currency, &state, &n.At, &refund, &request, &amount, &total); err != nil {
			return err
		}
		n.At, n.RefundNo, n.RefundRequestID, n.RefundAmount, n.RefundedTotal = n.At.UTC(), or(refund), or(request), or(amount), or(total)
		n.Tell(kind, payment.State(or(state)))
		out = append(out, n)
		return nil
	}, `SELECT x.sequence, e.type, coalesce(t.trade_no, w.trade_no), coalesce(t.order_number, w.order_number), coalesce(t.amount, w.amount),
			coalesce(t.currency, w.currency), f.state, e.at, f.refund_no, q.request_id, f.amount, f.total
		FROM notices x JOIN events e ON e.id = x.event LEFT JOIN trades t ON t.id = e.trade LEFT JOIN waiting w ON w.id = e.waiting
			LEFT JOIN refunds f ON f.id = e.refund LEFT JOIN refund_requests q ON q.refund = f.id
		WHERE x.merchant = $1 AND x.sequence > `+lastMark+` ORDER BY x.sequence LIMIT $2`, merchant, limit)
	return out, err
}

// Noticed implements book.Notices.
func (s *Store) Noticed(ctx context.Context, merchant string, sequence int64) error {
	return s.decide(ctx, []key{keyOf("notices", merchant)}, func(t *tx) (refusal, err error) {
		var one int
		exists, err := t.row("SELECT 1 FROM notices WHERE merchant = $1 AND sequence = $2", []any{merchant, sequence}, &one)
		if err != nil {
			return nil, err
		}
		if !exists {
			return book.UnknownNotice(), nil
		}
		return nil, t.exec(`INSERT INTO notice_marks (merchant, sequence, at) SELECT x.merchant, x.sequence, $3
			FROM (SELECT $1::text COLLATE "C" AS merchant, $2::bigint AS sequence) x WHERE x.sequence > `+lastMark, merchant, sequence, t.at())
	})
}
