package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/payment"
)

// rule is a query that finds what must not be: each row it returns is a
// problem, described by its first column, a number.
type rule struct{ name, query string }

// rules computes every projection again from the facts, and compares the facts
// with each other.
var rules = []rule{
	{"a transfer refers to an account that does not exist, or changes the currency", `
		SELECT t.id FROM transfers t LEFT JOIN accounts d ON d.id = t.debit LEFT JOIN accounts c ON c.id = t.credit
		WHERE d.currency IS DISTINCT FROM c.currency OR d.id IS NULL`},
	{"an account's balance is not the sum of its entries", `
		SELECT a.id FROM accounts a LEFT JOIN (SELECT account, sum(amount) AS amount FROM balances GROUP BY account) b ON b.account = a.id
		LEFT JOIN (SELECT account, sum(amount) AS amount FROM entries GROUP BY account) e ON e.account = a.id
		WHERE b.amount IS DISTINCT FROM coalesce(e.amount, 0)`},
	{"a balance has no account", `SELECT b.account FROM balances b WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = b.account)`},
	{"an account other than the funding account is below zero", `
		SELECT e.account FROM entries e JOIN accounts a ON a.id = e.account WHERE a.kind <> 'funding'
		GROUP BY e.account HAVING sum(e.amount) < 0`},
	{"a mandate's spent total is not the sum of its trades", `
		SELECT m.id FROM mandates m LEFT JOIN budgets s ON s.mandate = m.id
		LEFT JOIN (SELECT mandate, sum(amount) AS amount FROM trades GROUP BY mandate) t ON t.mandate = m.id
		WHERE s.spent IS DISTINCT FROM coalesce(t.amount, 0)`},
	{"a mandate is overspent", `
		SELECT t.mandate FROM trades t LEFT JOIN mandates m ON m.id = t.mandate WHERE t.mandate IS NOT NULL GROUP BY t.mandate
		HAVING sum(t.amount) > coalesce(min(m.total), -1) OR count(*) FILTER (WHERE t.currency IS DISTINCT FROM m.currency) > 0`},
	{"a token's spent total is not the sum of its trades, or over its ceiling", `
		SELECT k.id FROM tokens k LEFT JOIN token_now n ON n.token = k.id
		LEFT JOIN (SELECT token, sum(amount) AS amount FROM trades GROUP BY token) t ON t.token = k.id
		WHERE n.spent IS DISTINCT FROM coalesce(t.amount, 0) OR k.ceiling > 0 AND n.spent > k.ceiling`},
	{"a token's state is not its last", `
		SELECT k.id FROM tokens k LEFT JOIN token_now n ON n.token = k.id
		WHERE n.state IS DISTINCT FROM (SELECT state FROM token_states s WHERE s.token = k.id ORDER BY seq DESC LIMIT 1)`},
	{"a sub-account's spent total is not the sum of its trades, or over a limit of its own", `
		SELECT s.id FROM subaccounts s LEFT JOIN subaccount_now n ON n.subaccount = s.id
		LEFT JOIN (SELECT subaccount, sum(amount) AS amount, max(amount) AS most FROM trades GROUP BY subaccount) t ON t.subaccount = s.id
		WHERE n.spent IS DISTINCT FROM coalesce(t.amount, 0) OR s.total_limit > 0 AND n.spent > s.total_limit
		OR s.single_limit > 0 AND t.most > s.single_limit
		OR s.task_limit > 0 AND EXISTS (SELECT 1 FROM trades t WHERE t.subaccount = s.id GROUP BY t.mandate HAVING sum(t.amount) > s.task_limit)`},
	{"a sub-account's state is not what its changes make it", `
		SELECT s.id FROM subaccounts s LEFT JOIN subaccount_now n ON n.subaccount = s.id LEFT JOIN subaccount_view v ON v.subaccount = s.id
		WHERE (n.state, n.cause) IS DISTINCT FROM (v.state, v.cause)`},
	{"a sub-account has money from elsewhere than its principal, or sent some elsewhere than to a payee", `
		SELECT s.id FROM subaccounts s JOIN transfers f ON s.account IN (f.debit, f.credit)
		WHERE NOT (f.cause = 'top-up' AND f.credit = s.account AND f.debit = s.main
			OR f.cause = 'return' AND f.debit = s.account AND f.credit = s.main AND f.cause_id = s.subaccount
			OR f.cause = 'payment' AND f.debit = s.account OR f.cause = 'refund' AND f.credit = s.account)`},
	{"a sub-account is not an account of its own beside one of its principal in the same currency", `
		SELECT a.id FROM accounts a LEFT JOIN subaccounts s ON s.account = a.id LEFT JOIN accounts m ON m.id = s.main
		WHERE (a.kind = 'subaccount' OR s.id IS NOT NULL)
		AND (a.kind <> 'subaccount' OR a.owner IS DISTINCT FROM s.subaccount OR m.kind IS DISTINCT FROM 'principal' OR m.currency IS DISTINCT FROM a.currency)`},
	{"a cancelled sub-account has money, or was changed afterwards", `
		SELECT s.id FROM subaccounts s JOIN subaccount_states x ON x.subaccount = s.id AND x.state = 'cancelled' JOIN balances b ON b.account = s.account
		WHERE b.amount <> 0 OR EXISTS (SELECT 1 FROM subaccount_states y WHERE y.subaccount = s.id AND y.seq > x.seq)`},
	{"a trade is not one transfer of its amount from the payer to the payee", `
		SELECT t.id FROM trades t
		LEFT JOIN transfers f ON f.id = t.id AND f.cause = 'payment' AND f.cause_id = t.trade_no
		LEFT JOIN tokens k ON k.id = t.token LEFT JOIN subaccounts s ON s.id = t.subaccount
		LEFT JOIN accounts a ON a.owner = t.payee AND a.currency = t.currency AND a.kind = 'merchant'
		WHERE (f.amount, f.debit, f.credit) IS DISTINCT FROM (t.amount, coalesce(k.account, s.account), a.id) OR a.id IS NULL OR f.at <> t.paid_at`},
	{"a payment transfer has no trade", `
		SELECT f.id FROM transfers f WHERE f.cause = 'payment' AND NOT EXISTS (SELECT 1 FROM trades t WHERE t.id = f.id)`},
	{"a trade is not the answer to exactly its own request", `
		SELECT t.id FROM trades t LEFT JOIN requests r ON r.key = name_key('request', t.agent, t.request_id)
		WHERE r.trade IS DISTINCT FROM t.id AND (t.waiting IS NULL OR r.waiting IS DISTINCT FROM t.waiting)`},
	{"an answer refers to nothing", `
		SELECT coalesce(r.trade, r.waiting) FROM requests r WHERE r.trade IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trades t WHERE t.id = r.trade)
		OR r.waiting IS NOT NULL AND NOT EXISTS (SELECT 1 FROM waiting w WHERE w.id = r.waiting)`},
	{"an order was paid under another key than its own", `SELECT t.id FROM trades t WHERE t.order_key <> name_key('order', t.payee, t.order_number)`},
	{"an instant payment is not the answer to exactly its own request", `
		SELECT w.id FROM waiting w LEFT JOIN requests r ON r.key = name_key('request', w.agent, w.request_id) WHERE r.waiting IS DISTINCT FROM w.id`},
	{"an instant payment was paid without confirmation, or after its time, or otherwise than it was confirmed", `
		SELECT t.id FROM trades t LEFT JOIN waiting w ON w.id = t.waiting LEFT JOIN confirmations c ON c.waiting = w.id
		WHERE t.waiting IS NOT NULL AND (c.waiting IS NULL OR t.paid_at >= w.expires
		OR (t.trade_no, t.agent, t.request_id, t.scenario, t.method, t.payee, t.order_number, t.amount, t.currency, t.expires, t.memo, t.token)
			IS DISTINCT FROM (w.trade_no, w.agent, w.request_id, w.scenario, w.method, w.payee, w.order_number, w.amount, w.currency, w.expires, w.memo, w.token))`},
	{"an instant payment was both closed and paid", `SELECT d.waiting FROM declines d JOIN trades t ON t.waiting = d.waiting`},
	{"an instant payment was confirmed and has no end", `
		SELECT c.waiting FROM confirmations c WHERE NOT EXISTS (SELECT 1 FROM trades t WHERE t.waiting = c.waiting)
		AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.waiting = c.waiting)`},
	{"money was moved for something that does not exist", `
		SELECT f.id FROM transfers f WHERE f.cause NOT IN ('deposit', 'payment', 'top-up', 'return', 'refund')
		OR f.cause = 'return' AND NOT EXISTS (SELECT 1 FROM subaccounts s WHERE s.subaccount = f.cause_id)`},
	{"a trade has not exactly one event of its payment", `
		SELECT t.id FROM trades t LEFT JOIN events e ON e.id = t.id
		WHERE (e.type, e.trade, e.at) IS DISTINCT FROM ('` + book.TransactionCompleted + `', t.id, t.paid_at)`},
	{"an event is of nothing that happened", `
		SELECT e.id FROM events e WHERE NOT (e.type = '` + book.TransactionCompleted + `' AND e.refund IS NULL AND EXISTS (SELECT 1 FROM trades t WHERE t.id = e.trade AND t.id = e.id)
			OR e.type = '` + book.Refunded + `' AND EXISTS (SELECT 1 FROM refunds r WHERE r.id = e.refund AND r.id = e.id AND r.trade = e.trade)
			OR e.type = '` + book.Closed + `' AND EXISTS (SELECT 1 FROM declines d WHERE d.waiting = e.waiting))`},
	{"a trade was fulfilled and not consumed", `
		SELECT m.trade FROM trade_moves m WHERE m.event = '` + string(payment.EventFulfillmentConfirmed) + `' AND NOT EXISTS (SELECT 1 FROM consumptions c WHERE c.trade = m.trade)`},
}

// mostProblems is how many rows of one rule a report names.
const mostProblems = 20

// Audit implements book.Book, in one snapshot of the database.
func (s *Store) Audit(ctx context.Context) (*book.Report, error) {
	r := new(report)
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(t pgx.Tx) error {
		if _, err := t.Exec(ctx, "SET LOCAL statement_timeout = 0"); err != nil {
			return err
		}
		return r.all(ctx, t)
	})
	if err != nil {
		return nil, unavailable(err)
	}
	return &r.Report, nil
}

type report struct{ book.Report }

// all counts, and applies every rule.
func (r *report) all(ctx context.Context, t pgx.Tx) error {
	if err := r.counts(ctx, t); err != nil {
		return err
	}
	if err := r.currencies(ctx, t); err != nil {
		return err
	}
	for _, rule := range slices.Concat(rules, causeRules, refundRules, bindingRules) {
		if err := r.apply(ctx, t, rule); err != nil {
			return err
		}
	}
	for _, look := range []func(context.Context, pgx.Tx) error{r.guards, r.keys, r.grants} {
		if err := look(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (r *report) counts(ctx context.Context, t pgx.Tx) error {
	for _, n := range []struct {
		into  *int64
		table string
	}{{&r.Accounts, "accounts"}, {&r.Transfers, "transfers"}, {&r.Entries, "entries"}, {&r.Trades, "trades"}, {&r.Mandates, "mandates"},
		{&r.SubAccounts, "subaccounts"},
		{&r.Waiting, `waiting w WHERE NOT EXISTS (SELECT 1 FROM trades t WHERE t.waiting = w.id) AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.waiting = w.id)`}} {
		if err := t.QueryRow(ctx, "SELECT count(*) FROM "+n.table).Scan(n.into); err != nil {
			return err
		}
	}
	if r.Unreported == nil {
		r.Unreported = make(map[book.Consumer]int64)
	}
	for _, c := range book.Consumers() {
		var n int64
		if err := t.QueryRow(ctx, "SELECT count(*) FROM events e WHERE e.id > "+reportedUpTo+" AND "+readBy, string(c)).Scan(&n); err != nil {
			return err
		}
		r.Unreported[c] = n
	}
	return nil
}

func (r *report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

func (r *report) currencies(ctx context.Context, t pgx.Tx) error {
	rows, err := t.Query(ctx, `SELECT a.currency, coalesce(sum(e.amount), 0)::bigint, -coalesce(sum(e.amount) FILTER (WHERE a.kind = 'funding'), 0)::bigint
		FROM accounts a LEFT JOIN entries e ON e.account = a.id GROUP BY a.currency ORDER BY a.currency`)
	if err != nil {
		return err
	}
	return each(rows, func(rows pgx.Rows) error {
		var c book.CurrencyReport
		if err := rows.Scan(&c.Currency, &c.Sum, &c.Deposited); err != nil {
			return err
		}
		r.Currencies = append(r.Currencies, c)
		if c.Sum != 0 {
			r.problem("the entries of a currency do not sum to zero: currency %d of the report", len(r.Currencies))
		}
		return nil
	})
}

func (r *report) apply(ctx context.Context, t pgx.Tx, rule rule) error {
	rows, err := t.Query(ctx, rule.query)
	if err != nil {
		return err
	}
	n := 0
	if err := each(rows, func(rows pgx.Rows) error {
		var row int64
		if err := rows.Scan(&row); err != nil {
			return err
		}
		if n++; n <= mostProblems {
			r.problem("%s: row %d", rule.name, row)
		}
		return nil
	}); err != nil {
		return err
	}
	if n > mostProblems {
		r.problem("%s: %d rows in all", rule.name, n)
	}
	return nil
}
