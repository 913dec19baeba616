package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/actprotocol/act-go/examples/processor/book"

	"zombiezen.com/go/sqlite"
)

// auditor writes a report.
type auditor struct{ book.Report }

// rule is a query that finds what must not be: each row it returns is a
// problem, described by its first column.
type rule struct{ name, query string }

// rules computes every projection again from the facts, and compares the facts
// with each other.
var rules = []rule{
	{"a transfer does not sum to zero over two entries of one currency", `
		SELECT t.id FROM transfers t LEFT JOIN entries e ON e.transfer = t.id LEFT JOIN accounts a ON a.id = e.account
		GROUP BY t.id HAVING coalesce(sum(e.amount), 1) <> 0 OR count(e.amount) <> 2 OR count(DISTINCT a.currency) <> 1`},
	{"an account's balance is not the sum of its entries", `
		SELECT a.id FROM accounts a LEFT JOIN balances b ON b.account = a.id
		WHERE b.amount IS NULL OR b.amount <> (SELECT coalesce(sum(e.amount), 0) FROM entries e WHERE e.account = a.id)`},
	{"an account other than the funding account is below zero", `
		SELECT e.account FROM entries e JOIN accounts a ON a.id = e.account WHERE a.kind <> 'funding'
		GROUP BY e.account HAVING sum(e.amount) < 0`},
	{"a mandate's spent total is not the sum of its trades", `
		SELECT m.id FROM mandates m LEFT JOIN mandate_spent s ON s.mandate = m.id
		WHERE s.amount IS NULL OR s.amount <> (SELECT coalesce(sum(t.amount), 0) FROM trades t WHERE t.mandate = m.id)`},
	{"a mandate is overspent", `
		SELECT t.mandate FROM trades t JOIN mandates m ON m.id = t.mandate GROUP BY t.mandate
		HAVING sum(t.amount) > m.total OR count(CASE WHEN t.currency <> m.currency THEN 1 END) > 0`},
	{"a token's spent total is not the sum of its trades, or over its ceiling", `
		SELECT k.id FROM tokens k LEFT JOIN token_spent s ON s.token = k.id
		WHERE s.amount IS NULL OR s.amount > coalesce(k.ceiling, s.amount)
		OR s.amount <> (SELECT coalesce(sum(t.amount), 0) FROM trades t WHERE t.token = k.id)`},
	{"a sub-account's spent total is not the sum of its trades, or over a limit of its own", `
		SELECT s.id FROM subaccounts s LEFT JOIN subaccount_spent u ON u.subaccount = s.id
		WHERE u.amount IS NULL OR u.amount > coalesce(s.total_limit, u.amount)
		OR u.amount <> (SELECT coalesce(sum(t.amount), 0) FROM trades t WHERE t.subaccount = s.id)
		OR EXISTS (SELECT 1 FROM trades t WHERE t.subaccount = s.id AND t.amount > s.single_limit)
		OR EXISTS (SELECT 1 FROM trades t WHERE t.subaccount = s.id GROUP BY t.mandate HAVING sum(t.amount) > s.task_limit)`},
	{"a sub-account has money from elsewhere than its principal, or sent some elsewhere than to a payee", `
		SELECT s.id FROM subaccounts s JOIN entries e ON e.account = s.account JOIN transfers f ON f.id = e.transfer
		JOIN entries o ON o.transfer = f.id AND o.account <> s.account
		WHERE NOT (f.cause = 'top-up' AND e.amount > 0 AND o.account = s.main
			OR f.cause = 'return' AND e.amount < 0 AND o.account = s.main AND f.cause_id = s.subaccount
			OR f.cause = 'payment' AND e.amount < 0 OR f.cause = 'refund' AND e.amount > 0)`},
	{"a sub-account is not an account of its own beside one of its principal in the same currency", `
		SELECT a.id FROM accounts a LEFT JOIN subaccounts s ON s.account = a.id LEFT JOIN accounts m ON m.id = s.main
		WHERE (a.kind = 'subaccount' OR s.id IS NOT NULL)
		AND (a.kind <> 'subaccount' OR a.owner IS NOT s.subaccount OR m.kind IS NOT 'principal' OR m.currency <> a.currency)`},
	{"a cancelled sub-account has money, or was changed afterwards", `
		SELECT s.id FROM subaccounts s JOIN subaccount_states x ON x.subaccount = s.id AND x.state = 'cancelled' JOIN balances b ON b.account = s.account
		WHERE b.amount <> 0 OR EXISTS (SELECT 1 FROM subaccount_states y WHERE y.subaccount = s.id AND y.seq > x.seq)`},
	{"a trade is not one transfer of its amount from the payer to the payee", `
		SELECT t.id FROM trades t
		LEFT JOIN transfers f ON f.cause = 'payment' AND f.cause_id = t.trade_no
		LEFT JOIN tokens k ON k.id = t.token LEFT JOIN subaccounts s ON s.id = t.subaccount
		LEFT JOIN entries p ON p.transfer = f.id AND p.account = coalesce(k.account, s.account)
		LEFT JOIN accounts a ON a.owner = t.payee AND a.currency = t.currency
		LEFT JOIN entries r ON r.transfer = f.id AND r.account = a.id
		WHERE coalesce(p.amount, 0) <> -t.amount OR coalesce(r.amount, 0) <> t.amount`},
	{"a payment transfer has no trade", `
		SELECT f.id FROM transfers f WHERE f.cause = 'payment'
		AND NOT EXISTS (SELECT 1 FROM trades t WHERE t.trade_no = f.cause_id)`},
	{"a trade is not the answer to exactly its own request", `
		SELECT t.id FROM trades t LEFT JOIN requests r ON r.agent = t.agent AND r.request_id = t.request_id
		WHERE r.trade IS NOT t.id AND (t.waiting IS NULL OR r.waiting IS NOT t.waiting)`},
	{"an instant payment is not the answer to exactly its own request", `
		SELECT w.id FROM waiting w LEFT JOIN requests r ON r.agent = w.agent AND r.request_id = w.request_id WHERE r.waiting IS NOT w.id`},
	{"an instant payment was paid without confirmation, or after its time, or otherwise than it was confirmed", `
		SELECT t.id FROM trades t JOIN waiting w ON w.id = t.waiting LEFT JOIN confirmations c ON c.waiting = w.id
		WHERE c.waiting IS NULL OR t.paid_at * 1000000 >= w.expires
		OR (t.trade_no, t.agent, t.request_id, t.scenario, t.method, t.payee, t.order_number, t.amount, t.currency, t.expires, t.memo)
			IS NOT (w.trade_no, w.agent, w.request_id, w.scenario, w.method, w.payee, w.order_number, w.amount, w.currency, w.expires, w.memo)
		OR t.token IS NOT w.token`},
	{"an instant payment was both closed and paid", `
		SELECT d.waiting FROM declines d JOIN trades t ON t.waiting = d.waiting`},
	{"an instant payment was confirmed and has no end", `
		SELECT c.waiting FROM confirmations c WHERE NOT EXISTS (SELECT 1 FROM trades t WHERE t.waiting = c.waiting)
		AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.waiting = c.waiting)`},
	{"money was moved for something that does not exist", `
		SELECT f.id FROM transfers f WHERE f.cause = 'return' AND NOT EXISTS (SELECT 1 FROM subaccounts s WHERE s.subaccount = f.cause_id)`},
	{"a trade has not exactly one event", `
		SELECT t.id FROM trades t WHERE (SELECT count(*) FROM events e WHERE e.trade = t.id AND e.refund IS NULL AND e.type = '` + book.TransactionCompleted + `' AND e.at = t.paid_at) <> 1
		OR (SELECT count(*) FROM events e WHERE e.trade = t.id AND e.refund IS NULL) <> 1`},
	{"a trade was fulfilled and not consumed", `
		SELECT m.trade FROM trade_moves m WHERE m.state <> 'TRADE_CLOSED' AND NOT EXISTS (SELECT 1 FROM consumptions c WHERE c.trade = m.trade)`},
}

// mostProblems is how many rows of one rule a report names.
const mostProblems = 20

// Audit computes sums, balances and spent totals again from the facts, in one
// snapshot, and reports every difference. It does not stop payments, and takes
// a time that grows with the book.
func (l *Ledger) Audit(ctx context.Context) (*book.Report, error) {
	r := new(auditor)
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		for _, n := range []struct {
			into  *int64
			table string
		}{{&r.Accounts, "accounts"}, {&r.Transfers, "transfers"}, {&r.Entries, "entries"}, {&r.Trades, "trades"}, {&r.Mandates, "mandates"},
			{&r.SubAccounts, "subaccounts"},
			{&r.Waiting, `waiting w WHERE NOT EXISTS (SELECT 1 FROM trades t WHERE t.waiting = w.id) AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.waiting = w.id)`},
		} {
			if _, err := queryRow(conn, "SELECT count(*) FROM "+n.table, nil, func(s *sqlite.Stmt) { *n.into = s.ColumnInt64(0) }); err != nil {
				return err
			}
		}
		if err := errors.Join(r.currencies(conn), r.outbox(conn)); err != nil {
			return err
		}
		for _, rule := range slices.Concat(rules, refundRules) {
			if err := r.apply(conn, rule); err != nil {
				return err
			}
		}
		return r.file(conn)
	})
	if err != nil {
		return nil, err
	}
	return &r.Report, nil
}

func (r *auditor) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

func (r *auditor) currencies(conn *sqlite.Conn) error {
	return queryRows(conn, `SELECT a.currency, coalesce(sum(e.amount), 0), -coalesce(sum(e.amount) FILTER (WHERE a.kind = 'funding'), 0)
		FROM accounts a LEFT JOIN entries e ON e.account = a.id GROUP BY a.currency ORDER BY a.currency`, nil,
		func(s *sqlite.Stmt) error {
			c := book.CurrencyReport{Currency: s.ColumnText(0), Sum: s.ColumnInt64(1), Deposited: s.ColumnInt64(2)}
			r.Currencies = append(r.Currencies, c)
			if c.Sum != 0 {
				r.problem("the entries of a currency do not sum to zero: currency %d of the report", len(r.Currencies))
			}
			return nil
		})
}

func (r *auditor) outbox(conn *sqlite.Conn) error {
	r.Unreported = make(map[book.Consumer]int64)
	for _, c := range book.Consumers() {
		if _, err := queryRow(conn, "SELECT count(*) FROM "+readBy+" WHERE id > "+reportedUpTo, []any{string(c)}, func(s *sqlite.Stmt) { r.Unreported[c] = s.ColumnInt64(0) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *auditor) apply(conn *sqlite.Conn, rule rule) error {
	n := 0
	err := queryRows(conn, rule.query, nil, func(s *sqlite.Stmt) error {
		if n++; n <= mostProblems {
			r.problem("%s: row %d", rule.name, s.ColumnInt64(0))
		}
		return nil
	})
	if n > mostProblems {
		r.problem("%s: %d rows in all", rule.name, n)
	}
	return err
}

// file asks SQLite about the file itself.
func (r *auditor) file(conn *sqlite.Conn) error {
	if err := queryRows(conn, "PRAGMA quick_check(1)", nil, func(s *sqlite.Stmt) error {
		if s.ColumnText(0) != "ok" {
			r.problem("the file is damaged")
		}
		return nil
	}); err != nil {
		return err
	}
	return queryRows(conn, "PRAGMA foreign_key_check", nil, func(*sqlite.Stmt) error {
		r.problem("a row refers to one that does not exist")
		return nil
	})
}
