package chain

import (
	"context"
	"encoding/base64"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/trustlog"
)

// A Witness cosigns checkpoints that continue what it saw before. Package
// cosigner has the client of one (C2SP tlog-witness).
type Witness interface {
	// Identity is the witness's name and key.
	Identity() trustlog.Witness
	// Cosign sends a signed checkpoint and the RFC 6962 consistency proof from
	// the size that the witness is believed to have, and returns signature
	// lines. A witness that has another size is a *Behind.
	Cosign(ctx context.Context, old int64, proof tlog.TreeProof, signed []byte) ([]byte, error)
}

// Behind is the error of a Witness that has another size than was thought.
type Behind struct{ Size int64 }

// Error implements error.
func (b *Behind) Error() string { return fmt.Sprintf("chain: the witness has size %d", b.Size) }

// publish signs a checkpoint of the durable tree, has it cosigned, keeps it and
// shows it. It is called by the writer, and by Open before there is one.
func (c *Chain) publish(ctx context.Context, l *log) error {
	if c.failed != nil {
		return c.failed
	}
	s := l.now.Load()
	root, err := s.tree.root()
	if err != nil {
		return err
	}
	cp, err := c.sign(l, s.tree.size, root)
	if err != nil {
		return err
	}
	if len(c.config.Witnesses) > 0 {
		if cp, err = c.cosign(ctx, l, c.reader(l, s.tree, c.conn), cp); err != nil {
			return err
		}
	}
	if err := c.keep(l, cp); err != nil {
		return err
	}
	l.now.Store(&state{tree: s.tree, published: cp})
	return nil
}

// cosign asks all witnesses at once and returns the checkpoint with those of
// their signatures that hold, when they are enough.
func (c *Chain) cosign(ctx context.Context, l *log, r tlog.HashReader, cp trustlog.Checkpoint) (trustlog.Checkpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.WitnessTime)
	defer cancel()
	type answer struct {
		lines []byte
		err   error
	}
	answers := make([]chan answer, len(c.config.Witnesses))
	for i, w := range c.config.Witnesses {
		answers[i] = make(chan answer, 1)
		old := l.known[i]
		// The reader is used by this goroutine only; the first proof is made
		// before the request, and a second one after all have answered.
		proof, err := consistency(r, cp.Size, old)
		go func() {
			if err != nil {
				answers[i] <- answer{err: err}
				return
			}
			lines, err := w.Cosign(ctx, old, proof, cp.Note)
			answers[i] <- answer{lines: lines, err: err}
		}()
	}
	signed := cp.Note
	for i, w := range c.config.Witnesses {
		a := <-answers[i]
		if behind, ok := a.err.(*Behind); ok {
			if behind.Size > cp.Size {
				// It has cosigned a tree of ours that we do not have: this file
				// is an old copy, and signing on would be a fork.
				c.failed = errBehind
				return cp, errBehind
			}
			var proof tlog.TreeProof
			if proof, a.err = consistency(r, cp.Size, behind.Size); a.err == nil {
				a.lines, a.err = w.Cosign(ctx, behind.Size, proof, cp.Note)
			}
		}
		if a.err == nil && c.holds(l, w, cp.Note, a.lines) {
			signed = append(signed[:len(signed):len(signed)], a.lines...)
			l.known[i] = cp.Size
		}
	}
	full, err := c.config.trust().Checkpoint(l.channel, signed)
	if err != nil {
		return cp, protocol.Wrap(protocol.CodeServiceUnavailable, "chain", "TSD-ATT-OCA-04", "too few witnesses have answered; submit again", err)
	}
	return *full, nil
}

// holds reports whether the lines are a cosignature of this witness.
func (c *Chain) holds(l *log, w Witness, signed, lines []byte) bool {
	t := c.config.trust()
	t.Witnesses, t.Quorum = []trustlog.Witness{w.Identity()}, 1
	_, err := t.Checkpoint(l.channel, append(signed[:len(signed):len(signed)], lines...))
	return err == nil
}

// consistency is the proof from one size to another, empty from nothing.
func consistency(r tlog.HashReader, size, old int64) (tlog.TreeProof, error) {
	if old == 0 || old == size {
		return nil, nil
	}
	return tlog.ProveTree(size, old, r)
}

func encode(record [32]byte) string { return base64.RawURLEncoding.EncodeToString(record[:]) }
