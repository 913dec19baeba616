package ledger

import (
	"context"
	"math"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
)

// A Kind says what an account is for.
type Kind string

// The kinds of accounts. The funding account of a currency, owned by
// [External], stands for the world outside: deposits come from it, its balance
// is what the book owes to its owners with the sign reversed.
const (
	Principal Kind = "principal"
	Merchant  Kind = "merchant"
	Funding   Kind = "funding"
)

// External owns the funding accounts. It is no DID, so nobody else can be it.
const External = "external"

// An Account is money of one owner in one currency.
type Account struct {
	Owner    string // DID, or External
	Kind     Kind
	Currency string // ISO 4217
	Balance  int64  // minor units; below zero for funding accounts only
	OpenedAt time.Time
}

// An Entry is one side of a transfer, seen from one account.
type Entry struct {
	Transfer int64     // number of the transfer, ascending
	Cause    string    // "deposit" or "payment"
	CauseID  string    // id of the deposit, or trade number
	Amount   int64     // minor units; below zero: out of the account
	At       time.Time // whole seconds
}

// OpenAccount opens the account of an owner in a currency, and the currency's
// funding account when it is the first. Opening it again does nothing; opening
// it as another kind is state_conflict.
func (l *Ledger) OpenAccount(ctx context.Context, owner string, kind Kind, currency string) error {
	if owner == "" || owner == External {
		return protocol.New(protocol.CodeFieldInvalid, "owner", "", "an account needs an owner")
	}
	if kind != Principal && kind != Merchant {
		return protocol.New(protocol.CodeFieldInvalid, "kind", "", "principal or merchant")
	}
	if currency == "" {
		return protocol.New(protocol.CodeFieldMissing, "currency", "", "")
	}
	var refusal error
	err := l.write(ctx, func(t *tx) error {
		refusal = nil
		if err := t.open(External, Funding, currency); err != nil {
			return err
		}
		have, found, err := t.account(owner, currency)
		if err != nil {
			return err
		}
		if found {
			if have.kind != kind {
				refusal = protocol.New(protocol.CodeStateConflict, "kind", "", "the account was opened as another kind")
			}
			return nil
		}
		return t.open(owner, kind, currency)
	})
	if err != nil {
		return err
	}
	return refusal
}

// open makes an account with its balance, unless it exists.
func (t *tx) open(owner string, kind Kind, currency string) error {
	if _, found, err := t.account(owner, currency); found || err != nil {
		return err
	}
	if err := t.exec("INSERT INTO accounts (owner, kind, currency, opened_at) VALUES (?, ?, ?, ?)",
		owner, string(kind), currency, t.unix()); err != nil {
		return err
	}
	return t.exec("INSERT INTO balances (account, amount, funding) VALUES (?, 0, ?)", t.conn.LastInsertRowID(), kind == Funding)
}

// holding is an account as a decision sees it.
type holding struct {
	id      int64
	kind    Kind
	balance int64
}

func (t *tx) account(owner, currency string) (h holding, found bool, err error) {
	found, err = t.row("SELECT a.id, a.kind, b.amount FROM accounts a JOIN balances b ON b.account = a.id WHERE a.owner = ? AND a.currency = ?",
		[]any{owner, currency}, func(r *sqlite.Stmt) {
			h = holding{r.ColumnInt64(0), Kind(r.ColumnText(1)), r.ColumnInt64(2)}
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

// A Deposit brings money from outside into an account.
type Deposit struct {
	ID       string // chosen by the caller; a deposit with an id happens once
	Owner    string
	Currency string
	Amount   int64 // minor units, above zero
}

// Deposit books money that came from outside. The same deposit again does
// nothing; another one under the same id is request_conflict.
func (l *Ledger) Deposit(ctx context.Context, d Deposit) error {
	if d.ID == "" || d.Owner == "" || d.Currency == "" {
		return protocol.New(protocol.CodeFieldMissing, "deposit", "", "id, owner and currency are needed")
	}
	if d.Amount <= 0 {
		return protocol.New(protocol.CodeFieldInvalid, "amount", "", "above zero")
	}
	var refusal error
	err := l.write(ctx, func(t *tx) (err error) {
		refusal, err = t.deposit(d)
		return err
	})
	if err != nil {
		return err
	}
	return refusal
}

func (t *tx) deposit(d Deposit) (refusal, err error) {
	to, found, err := t.account(d.Owner, d.Currency)
	if err != nil {
		return nil, err
	}
	if !found || to.kind == Funding {
		return protocol.New(protocol.CodeInstrumentInvalid, "owner", "", "no such account"), nil
	}
	var same bool
	before, err := t.row("SELECT e.account, e.amount FROM transfers t JOIN entries e ON e.transfer = t.id AND e.amount > 0 WHERE t.cause = 'deposit' AND t.cause_id = ?",
		[]any{d.ID}, func(r *sqlite.Stmt) { same = r.ColumnInt64(0) == to.id && r.ColumnInt64(1) == d.Amount })
	if err != nil || same {
		return nil, err
	}
	if before {
		return protocol.New(protocol.CodeRequestConflict, "id", "", "the id was used for another deposit"), nil
	}
	from, _, err := t.account(External, d.Currency)
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
func (l *Ledger) Accounts(ctx context.Context) ([]Account, error) {
	var out []Account
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		return queryRows(conn, "SELECT a.owner, a.kind, a.currency, b.amount, a.opened_at FROM accounts a JOIN balances b ON b.account = a.id ORDER BY a.currency, a.id", nil,
			func(r *sqlite.Stmt) error {
				out = append(out, Account{
					Owner: r.ColumnText(0), Kind: Kind(r.ColumnText(1)), Currency: r.ColumnText(2),
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
func (l *Ledger) Entries(ctx context.Context, owner, currency string, last int) ([]Entry, error) {
	if last <= 0 {
		last = -1 // no limit
	}
	var out []Entry
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		return queryRows(conn, `SELECT t.id, t.cause, t.cause_id, e.amount, t.at FROM accounts a
			JOIN entries e ON e.account = a.id JOIN transfers t ON t.id = e.transfer
			WHERE a.owner = ? AND a.currency = ? ORDER BY e.transfer DESC LIMIT ?`, []any{owner, currency, int64(last)},
			func(r *sqlite.Stmt) error {
				out = append(out, Entry{
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
