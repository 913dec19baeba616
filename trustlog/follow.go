package trustlog

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/protocol"
)

// Why a log is not believed: find them with errors.Is. Both come with
// service_unavailable, because they say nothing of any record.
var (
	// ErrForked means that the log has signed two checkpoints of which neither
	// continues the other. It is misbehaviour, proved by two signatures that
	// the Store keeps, and every later call for this log fails with it.
	ErrForked = errors.New("trustlog: the log has signed two histories")
	// ErrRolledBack means that the log shows a smaller tree, or denies by a
	// smaller tree, than it showed before. It may be an old copy somewhere in
	// between, and passes when the log shows its present tree again.
	ErrRolledBack = errors.New("trustlog: the log shows an older state than it did")
)

func forked() error {
	return protocol.Wrap(protocol.CodeServiceUnavailable, "checkpoint", "TSD-ATT-OCA-04", "the log has signed two histories and is believed no more", ErrForked)
}

func rolledBack() error {
	return protocol.Wrap(protocol.CodeServiceUnavailable, "checkpoint", "TSD-ATT-OCA-04", "the log shows an older state than it did", ErrRolledBack)
}

// turn waits until nobody else compares checkpoints of a log.
func (c *Client) turn(ctx context.Context, origin string) (done func(), err error) {
	c.mu.Lock()
	t, ok := c.turns[origin]
	if !ok {
		t = make(chan struct{}, 1)
		c.turns[origin] = t
	}
	c.mu.Unlock()
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, silent("the trust chain did not answer in time", ctx.Err())
	}
}

// remembered returns what was seen of a log, nil for nothing. A log that forked
// is an error from here on.
func (c *Client) remembered(ctx context.Context, origin string) (State, *Checkpoint, error) {
	s, err := c.config.Store.Load(ctx, origin)
	if err != nil {
		return s, nil, storeFailed(err)
	}
	if len(s.Fork) > 0 {
		return s, nil, forked()
	}
	if len(s.Checkpoint) == 0 {
		return s, nil, nil
	}
	known, err := ParseCheckpoint(s.Checkpoint)
	if err != nil || known.Origin != origin {
		return s, nil, storeFailed(err)
	}
	return s, known, nil
}

// follow compares a verified checkpoint with the one that was seen, and
// remembers the larger. After a nil error it is one history with everything
// that was accepted before.
func (c *Client) follow(ctx context.Context, channel string, next *Checkpoint) error {
	done, err := c.turn(ctx, next.Origin)
	if err != nil {
		return err
	}
	defer done()
	for {
		state, known, err := c.remembered(ctx, next.Origin)
		if err != nil {
			return err
		}
		if known != nil {
			if next.Size < known.Size && c.hasPassed(next.passed()) {
				return nil
			}
			one, err := c.oneHistory(ctx, channel, known, next)
			if err != nil {
				return unproved(err)
			}
			if !one {
				return c.accuse(ctx, next, state)
			}
			if next.Size <= known.Size {
				c.pass(next.passed())
				return nil
			}
		}
		swapped, err := c.config.Store.Swap(ctx, next.Origin, state, State{Checkpoint: next.Note})
		if err != nil {
			return storeFailed(err)
		}
		if swapped {
			if known != nil { // and not before: of another larger tree it says nothing
				c.pass(known.passed())
			}
			return nil
		}
	}
}

// accuse keeps the evidence. The error is the same whether it could be kept: an
// accusation that was not kept is found again with the next answer.
func (c *Client) accuse(ctx context.Context, next *Checkpoint, state State) error {
	accused := state.clone()
	accused.Fork = bytes.Clone(next.Note)
	_, err := c.config.Store.Swap(ctx, next.Origin, state, accused)
	return errors.Join(forked(), err)
}

// oneHistory reports whether the smaller of two signed trees is the beginning of
// the larger. The answer no is certain: it is computed from hashes that are
// proved to be in the larger tree. Without them there is an error.
func (c *Client) oneHistory(ctx context.Context, channel string, a, b *Checkpoint) (bool, error) {
	if a.Size > b.Size {
		a, b = b, a
	}
	if a.Size == b.Size {
		return a.Root == b.Root, nil
	}
	if a.Size == 0 {
		empty, err := tlog.TreeHash(0, nil)
		return err == nil && a.Root == empty, nil
	}
	reader := tlog.TileHashReader(tlog.Tree{N: b.Size, Hash: b.Root}, &tileReader{ctx, c, channel})
	root, err := tlog.TreeHash(a.Size, reader)
	if err != nil {
		return false, err
	}
	return root == a.Root, nil
}

func (c *Checkpoint) passed() passedKey { return passedKey{c.Origin, c.Size, c.Root} }

// hasPassed reports whether a tree is known to be the beginning of what is
// remembered. It stays so when more is remembered.
func (c *Client) hasPassed(k passedKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed[k]
}

func (c *Client) pass(k passedKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.passed) >= maxPassed {
		clear(c.passed)
	}
	c.passed[k] = true
}

// Latest fetches a log's present checkpoint, verifies it, and that it continues
// what was seen. A smaller tree than was seen is [ErrRolledBack].
func (c *Client) Latest(ctx context.Context, channel string) (*Checkpoint, error) {
	origin, err := Origin(c.config.Trust.Chain, channel)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	_, before, err := c.remembered(ctx, origin)
	if err != nil {
		return nil, err
	}
	_, signed, err := c.exchange(ctx, call{method: http.MethodGet, channel: channel, path: "/checkpoint", max: MaxCheckpoint})
	if err != nil {
		return nil, err
	}
	next, err := c.config.Trust.Checkpoint(channel, signed)
	if err != nil {
		return nil, unproved(err)
	}
	if err := c.follow(ctx, channel, next); err != nil {
		return nil, err
	}
	// Compared with what was seen before the request, so that two calls at
	// once do not accuse each other's answer of being old.
	if before != nil && next.Size < before.Size {
		return nil, rolledBack()
	}
	return next, nil
}
