package ledger

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// Begin implements provider.Ledger.
func (l *Ledger) Begin(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	if err := p.CheckBegin(); err != nil {
		return nil, err
	}
	keys := l.paymentKeys(&p)
	return l.answer(ctx, p.Request, func(t *tx) (answer, error) { return t.begin(&p, keys) })
}

func (t *tx) begin(p *provider.Payment, keys paymentKeys) (answer, error) {
	f, err := t.gather(p, keys)
	if err != nil {
		return answer{}, err
	}
	decision := f.JudgeBegin(p, t.now)
	if err := decision.Err(); err != nil {
		return found(err), nil
	}
	at := t.next()
	waits := &trade{waiting: at, Trade: provider.Trade{
		No: tradeNo(at), Agent: p.Request.Agent, RequestID: p.Request.ID, Scenario: p.Scenario, Method: p.Method,
		Payee: p.Payee, Order: p.Order, Principal: f.Principal(), Amount: p.Amount, Currency: p.Currency,
		Expires: exact(p.Expires.UnixMicro()), Memo: p.Memo, State: payment.StateWaitBuyerPay, Decision: decision,
	}}
	if waits.Memo == nil {
		waits.Memo = []byte{}
	}
	n := p.Request.Nonce
	err = t.exec(`INSERT INTO waiting (id, trade_no, agent, request_id, digest, nonce, nonce_until, scenario, method, payee, order_number, token, amount, currency, expires, begun_at, memo)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		at, waits.No, waits.Agent, waits.RequestID, string(p.Request.Digest), t.key(keyNonce, n.Scope, n.Value).short(), ceil(n.Until), string(waits.Scenario), waits.Method, waits.Payee,
		waits.Order, f.token.id, waits.Amount, waits.Currency, p.Expires.UnixMicro(), t.unix(), waits.Memo)
	return answer{trade: waits, to: refTo(at, refWaiting)}, err
}

// Settle implements provider.Ledger.
func (l *Ledger) Settle(ctx context.Context, tradeNo string, c provider.Confirmation) (*provider.Trade, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	var paid *trade
	err := l.decideApart(ctx, func(t *tx) (refusal, err error) {
		w, err := t.numbered(tradeNo)
		switch {
		case err != nil:
			return nil, err
		case w == nil:
			return provider.UnknownTrade("trade_no"), nil
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
	if err := t.exec("INSERT INTO confirmations (waiting, method, at) VALUES (?, ?, ?)", w.waiting, c.Method, c.At.UnixMicro()); err != nil {
		return nil, nil, err
	}
	p, err := t.promised(w)
	if err != nil {
		return nil, nil, err
	}
	keys := t.paymentKeys(p)
	f, err := t.gather(p, keys)
	if err != nil {
		return nil, nil, err
	}
	f.waiting = w.waiting
	decision := f.judge(p, t.now)
	if denied := decision.Err(); denied != nil {
		reason, err := t.close(w, protocol.AsError(denied))
		return nil, &payment.Refusal{RequestID: w.RequestID, Reason: reason}, err
	}
	at := t.next()
	if paid, err = t.debit(p, f, at, w.No); err != nil {
		return nil, nil, err
	}
	t.keys[keys.order] = refTo(at, refPayment)
	paid.Decision = decision
	paid.Confirmation = provider.Confirmation{Method: c.Method, At: exact(c.At.UnixMicro())}
	return paid, nil, nil
}

// promised is the payment that a waiting trade was begun with, as far as the
// book judges it.
func (t *tx) promised(w *trade) (*provider.Payment, error) {
	p := &provider.Payment{
		Request: provider.Request{Agent: w.Agent, ID: w.RequestID, Digest: canon.Digest(w.digest)}, Scenario: w.Scenario, Method: w.Method,
		Payee: w.Payee, Order: w.Order, Expires: w.Expires, Amount: w.Amount, Currency: w.Currency, Memo: w.Memo,
	}
	_, err := t.row("SELECT k.token FROM waiting w JOIN tokens k ON k.id = w.token WHERE w.id = ?", []any{w.waiting},
		func(r *sqlite.Stmt) { p.Token = r.ColumnText(0) })
	return p, err
}

// Decline implements provider.Ledger.
func (l *Ledger) Decline(ctx context.Context, tradeNo string, code protocol.Code) error {
	if err := provider.CheckDecline(code); err != nil {
		return err
	}
	return l.decideApart(ctx, func(t *tx) (refusal, err error) {
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
	if err := t.exec("INSERT INTO declines (waiting, refusal, at) VALUES (?, ?, ?)", w.waiting, text, t.unix()); err != nil {
		return nil, err
	}
	w.State, w.declined = next, reason
	return reason, t.closed(w.waiting)
}

// numbered reads a trade by its number, and closes it when it waits for a
// confirmation that would come too late.
func (t *tx) numbered(no string) (*trade, error) {
	w, err := numbered(t.conn, no)
	if err == nil && w.late(t.now) {
		_, err = t.close(w, provider.Declined(protocol.CodeConfirmationFailed))
	}
	return w, err
}

// lapse closes a waiting trade if its time is over, so that nobody who is told
// so sees it paid later, whatever the clock does.
func (l *Ledger) lapse(ctx context.Context, no string) error {
	return l.writeApart(ctx, func(t *tx) error {
		_, err := t.numbered(no)
		return err
	})
}

const waitingColumns = `SELECT w.id, w.trade_no, w.agent, w.request_id, w.scenario, w.method, w.payee, w.order_number, w.amount, w.currency, w.expires, w.memo,
	a.owner, d.refusal, w.digest FROM waiting w JOIN tokens k ON k.id = w.token JOIN accounts a ON a.id = k.account LEFT JOIN declines d ON d.waiting = w.id WHERE `

// instantBy reads the one instant payment that a condition with one parameter
// names, waiting, closed, or paid; nil when there is none.
func instantBy(conn *sqlite.Conn, condition string, arg any) (*trade, error) {
	var w *trade
	err := queryRows(conn, waitingColumns+condition, []any{arg}, func(r *sqlite.Stmt) (err error) {
		w, err = scanWaiting(r)
		return err
	})
	if err != nil || w == nil || w.declined != nil {
		return w, err
	}
	if paid, err := tradeBy(conn, "t.waiting = ?", w.waiting); paid != nil || err != nil {
		return paid, err
	}
	return w, nil
}

func scanWaiting(r *sqlite.Stmt) (*trade, error) {
	w := &trade{waiting: r.ColumnInt64(0), digest: r.ColumnText(14), Trade: provider.Trade{
		No: r.ColumnText(1), Agent: r.ColumnText(2), RequestID: r.ColumnText(3), Scenario: payment.Scenario(r.ColumnText(4)), Method: r.ColumnText(5),
		Payee: r.ColumnText(6), Order: r.ColumnText(7), Amount: r.ColumnInt64(8), Currency: r.ColumnText(9), Expires: exact(r.ColumnInt64(10)),
		Memo: columnBytes(r, 11), Principal: r.ColumnText(12), State: payment.StateWaitBuyerPay,
	}}
	if r.ColumnIsNull(13) {
		return w, nil
	}
	var err error
	w.State = payment.StateTradeClosed
	w.declined, err = book.DecodeRefusal(columnBytes(r, 13))
	return w, err
}

// Instants implements book.Instants.
func (l *Ledger) Instants(ctx context.Context, limit int) ([]book.Instant, error) {
	var out []book.Instant
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		out = nil
		type row struct{ id, begun int64 }
		var rows []row
		if err := queryRows(conn, "SELECT id, begun_at FROM waiting ORDER BY id DESC LIMIT ?", []any{int64(limit)}, func(r *sqlite.Stmt) error {
			rows = append(rows, row{r.ColumnInt64(0), r.ColumnInt64(1)})
			return nil
		}); err != nil {
			return err
		}
		for _, r := range rows {
			t, err := instantBy(conn, "w.id = ?", r.id)
			if err != nil {
				return err
			}
			out = append(out, book.NewInstant(t.Trade, fromUnix(r.begun), t.declined))
		}
		return nil
	})
	return out, err
}
