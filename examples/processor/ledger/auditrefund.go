package ledger

import "github.com/actprotocol/act-go/examples/processor/book"

// refundRules are those of refunds, of the events they leave, and of notices.
var refundRules = []rule{
	{"a refund is not one transfer of its amount from the payee to the sub-account that paid or its principal", `
		SELECT r.id FROM refunds r JOIN payments t ON t.id = r.trade LEFT JOIN moves f ON f.cause = 'refund' AND f.cause_id = r.refund_no
		LEFT JOIN tokens k ON k.id = t.token LEFT JOIN subaccounts s ON s.id = t.subaccount
		WHERE f.amount IS NOT r.amount OR f.payer IS NOT t.payee OR f.payee IS NOT coalesce(k.account, s.main) AND f.payee IS NOT s.account`},
	{"a refund transfer has no refund", `
		SELECT f.id FROM moves f WHERE f.cause = 'refund' AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.refund_no = f.cause_id)`},
	{"more was given back than was paid, or the totals of refunds are not their sums", `
		SELECT r.id FROM refunds r JOIN payments t ON t.id = r.trade
		WHERE r.total > t.amount OR r.total <> (SELECT sum(o.amount) FROM refunds o WHERE o.trade = r.trade AND o.id <= r.id)`},
	{"a refund is not the answer to exactly one request of the payee", `
		SELECT r.id FROM refunds r JOIN payments t ON t.id = r.trade JOIN accounts a ON a.id = t.payee LEFT JOIN refund_requests q ON q.refund = r.id
		WHERE q.merchant IS NOT a.owner`},
	{"a trade was closed and not given back, or given back before its end and not closed", `
		SELECT t.id FROM (SELECT trade FROM trade_moves UNION SELECT trade FROM refunds) x JOIN payments t ON t.id = x.trade LEFT JOIN trade_moves m ON m.trade = t.id AND m.seq = (SELECT max(seq) FROM trade_moves o WHERE o.trade = t.id)
		WHERE (m.state IS 'TRADE_CLOSED') <> (m.state IS NOT 'TRADE_FINISHED' AND t.amount = (SELECT max(r.total) FROM refunds r WHERE r.trade = t.id))`},
	{"a refund has not exactly one event", `
		SELECT r.id FROM refunds r LEFT JOIN other_events e ON e.refund = r.id
		WHERE e.type IS NOT '` + book.Refunded + `' OR e.trade <> r.trade OR e.at <> r.at`},
	{"an instant payment that was closed has not exactly one event", `
		SELECT d.waiting FROM declines d LEFT JOIN other_events e ON e.waiting = d.waiting WHERE e.type IS NOT '` + book.Closed + `' OR e.at <> d.at
		UNION ALL SELECT e.waiting FROM other_events e WHERE e.waiting IS NOT NULL AND NOT EXISTS (SELECT 1 FROM declines d WHERE d.waiting = e.waiting)`},
	{"the notices of a merchant have a gap, or not the order of events", `
		SELECT n.event FROM notices n LEFT JOIN notices o ON o.merchant = n.merchant AND o.sequence = n.sequence - 1
		WHERE n.sequence > 1 AND (o.event IS NULL OR o.event >= n.event)`},
	{"a notice is for another merchant than the event's", `
		SELECT n.event FROM notices n LEFT JOIN other_events e ON e.id = n.event LEFT JOIN payments p ON p.id = coalesce(e.trade, n.event)
		LEFT JOIN accounts a ON a.id = p.payee LEFT JOIN waiting w ON w.id = e.waiting WHERE n.merchant IS NOT coalesce(a.owner, w.payee)`},
}
