package ledger

import (
	"context"
	"math"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/payment"
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

// taskLines reads every payment of a principal with its two sides, and the
// mandate it was made under. The amounts are those of the entries.
const taskLines = `SELECT coalesce(m.issuer, ''), coalesce(m.delegation_id, ''), t.currency, coalesce(m.total, 0), coalesce(u.amount, 0),
	t.trade_no, t.agent, t.scenario, t.payee, coalesce((SELECT n.name FROM names n WHERE n.owner = t.payee ORDER BY n.seq DESC LIMIT 1), ''),
	t.order_number, coalesce(s.subaccount, ''), -e.amount,
	(SELECT coalesce(sum(b.amount), 0) FROM refunds r JOIN transfers g ON g.cause = 'refund' AND g.cause_id = r.refund_no JOIN entries b ON b.transfer = g.id AND b.amount > 0 WHERE r.trade = t.id),
	coalesce((SELECT v.state FROM trade_moves v WHERE v.trade = t.id ORDER BY v.seq DESC LIMIT 1), ''), t.paid_at
	FROM trades t JOIN transfers f ON f.cause = 'payment' AND f.cause_id = t.trade_no JOIN entries e ON e.transfer = f.id AND e.amount < 0
	LEFT JOIN tokens k ON k.id = t.token LEFT JOIN subaccounts s ON s.id = t.subaccount
	JOIN accounts a ON a.id = coalesce(k.account, s.main)
	LEFT JOIN mandates m ON m.id = t.mandate LEFT JOIN mandate_spent u ON u.mandate = m.id
	WHERE a.owner = ? AND t.paid_at >= ? AND t.paid_at < ? ORDER BY t.id`

// TaskBill implements book.Statements.
func (l *Ledger) TaskBill(ctx context.Context, principal string, from, until time.Time) ([]book.Task, error) {
	if err := book.CheckPeriod(from, until); err != nil {
		return nil, err
	}
	first, end := period(from, until)
	var tasks []book.Task
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		tasks = nil
		type key struct{ issuer, delegation, currency string }
		at := make(map[key]int) // where a task is in tasks
		return queryRows(conn, taskLines, []any{principal, first, end}, func(r *sqlite.Stmt) error {
			k := key{r.ColumnText(0), r.ColumnText(1), r.ColumnText(2)}
			i, known := at[k]
			if !known {
				i, at[k] = len(tasks), len(tasks)
				tasks = append(tasks, book.Task{Issuer: k.issuer, DelegationID: k.delegation, Currency: k.currency, Total: r.ColumnInt64(3), Spent: r.ColumnInt64(4)})
			}
			p := book.TaskPayment{
				TradeNo: r.ColumnText(5), Agent: r.ColumnText(6), Scenario: payment.Scenario(r.ColumnText(7)), Payee: r.ColumnText(8), PayeeName: r.ColumnText(9),
				Order: r.ColumnText(10), SubAccount: r.ColumnText(11), Amount: r.ColumnInt64(12), Refunded: r.ColumnInt64(13),
				State: payment.State(r.ColumnText(14)), PaidAt: fromUnix(r.ColumnInt64(15)),
			}
			if p.State == "" {
				p.State = Paid
			}
			tasks[i].Payments = append(tasks[i].Payments, p)
			tasks[i].Paid += p.Amount
			tasks[i].Refunded += p.Refunded
			return nil
		})
	})
	return tasks, err
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
			count(*) FILTER (WHERE f.cause = 'payment'), coalesce(sum(e.amount) FILTER (WHERE f.cause = 'payment'), 0),
			count(*) FILTER (WHERE f.cause = 'refund'), -coalesce(sum(e.amount) FILTER (WHERE f.cause = 'refund'), 0)
			FROM transfers f JOIN entries e ON e.transfer = f.id JOIN accounts a ON a.id = e.account AND a.kind = 'merchant'
			WHERE f.cause IN ('payment', 'refund') AND f.at >= ? AND f.at < ?
			GROUP BY a.id ORDER BY a.owner, a.currency`, []any{first, end}, func(r *sqlite.Stmt) error {
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
