package ledger

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/provider"
)

// BindToken implements book.Tokens.
func (l *Ledger) BindToken(ctx context.Context, k provider.Token) error {
	if err := book.CheckToken(&k); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) { return t.bindToken(k) })
}

func (t *tx) bindToken(k provider.Token) (refusal, err error) {
	account, found, err := t.account(k.Principal, k.Currency)
	if err != nil {
		return nil, err
	}
	if !found || account.kind != book.Principal {
		return book.NoAccountIn("PSD-PMT-BND-05"), nil
	}
	if bound, err := t.row("SELECT 1 FROM tokens WHERE token = ?", []any{k.ID}, func(*sqlite.Stmt) {}); err != nil {
		return nil, err
	} else if bound {
		return book.TokenUsed(), nil
	}
	var ceiling any
	if k.Ceiling > 0 {
		ceiling = k.Ceiling
	}
	if err := t.exec("INSERT INTO tokens (token, account, agent, valid_from, valid_until, ceiling, bound_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		k.ID, account.id, k.Agent, k.ValidFrom.Unix(), k.ValidUntil.Unix(), ceiling, t.unix()); err != nil {
		return nil, err
	}
	id := t.conn.LastInsertRowID()
	for _, merchant := range k.Merchants {
		if err := t.exec("INSERT OR IGNORE INTO token_merchants (token, merchant) VALUES (?, ?)", id, merchant); err != nil {
			return nil, err
		}
	}
	if err := t.exec("INSERT INTO token_spent (token, amount) VALUES (?, 0)", id); err != nil {
		return nil, err
	}
	return nil, t.exec("INSERT INTO token_states (token, seq, state, at) VALUES (?, 0, ?, ?)", id, string(provider.TokenActive), t.unix())
}

// SetTokenState implements book.Tokens.
func (l *Ledger) SetTokenState(ctx context.Context, token string, state provider.TokenState) error {
	if err := book.CheckTokenState(state); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) {
		var id, seq int64
		var now provider.TokenState
		found, err := t.row("SELECT t.id, s.seq, s.state FROM tokens t JOIN token_states s ON s.token = t.id WHERE t.token = ? ORDER BY s.seq DESC LIMIT 1",
			[]any{token}, func(r *sqlite.Stmt) {
				id, seq, now = r.ColumnInt64(0), r.ColumnInt64(1), provider.TokenState(r.ColumnText(2))
			})
		if err != nil {
			return nil, err
		}
		if !found {
			return book.UnknownToken(), nil
		}
		if fresh, refusal := book.ChangeToken(now, state); !fresh {
			return refusal, nil
		}
		return nil, t.exec("INSERT INTO token_states (token, seq, state, at) VALUES (?, ?, ?, ?)", id, seq+1, string(state), t.unix())
	})
}

// Tokens implements book.Tokens.
func (l *Ledger) Tokens(ctx context.Context) ([]provider.Token, error) {
	var out []provider.Token
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		var ids []int64
		err := queryRows(conn, `SELECT t.id, t.token, a.owner, t.agent, a.currency, t.valid_from, t.valid_until, t.ceiling,
			(SELECT state FROM token_states s WHERE s.token = t.id ORDER BY seq DESC LIMIT 1)
			FROM tokens t JOIN accounts a ON a.id = t.account ORDER BY t.id`, nil,
			func(r *sqlite.Stmt) error {
				ids = append(ids, r.ColumnInt64(0))
				out = append(out, provider.Token{
					ID: r.ColumnText(1), Principal: r.ColumnText(2), Agent: r.ColumnText(3), Currency: r.ColumnText(4),
					ValidFrom: fromUnix(r.ColumnInt64(5)), ValidUntil: fromUnix(r.ColumnInt64(6)), Ceiling: r.ColumnInt64(7),
					State: provider.TokenState(r.ColumnText(8)),
				})
				return nil
			})
		for i := range ids {
			if err == nil {
				out[i].Merchants, err = merchants(conn, ids[i])
			}
		}
		return err
	})
	return out, err
}

// tokenOf reads a payment token and what was paid by it; nil when there is none.
func tokenOf(conn *sqlite.Conn, id string) (k *heldToken, err error) {
	var restricted bool
	_, err = queryRow(conn, `SELECT t.id, t.account, a.owner, a.currency, t.agent, t.valid_from, t.valid_until, t.ceiling, s.amount,
		(SELECT state FROM token_states x WHERE x.token = t.id ORDER BY seq DESC LIMIT 1),
		EXISTS (SELECT 1 FROM token_merchants m WHERE m.token = t.id)
		FROM tokens t JOIN accounts a ON a.id = t.account JOIN token_spent s ON s.token = t.id
		WHERE t.token = ?`, []any{id}, func(r *sqlite.Stmt) {
		k = &heldToken{id: r.ColumnInt64(0), account: r.ColumnInt64(1), spent: r.ColumnInt64(8), Token: provider.Token{
			ID: id, Principal: r.ColumnText(2), Currency: r.ColumnText(3), Agent: r.ColumnText(4),
			ValidFrom: fromUnix(r.ColumnInt64(5)), ValidUntil: fromUnix(r.ColumnInt64(6)), Ceiling: r.ColumnInt64(7),
			State: provider.TokenState(r.ColumnText(9)),
		}}
		restricted = r.ColumnBool(10)
	})
	if err == nil && restricted {
		k.Merchants, err = merchants(conn, k.id)
	}
	return k, err
}

// merchants are whom a token may pay; empty is anybody.
func merchants(conn *sqlite.Conn, token int64) (out []string, err error) {
	err = queryRows(conn, "SELECT merchant FROM token_merchants WHERE token = ? ORDER BY merchant", []any{token}, func(r *sqlite.Stmt) error {
		out = append(out, r.ColumnText(0))
		return nil
	})
	return out, err
}
