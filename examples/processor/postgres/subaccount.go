package postgres

import (
	"cmp"
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/provider"
)

// OpenSubAccount implements book.Book.
func (s *Store) OpenSubAccount(ctx context.Context, a book.SubAccount) error {
	if err := a.Check(); err != nil {
		return err
	}
	return s.decide(ctx, purseKeys(a.ID, a.Key), func(t *tx) (refusal, err error) { return t.openSubAccount(&a) })
}

// purseKeys are what a new sub-account must have for itself: its id, also among
// the owners of accounts, and its key.
func purseKeys(id string, k keys.PublicKey) []key {
	return []key{ownerKey(id), subAccountKey(id), thumbprintKey(k)}
}

func (t *tx) openSubAccount(a *book.SubAccount) (refusal, err error) {
	main, found, err := t.account(a.Principal, a.Currency)
	if err != nil {
		return nil, err
	}
	if !found || main.kind != book.Principal {
		return book.NoAccountIn("PSD-AGT-SUB-01"), nil
	}
	var one int
	if used, err := t.row("SELECT 1 FROM accounts WHERE owner = $1", []any{a.ID}, &one); err != nil {
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
	var id int64
	if err := t.QueryRow(t, `INSERT INTO subaccounts (subaccount, account, main, agent, jwk, thumbprint, balance_limit, single_limit, total_limit, task_limit, period_limit, period, opened_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`, a.ID, own.id, main.id, a.Agent, a.Key.JWK(), a.Key.Thumbprint(),
		a.BalanceLimit, a.Limits.Single, a.Limits.Total, a.TaskLimit, a.Limits.Within, int64(a.Limits.Period/time.Second), t.at()).Scan(&id); err != nil {
		return nil, err
	}
	if err := t.exec("INSERT INTO subaccount_now (subaccount, state, spent) VALUES ($1, 'active', 0)", id); err != nil {
		return nil, err
	}
	return nil, t.exec("INSERT INTO subaccount_states (subaccount, seq, state, cause, at) VALUES ($1, 0, 'active', 'principal', $2)", id, t.at())
}

// purse is a sub-account with its rows.
type purse struct {
	book.SubAccount
	id, account, main int64
}

const purseColumns = `SELECT s.id, s.account, s.main, s.subaccount, p.owner, s.agent, p.currency, s.jwk,
	s.balance_limit, s.single_limit, s.total_limit, s.task_limit, s.period_limit, s.period,
	b.amount, n.spent, n.state, n.cause, s.opened_at
	FROM subaccounts s JOIN accounts p ON p.id = s.main JOIN balances b ON b.account = s.account AND b.lane = 0 JOIN subaccount_now n ON n.subaccount = s.id`

func (p *purse) scan(r pgx.Row, more ...any) error {
	var jwk []byte
	var period int64
	var cause *book.StateCause
	l := &p.Limits
	err := r.Scan(append([]any{&p.id, &p.account, &p.main, &p.ID, &p.Principal, &p.Agent, &p.Currency, &jwk,
		&p.BalanceLimit, &l.Single, &l.Total, &p.TaskLimit, &l.Within, &period,
		&p.Balance, &p.Spent, &p.State, &cause, &p.OpenedAt}, more...)...)
	if err != nil {
		return err
	}
	l.Period, p.Cause, p.OpenedAt = time.Duration(period)*time.Second, or(cause), p.OpenedAt.UTC()
	p.Key, err = book.StoredKey(jwk)
	return err
}

// purseOf reads a sub-account in its present state.
func purseOf(ctx context.Context, q querier, id string) (p purse, ok bool, err error) {
	ok, err = found(p.scan(q.QueryRow(ctx, purseColumns+" WHERE s.subaccount = $1", id)))
	return p, ok, err
}

// TopUp implements book.Book.
func (s *Store) TopUp(ctx context.Context, u book.TopUp) error {
	if err := u.Check(); err != nil {
		return err
	}
	held := []key{transferKey("top-up", u.ID), subAccountKey(u.SubAccount)}
	return s.decide(ctx, held, func(t *tx) (refusal, err error) { return t.topUp(u) })
}

func (t *tx) topUp(u book.TopUp) (refusal, err error) {
	p, found, err := t.lockedPurse(u.SubAccount)
	if err != nil {
		return nil, err
	}
	if !found {
		return provider.UnknownSubAccount(), nil
	}
	to, amount, before, err := t.before("top-up", u.ID)
	if err != nil || before && to == p.account && amount == u.Amount {
		return nil, err
	}
	have, err := t.balance(p.main)
	if err != nil {
		return nil, err
	}
	if refusal := p.JudgeTopUp(u, before, have); refusal != nil {
		return refusal, nil
	}
	id, err := t.number()
	if err != nil {
		return nil, err
	}
	return nil, t.post(id, "top-up", u.ID, p.main, p.account, u.Amount)
}

// lockedPurse reads a sub-account with its balance and its principal's locked,
// in the order of their numbers.
func (t *tx) lockedPurse(id string) (p purse, found bool, err error) {
	if err := t.exec(`SELECT 1 FROM balances WHERE account IN (SELECT account FROM subaccounts WHERE subaccount = $1 UNION SELECT main FROM subaccounts WHERE subaccount = $1)
		AND lane = 0 ORDER BY account FOR UPDATE`, id); err != nil {
		return p, false, err
	}
	return purseOf(t, t.Tx, id)
}

// SetSubAccountState implements book.Book.
func (s *Store) SetSubAccountState(ctx context.Context, id string, state provider.SubAccountState, cause book.StateCause) error {
	if err := book.CheckChange(state, cause); err != nil {
		return err
	}
	return s.decide(ctx, []key{subAccountKey(id)}, func(t *tx) (refusal, err error) { return t.setSubAccountState(id, state, cause) })
}

// SetAgentSubAccounts implements book.Book. A sub-account that is opened for the
// agent at the same moment may be missed, as if it had been opened behind.
func (s *Store) SetAgentSubAccounts(ctx context.Context, agent string, state provider.SubAccountState, cause book.StateCause) (int, error) {
	if err := book.CheckChange(state, cause); err != nil {
		return 0, err
	}
	ids, err := s.agentsPurses(ctx, agent)
	if err != nil {
		return 0, err
	}
	held := make([]key, len(ids))
	for i, id := range ids {
		held[i] = subAccountKey(id)
	}
	n := 0
	err = s.write(ctx, held, func(t *tx) error {
		n = 0
		// All rows at once and in their order, as everybody takes them.
		if err := t.exec(`SELECT 1 FROM balances WHERE lane = 0 AND account IN (SELECT account FROM subaccounts WHERE subaccount = ANY ($1)
			UNION SELECT main FROM subaccounts WHERE subaccount = ANY ($1)) ORDER BY account FOR UPDATE`, ids); err != nil {
			return err
		}
		for _, id := range ids {
			p, _, err := purseOf(t, t.Tx, id)
			if err != nil {
				return err
			}
			if p.State == provider.SubAccountCancelled {
				continue
			}
			if refusal, err := t.setSubAccountState(id, state, cause); refusal != nil || err != nil {
				return cmp.Or(err, refusal)
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (s *Store) agentsPurses(ctx context.Context, agent string) (ids []string, err error) {
	err = s.query(ctx, func(r pgx.Rows) error {
		var id string
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT s.subaccount FROM subaccounts s JOIN subaccount_now n ON n.subaccount = s.id
		WHERE s.agent = $1 AND n.state <> 'cancelled' ORDER BY s.id`, agent)
	return ids, err
}

func (t *tx) setSubAccountState(id string, state provider.SubAccountState, cause book.StateCause) (refusal, err error) {
	p, found, err := t.lockedPurse(id)
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
		number, err := t.number()
		if err != nil {
			return nil, err
		}
		if err := t.post(number, "return", id, p.account, p.main, p.Balance); err != nil {
			return nil, err
		}
	}
	if err := t.exec(`INSERT INTO subaccount_states (subaccount, seq, state, cause, at)
		VALUES ($1, (SELECT count(*) FROM subaccount_states WHERE subaccount = $1), $2, $3, $4)`, p.id, string(state), string(cause), t.at()); err != nil {
		return nil, err
	}
	return nil, t.exec(`UPDATE subaccount_now n SET state = v.state, cause = v.cause
		FROM subaccount_view v WHERE n.subaccount = $1 AND v.subaccount = $1`, p.id)
}

// holds reports whether a cause has frozen a sub-account and not taken it back.
func (t *tx) holds(id int64, cause book.StateCause) (frozen bool, err error) {
	_, err = t.row("SELECT state = 'frozen' FROM subaccount_states WHERE subaccount = $1 AND cause = $2 ORDER BY seq DESC LIMIT 1", []any{id, string(cause)}, &frozen)
	return frozen, err
}

// SubAccount implements provider.Ledger.
func (s *Store) SubAccount(ctx context.Context, id string) (provider.SubAccount, error) {
	p, found, err := purseOf(ctx, s.pool, id)
	if err != nil {
		return provider.SubAccount{}, unavailable(err)
	}
	if !found {
		return provider.SubAccount{}, provider.UnknownSubAccount()
	}
	return p.SubAccount.SubAccount, nil
}

// Instrument implements provider.Ledger: what a payment with it would find.
// TaskLimit is not told: it depends on the mandate.
func (s *Store) Instrument(ctx context.Context, i provider.Instrument) (provider.Facts, error) {
	if err := i.Check(); err != nil {
		return provider.Facts{}, err
	}
	row := factsRow{byToken: i.Token != "", instrumentID: i.Token + i.SubAccount}
	_, err := s.one(ctx, "SELECT (f).* FROM (SELECT instrument($1, $2, NULL, coalesce($3, clock_timestamp()), false, NULL::facts) f OFFSET 0) x",
		[]any{orNull(i.Token), orNull(i.SubAccount), s.clock()}, row.into()...)
	if err != nil {
		return provider.Facts{}, err
	}
	f, err := row.position()
	return f.Facts, err
}

// SubAccounts implements book.Book.
func (s *Store) SubAccounts(ctx context.Context) ([]book.SubAccount, error) {
	var out []book.SubAccount
	err := s.query(ctx, func(r pgx.Rows) error {
		var p purse
		var by []book.StateCause
		err := p.scan(r, &by)
		if p.State == provider.SubAccountFrozen {
			p.FrozenBy = by
		}
		out = append(out, p.SubAccount)
		return err
	}, purseListing)
	return out, err
}

// purseListing adds the freezes that their own cause has not taken back.
const purseListing = `SELECT s.*, ARRAY(SELECT f.cause FROM subaccount_states f WHERE f.subaccount = s.id AND f.state = 'frozen'
		AND NOT EXISTS (SELECT 1 FROM subaccount_states g WHERE g.subaccount = f.subaccount AND g.cause = f.cause AND g.seq > f.seq)
		ORDER BY f.seq) FROM (` + purseColumns + `) s ORDER BY s.id`
