package ledger

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
)

// TrustIssuer implements book.Issuers.
func (l *Ledger) TrustIssuer(ctx context.Context, issuer, principal string, trusted bool) error {
	if err := (book.Trust{Issuer: issuer, Principal: principal}).Check(); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) { return t.trustIssuer(issuer, principal, trusted) })
}

func (t *tx) trustIssuer(issuer, principal string, trusted bool) (refusal, err error) {
	seq, now := int64(-1), false
	if _, err := t.row("SELECT seq, trusted FROM issuers WHERE issuer = ? AND principal = ? ORDER BY seq DESC LIMIT 1",
		[]any{issuer, principal}, func(r *sqlite.Stmt) { seq, now = r.ColumnInt64(0), r.ColumnBool(1) }); err != nil {
		return nil, err
	}
	if !now { // what is trusted, by a book from before this rule too, can always be revoked
		known, err := has(t.conn, principal, book.Principal)
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
	return nil, t.exec("INSERT INTO issuers (issuer, principal, seq, trusted, at) VALUES (?, ?, ?, ?, ?)", issuer, principal, seq+1, trusted, t.unix())
}

// Issuers implements book.Issuers.
func (l *Ledger) Issuers(ctx context.Context) ([]book.Trust, error) {
	var out []book.Trust
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		return queryRows(conn, `SELECT issuer, principal FROM issuers i WHERE trusted = 1
			AND seq = (SELECT max(seq) FROM issuers j WHERE j.issuer = i.issuer AND j.principal = i.principal)
			ORDER BY issuer, principal`, nil, func(r *sqlite.Stmt) error {
			out = append(out, book.Trust{Issuer: r.ColumnText(0), Principal: r.ColumnText(1)})
			return nil
		})
	})
	return out, err
}
