package postgres

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// until is when a nonce may be forgotten, rounded up to what the database
// keeps: never too early.
func until(n provider.Nonce) time.Time {
	return n.Until.Add(time.Microsecond - time.Nanosecond).Truncate(time.Microsecond)
}

// UseNonce implements provider.Ledger.
func (s *Store) UseNonce(ctx context.Context, n provider.Nonce) error {
	if err := provider.CheckNonce(n); err != nil {
		return err
	}
	if err := s.begun(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	defer cancel()
	tag, err := s.pool.Exec(ctx, "INSERT INTO nonces (key, until) VALUES ($1, $2) ON CONFLICT DO NOTHING", nonceKey(n.Scope, n.Value), until(n))
	if err == nil && tag.RowsAffected() == 0 {
		return provider.Replayed()
	}
	return unknown(err)
}

// Use implements book.Book.
func (s *Store) Use(ctx context.Context, scope, nonce string, until time.Time) error {
	now := time.Now()
	if s.now != nil {
		now = s.now()
	}
	if !until.IsZero() && !now.Before(until) {
		return book.NonceOver()
	}
	return s.UseNonce(ctx, provider.Nonce{Scope: scope, Value: nonce, Until: until})
}

// Lookup implements provider.Ledger. It only reads.
func (s *Store) Lookup(ctx context.Context, r provider.Request) (*provider.Trade, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	seen, known, err := s.lookUp(ctx, r)
	switch {
	case err != nil:
		return nil, err
	case seen:
		return nil, provider.Replayed()
	case !known:
		return nil, nil
	}
	return s.recall(ctx, r)
}

// recall reads the first answer to a request that has one.
func (s *Store) recall(ctx context.Context, r provider.Request) (*provider.Trade, error) {
	first, err := s.earlier(ctx, r.Agent, r.ID)
	if err != nil {
		return nil, err
	}
	return first.to(r.ID, string(r.Digest))
}

// earlier reads the first answer to a request. One that waits for a
// confirmation that is too late by now is closed first.
func (s *Store) earlier(ctx context.Context, agent, id string) (answer, error) {
	var trade, waiting *int64
	var refusal []byte
	var a answer
	known, err := s.one(ctx, "SELECT digest, trade, waiting, refusal FROM requests WHERE key = $1", []any{requestKey(agent, id)}, &a.digest, &trade, &waiting, &refusal)
	switch {
	case err != nil || !known:
		return answer{}, err
	case refusal != nil:
		a.refusal, err = book.DecodeRefusal(refusal)
	case trade != nil:
		a.trade, err = s.find(ctx, "id = $2", *trade)
	default:
		if a.trade, err = s.find(ctx, "waiting = $2", *waiting); err == nil && a.trade != nil {
			a.refusal = a.trade.declined
		}
	}
	if err == nil && !a.known() {
		err = protocol.New(protocol.CodeServiceUnavailable, "", "", "an answer refers to nothing")
	}
	return a, err
}

// Refuse implements provider.Ledger.
func (s *Store) Refuse(ctx context.Context, r provider.Request, refusal *protocol.Error) (*provider.Trade, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if err := provider.CheckRefusal(refusal); err != nil {
		return nil, err
	}
	return s.refuse(ctx, r, refusal, true)
}

// refuse stores a refusal that denies, and returns what the answer now is. The
// nonce is used with it, unless that was done before.
func (s *Store) refuse(ctx context.Context, r provider.Request, refusal *protocol.Error, nonce bool) (*provider.Trade, error) {
	var text []byte
	if refusal.Code.Outcome() == protocol.Denied {
		var err error
		if text, err = book.EncodeRefusal(refusal); err != nil {
			return nil, unavailable(err)
		}
	}
	if err := s.begun(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	defer cancel()
	request, used := requestKey(r.Agent, r.ID), nonceKey(r.Nonce.Scope, r.Nonce.Value)
	held, n := locks(request), (*key)(nil)
	if nonce {
		held, n = locks(request, used), &used
	}
	var verdict string
	err := s.pool.QueryRow(ctx, "SELECT refuse($1, $2, $3, $4, $5, $6, $7, $8, $9)", held, s.clock(), n, until(r.Nonce), request,
		string(r.Digest), r.Agent, r.ID, text).Scan(&verdict)
	switch {
	case err != nil:
		return nil, unknown(err)
	case verdict == verdictReplayed:
		return nil, provider.Replayed()
	case verdict == verdictKnown:
		return s.recall(ctx, r)
	case verdict == "passing":
		return nil, refusal
	}
	return nil, &payment.Refusal{RequestID: r.ID, Reason: refusal}
}

// What the functions of payment.sql say of a request.
const (
	verdictReplayed = "replayed" // the nonce was used before
	verdictKnown    = "known"    // there is an answer
	verdictRefused  = "refused"
)

// An answer is a trade, paid or waiting, or a denying refusal.
type answer struct {
	digest  string
	trade   *trade
	refusal *protocol.Error
}

func (a answer) known() bool { return a.trade != nil || a.refusal != nil }

// to is what a request with this id and content gets.
func (a answer) to(id, digest string) (*provider.Trade, error) {
	return provider.Recall(id, canon.Digest(digest), canon.Digest(a.digest), a.trade.value(), a.refusal)
}
