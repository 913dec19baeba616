package chain

import (
	"context"
	"crypto/sha256"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/trustlog"
)

// Audit computes a channel's tree anew from the anchors in the file and compares
// it with every checkpoint that was published. It returns how many anchors the
// published tree has.
func (c *Chain) Audit(ctx context.Context, channel string) (int64, error) {
	l := c.logs[channel]
	if l == nil {
		return 0, unknownChannel()
	}
	conn, err := c.readers.Take(ctx)
	if err != nil {
		return 0, unavailable(err)
	}
	defer c.readers.Put(conn)
	signed, err := checkpoints(conn, l.id)
	if err != nil {
		return 0, unavailable(err)
	}
	a := auditor{signed: signed, tree: &tree{}}
	if err := a.compare(); err != nil {
		return 0, unavailable(err)
	}
	err = each(conn, "SELECT seq, record, token FROM anchors WHERE channel = ? ORDER BY seq", []any{l.id}, func(s *sqlite.Stmt) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(a.signed) == 0 {
			return nil // not published
		}
		return a.next(s.ColumnInt64(0)&maxIndex, column(s, 1), column(s, 2))
	})
	if err == nil && len(a.signed) > 0 {
		err = errBroken
	}
	return l.now.Load().published.Size, unavailable(err)
}

// checkpoints returns sizes and roots of all that was published, in order.
func checkpoints(conn *sqlite.Conn, channel int64) (out []trustlog.Checkpoint, err error) {
	err = each(conn, "SELECT size, note FROM checkpoints WHERE channel = ? ORDER BY size", []any{channel}, func(s *sqlite.Stmt) error {
		cp, err := trustlog.ParseCheckpoint(column(s, 1))
		if err == nil && cp.Size != s.ColumnInt64(0) {
			err = errBroken
		}
		if err == nil {
			out = append(out, *cp)
		}
		return err
	})
	return out, err
}

// An auditor grows a tree and compares it at each size that was signed.
type auditor struct {
	signed []trustlog.Checkpoint // those that are still to come
	tree   *tree
}

func (a *auditor) next(index int64, record, token []byte) error {
	u, err := attestation.ParseAnchor(token)
	if err != nil {
		return err
	}
	want := sha256.Sum256([]byte(u.Anchor.RecordID))
	if index != a.tree.size || string(want[:]) != string(record) {
		return errBroken
	}
	a.tree.add(trustlog.Leaf(token), func(place, *tile) {})
	return a.compare()
}

func (a *auditor) compare() error {
	if len(a.signed) == 0 || a.signed[0].Size != a.tree.size {
		return nil
	}
	root, err := a.tree.root()
	if err != nil {
		return err
	}
	if root != a.signed[0].Root {
		return errBroken
	}
	a.signed = a.signed[1:]
	return nil
}
