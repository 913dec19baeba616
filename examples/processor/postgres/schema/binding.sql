-- Passkeys, and agents' requests for instruments. All but binding_asks are facts.

CREATE TABLE secrets (                -- what all processes of the processor share
	name   text COLLATE "C" PRIMARY KEY,
	secret bytea NOT NULL CHECK (length(secret) = 32)
);

CREATE TABLE invitations (            -- one-time links to enrol a passkey
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	invitation text COLLATE "C" NOT NULL UNIQUE, -- digest of the link's secret
	principal  text COLLATE "C" NOT NULL,
	expires    timestamptz NOT NULL,
	made_at    timestamptz NOT NULL
);

CREATE TABLE passkeys (
	id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	passkey         text COLLATE "C" NOT NULL UNIQUE, -- credential id
	invitation      bigint NOT NULL UNIQUE REFERENCES invitations, -- a link enrols one
	cose            bytea NOT NULL,
	counter         bigint NOT NULL CHECK (counter >= 0), -- when it was enrolled
	backup_eligible boolean NOT NULL,
	backed_up       boolean NOT NULL,
	enrolled_at     timestamptz NOT NULL
);

CREATE TABLE passkey_removals (
	passkey bigint PRIMARY KEY REFERENCES passkeys,
	at      timestamptz NOT NULL
);

CREATE TABLE passkey_uses (
	passkey bigint NOT NULL REFERENCES passkeys,
	seq     bigint NOT NULL,
	counter bigint NOT NULL CHECK (counter >= 0),
	at      timestamptz NOT NULL,
	PRIMARY KEY (passkey, seq)
);

CREATE TABLE binding_asks (           -- what agents ask principals for, until it is decided; forgotten when nobody decides
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	binding    text COLLATE "C" NOT NULL UNIQUE,
	agent      text COLLATE "C" NOT NULL,
	request_id text COLLATE "C" NOT NULL,
	digest     text COLLATE "C" NOT NULL,
	principal  text COLLATE "C" NOT NULL,
	terms      bytea NOT NULL,
	jwk        bytea,                 -- of a sub-account
	expires    timestamptz NOT NULL,
	begun_at   timestamptz NOT NULL,
	lapsed     boolean NOT NULL DEFAULT false, -- somebody was told that it is over
	UNIQUE (agent, request_id)
);

CREATE INDEX binding_asks_by_end ON binding_asks (expires);

CREATE TABLE bindings (               -- what principals, or the operator, have decided: the row of binding_asks, which leaves there
	id         bigint PRIMARY KEY,
	binding    text COLLATE "C" NOT NULL UNIQUE,
	agent      text COLLATE "C" NOT NULL,
	request_id text COLLATE "C" NOT NULL,
	digest     text COLLATE "C" NOT NULL,
	principal  text COLLATE "C" NOT NULL,
	terms      bytea NOT NULL,
	jwk        bytea,                 -- of a sub-account
	expires    timestamptz NOT NULL,
	begun_at   timestamptz NOT NULL,
	UNIQUE (agent, request_id)
);

CREATE TABLE binding_grants (         -- what the principal agreed to
	binding      bigint PRIMARY KEY REFERENCES bindings,
	terms        bytea NOT NULL,
	token        bigint UNIQUE REFERENCES tokens, -- or
	subaccount   bigint UNIQUE REFERENCES subaccounts,
	method       text NOT NULL,
	confirmed_at timestamptz NOT NULL, -- by the page's word
	at           timestamptz NOT NULL,
	CHECK ((token IS NULL) <> (subaccount IS NULL))
);

CREATE TABLE binding_refusals (       -- an end without an instrument
	binding bigint PRIMARY KEY REFERENCES bindings,
	code    text NOT NULL,
	at      timestamptz NOT NULL
);

CREATE VIEW binding_requests AS
	SELECT id, binding, agent, request_id, digest, principal, terms, jwk, expires, false AS lapsed FROM bindings
	UNION ALL SELECT id, binding, agent, request_id, digest, principal, terms, jwk, expires, lapsed FROM binding_asks;
