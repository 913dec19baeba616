-- Refunds, and what merchants are told. All of them are facts.

CREATE TABLE refunds (
	id        bigint PRIMARY KEY,     -- also of its transfer and its event
	refund_no text COLLATE "C" NOT NULL UNIQUE,
	trade     bigint NOT NULL REFERENCES trades,
	amount    bigint NOT NULL CHECK (amount > 0),
	total     bigint NOT NULL CHECK (total >= amount), -- of the trade, this one included
	reason    text NOT NULL,
	state     text NOT NULL,          -- of the trade, right after
	at        timestamptz NOT NULL,
	UNIQUE (trade, total)
);

CREATE TABLE refund_requests (
	merchant   text COLLATE "C" NOT NULL,
	request_id text COLLATE "C" NOT NULL,
	digest     text COLLATE "C" NOT NULL,
	refund     bigint UNIQUE REFERENCES refunds,
	refusal    bytea,
	at         timestamptz NOT NULL,
	PRIMARY KEY (merchant, request_id),
	CHECK ((refund IS NULL) <> (refusal IS NULL))
);

CREATE TABLE receivers (              -- where merchants are told what happened
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	merchant text COLLATE "C" NOT NULL,
	url      text NOT NULL,           -- the last word counts; empty: nowhere
	at       timestamptz NOT NULL
);
CREATE INDEX receivers_merchant ON receivers (merchant, id);

CREATE TABLE notices (
	merchant text COLLATE "C" NOT NULL,
	sequence bigint NOT NULL CHECK (sequence > 0),
	event    bigint NOT NULL UNIQUE REFERENCES events,
	PRIMARY KEY (merchant, sequence)
);

CREATE TABLE notice_marks (           -- this one and all before it were acknowledged
	merchant text COLLATE "C" NOT NULL,
	sequence bigint NOT NULL,
	at       timestamptz NOT NULL,
	PRIMARY KEY (merchant, sequence),
	FOREIGN KEY (merchant, sequence) REFERENCES notices
);
