package ledger

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/provider"
)

// purse is a sub-account with its rows.
type purse struct {
	book.SubAccount
	id, account, main int64
	seq               int64 // of its state
}

const purseColumns = `SELECT s.id, s.account, s.main, s.subaccount, p.owner, s.agent, p.currency, s.jwk,
	s.balance_limit, s.single_limit, s.total_limit, s.task_limit, s.period_limit, s.period,
	b.amount, u.amount, x.seq, coalesce(h.state, x.state), coalesce(h.cause, x.cause), s.opened_at
	FROM subaccounts s JOIN accounts p ON p.id = s.main JOIN balances b ON b.account = s.account JOIN subaccount_spent u ON u.subaccount = s.id
	JOIN subaccount_states x ON x.subaccount = s.id AND x.seq = (SELECT max(seq) FROM subaccount_states y WHERE y.subaccount = s.id)
	LEFT JOIN subaccount_states h ON x.state <> 'cancelled' AND h.subaccount = s.id AND h.seq = (SELECT max(seq) FROM subaccount_states f
		WHERE f.subaccount = s.id AND f.state = 'frozen'
		AND NOT EXISTS (SELECT 1 FROM subaccount_states g WHERE g.subaccount = s.id AND g.cause = f.cause AND g.seq > f.seq))`

func scanPurse(r *sqlite.Stmt) (p purse, err error) {
	p = purse{id: r.ColumnInt64(0), account: r.ColumnInt64(1), main: r.ColumnInt64(2), seq: r.ColumnInt64(16), SubAccount: book.SubAccount{
		SubAccount: provider.SubAccount{
			ID: r.ColumnText(3), Principal: r.ColumnText(4), Agent: r.ColumnText(5), Currency: r.ColumnText(6),
			State: provider.SubAccountState(r.ColumnText(17)),
			Limits: provider.Limits{
				Single: r.ColumnInt64(9), Total: r.ColumnInt64(10), Within: r.ColumnInt64(12), Period: time.Duration(r.ColumnInt64(13)) * time.Second,
			},
		},
		BalanceLimit: r.ColumnInt64(8), TaskLimit: r.ColumnInt64(11), Balance: r.ColumnInt64(14), Spent: r.ColumnInt64(15),
		Cause: book.StateCause(r.ColumnText(18)), OpenedAt: fromUnix(r.ColumnInt64(19)),
	}}
	if p.seq == 0 { // as it was opened
		p.Cause = ""
	}
	p.Key, err = book.StoredKey(columnBytes(r, 7))
	return p, err
}

// purseOf reads a sub-account in its present state.
func purseOf(conn *sqlite.Conn, id string) (p purse, found bool, err error) {
	err = queryRows(conn, purseColumns+" WHERE s.subaccount = ?", []any{id}, func(r *sqlite.Stmt) (err error) {
		found = true
		p, err = scanPurse(r)
		return err
	})
	return p, found, err
}

// within is what was paid from a sub-account in the period that its limits look
// back over. paid_at has lost its fraction: what may lie within the period
// counts.
func (p *purse) within(conn *sqlite.Conn, now time.Time) (sum int64, err error) {
	if p.Limits.Period > 0 {
		_, err = queryRow(conn, "SELECT coalesce(sum(amount), 0) FROM payments WHERE subaccount = ? AND paid_at >= ?",
			[]any{p.id, now.Add(-p.Limits.Period).Unix()}, func(r *sqlite.Stmt) { sum = r.ColumnInt64(0) })
	}
	return sum, err
}

// task is what was paid from it under a mandate, if there is a limit for that.
func (p *purse) task(conn *sqlite.Conn, mandate int64) (sum int64, err error) {
	if p.TaskLimit > 0 {
		_, err = queryRow(conn, "SELECT coalesce(sum(amount), 0) FROM payments WHERE subaccount = ? AND mandate = ?",
			[]any{p.id, mandate}, func(r *sqlite.Stmt) { sum = r.ColumnInt64(0) })
	}
	return sum, err
}

// SubAccount implements provider.Ledger.
func (l *Ledger) SubAccount(ctx context.Context, id string) (provider.SubAccount, error) {
	var p purse
	err := l.read(ctx, func(conn *sqlite.Conn) (err error) {
		found := false
		if p, found, err = purseOf(conn, id); err == nil && !found {
			err = provider.UnknownSubAccount()
		}
		return err
	})
	if err != nil {
		return provider.SubAccount{}, err
	}
	return p.SubAccount.SubAccount, nil
}

// Instrument implements provider.Ledger: what a payment with it would find.
// TaskLimit is not told: it depends on the mandate.
func (l *Ledger) Instrument(ctx context.Context, i provider.Instrument) (f provider.Facts, err error) {
	if err := i.Check(); err != nil {
		return provider.Facts{}, err
	}
	err = l.read(ctx, func(conn *sqlite.Conn) error {
		f = provider.Facts{}
		if i.Token != "" {
			k, err := tokenOf(conn, i.Token)
			if k != nil {
				f.Token, f.Taken = &k.Token, k.spent
				_, err = queryRow(conn, "SELECT amount FROM balances WHERE account = ?", []any{k.account}, func(r *sqlite.Stmt) { f.Balance = r.ColumnInt64(0) })
			}
			return err
		}
		p, found, err := purseOf(conn, i.SubAccount)
		if !found || err != nil {
			return err
		}
		f.SubAccount, f.Taken, f.Balance = &p.SubAccount.SubAccount, p.Spent, p.Balance
		f.Within, err = p.within(conn, l.now())
		return err
	})
	if err != nil {
		return provider.Facts{}, err
	}
	return f, nil
}

// freezes are those that their own cause has not taken back.
const freezes = `SELECT f.subaccount, f.cause FROM subaccount_states f WHERE f.state = 'frozen'
	AND NOT EXISTS (SELECT 1 FROM subaccount_states g WHERE g.subaccount = f.subaccount AND g.cause = f.cause AND g.seq > f.seq)
	ORDER BY f.subaccount, f.seq`

// SubAccounts implements book.SubAccounts.
func (l *Ledger) SubAccounts(ctx context.Context) ([]book.SubAccount, error) {
	var out []book.SubAccount
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		out = nil
		at := make(map[int64]int) // where a row is in out
		err := queryRows(conn, purseColumns+" ORDER BY s.id", nil, func(r *sqlite.Stmt) error {
			p, err := scanPurse(r)
			at[p.id] = len(out)
			out = append(out, p.SubAccount)
			return err
		})
		if err != nil {
			return err
		}
		return queryRows(conn, freezes, nil, func(r *sqlite.Stmt) error {
			if a := &out[at[r.ColumnInt64(0)]]; a.State == provider.SubAccountFrozen {
				a.FrozenBy = append(a.FrozenBy, book.StateCause(r.ColumnText(1)))
			}
			return nil
		})
	})
	return out, err
}
