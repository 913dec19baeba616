package ledger

import (
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/keys"

	"zombiezen.com/go/sqlite"
)

// causeRules are those of the ways that money takes: a cause says from what kind
// of account to what kind it goes. Without them a transfer that somebody writes
// by hand between two accounts is as good as any other, as long as its balances
// are written too.
var causeRules = []rule{
	{"a transfer does not go the way that its cause says", `
		SELECT f.id FROM moves f JOIN accounts a ON a.id = f.payer JOIN accounts b ON b.id = f.payee
		WHERE NOT (f.cause = 'deposit' AND a.kind = 'funding' AND b.kind IN ('principal', 'merchant')
			OR f.cause = 'top-up' AND a.kind = 'principal' AND b.kind = 'subaccount'
			OR f.cause = 'return' AND a.kind = 'subaccount' AND b.kind = 'principal'
			OR f.cause = 'refund' AND a.kind = 'merchant' AND b.kind IN ('principal', 'subaccount'))`},
	{"a payment was made after its end", `SELECT id FROM payments WHERE paid_at * 1000000 >= expires`},
	{"a payment was made by a token outside its time, or to a merchant that it is not for", `
		SELECT p.id FROM payments p JOIN tokens k ON k.id = p.token JOIN accounts a ON a.id = p.payee
		WHERE p.paid_at < k.valid_from OR p.paid_at >= k.valid_until
		OR EXISTS (SELECT 1 FROM token_merchants m WHERE m.token = k.id) AND NOT EXISTS (SELECT 1 FROM token_merchants m WHERE m.token = k.id AND m.merchant = a.owner)`},
	{"a token is not for the account of a principal", `
		SELECT k.id FROM tokens k LEFT JOIN accounts a ON a.id = k.account WHERE a.kind IS NOT 'principal'`},
}

// bindingRules are those of passkeys and of agents' requests for instruments.
var bindingRules = []rule{
	{"a binding request was both granted and refused", `SELECT g.binding FROM binding_grants g JOIN binding_refusals r ON r.binding = g.binding`},
	{"an instrument was granted to another agent or principal than asked for it", `
		SELECT g.binding FROM binding_grants g JOIN bindings b ON b.id = g.binding LEFT JOIN tokens k ON k.id = g.token LEFT JOIN subaccounts s ON s.id = g.subaccount
		LEFT JOIN accounts a ON a.id = coalesce(k.account, s.main)
		WHERE coalesce(k.agent, s.agent) IS NOT b.agent OR a.owner IS NOT b.principal OR s.jwk IS NOT b.jwk`},
	{"a binding request was granted after its time", `
		SELECT g.binding FROM binding_grants g JOIN bindings b ON b.id = g.binding WHERE g.at >= b.expires`},
	{"a passkey's counter did not go up", `
		SELECT u.passkey FROM passkey_uses u JOIN passkeys k ON k.id = u.passkey LEFT JOIN passkey_uses o ON o.passkey = u.passkey AND o.seq = u.seq - 1
		WHERE u.seq > 0 AND o.seq IS NULL OR NOT (u.counter > coalesce(o.counter, k.counter) OR u.counter = 0 AND coalesce(o.counter, k.counter) = 0)`},
}

// guards looks whether facts can only be appended to: every trigger that says so
// has to be there, in the words of this program.
func (r *auditor) guards(conn *sqlite.Conn) error {
	have := make(map[string]bool)
	if err := queryRows(conn, "SELECT sql FROM sqlite_schema WHERE type = 'trigger'", nil, func(s *sqlite.Stmt) error {
		have[s.ColumnText(0)] = true
		return nil
	}); err != nil {
		return err
	}
	missing := 0
	for _, trigger := range triggers() {
		if !have[trigger] {
			missing++
		}
	}
	if missing > 0 {
		r.problem("facts can be changed: %d triggers are missing", missing)
	}
	return nil
}

// numbers looks whether every trade number tells the position of its trade.
func (r *auditor) numbers(conn *sqlite.Conn) error {
	wrong := 0
	err := queryRows(conn, "SELECT coalesce(waiting, id), trade_no FROM payments UNION ALL SELECT id, trade_no FROM waiting", nil, func(s *sqlite.Stmt) error {
		if positionOf(s.ColumnText(1)) != s.ColumnInt64(0) {
			wrong++
		}
		return nil
	})
	if wrong > 0 {
		r.problem("a trade number does not lead to its trade: %d in all", wrong)
	}
	return err
}

// keys looks whether the keys of sub-accounts and devices are those that were
// registered.
func (r *auditor) keys(conn *sqlite.Conn) error {
	return queryRows(conn, "SELECT id, jwk, thumbprint FROM subaccounts UNION ALL SELECT id, jwk, thumbprint FROM devices", nil, func(s *sqlite.Stmt) error {
		if key, err := keys.ParseJWK(columnBytes(s, 1)); err != nil || key.Thumbprint() != s.ColumnText(2) {
			r.problem("a key is not the one that was registered: row %d", s.ColumnInt64(0))
		}
		return nil
	})
}

// grants looks whether every instrument that an agent asked for is what its
// principal agreed to, and that is no more than was asked for.
func (r *auditor) grants(conn *sqlite.Conn) error {
	var granted []*binding
	if err := queryRows(conn, bindingColumns+"WHERE g.binding IS NOT NULL ORDER BY b.id", nil, func(s *sqlite.Stmt) error {
		b, err := scanBinding(s)
		granted = append(granted, b)
		return err
	}); err != nil {
		return err
	}
	for _, b := range granted {
		as, err := b.asGranted(conn)
		if err != nil {
			return err
		}
		if !as {
			r.problem("an instrument is not what its principal agreed to: row %d", b.id)
		}
	}
	return nil
}

func (b *binding) asGranted(conn *sqlite.Conn) (bool, error) {
	if b.Token != "" {
		k, err := tokenOf(conn, b.Token)
		return k != nil && book.AsGranted(&b.Binding, &k.Token, nil), err
	}
	p, found, err := purseOf(conn, b.SubAccount)
	return found && book.AsGranted(&b.Binding, nil, &p.SubAccount), err
}
