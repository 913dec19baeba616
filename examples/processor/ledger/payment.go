package ledger

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// Pay decides a payment and makes it. The trade it returns, or the refusal, is
// the answer to this request id for ever: a later request with the same content
// and a fresh nonce gets it again, also when by then there would be money, or
// budget, or when the token was frozen since.
//
// In one transaction, and in this order: the nonce (replayed), the earlier
// answer (the first answer, or request_conflict), then all checks that depend
// on the book, of which the first in the order of the codes is reported, and
// the debit with its event for the outbox. A refusal that is stored is a
// *payment.Refusal; its reason has all checks.
//
// An undetermined error means that nothing is known to have happened; ask again
// with the same request id.
func (l *Ledger) Pay(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if p.Instant() {
		return nil, protocol.New(protocol.CodeFieldMissing, "iac", "PSD-PAY-DEL-04", "an instant payment is begun, and settled when it is confirmed")
	}
	return l.answer(ctx, p.Request, func(t *tx) (answer, error) { return t.pay(&p) })
}

func (t *tx) pay(p *provider.Payment) (answer, error) {
	f, err := t.gather(p)
	if err != nil {
		return answer{}, err
	}
	decision := f.judge(p, t.now)
	if err := decision.Err(); err != nil {
		return found(err), nil
	}
	trade, err := t.debit(p, f, provider.TradeNo(t.now))
	if err != nil {
		return answer{}, err
	}
	trade.Decision = decision
	return answer{trade: trade}, nil
}

// found is a denial that the book made. What is undetermined is no answer to a
// request, nor is an authorization by a wrong key: the same request may come
// again with the right one.
func found(err error) answer {
	refusal := protocol.AsError(err)
	passing := refusal.Code.Outcome() != protocol.Denied || refusal.Code == protocol.CodeSubAccountKey
	return answer{refusal: refusal, passing: passing}
}

// position is everything in the book that a payment depends on: the facts that
// are judged, and the rows that a debit changes.
type position struct {
	provider.Facts
	mandate, waiting  int64 // one of them is 0
	token, subaccount int64 // one of them is 0
	payer, payee      int64 // accounts; 0 when there is none
	task, taskLimit   int64 // spent from the sub-account under this mandate
}

// judge adds to what every ledger judges the one limit that only this one has.
func (f *position) judge(p *provider.Payment, now time.Time) protocol.Decision {
	d := f.Judge(p, now)
	if f.taskLimit > 0 && f.SubAccount != nil && f.SubAccount.Agent == p.Request.Agent {
		d.Require(p.Amount <= f.taskLimit-f.task, protocol.CodeTotalLimitExceeded, "PSD-AGT-SUB-06", "sub-account's limit for one task", "subaccount_id", "")
	}
	return d
}

// gather reads the position, and pins the mandate when it is seen for the first
// time: from then on the pair of issuer and delegation id means this payload
// and this budget and no other.
func (t *tx) gather(p *provider.Payment) (f position, err error) {
	if !p.Instant() {
		if err := t.budget(p, &f); err != nil {
			return f, err
		}
	}
	f.OrderPaid, err = t.row("SELECT 1 FROM trades WHERE payee = ? AND order_number = ?", []any{p.Payee, p.Order}, func(*sqlite.Stmt) {})
	if err != nil {
		return f, err
	}
	payee, found, err := t.account(p.Payee, p.Currency)
	if err != nil {
		return f, err
	}
	f.payee, f.Payee = payee.id, found && payee.kind == book.Merchant
	if p.Token != "" {
		return f, t.instrument(p.Token, &f)
	}
	return f, t.purseFor(p.SubAccount, &f)
}

// budget reads what was spent under a mandate, or pins it.
func (t *tx) budget(p *provider.Payment, f *position) error {
	found, err := t.row("SELECT m.id, m.digest, s.amount FROM mandates m JOIN mandate_spent s ON s.mandate = m.id WHERE m.issuer = ? AND m.delegation_id = ?",
		[]any{p.Mandate.Issuer, p.Mandate.DelegationID}, func(r *sqlite.Stmt) {
			f.mandate, f.Pinned, f.Spent = r.ColumnInt64(0), digest(r, 1), r.ColumnInt64(2)
		})
	if found || err != nil {
		return err
	}
	if err := t.exec("INSERT INTO mandates (issuer, delegation_id, digest, total, currency, pinned_at) VALUES (?, ?, ?, ?, ?, ?)",
		p.Mandate.Issuer, p.Mandate.DelegationID, string(p.Mandate.Digest), p.Mandate.Total, p.Currency, t.unix()); err != nil {
		return err
	}
	f.mandate, f.Pinned = t.conn.LastInsertRowID(), p.Mandate.Digest
	return t.exec("INSERT INTO mandate_spent (mandate, amount) VALUES (?, 0)", f.mandate)
}

// debit writes the trade and moves the money. Nothing here decides, and no
// overflow is to be looked for: all money of a currency came out of one funding
// account, so what payer and payee have together fits.
func (t *tx) debit(p *provider.Payment, f position, no string) (*trade, error) {
	made := &trade{Trade: provider.Trade{
		No: no, Agent: p.Request.Agent, RequestID: p.Request.ID, Scenario: p.Scenario, Method: p.Method,
		Payee: p.Payee, Order: p.Order, Issuer: p.Mandate.Issuer, DelegationID: p.Mandate.DelegationID,
		Principal: f.principal(), SubAccount: p.SubAccount, Amount: p.Amount, Currency: p.Currency,
		Expires: exact(p.Expires.UnixMicro()), Memo: p.Memo, State: Paid, PaidAt: fromUnix(t.unix()),
	}}
	if f.mandate != 0 {
		made.SpentTotal = f.Spent + p.Amount
	}
	if made.Memo == nil {
		made.Memo = []byte{}
	}
	if err := t.exec(`INSERT INTO trades (trade_no, agent, request_id, scenario, method, payee, order_number, mandate, waiting, token, subaccount, amount, currency, spent_total, expires, paid_at, memo)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		made.No, made.Agent, made.RequestID, string(made.Scenario), made.Method, made.Payee, made.Order, orNull(f.mandate), orNull(f.waiting),
		orNull(f.token), orNull(f.subaccount), made.Amount, made.Currency, made.SpentTotal, p.Expires.UnixMicro(), t.unix(), made.Memo); err != nil {
		return nil, err
	}
	made.id = t.conn.LastInsertRowID()
	if err := t.completed(made.id); err != nil {
		return nil, err
	}
	if f.mandate != 0 {
		if err := t.exec("UPDATE mandate_spent SET amount = ? WHERE mandate = ?", made.SpentTotal, f.mandate); err != nil {
			return nil, err
		}
	}
	if err := t.taken(f, f.Taken+p.Amount); err != nil {
		return nil, err
	}
	return made, t.post("payment", no, f.payer, f.payee, p.Amount)
}

// taken writes what was spent by token, or from the sub-account.
func (t *tx) taken(f position, amount int64) error {
	if f.token != 0 {
		return t.exec("UPDATE token_spent SET amount = ? WHERE token = ?", amount, f.token)
	}
	return t.exec("UPDATE subaccount_spent SET amount = ? WHERE subaccount = ?", amount, f.subaccount)
}

// principal is whose money it is.
func (f *position) principal() string {
	if f.Token != nil {
		return f.Token.Principal
	}
	return f.SubAccount.Principal
}
