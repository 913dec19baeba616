package ledger

// refundFacts are the tables of refunds and notices that are only appended to.
var refundFacts = []string{"refunds", "refund_requests", "receivers", "notices", "notice_marks"}

const refundTables = `
CREATE TABLE refunds (
	id        INTEGER PRIMARY KEY,
	refund_no TEXT NOT NULL UNIQUE,
	trade     INTEGER NOT NULL REFERENCES payments,
	amount    INTEGER NOT NULL CHECK (amount > 0),
	total     INTEGER NOT NULL CHECK (total >= amount), -- of the trade, this one included
	reason    TEXT NOT NULL,
	state     TEXT NOT NULL,          -- of the trade, right after
	at        INTEGER NOT NULL,
	UNIQUE (trade, total)
) STRICT;

CREATE TABLE refund_requests (
	merchant   TEXT NOT NULL,
	request_id TEXT NOT NULL,
	digest     TEXT NOT NULL,
	refund     INTEGER UNIQUE REFERENCES refunds,
	refusal    BLOB,
	at         INTEGER NOT NULL,
	PRIMARY KEY (merchant, request_id),
	CHECK ((refund IS NULL) <> (refusal IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE receivers (              -- where merchants are told what happened
	id       INTEGER PRIMARY KEY,
	merchant TEXT NOT NULL,
	url      TEXT NOT NULL,           -- the last word counts; empty: nowhere
	at       INTEGER NOT NULL
) STRICT;
CREATE INDEX receivers_merchant ON receivers (merchant);

CREATE TABLE notices (
	merchant TEXT NOT NULL,
	sequence INTEGER NOT NULL CHECK (sequence > 0),
	event    INTEGER NOT NULL UNIQUE,     -- position
	PRIMARY KEY (merchant, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE notice_marks (           -- this one and all before it were acknowledged
	merchant TEXT NOT NULL,
	sequence INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	PRIMARY KEY (merchant, sequence),
	FOREIGN KEY (merchant, sequence) REFERENCES notices
) STRICT, WITHOUT ROWID;
`
