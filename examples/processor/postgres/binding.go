package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

func bindingKey(id string) key { return keyOf("binding", id) }

// binding is a binding request with its row.
type binding struct {
	provider.Binding
	id int64
}

const bindingColumns = `SELECT b.id, b.binding, b.agent, b.request_id, b.digest, b.principal, b.terms, b.jwk, b.expires,
	g.terms, k.token, s.subaccount, g.method, g.confirmed_at, g.at, r.code, b.lapsed
	FROM binding_requests b LEFT JOIN binding_grants g ON g.binding = b.id LEFT JOIN tokens k ON k.id = g.token
	LEFT JOIN subaccounts s ON s.id = g.subaccount LEFT JOIN binding_refusals r ON r.binding = b.id `

func (b *binding) scan(r pgx.Row) error {
	var asked, jwk, granted []byte
	var token, sub, method, code *string
	var confirmed, bound *time.Time
	var lapsed bool
	if err := r.Scan(&b.id, &b.ID, &b.Agent, &b.RequestID, &b.Digest, &b.Principal, &asked, &jwk, &b.Expires,
		&granted, &token, &sub, &method, &confirmed, &bound, &code, &lapsed); err != nil {
		return err
	}
	b.State, b.Expires = provider.BindingWaiting, b.Expires.UTC()
	err := canon.Decode(asked, &b.Asked)
	if err == nil && jwk != nil {
		b.Key, err = book.StoredKey(jwk)
	}
	if err == nil && granted != nil {
		err = canon.Decode(granted, &b.Granted)
		b.State, b.Token, b.SubAccount, b.BoundAt = provider.BindingBound, or(token), or(sub), utc(bound)
		b.Confirmation = provider.Confirmation{Method: or(method), At: utc(confirmed)}
	}
	if err != nil {
		return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "a stored binding request cannot be read", err)
	}
	if code != nil {
		b.Refuse(protocol.Code(*code))
	}
	if lapsed {
		b.Refuse(protocol.CodeConfirmationFailed)
	}
	return nil
}

// bindingBy reads the one binding request that a condition names; nil when there
// is none.
func bindingBy(ctx context.Context, q querier, condition string, args ...any) (*binding, error) {
	b := new(binding)
	ok, err := found(b.scan(q.QueryRow(ctx, bindingColumns+condition, args...)))
	if !ok {
		return nil, err
	}
	return b, nil
}

// settledBinding is bindingBy in the transaction that may change it: one whose
// time is over is refused first.
func (t *tx) settledBinding(id string) (*binding, error) {
	b, err := bindingBy(t, t.Tx, "WHERE b.binding = $1", id)
	if b == nil || err != nil || !b.Late(t.now) {
		return b, err
	}
	b.Refuse(protocol.CodeConfirmationFailed)
	return b, t.exec("UPDATE binding_asks SET lapsed = true WHERE id = $1", b.id)
}

// decided makes a fact of a binding request that waits.
func (t *tx) decided(b *binding) error {
	return t.exec(`WITH asked AS (DELETE FROM binding_asks WHERE id = $1 RETURNING *)
		INSERT INTO bindings (id, binding, agent, request_id, digest, principal, terms, jwk, expires, begun_at)
		SELECT id, binding, agent, request_id, digest, principal, terms, jwk, expires, begun_at FROM asked`, b.id)
}

// forgetAtMost is how many binding requests that nobody has decided one new one
// removes.
const forgetAtMost = 16

// forgetBindings removes what agents have asked for and nobody has decided, when
// it was kept for its time. What others have in hand at this moment is left.
func (t *tx) forgetBindings() error {
	return t.exec(`DELETE FROM binding_asks WHERE id IN
		(SELECT id FROM binding_asks WHERE expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED)`, t.now.Add(-provider.BindingKept), forgetAtMost)
}

func (t *tx) refuseBinding(b *binding, code protocol.Code) error {
	b.Refuse(code)
	if err := t.decided(b); err != nil {
		return err
	}
	return t.exec("INSERT INTO binding_refusals (binding, code, at) VALUES ($1, $2, $3)", b.id, string(code), t.at())
}

// BeginBinding implements provider.Bindings.
func (s *Store) BeginBinding(ctx context.Context, b provider.Binding) (*provider.Binding, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	terms, err := canon.Marshal(b.Asked)
	if err != nil {
		return nil, unavailable(err)
	}
	var now *binding
	err = s.decide(ctx, []key{keyOf("binding agent", b.Agent), bindingKey(b.ID)}, func(t *tx) (refusal, err error) {
		if now, err = bindingBy(t, t.Tx, "WHERE b.agent = $1 AND b.request_id = $2", b.Agent, b.RequestID); err != nil {
			return nil, err
		}
		if now == nil {
			refusal, err = t.beginBinding(&b, terms)
			if refusal == nil && err == nil {
				now, err = t.settledBinding(b.ID)
			}
			return refusal, err
		}
		return b.Repeat(&now.Binding), nil
	})
	if err != nil {
		return nil, err
	}
	return s.Binding(ctx, now.ID) // which refuses it when its time is over
}

func (t *tx) beginBinding(b *provider.Binding, terms []byte) (refusal, err error) {
	var open, one int
	if err := t.QueryRow(t, "SELECT count(*) FROM binding_asks WHERE agent = $1 AND expires > $2 AND NOT lapsed", b.Agent, t.now).Scan(&open); err != nil {
		return nil, err
	}
	used, err := t.row("SELECT 1 FROM binding_requests WHERE binding = $1", []any{b.ID}, &one)
	if err != nil {
		return nil, err
	}
	if refusal := b.CheckBegin(open, used); refusal != nil {
		return refusal, nil
	}
	if err := t.forgetBindings(); err != nil {
		return nil, err
	}
	var jwk []byte
	if !b.Key.IsZero() {
		jwk = b.Key.JWK()
	}
	return nil, t.exec("INSERT INTO binding_asks (binding, agent, request_id, digest, principal, terms, jwk, expires, begun_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		b.ID, b.Agent, b.RequestID, string(b.Digest), b.Principal, terms, jwk, seconds(b.Expires), t.at())
}

// Binding implements provider.Bindings.
func (s *Store) Binding(ctx context.Context, id string) (*provider.Binding, error) {
	b, now, err := s.bindingNow(ctx, id)
	if err == nil && b != nil && b.Late(now) {
		err = s.write(ctx, []key{bindingKey(id)}, func(t *tx) (err error) {
			b, err = t.settledBinding(id)
			return err
		})
	}
	if err == nil && b == nil {
		err = provider.UnknownBinding()
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return &b.Binding, nil
}

// bindingNow reads a binding request and the time at which it was read.
func (s *Store) bindingNow(ctx context.Context, id string) (b *binding, now time.Time, err error) {
	if err := s.pool.QueryRow(ctx, "SELECT coalesce($1, clock_timestamp())", s.clock()).Scan(&now); err != nil {
		return nil, now, err
	}
	b, err = bindingBy(ctx, s.pool, "WHERE b.binding = $1", id)
	return b, now, err
}

// AcceptBinding implements provider.Bindings.
func (s *Store) AcceptBinding(ctx context.Context, id string, g provider.Grant) (*provider.Binding, error) {
	held := []key{bindingKey(id), tokenKey(g.Token)}
	if before, err := bindingBy(ctx, s.pool, "WHERE b.binding = $1", id); err != nil {
		return nil, unavailable(err)
	} else if before != nil && !before.Key.IsZero() {
		held = append(held, purseKeys(g.SubAccount, before.Key)...)
	}
	var b *binding
	err := s.decide(ctx, held, func(t *tx) (refusal, err error) {
		b, err = t.settledBinding(id)
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
		k := b.NewToken(g)
		refusal, err = t.bindToken(&k)
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
		VALUES ($1, $2, (SELECT id FROM tokens WHERE token = $3), (SELECT id FROM subaccounts WHERE subaccount = $4), $5, $6, $7)`,
		b.id, terms, g.Token, g.SubAccount, g.Confirmation.Method, exact(g.Confirmation.At), t.at()); err != nil {
		return nil, err
	}
	g.Confirmation.At = exact(g.Confirmation.At)
	b.Bind(g, t.now)
	return nil, nil
}

// DeclineBinding implements provider.Bindings.
func (s *Store) DeclineBinding(ctx context.Context, id string, code protocol.Code) error {
	if err := provider.CheckBindingDecline(code); err != nil {
		return err
	}
	return s.decide(ctx, []key{bindingKey(id)}, func(t *tx) (refusal, err error) {
		b, err := t.settledBinding(id)
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
func (s *Store) ListBindings(ctx context.Context, limit int) ([]provider.Binding, error) {
	var out []provider.Binding
	err := s.query(ctx, func(r pgx.Rows) error {
		var b binding
		err := b.scan(r)
		out = append(out, b.Binding)
		return err
	}, bindingColumns+"ORDER BY b.id DESC LIMIT $1", limit)
	return out, err
}
