package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
)

// TrustIssuer implements book.Book.
func (s *Store) TrustIssuer(ctx context.Context, issuer, principal string, trusted bool) error {
	if err := (book.Trust{Issuer: issuer, Principal: principal}).Check(); err != nil {
		return err
	}
	return s.decide(ctx, []key{keyOf("trust", issuer, principal)}, func(t *tx) (refusal, err error) { return t.trustIssuer(issuer, principal, trusted) })
}

func (t *tx) trustIssuer(issuer, principal string, trusted bool) (refusal, err error) {
	seq, now := -1, false
	if _, err := t.row("SELECT seq, trusted FROM issuers WHERE issuer = $1 AND principal = $2 ORDER BY seq DESC LIMIT 1", []any{issuer, principal}, &seq, &now); err != nil {
		return nil, err
	}
	if !now { // what is trusted can always be revoked
		known, err := t.has(principal, book.Principal)
		if err != nil {
			return nil, err
		}
		if !known {
			return book.NoAccount("ADD-IAC-ISS-10"), nil
		}
	}
	if now == trusted {
		return nil, nil
	}
	return nil, t.exec("INSERT INTO issuers (issuer, principal, seq, trusted, at) VALUES ($1, $2, $3, $4, $5)", issuer, principal, seq+1, trusted, t.at())
}

// Issuers implements book.Book.
func (s *Store) Issuers(ctx context.Context) ([]book.Trust, error) {
	var out []book.Trust
	err := s.query(ctx, func(r pgx.Rows) error {
		var t book.Trust
		err := r.Scan(&t.Issuer, &t.Principal)
		out = append(out, t)
		return err
	}, `SELECT issuer, principal FROM (SELECT DISTINCT ON (issuer, principal) issuer, principal, trusted FROM issuers ORDER BY issuer, principal, seq DESC) i
		WHERE trusted ORDER BY issuer, principal`)
	return out, err
}
