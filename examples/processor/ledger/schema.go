package ledger

import (
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// schemaVersion is kept in the file's user_version; another one is refused.
const schemaVersion = 4

// facts are the tables that are only ever appended to.
var facts = []string{
	"accounts", "names", "transfers", "entries", "mandates", "tokens", "token_merchants",
	"token_states", "subaccounts", "subaccount_states", "devices", "device_states",
	"waiting", "confirmations", "declines", "trades", "trade_moves", "requests",
	"consumptions", "issuers", "events", "event_reports",
}

// tables holds the facts first and then the projections. All times are seconds
// since 1970 in UTC, or microseconds where it is said; all amounts are minor
// units.
const tables = `
CREATE TABLE accounts (
	id        INTEGER PRIMARY KEY,
	owner     TEXT NOT NULL,          -- DID, id of a sub-account, or 'external' for the funding account
	kind      TEXT NOT NULL CHECK (kind IN ('principal', 'merchant', 'subaccount', 'funding')),
	currency  TEXT NOT NULL,
	opened_at INTEGER NOT NULL,
	UNIQUE (owner, currency)
) STRICT;

CREATE TABLE names (
	owner TEXT NOT NULL,              -- DID of a merchant
	seq   INTEGER NOT NULL,
	name  TEXT NOT NULL,              -- as the cashier shows it
	at    INTEGER NOT NULL,
	PRIMARY KEY (owner, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE transfers (
	id       INTEGER PRIMARY KEY,
	cause    TEXT NOT NULL CHECK (cause IN ('deposit', 'payment', 'top-up', 'return', 'refund')),
	cause_id TEXT NOT NULL,           -- deposit id, trade_no, top-up id, id of the cancelled sub-account, refund_no
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

CREATE TABLE subaccounts (
	id            INTEGER PRIMARY KEY,
	subaccount    TEXT NOT NULL UNIQUE,
	account       INTEGER NOT NULL UNIQUE REFERENCES accounts, -- its money
	main          INTEGER NOT NULL REFERENCES accounts,        -- of the principal
	agent         TEXT NOT NULL,
	jwk           BLOB NOT NULL,
	thumbprint    TEXT NOT NULL UNIQUE,                        -- one key, one sub-account, for ever
	balance_limit INTEGER CHECK (balance_limit > 0),
	single_limit  INTEGER CHECK (single_limit > 0),
	total_limit   INTEGER CHECK (total_limit > 0),
	task_limit    INTEGER CHECK (task_limit > 0),              -- under one mandate
	period_limit  INTEGER CHECK (period_limit > 0),            -- within any period
	period        INTEGER CHECK (period > 0),                  -- seconds
	opened_at     INTEGER NOT NULL,
	CHECK ((period IS NULL) = (period_limit IS NULL))
) STRICT;

CREATE TABLE subaccount_states (
	subaccount INTEGER NOT NULL REFERENCES subaccounts,
	seq        INTEGER NOT NULL,
	state      TEXT NOT NULL CHECK (state IN ('active', 'frozen', 'cancelled')),
	cause      TEXT NOT NULL CHECK (cause IN ('principal', 'risk', 'identity')),
	at         INTEGER NOT NULL,
	PRIMARY KEY (subaccount, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
	id         INTEGER PRIMARY KEY,
	device     TEXT NOT NULL UNIQUE,
	principal  TEXT NOT NULL,
	jwk        BLOB NOT NULL,
	thumbprint TEXT NOT NULL UNIQUE,
	paired_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE device_states (
	device INTEGER NOT NULL REFERENCES devices,
	seq    INTEGER NOT NULL,
	state  TEXT NOT NULL CHECK (state IN ('paired', 'removed')),
	at     INTEGER NOT NULL,
	PRIMARY KEY (device, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE waiting (                -- instant payments that the principal is asked about
	id             INTEGER PRIMARY KEY,
	trade_no       TEXT NOT NULL UNIQUE,
	agent          TEXT NOT NULL,
	request_id     TEXT NOT NULL,
	scenario       TEXT NOT NULL,
	method         TEXT NOT NULL,
	payee          TEXT NOT NULL,
	order_number   TEXT NOT NULL,
	token          INTEGER NOT NULL REFERENCES tokens,
	amount         INTEGER NOT NULL CHECK (amount > 0),
	currency       TEXT NOT NULL,
	expires        INTEGER NOT NULL,  -- microseconds; no debit from then on
	begun_at       INTEGER NOT NULL,
	memo           BLOB NOT NULL,
	UNIQUE (agent, request_id)
) STRICT;

CREATE TABLE confirmations (          -- the principal's word about exactly one of them
	waiting INTEGER PRIMARY KEY REFERENCES waiting,
	method  TEXT NOT NULL,
	at      INTEGER NOT NULL              -- microseconds, by the cashier's word
) STRICT;

CREATE TABLE declines (               -- an end without money
	waiting INTEGER PRIMARY KEY REFERENCES waiting,
	refusal BLOB NOT NULL,
	at      INTEGER NOT NULL
) STRICT;

CREATE TABLE trades (
	id           INTEGER PRIMARY KEY,
	trade_no     TEXT NOT NULL UNIQUE,
	agent        TEXT NOT NULL,
	request_id   TEXT NOT NULL,
	scenario     TEXT NOT NULL,
	method       TEXT NOT NULL,
	payee        TEXT NOT NULL,
	order_number TEXT NOT NULL,
	mandate      INTEGER REFERENCES mandates,    -- or
	waiting      INTEGER REFERENCES waiting,     -- what the principal confirmed
	token        INTEGER REFERENCES tokens,      -- or
	subaccount   INTEGER REFERENCES subaccounts,
	amount       INTEGER NOT NULL CHECK (amount > 0),
	currency     TEXT NOT NULL,
	spent_total  INTEGER NOT NULL,    -- of the mandate, this trade included; 0 without one
	expires      INTEGER NOT NULL,    -- microseconds; the debit was before
	paid_at      INTEGER NOT NULL,
	memo         BLOB NOT NULL,
	UNIQUE (payee, order_number),
	CHECK ((mandate IS NULL) <> (waiting IS NULL)),
	CHECK ((token IS NULL) <> (subaccount IS NULL)),
	CHECK (waiting IS NULL OR token IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX trades_waiting ON trades (waiting) WHERE waiting IS NOT NULL;
CREATE INDEX trades_subaccount ON trades (subaccount, paid_at) WHERE subaccount IS NOT NULL;
CREATE INDEX trades_task ON trades (subaccount, mandate) WHERE subaccount IS NOT NULL;

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
	waiting    INTEGER REFERENCES waiting, -- its end is the answer, when it has one
	at         INTEGER NOT NULL,
	PRIMARY KEY (agent, request_id),
	CHECK ((trade IS NOT NULL) + (refusal IS NOT NULL) + (waiting IS NOT NULL) = 1)
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
	id      INTEGER PRIMARY KEY,
	type    TEXT NOT NULL,
	trade   INTEGER REFERENCES trades,         -- or
	waiting INTEGER UNIQUE REFERENCES waiting, -- that was closed
	refund  INTEGER UNIQUE REFERENCES refunds, -- of the trade
	at      INTEGER NOT NULL,
	CHECK ((trade IS NULL) <> (waiting IS NULL)),
	CHECK (refund IS NULL OR trade IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX events_trade ON events (trade) WHERE trade IS NOT NULL AND refund IS NULL;

CREATE TABLE event_reports (
	consumer TEXT NOT NULL,
	event    INTEGER NOT NULL REFERENCES events, -- this one and all before it were taken by the consumer
	at       INTEGER NOT NULL,
	PRIMARY KEY (consumer, event)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE subaccount_spent (
	subaccount INTEGER PRIMARY KEY REFERENCES subaccounts,
	amount     INTEGER NOT NULL CHECK (amount >= 0)
) STRICT;
`

// appendOnly returns the triggers that refuse to change or delete facts.
func appendOnly() string {
	var b strings.Builder
	for _, table := range slices.Concat(facts, refundFacts, bindingFacts) {
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
		return sqlitex.ExecuteScript(conn, tables+refundTables+bindingTables+appendOnly()+fmt.Sprintf("PRAGMA user_version = %d;", schemaVersion), nil)
	default:
		return errSchema
	}
}
