package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// A lookup asks whether a nonce was used and a request is known. Every payment
// begins with one, and nearly always the answer is twice no.
type lookup struct {
	nonce, request key
	seen, known    bool
	done           chan error
}

// lookUp asks together with whoever else asks at this moment.
func (s *Store) lookUp(ctx context.Context, r provider.Request) (seen, known bool, err error) {
	l := &lookup{nonce: nonceKey(r.Nonce.Scope, r.Nonce.Value), request: requestKey(r.Agent, r.ID), done: make(chan error, 1)}
	if err := enqueue(ctx, s, s.lookups, l); err != nil {
		return false, false, err
	}
	select {
	case err := <-l.done:
		return l.seen, l.known, err
	case <-ctx.Done():
		return false, false, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the caller stopped waiting", ctx.Err())
	}
}

// enqueue puts a question or a payment into its queue.
func enqueue[T any](ctx context.Context, s *Store, queue chan T, v T) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return unavailable(errClosed)
	}
	if err := here(ctx); err != nil {
		return err
	}
	select {
	case queue <- v:
		return nil
	case <-ctx.Done():
		return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the queue is full, nothing was begun", ctx.Err())
	}
}

// together waits for one of a queue, and takes with it what waits behind, at
// most so many; nothing when the queue was closed.
func together[T any](queue chan T, most int) []T {
	first, ok := <-queue
	if !ok {
		return nil
	}
	batch := append(make([]T, 0, min(most, 1+len(queue))), first)
	for len(batch) < most {
		select {
		case next, ok := <-queue:
			if !ok {
				return batch
			}
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// lookUpAll answers lookups until the queue is closed.
func (s *Store) lookUpAll() {
	for batch := together(s.lookups, s.maxBatch); batch != nil; batch = together(s.lookups, s.maxBatch) {
		err := s.lookUpBatch(batch)
		for _, l := range batch {
			l.done <- err
		}
	}
}

func (s *Store) lookUpBatch(batch []*lookup) error {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	nonces, requests := make([]key, len(batch)), make([]key, len(batch))
	for i, l := range batch {
		nonces[i], requests[i] = l.nonce, l.request
	}
	return s.query(ctx, func(r pgx.Rows) error {
		var k key
		var nonce bool
		if err := r.Scan(&k, &nonce); err != nil {
			return err
		}
		for _, l := range batch {
			l.seen = l.seen || nonce && l.nonce == k
			l.known = l.known || !nonce && l.request == k
		}
		return nil
	}, "SELECT key, true FROM nonces WHERE key = ANY ($1) UNION ALL SELECT key, false FROM requests WHERE key = ANY ($2)", nonces, requests)
}
