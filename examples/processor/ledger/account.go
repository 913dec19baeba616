package ledger

import (
	"context"
	"math"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
)

// OpenAccount opens the account of an owner in a currency, and the currency's
// funding account when it is the first. Opening it again does nothing; opening
// it as another kind is state_conflict.
func (l *Ledger) OpenAccount(ctx context.Context, owner string, kind book.Kind, currency string) error {
	if err := book.CheckOpening(owner, kind, currency); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) {
		if err := t.open(book.External, book.Funding, currency); err != nil {
			return nil, err
		}
		have, found, err := t.account(owner, currency)
		switch {
		case err != nil:
			return nil, err
		case found && have.kind != kind:
			return protocol.New(protocol.CodeStateConflict, "kind", "", "the account was opened as another kind"), nil
		case found:
			return nil, nil
		}
		return nil, t.open(owner, kind, currency)
	})
}

// Name records how the cashier shows a merchant, who has an account; the last
// word counts. The name is the operator's knowledge of the merchant, not the
// merchant's own word (PSD-PAY-INS-02).
func (l *Ledger) Name(ctx context.Context, merchant, name string) error {
	if err := book.CheckName(merchant, name); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) {
		known, err := t.row("SELECT 1 FROM accounts WHERE owner = ? AND kind = ? LIMIT 1", []any{merchant, string(book.Merchant)}, func(*sqlite.Stmt) {})
		if err != nil {
			return nil, err
		}
		if !known {
			return protocol.New(protocol.CodeMerchantNotAllowed, "merchant", "PSD-PAY-INS-02", "not registered"), nil
		}
		return nil, t.exec(`INSERT INTO names (owner, seq, name, at) SELECT ?, (SELECT count(*) FROM names WHERE owner = ?), ?, ?
			WHERE ? IS NOT (SELECT name FROM names WHERE owner = ? ORDER BY seq DESC LIMIT 1)`, merchant, merchant, name, t.unix(), name, merchant)
	})
}

// NameOf is the name of a merchant; empty when there is none.
func (l *Ledger) NameOf(ctx context.Context, merchant string) (name string, err error) {
	err = l.read(ctx, func(conn *sqlite.Conn) error {
		_, err := queryRow(conn, "SELECT name FROM names WHERE owner = ? ORDER BY seq DESC LIMIT 1", []any{merchant}, func(r *sqlite.Stmt) { name = r.ColumnText(0) })
		return err
	})
	return name, err
}

// open makes an account with its balance, unless it exists.
func (t *tx) open(owner string, kind book.Kind, currency string) error {
	if _, found, err := t.account(owner, currency); found || err != nil {
		return err
	}
	if err := t.exec("INSERT INTO accounts (owner, kind, currency, opened_at) VALUES (?, ?, ?, ?)",
		owner, string(kind), currency, t.unix()); err != nil {
		return err
	}
	return t.exec("INSERT INTO balances (account, amount, funding) VALUES (?, 0, ?)", t.conn.LastInsertRowID(), kind == book.Funding)
}

// holding is an account as a decision sees it.
type holding struct {
	id      int64
	kind    book.Kind
	balance int64
}

func (t *tx) account(owner, currency string) (h holding, found bool, err error) {
	found, err = t.row("SELECT a.id, a.kind, b.amount FROM accounts a JOIN balances b ON b.account = a.id WHERE a.owner = ? AND a.currency = ?",
		[]any{owner, currency}, func(r *sqlite.Stmt) {
			h = holding{r.ColumnInt64(0), book.Kind(r.ColumnText(1)), r.ColumnInt64(2)}
		})
	return h, found, err
}

// post moves an amount, which is above zero, from one account to another: a
// transfer, its two entries, the two balances. Whoever calls it has checked
// the balances; should that be wrong, the tables' own checks stop the batch.
func (t *tx) post(cause, causeID string, from, to, amount int64) error {
	if err := t.exec("INSERT INTO transfers (cause, cause_id, at) VALUES (?, ?, ?)", cause, causeID, t.unix()); err != nil {
		return err
	}
	transfer := t.conn.LastInsertRowID()
	for _, side := range []struct{ account, amount int64 }{{from, -amount}, {to, amount}} {
		if err := t.exec("INSERT INTO entries (account, transfer, amount) VALUES (?, ?, ?)", side.account, transfer, side.amount); err != nil {
			return err
		}
		if err := t.exec("UPDATE balances SET amount = amount + ? WHERE account = ?", side.amount, side.account); err != nil {
			return err
		}
	}
	return nil
}

// Deposit books money that came from outside. The same deposit again does
// nothing; another one under the same id is request_conflict.
func (l *Ledger) Deposit(ctx context.Context, d book.Deposit) error {
	if err := d.Check(); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) { return t.deposit(d) })
}

func (t *tx) deposit(d book.Deposit) (refusal, err error) {
	to, found, err := t.account(d.Owner, d.Currency)
	if err != nil {
		return nil, err
	}
	if !found || to.kind != book.Principal && to.kind != book.Merchant {
		return protocol.New(protocol.CodeInstrumentInvalid, "owner", "", "no such account"), nil
	}
	var same bool
	before, err := t.row("SELECT e.account, e.amount FROM transfers t JOIN entries e ON e.transfer = t.id AND e.amount > 0 WHERE t.cause = 'deposit' AND t.cause_id = ?",
		[]any{d.ID}, func(r *sqlite.Stmt) { same = r.ColumnInt64(0) == to.id && r.ColumnInt64(1) == d.Amount })
	if err != nil || same {
		return nil, err
	}
	if before {
		return protocol.New(protocol.CodeRequestConflict, "deposit_id", "", "the id was used for another deposit"), nil
	}
	from, _, err := t.account(book.External, d.Currency)
	if err != nil {
		return nil, err
	}
	// All that ever came in must fit into one account: see decide.
	if !fits(to.balance, d.Amount) || !fits(-from.balance, d.Amount) {
		return protocol.New(protocol.CodeFieldInvalid, "amount", "", "more than an account can hold"), nil
	}
	return nil, t.post("deposit", d.ID, from.id, to.id, d.Amount)
}

// fits reports whether a balance can grow by an amount without overflow.
func fits(balance, amount int64) bool { return balance <= math.MaxInt64-amount }

// Accounts lists all accounts by currency, then in the order of opening.
func (l *Ledger) Accounts(ctx context.Context) ([]book.Account, error) {
	var out []book.Account
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		return queryRows(conn, "SELECT a.owner, a.kind, a.currency, b.amount, a.opened_at FROM accounts a JOIN balances b ON b.account = a.id ORDER BY a.currency, a.id", nil,
			func(r *sqlite.Stmt) error {
				out = append(out, book.Account{
					Owner: r.ColumnText(0), Kind: book.Kind(r.ColumnText(1)), Currency: r.ColumnText(2),
					Balance: r.ColumnInt64(3), OpenedAt: fromUnix(r.ColumnInt64(4)),
				})
				return nil
			})
	})
	return out, err
}

// Entries lists what happened to one account, oldest first: its latest entries,
// at most so many, or all when last is zero. An account that does not exist has
// no entries.
func (l *Ledger) Entries(ctx context.Context, owner, currency string, last int) ([]book.Entry, error) {
	if last <= 0 {
		last = -1 // no limit
	}
	var out []book.Entry
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		return queryRows(conn, `SELECT t.id, t.cause, t.cause_id, e.amount, t.at FROM accounts a
			JOIN entries e ON e.account = a.id JOIN transfers t ON t.id = e.transfer
			WHERE a.owner = ? AND a.currency = ? ORDER BY e.transfer DESC LIMIT ?`, []any{owner, currency, int64(last)},
			func(r *sqlite.Stmt) error {
				out = append(out, book.Entry{
					Transfer: r.ColumnInt64(0), Cause: r.ColumnText(1), CauseID: r.ColumnText(2),
					Amount: r.ColumnInt64(3), At: fromUnix(r.ColumnInt64(4)),
				})
				return nil
			})
	})
	slices.Reverse(out)
	return out, err
}

func fromUnix(s int64) time.Time { return time.Unix(s, 0).UTC() }

// exact reads a time that was stored in microseconds.
func exact(us int64) time.Time { return time.UnixMicro(us).UTC() }
