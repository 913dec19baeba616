package ledger

// bindingFacts are the tables of passkeys and binding requests that are only
// appended to.
var bindingFacts = []string{
	"secrets", "invitations", "passkeys", "passkey_states", "passkey_uses",
	"bindings", "binding_grants", "binding_refusals",
}

const bindingTables = `
CREATE TABLE secrets (                -- what all processes of the processor share
	name   TEXT PRIMARY KEY,
	secret BLOB NOT NULL CHECK (length(secret) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (            -- one-time links to enrol a passkey
	id         INTEGER PRIMARY KEY,
	invitation TEXT NOT NULL UNIQUE,  -- digest of the link's secret
	principal  TEXT NOT NULL,
	expires    INTEGER NOT NULL,
	made_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE passkeys (
	id              INTEGER PRIMARY KEY,
	passkey         TEXT NOT NULL UNIQUE,                       -- credential id
	invitation      INTEGER NOT NULL UNIQUE REFERENCES invitations, -- a link enrols one
	cose            BLOB NOT NULL,
	counter         INTEGER NOT NULL CHECK (counter >= 0),      -- when it was enrolled
	backup_eligible INTEGER NOT NULL CHECK (backup_eligible IN (0, 1)),
	backed_up       INTEGER NOT NULL CHECK (backed_up IN (0, 1)),
	enrolled_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE passkey_states (
	passkey INTEGER NOT NULL REFERENCES passkeys,
	seq     INTEGER NOT NULL,
	state   TEXT NOT NULL CHECK (state IN ('enrolled', 'removed')),
	at      INTEGER NOT NULL,
	PRIMARY KEY (passkey, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE passkey_uses (
	passkey INTEGER NOT NULL REFERENCES passkeys,
	seq     INTEGER NOT NULL,
	counter INTEGER NOT NULL CHECK (counter >= 0),
	at      INTEGER NOT NULL,
	PRIMARY KEY (passkey, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE binding_asks (           -- what agents ask principals for, until it is decided; no fact, and forgotten when nobody decides
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	binding    TEXT NOT NULL UNIQUE,
	agent      TEXT NOT NULL,
	request_id TEXT NOT NULL,
	digest     TEXT NOT NULL,
	principal  TEXT NOT NULL,
	terms      BLOB NOT NULL,
	jwk        BLOB,                  -- of a sub-account
	expires    INTEGER NOT NULL,
	begun_at   INTEGER NOT NULL,
	lapsed     INTEGER NOT NULL DEFAULT 0 CHECK (lapsed IN (0, 1)), -- somebody was told that it is over
	UNIQUE (agent, request_id)
) STRICT;

CREATE INDEX binding_asks_by_end ON binding_asks (expires);

CREATE TABLE bindings (               -- what principals, or the operator, have decided: the row of binding_asks, which leaves there
	id         INTEGER PRIMARY KEY,
	binding    TEXT NOT NULL UNIQUE,
	agent      TEXT NOT NULL,
	request_id TEXT NOT NULL,
	digest     TEXT NOT NULL,
	principal  TEXT NOT NULL,
	terms      BLOB NOT NULL,
	jwk        BLOB,                  -- of a sub-account
	expires    INTEGER NOT NULL,
	begun_at   INTEGER NOT NULL,
	UNIQUE (agent, request_id)
) STRICT;

CREATE TABLE binding_grants (         -- what the principal agreed to
	binding      INTEGER PRIMARY KEY REFERENCES bindings,
	terms        BLOB NOT NULL,
	token        INTEGER UNIQUE REFERENCES tokens,      -- or
	subaccount   INTEGER UNIQUE REFERENCES subaccounts,
	method       TEXT NOT NULL,
	confirmed_at INTEGER NOT NULL,    -- microseconds, by the page's word
	at           INTEGER NOT NULL,
	CHECK ((token IS NULL) <> (subaccount IS NULL))
) STRICT;

CREATE TABLE binding_refusals (       -- an end without an instrument
	binding INTEGER PRIMARY KEY REFERENCES bindings,
	code    TEXT NOT NULL,
	at      INTEGER NOT NULL
) STRICT;

CREATE VIEW binding_requests AS
	SELECT id, binding, agent, request_id, digest, principal, terms, jwk, expires, 0 AS lapsed FROM bindings
	UNION ALL SELECT id, binding, agent, request_id, digest, principal, terms, jwk, expires, lapsed FROM binding_asks;
`
