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
	return l.decideApart(ctx, func(t *tx) (refusal, err error) { return t.useNonce(n) })
}

func (t *tx) useNonce(n provider.Nonce) (refusal, err error) {
	k := t.key(keyNonce, n.Scope, n.Value)
	if t.seen(k) {
		return replayed(), nil
	}
	return nil, t.markNonce(k, ceil(n.Until), true)
}

// Use is UseNonce in the form that package verifier asks of a replay store.
func (l *Ledger) Use(ctx context.Context, scope, nonce string, until time.Time) error {
	if !until.IsZero() && !l.now().Before(until) {
		return protocol.New(protocol.CodeFieldInvalid, "until", "PSD-PAY-DEL-04", "the nonce's time is over")
	}
	return l.UseNonce(ctx, provider.Nonce{Scope: scope, Value: nonce, Until: until})
}

// seen reports whether a nonce was used.
func (t *tx) seen(k key) bool {
	_, used := t.used[k.short()]
	return used || t.index.nonces.has(k.short())
}

// markNonce marks a nonce as used. It is written by itself when nothing else
// tells it once the book is opened again: no fact has it, or none of the latest.
func (t *tx) markNonce(k key, until int64, alone bool) error {
	t.used[k.short()] = until
	if !alone && until <= t.now.Add(nonceLife).Unix() {
		return nil
	}
	return t.exec("INSERT INTO nonces (nonce, until) VALUES (?, ?)", k.short(), until)
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
	return first.give(r.ID, string(r.Digest))
}

// earlier reads the first answer to a request, unless the nonce, when there is
// one, was used before. An answer that waits for a confirmation that is too
// late by now is closed first. For a request that is new, as most are, nothing
// is read from the disk.
func (l *Ledger) earlier(ctx context.Context, agent, id string, n *provider.Nonce) (first answer, seen bool, err error) {
	k := l.key(keyRequest, agent, id)
	l.index.mu.RLock()
	seen = n != nil && l.index.nonces.has(l.key(keyNonce, n.Scope, n.Value).short())
	to, found, maybe := l.index.known(k)
	l.index.mu.RUnlock()
	if seen || !found && maybe == nil {
		return answer{}, seen, nil
	}
	look := func(conn *sqlite.Conn) (err error) {
		first = answer{}
		if !found {
			if to, found, err = look(conn, k, maybe); !found || err != nil {
				return err
			}
		}
		first, err = answerAt(conn, to)
		return err
	}
	if err := l.read(ctx, look); err != nil || !first.trade.late(l.now()) {
		return first, false, err
	}
	if err := l.lapse(ctx, first.trade.No); err != nil {
		return answer{}, false, err
	}
	return first, false, l.read(ctx, look)
}

// finder leads from a key to its fact, for who reads.
func (l *Ledger) finder(conn *sqlite.Conn) func(key) (ref, bool, error) {
	return func(k key) (ref, bool, error) {
		l.index.mu.RLock()
		to, found, maybe := l.index.known(k)
		l.index.mu.RUnlock()
		if !found && maybe != nil {
			return look(conn, k, maybe)
		}
		return to, found, nil
	}
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
	nonce, request, until := l.key(keyNonce, r.Nonce.Scope, r.Nonce.Value), l.key(keyRequest, r.Agent, r.ID), ceil(r.Nonce.Until)
	var out *provider.Trade
	var refusal error
	err := l.writeApart(ctx, func(t *tx) error {
		out, refusal = nil, nil
		if t.seen(nonce) {
			refusal = replayed()
			return nil
		}
		first, err := t.earlier(request)
		if err != nil {
			return err
		}
		if first.known() {
			out, refusal = first.give(r.ID, string(r.Digest))
			return t.markNonce(nonce, until, true)
		}
		if first, err = decide(t); err != nil {
			return err
		}
		if first.passing {
			refusal = first.refusal
			return t.markNonce(nonce, until, true)
		}
		if first.refusal != nil {
			if first.to, err = t.storeRefusal(r, nonce, first.refusal); err != nil {
				return err
			}
		}
		t.keys[request] = first.to
		first.digest = string(r.Digest)
		out, refusal = first.give(r.ID, string(r.Digest))
		return t.markNonce(nonce, until, false)
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
	to      ref  // where it is stored
	passing bool // the refusal is of this transmission only, and not stored
}

func (a answer) known() bool { return a.trade != nil || a.refusal != nil }

// give is what a request with this id and content gets.
func (a answer) give(id, digest string) (*provider.Trade, error) {
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
func (t *tx) earlier(request key) (answer, error) {
	to, found, err := t.find(request)
	if !found || err != nil {
		return answer{}, err
	}
	a, err := answerAt(t.conn, to)
	if err == nil && a.trade.late(t.now) {
		a.refusal, err = t.close(a.trade, provider.Declined(protocol.CodeConfirmationFailed))
	}
	return a, err
}

// answerAt reads the answer that a request led to.
func answerAt(conn *sqlite.Conn, to ref) (a answer, err error) {
	a.to = to
	switch to.table() {
	case refPayment:
		a.trade, err = tradeBy(conn, "t.id = ?", to.position())
	case refWaiting:
		a.trade, err = instantBy(conn, "w.id = ?", to.position())
	default:
		var text []byte
		if _, err := queryRow(conn, "SELECT digest, refusal FROM refusals WHERE id = ?", []any{to.position()}, func(r *sqlite.Stmt) {
			a.digest, text = r.ColumnText(0), columnBytes(r, 1)
		}); err != nil {
			return answer{}, err
		}
		a.refusal, err = decodeRefusal(text)
		return a, err
	}
	if a.trade != nil {
		a.digest, a.refusal = a.trade.digest, a.trade.declined
	}
	return a, err
}

func (t *tx) storeRefusal(r provider.Request, nonce key, refusal *protocol.Error) (ref, error) {
	text, err := encodeRefusal(refusal)
	if err != nil {
		return 0, err
	}
	at := t.next()
	return refTo(at, refRefusal), t.exec("INSERT INTO refusals (id, agent, request_id, digest, nonce, nonce_until, refusal, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		at, r.Agent, r.ID, string(r.Digest), nonce.short(), ceil(r.Nonce.Until), text, t.unix())
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
