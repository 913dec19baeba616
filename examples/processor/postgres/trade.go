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

// trade is a trade with what the store itself needs of it.
type trade struct {
	provider.Trade
	id       int64           // row of trades; 0 while it waits, and when it is closed
	waiting  int64           // row of waiting; 0 of a payment under a mandate
	token    string          // empty when it was paid from a sub-account
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

// A querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const tradeColumns = `SELECT coalesce($1, clock_timestamp()), id, waiting, trade_no, agent, request_id, scenario, method, payee, order_number,
	issuer, delegation_id, principal, subaccount, amount, currency, expires, memo, paid_at, spent_total,
	confirmation_method, confirmed_by_principal_at, consumer, consumed_at, state, event, moved_at, token, refusal FROM book_trades WHERE `

// tradeBy reads the one trade that a condition on $2 names, and the time at
// which it was read; nil when there is none.
func tradeBy(ctx context.Context, q querier, clock *time.Time, condition string, arg any) (t *trade, now time.Time, err error) {
	t = new(trade)
	ok, err := found(t.scan(q.QueryRow(ctx, tradeColumns+condition, clock, arg), &now))
	if err != nil || !ok {
		return nil, now, err
	}
	return t, now, nil
}

func (t *trade) scan(r pgx.Row, now *time.Time, more ...any) error {
	var id, waiting *int64
	var issuer, delegation, sub, method, consumer, state, event, token *string
	var paid, confirmed, consumed, moved *time.Time
	var scenario string
	var refusal []byte
	err := r.Scan(append([]any{now, &id, &waiting, &t.No, &t.Agent, &t.RequestID, &scenario, &t.Method, &t.Payee, &t.Order,
		&issuer, &delegation, &t.Principal, &sub, &t.Amount, &t.Currency, &t.Expires, &t.Memo, &paid, &t.SpentTotal,
		&method, &confirmed, &consumer, &consumed, &state, &event, &moved, &token, &refusal}, more...)...)
	if err != nil {
		return err
	}
	t.id, t.waiting, t.token = or(id), or(waiting), or(token)
	t.Scenario, t.Issuer, t.DelegationID, t.SubAccount = payment.Scenario(scenario), or(issuer), or(delegation), or(sub)
	t.Expires, t.PaidAt, t.ConsumedAt, t.Consumer = t.Expires.UTC(), utc(paid), utc(consumed), or(consumer)
	t.Confirmation = provider.Confirmation{Method: or(method), At: utc(confirmed)}
	t.State = payment.StateWaitBuyerPay
	switch {
	case refusal != nil:
		t.State = payment.StateTradeClosed
		t.declined, err = book.DecodeRefusal(refusal)
	case state != nil:
		t.State = payment.State(*state)
		if payment.Event(or(event)) == payment.EventFulfillmentConfirmed {
			t.ConfirmedAt = utc(moved)
		}
	case paid != nil:
		t.State = provider.StatePaid
	}
	return err
}

// utc is a time that was read, the zero time for none.
func utc(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.UTC()
}

// find reads the one trade that a condition names, and closes it first when it
// waits for a confirmation that would come too late; nil when there is none.
func (s *Store) find(ctx context.Context, condition string, arg any) (*trade, error) {
	t, now, err := tradeBy(ctx, s.pool, s.clock(), condition, arg)
	if err == nil && t.late(now) {
		if err = s.lapse(ctx, t.No); err == nil {
			t, _, err = tradeBy(ctx, s.pool, s.clock(), condition, arg)
		}
	}
	return t, unavailable(err)
}

// numbered reads a trade by its number in the transaction that may change it,
// and closes it when it waits for a confirmation that would come too late.
func (t *tx) numbered(no string) (*trade, error) {
	w, _, err := tradeBy(t, t.Tx, &t.now, "trade_no = $2", no)
	if err == nil && w.late(t.now) {
		_, err = t.close(w, provider.Declined(protocol.CodeConfirmationFailed))
	}
	return w, err
}

// Query implements provider.Ledger.
func (s *Store) Query(ctx context.Context, agent, requestID string) (*provider.Trade, error) {
	first, err := s.earlier(ctx, agent, requestID)
	if err != nil {
		return nil, err
	}
	if !first.known() {
		return nil, provider.UnknownTrade("payment_request_id")
	}
	return first.to(requestID, first.digest)
}

// Trade implements provider.Ledger.
func (s *Store) Trade(ctx context.Context, no string) (*provider.Trade, error) {
	t, err := s.find(ctx, "trade_no = $2", no)
	if err == nil && t == nil {
		err = provider.UnknownTrade("trade_no")
	}
	if err != nil {
		return nil, err
	}
	return &t.Trade, nil
}

// Consume implements provider.Ledger.
func (s *Store) Consume(ctx context.Context, merchant, tradeNo, consumer string) (*provider.Trade, error) {
	if err := provider.CheckConsumer(consumer); err != nil {
		return nil, err
	}
	return s.change(ctx, merchant, tradeNo, func(t *tx, trade *trade) (refusal, err error) {
		if fresh, refusal := trade.Consume(consumer, t.now); !fresh {
			return refusal, nil
		}
		return nil, t.exec("INSERT INTO consumptions (trade, consumer, at) VALUES ($1, $2, $3)", trade.id, consumer, t.at())
	})
}

// Confirm implements provider.Ledger. With this one word two things are known,
// so the trade makes two moves, to WAIT_BUYER_RECEIPT and to TRADE_FINISHED.
func (s *Store) Confirm(ctx context.Context, merchant, tradeNo, consumer string, deliveredAt time.Time) (*provider.Trade, error) {
	return s.change(ctx, merchant, tradeNo, func(t *tx, trade *trade) (refusal, err error) {
		moves, refusal := trade.Confirm(consumer, deliveredAt, t.now)
		for i := 0; i < len(moves) && err == nil; i++ {
			err = t.move(trade, moves[i])
		}
		return refusal, err
	})
}

// move records a step of a trade.
func (t *tx) move(trade *trade, m provider.Move) error {
	return t.exec("INSERT INTO trade_moves (trade, seq, event, state, at) VALUES ($1, (SELECT count(*) FROM trade_moves WHERE trade = $1), $2, $3, $4)",
		trade.id, string(m.Event), string(m.State), m.At)
}

// change finds the merchant's trade and lets step change it, in one
// transaction.
func (s *Store) change(ctx context.Context, merchant, tradeNo string, step func(*tx, *trade) (refusal, err error)) (*provider.Trade, error) {
	var found *trade
	err := s.decide(ctx, []key{tradeKey(tradeNo)}, func(t *tx) (refusal, err error) {
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
