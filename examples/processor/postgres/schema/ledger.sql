-- The tables of the book. Facts come first: they are only ever appended to, and
-- triggers refuse to change them. What is behind them are projections, which
-- the facts make again (see Audit).
--
-- Amounts are minor units. Times are of the database's clock; whole seconds
-- where the book says seconds. Text that is a key is compared byte by byte
-- (COLLATE "C").
--
-- Tables on the way of every payment have no foreign keys: each would be one
-- more query and one more lock for every row, on the very rows that everybody
-- wants. Their functions write only what they have read in the same
-- transaction, and the audit looks for rows that refer to nothing.

CREATE TABLE meta (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	version integer NOT NULL,
	cluster bigint  NOT NULL,         -- the cluster that counted the transactions
	base    bigint  NOT NULL          -- and what its count is added to, see number()
);

CREATE TABLE accounts (
	id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	owner     text COLLATE "C" NOT NULL, -- DID, id of a sub-account, or 'external' for the funding account
	kind      text NOT NULL CHECK (kind IN ('principal', 'merchant', 'subaccount', 'funding')),
	currency  text COLLATE "C" NOT NULL,
	opened_at timestamptz NOT NULL,
	UNIQUE (owner, currency)
);

CREATE TABLE names (
	owner text COLLATE "C" NOT NULL,  -- DID of a merchant
	seq   integer NOT NULL,
	name  text NOT NULL,              -- as the cashier shows it
	at    timestamptz NOT NULL,
	PRIMARY KEY (owner, seq)
);

-- A transfer is both of its entries: what leaves one account comes to another,
-- so that no row can say otherwise.
CREATE TABLE transfers (
	id       bigint PRIMARY KEY,
	cause    text NOT NULL,           -- 'deposit', 'payment', 'top-up', 'return', 'refund'
	cause_id text COLLATE "C" NOT NULL, -- deposit id, trade number, top-up id, id of the cancelled sub-account, refund number
	debit    bigint NOT NULL,         -- account that gives
	credit   bigint NOT NULL,         -- account that gets
	amount   bigint NOT NULL CHECK (amount > 0),
	at       timestamptz NOT NULL,
	CHECK (debit <> credit)
);
CREATE UNIQUE INDEX transfers_cause ON transfers (cause, cause_id) WHERE cause <> 'payment'; -- a payment's is its trade's number
CREATE INDEX transfers_debit ON transfers (debit, id);
CREATE INDEX transfers_credit ON transfers (credit, id);

CREATE VIEW entries AS
	SELECT debit AS account, id AS transfer, -amount AS amount FROM transfers
	UNION ALL
	SELECT credit, id, amount FROM transfers;

CREATE TABLE mandates (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	issuer        text COLLATE "C" NOT NULL,
	delegation_id text COLLATE "C" NOT NULL,
	digest        text COLLATE "C" NOT NULL, -- of the signed payload, pinned at first sight
	total         bigint NOT NULL CHECK (total >= 0),
	currency      text COLLATE "C" NOT NULL,
	pinned_at     timestamptz NOT NULL,
	UNIQUE (issuer, delegation_id)
);

CREATE TABLE tokens (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	token       text COLLATE "C" NOT NULL UNIQUE,
	account     bigint NOT NULL REFERENCES accounts,
	agent       text COLLATE "C" NOT NULL,
	valid_from  timestamptz NOT NULL,
	valid_until timestamptz NOT NULL CHECK (valid_until > valid_from),
	ceiling     bigint NOT NULL CHECK (ceiling >= 0), -- 0 is none
	merchants   text[] COLLATE "C" NOT NULL,          -- whom it may pay; empty is anybody
	bound_at    timestamptz NOT NULL
);

CREATE TABLE token_states (
	token bigint NOT NULL REFERENCES tokens,
	seq   integer NOT NULL,
	state text NOT NULL CHECK (state IN ('active', 'frozen', 'cancelled')),
	at    timestamptz NOT NULL,
	PRIMARY KEY (token, seq)
);

CREATE TABLE subaccounts (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	subaccount    text COLLATE "C" NOT NULL UNIQUE,
	account       bigint NOT NULL UNIQUE REFERENCES accounts, -- its money
	main          bigint NOT NULL REFERENCES accounts,        -- of the principal
	agent         text COLLATE "C" NOT NULL,
	jwk           bytea NOT NULL,
	thumbprint    text COLLATE "C" NOT NULL UNIQUE,           -- one key, one sub-account, for ever
	balance_limit bigint NOT NULL CHECK (balance_limit >= 0), -- 0 is none, here and below
	single_limit  bigint NOT NULL CHECK (single_limit >= 0),
	total_limit   bigint NOT NULL CHECK (total_limit >= 0),
	task_limit    bigint NOT NULL CHECK (task_limit >= 0),    -- under one mandate
	period_limit  bigint NOT NULL CHECK (period_limit >= 0),  -- within any period
	period        bigint NOT NULL CHECK (period >= 0),        -- seconds
	opened_at     timestamptz NOT NULL,
	CHECK ((period = 0) = (period_limit = 0))
);

CREATE TABLE subaccount_states (
	subaccount bigint NOT NULL REFERENCES subaccounts,
	seq        integer NOT NULL,
	state      text NOT NULL CHECK (state IN ('active', 'frozen', 'cancelled')),
	cause      text NOT NULL CHECK (cause IN ('principal', 'risk', 'identity')),
	at         timestamptz NOT NULL,
	PRIMARY KEY (subaccount, seq)
);

CREATE TABLE devices (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	device     text COLLATE "C" NOT NULL UNIQUE,
	principal  text COLLATE "C" NOT NULL,
	jwk        bytea NOT NULL,
	thumbprint text COLLATE "C" NOT NULL UNIQUE,
	paired_at  timestamptz NOT NULL
);

CREATE TABLE device_removals (
	device bigint PRIMARY KEY REFERENCES devices,
	at     timestamptz NOT NULL
);

CREATE TABLE waiting (                -- instant payments that the principal is asked about
	id           bigint PRIMARY KEY,
	trade_no     text COLLATE "C" NOT NULL UNIQUE,
	agent        text COLLATE "C" NOT NULL,
	request_id   text COLLATE "C" NOT NULL,
	scenario     text NOT NULL,
	method       text NOT NULL,
	payee        text COLLATE "C" NOT NULL,
	order_number text COLLATE "C" NOT NULL,
	token        bigint NOT NULL REFERENCES tokens,
	amount       bigint NOT NULL CHECK (amount > 0),
	currency     text COLLATE "C" NOT NULL,
	expires      timestamptz NOT NULL, -- no debit from then on
	begun_at     timestamptz NOT NULL,
	memo         bytea NOT NULL
);

CREATE TABLE confirmations (          -- the principal's word about exactly one of them
	waiting bigint PRIMARY KEY REFERENCES waiting,
	method  text NOT NULL,
	at      timestamptz NOT NULL      -- by the cashier's word
);

CREATE TABLE declines (               -- an end without money
	waiting bigint PRIMARY KEY REFERENCES waiting,
	refusal bytea NOT NULL,
	at      timestamptz NOT NULL
);

CREATE TABLE trades (
	id           bigint PRIMARY KEY,  -- also of its transfer and its event
	trade_no     text COLLATE "C" NOT NULL UNIQUE,
	agent        text COLLATE "C" NOT NULL,
	request_id   text COLLATE "C" NOT NULL,
	scenario     text NOT NULL,
	method       text NOT NULL,
	payee        text COLLATE "C" NOT NULL,
	order_number text COLLATE "C" NOT NULL,
	order_key    uuid NOT NULL UNIQUE, -- of payee and order number
	mandate      bigint,              -- or
	waiting      bigint,              -- what the principal confirmed
	token        bigint,              -- or
	subaccount   bigint,
	amount       bigint NOT NULL CHECK (amount > 0),
	currency     text COLLATE "C" NOT NULL,
	spent_total  bigint NOT NULL,     -- of the mandate, this trade included; 0 without one
	expires      timestamptz NOT NULL, -- the debit was before
	paid_at      timestamptz NOT NULL,
	memo         bytea NOT NULL,
	CHECK ((mandate IS NULL) <> (waiting IS NULL)),
	CHECK ((token IS NULL) <> (subaccount IS NULL)),
	CHECK (waiting IS NULL OR token IS NOT NULL)
);
CREATE UNIQUE INDEX trades_waiting ON trades (waiting) WHERE waiting IS NOT NULL;
CREATE INDEX trades_subaccount ON trades (subaccount, paid_at) WHERE subaccount IS NOT NULL;
CREATE INDEX trades_task ON trades (subaccount, mandate) WHERE subaccount IS NOT NULL;

CREATE TABLE trade_moves (
	trade bigint NOT NULL REFERENCES trades,
	seq   integer NOT NULL,
	event text NOT NULL,
	state text NOT NULL,              -- after the event
	at    timestamptz NOT NULL,       -- of the delivery: by the merchant's word
	PRIMARY KEY (trade, seq)
);

CREATE TABLE consumptions (
	trade    bigint PRIMARY KEY REFERENCES trades,
	consumer text NOT NULL,
	at       timestamptz NOT NULL
);

CREATE TABLE requests (
	key        uuid PRIMARY KEY,      -- of agent and request id
	digest     text COLLATE "C" NOT NULL,
	trade      bigint,                -- the answer: one of three
	waiting    bigint,                -- its end is the answer, when it has one
	refusal    bytea,
	agent      text COLLATE "C",      -- of a refusal: a trade knows its own
	request_id text COLLATE "C",
	at         timestamptz NOT NULL,
	CHECK (num_nonnulls(trade, waiting, refusal) = 1),
	CHECK (num_nulls(refusal, agent, request_id) IN (0, 3))
);

CREATE TABLE issuers (
	issuer    text COLLATE "C" NOT NULL,
	principal text COLLATE "C" NOT NULL,
	seq       integer NOT NULL,
	trusted   boolean NOT NULL,
	at        timestamptz NOT NULL,
	PRIMARY KEY (issuer, principal, seq)
);

CREATE TABLE events (
	id      bigint PRIMARY KEY,       -- that of the trade, for its payment
	type    text NOT NULL,
	trade   bigint,                   -- or
	waiting bigint,                   -- what was closed
	refund  bigint,                   -- of the trade, if that is what happened
	at      timestamptz NOT NULL,
	CHECK ((trade IS NULL) <> (waiting IS NULL)),
	CHECK (refund IS NULL OR trade IS NOT NULL)
);
CREATE UNIQUE INDEX events_waiting ON events (waiting) WHERE waiting IS NOT NULL;
CREATE UNIQUE INDEX events_refund ON events (refund) WHERE refund IS NOT NULL;

CREATE TABLE event_reports (
	consumer text COLLATE "C" NOT NULL,
	event    bigint NOT NULL,         -- this one and all before it were taken
	at       timestamptz NOT NULL,
	PRIMARY KEY (consumer, event)
);

-- Here end the facts, and what follows can be changed.

CREATE TABLE nonces (                 -- forgotten when their time is over
	key   uuid PRIMARY KEY,           -- of scope and value
	until timestamptz NOT NULL
);
CREATE INDEX nonces_until ON nonces USING brin (until) WITH (pages_per_range = 16, autosummarize = on);

-- A merchant's balance is the sum of its lanes. Payments to it come into lanes
-- 1 to 8, each connection into its own, so that a hot merchant does not make
-- all payers wait for each other. Everything else is lane 0, which may be below
-- zero as long as the sum is not: whoever takes from a merchant holds all lanes.
CREATE TABLE balances (
	account bigint NOT NULL,
	lane    smallint NOT NULL,
	amount  bigint NOT NULL,
	signed  boolean NOT NULL,
	PRIMARY KEY (account, lane),
	CHECK (signed OR amount >= 0)
) WITH (fillfactor = 30);

CREATE TABLE budgets (                -- what was spent under a mandate
	mandate bigint PRIMARY KEY,
	spent   bigint NOT NULL CHECK (spent >= 0)
) WITH (fillfactor = 50);

CREATE TABLE token_now (
	token bigint PRIMARY KEY,
	state text NOT NULL,
	spent bigint NOT NULL CHECK (spent >= 0)
) WITH (fillfactor = 50);

CREATE TABLE subaccount_now (
	subaccount bigint PRIMARY KEY,
	state      text NOT NULL,         -- frozen as long as any cause's freeze holds
	cause      text,                  -- of the latest freeze that holds, else of the last change; null when there was none
	spent      bigint NOT NULL CHECK (spent >= 0)
) WITH (fillfactor = 50);

-- The state of sub-accounts as the facts say it: a freeze holds until its own
-- cause takes it back. subaccount_now is what it was after the last change.
CREATE VIEW subaccount_view AS
	SELECT s.id AS subaccount, coalesce(h.state, x.state) AS state, CASE WHEN x.seq > 0 THEN coalesce(h.cause, x.cause) END AS cause
	FROM subaccounts s
		JOIN LATERAL (SELECT seq, state, cause FROM subaccount_states y WHERE y.subaccount = s.id ORDER BY seq DESC LIMIT 1) x ON true
		LEFT JOIN LATERAL (SELECT f.state, f.cause FROM subaccount_states f
			WHERE x.state <> 'cancelled' AND f.subaccount = s.id AND f.state = 'frozen'
			AND NOT EXISTS (SELECT 1 FROM subaccount_states g WHERE g.subaccount = s.id AND g.cause = f.cause AND g.seq > f.seq)
			ORDER BY f.seq DESC LIMIT 1) h ON true;

-- A trade in whatever state it is: paid, waiting or closed.
CREATE VIEW book_trades AS
	SELECT t.id, t.waiting, t.trade_no, t.agent, t.request_id, t.scenario, t.method, t.payee, t.order_number,
		m.issuer, m.delegation_id, a.owner AS principal, s.subaccount, t.amount, t.currency, t.expires, t.memo,
		t.paid_at, t.spent_total, y.method AS confirmation_method, y.at AS confirmed_by_principal_at,
		c.consumer, c.at AS consumed_at, v.state, v.event, v.at AS moved_at, k.token, NULL::bytea AS refusal, t.order_key
	FROM trades t
		LEFT JOIN mandates m ON m.id = t.mandate
		LEFT JOIN tokens k ON k.id = t.token
		LEFT JOIN subaccounts s ON s.id = t.subaccount
		JOIN accounts a ON a.id = coalesce(k.account, s.main)
		LEFT JOIN confirmations y ON y.waiting = t.waiting
		LEFT JOIN consumptions c ON c.trade = t.id
		LEFT JOIN LATERAL (SELECT state, event, at FROM trade_moves w WHERE w.trade = t.id ORDER BY seq DESC LIMIT 1) v ON true
	UNION ALL
	SELECT NULL, w.id, w.trade_no, w.agent, w.request_id, w.scenario, w.method, w.payee, w.order_number,
		NULL, NULL, a.owner, NULL, w.amount, w.currency, w.expires, w.memo,
		NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, k.token, d.refusal, NULL
	FROM waiting w
		JOIN tokens k ON k.id = w.token
		JOIN accounts a ON a.id = k.account
		LEFT JOIN declines d ON d.waiting = w.id
	WHERE NOT EXISTS (SELECT 1 FROM trades t WHERE t.waiting = w.id);
