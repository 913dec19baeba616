-- A payment is one call of pay(). What it depends on is read by gather(), with
-- the locks that keep it so until the commit; permits() decides; debit() moves
-- the money. Whatever permits() refuses is put into words by Facts.Judge of
-- package provider, which is the rule: a property test holds the two together.
--
-- Locks. First the advisory locks, in the order of their numbers, on everything
-- that has a name: nonce, request, mandate, instrument, order. Then rows of
-- balances: the funding account, principals and sub-accounts by number,
-- merchants by number and lane. Nobody who holds a later one waits for an
-- earlier one.

-- number() is the number of a row that this transaction writes, for at most
-- 65536 of them. Numbers of transactions that began to write earlier are lower,
-- so that below the oldest running transaction's nothing new can appear: that
-- is what a reader of the outbox needs (see horizon()).
CREATE FUNCTION number(slot integer) RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT base + (pg_current_xact_id()::text::bigint << 16) + slot FROM meta
$$;

-- horizon() is the lowest number that can still appear.
CREATE FUNCTION horizon() RETURNS bigint LANGUAGE sql STABLE AS $$
	SELECT base + (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 16) FROM meta
$$;

-- A payment as far as the book judges it.
CREATE TYPE payment AS (
	agent          text,
	issuer         text,              -- null for an instant payment, as are the next four
	delegation_id  text,
	mandate_digest text,
	delegator      text,
	total          bigint,
	token          text,              -- or
	subaccount     text,
	thumbprint     text,              -- of the key that authorised it
	payee          text,
	order_key      uuid,
	expires        timestamptz,
	amount         bigint,
	currency       text,
	sound          boolean            -- nothing was found against it before
);

-- What provider.Facts are, and the rows that a debit changes.
CREATE TYPE facts AS (
	mandate      bigint,
	pinned       text,
	spent        bigint,
	order_paid   boolean,
	payee        bigint,              -- account; null when there is none
	instrument   bigint,              -- token or sub-account; null when there is none such, as is all that follows
	payer        bigint,              -- account
	principal    text,
	agent        text,
	currency     text,
	state        text,
	valid_from   timestamptz,         -- of a token, as are the next three
	valid_until  timestamptz,
	ceiling      bigint,
	merchants    text[],
	jwk          bytea,               -- of a sub-account, as are the next six and the last
	thumbprint   text,
	single_limit bigint,
	total_limit  bigint,
	period_limit bigint,
	period       bigint,
	task_limit   bigint,
	taken        bigint,
	within       bigint,
	balance      bigint,
	task         bigint
);

-- hold() takes the advisory locks of a transaction, whose keys come sorted.
CREATE FUNCTION hold(keys bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k bigint;
	nothing text;
BEGIN
	FOREACH k IN ARRAY keys LOOP
		nothing := pg_advisory_xact_lock(k);
	END LOOP;
END $$;

-- enter() takes the locks of a transaction and tells its time, which is p_now,
-- or the database's own clock.
CREATE FUNCTION enter(p_keys bigint[], p_now timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
	PERFORM hold(p_keys);
	RETURN coalesce(p_now, clock_timestamp());
END $$;

-- hold_batch() takes all locks of several payments that share a transaction.
CREATE FUNCTION hold_batch(keys bigint[], p_tokens text[], p_subaccounts text[], p_payees text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	v_lane smallint := 1 + pg_backend_pid() % 8; -- where this connection puts payments to merchants
BEGIN
	PERFORM hold(keys);
	PERFORM 1 FROM balances b WHERE b.lane = 0 AND b.account IN (
			SELECT account FROM tokens WHERE token = ANY (p_tokens)
			UNION ALL SELECT account FROM subaccounts WHERE subaccount = ANY (p_subaccounts))
		ORDER BY b.account FOR UPDATE;
	PERFORM 1 FROM balances b WHERE b.lane = v_lane AND b.account IN (
			SELECT id FROM accounts WHERE owner = ANY (p_payees) AND kind = 'merchant')
		ORDER BY b.account FOR UPDATE;
END $$;

-- instrument() reads a payment token, or a sub-account, what was taken by it,
-- and the balance behind it. With p_lock, of a payment, the balance is locked;
-- the advisory lock on the instrument is held, and nobody else changes the rest.
CREATE FUNCTION instrument(p_token text, p_subaccount text, p_mandate bigint, p_at timestamptz, p_lock boolean, INOUT f facts) LANGUAGE plpgsql AS $$
BEGIN
	IF p_token IS NOT NULL THEN
		SELECT k.id, k.account, a.owner, a.currency, k.agent, k.valid_from, k.valid_until, k.ceiling, k.merchants, n.state, n.spent
			INTO f.instrument, f.payer, f.principal, f.currency, f.agent, f.valid_from, f.valid_until, f.ceiling, f.merchants, f.state, f.taken
			FROM tokens k JOIN accounts a ON a.id = k.account JOIN token_now n ON n.token = k.id
			WHERE k.token = p_token;
	ELSE
		SELECT s.id, s.account, a.owner, a.currency, s.agent, s.jwk, s.thumbprint, s.single_limit, s.total_limit, s.period_limit, s.period, s.task_limit, n.state, n.spent
			INTO f.instrument, f.payer, f.principal, f.currency, f.agent, f.jwk, f.thumbprint, f.single_limit, f.total_limit, f.period_limit, f.period, f.task_limit, f.state, f.taken
			FROM subaccounts s JOIN accounts a ON a.id = s.main JOIN subaccount_now n ON n.subaccount = s.id
			WHERE s.subaccount = p_subaccount;
	END IF;
	IF f.instrument IS NULL THEN
		RETURN;
	END IF;
	IF p_lock THEN
		SELECT b.amount INTO f.balance FROM balances b WHERE b.account = f.payer AND b.lane = 0 FOR UPDATE;
	ELSE
		SELECT b.amount INTO f.balance FROM balances b WHERE b.account = f.payer AND b.lane = 0;
	END IF;
	IF p_token IS NOT NULL THEN
		RETURN;
	END IF;
	f.within := 0;
	f.task := 0;
	IF f.period > 0 THEN
		-- paid_at has lost its fraction: what may lie within the period counts.
		SELECT coalesce(sum(t.amount), 0) INTO f.within FROM trades t
			WHERE t.subaccount = f.instrument AND t.paid_at >= date_trunc('second', p_at - make_interval(secs => f.period));
	END IF;
	IF f.task_limit > 0 AND p_mandate IS NOT NULL THEN
		SELECT coalesce(sum(t.amount), 0) INTO f.task FROM trades t WHERE t.subaccount = f.instrument AND t.mandate = p_mandate;
	END IF;
END $$;

-- gather() reads all that a payment depends on, and pins the mandate when it is
-- seen for the first time: from then on the pair of issuer and delegation id
-- means this payload and this budget and no other.
CREATE FUNCTION gather(p payment, p_at timestamptz, OUT f facts) LANGUAGE plpgsql AS $$
BEGIN
	IF p.issuer IS NOT NULL THEN
		SELECT m.id, m.digest, b.spent INTO f.mandate, f.pinned, f.spent
			FROM mandates m JOIN budgets b ON b.mandate = m.id
			WHERE m.issuer = p.issuer AND m.delegation_id = p.delegation_id;
		IF f.mandate IS NULL THEN
			INSERT INTO mandates (issuer, delegation_id, digest, total, currency, pinned_at)
				VALUES (p.issuer, p.delegation_id, p.mandate_digest, p.total, p.currency, date_trunc('second', p_at))
				RETURNING id INTO f.mandate;
			INSERT INTO budgets (mandate, spent) VALUES (f.mandate, 0);
			f.pinned := p.mandate_digest;
			f.spent := 0;
		END IF;
	END IF;
	SELECT EXISTS (SELECT 1 FROM trades t WHERE t.order_key = p.order_key),
		(SELECT a.id FROM accounts a WHERE a.owner = p.payee AND a.currency = p.currency AND a.kind = 'merchant')
		INTO f.order_paid, f.payee;
	f := instrument(p.token, p.subaccount, f.mandate, p_at, true, f);
END $$;

-- permits() is Facts.Judge, with or without the balance, and the task limit
-- beside it. Whatever is null denies.
CREATE FUNCTION permits(p payment, f facts, p_at timestamptz, p_debit boolean) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF (p.sound AND p_at < p.expires AND NOT f.order_paid AND f.payee IS NOT NULL
		AND f.instrument IS NOT NULL AND f.agent = p.agent AND f.state = 'active'
		AND f.currency = p.currency AND (NOT p_debit OR p.amount <= f.balance)) IS NOT TRUE THEN
		RETURN false;
	END IF;
	IF p.issuer IS NOT NULL AND (coalesce(f.pinned = p.mandate_digest, true) AND p.amount <= p.total - f.spent
		AND f.principal = p.delegator) IS NOT TRUE THEN
		RETURN false;
	END IF;
	IF p.token IS NOT NULL THEN
		RETURN (f.valid_from <= p_at AND p_at < f.valid_until
			AND (cardinality(f.merchants) = 0 OR p.payee = ANY (f.merchants))
			AND (f.ceiling = 0 OR p.amount <= f.ceiling - f.taken)) IS TRUE;
	END IF;
	RETURN (p.issuer IS NOT NULL AND f.thumbprint = p.thumbprint
		AND (f.single_limit = 0 OR p.amount <= f.single_limit)
		AND (f.total_limit = 0 OR p.amount <= f.total_limit - f.taken)
		AND (f.period_limit = 0 OR p.amount <= f.period_limit - f.within)
		AND (f.task_limit = 0 OR p.amount <= f.task_limit - f.task)) IS TRUE;
END $$;

-- debit() writes a trade and moves its money, and stores the answer to a
-- request when there is one to store. Nothing here decides. No overflow is to be
-- looked for: all money of a currency came out of one funding account, so what
-- payer and payee have together fits.
CREATE FUNCTION debit(p payment, f facts, p_slot integer, p_trade_no text, p_request_id text, p_scenario text, p_method text,
	p_order text, p_memo bytea, p_waiting bigint, p_request uuid, p_digest text, p_at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	v_id bigint;
	v_at timestamptz := date_trunc('second', p_at);
	v_lane smallint := 1 + pg_backend_pid() % 8;
	v_spent bigint := coalesce(f.spent + p.amount, 0);
	v_token bigint := CASE WHEN p.token IS NOT NULL THEN f.instrument END;
	v_subaccount bigint := CASE WHEN p.token IS NULL THEN f.instrument END;
BEGIN
	SELECT m.base + (pg_current_xact_id()::text::bigint << 16) + p_slot INTO v_id FROM meta m;
	WITH trade AS (
		INSERT INTO trades (id, trade_no, agent, request_id, scenario, method, payee, order_number, order_key, mandate, waiting, token, subaccount,
				amount, currency, spent_total, expires, paid_at, memo)
			VALUES (v_id, p_trade_no, p.agent, p_request_id, p_scenario, p_method, p.payee, p_order, p.order_key, f.mandate, p_waiting,
				v_token, v_subaccount, p.amount, p.currency, v_spent, p.expires, v_at, p_memo)
	), transfer AS (
		INSERT INTO transfers (id, cause, cause_id, debit, credit, amount, at) VALUES (v_id, 'payment', p_trade_no, f.payer, f.payee, p.amount, v_at)
	), event AS (
		INSERT INTO events (id, type, trade, at) VALUES (v_id, 'act:payment:transaction-completed', v_id, v_at)
	), answer AS (
		INSERT INTO requests (key, digest, trade, at) SELECT p_request, p_digest, v_id, v_at WHERE p_request IS NOT NULL
	), budget AS (
		UPDATE budgets SET spent = spent + p.amount WHERE mandate = f.mandate
	), by_token AS (
		UPDATE token_now SET spent = spent + p.amount WHERE token = v_token
	), by_subaccount AS (
		UPDATE subaccount_now SET spent = spent + p.amount WHERE subaccount = v_subaccount
	), payer AS (
		UPDATE balances SET amount = amount - p.amount WHERE account = f.payer AND lane = 0
	)
	UPDATE balances SET amount = amount + p.amount WHERE account = f.payee AND lane = v_lane;
	RETURN v_spent;
END $$;

-- known() uses a nonce and looks for an earlier answer. The verdict is
-- 'replayed', 'known', or null when the request is new.
CREATE FUNCTION known(p_nonce uuid, p_until timestamptz, p_request uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v_fresh boolean;
	v_known boolean;
BEGIN
	WITH used AS (INSERT INTO nonces (key, until) VALUES (p_nonce, p_until) ON CONFLICT DO NOTHING RETURNING key)
		SELECT EXISTS (SELECT 1 FROM used), EXISTS (SELECT 1 FROM requests r WHERE r.key = p_request) INTO v_fresh, v_known;
	RETURN CASE WHEN NOT v_fresh THEN 'replayed' WHEN v_known THEN 'known' END;
END $$;

-- pay() decides a payment and makes it: the one call. The verdict is 'replayed'
-- or 'known' (nothing else is set), 'refused', and then nothing is written but
-- nonce and mandate, or 'paid'. p_now is null for the database's own clock.
CREATE FUNCTION pay(p_keys bigint[], p_now timestamptz, p_slot integer, p_nonce uuid, p_until timestamptz, p_request uuid, p_digest text,
	p_agent text, p_request_id text, p_issuer text, p_delegation_id text, p_mandate_digest text, p_delegator text, p_total bigint,
	p_scenario text, p_method text, p_token text, p_subaccount text, p_thumbprint text, p_payee text, p_order text, p_order_key uuid,
	p_expires timestamptz, p_amount bigint, p_currency text, p_memo bytea, p_trade_no text, p_sound boolean,
	OUT verdict text, OUT at timestamptz, OUT spent_total bigint, OUT f facts) LANGUAGE plpgsql AS $$
DECLARE
	k bigint;
	nothing text;
	p payment := (p_agent, p_issuer, p_delegation_id, p_mandate_digest, p_delegator, p_total, p_token, p_subaccount, p_thumbprint,
		p_payee, p_order_key, p_expires, p_amount, p_currency, p_sound);
BEGIN
	FOREACH k IN ARRAY p_keys LOOP
		nothing := pg_advisory_xact_lock(k); -- as hold() does
	END LOOP;
	verdict := known(p_nonce, p_until, p_request);
	at := coalesce(p_now, clock_timestamp());
	IF verdict IS NOT NULL THEN
		RETURN;
	END IF;
	f := gather(p, at);
	IF p_now IS NULL THEN
		at := clock_timestamp(); -- behind the last lock
	END IF;
	IF NOT permits(p, f, at, true) THEN
		verdict := 'refused';
		RETURN;
	END IF;
	spent_total := debit(p, f, p_slot, p_trade_no, p_request_id, p_scenario, p_method, p_order, p_memo, NULL, p_request, p_digest, at);
	verdict := 'paid';
END $$;

-- refuse() stores a refusal as the first answer to a request. The verdict is
-- 'replayed', 'known' or 'refused'. Without a nonce it was used before; without
-- a refusal only the nonce is used, and the verdict is 'passing'.
CREATE FUNCTION refuse(p_keys bigint[], p_now timestamptz, p_nonce uuid, p_until timestamptz, p_request uuid, p_digest text,
	p_agent text, p_request_id text, p_refusal bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v_verdict text;
BEGIN
	PERFORM hold(p_keys);
	IF p_nonce IS NOT NULL THEN
		v_verdict := known(p_nonce, p_until, p_request);
		IF v_verdict IS NOT NULL THEN
			RETURN v_verdict;
		END IF;
	END IF;
	IF p_refusal IS NULL THEN
		RETURN 'passing';
	END IF;
	INSERT INTO requests (key, digest, refusal, agent, request_id, at)
		VALUES (p_request, p_digest, p_refusal, p_agent, p_request_id, date_trunc('second', coalesce(p_now, clock_timestamp())))
		ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RETURN 'known';
	END IF;
	RETURN 'refused';
END $$;

-- begin_instant() lets an instant payment wait, if it may. The verdicts are
-- those of pay(), with 'waits' for 'paid'.
CREATE FUNCTION begin_instant(p_keys bigint[], p_now timestamptz, p_nonce uuid, p_until timestamptz, p_request uuid, p_digest text,
	p_agent text, p_request_id text, p_scenario text, p_method text, p_token text, p_payee text, p_order text, p_order_key uuid,
	p_expires timestamptz, p_amount bigint, p_currency text, p_memo bytea, p_trade_no text, p_sound boolean,
	OUT verdict text, OUT at timestamptz, OUT f facts) LANGUAGE plpgsql AS $$
DECLARE
	v_id bigint;
	p payment := (p_agent, NULL, NULL, NULL, NULL, NULL, p_token, NULL, NULL, p_payee, p_order_key, p_expires, p_amount, p_currency, p_sound);
BEGIN
	PERFORM hold(p_keys);
	verdict := known(p_nonce, p_until, p_request);
	at := coalesce(p_now, clock_timestamp());
	IF verdict IS NOT NULL THEN
		RETURN;
	END IF;
	f := gather(p, at);
	IF NOT permits(p, f, at, false) THEN
		verdict := 'refused';
		RETURN;
	END IF;
	v_id := number(0);
	INSERT INTO waiting (id, trade_no, agent, request_id, scenario, method, payee, order_number, token, amount, currency, expires, begun_at, memo)
		VALUES (v_id, p_trade_no, p_agent, p_request_id, p_scenario, p_method, p_payee, p_order, f.instrument, p_amount, p_currency,
			p_expires, date_trunc('second', at), p_memo);
	INSERT INTO requests (key, digest, waiting, at) VALUES (p_request, p_digest, v_id, date_trunc('second', at));
	verdict := 'waits';
END $$;

-- settle() pays what waits, if it may. The caller holds the locks, knows that
-- it waits, and closes it when the verdict is 'refused'.
CREATE FUNCTION settle(p_waiting bigint, p_order_key uuid, p_method text, p_confirmed_at timestamptz, p_at timestamptz,
	OUT verdict text, OUT f facts) LANGUAGE plpgsql AS $$
DECLARE
	w record;
	p payment;
BEGIN
	INSERT INTO confirmations (waiting, method, at) VALUES (p_waiting, p_method, p_confirmed_at);
	SELECT x.*, k.token AS token_id INTO STRICT w FROM waiting x JOIN tokens k ON k.id = x.token WHERE x.id = p_waiting;
	p := (w.agent, NULL, NULL, NULL, NULL, NULL, w.token_id, NULL, NULL, w.payee, p_order_key, w.expires, w.amount, w.currency, true);
	f := gather(p, p_at);
	IF NOT permits(p, f, p_at, true) THEN
		verdict := 'refused';
		RETURN;
	END IF;
	PERFORM debit(p, f, 0, w.trade_no, w.request_id, w.scenario, w.method, w.order_number, w.memo, w.id, NULL, NULL, p_at);
	verdict := 'paid';
END $$;
