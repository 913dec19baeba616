package ledger

import (
	"cmp"
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/provider"
)

// OpenSubAccount implements book.SubAccounts.
func (l *Ledger) OpenSubAccount(ctx context.Context, a book.SubAccount) error {
	if err := a.Check(); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) { return t.openSubAccount(&a) })
}

func (t *tx) openSubAccount(a *book.SubAccount) (refusal, err error) {
	main, found, err := t.account(a.Principal, a.Currency)
	if err != nil {
		return nil, err
	}
	if !found || main.kind != book.Principal {
		return book.NoAccountIn("PSD-AGT-SUB-01"), nil
	}
	if used, err := t.row("SELECT 1 FROM accounts WHERE owner = ?", []any{a.ID}, func(*sqlite.Stmt) {}); err != nil {
		return nil, err
	} else if used {
		return book.SubAccountUsed(), nil
	}
	if used, err := t.registered(a.Key); err != nil {
		return nil, err
	} else if used {
		return book.KeyUsed(), nil
	}
	if err := t.open(a.ID, book.Purse, a.Currency); err != nil {
		return nil, err
	}
	own, _, err := t.account(a.ID, a.Currency)
	if err != nil {
		return nil, err
	}
	if err := t.exec(`INSERT INTO subaccounts (subaccount, account, main, agent, jwk, thumbprint, balance_limit, single_limit, total_limit, task_limit, period_limit, period, opened_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, a.ID, own.id, main.id, a.Agent, a.Key.JWK(), a.Key.Thumbprint(),
		orNull(a.BalanceLimit), orNull(a.Limits.Single), orNull(a.Limits.Total), orNull(a.TaskLimit),
		orNull(a.Limits.Within), orNull(int64(a.Limits.Period/time.Second)), t.unix()); err != nil {
		return nil, err
	}
	id := t.conn.LastInsertRowID()
	if err := t.exec("INSERT INTO subaccount_spent (subaccount, amount) VALUES (?, 0)", id); err != nil {
		return nil, err
	}
	return nil, t.subAccountState(id, 0, provider.SubAccountActive, book.ByPrincipal)
}

// orNull stores a limit; zero is none.
func orNull(limit int64) any {
	if limit == 0 {
		return nil
	}
	return limit
}

func (t *tx) subAccountState(id, seq int64, state provider.SubAccountState, cause book.StateCause) error {
	return t.exec("INSERT INTO subaccount_states (subaccount, seq, state, cause, at) VALUES (?, ?, ?, ?, ?)", id, seq, string(state), string(cause), t.unix())
}

// TopUp implements book.SubAccounts.
func (l *Ledger) TopUp(ctx context.Context, u book.TopUp) error {
	if err := u.Check(); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) { return t.topUp(u) })
}

func (t *tx) topUp(u book.TopUp) (refusal, err error) {
	p, found, err := purseOf(t.conn, u.SubAccount)
	if err != nil {
		return nil, err
	}
	if !found {
		return provider.UnknownSubAccount(), nil
	}
	var same bool
	before, err := t.row("SELECT payee, amount FROM moves WHERE cause = 'top-up' AND cause_id = ?",
		[]any{u.ID}, func(r *sqlite.Stmt) { same = r.ColumnInt64(0) == p.account && r.ColumnInt64(1) == u.Amount })
	if err != nil || same {
		return nil, err
	}
	var have int64
	if _, err := t.row("SELECT amount FROM balances WHERE account = ?", []any{p.main}, func(r *sqlite.Stmt) { have = r.ColumnInt64(0) }); err != nil {
		return nil, err
	}
	if refusal := p.JudgeTopUp(u, before, have); refusal != nil {
		return refusal, nil
	}
	return nil, t.post("top-up", u.ID, p.main, p.account, u.Amount)
}

// SetSubAccountState implements book.SubAccounts.
func (l *Ledger) SetSubAccountState(ctx context.Context, id string, state provider.SubAccountState, cause book.StateCause) error {
	if err := book.CheckChange(state, cause); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) { return t.setSubAccountState(id, state, cause) })
}

// SetAgentSubAccounts implements book.SubAccounts.
func (l *Ledger) SetAgentSubAccounts(ctx context.Context, agent string, state provider.SubAccountState, cause book.StateCause) (int, error) {
	if err := book.CheckChange(state, cause); err != nil {
		return 0, err
	}
	n := 0
	err := l.write(ctx, func(t *tx) error {
		var ids []string
		if err := queryRows(t.conn, "SELECT subaccount FROM subaccounts s WHERE agent = ? AND "+lastSubAccountState+" <> 'cancelled' ORDER BY id", []any{agent},
			func(r *sqlite.Stmt) error {
				ids = append(ids, r.ColumnText(0))
				return nil
			}); err != nil {
			return err
		}
		for _, id := range ids {
			if refusal, err := t.setSubAccountState(id, state, cause); refusal != nil || err != nil {
				return cmp.Or(err, refusal)
			}
		}
		n = len(ids)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (t *tx) setSubAccountState(id string, state provider.SubAccountState, cause book.StateCause) (refusal, err error) {
	p, found, err := purseOf(t.conn, id)
	if err != nil {
		return nil, err
	}
	holds, err := t.holds(p.id, cause)
	if err != nil {
		return nil, err
	}
	if !found {
		return provider.UnknownSubAccount(), nil
	}
	if fresh, refusal := p.Change(state, holds); !fresh {
		return refusal, nil
	}
	if state == provider.SubAccountCancelled && p.Balance > 0 {
		if err := t.post("return", id, p.account, p.main, p.Balance); err != nil {
			return nil, err
		}
	}
	return nil, t.subAccountState(p.id, p.seq+1, state, cause)
}

// holds reports whether a cause has frozen a sub-account and not taken it back.
func (t *tx) holds(id int64, cause book.StateCause) (frozen bool, err error) {
	_, err = t.row("SELECT state FROM subaccount_states WHERE subaccount = ? AND cause = ? ORDER BY seq DESC LIMIT 1", []any{id, string(cause)},
		func(r *sqlite.Stmt) { frozen = provider.SubAccountState(r.ColumnText(0)) == provider.SubAccountFrozen })
	return frozen, err
}

const lastSubAccountState = "(SELECT state FROM subaccount_states x WHERE x.subaccount = s.id ORDER BY seq DESC LIMIT 1)"
