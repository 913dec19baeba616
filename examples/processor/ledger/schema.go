package ledger

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// schemaVersion is kept in the file's user_version; another one is refused.
const schemaVersion = 6

// facts are the tables that are only ever appended to.
var facts = []string{
	"accounts", "names", "moves", "mandates", "tokens", "token_merchants",
	"token_states", "subaccounts", "subaccount_states", "devices", "device_states",
	"waiting", "confirmations", "declines", "payments", "trade_moves", "refusals",
	"consumptions", "issuers", "other_events", "event_reports",
}

// tables holds the facts first and then the projections. A position is an id
// that the facts of several tables share, each with its own: it grows from fact
// to fact (see position.go). All times are seconds since 1970 in UTC, or
// microseconds where it is said; all amounts are minor units.
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

CREATE TABLE moves (                  -- transfers that are not payments
	id         INTEGER PRIMARY KEY,   -- position
	cause      TEXT NOT NULL CHECK (cause IN ('deposit', 'top-up', 'return', 'refund')),
	cause_id   TEXT NOT NULL,         -- deposit id, top-up id, id of the cancelled sub-account, refund_no
	payer      INTEGER NOT NULL REFERENCES accounts,
	payee      INTEGER NOT NULL REFERENCES accounts,
	amount     INTEGER NOT NULL CHECK (amount > 0),
	payer_prev INTEGER NOT NULL,      -- position of the payer's transfer before, 0 when there is none
	payee_prev INTEGER NOT NULL,
	at         INTEGER NOT NULL,
	UNIQUE (cause, cause_id),
	CHECK (payer <> payee)
) STRICT;

CREATE TABLE mandates (
	id            INTEGER PRIMARY KEY, -- position
	issuer        TEXT NOT NULL,
	delegation_id TEXT NOT NULL,      -- unique with issuer, by the index of keys
	digest        TEXT NOT NULL,      -- of the signed payload, pinned at first sight
	total         INTEGER NOT NULL CHECK (total >= 0),
	currency      TEXT NOT NULL,
	pinned_at     INTEGER NOT NULL
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
	id             INTEGER PRIMARY KEY, -- position
	trade_no       TEXT NOT NULL,     -- tells the position
	agent          TEXT NOT NULL,
	request_id     TEXT NOT NULL,     -- unique with agent, by the index of keys
	digest         TEXT NOT NULL,
	nonce          INTEGER NOT NULL,
	nonce_until    INTEGER NOT NULL,
	scenario       TEXT NOT NULL,
	method         TEXT NOT NULL,
	payee          TEXT NOT NULL,
	order_number   TEXT NOT NULL,
	token          INTEGER NOT NULL REFERENCES tokens,
	amount         INTEGER NOT NULL CHECK (amount > 0),
	currency       TEXT NOT NULL,
	expires        INTEGER NOT NULL,  -- microseconds; no debit from then on
	begun_at       INTEGER NOT NULL,
	memo           BLOB NOT NULL
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

CREATE TABLE payments (               -- one row is a trade, its transfer, its answer and its event
	id           INTEGER PRIMARY KEY, -- position
	trade_no     TEXT NOT NULL,       -- tells the position, or that of waiting
	request_id   TEXT NOT NULL,       -- unique with the instrument's agent, by the index of keys
	digest       TEXT NOT NULL,
	nonce        INTEGER NOT NULL,    -- 0 for an instant payment, as is nonce_until
	nonce_until  INTEGER NOT NULL,
	scenario     TEXT NOT NULL,
	method       TEXT NOT NULL,
	order_number TEXT NOT NULL,       -- unique with payee, by the index of keys
	mandate      INTEGER REFERENCES mandates,    -- or
	waiting      INTEGER REFERENCES waiting,     -- what the principal confirmed
	token        INTEGER REFERENCES tokens,      -- or
	subaccount   INTEGER REFERENCES subaccounts,
	payer        INTEGER NOT NULL REFERENCES accounts,
	payee        INTEGER NOT NULL REFERENCES accounts,
	amount       INTEGER NOT NULL CHECK (amount > 0),
	payer_prev   INTEGER NOT NULL,    -- as in moves
	payee_prev   INTEGER NOT NULL,
	mandate_prev INTEGER NOT NULL,    -- position of the mandate's payment before
	spent_total  INTEGER NOT NULL,    -- of the mandate, this payment included; 0 without one
	expires      INTEGER NOT NULL,    -- microseconds; the debit was before
	paid_at      INTEGER NOT NULL,
	memo         BLOB NOT NULL,
	CHECK (payer <> payee),
	CHECK ((mandate IS NULL) <> (waiting IS NULL)),
	CHECK ((token IS NULL) <> (subaccount IS NULL)),
	CHECK (waiting IS NULL OR token IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX payments_waiting ON payments (waiting) WHERE waiting IS NOT NULL;
CREATE INDEX payments_subaccount ON payments (subaccount, paid_at) WHERE subaccount IS NOT NULL;
CREATE INDEX payments_task ON payments (subaccount, mandate) WHERE subaccount IS NOT NULL;

CREATE TABLE trade_moves (
	trade INTEGER NOT NULL REFERENCES payments,
	seq   INTEGER NOT NULL,
	event TEXT NOT NULL,
	state TEXT NOT NULL,              -- after the event
	at    INTEGER NOT NULL,          -- of the delivery: by the merchant's word
	PRIMARY KEY (trade, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE refusals (               -- answers that are no trade
	id          INTEGER PRIMARY KEY,  -- position
	agent       TEXT NOT NULL,
	request_id  TEXT NOT NULL,        -- unique with agent, by the index of keys
	digest      TEXT NOT NULL,
	nonce       INTEGER NOT NULL,
	nonce_until INTEGER NOT NULL,
	refusal     BLOB NOT NULL,
	at          INTEGER NOT NULL
) STRICT;

CREATE TABLE consumptions (
	trade    INTEGER PRIMARY KEY REFERENCES payments,
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

CREATE TABLE other_events (           -- that are not the event of a payment
	id      INTEGER PRIMARY KEY,      -- position
	type    TEXT NOT NULL,
	trade   INTEGER REFERENCES payments,       -- or
	waiting INTEGER UNIQUE REFERENCES waiting, -- that was closed
	refund  INTEGER UNIQUE REFERENCES refunds, -- of the trade
	at      INTEGER NOT NULL,
	CHECK ((trade IS NULL) <> (waiting IS NULL)),
	CHECK ((refund IS NULL) = (trade IS NULL))
) STRICT;

CREATE TABLE event_reports (
	consumer TEXT NOT NULL,
	event    INTEGER NOT NULL,          -- position; this one and all before it were taken by the consumer
	at       INTEGER NOT NULL,
	PRIMARY KEY (consumer, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE nonces (                 -- that came with nothing else that is kept, or live long
	id    INTEGER PRIMARY KEY,
	nonce INTEGER NOT NULL,
	until INTEGER NOT NULL
) STRICT;

CREATE TABLE balances (
	account INTEGER PRIMARY KEY REFERENCES accounts,
	amount  INTEGER NOT NULL,
	last    INTEGER NOT NULL,         -- position of its latest transfer, 0 when there is none
	funding INTEGER NOT NULL CHECK (funding IN (0, 1)),
	CHECK (amount >= 0 OR funding = 1)
) STRICT;

CREATE TABLE mandate_spent (
	mandate INTEGER PRIMARY KEY REFERENCES mandates,
	amount  INTEGER NOT NULL CHECK (amount >= 0),
	last    INTEGER NOT NULL          -- position of its latest payment, 0 when there is none
) STRICT;

CREATE TABLE token_spent (
	token  INTEGER PRIMARY KEY REFERENCES tokens,
	amount INTEGER NOT NULL CHECK (amount >= 0)
) STRICT;

CREATE TABLE subaccount_spent (
	subaccount INTEGER PRIMARY KEY REFERENCES subaccounts,
	amount     INTEGER NOT NULL CHECK (amount >= 0)
) STRICT;

CREATE TABLE salt (                   -- of the keys of this book, one row
	value BLOB NOT NULL
) STRICT;

CREATE TABLE runs (                   -- of the index of keys: see index.go
	id     INTEGER PRIMARY KEY,       -- 1, 2, 3 ...
	upto   INTEGER NOT NULL,          -- keys of all facts up to this position are in this run or an earlier one
	firsts BLOB NOT NULL,             -- of each part, the first eight bytes of its first key
	filter BLOB NOT NULL
) STRICT;

CREATE TABLE run_parts (
	id   INTEGER PRIMARY KEY,         -- run, then the number of the part
	keys BLOB NOT NULL
) STRICT;
`

// views show the payments as what they also are: trades, transfers with their
// two entries, and events. What is told once in a payment's row is not told
// again in other tables, and so cannot be told differently there.
const views = `
CREATE VIEW trades AS SELECT p.id, p.trade_no, coalesce(k.agent, s.agent) AS agent, p.request_id, p.scenario, p.method,
	a.owner AS payee, p.order_number, p.mandate, p.waiting, p.token, p.subaccount, p.amount, a.currency, p.spent_total, p.expires, p.paid_at, p.memo
	FROM payments p JOIN accounts a ON a.id = p.payee LEFT JOIN tokens k ON k.id = p.token LEFT JOIN subaccounts s ON s.id = p.subaccount;

CREATE VIEW transfers AS
	SELECT id, 'payment' AS cause, trade_no AS cause_id, payer, payee, amount, payer_prev, payee_prev, paid_at AS at FROM payments
	UNION ALL SELECT id, cause, cause_id, payer, payee, amount, payer_prev, payee_prev, at FROM moves;

CREATE VIEW entries AS
	SELECT payer AS account, id AS transfer, -amount AS amount FROM payments UNION ALL SELECT payee, id, amount FROM payments
	UNION ALL SELECT payer, id, -amount FROM moves UNION ALL SELECT payee, id, amount FROM moves;

CREATE VIEW events AS
	SELECT id, 'act:payment:transaction-completed' AS type, id AS trade, NULL AS waiting, NULL AS refund, paid_at AS at FROM payments
	UNION ALL SELECT id, type, trade, waiting, refund, at FROM other_events;
`

// triggers refuse to change or delete facts.
func triggers() (out []string) {
	for _, table := range slices.Concat(facts, refundFacts, bindingFacts) {
		for _, verb := range []string{"UPDATE", "DELETE"} {
			out = append(out, "CREATE TRIGGER "+table+"_no_"+strings.ToLower(verb)+" BEFORE "+verb+" ON "+table+
				" BEGIN SELECT RAISE(ABORT, '"+table+" is append-only'); END")
		}
	}
	return out
}

// prepare makes the tables of an empty file and checks the version of another.
func prepare(conn *sqlite.Conn) (err error) {
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return err
	}
	defer end(&err)
	version, err := versionOf(conn)
	if err != nil || version == schemaVersion {
		return err
	}
	if version != 0 {
		return errSchema
	}
	var salt [16]byte
	rand.Read(salt[:])
	if err := sqlitex.ExecuteScript(conn, tables+refundTables+bindingTables+views+strings.Join(triggers(), ";\n")+fmt.Sprintf(";\nPRAGMA user_version = %d;", schemaVersion), nil); err != nil {
		return err
	}
	return queryRows(conn, "INSERT INTO salt (value) VALUES (?)", []any{salt[:]}, noRow)
}

func checkVersion(conn *sqlite.Conn) error {
	version, err := versionOf(conn)
	if err == nil && version != schemaVersion {
		err = errSchema
	}
	return err
}

func versionOf(conn *sqlite.Conn) (version int64, err error) {
	_, err = queryRow(conn, "PRAGMA user_version", nil, func(r *sqlite.Stmt) { version = r.ColumnInt64(0) })
	return version, err
}
