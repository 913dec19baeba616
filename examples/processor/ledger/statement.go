package ledger

import (
	"context"
	"math"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// period is a period in seconds; the zero time is no limit.
func period(from, until time.Time) (first, end int64) {
	first, end = math.MinInt64, math.MaxInt64
	if !from.IsZero() {
		first = ceil(from)
	}
	if !until.IsZero() {
		end = ceil(until)
	}
	return first, end
}

// taskLine reads a payment with its two sides, and the mandate it was made
// under.
const taskLine = `SELECT coalesce(m.issuer, ''), coalesce(m.delegation_id, ''), b.currency, coalesce(m.total, 0), coalesce(u.amount, 0),
	t.trade_no, coalesce(k.agent, s.agent), t.scenario, b.owner, coalesce((SELECT n.name FROM names n WHERE n.owner = b.owner ORDER BY n.seq DESC LIMIT 1), ''),
	t.order_number, coalesce(s.subaccount, ''), t.amount,
	(SELECT coalesce(sum(g.amount), 0) FROM refunds r JOIN moves g ON g.cause = 'refund' AND g.cause_id = r.refund_no WHERE r.trade = t.id),
	coalesce((SELECT v.state FROM trade_moves v WHERE v.trade = t.id ORDER BY v.seq DESC LIMIT 1), '` + string(provider.StatePaid) + `'), t.paid_at
	FROM payments t JOIN accounts b ON b.id = t.payee LEFT JOIN tokens k ON k.id = t.token LEFT JOIN subaccounts s ON s.id = t.subaccount
	LEFT JOIN mandates m ON m.id = t.mandate LEFT JOIN mandate_spent u ON u.mandate = m.id
	WHERE t.id = ?`

// TaskBill implements book.Statements. It walks the histories of the accounts
// that the principal pays from, so that it costs what the bill is long.
func (l *Ledger) TaskBill(ctx context.Context, principal string, from, until time.Time) ([]book.Task, error) {
	if err := book.CheckPeriod(from, until); err != nil {
		return nil, err
	}
	first, end := period(from, until)
	var bill bill
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		bill.tasks, bill.at = nil, make(map[taskKey]int)
		payments, err := paidBy(conn, principal, first, end, since(from))
		for _, at := range payments {
			if err == nil {
				_, err = queryRow(conn, taskLine, []any{at}, bill.add)
			}
		}
		if len(payments) > 0 || err != nil {
			return err
		}
		known, err := has(conn, principal, book.Principal)
		if err == nil && !known {
			err = book.NoAccount("PSD-PAY-AUP-05")
		}
		return err
	})
	return bill.tasks, err
}

// since is the position behind which everything lies that happened from a time
// on; the zero time is no limit.
func since(from time.Time) int64 {
	if from.IsZero() {
		return 0
	}
	return positionAt(from)
}

// paidBy are the positions of the payments of a principal in a period of
// seconds, in their order.
func paidBy(conn *sqlite.Conn, principal string, first, end, since int64) (payments []int64, err error) {
	type account struct{ id, last int64 }
	var accounts []account
	if err := queryRows(conn, `SELECT b.account, b.last FROM accounts a JOIN balances b ON b.account = a.id WHERE a.owner = ?1 AND a.kind = 'principal'
		UNION ALL SELECT b.account, b.last FROM accounts a JOIN subaccounts s ON s.main = a.id JOIN balances b ON b.account = s.account WHERE a.owner = ?1`, []any{principal},
		func(r *sqlite.Stmt) error {
			accounts = append(accounts, account{r.ColumnInt64(0), r.ColumnInt64(1)})
			return nil
		}); err != nil {
		return nil, err
	}
	for _, a := range accounts {
		if err := eachTransfer(conn, a.id, a.last, func(e book.Entry) bool {
			if at := e.At.Unix(); e.Cause == "payment" && e.Amount < 0 && at >= first && at < end {
				payments = append(payments, e.Transfer)
			}
			return e.Transfer > since
		}); err != nil {
			return nil, err
		}
	}
	slices.Sort(payments)
	return payments, nil
}

type taskKey struct{ issuer, delegation, currency string }

// A bill is a list of tasks that grows by payments.
type bill struct {
	tasks []book.Task
	at    map[taskKey]int // where a task is in tasks
}

func (b *bill) add(r *sqlite.Stmt) {
	k := taskKey{r.ColumnText(0), r.ColumnText(1), r.ColumnText(2)}
	i, known := b.at[k]
	if !known {
		i, b.at[k] = len(b.tasks), len(b.tasks)
		b.tasks = append(b.tasks, book.Task{Issuer: k.issuer, DelegationID: k.delegation, Currency: k.currency, Total: r.ColumnInt64(3), Spent: r.ColumnInt64(4)})
	}
	p := book.TaskPayment{
		TradeNo: r.ColumnText(5), Agent: r.ColumnText(6), Scenario: payment.Scenario(r.ColumnText(7)), Payee: r.ColumnText(8), PayeeName: r.ColumnText(9),
		Order: r.ColumnText(10), SubAccount: r.ColumnText(11), Amount: r.ColumnInt64(12), Refunded: r.ColumnInt64(13),
		State: payment.State(r.ColumnText(14)), PaidAt: fromUnix(r.ColumnInt64(15)),
	}
	task := &b.tasks[i]
	task.Payments, task.Paid, task.Refunded = append(task.Payments, p), task.Paid+p.Amount, task.Refunded+p.Refunded
}

// Settlement implements book.Statements.
func (l *Ledger) Settlement(ctx context.Context, from, until time.Time) ([]book.Settlement, error) {
	if err := book.CheckPeriod(from, until); err != nil {
		return nil, err
	}
	first, end := period(from, until)
	var out []book.Settlement
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		out = nil
		return queryRows(conn, `SELECT a.owner, coalesce((SELECT n.name FROM names n WHERE n.owner = a.owner ORDER BY n.seq DESC LIMIT 1), ''), a.currency,
			sum(x.paid), sum(x.gross), sum(x.refunds), sum(x.refunded)
			FROM (SELECT payee AS account, 1 AS paid, amount AS gross, 0 AS refunds, 0 AS refunded FROM payments WHERE id >= ?3 AND paid_at >= ?1 AND paid_at < ?2
				UNION ALL SELECT payer, 0, 0, 1, amount FROM moves WHERE cause = 'refund' AND id >= ?3 AND at >= ?1 AND at < ?2) x
			JOIN accounts a ON a.id = x.account GROUP BY a.id ORDER BY a.owner, a.currency`, []any{first, end, since(from)}, func(r *sqlite.Stmt) error {
			s := book.Settlement{
				Merchant: r.ColumnText(0), Name: r.ColumnText(1), Currency: r.ColumnText(2), Payments: r.ColumnInt64(3), Gross: r.ColumnInt64(4),
				Refunds: r.ColumnInt64(5), Refunded: r.ColumnInt64(6),
			}
			s.Net = s.Gross - s.Refunded
			out = append(out, s)
			return nil
		})
	})
	return out, err
}
