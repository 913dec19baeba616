package ledger

import (
	"cmp"
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// OpenSubAccount opens an empty sub-account beside the principal's account,
// active at once. An id or a key that was used before, also by a sub-account
// that is cancelled, is state_conflict; a principal without an account in the
// currency is instrument_invalid. A failed opening leaves nothing
// (PSD-PMT-BND-05).
//
// It does not check who asks: whoever calls it has identified the principal
// (PSD-AGT-SUB-01), and knows that the key is the agent's.
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
		return protocol.New(protocol.CodeInstrumentInvalid, "principal", "PSD-AGT-SUB-01", "the principal has no account in this currency"), nil
	}
	if used, err := t.row("SELECT 1 FROM accounts WHERE owner = ?", []any{a.ID}, func(*sqlite.Stmt) {}); err != nil {
		return nil, err
	} else if used {
		return protocol.New(protocol.CodeStateConflict, "id", "PSD-AGT-SUB-01", "the id was used before"), nil
	}
	if used, err := t.row("SELECT 1 FROM subaccounts WHERE thumbprint = ?", []any{a.Key.Thumbprint()}, func(*sqlite.Stmt) {}); err != nil {
		return nil, err
	} else if used {
		return protocol.New(protocol.CodeStateConflict, "key", "PSD-AGT-SUB-03", "the key was used for another sub-account"), nil
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

// TopUp moves money into a sub-account that is active. The same top-up
// again does nothing; another one under the same id is request_conflict. More
// than the principal has is balance_insufficient, more than the sub-account may
// hold is single_limit_exceeded.
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
		return unknownSubAccount(), nil
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
	switch {
	case before:
		return protocol.New(protocol.CodeRequestConflict, "topup_id", "PSD-AGT-SUB-02", "the id was used for another top-up"), nil
	case p.State != provider.SubAccountActive:
		return p.unavailable(), nil
	case u.Amount > have:
		return protocol.New(protocol.CodeBalanceInsufficient, "amount", "PSD-AGT-SUB-02", "more than the principal's account has"), nil
	case p.BalanceLimit > 0 && u.Amount > p.BalanceLimit-p.Balance:
		return protocol.New(protocol.CodeSingleLimitExceeded, "amount", "PSD-AGT-SUB-06", "more than the sub-account may hold"), nil
	}
	return nil, t.post("top-up", u.ID, p.main, p.account, u.Amount)
}

// SetSubAccountState freezes, unfreezes (active) or cancels a
// sub-account, and its key with it (PSD-AGT-SUB-03). With a cancellation
// everything that is left flows back into the principal's account, in the same
// transaction. The change holds for every payment that is decided after the
// call returned.
//
// A freeze holds until its own cause takes it back, whatever the others do in
// between: after a nil error for active it is still frozen when another cause
// wants it so, and what only others have frozen is not unfrozen (actor_refused).
// Doing again what was done does nothing. A cancelled one stays so
// (subaccount_cancelled), an unknown one is subaccount_unknown.
func (l *Ledger) SetSubAccountState(ctx context.Context, id string, state provider.SubAccountState, cause book.StateCause) error {
	if err := book.CheckChange(state, cause); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) { return t.setSubAccountState(id, state, cause) })
}

// SetAgentSubAccounts does the same to all sub-accounts of an agent that are
// not cancelled, all of them or none, and tells how many there are. It is for
// the day on which an agent's identity lapses (PSD-AGT-SUB-02).
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
	switch {
	case !found:
		return unknownSubAccount(), nil
	case p.State == provider.SubAccountCancelled && state != provider.SubAccountCancelled:
		return p.unavailable(), nil
	case p.State == provider.SubAccountFrozen && state == provider.SubAccountActive && !holds:
		return protocol.New(protocol.CodeActorRefused, "cause", "PSD-AGT-SUB-02", "frozen for another cause"), nil
	case p.State == state && (state != provider.SubAccountFrozen || holds):
		return nil, nil
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

func unknownSubAccount() *protocol.Error {
	return protocol.New(protocol.CodeSubAccountUnknown, "subaccount_id", "PSD-AGT-SUB-05", "")
}

const lastSubAccountState = "(SELECT state FROM subaccount_states x WHERE x.subaccount = s.id ORDER BY seq DESC LIMIT 1)"
