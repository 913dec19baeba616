package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
)

// patience is how long a reader of the outbox waits for transactions that began
// before an event was written. Their own may still come before it.
const (
	patience = 200 * time.Millisecond
	nap      = 5 * time.Millisecond
)

// Unreported implements book.Book. An event is told once no transaction runs
// any more that could write an earlier one: a moment after its payment was
// answered, at the latest.
func (s *Store) Unreported(ctx context.Context, c book.Consumer, limit int) ([]book.Event, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	for waited := time.Duration(0); ; waited += nap {
		events, more, err := s.unreported(ctx, c, limit)
		if err != nil || len(events) > 0 || !more || waited >= patience {
			return events, err
		}
		select {
		case <-ctx.Done():
			return nil, unavailable(ctx.Err())
		case <-time.After(nap):
		}
	}
}

// unreported reads what can be told now; more reports that there is something
// that cannot.
func (s *Store) unreported(ctx context.Context, c book.Consumer, limit int) (events []book.Event, more bool, err error) {
	err = s.query(ctx, func(r pgx.Rows) error {
		var e book.Event
		var delegation, refund *string
		var final bool
		if err := r.Scan(&e.ID, &e.Type, &e.TradeNo, &delegation, &e.Order, &e.At, &refund, &final); err != nil {
			return err
		}
		if !final {
			more = true
			return nil
		}
		e.DelegationID, e.RefundNo, e.At = or(delegation), or(refund), e.At.UTC()
		events = append(events, e)
		return nil
	}, `SELECT e.id, e.type, coalesce(t.trade_no, w.trade_no), m.delegation_id, coalesce(t.order_number, w.order_number), e.at, f.refund_no, e.id < horizon()
		FROM events e LEFT JOIN trades t ON t.id = e.trade LEFT JOIN mandates m ON m.id = t.mandate
			LEFT JOIN waiting w ON w.id = e.waiting LEFT JOIN refunds f ON f.id = e.refund
		WHERE e.id > `+reportedUpTo+` AND `+readBy+` ORDER BY e.id LIMIT $2`, string(c), limit)
	return events, more, err
}

// Of the outbox, a consumer ($1) reads this part: Attestation takes payments
// alone. And so far it has come.
const (
	readBy       = "($1 <> '" + string(book.Attestation) + "' OR e.type = '" + book.TransactionCompleted + "')"
	reportedUpTo = "(SELECT coalesce(max(event), 0) FROM event_reports WHERE consumer = $1)"
)

// Acknowledge implements book.Book.
func (s *Store) Acknowledge(ctx context.Context, c book.Consumer, event int64) error {
	if err := c.Check(); err != nil {
		return err
	}
	return s.decide(ctx, []key{keyOf("consumer", string(c))}, func(t *tx) (refusal, err error) {
		var exists bool
		if _, err := t.row("SELECT EXISTS (SELECT 1 FROM events WHERE id = $1)", []any{event}, &exists); err != nil {
			return nil, err
		}
		if !exists {
			return book.UnknownEvent(), nil
		}
		return nil, t.exec("INSERT INTO event_reports (consumer, event, at) SELECT $1, $2, $3 WHERE $2 > "+reportedUpTo, string(c), event, t.at())
	})
}
