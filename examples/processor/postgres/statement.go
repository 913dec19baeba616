package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/provider"
)

// period is a period in the form of the queries: nil is no limit.
func period(from, until time.Time) (first, end *time.Time) {
	if !from.IsZero() {
		first = &from
	}
	if !until.IsZero() {
		end = &until
	}
	return first, end
}

// taskLines reads every payment of a principal with what was given back of it,
// and the mandate it was made under. The amounts are those of the transfers.
const taskLines = `SELECT coalesce(m.issuer, ''), coalesce(m.delegation_id, ''), t.currency, coalesce(m.total, 0), coalesce(u.spent, 0),
	t.trade_no, t.agent, t.scenario, t.payee, coalesce((SELECT n.name FROM names n WHERE n.owner = t.payee ORDER BY n.seq DESC LIMIT 1), ''),
	t.order_number, coalesce(s.subaccount, ''), f.amount,
	(SELECT coalesce(sum(g.amount), 0)::bigint FROM refunds r JOIN transfers g ON g.id = r.id AND g.cause = 'refund' WHERE r.trade = t.id),
	coalesce((SELECT v.state FROM trade_moves v WHERE v.trade = t.id ORDER BY v.seq DESC LIMIT 1), ''), t.paid_at
	FROM accounts a JOIN LATERAL (SELECT a.id AS account UNION ALL SELECT p.account FROM subaccounts p WHERE p.main = a.id) own ON true
	JOIN transfers f ON f.debit = own.account AND f.cause = 'payment' JOIN trades t ON t.id = f.id
	LEFT JOIN subaccounts s ON s.id = t.subaccount
	LEFT JOIN mandates m ON m.id = t.mandate LEFT JOIN budgets u ON u.mandate = m.id
	WHERE a.owner = $1 AND ($2::timestamptz IS NULL OR t.paid_at >= $2) AND ($3::timestamptz IS NULL OR t.paid_at < $3) ORDER BY t.paid_at, t.id`

// TaskBill implements book.Statements.
func (s *Store) TaskBill(ctx context.Context, principal string, from, until time.Time) ([]book.Task, error) {
	if err := book.CheckPeriod(from, until); err != nil {
		return nil, err
	}
	first, end := period(from, until)
	var tasks []book.Task
	type name struct{ issuer, delegation, currency string }
	at := make(map[name]int) // where a task is in tasks
	err := s.query(ctx, func(r pgx.Rows) error {
		var k book.Task
		var p book.TaskPayment
		if err := r.Scan(&k.Issuer, &k.DelegationID, &k.Currency, &k.Total, &k.Spent, &p.TradeNo, &p.Agent, &p.Scenario, &p.Payee, &p.PayeeName,
			&p.Order, &p.SubAccount, &p.Amount, &p.Refunded, &p.State, &p.PaidAt); err != nil {
			return err
		}
		of := name{k.Issuer, k.DelegationID, k.Currency}
		i, known := at[of]
		if !known {
			i, at[of] = len(tasks), len(tasks)
			tasks = append(tasks, k)
		}
		if p.PaidAt = p.PaidAt.UTC(); p.State == "" {
			p.State = provider.StatePaid
		}
		tasks[i].Payments = append(tasks[i].Payments, p)
		tasks[i].Paid += p.Amount
		tasks[i].Refunded += p.Refunded
		return nil
	}, taskLines, principal, first, end)
	if len(tasks) > 0 || err != nil {
		return tasks, err
	}
	var one int
	known, err := s.one(ctx, "SELECT 1 FROM accounts WHERE owner = $1 AND kind = $2 LIMIT 1", []any{principal, string(book.Principal)}, &one)
	if err == nil && !known {
		err = book.NoAccount("PSD-PAY-AUP-05")
	}
	return nil, err
}

// settlementLines sums up both sides of merchants' accounts.
const settlementLines = `SELECT a.owner, coalesce((SELECT n.name FROM names n WHERE n.owner = a.owner ORDER BY n.seq DESC LIMIT 1), ''), a.currency,
	count(*) FILTER (WHERE f.cause = 'payment'), coalesce(sum(e.amount) FILTER (WHERE f.cause = 'payment'), 0)::bigint,
	count(*) FILTER (WHERE f.cause = 'refund'), -coalesce(sum(e.amount) FILTER (WHERE f.cause = 'refund'), 0)::bigint
	FROM transfers f JOIN entries e ON e.transfer = f.id JOIN accounts a ON a.id = e.account AND a.kind = 'merchant'
	WHERE f.cause IN ('payment', 'refund') AND ($1::timestamptz IS NULL OR f.at >= $1) AND ($2::timestamptz IS NULL OR f.at < $2)
	GROUP BY a.id ORDER BY a.owner, a.currency`

// Settlement implements book.Statements.
func (s *Store) Settlement(ctx context.Context, from, until time.Time) ([]book.Settlement, error) {
	if err := book.CheckPeriod(from, until); err != nil {
		return nil, err
	}
	first, end := period(from, until)
	var out []book.Settlement
	err := s.query(ctx, func(r pgx.Rows) error {
		var x book.Settlement
		err := r.Scan(&x.Merchant, &x.Name, &x.Currency, &x.Payments, &x.Gross, &x.Refunds, &x.Refunded)
		x.Net = x.Gross - x.Refunded
		out = append(out, x)
		return err
	}, settlementLines, first, end)
	return out, err
}
