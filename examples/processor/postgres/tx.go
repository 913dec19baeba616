package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// A key stands for something that has a name, such as a request: 16 bytes of
// its SHA-256, which the tables hold as a uuid.
type key [16]byte

// keyOf hashes a kind and the parts of a name, each with its length before it,
// so that no two names run together. name_key() in schema/audit.sql is the same.
func keyOf(kind string, parts ...string) (k key) {
	text := make([]byte, 0, 256)
	for _, part := range append([]string{kind}, parts...) {
		text = strconv.AppendInt(text, int64(len(part)), 10)
		text = append(text, ':')
		text = append(text, part...)
	}
	sum := sha256.Sum256(text)
	copy(k[:], sum[:])
	return k
}

func nonceKey(scope, value string) key      { return keyOf("nonce", scope, value) }
func requestKey(agent, id string) key       { return keyOf("request", agent, id) }
func orderKey(payee, order string) key      { return keyOf("order", payee, order) }
func mandateKey(issuer, id string) key      { return keyOf("mandate", issuer, id) }
func tokenKey(id string) key                { return keyOf("token", id) }
func subAccountKey(id string) key           { return keyOf("subaccount", id) }
func tradeKey(no string) key                { return keyOf("trade", no) }
func ownerKey(owner string) key             { return keyOf("owner", owner) }
func transferKey(cause, causeID string) key { return keyOf("transfer", cause, causeID) }

// locks are the advisory locks that stand for keys, in the order in which they
// are taken, each once.
func locks(keys ...key) []int64 {
	out := make([]int64, 0, len(keys))
	for _, k := range keys {
		out = append(out, int64(binary.BigEndian.Uint64(k[:8])))
	}
	return sorted(out)
}

func sorted(locks []int64) []int64 {
	slices.Sort(locks)
	return slices.Compact(locks)
}

// tx is what a step sees of the transaction it runs in.
type tx struct {
	context.Context
	pgx.Tx
	now  time.Time // of the database, or of a test
	slot int       // of the last row that has a number; 0 is for debit()
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.Tx.Exec(t, query, args...)
	return err
}

// row reads at most one row and reports whether there was one.
func (t *tx) row(query string, args []any, into ...any) (bool, error) {
	return found(t.QueryRow(t, query, args...).Scan(into...))
}

// found tells "no row" from an error.
func found(err error) (bool, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// lastSlot is the highest number within one transaction: those of the next one
// begin behind it.
const lastSlot = 1<<16 - 1

var errSlots = errors.New("postgres: more rows than one transaction can number")

// at is the transaction's time in whole seconds.
func (t *tx) at() time.Time { return t.now.Truncate(time.Second) }

// number is a fresh number for a row, behind all that were given before.
func (t *tx) number() (id int64, err error) {
	if t.slot++; t.slot > lastSlot {
		return 0, errSlots
	}
	err = t.QueryRow(t, "SELECT number($1)", t.slot).Scan(&id)
	return id, err
}

// longest is how long a transaction may take. It ends by itself, whether its
// caller still waits or not.
const longest = 15 * time.Second

// write runs step in a transaction that holds the locks of its keys, and
// commits. A step decides before it writes, returns an error only when the
// database failed, and may be run more than once.
func (s *Store) write(ctx context.Context, keys []key, step func(*tx) error) error {
	if err := s.begun(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	defer cancel()
	var err error
	for range tries {
		if err = s.try(ctx, locks(keys...), step); !again(err) {
			break
		}
	}
	return err
}

func (s *Store) try(ctx context.Context, locks []int64, step func(*tx) error) error {
	c, err := s.pool.Begin(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer c.Rollback(ctx) // does nothing behind a commit
	t := &tx{Context: ctx, Tx: c}
	if err := c.QueryRow(ctx, "SELECT enter($1, $2)", locks, s.clock()).Scan(&t.now); err != nil {
		return unavailable(err)
	}
	if err := step(t); err != nil {
		return unavailable(err)
	}
	return unknown(c.Commit(ctx))
}

// decide writes what step decides, and returns its refusal or its error.
func (s *Store) decide(ctx context.Context, keys []key, step func(*tx) (refusal, err error)) error {
	var refusal error
	err := s.write(ctx, keys, func(t *tx) (err error) {
		refusal, err = step(t)
		return err
	})
	if err != nil {
		return err
	}
	return refusal
}

// query runs a query that only reads, and calls row for each result.
func (s *Store) query(ctx context.Context, row func(pgx.Rows) error, query string, args ...any) error {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return unavailable(err)
	}
	return unavailable(each(rows, row))
}

// each calls row for each result, and closes them.
func each(rows pgx.Rows, row func(pgx.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one reads at most one row and reports whether there was one.
func (s *Store) one(ctx context.Context, query string, args []any, into ...any) (bool, error) {
	ok, err := found(s.pool.QueryRow(ctx, query, args...).Scan(into...))
	return ok, unavailable(err)
}
