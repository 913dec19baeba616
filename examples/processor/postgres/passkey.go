package postgres

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/provider"
)

func invitationKey(id string) key { return keyOf("invitation", id) }
func passkeyKey(id string) key    { return keyOf("passkey", id) }

// Invite implements book.Passkeys.
func (s *Store) Invite(ctx context.Context, i book.Invitation) error {
	if err := i.Check(); err != nil {
		return err
	}
	return s.decide(ctx, []key{invitationKey(i.ID)}, func(t *tx) (refusal, err error) {
		known, err := t.has(i.Principal, book.Principal)
		if err != nil {
			return nil, err
		}
		if !known {
			return book.NoAccount("PSD-PMT-BND-02"), nil
		}
		if _, row, err := invitation(t, t.Tx, i.ID); err != nil {
			return nil, err
		} else if row != 0 {
			return book.InvitationUsed(), nil
		}
		return nil, t.exec("INSERT INTO invitations (invitation, principal, expires, made_at) VALUES ($1, $2, $3, $4)", i.ID, i.Principal, seconds(i.Expires), t.at())
	})
}

// invitation reads a link and its row; the row is 0 when there is none.
func invitation(ctx context.Context, q querier, id string) (i book.Invitation, row int64, err error) {
	var by *string
	_, err = found(q.QueryRow(ctx, `SELECT i.id, i.invitation, i.principal, i.expires, i.made_at, k.passkey
		FROM invitations i LEFT JOIN passkeys k ON k.invitation = i.id WHERE i.invitation = $1`, id).Scan(&row, &i.ID, &i.Principal, &i.Expires, &i.MadeAt, &by))
	if row != 0 {
		i.Expires, i.MadeAt, i.UsedBy = i.Expires.UTC(), i.MadeAt.UTC(), or(by)
	}
	return i, row, err
}

// Invitation implements book.Passkeys.
func (s *Store) Invitation(ctx context.Context, id string) (book.Invitation, error) {
	i, row, err := invitation(ctx, s.pool, id)
	if err == nil && row == 0 {
		return i, book.UnknownInvitation()
	}
	return i, unavailable(err)
}

// Enrol implements book.Passkeys.
func (s *Store) Enrol(ctx context.Context, id string, k book.Passkey) error {
	if err := k.Check(); err != nil {
		return err
	}
	return s.decide(ctx, []key{invitationKey(id), passkeyKey(k.ID)}, func(t *tx) (refusal, err error) {
		i, row, err := invitation(t, t.Tx, id)
		if err != nil {
			return nil, err
		}
		if row == 0 {
			return book.UnknownInvitation(), nil
		}
		if refusal := i.Open(t.now); refusal != nil {
			return refusal, nil
		}
		var one int
		used, err := t.row("SELECT 1 FROM passkeys WHERE passkey = $1", []any{k.ID}, &one)
		if err != nil {
			return nil, err
		}
		if used {
			return book.PasskeyUsed(), nil
		}
		return nil, t.exec("INSERT INTO passkeys (passkey, invitation, cose, counter, backup_eligible, backed_up, enrolled_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			k.ID, row, k.Key, int64(k.Counter), k.BackupEligible, k.BackedUp, t.at())
	})
}

const passkeyColumns = `SELECT k.id, k.passkey, i.principal, k.cose, coalesce(u.counter, k.counter), k.backup_eligible, k.backed_up, k.enrolled_at,
	u.at, coalesce(u.seq, -1), r.passkey IS NOT NULL
	FROM passkeys k JOIN invitations i ON i.id = k.invitation LEFT JOIN passkey_removals r ON r.passkey = k.id
	LEFT JOIN LATERAL (SELECT seq, counter, at FROM passkey_uses x WHERE x.passkey = k.id ORDER BY seq DESC LIMIT 1) u ON true `

// passkey is a passkey with its row and the number of its last use.
type passkey struct {
	book.Passkey
	id, used int64
}

func (k *passkey) scan(r pgx.Row) error {
	var counter int64
	var used *time.Time
	err := r.Scan(&k.id, &k.ID, &k.Principal, &k.Key, &counter, &k.BackupEligible, &k.BackedUp, &k.EnrolledAt, &used, &k.used, &k.Removed)
	k.Counter, k.EnrolledAt, k.UsedAt = uint32(counter), k.EnrolledAt.UTC(), utc(used)
	return err
}

func passkeyOf(ctx context.Context, q querier, id string) (k passkey, ok bool, err error) {
	ok, err = found(k.scan(q.QueryRow(ctx, passkeyColumns+"WHERE k.passkey = $1", id)))
	if !ok {
		return passkey{}, false, err
	}
	return k, true, nil
}

// Passkey implements book.Passkeys.
func (s *Store) Passkey(ctx context.Context, id string) (book.Passkey, error) {
	k, known, err := passkeyOf(ctx, s.pool, id)
	if err == nil && !known {
		return book.Passkey{}, book.UnknownPasskey()
	}
	return k.Passkey, unavailable(err)
}

// Passkeys implements book.Passkeys.
func (s *Store) Passkeys(ctx context.Context) (out []book.Passkey, err error) {
	err = s.query(ctx, func(r pgx.Rows) error {
		var k passkey
		err := k.scan(r)
		out = append(out, k.Passkey)
		return err
	}, passkeyColumns+"ORDER BY k.id")
	return out, err
}

// RemovePasskey implements book.Passkeys.
func (s *Store) RemovePasskey(ctx context.Context, id string) error {
	return s.decide(ctx, []key{passkeyKey(id)}, func(t *tx) (refusal, err error) {
		k, known, err := passkeyOf(t, t.Tx, id)
		switch {
		case err != nil || known && k.Removed:
			return nil, err
		case !known:
			return book.UnknownPasskey(), nil
		}
		return nil, t.exec("INSERT INTO passkey_removals (passkey, at) VALUES ($1, $2)", k.id, t.at())
	})
}

// UsePasskey implements book.Passkeys.
func (s *Store) UsePasskey(ctx context.Context, u book.PasskeyUse) error {
	if err := u.Check(); err != nil {
		return err
	}
	nonce := nonceKey(u.Nonce.Scope, u.Nonce.Value)
	return s.decide(ctx, []key{passkeyKey(u.ID), nonce}, func(t *tx) (refusal, err error) {
		k, known, err := passkeyOf(t, t.Tx, u.ID)
		if err != nil {
			return nil, err
		}
		if !known {
			return book.UnknownPasskey(), nil
		}
		if refusal := k.CheckUse(u); refusal != nil {
			return refusal, nil
		}
		tag, err := t.Tx.Exec(t, "INSERT INTO nonces (key, until) VALUES ($1, $2) ON CONFLICT DO NOTHING", nonce, until(u.Nonce))
		if err != nil {
			return nil, err
		}
		if tag.RowsAffected() == 0 {
			return provider.Replayed(), nil
		}
		return nil, t.exec("INSERT INTO passkey_uses (passkey, seq, counter, at) VALUES ($1, $2, $3, $4)", k.id, k.used+1, int64(u.Counter), t.at())
	})
}

// Secret implements book.Passkeys.
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	if err := book.CheckSecret(name); err != nil {
		return nil, err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	var secret []byte
	err := s.write(ctx, []key{keyOf("secret", name)}, func(t *tx) error {
		if err := t.exec("INSERT INTO secrets (name, secret) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, fresh); err != nil {
			return err
		}
		return t.QueryRow(t, "SELECT secret FROM secrets WHERE name = $1", name).Scan(&secret)
	})
	if err != nil {
		return nil, err
	}
	return secret, nil
}
