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

// OpenAccount implements book.Accounts.
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
			return book.OtherKind(), nil
		case found:
			return nil, nil
		}
		return nil, t.open(owner, kind, currency)
	})
}

// Name implements book.Accounts.
func (l *Ledger) Name(ctx context.Context, merchant, name string) error {
	if err := book.CheckName(merchant, name); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) {
		known, err := has(t.conn, merchant, book.Merchant)
		if err != nil {
			return nil, err
		}
		if !known {
			return book.NotRegistered("PSD-PAY-INS-02"), nil
		}
		return nil, t.exec(`INSERT INTO names (owner, seq, name, at) SELECT ?, (SELECT count(*) FROM names WHERE owner = ?), ?, ?
			WHERE ? IS NOT (SELECT name FROM names WHERE owner = ? ORDER BY seq DESC LIMIT 1)`, merchant, merchant, name, t.unix(), name, merchant)
	})
}

// NameOf implements book.Accounts.
func (l *Ledger) NameOf(ctx context.Context, merchant string) (name string, err error) {
	err = l.read(ctx, func(conn *sqlite.Conn) error {
		_, err := queryRow(conn, "SELECT name FROM names WHERE owner = ? ORDER BY seq DESC LIMIT 1", []any{merchant}, func(r *sqlite.Stmt) { name = r.ColumnText(0) })
		return err
	})
	return name, err
}

// has reports whether an owner has an account of a kind, in any currency.
func has(conn *sqlite.Conn, owner string, kind book.Kind) (bool, error) {
	return queryRow(conn, "SELECT 1 FROM accounts WHERE owner = ? AND kind = ? LIMIT 1", []any{owner, string(kind)}, func(*sqlite.Stmt) {})
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
	return t.exec("INSERT INTO balances (account, amount, last, funding) VALUES (?, 0, 0, ?)", t.conn.LastInsertRowID(), kind == book.Funding)
}

// post moves an amount, which is above zero, from one account to another.
// Whoever calls it has checked the balances; should that be wrong, the tables'
// own checks stop the batch.
func (t *tx) post(cause, causeID string, from, to, amount int64) error {
	payer, err := t.holding(from)
	if err != nil {
		return err
	}
	payee, err := t.holding(to)
	if err != nil {
		return err
	}
	at := t.next()
	payerPrev, payeePrev := t.moved(at, payer, payee, amount)
	return t.exec("INSERT INTO moves (id, cause, cause_id, payer, payee, amount, payer_prev, payee_prev, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		at, cause, causeID, from, to, amount, payerPrev, payeePrev, t.unix())
}

// Deposit implements book.Accounts.
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
	if !found || !to.kind.Takes() {
		return book.NoSuchAccount(), nil
	}
	var same bool
	before, err := t.row("SELECT payee, amount FROM moves WHERE cause = 'deposit' AND cause_id = ?",
		[]any{d.ID}, func(r *sqlite.Stmt) { same = r.ColumnInt64(0) == to.id && r.ColumnInt64(1) == d.Amount })
	if err != nil || same {
		return nil, err
	}
	if before {
		return book.OtherDeposit(), nil
	}
	from, _, err := t.account(book.External, d.Currency)
	if err != nil {
		return nil, err
	}
	// All that ever came in must fit into one account: see decide.
	if !fits(to.balance, d.Amount) || !fits(-from.balance, d.Amount) {
		return book.TooMuch(), nil
	}
	return nil, t.post("deposit", d.ID, from.id, to.id, d.Amount)
}

// fits reports whether a balance can grow by an amount without overflow.
func fits(balance, amount int64) bool { return balance <= math.MaxInt64-amount }

// Accounts implements book.Accounts.
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

// Entries implements book.Accounts. Each transfer names the one before it on
// either side, so an account's history is walked from its end.
func (l *Ledger) Entries(ctx context.Context, owner, currency string, last int) ([]book.Entry, error) {
	var out []book.Entry
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		out = nil
		var account, at int64
		if _, err := queryRow(conn, "SELECT b.account, b.last FROM accounts a JOIN balances b ON b.account = a.id WHERE a.owner = ? AND a.currency = ?", []any{owner, currency},
			func(r *sqlite.Stmt) { account, at = r.ColumnInt64(0), r.ColumnInt64(1) }); err != nil {
			return err
		}
		return eachTransfer(conn, account, at, func(e book.Entry) bool {
			out = append(out, e)
			return len(out) != last
		})
	})
	slices.Reverse(out)
	return out, err
}

// eachTransfer tells the entries of an account from a transfer backwards, for
// as long as it is told to go on.
func eachTransfer(conn *sqlite.Conn, account, at int64, tell func(book.Entry) bool) error {
	for more := at != 0; more; {
		found, err := queryRow(conn, "SELECT id, cause, cause_id, amount, at, payer = ?, payer_prev, payee_prev FROM transfers WHERE id = ?", []any{account, at},
			func(r *sqlite.Stmt) {
				e := book.Entry{
					Transfer: r.ColumnInt64(0), Cause: r.ColumnText(1), CauseID: r.ColumnText(2), Amount: r.ColumnInt64(3), At: fromUnix(r.ColumnInt64(4)),
				}
				if at = r.ColumnInt64(7); r.ColumnBool(5) {
					e.Amount, at = -e.Amount, r.ColumnInt64(6)
				}
				more = tell(e) && at != 0
			})
		if err != nil {
			return err
		}
		if !found {
			return protocol.New(protocol.CodeServiceUnavailable, "", "", "an account's history is broken")
		}
	}
	return nil
}

func fromUnix(s int64) time.Time { return time.Unix(s, 0).UTC() }

// exact reads a time that was stored in microseconds.
func exact(us int64) time.Time { return time.UnixMicro(us).UTC() }
