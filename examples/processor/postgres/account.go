package postgres

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
)

// OpenAccount implements book.Book.
func (s *Store) OpenAccount(ctx context.Context, owner string, kind book.Kind, currency string) error {
	if err := book.CheckOpening(owner, kind, currency); err != nil {
		return err
	}
	return s.decide(ctx, []key{ownerKey(book.External), ownerKey(owner)}, func(t *tx) (refusal, err error) {
		if err := t.open(book.External, book.Funding, currency); err != nil {
			return nil, err
		}
		have, found, err := t.account(owner, currency)
		switch {
		case err != nil:
			return nil, err
		case found && have.kind != kind:
			return book.OtherKind(), nil
		case found:
			return nil, nil
		}
		return nil, t.open(owner, kind, currency)
	})
}

// lanes is how many a merchant's balance has, beside lane 0 (see balances in
// schema/ledger.sql).
const lanes = 8

// open makes an account with its balance, unless it exists.
func (t *tx) open(owner string, kind book.Kind, currency string) error {
	if _, found, err := t.account(owner, currency); found || err != nil {
		return err
	}
	var id int64
	if err := t.QueryRow(t, "INSERT INTO accounts (owner, kind, currency, opened_at) VALUES ($1, $2, $3, $4) RETURNING id",
		owner, string(kind), currency, t.at()).Scan(&id); err != nil {
		return err
	}
	last := 0
	if kind == book.Merchant {
		last = lanes
	}
	return t.exec("INSERT INTO balances (account, lane, amount, signed) SELECT $1, lane, 0, $3 FROM generate_series(0, $2::int) lane",
		id, last, kind == book.Funding || kind == book.Merchant)
}

// holding is an account as a decision sees it.
type holding struct {
	id   int64
	kind book.Kind
}

func (t *tx) account(owner, currency string) (h holding, found bool, err error) {
	found, err = t.row("SELECT id, kind FROM accounts WHERE owner = $1 AND currency = $2", []any{owner, currency}, &h.id, &h.kind)
	return h, found, err
}

// has reports whether an owner has an account of a kind, in any currency.
func (t *tx) has(owner string, kind book.Kind) (bool, error) {
	var one int
	return t.row("SELECT 1 FROM accounts WHERE owner = $1 AND kind = $2 LIMIT 1", []any{owner, string(kind)}, &one)
}

// balance locks an account with all its lanes and returns what it holds.
// Accounts are locked in the order that schema/payment.sql says.
func (t *tx) balance(account int64) (amount int64, err error) {
	err = t.QueryRow(t, "SELECT coalesce(sum(amount), 0)::bigint FROM (SELECT amount FROM balances WHERE account = $1 ORDER BY lane FOR UPDATE) b", account).Scan(&amount)
	return amount, err
}

// post moves an amount, which is above zero, from one account to another: a
// transfer with a number and the two balances. Whoever calls it has locked both
// and checked what is there.
func (t *tx) post(id int64, cause, causeID string, from, to, amount int64) error {
	if err := t.exec("INSERT INTO transfers (id, cause, cause_id, debit, credit, amount, at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		id, cause, causeID, from, to, amount, t.at()); err != nil {
		return err
	}
	if err := t.exec("UPDATE balances SET amount = amount - $2 WHERE account = $1 AND lane = 0", from, amount); err != nil {
		return err
	}
	return t.exec("UPDATE balances SET amount = amount + $2 WHERE account = $1 AND lane = 0", to, amount)
}

// before reads the account that got money by an earlier transfer, and how much.
func (t *tx) before(cause, causeID string) (to, amount int64, found bool, err error) {
	found, err = t.row("SELECT credit, amount FROM transfers WHERE cause = $1 AND cause_id = $2 AND cause <> 'payment'", []any{cause, causeID}, &to, &amount)
	return to, amount, found, err
}

// Deposit implements book.Book.
func (s *Store) Deposit(ctx context.Context, d book.Deposit) error {
	if err := d.Check(); err != nil {
		return err
	}
	return s.decide(ctx, []key{transferKey("deposit", d.ID)}, func(t *tx) (refusal, err error) { return t.deposit(d) })
}

func (t *tx) deposit(d book.Deposit) (refusal, err error) {
	to, found, err := t.account(d.Owner, d.Currency)
	if err != nil {
		return nil, err
	}
	if !found || !to.kind.Takes() {
		return book.NoSuchAccount(), nil
	}
	account, amount, before, err := t.before("deposit", d.ID)
	switch {
	case err != nil || before && account == to.id && amount == d.Amount:
		return nil, err
	case before:
		return book.OtherDeposit(), nil
	}
	from, _, err := t.account(book.External, d.Currency)
	if err != nil {
		return nil, err
	}
	out, err := t.balance(from.id)
	if err != nil {
		return nil, err
	}
	// All that ever came in must fit into one account: see debit().
	if -out > math.MaxInt64-d.Amount {
		return book.TooMuch(), nil
	}
	id, err := t.number()
	if err != nil {
		return nil, err
	}
	return nil, t.post(id, "deposit", d.ID, from.id, to.id, d.Amount)
}

// Accounts implements book.Book.
func (s *Store) Accounts(ctx context.Context) ([]book.Account, error) {
	var out []book.Account
	err := s.query(ctx, func(r pgx.Rows) error {
		var a book.Account
		err := r.Scan(&a.Owner, &a.Kind, &a.Currency, &a.Balance, &a.OpenedAt)
		a.OpenedAt = a.OpenedAt.UTC()
		out = append(out, a)
		return err
	}, `SELECT a.owner, a.kind, a.currency, b.amount, a.opened_at
		FROM accounts a JOIN (SELECT account, sum(amount)::bigint AS amount FROM balances GROUP BY account) b ON b.account = a.id
		ORDER BY a.currency, a.id`)
	return out, err
}

// Entries implements book.Book.
func (s *Store) Entries(ctx context.Context, owner, currency string, last int) ([]book.Entry, error) {
	var limit *int // all
	if last > 0 {
		limit = &last
	}
	var out []book.Entry
	err := s.query(ctx, func(r pgx.Rows) error {
		var e book.Entry
		err := r.Scan(&e.Transfer, &e.Cause, &e.CauseID, &e.Amount, &e.At)
		e.At = e.At.UTC()
		out = append(out, e)
		return err
	}, `SELECT t.id, t.cause, t.cause_id, e.amount, t.at
		FROM accounts a JOIN entries e ON e.account = a.id JOIN transfers t ON t.id = e.transfer
		WHERE a.owner = $1 AND a.currency = $2 ORDER BY e.transfer DESC LIMIT $3`, owner, currency, limit)
	slices.Reverse(out)
	return out, err
}

// Name implements book.Book.
func (s *Store) Name(ctx context.Context, merchant, name string) error {
	if err := book.CheckName(merchant, name); err != nil {
		return err
	}
	return s.decide(ctx, []key{ownerKey(merchant)}, func(t *tx) (refusal, err error) {
		known, err := t.has(merchant, book.Merchant)
		if err != nil {
			return nil, err
		}
		if !known {
			return book.NotRegistered("PSD-PAY-INS-02"), nil
		}
		return nil, t.exec(`INSERT INTO names (owner, seq, name, at) SELECT $1, (SELECT count(*) FROM names WHERE owner = $1), $2, $3
			WHERE $2 IS DISTINCT FROM (SELECT name FROM names WHERE owner = $1 ORDER BY seq DESC LIMIT 1)`, merchant, name, t.at())
	})
}

// NameOf implements book.Book.
func (s *Store) NameOf(ctx context.Context, merchant string) (name string, err error) {
	_, err = s.one(ctx, "SELECT name FROM names WHERE owner = $1 ORDER BY seq DESC LIMIT 1", []any{merchant}, &name)
	return name, err
}

// seconds is a time in whole seconds, as the book keeps it where it does not say
// otherwise.
func seconds(at time.Time) time.Time { return at.Truncate(time.Second).UTC() }
