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

// Refund implements provider.Ledger: it gives back all or a part of a payment,
// or says for ever why not.
//
// The trade is found before the transaction begins to write, so that the number
// of a refund, and of its event, is above that of the payment.
func (s *Store) Refund(ctx context.Context, r provider.RefundRequest) (*provider.Refund, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	of, err := s.keyed(ctx, r.Key())
	if err != nil {
		return nil, err
	}
	held := []key{keyOf("refund request", r.Merchant, r.ID)}
	if of != nil {
		held = append(held, tradeKey(of.No))
		if of.SubAccount != "" {
			held = append(held, subAccountKey(of.SubAccount))
		}
	}
	var made *provider.Refund
	err = s.decide(ctx, held, func(t *tx) (refusal, err error) {
		made, refusal, err = t.refund(&r, of)
		return refusal, err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// keyed finds a trade by its number, or the one by which an order was paid; nil
// when there is none.
func (s *Store) keyed(ctx context.Context, k provider.TradeKey) (*trade, error) {
	if k.Order == "" {
		return s.find(ctx, "trade_no = $2", k.TradeNo)
	}
	return s.find(ctx, "order_key = $2", orderKey(k.Merchant, k.Order))
}

func (t *tx) refund(r *provider.RefundRequest, of *trade) (made *provider.Refund, refusal, err error) {
	if first, err := t.refundAnswer(r); first.known || err != nil {
		return first.refund, first.refusal, err
	}
	k := r.Key()
	if of == nil || !k.Fits(&of.Trade) {
		return nil, k.Unknown(), nil // a stranger's question leaves nothing
	}
	trade, err := t.numbered(of.No)
	if err != nil {
		return nil, nil, err
	}
	f := provider.RefundFacts{Trade: &trade.Trade}
	to, err := t.origin(trade, r.Amount) // its lock is before the merchant's
	if err != nil {
		return nil, nil, err
	}
	from, _, err := t.account(r.Merchant, trade.Currency)
	if err != nil {
		return nil, nil, err
	}
	if f.Balance, err = t.balance(from.id); err != nil {
		return nil, nil, err
	}
	if _, err := t.row("SELECT count(*), coalesce(sum(amount), 0)::bigint FROM refunds WHERE trade = $1", []any{trade.id}, &f.Count, &f.Refunded); err != nil {
		return nil, nil, err
	}
	d := f.Judge(r)
	if denied := d.Err(); denied != nil {
		reason := protocol.AsError(denied)
		text, err := book.EncodeRefusal(reason)
		if err == nil {
			err = t.answerRefund(r, nil, text)
		}
		return nil, &payment.RefundRefusal{RequestID: r.ID, Reason: reason}, err
	}
	made, err = t.giveBack(&f, r, trade, from.id, to)
	return made, nil, err
}

// giveBack writes a refund that was judged and moves the money.
func (t *tx) giveBack(f *provider.RefundFacts, r *provider.RefundRequest, trade *trade, from, to int64) (*provider.Refund, error) {
	made, move := f.Make(r, t.now)
	if move != nil {
		if err := t.move(trade, *move); err != nil {
			return nil, err
		}
	}
	id, err := t.number()
	if err != nil {
		return nil, err
	}
	if err := t.exec("INSERT INTO refunds (id, refund_no, trade, amount, total, reason, state, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		id, made.No, trade.id, made.Amount, made.Total, string(made.Reason), string(made.State), t.at()); err != nil {
		return nil, err
	}
	if err := t.answerRefund(r, &id, nil); err != nil {
		return nil, err
	}
	if err := t.exec("INSERT INTO events (id, type, trade, refund, at) VALUES ($1, $2, $3, $1, $4)", id, book.Refunded, trade.id, t.at()); err != nil {
		return nil, err
	}
	return &made, t.post(id, "refund", made.No, from, to, r.Amount)
}

// origin locks and returns the account into which money of a trade goes back:
// that of the sub-account that paid, while it is not cancelled and may hold so
// much, else that of the principal.
func (t *tx) origin(trade *trade, amount int64) (int64, error) {
	if trade.SubAccount == "" {
		h, _, err := t.account(trade.Principal, trade.Currency)
		if err == nil {
			_, err = t.balance(h.id)
		}
		return h.id, err
	}
	p, _, err := t.lockedPurse(trade.SubAccount)
	if err != nil {
		return 0, err
	}
	if p.State != provider.SubAccountCancelled && p.Room(amount) {
		return p.account, nil
	}
	return p.main, nil
}

func (t *tx) answerRefund(r *provider.RefundRequest, refund *int64, refusal []byte) error {
	return t.exec("INSERT INTO refund_requests (merchant, request_id, digest, refund, refusal, at) VALUES ($1, $2, $3, $4, $5, $6)",
		r.Merchant, r.ID, string(r.Digest), refund, refusal, t.at())
}

// A refundAnswer is what was said first to a refund request.
type refundAnswer struct {
	known   bool
	refund  *provider.Refund
	refusal error
}

const refundColumns = `SELECT f.refund_no, q.request_id, t.payee, t.trade_no, t.order_number, f.amount, t.currency, f.total, f.reason, f.at
	FROM refunds f JOIN refund_requests q ON q.refund = f.id JOIN trades t ON t.id = f.trade WHERE `

func scanRefund(r pgx.Row) (f provider.Refund, err error) {
	err = r.Scan(&f.No, &f.RequestID, &f.Merchant, &f.TradeNo, &f.Order, &f.Amount, &f.Currency, &f.Total, &f.Reason, &f.At)
	f.At = f.At.UTC()
	return f, err
}

// refundAnswer reads the first answer, with the trade's state of now.
func (t *tx) refundAnswer(r *provider.RefundRequest) (a refundAnswer, err error) {
	var digest string
	var refund *int64
	var refusal []byte
	a.known, err = t.row("SELECT digest, refund, refusal FROM refund_requests WHERE merchant = $1 AND request_id = $2", []any{r.Merchant, r.ID}, &digest, &refund, &refusal)
	switch {
	case err != nil || !a.known:
		return refundAnswer{}, err
	case digest != string(r.Digest):
		a.refusal = provider.Conflict()
		return a, nil
	case refusal != nil:
		reason, err := book.DecodeRefusal(refusal)
		a.refusal = &payment.RefundRefusal{RequestID: r.ID, Reason: reason}
		return a, err
	}
	f, err := scanRefund(t.QueryRow(t, refundColumns+"f.id = $1", *refund))
	if err != nil {
		return refundAnswer{}, err
	}
	trade, _, err := tradeBy(t, t.Tx, &t.now, "trade_no = $2", f.TradeNo)
	if err != nil {
		return refundAnswer{}, err
	}
	f.State = trade.State
	a.refund = &f
	return a, nil
}

// Find implements provider.Ledger.
func (s *Store) Find(ctx context.Context, k provider.TradeKey) (*provider.Trade, []provider.Refund, error) {
	if err := k.Check(); err != nil {
		return nil, nil, err
	}
	found, refunds, now, err := s.findAll(ctx, k)
	if err == nil && found.late(now) {
		if err = s.lapse(ctx, found.No); err == nil {
			found, refunds, _, err = s.findAll(ctx, k)
		}
	}
	if err == nil && (found == nil || !k.Fits(&found.Trade)) {
		err = k.Unknown()
	}
	if err != nil {
		return nil, nil, unavailable(err)
	}
	return &found.Trade, refunds, nil
}

// findAll reads a trade and its refunds in one snapshot.
func (s *Store) findAll(ctx context.Context, k provider.TradeKey) (found *trade, refunds []provider.Refund, now time.Time, err error) {
	condition, arg := "trade_no = $2", any(k.TradeNo)
	if k.Order != "" {
		condition, arg = "order_key = $2", orderKey(k.Merchant, k.Order)
	}
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(c pgx.Tx) (err error) {
		if found, now, err = tradeBy(ctx, c, s.clock(), condition, arg); err != nil || found == nil || found.id == 0 {
			return err
		}
		rows, err := c.Query(ctx, refundColumns+"f.trade = $1 ORDER BY f.id", found.id)
		if err != nil {
			return err
		}
		return each(rows, func(r pgx.Rows) error {
			f, err := scanRefund(r)
			refunds = append(refunds, f)
			return err
		})
	})
	return found, refunds, now, err
}
