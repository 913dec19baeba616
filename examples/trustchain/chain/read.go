package chain

import (
	"context"
	"crypto/sha256"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/trustlog"
)

func recordKey(recordID string) []byte {
	h := sha256.Sum256([]byte(recordID))
	return h[:]
}

// A cache keeps full tiles. They never change.
type cache struct {
	mu    sync.RWMutex
	max   int
	tiles map[place]*tile
}

func newCache(max int) *cache { return &cache{max: max, tiles: make(map[place]*tile)} }

func (c *cache) get(at place) *tile {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.tiles[at]
}

// put drops some tile when there are too many; which one is the map's to choose.
func (c *cache) put(at place, t *tile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tiles) >= c.max {
		for other := range c.tiles {
			delete(c.tiles, other)
			break
		}
	}
	c.tiles[at] = t
}

func readTile(conn *sqlite.Conn, channel int64, at place) (data []byte, err error) {
	found, err := one(conn, "SELECT data FROM tiles WHERE channel = ? AND level = ? AND n = ?",
		[]any{channel, int64(at.level), at.n}, func(s *sqlite.Stmt) { data = column(s, 0) })
	if err == nil && !found {
		err = errBroken
	}
	return data, err
}

// full returns a full tile, from the cache or by a connection.
func (l *log) full(conn *sqlite.Conn, at place) (*tile, error) {
	if t := l.cache.get(at); t != nil {
		return t, nil
	}
	data, err := readTile(conn, l.id, at)
	if err != nil {
		return nil, err
	}
	if len(data) != width*tlog.HashSize {
		return nil, errBroken
	}
	t := newTile(data)
	l.cache.put(at, t)
	return t, nil
}

func (c *Chain) reader(l *log, t *tree, conn *sqlite.Conn) tlog.HashReader {
	return reader{t, func(at place) (*tile, error) { return l.full(conn, at) }}
}

// pooled reads a tree by a connection of the pool, which it takes only when
// something is not in the cache.
func (c *Chain) pooled(ctx context.Context, l *log, t *tree) tlog.HashReader {
	return reader{t, func(at place) (*tile, error) {
		if done := l.cache.get(at); done != nil {
			return done, nil
		}
		conn, err := c.readers.Take(ctx)
		if err != nil {
			return nil, err
		}
		defer c.readers.Put(conn)
		return l.full(conn, at)
	}}
}

// prove makes the proof of an anchor under the first published checkpoint that
// covers it, whose time is the nearest to when the anchor came: first, or when
// that is nil the one that is looked up.
func (c *Chain) prove(ctx context.Context, l *log, index int64, token []byte, first *trustlog.Checkpoint) (*trustlog.UnverifiedProof, error) {
	s := l.now.Load()
	var size int64
	var note []byte
	var err error
	if first != nil {
		size, note = first.Size, first.Note
	} else if size, note, err = c.covering(ctx, l, s, index); err != nil {
		return nil, unavailable(err)
	}
	hashes, err := tlog.ProveRecord(size, index, c.pooled(ctx, l, s.tree))
	if err != nil {
		return nil, unavailable(err)
	}
	return &trustlog.UnverifiedProof{Token: token, Index: index, Hashes: hashes, Checkpoint: note}, nil
}

// covering finds the smallest published tree that has the index.
func (c *Chain) covering(ctx context.Context, l *log, s *state, index int64) (size int64, note []byte, err error) {
	if index >= s.published.Size {
		return 0, nil, protocol.New(protocol.CodeServiceUnavailable, "chain", "TSD-ATT-SVF-03", "not under a published checkpoint yet")
	}
	conn, err := c.readers.Take(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer c.readers.Put(conn)
	found, err := one(conn, "SELECT size, note FROM checkpoints WHERE channel = ? AND size > ? ORDER BY size LIMIT 1", []any{l.id, index}, func(r *sqlite.Stmt) {
		size, note = r.ColumnInt64(0), column(r, 1)
	})
	if err == nil && !found {
		err = errBroken
	}
	return size, note, err
}

// Find returns the proof of the anchor of a record, by the SHA-256 of its id.
// When there is none it returns nil and the size of the published tree in which
// it is not: an anchor that is written and not published yet is
// service_unavailable, and is not denied.
func (c *Chain) Find(ctx context.Context, channel string, record [sha256.Size]byte) (p *trustlog.UnverifiedProof, size int64, err error) {
	l := c.logs[channel]
	if l == nil {
		return nil, 0, unknownChannel()
	}
	size = l.now.Load().published.Size // before the look, so that the denial covers no more
	conn, err := c.readers.Take(ctx)
	if err != nil {
		return nil, 0, unavailable(err)
	}
	var index int64
	var token []byte
	found, err := one(conn, "SELECT seq, token FROM anchors WHERE channel = ? AND record = ?", []any{l.id, record[:]}, func(s *sqlite.Stmt) {
		index, token = s.ColumnInt64(0)&maxIndex, column(s, 1)
	})
	c.readers.Put(conn)
	if err != nil || !found {
		return nil, size, unavailable(err)
	}
	p, err = c.prove(ctx, l, index, token, nil)
	return p, 0, err
}

// Deny signs that a record has no anchor in the first size of a channel's log.
// The caller has asked Find.
func (c *Chain) Deny(channel string, record [sha256.Size]byte, size int64) ([]byte, error) {
	l := c.logs[channel]
	if l == nil {
		return nil, unknownChannel()
	}
	return trustlog.SignDenial(c.config.Signer, l.origin, size, encode(record), c.config.Now())
}

// Checkpoint returns the published checkpoint of a channel's log.
func (c *Chain) Checkpoint(channel string) (*trustlog.Checkpoint, error) {
	l := c.logs[channel]
	if l == nil {
		return nil, unknownChannel()
	}
	cp := l.now.Load().published
	return &cp, nil
}

// Tile returns a tile of the published tree of a channel, of exactly its width.
func (c *Chain) Tile(ctx context.Context, channel string, t tlog.Tile) ([]byte, error) {
	none := protocol.New(protocol.CodeNoMatch, "tile", "TSD-ATT-OCA-04", "no such tile")
	l := c.logs[channel]
	if l == nil {
		return nil, unknownChannel()
	}
	s := l.now.Load()
	if t.H != height || t.L < 0 || t.L > 5 || t.N < 0 || t.N > maxIndex || t.W < 1 || t.W > width ||
		t.N<<height+int64(t.W) > s.published.Size>>(height*t.L) {
		return nil, none
	}
	found, err := c.pooled(ctx, l, s.tree).(reader).tile(place{t.L, t.N})
	if err != nil {
		return nil, unavailable(err)
	}
	return found.bytes()[:t.W*tlog.HashSize], nil
}

// Entries returns the public log entries of a level 0 tile in the layout of C2SP
// tlog-tiles: each the SHA-256 of an anchor, after its length in two bytes.
func (c *Chain) Entries(ctx context.Context, channel string, t tlog.Tile) ([]byte, error) {
	var out []byte
	err := c.tokens(ctx, channel, t, func(token []byte) {
		e := trustlog.Entry(token)
		out = append(append(out, 0, byte(len(e))), e[:]...)
	})
	return out, err
}

// Anchors is Entries with the anchors themselves, for the channel's readers.
func (c *Chain) Anchors(ctx context.Context, channel string, t tlog.Tile) ([]byte, error) {
	var out []byte
	err := c.tokens(ctx, channel, t, func(token []byte) {
		out = append(append(out, byte(len(token)>>8), byte(len(token))), token...)
	})
	return out, err
}

func (c *Chain) tokens(ctx context.Context, channel string, t tlog.Tile, use func([]byte)) error {
	if _, err := c.Tile(ctx, channel, t); err != nil {
		return err
	}
	l := c.logs[channel]
	conn, err := c.readers.Take(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer c.readers.Put(conn)
	from := t.N << height
	return unavailable(each(conn, "SELECT token FROM anchors WHERE seq >= ? AND seq < ? ORDER BY seq",
		[]any{seq(l.id, from), seq(l.id, from+int64(t.W))}, func(s *sqlite.Stmt) error {
			use(column(s, 0))
			return nil
		}))
}
