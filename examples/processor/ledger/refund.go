package ledger

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// Refund implements provider.Ledger: it gives back all or a part of a payment,
// or says for ever why not.
func (l *Ledger) Refund(ctx context.Context, r provider.RefundRequest) (*provider.Refund, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	var made *provider.Refund
	err := l.decideApart(ctx, func(t *tx) (refusal, err error) {
		made, refusal, err = t.refund(&r)
		return refusal, err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

func (t *tx) refund(r *provider.RefundRequest) (made *provider.Refund, refusal, err error) {
	if first, err := t.refundAnswer(r); first.known || err != nil {
		return first.refund, first.refusal, err
	}
	trade, refusal, err := t.keyed(r.Key())
	if refusal != nil || err != nil {
		return nil, refusal, err // a stranger's question leaves nothing
	}
	f := provider.RefundFacts{Trade: &trade.Trade}
	from, _, err := t.account(r.Merchant, trade.Currency)
	if err != nil {
		return nil, nil, err
	}
	f.Balance = from.balance
	if _, err := t.row("SELECT count(*), coalesce(sum(amount), 0) FROM refunds WHERE trade = ?", []any{trade.id}, func(s *sqlite.Stmt) {
		f.Count, f.Refunded = int(s.ColumnInt64(0)), s.ColumnInt64(1)
	}); err != nil {
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
	made, err = t.giveBack(&f, r, trade, from.id)
	return made, nil, err
}

// giveBack writes a refund that was judged and moves the money.
func (t *tx) giveBack(f *provider.RefundFacts, r *provider.RefundRequest, trade *trade, from int64) (*provider.Refund, error) {
	made, move := f.Make(r, t.now)
	if move != nil {
		if err := t.move(trade, *move); err != nil {
			return nil, err
		}
	}
	if err := t.exec("INSERT INTO refunds (refund_no, trade, amount, total, reason, state, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		made.No, trade.id, made.Amount, made.Total, string(made.Reason), string(made.State), t.unix()); err != nil {
		return nil, err
	}
	id := t.conn.LastInsertRowID()
	if err := t.answerRefund(r, id, nil); err != nil {
		return nil, err
	}
	if err := t.exec("INSERT INTO other_events (id, type, trade, refund, at) VALUES (?, ?, ?, ?, ?)", t.next(), book.Refunded, trade.id, id, t.unix()); err != nil {
		return nil, err
	}
	to, err := t.origin(trade, r.Amount)
	if err != nil {
		return nil, err
	}
	return &made, t.post("refund", made.No, from, to, r.Amount)
}

// origin is the account into which money of a trade goes back: that of the
// sub-account that paid, while it is not cancelled and may hold so much, else
// that of the principal.
func (t *tx) origin(trade *trade, amount int64) (int64, error) {
	if trade.SubAccount != "" {
		p, err := t.purse(trade.SubAccount)
		if err != nil {
			return 0, err
		}
		if p != nil && p.State != provider.SubAccountCancelled {
			h, err := t.holding(p.account)
			if err != nil {
				return 0, err
			}
			if p.Balance = h.balance; p.Room(amount) {
				return p.account, nil
			}
		}
	}
	h, _, err := t.account(trade.Principal, trade.Currency)
	return h.id, err
}

func (t *tx) answerRefund(r *provider.RefundRequest, refund, refusal any) error {
	if text, ok := refusal.([]byte); ok && text == nil {
		refusal = nil
	}
	return t.exec("INSERT INTO refund_requests (merchant, request_id, digest, refund, refusal, at) VALUES (?, ?, ?, ?, ?, ?)",
		r.Merchant, r.ID, string(r.Digest), refund, refusal, t.unix())
}

// A refundAnswer is what was said first to a refund request.
type refundAnswer struct {
	known   bool
	refund  *provider.Refund
	refusal error
}

const refundColumns = `SELECT f.refund_no, q.request_id, a.owner, t.trade_no, t.order_number, f.amount, a.currency, f.total, f.reason, f.at
	FROM refunds f JOIN refund_requests q ON q.refund = f.id JOIN payments t ON t.id = f.trade JOIN accounts a ON a.id = t.payee WHERE `

func scanRefund(r *sqlite.Stmt) provider.Refund {
	return provider.Refund{
		No: r.ColumnText(0), RequestID: r.ColumnText(1), Merchant: r.ColumnText(2), TradeNo: r.ColumnText(3), Order: r.ColumnText(4),
		Amount: r.ColumnInt64(5), Currency: r.ColumnText(6), Total: r.ColumnInt64(7), Reason: payment.RefundReason(r.ColumnText(8)), At: fromUnix(r.ColumnInt64(9)),
	}
}

// refundAnswer reads the first answer, with the trade's state of now.
func (t *tx) refundAnswer(r *provider.RefundRequest) (a refundAnswer, err error) {
	var digest string
	var refund int64
	var refusal []byte
	a.known, err = t.row("SELECT digest, refund, refusal FROM refund_requests WHERE merchant = ? AND request_id = ?", []any{r.Merchant, r.ID},
		func(s *sqlite.Stmt) {
			digest, refund = s.ColumnText(0), s.ColumnInt64(1)
			if !s.ColumnIsNull(2) {
				refusal = columnBytes(s, 2)
			}
		})
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
	a.refund = new(provider.Refund)
	if _, err = t.row(refundColumns+"f.id = ?", []any{refund}, func(s *sqlite.Stmt) { *a.refund = scanRefund(s) }); err != nil {
		return refundAnswer{}, err
	}
	trade, err := t.numbered(a.refund.TradeNo)
	if err != nil {
		return refundAnswer{}, err
	}
	a.refund.State = trade.State
	return a, nil
}

// keyed finds a trade in the transaction that may change it.
func (t *tx) keyed(k provider.TradeKey) (*trade, error, error) {
	found, err := t.findTrade(t.conn, k, t.find)
	if err == nil && found.late(t.now) {
		_, err = t.close(found, provider.Declined(protocol.CodeConfirmationFailed))
	}
	switch {
	case err != nil:
		return nil, nil, err
	case found == nil || !k.Fits(&found.Trade):
		return nil, k.Unknown(), nil
	}
	return found, nil, nil
}

// findTrade reads the trade with a number, or the one by which an order was
// paid; nil when there is none.
func (l *Ledger) findTrade(conn *sqlite.Conn, k provider.TradeKey, find func(key) (ref, bool, error)) (*trade, error) {
	if k.Order == "" {
		return numbered(conn, k.TradeNo)
	}
	to, found, err := find(l.key(keyOrder, k.Merchant, k.Order))
	if !found || err != nil {
		return nil, err
	}
	return tradeBy(conn, "t.id = ?", to.position())
}

// Find implements provider.Ledger.
func (l *Ledger) Find(ctx context.Context, k provider.TradeKey) (*provider.Trade, []provider.Refund, error) {
	if err := k.Check(); err != nil {
		return nil, nil, err
	}
	var found *trade
	var refunds []provider.Refund
	look := func(conn *sqlite.Conn) (err error) {
		refunds = nil
		if found, err = l.findTrade(conn, k, l.finder(conn)); err != nil || found == nil || found.id == 0 {
			return err
		}
		return queryRows(conn, refundColumns+"f.trade = ? ORDER BY f.id", []any{found.id}, func(r *sqlite.Stmt) error {
			refunds = append(refunds, scanRefund(r))
			return nil
		})
	}
	err := l.read(ctx, look)
	if err == nil && found.late(l.now()) {
		if err = l.lapse(ctx, found.No); err == nil {
			err = l.read(ctx, look)
		}
	}
	if err == nil && (found == nil || !k.Fits(&found.Trade)) {
		err = k.Unknown()
	}
	if err != nil {
		return nil, nil, err
	}
	return &found.Trade, refunds, nil
}
