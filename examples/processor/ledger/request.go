package ledger

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

func replayed() error {
	return protocol.New(protocol.CodeReplayed, "nonce", "PSD-PAY-DEL-04", "each transmission needs a fresh nonce")
}

func conflict() error {
	return protocol.New(protocol.CodeRequestConflict, "request_id", "PSD-PAY-DEL-04", "the id was used before with other content")
}

// UseNonce marks a nonce as used and waits until that is on the disk. A nonce
// that was used before is replayed. Call it once the signature has verified,
// not earlier, or strangers could use up the nonces of others.
func (l *Ledger) UseNonce(ctx context.Context, n provider.Nonce) error {
	if err := provider.CheckNonce(n); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) { return t.useNonce(n) })
}

// Use is UseNonce in the form that package verifier asks of a replay store.
func (l *Ledger) Use(ctx context.Context, scope, nonce string, until time.Time) error {
	if !until.IsZero() && !l.now().Before(until) {
		return protocol.New(protocol.CodeFieldInvalid, "until", "PSD-PAY-DEL-04", "the nonce's time is over")
	}
	return l.UseNonce(ctx, provider.Nonce{Scope: scope, Value: nonce, Until: until})
}

func (t *tx) useNonce(n provider.Nonce) (refusal, err error) {
	err = t.exec("INSERT INTO nonces (scope, nonce, until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", n.Scope, n.Value, ceil(n.Until))
	if err == nil && t.conn.Changes() == 0 {
		refusal = replayed()
	}
	return refusal, err
}

// ceil rounds up to whole seconds: a nonce is never forgotten too early.
func ceil(at time.Time) int64 {
	if at.Nanosecond() > 0 {
		return at.Unix() + 1
	}
	return at.Unix()
}

// Lookup tells, before anything else about a request is judged, what is already
// known of it: replayed when its nonce was used, the first answer when there is
// one (a trade, or a *payment.Refusal), request_conflict when the id had other
// content. Nil and nil mean that the request is new.
//
// It only reads, and uses no nonce. It spares work and keeps the order of the
// checks (SPEC.md 6.1); what counts is decided again by [Ledger.Pay],
// [Ledger.Refuse] or [Ledger.UseNonce], of which one has to follow.
func (l *Ledger) Lookup(ctx context.Context, r provider.Request) (*provider.Trade, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	first, seen, err := l.earlier(ctx, r.Agent, r.ID, &r.Nonce)
	switch {
	case err != nil:
		return nil, err
	case seen:
		return nil, replayed()
	}
	return first.to(r.ID, string(r.Digest))
}

// earlier reads the first answer to a request, unless the nonce, when there is
// one, was used before. An answer that waits for a confirmation that is too
// late by now is closed first.
func (l *Ledger) earlier(ctx context.Context, agent, id string, n *provider.Nonce) (first answer, seen bool, err error) {
	look := func(conn *sqlite.Conn) (err error) {
		if n != nil {
			seen, err = queryRow(conn, "SELECT 1 FROM nonces WHERE scope = ? AND nonce = ?", []any{n.Scope, n.Value}, func(*sqlite.Stmt) {})
		}
		if err == nil && !seen {
			first, err = earlier(conn, agent, id)
		}
		return err
	}
	if err := l.read(ctx, look); err != nil || !first.trade.late(l.now()) {
		return first, seen, err
	}
	if err := l.lapse(ctx, first.trade.No); err != nil {
		return answer{}, false, err
	}
	return first, seen, l.read(ctx, look)
}

// Refuse stores a refusal as the first answer to a request and returns what the
// answer is: the refusal, now a *payment.Refusal, or what was answered before,
// or replayed, or request_conflict. An undetermined refusal is returned and not stored; its
// nonce is used all the same.
//
// Whoever calls it decides which refusals are an answer. Those that only say
// that the sender could not be authenticated, or that this transmission came
// too late, are not.
func (l *Ledger) Refuse(ctx context.Context, r provider.Request, refusal *protocol.Error) (*provider.Trade, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if refusal == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "refusal", "PSD-PAY-DEL-04", "")
	}
	passing := refusal.Code.Outcome() != protocol.Denied
	return l.answer(ctx, r, func(*tx) (answer, error) { return answer{refusal: refusal, passing: passing}, nil })
}

// answer is the part that all answers share, in one transaction: the nonce,
// the earlier answer, the decision, its storing.
func (l *Ledger) answer(ctx context.Context, r provider.Request, decide func(*tx) (answer, error)) (*provider.Trade, error) {
	var out *provider.Trade
	var refusal error
	err := l.write(ctx, func(t *tx) error {
		out = nil
		var err error
		if refusal, err = t.useNonce(r.Nonce); refusal != nil || err != nil {
			return err
		}
		first, err := t.earlier(r.Agent, r.ID)
		if err != nil {
			return err
		}
		if !first.known() {
			if first, err = decide(t); err != nil {
				return err
			}
			if first.passing {
				refusal = first.refusal
				return nil
			}
			first.digest = string(r.Digest)
			if err := t.store(r, first); err != nil {
				return err
			}
		}
		out, refusal = first.to(r.ID, string(r.Digest))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, refusal
}

// An answer is a trade, paid or waiting, or a denying refusal.
type answer struct {
	digest  string
	trade   *trade
	refusal *protocol.Error
	passing bool // the refusal is of this transmission only, and not stored
}

func (a answer) known() bool { return a.trade != nil || a.refusal != nil }

// to is what a request with this id and content gets.
func (a answer) to(id, digest string) (*provider.Trade, error) {
	switch {
	case !a.known():
		return nil, nil
	case a.digest != digest:
		return nil, conflict()
	case a.refusal != nil:
		return nil, &payment.Refusal{RequestID: id, Reason: a.refusal}
	default:
		return &a.trade.Trade, nil
	}
}

// earlier reads the first answer in the transaction that may give it.
func (t *tx) earlier(agent, id string) (answer, error) {
	a, err := earlier(t.conn, agent, id)
	if err == nil && a.trade.late(t.now) {
		a.refusal, err = t.close(a.trade, provider.Declined(protocol.CodeConfirmationFailed))
	}
	return a, err
}

func earlier(conn *sqlite.Conn, agent, id string) (a answer, err error) {
	var made, waiting int64
	var refusal []byte
	found, err := queryRow(conn, "SELECT digest, trade, refusal, waiting FROM requests WHERE agent = ? AND request_id = ?", []any{agent, id},
		func(r *sqlite.Stmt) {
			a.digest, made, waiting = r.ColumnText(0), r.ColumnInt64(1), r.ColumnInt64(3)
			if !r.ColumnIsNull(2) {
				refusal = columnBytes(r, 2)
			}
		})
	switch {
	case err != nil || !found:
		return answer{}, err
	case refusal != nil:
		a.refusal, err = decodeRefusal(refusal)
	case waiting != 0:
		a.trade, err = instantBy(conn, "w.id = ?", waiting)
		if err == nil {
			a.refusal = a.trade.declined
		}
	default:
		a.trade, err = tradeBy(conn, "t.id = ?", made)
	}
	return a, err
}

func (t *tx) store(r provider.Request, a answer) error {
	var made, waiting, refusal any
	switch {
	case a.refusal != nil:
		text, err := encodeRefusal(a.refusal)
		if err != nil {
			return err
		}
		refusal = text
	case a.trade.Waiting():
		waiting = a.trade.waiting
	default:
		made = a.trade.id
	}
	return t.exec("INSERT INTO requests (agent, request_id, digest, trade, refusal, waiting, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
		r.Agent, r.ID, a.digest, made, refusal, waiting, t.unix())
}

// storedRefusal is a refusal in the file: canonical JSON, without the cause.
type storedRefusal struct {
	Code        protocol.Code    `json:"code"`
	Field       string           `json:"field,omitzero"`
	Requirement string           `json:"requirement,omitzero"`
	Detail      string           `json:"detail,omitzero"`
	Checks      []protocol.Check `json:"checks,omitempty"`
}

func encodeRefusal(e *protocol.Error) ([]byte, error) {
	return canon.Marshal(storedRefusal{e.Code, e.Field, e.Requirement, e.Detail, e.Checks})
}

func decodeRefusal(text []byte) (*protocol.Error, error) {
	var s storedRefusal
	if err := canon.Decode(text, &s); err != nil {
		return nil, err
	}
	if s.Code.Outcome() != protocol.Denied || !s.Code.Known() {
		return nil, protocol.New(protocol.CodeServiceUnavailable, "", "", "a stored refusal is not one")
	}
	return &protocol.Error{Code: s.Code, Field: s.Field, Requirement: s.Requirement, Detail: s.Detail, Checks: s.Checks}, nil
}
