package postgres

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// schemaVersion is kept in the database; another one is refused.
const schemaVersion = 2

//go:embed schema/*.sql
var scripts embed.FS

// script is the order in which the files make a book.
var script = []string{"ledger.sql", "refund.sql", "binding.sql", "guard.sql", "payment.sql", "audit.sql"}

// facts are the tables that are only ever appended to.
var facts = []string{
	"accounts", "names", "transfers", "mandates", "tokens", "token_states", "subaccounts", "subaccount_states",
	"devices", "device_removals", "waiting", "confirmations", "declines", "trades", "trade_moves", "requests",
	"consumptions", "issuers", "events", "event_reports",
	"refunds", "refund_requests", "receivers", "notices", "notice_marks",
	"secrets", "invitations", "passkeys", "passkey_removals", "passkey_uses", "bindings", "binding_grants", "binding_refusals",
}

var (
	errVersion = errors.New("postgres: the book was made by another version of this program: serve it by that version, or begin another one in an empty database")
	errNone    = errors.New("postgres: there is no book in this database")
	errFsync   = errors.New("postgres: the server does not keep what it has committed: fsync or full_page_writes is off")
	errLocks   = errors.New("postgres: the server's advisory locks keep nobody out, or its snapshots do not know who runs")
	errOld     = errors.New("postgres: the server is older than PostgreSQL 14")
)

// probe tries what cannot be asked for: that an advisory lock keeps another
// connection out, and that its snapshot knows of a transaction that runs. On a
// server that only has the functions, no limit would hold.
func probe(ctx context.Context, pool *pgxpool.Pool) error {
	var number [8]byte
	rand.Read(number[:])
	lock := int64(binary.BigEndian.Uint64(number[:]))
	return pgx.BeginFunc(ctx, pool, func(holder pgx.Tx) error {
		var running int64
		if _, err := holder.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lock); err != nil {
			return err
		}
		if err := holder.QueryRow(ctx, "SELECT pg_current_xact_id()::text::bigint").Scan(&running); err != nil {
			return err
		}
		var got bool
		var oldest int64
		if err := pool.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1), pg_snapshot_xmin(pg_current_snapshot())::text::bigint", lock).Scan(&got, &oldest); err != nil {
			return err
		}
		if got || oldest > running {
			return errLocks
		}
		return nil
	})
}

// prepare makes the book in an empty schema, and checks the version of another.
// Of several processes that start at once, one makes it and the others wait.
func prepare(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	return pgx.BeginFunc(ctx, pool, func(t pgx.Tx) error {
		if err := checkServer(ctx, t); err != nil {
			return err
		}
		if _, err := t.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "act-go schema "+schema); err != nil {
			return err
		}
		err := checkVersion(ctx, t, schema)
		if errors.Is(err, errNone) {
			return create(ctx, t, schema)
		}
		if err != nil {
			return err
		}
		return adopt(ctx, t)
	})
}

// inspect is prepare for who only reads: it makes and changes nothing.
func inspect(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	return pgx.BeginFunc(ctx, pool, func(t pgx.Tx) error { return checkVersion(ctx, t, schema) })
}

// checkVersion refuses a schema without a book, and the book of another version.
func checkVersion(ctx context.Context, t pgx.Tx, schema string) error {
	var made bool
	if err := t.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", schema+".meta").Scan(&made); err != nil {
		return err
	}
	if !made {
		return errNone
	}
	var version int
	if err := t.QueryRow(ctx, "SELECT version FROM meta").Scan(&version); err != nil {
		return err
	}
	if version != schemaVersion {
		return errVersion
	}
	return nil
}

// checkServer refuses a server on which nothing is durable.
func checkServer(ctx context.Context, t pgx.Tx) error {
	var version int
	var fsync, pages bool
	err := t.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('fsync')::bool, current_setting('full_page_writes')::bool").
		Scan(&version, &fsync, &pages)
	switch {
	case err != nil:
		return err
	case version < 14_00_00:
		return errOld
	case !fsync || !pages:
		return errFsync
	}
	return nil
}

func create(ctx context.Context, t pgx.Tx, schema string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE SCHEMA IF NOT EXISTS %s;\n", schema)
	for _, name := range script {
		text, err := scripts.ReadFile("schema/" + name)
		if err != nil {
			return err
		}
		b.Write(text)
	}
	for _, table := range facts {
		fmt.Fprintf(&b, "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION append_only();\n", table)
	}
	fmt.Fprintf(&b, "INSERT INTO meta (version, cluster, base) SELECT %d, system_identifier, 0 FROM pg_control_system();\n", schemaVersion)
	_, err := t.Conn().PgConn().Exec(ctx, b.String()).ReadAll()
	return err
}

// adopt makes a book at home that was restored into another cluster. Numbers of
// rows count the cluster's transactions (see number() in payment.sql), and
// another cluster may have counted less far: its numbers are raised above all
// that are in the book.
func adopt(ctx context.Context, t pgx.Tx) error {
	_, err := t.Exec(ctx, `UPDATE meta SET cluster = c.system_identifier,
		base = greatest((SELECT max(id) FROM transfers), (SELECT max(id) FROM events), (SELECT max(id) FROM trades), (SELECT max(id) FROM waiting), 0)
			+ 65536 - (pg_current_xact_id()::text::bigint << 16)
		FROM pg_control_system() c WHERE cluster <> c.system_identifier`)
	return err
}
