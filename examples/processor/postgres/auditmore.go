package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/provider"
)

// causeRules are those of the ways that money takes: a cause says from what kind
// of account to what kind it goes. Without them a transfer that somebody writes
// by hand between two accounts is as good as any other, as long as its balances
// are written too.
var causeRules = []rule{
	{"a transfer does not go the way that its cause says", `
		SELECT f.id FROM transfers f JOIN accounts a ON a.id = f.debit JOIN accounts b ON b.id = f.credit
		WHERE (f.cause = 'deposit' AND a.kind = 'funding' AND b.kind IN ('principal', 'merchant')
			OR f.cause = 'payment' AND a.kind IN ('principal', 'subaccount') AND b.kind = 'merchant'
			OR f.cause = 'top-up' AND a.kind = 'principal' AND b.kind = 'subaccount'
			OR f.cause = 'return' AND a.kind = 'subaccount' AND b.kind = 'principal'
			OR f.cause = 'refund' AND a.kind = 'merchant' AND b.kind IN ('principal', 'subaccount')) IS NOT TRUE`},
	{"a payment was made after its end", `SELECT id FROM trades WHERE paid_at >= expires`},
	{"a payment was made by a token outside its time, or to a merchant that it is not for", `
		SELECT t.id FROM trades t JOIN tokens k ON k.id = t.token
		WHERE t.paid_at < k.valid_from OR t.paid_at >= k.valid_until OR cardinality(k.merchants) > 0 AND t.payee <> ALL (k.merchants)`},
	{"a token is not for the account of a principal", `
		SELECT k.id FROM tokens k LEFT JOIN accounts a ON a.id = k.account WHERE a.kind IS DISTINCT FROM 'principal'`},
	{"a trade is another agent's than its instrument", `
		SELECT t.id FROM trades t LEFT JOIN tokens k ON k.id = t.token LEFT JOIN subaccounts s ON s.id = t.subaccount
		WHERE t.agent IS DISTINCT FROM coalesce(k.agent, s.agent)`},
}

// refundRules are those of refunds, of the events they leave, and of notices.
var refundRules = []rule{
	{"a refund is not one transfer of its amount from the payee to the sub-account that paid or its principal", `
		SELECT r.id FROM refunds r LEFT JOIN trades t ON t.id = r.trade LEFT JOIN transfers f ON f.id = r.id AND f.cause = 'refund' AND f.cause_id = r.refund_no
		LEFT JOIN tokens k ON k.id = t.token LEFT JOIN subaccounts s ON s.id = t.subaccount
		LEFT JOIN accounts a ON a.owner = t.payee AND a.currency = t.currency
		WHERE (f.amount, f.debit) IS DISTINCT FROM (r.amount, a.id)
		OR f.credit IS DISTINCT FROM coalesce(k.account, s.main) AND f.credit IS DISTINCT FROM s.account`},
	{"a refund transfer has no refund", `
		SELECT f.id FROM transfers f WHERE f.cause = 'refund' AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.id = f.id)`},
	{"more was given back than was paid, or the totals of refunds are not their sums", `
		SELECT r.id FROM refunds r JOIN trades t ON t.id = r.trade
		WHERE r.total > t.amount OR r.total <> (SELECT sum(o.amount) FROM refunds o WHERE o.trade = r.trade AND o.id <= r.id)`},
	{"a refund is not the answer to exactly one request of the payee", `
		SELECT r.id FROM refunds r JOIN trades t ON t.id = r.trade LEFT JOIN refund_requests q ON q.refund = r.id WHERE q.merchant IS DISTINCT FROM t.payee`},
	{"a trade was closed and not given back, or given back before its end and not closed", `
		SELECT t.id FROM trades t LEFT JOIN LATERAL (SELECT state FROM trade_moves o WHERE o.trade = t.id ORDER BY seq DESC LIMIT 1) m ON true
		WHERE (m.state IS NOT DISTINCT FROM 'TRADE_CLOSED') <> (m.state IS DISTINCT FROM 'TRADE_FINISHED'
			AND t.amount IS NOT DISTINCT FROM (SELECT max(r.total) FROM refunds r WHERE r.trade = t.id))`},
	{"a refund has not exactly one event", `
		SELECT r.id FROM refunds r LEFT JOIN events e ON e.id = r.id
		WHERE (e.type, e.trade, e.refund, e.at) IS DISTINCT FROM ('` + book.Refunded + `', r.trade, r.id, r.at)`},
	{"an instant payment that was closed has not exactly one event", `
		SELECT d.waiting FROM declines d LEFT JOIN events e ON e.waiting = d.waiting WHERE (e.type, e.at) IS DISTINCT FROM ('` + book.Closed + `', d.at)`},
	{"the notices of a merchant have a gap, or not the order of events", `
		SELECT n.event FROM notices n LEFT JOIN notices o ON o.merchant = n.merchant AND o.sequence = n.sequence - 1
		WHERE n.sequence > 1 AND (o.event IS NULL OR o.event >= n.event)`},
	{"a notice is for another merchant than the event's", `
		SELECT n.event FROM notices n JOIN events e ON e.id = n.event LEFT JOIN trades t ON t.id = e.trade LEFT JOIN waiting w ON w.id = e.waiting
		WHERE n.merchant IS DISTINCT FROM coalesce(t.payee, w.payee)`},
}

// bindingRules are those of passkeys and of agents' requests for instruments.
var bindingRules = []rule{
	{"a binding request was both granted and refused", `SELECT g.binding FROM binding_grants g JOIN binding_refusals r ON r.binding = g.binding`},
	{"an instrument was granted to another agent or principal than asked for it", `
		SELECT g.binding FROM binding_grants g JOIN bindings b ON b.id = g.binding LEFT JOIN tokens k ON k.id = g.token LEFT JOIN subaccounts s ON s.id = g.subaccount
		LEFT JOIN accounts a ON a.id = coalesce(k.account, s.main)
		WHERE (coalesce(k.agent, s.agent), a.owner) IS DISTINCT FROM (b.agent, b.principal) OR (s.id IS NULL) <> (b.jwk IS NULL) OR s.jwk <> b.jwk`},
	{"a binding request was granted after its time", `
		SELECT g.binding FROM binding_grants g JOIN bindings b ON b.id = g.binding WHERE g.at >= b.expires`},
	{"a passkey's counter did not go up", `
		SELECT u.passkey FROM passkey_uses u JOIN passkeys k ON k.id = u.passkey LEFT JOIN passkey_uses o ON o.passkey = u.passkey AND o.seq = u.seq - 1
		WHERE u.seq > 0 AND o.seq IS NULL OR NOT (u.counter > coalesce(o.counter, k.counter) OR u.counter = 0 AND coalesce(o.counter, k.counter) = 0)`},
}

// guards looks whether facts can only be appended to: every table of them has to
// have its trigger, the trigger has to be on, and to do what guard.sql says.
func (r *report) guards(ctx context.Context, t pgx.Tx) error {
	text, err := scripts.ReadFile("schema/guard.sql")
	if err != nil {
		return err
	}
	_, does, _ := strings.Cut(string(text), "$$")
	does, _, _ = strings.Cut(does, "$$")
	var missing int
	err = t.QueryRow(ctx, `SELECT count(*) FROM unnest($1::text[]) f WHERE NOT EXISTS (
		SELECT 1 FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
		WHERE g.tgrelid = to_regclass(f) AND g.tgname = 'append_only' AND g.tgenabled IN ('O', 'A') AND g.tgtype = $2 AND g.tgqual IS NULL AND g.tgattr = ''
			AND p.oid = to_regproc('append_only') AND p.prosrc = $3)`, facts, beforeChange, does).Scan(&missing)
	if err == nil && missing > 0 {
		r.problem("facts can be changed: %d triggers are missing", missing)
	}
	return err
}

// beforeChange is BEFORE UPDATE OR DELETE OR TRUNCATE, for each statement, in
// the bits of pg_trigger.tgtype.
const beforeChange int16 = 1<<1 | 1<<3 | 1<<4 | 1<<5

// keys looks whether the keys of sub-accounts and devices are those that were
// registered.
func (r *report) keys(ctx context.Context, t pgx.Tx) error {
	rows, err := t.Query(ctx, "SELECT id, jwk, thumbprint FROM subaccounts UNION ALL SELECT id, jwk, thumbprint FROM devices")
	if err != nil {
		return err
	}
	return each(rows, func(rows pgx.Rows) error {
		var id int64
		var jwk []byte
		var thumbprint string
		if err := rows.Scan(&id, &jwk, &thumbprint); err != nil {
			return err
		}
		if key, err := book.StoredKey(jwk); err != nil || key.Thumbprint() != thumbprint {
			r.problem("a key is not the one that was registered: row %d", id)
		}
		return nil
	})
}

// grants looks whether every instrument that an agent asked for is what its
// principal agreed to, and that is no more than was asked for.
func (r *report) grants(ctx context.Context, t pgx.Tx) error {
	rows, err := t.Query(ctx, bindingColumns+"WHERE g.binding IS NOT NULL ORDER BY b.id")
	if err != nil {
		return err
	}
	var granted []*binding
	if err := each(rows, func(rows pgx.Rows) error {
		b := new(binding)
		granted = append(granted, b)
		return b.scan(rows)
	}); err != nil {
		return err
	}
	for _, b := range granted {
		as, err := b.asGranted(ctx, t)
		if err != nil {
			return err
		}
		if !as {
			r.problem("an instrument is not what its principal agreed to: row %d", b.id)
		}
	}
	return nil
}

func (b *binding) asGranted(ctx context.Context, t pgx.Tx) (bool, error) {
	if b.Token != "" {
		var k provider.Token
		err := scanToken(t.QueryRow(ctx, tokenColumns+"WHERE k.token = $1", b.Token), &k)
		return err == nil && book.AsGranted(&b.Binding, &k, nil), err
	}
	p, found, err := purseOf(ctx, t, b.SubAccount)
	return found && book.AsGranted(&b.Binding, nil, &p.SubAccount), err
}
