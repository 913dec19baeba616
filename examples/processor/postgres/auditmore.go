package postgres

import "github.com/actprotocol/act-go/examples/processor/book"

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
