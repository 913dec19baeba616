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
// with each other. That a transfer has two sides which sum to zero needs no
// rule: both are one row.
var rules = []rule{
	{"a transfer is not between two accounts of one currency", `
		SELECT f.id FROM transfers f LEFT JOIN accounts a ON a.id = f.payer LEFT JOIN accounts b ON b.id = f.payee
		WHERE a.currency IS NULL OR a.currency IS NOT b.currency OR a.id = b.id`},
	{"an account's balance is not the sum of its entries, or its history not that of its transfers", `
		WITH sums AS MATERIALIZED (SELECT account, sum(amount) AS sum, max(transfer) AS last FROM entries GROUP BY account)
		SELECT a.id FROM accounts a LEFT JOIN balances b ON b.account = a.id LEFT JOIN sums s ON s.account = a.id
		WHERE b.amount IS NOT coalesce(s.sum, 0) OR b.last IS NOT coalesce(s.last, 0)`},
	{"an account other than the funding account is below zero", `
		SELECT e.account FROM entries e JOIN accounts a ON a.id = e.account WHERE a.kind <> 'funding'
		GROUP BY e.account HAVING sum(e.amount) < 0`},
	{"a transfer does not name the one before it", `
		SELECT id FROM (SELECT id, prev, lag(id, 1, 0) OVER (PARTITION BY account ORDER BY id) AS was
			FROM (SELECT payer AS account, id, payer_prev AS prev FROM transfers UNION ALL SELECT payee, id, payee_prev FROM transfers))
		WHERE prev <> was`},
	{"a mandate's spent total is not the sum of its trades", `
		WITH sums AS MATERIALIZED (SELECT mandate, sum(amount) AS sum, max(id) AS last FROM payments WHERE mandate IS NOT NULL GROUP BY mandate)
		SELECT m.id FROM mandates m LEFT JOIN mandate_spent s ON s.mandate = m.id LEFT JOIN sums t ON t.mandate = m.id
		WHERE s.amount IS NOT coalesce(t.sum, 0) OR s.last IS NOT coalesce(t.last, 0)`},
	{"a payment does not continue what was spent under its mandate", `
		SELECT id FROM (SELECT id, mandate_prev, spent_total - amount AS before, lag(id, 1, 0) OVER w AS was, lag(spent_total, 1, 0) OVER w AS spent
			FROM payments WHERE mandate IS NOT NULL WINDOW w AS (PARTITION BY mandate ORDER BY id))
		WHERE mandate_prev <> was OR before <> spent`},
	{"a mandate is overspent", `
		SELECT p.mandate FROM payments p JOIN mandates m ON m.id = p.mandate JOIN accounts a ON a.id = p.payee GROUP BY p.mandate
		HAVING sum(p.amount) > m.total OR count(CASE WHEN a.currency <> m.currency THEN 1 END) > 0`},
	{"a token's spent total is not the sum of its trades, or over its ceiling", `
		WITH sums AS MATERIALIZED (SELECT token, sum(amount) AS sum FROM payments WHERE token IS NOT NULL GROUP BY token)
		SELECT k.id FROM tokens k LEFT JOIN token_spent s ON s.token = k.id LEFT JOIN sums t ON t.token = k.id
		WHERE s.amount IS NOT coalesce(t.sum, 0) OR s.amount > coalesce(k.ceiling, s.amount)`},
	{"a sub-account's spent total is not the sum of its trades, or over a limit of its own", `
		SELECT s.id FROM subaccounts s LEFT JOIN subaccount_spent u ON u.subaccount = s.id
		WHERE u.amount IS NULL OR u.amount > coalesce(s.total_limit, u.amount)
		OR u.amount <> (SELECT coalesce(sum(p.amount), 0) FROM payments p WHERE p.subaccount = s.id)
		OR EXISTS (SELECT 1 FROM payments p WHERE p.subaccount = s.id AND p.amount > s.single_limit)
		OR EXISTS (SELECT 1 FROM payments p WHERE p.subaccount = s.id GROUP BY p.mandate HAVING sum(p.amount) > s.task_limit)`},
	{"a sub-account has money from elsewhere than its principal, or sent some elsewhere than to a payee", `
		SELECT f.id FROM transfers f JOIN subaccounts s ON s.account = f.payee
		WHERE NOT (f.cause = 'top-up' AND f.payer = s.main OR f.cause = 'refund')
		UNION ALL SELECT f.id FROM transfers f JOIN subaccounts s ON s.account = f.payer
		WHERE NOT (f.cause = 'payment' OR f.cause = 'return' AND f.payee = s.main AND f.cause_id = s.subaccount)`},
	{"a sub-account is not an account of its own beside one of its principal in the same currency", `
		SELECT a.id FROM accounts a LEFT JOIN subaccounts s ON s.account = a.id LEFT JOIN accounts m ON m.id = s.main
		WHERE (a.kind = 'subaccount' OR s.id IS NOT NULL)
		AND (a.kind <> 'subaccount' OR a.owner IS NOT s.subaccount OR m.kind IS NOT 'principal' OR m.currency <> a.currency)`},
	{"a cancelled sub-account has money, or was changed afterwards", `
		SELECT s.id FROM subaccounts s JOIN subaccount_states x ON x.subaccount = s.id AND x.state = 'cancelled' JOIN balances b ON b.account = s.account
		WHERE b.amount <> 0 OR EXISTS (SELECT 1 FROM subaccount_states y WHERE y.subaccount = s.id AND y.seq > x.seq)`},
	{"a payment does not go from its instrument's account to a merchant", `
		SELECT p.id FROM payments p LEFT JOIN tokens k ON k.id = p.token LEFT JOIN subaccounts s ON s.id = p.subaccount LEFT JOIN accounts a ON a.id = p.payee
		WHERE p.payer IS NOT coalesce(k.account, s.account) OR a.kind IS NOT 'merchant'`},
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
	{"an event was acknowledged that does not exist", `
		SELECT r.event FROM event_reports r WHERE NOT EXISTS (SELECT 1 FROM payments WHERE id = r.event) AND NOT EXISTS (SELECT 1 FROM other_events WHERE id = r.event)`},
	{"a trade was fulfilled and not consumed", `
		SELECT m.trade FROM trade_moves m WHERE m.state <> 'TRADE_CLOSED' AND NOT EXISTS (SELECT 1 FROM consumptions c WHERE c.trade = m.trade)`},
}

// mostProblems is how many rows of one rule a report names.
const mostProblems = 20

// Audit implements book.Book.
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
		for _, rule := range slices.Concat(rules, causeRules, refundRules, bindingRules) {
			if err := r.apply(conn, rule); err != nil {
				return err
			}
		}
		if err := errors.Join(r.guards(conn), r.numbers(conn), r.keys(conn), r.grants(conn)); err != nil {
			return err
		}
		if err := l.auditKeys(conn, r); err != nil {
			return err
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

// auditKeys looks whether the keys of every fact lead to that fact and to no
// other, and whether there are keys that lead to none. Two answers to one
// request, two payments of one order and two budgets of one mandate are so found
// as well.
func (l *Ledger) auditKeys(conn *sqlite.Conn, r *auditor) error {
	x := index{fresh: make(map[key]ref)}
	upto, err := x.load(conn, false)
	if err != nil {
		return err
	}
	wrong, inRuns := int64(0), int64(0)
	check := func(k key, to ref) {
		known, found, maybe := x.known(k)
		if !found && maybe != nil {
			if known, found, err = look(conn, k, maybe); err != nil {
				return
			}
		}
		old := to.position() <= upto
		if found != old || found && known != to {
			wrong++
		}
		if old {
			inRuns++
		} else if !found {
			x.fresh[k] = to
		}
	}
	if failed := l.factKeys(conn, 0, check); failed != nil || err != nil {
		return errors.Join(failed, err)
	}
	var written int64
	if _, err := queryRow(conn, "SELECT coalesce(sum(length(keys)), 0) / ? FROM run_parts WHERE id < ?",
		[]any{int64(entrySize), int64(len(x.runs)+1) << runShift}, func(s *sqlite.Stmt) { written = s.ColumnInt64(0) }); err != nil {
		return err
	}
	if wrong > 0 {
		r.problem("a key does not lead to its fact, or leads to two: %d in all", wrong)
	}
	if written != inRuns {
		r.problem("the index has %d keys, the facts have %d", written, inRuns)
	}
	return nil
}

func (r *auditor) outbox(conn *sqlite.Conn) error {
	r.Unreported = make(map[book.Consumer]int64)
	for _, c := range book.Consumers() {
		if _, err := queryRow(conn, `SELECT (SELECT count(*) FROM payments WHERE id > r.upto) + (SELECT count(*) FROM other_events WHERE id > r.upto AND ?2)
			FROM (SELECT `+reportedUpTo+` AS upto) r`, []any{string(c), c.All()}, func(s *sqlite.Stmt) { r.Unreported[c] = s.ColumnInt64(0) }); err != nil {
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
