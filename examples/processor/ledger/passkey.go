package ledger

import (
	"context"
	"crypto/rand"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
)

// Invite implements book.Passkeys.
func (l *Ledger) Invite(ctx context.Context, i book.Invitation) error {
	if err := i.Check(); err != nil {
		return err
	}
	return l.decideApart(ctx, func(t *tx) (refusal, err error) {
		known, err := has(t.conn, i.Principal, book.Principal)
		if err != nil {
			return nil, err
		}
		if !known {
			return book.NoAccount("PSD-PMT-BND-02"), nil
		}
		used, err := t.row("SELECT 1 FROM invitations WHERE invitation = ?", []any{i.ID}, func(*sqlite.Stmt) {})
		if err != nil {
			return nil, err
		}
		if used {
			return book.InvitationUsed(), nil
		}
		return nil, t.exec("INSERT INTO invitations (invitation, principal, expires, made_at) VALUES (?, ?, ?, ?)", i.ID, i.Principal, i.Expires.Unix(), t.unix())
	})
}

// invitation reads a link and its row; the row is 0 when there is none.
func invitation(conn *sqlite.Conn, id string) (i book.Invitation, row int64, err error) {
	_, err = queryRow(conn, `SELECT i.id, i.invitation, i.principal, i.expires, i.made_at, k.passkey
		FROM invitations i LEFT JOIN passkeys k ON k.invitation = i.id WHERE i.invitation = ?`, []any{id}, func(r *sqlite.Stmt) {
		row = r.ColumnInt64(0)
		i = book.Invitation{ID: r.ColumnText(1), Principal: r.ColumnText(2), Expires: fromUnix(r.ColumnInt64(3)), MadeAt: fromUnix(r.ColumnInt64(4)), UsedBy: r.ColumnText(5)}
	})
	return i, row, err
}

// Invitation implements book.Passkeys.
func (l *Ledger) Invitation(ctx context.Context, id string) (i book.Invitation, err error) {
	var row int64
	err = l.read(ctx, func(conn *sqlite.Conn) (err error) {
		i, row, err = invitation(conn, id)
		return err
	})
	if err == nil && row == 0 {
		err = book.UnknownInvitation()
	}
	return i, err
}

// Enrol implements book.Passkeys.
func (l *Ledger) Enrol(ctx context.Context, id string, k book.Passkey) error {
	if err := k.Check(); err != nil {
		return err
	}
	return l.decideApart(ctx, func(t *tx) (refusal, err error) {
		i, row, err := invitation(t.conn, id)
		if err != nil {
			return nil, err
		}
		if row == 0 {
			return book.UnknownInvitation(), nil
		}
		if refusal := i.Open(t.now); refusal != nil {
			return refusal, nil
		}
		used, err := t.row("SELECT 1 FROM passkeys WHERE passkey = ?", []any{k.ID}, func(*sqlite.Stmt) {})
		if err != nil {
			return nil, err
		}
		if used {
			return book.PasskeyUsed(), nil
		}
		if err := t.exec("INSERT INTO passkeys (passkey, invitation, cose, counter, backup_eligible, backed_up, enrolled_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
			k.ID, row, k.Key, int64(k.Counter), k.BackupEligible, k.BackedUp, t.unix()); err != nil {
			return nil, err
		}
		return nil, t.exec("INSERT INTO passkey_states (passkey, seq, state, at) VALUES (?, 0, 'enrolled', ?)", t.conn.LastInsertRowID(), t.unix())
	})
}

const passkeyColumns = `SELECT k.id, k.passkey, i.principal, k.cose, coalesce(u.counter, k.counter), k.backup_eligible, k.backed_up, k.enrolled_at, u.at, coalesce(u.seq, -1),
	(SELECT state FROM passkey_states s WHERE s.passkey = k.id ORDER BY seq DESC LIMIT 1)
	FROM passkeys k JOIN invitations i ON i.id = k.invitation
	LEFT JOIN passkey_uses u ON u.passkey = k.id AND u.seq = (SELECT max(seq) FROM passkey_uses x WHERE x.passkey = k.id) `

// passkey is a passkey with its row and the number of its last use.
type passkey struct {
	book.Passkey
	id, used int64
}

func scanPasskey(r *sqlite.Stmt) passkey {
	k := passkey{id: r.ColumnInt64(0), used: r.ColumnInt64(9), Passkey: book.Passkey{
		ID: r.ColumnText(1), Principal: r.ColumnText(2), Key: columnBytes(r, 3), Counter: uint32(r.ColumnInt64(4)),
		BackupEligible: r.ColumnBool(5), BackedUp: r.ColumnBool(6), EnrolledAt: fromUnix(r.ColumnInt64(7)), Removed: r.ColumnText(10) != "enrolled",
	}}
	if !r.ColumnIsNull(8) {
		k.UsedAt = fromUnix(r.ColumnInt64(8))
	}
	return k
}

// Passkey implements book.Passkeys.
func (l *Ledger) Passkey(ctx context.Context, id string) (book.Passkey, error) {
	var k passkey
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		found, err := queryRow(conn, passkeyColumns+"WHERE k.passkey = ?", []any{id}, func(r *sqlite.Stmt) { k = scanPasskey(r) })
		if err == nil && !found {
			err = book.UnknownPasskey()
		}
		return err
	})
	return k.Passkey, err
}

// Passkeys implements book.Passkeys.
func (l *Ledger) Passkeys(ctx context.Context) (out []book.Passkey, err error) {
	err = l.read(ctx, func(conn *sqlite.Conn) error {
		out = nil
		return queryRows(conn, passkeyColumns+"ORDER BY k.id", nil, func(r *sqlite.Stmt) error {
			out = append(out, scanPasskey(r).Passkey)
			return nil
		})
	})
	return out, err
}

// RemovePasskey implements book.Passkeys.
func (l *Ledger) RemovePasskey(ctx context.Context, id string) error {
	return l.decideApart(ctx, func(t *tx) (refusal, err error) {
		var k passkey
		found, err := t.row(passkeyColumns+"WHERE k.passkey = ?", []any{id}, func(r *sqlite.Stmt) { k = scanPasskey(r) })
		switch {
		case err != nil || found && k.Removed:
			return nil, err
		case !found:
			return book.UnknownPasskey(), nil
		}
		return nil, t.exec("INSERT INTO passkey_states (passkey, seq, state, at) VALUES (?, 1, 'removed', ?)", k.id, t.unix())
	})
}

// UsePasskey implements book.Passkeys.
func (l *Ledger) UsePasskey(ctx context.Context, u book.PasskeyUse) error {
	if err := u.Check(); err != nil {
		return err
	}
	return l.decideApart(ctx, func(t *tx) (refusal, err error) {
		var k passkey
		found, err := t.row(passkeyColumns+"WHERE k.passkey = ?", []any{u.ID}, func(r *sqlite.Stmt) { k = scanPasskey(r) })
		if err != nil {
			return nil, err
		}
		if !found {
			return book.UnknownPasskey(), nil
		}
		if refusal := k.CheckUse(u); refusal != nil {
			return refusal, nil
		}
		if refusal, err := t.useNonce(u.Nonce); refusal != nil || err != nil {
			return refusal, err
		}
		return nil, t.exec("INSERT INTO passkey_uses (passkey, seq, counter, at) VALUES (?, ?, ?, ?)", k.id, k.used+1, int64(u.Counter), t.unix())
	})
}

// Secret implements book.Passkeys.
func (l *Ledger) Secret(ctx context.Context, name string) ([]byte, error) {
	if err := book.CheckSecret(name); err != nil {
		return nil, err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	var secret []byte
	err := l.write(ctx, func(t *tx) error {
		if err := t.exec("INSERT INTO secrets (name, secret) VALUES (?, ?) ON CONFLICT DO NOTHING", name, fresh); err != nil {
			return err
		}
		_, err := t.row("SELECT secret FROM secrets WHERE name = ?", []any{name}, func(r *sqlite.Stmt) { secret = columnBytes(r, 0) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return secret, nil
}
