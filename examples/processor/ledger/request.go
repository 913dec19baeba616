package ledger

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/provider"
)

// UseNonce implements provider.Ledger.
func (l *Ledger) UseNonce(ctx context.Context, n provider.Nonce) error {
	if err := provider.CheckNonce(n); err != nil {
		return err
	}
	return l.decideApart(ctx, func(t *tx) (refusal, err error) { return t.useNonce(n) })
}

func (t *tx) useNonce(n provider.Nonce) (refusal, err error) {
	k := t.key(keyNonce, n.Scope, n.Value)
	if t.seen(k) {
		return provider.Replayed(), nil
	}
	return nil, t.markNonce(k, ceil(n.Until), true)
}

// Use is UseNonce in the form that package verifier asks of a replay store.
func (l *Ledger) Use(ctx context.Context, scope, nonce string, until time.Time) error {
	if !until.IsZero() && !l.now().Before(until) {
		return book.NonceOver()
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

// Lookup implements provider.Ledger.
func (l *Ledger) Lookup(ctx context.Context, r provider.Request) (*provider.Trade, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	first, seen, err := l.earlier(ctx, r.Agent, r.ID, &r.Nonce)
	switch {
	case err != nil:
		return nil, err
	case seen:
		return nil, provider.Replayed()
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

// Refuse implements provider.Ledger.
func (l *Ledger) Refuse(ctx context.Context, r provider.Request, refusal *protocol.Error) (*provider.Trade, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if err := provider.CheckRefusal(refusal); err != nil {
		return nil, err
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
			refusal = provider.Replayed()
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
	return provider.Recall(id, canon.Digest(digest), canon.Digest(a.digest), a.trade.value(), a.refusal)
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
		a.refusal, err = book.DecodeRefusal(text)
		return a, err
	}
	if a.trade != nil {
		a.digest, a.refusal = a.trade.digest, a.trade.declined
	}
	return a, err
}

func (t *tx) storeRefusal(r provider.Request, nonce key, refusal *protocol.Error) (ref, error) {
	text, err := book.EncodeRefusal(refusal)
	if err != nil {
		return 0, err
	}
	at := t.next()
	return refTo(at, refRefusal), t.exec("INSERT INTO refusals (id, agent, request_id, digest, nonce, nonce_until, refusal, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		at, r.Agent, r.ID, string(r.Digest), nonce.short(), ceil(r.Nonce.Until), text, t.unix())
}
