package ledger

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// binding is a binding request with its row.
type binding struct {
	provider.Binding
	id int64
}

const bindingColumns = `SELECT b.id, b.binding, b.agent, b.request_id, b.digest, b.principal, b.terms, b.jwk, b.expires,
	g.terms, k.token, s.subaccount, g.method, g.confirmed_at, g.at, r.code, b.lapsed
	FROM binding_requests b LEFT JOIN binding_grants g ON g.binding = b.id LEFT JOIN tokens k ON k.id = g.token
	LEFT JOIN subaccounts s ON s.id = g.subaccount LEFT JOIN binding_refusals r ON r.binding = b.id `

func scanBinding(r *sqlite.Stmt) (*binding, error) {
	b := &binding{id: r.ColumnInt64(0), Binding: provider.Binding{
		ID: r.ColumnText(1), Agent: r.ColumnText(2), RequestID: r.ColumnText(3), Digest: digest(r, 4), Principal: r.ColumnText(5),
		Expires: fromUnix(r.ColumnInt64(8)), State: provider.BindingWaiting,
	}}
	broken := func(err error) error {
		return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "a stored binding request cannot be read", err)
	}
	if err := canon.Decode(columnBytes(r, 6), &b.Asked); err != nil {
		return nil, broken(err)
	}
	if !r.ColumnIsNull(7) {
		key, err := keys.ParseJWK(columnBytes(r, 7))
		if err != nil {
			return nil, broken(err)
		}
		b.Key = key
	}
	if !r.ColumnIsNull(9) {
		if err := canon.Decode(columnBytes(r, 9), &b.Granted); err != nil {
			return nil, broken(err)
		}
		b.State, b.Token, b.SubAccount, b.BoundAt = provider.BindingBound, r.ColumnText(10), r.ColumnText(11), fromUnix(r.ColumnInt64(14))
		b.Confirmation = provider.Confirmation{Method: r.ColumnText(12), At: exact(r.ColumnInt64(13))}
	}
	if !r.ColumnIsNull(15) {
		b.Refuse(protocol.Code(r.ColumnText(15)))
	}
	if r.ColumnBool(16) {
		b.Refuse(protocol.CodeConfirmationFailed)
	}
	return b, nil
}

// bindingBy reads the one binding request that a condition names; nil when there
// is none.
func bindingBy(conn *sqlite.Conn, condition string, args ...any) (b *binding, err error) {
	err = queryRows(conn, bindingColumns+condition, args, func(r *sqlite.Stmt) (err error) {
		b, err = scanBinding(r)
		return err
	})
	return b, err
}

// settledBinding is bindingBy in a transaction that may write: one whose time is
// over is refused first.
func (t *tx) settledBinding(condition string, args ...any) (*binding, error) {
	b, err := bindingBy(t.conn, condition, args...)
	if b == nil || err != nil || !b.Late(t.now) {
		return b, err
	}
	b.Refuse(protocol.CodeConfirmationFailed)
	return b, t.exec("UPDATE binding_asks SET lapsed = 1 WHERE id = ?", b.id)
}

// decided makes a fact of a binding request that waits.
func (t *tx) decided(b *binding) error {
	if err := t.exec(`INSERT INTO bindings (id, binding, agent, request_id, digest, principal, terms, jwk, expires, begun_at)
		SELECT id, binding, agent, request_id, digest, principal, terms, jwk, expires, begun_at FROM binding_asks WHERE id = ?`, b.id); err != nil {
		return err
	}
	return t.exec("DELETE FROM binding_asks WHERE id = ?", b.id)
}

// forgetAtMost is how many binding requests that nobody has decided one new one
// removes.
const forgetAtMost = 16

// forgetBindings removes what agents have asked for and nobody has decided, when
// it was kept for its time.
func (t *tx) forgetBindings() error {
	return t.exec("DELETE FROM binding_asks WHERE id IN (SELECT id FROM binding_asks WHERE expires <= ? ORDER BY expires LIMIT ?)",
		t.now.Add(-provider.BindingKept).Unix(), int64(forgetAtMost))
}

func (t *tx) refuseBinding(b *binding, code protocol.Code) error {
	b.Refuse(code)
	if err := t.decided(b); err != nil {
		return err
	}
	return t.exec("INSERT INTO binding_refusals (binding, code, at) VALUES (?, ?, ?)", b.id, string(code), t.unix())
}

// BeginBinding implements provider.Bindings.
func (l *Ledger) BeginBinding(ctx context.Context, b provider.Binding) (*provider.Binding, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	terms, err := canon.Marshal(b.Asked)
	if err != nil {
		return nil, err
	}
	var now *binding
	err = l.decideApart(ctx, func(t *tx) (refusal, err error) {
		if now, err = t.settledBinding("WHERE b.agent = ? AND b.request_id = ?", b.Agent, b.RequestID); err != nil {
			return nil, err
		}
		if now != nil {
			return b.Repeat(&now.Binding), nil
		}
		now, refusal, err = t.beginBinding(&b, terms)
		return refusal, err
	})
	if err != nil {
		return nil, err
	}
	return &now.Binding, nil
}

func (t *tx) beginBinding(b *provider.Binding, terms []byte) (now *binding, refusal, err error) {
	open := 0
	if _, err := t.row("SELECT count(*) FROM binding_asks WHERE agent = ? AND expires > ? AND lapsed = 0", []any{b.Agent, t.unix()}, func(r *sqlite.Stmt) { open = r.ColumnInt(0) }); err != nil {
		return nil, nil, err
	}
	used, err := t.row("SELECT 1 FROM binding_requests WHERE binding = ?", []any{b.ID}, func(*sqlite.Stmt) {})
	if err != nil {
		return nil, nil, err
	}
	if refusal := b.CheckBegin(open, used); refusal != nil {
		return nil, refusal, nil
	}
	if err := t.forgetBindings(); err != nil {
		return nil, nil, err
	}
	var jwk any
	if !b.Key.IsZero() {
		jwk = b.Key.JWK()
	}
	if err := t.exec("INSERT INTO binding_asks (binding, agent, request_id, digest, principal, terms, jwk, expires, begun_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		b.ID, b.Agent, b.RequestID, string(b.Digest), b.Principal, terms, jwk, b.Expires.Unix(), t.unix()); err != nil {
		return nil, nil, err
	}
	now, err = t.settledBinding("WHERE b.binding = ?", b.ID)
	return now, nil, err
}

// Binding implements provider.Bindings.
func (l *Ledger) Binding(ctx context.Context, id string) (*provider.Binding, error) {
	var b *binding
	look := func(conn *sqlite.Conn) (err error) {
		b, err = bindingBy(conn, "WHERE b.binding = ?", id)
		return err
	}
	err := l.read(ctx, look)
	if err == nil && b != nil && b.Late(l.now()) {
		err = l.writeApart(ctx, func(t *tx) (err error) {
			b, err = t.settledBinding("WHERE b.binding = ?", id)
			return err
		})
	}
	if err == nil && b == nil {
		err = provider.UnknownBinding()
	}
	if err != nil {
		return nil, err
	}
	return &b.Binding, nil
}

// AcceptBinding implements provider.Bindings.
func (l *Ledger) AcceptBinding(ctx context.Context, id string, g provider.Grant) (*provider.Binding, error) {
	var b *binding
	err := l.decide(ctx, func(t *tx) (refusal, err error) {
		b, err = t.settledBinding("WHERE b.binding = ?", id)
		if err != nil {
			return nil, err
		}
		if b == nil {
			return provider.UnknownBinding(), nil
		}
		if fresh, refusal := b.Accept(g, t.now); !fresh {
			return refusal, nil
		}
		if refusal, err = t.makeInstrument(b, g); err != nil {
			return nil, err
		}
		if code := book.FinalRefusal(&b.Binding, refusal); code != "" {
			err = t.refuseBinding(b, code)
			refusal = b.Refusal()
		}
		return refusal, err
	})
	if err != nil {
		return nil, err
	}
	return &b.Binding, nil
}

// makeInstrument makes what a grant promises and ends the waiting, or says why
// it cannot, and then has written nothing.
func (t *tx) makeInstrument(b *binding, g provider.Grant) (refusal, err error) {
	if g.Terms.Instrument == payment.BindSubAccount {
		a := book.SubAccountOf(&b.Binding, g)
		refusal, err = t.openSubAccount(&a)
	} else {
		refusal, err = t.bindToken(b.NewToken(g))
	}
	if refusal != nil || err != nil {
		return refusal, err
	}
	terms, err := canon.Marshal(g.Terms)
	if err != nil {
		return nil, err
	}
	if err := t.decided(b); err != nil {
		return nil, err
	}
	if err := t.exec(`INSERT INTO binding_grants (binding, terms, token, subaccount, method, confirmed_at, at)
		VALUES (?, ?, (SELECT id FROM tokens WHERE token = ?), (SELECT id FROM subaccounts WHERE subaccount = ?), ?, ?, ?)`,
		b.id, terms, g.Token, g.SubAccount, g.Confirmation.Method, g.Confirmation.At.UnixMicro(), t.unix()); err != nil {
		return nil, err
	}
	g.Confirmation.At = exact(g.Confirmation.At.UnixMicro())
	b.Bind(g, t.now)
	return nil, nil
}

// DeclineBinding implements provider.Bindings.
func (l *Ledger) DeclineBinding(ctx context.Context, id string, code protocol.Code) error {
	if err := provider.CheckBindingDecline(code); err != nil {
		return err
	}
	return l.decideApart(ctx, func(t *tx) (refusal, err error) {
		b, err := t.settledBinding("WHERE b.binding = ?", id)
		if err != nil {
			return nil, err
		}
		if b == nil {
			return provider.UnknownBinding(), nil
		}
		refuses, refusal := b.Declines()
		if refuses {
			err = t.refuseBinding(b, code)
		}
		return refusal, err
	})
}

// ListBindings implements book.Bindings.
func (l *Ledger) ListBindings(ctx context.Context, limit int) ([]provider.Binding, error) {
	var out []provider.Binding
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		out = nil
		return queryRows(conn, bindingColumns+"ORDER BY b.id DESC LIMIT ?", []any{int64(limit)}, func(r *sqlite.Stmt) error {
			b, err := scanBinding(r)
			if err == nil {
				out = append(out, b.Binding)
			}
			return err
		})
	})
	return out, err
}
