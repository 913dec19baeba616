package ledger

import (
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// schemaVersion is kept in the file's user_version; another one is refused.
const schemaVersion = 2

// facts are the tables that are only ever appended to.
var facts = []string{
	"accounts", "transfers", "entries", "mandates", "tokens", "token_merchants",
	"token_states", "trades", "trade_moves", "requests", "consumptions", "issuers", "events", "event_reports",
}

// tables holds the facts first and then the projections. All times are seconds
// since 1970 in UTC, all amounts are minor units.
const tables = `
CREATE TABLE accounts (
	id        INTEGER PRIMARY KEY,
	owner     TEXT NOT NULL,          -- DID, or 'external' for the funding account
	kind      TEXT NOT NULL CHECK (kind IN ('principal', 'merchant', 'funding')),
	currency  TEXT NOT NULL,
	opened_at INTEGER NOT NULL,
	UNIQUE (owner, currency)
) STRICT;

CREATE TABLE transfers (
	id       INTEGER PRIMARY KEY,
	cause    TEXT NOT NULL CHECK (cause IN ('deposit', 'payment')),
	cause_id TEXT NOT NULL,           -- deposit id or trade_no
	at       INTEGER NOT NULL,
	UNIQUE (cause, cause_id)
) STRICT;

CREATE TABLE entries (
	account  INTEGER NOT NULL REFERENCES accounts,
	transfer INTEGER NOT NULL REFERENCES transfers,
	amount   INTEGER NOT NULL CHECK (amount <> 0), -- below zero: out of the account
	PRIMARY KEY (account, transfer)
) STRICT, WITHOUT ROWID;

CREATE TABLE mandates (
	id            INTEGER PRIMARY KEY,
	issuer        TEXT NOT NULL,
	delegation_id TEXT NOT NULL,
	digest        TEXT NOT NULL,      -- of the signed payload, pinned at first sight
	total         INTEGER NOT NULL CHECK (total >= 0),
	currency      TEXT NOT NULL,
	pinned_at     INTEGER NOT NULL,
	UNIQUE (issuer, delegation_id)
) STRICT;

CREATE TABLE tokens (
	id          INTEGER PRIMARY KEY,
	token       TEXT NOT NULL UNIQUE,
	account     INTEGER NOT NULL REFERENCES accounts,
	agent       TEXT NOT NULL,
	valid_from  INTEGER NOT NULL,
	valid_until INTEGER NOT NULL CHECK (valid_until > valid_from),
	ceiling     INTEGER CHECK (ceiling > 0),
	bound_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE token_merchants (
	token    INTEGER NOT NULL REFERENCES tokens,
	merchant TEXT NOT NULL,
	PRIMARY KEY (token, merchant)
) STRICT, WITHOUT ROWID;

CREATE TABLE token_states (
	token INTEGER NOT NULL REFERENCES tokens,
	seq   INTEGER NOT NULL,
	state TEXT NOT NULL CHECK (state IN ('active', 'frozen', 'cancelled')),
	at    INTEGER NOT NULL,
	PRIMARY KEY (token, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE trades (
	id           INTEGER PRIMARY KEY,
	trade_no     TEXT NOT NULL UNIQUE,
	agent        TEXT NOT NULL,
	request_id   TEXT NOT NULL,
	scenario     TEXT NOT NULL,
	method       TEXT NOT NULL,
	payee        TEXT NOT NULL,
	order_number TEXT NOT NULL,
	mandate      INTEGER NOT NULL REFERENCES mandates,
	token        INTEGER NOT NULL REFERENCES tokens,
	amount       INTEGER NOT NULL CHECK (amount > 0),
	currency     TEXT NOT NULL,
	spent_total  INTEGER NOT NULL,    -- of the mandate, this trade included
	paid_at      INTEGER NOT NULL,
	memo         BLOB NOT NULL,
	UNIQUE (payee, order_number)
) STRICT;

CREATE TABLE trade_moves (
	trade INTEGER NOT NULL REFERENCES trades,
	seq   INTEGER NOT NULL,
	event TEXT NOT NULL,
	state TEXT NOT NULL,              -- after the event
	at    INTEGER NOT NULL,          -- of the delivery: by the merchant's word
	PRIMARY KEY (trade, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
	agent      TEXT NOT NULL,
	request_id TEXT NOT NULL,
	digest     TEXT NOT NULL,
	trade      INTEGER REFERENCES trades,
	refusal    BLOB,
	at         INTEGER NOT NULL,
	PRIMARY KEY (agent, request_id),
	CHECK ((trade IS NULL) <> (refusal IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE consumptions (
	trade    INTEGER PRIMARY KEY REFERENCES trades,
	consumer TEXT NOT NULL,
	at       INTEGER NOT NULL
) STRICT;

CREATE TABLE issuers (
	issuer    TEXT NOT NULL,
	principal TEXT NOT NULL,
	seq       INTEGER NOT NULL,
	trusted   INTEGER NOT NULL CHECK (trusted IN (0, 1)),
	at        INTEGER NOT NULL,
	PRIMARY KEY (issuer, principal, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
	id    INTEGER PRIMARY KEY,
	type  TEXT NOT NULL,
	trade INTEGER NOT NULL REFERENCES trades,
	at    INTEGER NOT NULL,
	UNIQUE (trade, type)
) STRICT;

CREATE TABLE event_reports (
	event INTEGER PRIMARY KEY REFERENCES events, -- this one and all before it were reported
	at    INTEGER NOT NULL
) STRICT;

CREATE TABLE nonces (
	scope TEXT NOT NULL,
	nonce TEXT NOT NULL,
	until INTEGER NOT NULL,
	PRIMARY KEY (scope, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_until ON nonces (until);

CREATE TABLE balances (
	account INTEGER PRIMARY KEY REFERENCES accounts,
	amount  INTEGER NOT NULL,
	funding INTEGER NOT NULL CHECK (funding IN (0, 1)),
	CHECK (amount >= 0 OR funding = 1)
) STRICT;

CREATE TABLE mandate_spent (
	mandate INTEGER PRIMARY KEY REFERENCES mandates,
	amount  INTEGER NOT NULL CHECK (amount >= 0)
) STRICT;

CREATE TABLE token_spent (
	token  INTEGER PRIMARY KEY REFERENCES tokens,
	amount INTEGER NOT NULL CHECK (amount >= 0)
) STRICT;
`

// appendOnly returns the triggers that refuse to change or delete facts.
func appendOnly() string {
	var b strings.Builder
	for _, table := range facts {
		for _, verb := range []string{"UPDATE", "DELETE"} {
			b.WriteString("CREATE TRIGGER " + table + "_no_" + strings.ToLower(verb) +
				" BEFORE " + verb + " ON " + table +
				" BEGIN SELECT RAISE(ABORT, '" + table + " is append-only'); END;\n")
		}
	}
	return b.String()
}

// prepare makes the tables of an empty file and checks the version of another.
func prepare(conn *sqlite.Conn) (err error) {
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return err
	}
	defer end(&err)
	var version int64
	if _, err = queryRow(conn, "PRAGMA user_version", nil, func(r *sqlite.Stmt) { version = r.ColumnInt64(0) }); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
		return sqlitex.ExecuteScript(conn, tables+appendOnly()+fmt.Sprintf("PRAGMA user_version = %d;", schemaVersion), nil)
	default:
		return errSchema
	}
}
