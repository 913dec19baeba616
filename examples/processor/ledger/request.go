package ledger

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A Nonce is used once within its scope, which names the signer. It is kept
// until the message it came with is too old to be accepted anyway.
type Nonce struct {
	Scope, Value string
	Until        time.Time
}

// A Request names one authenticated transmission: who asks, the idempotency
// key, what is asked (the digest of everything but nonce, timestamp and
// signature), and the nonce of this transmission.
type Request struct {
	Agent, ID string
	Digest    string
	Nonce     Nonce
}

func (r Request) check() error {
	if r.Agent == "" || r.ID == "" || r.Digest == "" {
		return protocol.New(protocol.CodeFieldMissing, "request", "PSD-PAY-DEL-04", "agent, id and digest are needed")
	}
	return r.Nonce.check()
}

func (n Nonce) check() error {
	if n.Scope == "" || n.Value == "" || n.Until.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "nonce", "PSD-PAY-DEL-04", "")
	}
	return nil
}

func replayed() error {
	return protocol.New(protocol.CodeReplayed, "nonce", "PSD-PAY-DEL-04", "each transmission needs a fresh nonce")
}

func conflict() error {
	return protocol.New(protocol.CodeRequestConflict, "request_id", "PSD-PAY-DEL-04", "the id was used before with other content")
}

// UseNonce marks a nonce as used and waits until that is on the disk. A nonce
// that was used before is replayed. Call it once the signature has verified,
// not earlier, or strangers could use up the nonces of others.
func (l *Ledger) UseNonce(ctx context.Context, n Nonce) error {
	if err := n.check(); err != nil {
		return err
	}
	var refusal error
	err := l.write(ctx, func(t *tx) (err error) {
		refusal, err = t.useNonce(n)
		return err
	})
	if err != nil {
		return err
	}
	return refusal
}

// Use is UseNonce in the form that package verifier asks of a replay store.
func (l *Ledger) Use(ctx context.Context, scope, nonce string, until time.Time) error {
	return l.UseNonce(ctx, Nonce{scope, nonce, until})
}

func (t *tx) useNonce(n Nonce) (refusal, err error) {
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
func (l *Ledger) Lookup(ctx context.Context, r Request) (*Trade, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	var first answer
	var seen bool
	err := l.read(ctx, func(conn *sqlite.Conn) (err error) {
		seen, err = queryRow(conn, "SELECT 1 FROM nonces WHERE scope = ? AND nonce = ?", []any{r.Nonce.Scope, r.Nonce.Value}, func(*sqlite.Stmt) {})
		if err == nil && !seen {
			first, err = earlier(conn, r.Agent, r.ID)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case seen:
		return nil, replayed()
	}
	return first.to(r.ID, r.Digest)
}

// Refuse stores a refusal as the first answer to a request and returns what the
// answer is: the refusal, now a *payment.Refusal, or what was answered before,
// or replayed, or request_conflict. An undetermined refusal is returned and not stored; its
// nonce is used all the same.
//
// Whoever calls it decides which refusals are an answer. Those that only say
// that the sender could not be authenticated, or that this transmission came
// too late, are not.
func (l *Ledger) Refuse(ctx context.Context, r Request, refusal *protocol.Error) (*Trade, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return l.answer(ctx, r, func(*tx) (answer, error) { return answer{refusal: refusal}, nil })
}

// answer is the part that all answers share, in one transaction: the nonce,
// the earlier answer, the decision, its storing.
func (l *Ledger) answer(ctx context.Context, r Request, decide func(*tx) (answer, error)) (*Trade, error) {
	var trade *Trade
	var refusal error
	err := l.write(ctx, func(t *tx) error {
		trade = nil
		var err error
		if refusal, err = t.useNonce(r.Nonce); refusal != nil || err != nil {
			return err
		}
		first, err := earlier(t.conn, r.Agent, r.ID)
		if err != nil {
			return err
		}
		if !first.known() {
			if first, err = decide(t); err != nil {
				return err
			}
			if first.refusal != nil && first.refusal.Code.Outcome() != protocol.Denied {
				refusal = first.refusal
				return nil
			}
			first.digest = r.Digest
			if err := t.store(r, first); err != nil {
				return err
			}
		}
		trade, refusal = first.to(r.ID, r.Digest)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return trade, refusal
}

// An answer is a trade or a denying refusal.
type answer struct {
	digest  string
	trade   *Trade
	refusal *protocol.Error
}

func (a answer) known() bool { return a.trade != nil || a.refusal != nil }

// to is what a request with this id and content gets.
func (a answer) to(id, digest string) (*Trade, error) {
	switch {
	case !a.known():
		return nil, nil
	case a.digest != digest:
		return nil, conflict()
	case a.trade != nil:
		return a.trade, nil
	default:
		return nil, &payment.Refusal{RequestID: id, Reason: a.refusal}
	}
}

func earlier(conn *sqlite.Conn, agent, id string) (a answer, err error) {
	var trade int64
	var refusal []byte
	found, err := queryRow(conn, "SELECT digest, trade, refusal FROM requests WHERE agent = ? AND request_id = ?", []any{agent, id},
		func(r *sqlite.Stmt) {
			a.digest, trade = r.ColumnText(0), r.ColumnInt64(1)
			if !r.ColumnIsNull(2) {
				refusal = columnBytes(r, 2)
			}
		})
	if err != nil || !found {
		return answer{}, err
	}
	if refusal != nil {
		a.refusal, err = decodeRefusal(refusal)
		return a, err
	}
	a.trade, err = tradeBy(conn, "t.id = ?", trade)
	return a, err
}

func (t *tx) store(r Request, a answer) error {
	var trade, refusal any
	if a.trade != nil {
		trade = a.trade.id
	} else {
		text, err := encodeRefusal(a.refusal)
		if err != nil {
			return err
		}
		refusal = text
	}
	return t.exec("INSERT INTO requests (agent, request_id, digest, trade, refusal, at) VALUES (?, ?, ?, ?, ?, ?)",
		r.Agent, r.ID, a.digest, trade, refusal, t.unix())
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
