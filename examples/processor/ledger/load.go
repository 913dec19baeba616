package ledger

import (
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
)

// nonceLife is how long a nonce that came with a fact may live: those that live
// longer are kept in a table of their own as well, so that it is enough to look
// at the facts of so much time when the book is opened.
const nonceLife = 15 * time.Minute

// load fills the memory of a book that is being opened, from what is on the
// disk.
func (l *Ledger) load(conn *sqlite.Conn) error {
	l.hot.clear()
	l.index.fresh, l.index.nonces = make(map[key]ref), make(nonces)
	found, err := queryRow(conn, "SELECT value FROM salt", nil, func(r *sqlite.Stmt) { r.ColumnBytes(0, l.salt[:]) })
	if err != nil {
		return err
	}
	if !found {
		return protocol.New(protocol.CodeServiceUnavailable, "", "", "the ledger has lost its salt")
	}
	upto, err := l.index.load(conn, l.failed == nil)
	if err != nil {
		return err
	}
	if err := l.loadNonces(conn); err != nil {
		return err
	}
	if l.last, err = latest(conn); err != nil {
		return err
	}
	return l.factKeys(conn, upto, func(k key, to ref) { l.index.fresh[k] = to })
}

// latest is the position of the latest fact.
func latest(conn *sqlite.Conn) (position int64, err error) {
	_, err = queryRow(conn, `SELECT max(coalesce((SELECT max(id) FROM payments), 0), coalesce((SELECT max(id) FROM waiting), 0), coalesce((SELECT max(id) FROM refusals), 0),
		coalesce((SELECT max(id) FROM mandates), 0), coalesce((SELECT max(id) FROM moves), 0), coalesce((SELECT max(id) FROM other_events), 0))`, nil,
		func(r *sqlite.Stmt) { position = r.ColumnInt64(0) })
	return position, err
}

// dataVersion is a number that changes when somebody else has written to the
// file.
func dataVersion(conn *sqlite.Conn) (version int64, err error) {
	_, err = queryRow(conn, "PRAGMA data_version", nil, func(r *sqlite.Stmt) { version = r.ColumnInt64(0) })
	return version, err
}

func (l *Ledger) loadNonces(conn *sqlite.Conn) error {
	now := l.now()
	since := positionAt(now.Add(-nonceLife))
	return queryRows(conn, `SELECT nonce, until FROM nonces WHERE until > ?1
		UNION ALL SELECT nonce, nonce_until FROM payments WHERE id >= ?2 AND nonce_until > ?1
		UNION ALL SELECT nonce, nonce_until FROM waiting WHERE id >= ?2 AND nonce_until > ?1
		UNION ALL SELECT nonce, nonce_until FROM refusals WHERE id >= ?2 AND nonce_until > ?1`, []any{now.Unix(), since},
		func(r *sqlite.Stmt) error {
			l.index.nonces.add(r.ColumnInt64(0), r.ColumnInt64(1))
			return nil
		})
}

// factKeys tells the keys of all facts behind a position.
func (l *Ledger) factKeys(conn *sqlite.Conn, behind int64, tell func(key, ref)) error {
	for _, part := range []struct {
		query string
		row   func(r *sqlite.Stmt)
	}{
		{`SELECT p.id, coalesce(k.agent, s.agent), p.request_id, a.owner, p.order_number, p.waiting FROM payments p JOIN accounts a ON a.id = p.payee
			LEFT JOIN tokens k ON k.id = p.token LEFT JOIN subaccounts s ON s.id = p.subaccount WHERE p.id > ?`, func(r *sqlite.Stmt) {
			to := refTo(r.ColumnInt64(0), refPayment)
			if r.ColumnIsNull(5) { // the answer to an instant payment is the waiting trade
				tell(l.key(keyRequest, r.ColumnText(1), r.ColumnText(2)), to)
			}
			tell(l.key(keyOrder, r.ColumnText(3), r.ColumnText(4)), to)
		}},
		{"SELECT id, agent, request_id FROM waiting WHERE id > ?", func(r *sqlite.Stmt) {
			tell(l.key(keyRequest, r.ColumnText(1), r.ColumnText(2)), refTo(r.ColumnInt64(0), refWaiting))
		}},
		{"SELECT id, agent, request_id FROM refusals WHERE id > ?", func(r *sqlite.Stmt) {
			tell(l.key(keyRequest, r.ColumnText(1), r.ColumnText(2)), refTo(r.ColumnInt64(0), refRefusal))
		}},
		{"SELECT id, issuer, delegation_id FROM mandates WHERE id > ?", func(r *sqlite.Stmt) {
			tell(l.key(keyMandate, r.ColumnText(1), r.ColumnText(2)), refTo(r.ColumnInt64(0), refMandate))
		}},
	} {
		if err := queryRows(conn, part.query, []any{behind}, func(r *sqlite.Stmt) error { part.row(r); return nil }); err != nil {
			return err
		}
	}
	return nil
}
