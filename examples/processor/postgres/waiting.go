package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// Settle implements provider.Ledger. Everything is judged again, now with the
// balance, in the transaction of the debit; method and time of the confirmation
// are kept, whether it leads to a debit or not.
func (s *Store) Settle(ctx context.Context, tradeNo string, c provider.Confirmation) (*provider.Trade, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	begun, _, err := tradeBy(ctx, s.pool, s.clock(), "trade_no = $2", tradeNo)
	switch {
	case err != nil:
		return nil, unavailable(err)
	case begun == nil:
		return nil, provider.UnknownTrade("trade_no")
	}
	held := []key{tradeKey(tradeNo), orderKey(begun.Payee, begun.Order), tokenKey(begun.token)}
	var paid *trade
	err = s.decide(ctx, held, func(t *tx) (refusal, err error) {
		w, err := t.numbered(tradeNo)
		switch {
		case err != nil:
			return nil, err
		case w.declined != nil:
			return &payment.Refusal{RequestID: w.RequestID, Reason: w.declined}, nil
		case !w.Waiting():
			paid = w
			return nil, nil
		}
		paid, refusal, err = t.settle(w, c)
		return refusal, err
	})
	if err != nil {
		return nil, err
	}
	return &paid.Trade, nil
}

func (t *tx) settle(w *trade, c provider.Confirmation) (paid *trade, refusal, err error) {
	var verdict string
	row := factsRow{byToken: true, instrumentID: w.token}
	if err := t.QueryRow(t, "SELECT verdict, (f).* FROM settle($1, $2, $3, $4, $5)", w.waiting, orderKey(w.Payee, w.Order), c.Method, exact(c.At), t.now).
		Scan(append([]any{&verdict}, row.into()...)...); err != nil {
		return nil, nil, err
	}
	f, err := row.position()
	if err != nil {
		return nil, nil, err
	}
	decision := f.judge(w.promised(), t.now)
	denied := decision.Err()
	switch {
	case (verdict == verdictRefused) != (denied != nil):
		return nil, nil, differ()
	case denied != nil:
		reason, err := t.close(w, protocol.AsError(denied))
		return nil, &payment.Refusal{RequestID: w.RequestID, Reason: reason}, err
	}
	made := *w
	made.State, made.PaidAt, made.Decision = provider.StatePaid, t.at().UTC(), decision
	made.Confirmation = provider.Confirmation{Method: c.Method, At: exact(c.At)}
	return &made, nil, nil
}

// promised is the payment that a waiting trade was begun with, as far as the
// book judges it.
func (w *trade) promised() *provider.Payment {
	return &provider.Payment{
		Request: provider.Request{Agent: w.Agent, ID: w.RequestID}, Scenario: w.Scenario, Method: w.Method, Token: w.token,
		Payee: w.Payee, Order: w.Order, Expires: w.Expires, Amount: w.Amount, Currency: w.Currency, Memo: w.Memo,
	}
}

// Decline implements provider.Ledger.
func (s *Store) Decline(ctx context.Context, tradeNo string, code protocol.Code) error {
	if err := provider.CheckDecline(code); err != nil {
		return err
	}
	return s.decide(ctx, []key{tradeKey(tradeNo)}, func(t *tx) (refusal, err error) {
		w, err := t.numbered(tradeNo)
		if err != nil {
			return nil, err
		}
		if w == nil {
			return provider.UnknownTrade("trade_no"), nil
		}
		closes, refusal := w.Closes()
		if closes {
			_, err = t.close(w, provider.Declined(code))
		}
		return refusal, err
	})
}

// close ends a waiting trade without money, and returns the reason as it is
// now stored.
func (t *tx) close(w *trade, reason *protocol.Error) (*protocol.Error, error) {
	next, err := payment.Next(w.State, payment.EventPaymentTerminated)
	if err != nil {
		return nil, err
	}
	text, err := book.EncodeRefusal(reason)
	if err != nil {
		return nil, err
	}
	if err := t.exec("INSERT INTO declines (waiting, refusal, at) VALUES ($1, $2, $3)", w.waiting, text, t.at()); err != nil {
		return nil, err
	}
	id, err := t.number()
	if err != nil {
		return nil, err
	}
	w.State, w.declined = next, reason
	return reason, t.exec("INSERT INTO events (id, type, waiting, at) VALUES ($1, $2, $3, $4)", id, book.Closed, w.waiting, t.at())
}

// lapse closes a waiting trade if its time is over, so that nobody who is told
// so sees it paid later, whatever the clock does.
func (s *Store) lapse(ctx context.Context, no string) error {
	return s.write(ctx, []key{tradeKey(no)}, func(t *tx) error {
		_, err := t.numbered(no)
		return err
	})
}

// Instants implements book.Book.
func (s *Store) Instants(ctx context.Context, limit int) ([]book.Instant, error) {
	var out []book.Instant
	err := s.query(ctx, func(r pgx.Rows) error {
		var t trade
		var now, begun time.Time
		if err := t.scan(r, &now, &begun); err != nil {
			return err
		}
		out = append(out, book.NewInstant(t.Trade, begun.UTC(), t.declined))
		return nil
	}, instantColumns, s.clock(), limit)
	return out, err
}

const instantColumns = `SELECT coalesce($1, clock_timestamp()), t.id, t.waiting, t.trade_no, t.agent, t.request_id, t.scenario, t.method, t.payee, t.order_number,
	t.issuer, t.delegation_id, t.principal, t.subaccount, t.amount, t.currency, t.expires, t.memo, t.paid_at, t.spent_total,
	t.confirmation_method, t.confirmed_by_principal_at, t.consumer, t.consumed_at, t.state, t.event, t.moved_at, t.token, t.refusal, w.begun_at
	FROM (SELECT id, begun_at FROM waiting ORDER BY id DESC LIMIT $2) w JOIN book_trades t ON t.waiting = w.id ORDER BY w.id DESC`
