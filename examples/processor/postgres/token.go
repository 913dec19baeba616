package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/provider"
)

// BindToken implements book.Book.
func (s *Store) BindToken(ctx context.Context, k provider.Token) error {
	if err := book.CheckToken(&k); err != nil {
		return err
	}
	return s.decide(ctx, []key{tokenKey(k.ID)}, func(t *tx) (refusal, err error) { return t.bindToken(&k) })
}

func (t *tx) bindToken(k *provider.Token) (refusal, err error) {
	account, found, err := t.account(k.Principal, k.Currency)
	if err != nil {
		return nil, err
	}
	if !found || account.kind != book.Principal {
		return book.NoAccountIn("PSD-PMT-BND-05"), nil
	}
	var one int
	if bound, err := t.row("SELECT 1 FROM tokens WHERE token = $1", []any{k.ID}, &one); err != nil {
		return nil, err
	} else if bound {
		return book.TokenUsed(), nil
	}
	merchants := append([]string{}, k.Merchants...)
	slices.Sort(merchants)
	var id int64
	if err := t.QueryRow(t, `INSERT INTO tokens (token, account, agent, valid_from, valid_until, ceiling, merchants, bound_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
		k.ID, account.id, k.Agent, seconds(k.ValidFrom), seconds(k.ValidUntil), k.Ceiling, slices.Compact(merchants), t.at()).Scan(&id); err != nil {
		return nil, err
	}
	if err := t.exec("INSERT INTO token_now (token, state, spent) VALUES ($1, 'active', 0)", id); err != nil {
		return nil, err
	}
	return nil, t.exec("INSERT INTO token_states (token, seq, state, at) VALUES ($1, 0, 'active', $2)", id, t.at())
}

// SetTokenState implements book.Book.
func (s *Store) SetTokenState(ctx context.Context, token string, state provider.TokenState) error {
	if err := book.CheckTokenState(state); err != nil {
		return err
	}
	return s.decide(ctx, []key{tokenKey(token)}, func(t *tx) (refusal, err error) {
		var id int64
		var now provider.TokenState
		found, err := t.row("SELECT t.id, n.state FROM tokens t JOIN token_now n ON n.token = t.id WHERE t.token = $1", []any{token}, &id, &now)
		if err != nil {
			return nil, err
		}
		if !found {
			return book.UnknownToken(), nil
		}
		if fresh, refusal := book.ChangeToken(now, state); !fresh {
			return refusal, nil
		}
		if err := t.exec("UPDATE token_now SET state = $2 WHERE token = $1", id, string(state)); err != nil {
			return nil, err
		}
		return nil, t.exec("INSERT INTO token_states (token, seq, state, at) VALUES ($1, (SELECT count(*) FROM token_states WHERE token = $1), $2, $3)",
			id, string(state), t.at())
	})
}

// Tokens implements book.Book.
func (s *Store) Tokens(ctx context.Context) ([]provider.Token, error) {
	var out []provider.Token
	err := s.query(ctx, func(r pgx.Rows) error {
		var k provider.Token
		err := scanToken(r, &k)
		out = append(out, k)
		return err
	}, tokenColumns+"ORDER BY k.id")
	return out, err
}

const tokenColumns = `SELECT k.token, a.owner, k.agent, a.currency, k.valid_from, k.valid_until, k.ceiling, k.merchants, n.state
	FROM tokens k JOIN accounts a ON a.id = k.account JOIN token_now n ON n.token = k.id `

func scanToken(r pgx.Row, k *provider.Token) error {
	err := r.Scan(&k.ID, &k.Principal, &k.Agent, &k.Currency, &k.ValidFrom, &k.ValidUntil, &k.Ceiling, &k.Merchants, &k.State)
	k.ValidFrom, k.ValidUntil = k.ValidFrom.UTC(), k.ValidUntil.UTC()
	if len(k.Merchants) == 0 {
		k.Merchants = nil
	}
	return err
}
