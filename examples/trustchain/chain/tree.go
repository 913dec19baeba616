package chain

import (
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
)

// A tile is a subtree of height 8 with all its inner nodes, so that reading a
// hash computes none. levels[0] are its leaves; a node is there once both its
// children are. A tile only grows at its end; a copy is a snapshot.
type tile struct {
	levels [height][]tlog.Hash
}

// push adds a leaf. When the tile is full it returns its root.
func (t *tile) push(h tlog.Hash) (root tlog.Hash, full bool) {
	for k := range height {
		t.levels[k] = append(t.levels[k], h)
		n := len(t.levels[k])
		if n%2 == 1 {
			return tlog.Hash{}, false
		}
		h = tlog.NodeHash(t.levels[k][n-2], t.levels[k][n-1])
	}
	return h, true
}

// bytes is the tile as it is served and stored: its leaves.
func (t *tile) bytes() []byte {
	out := make([]byte, 0, len(t.levels[0])*tlog.HashSize)
	for _, h := range t.levels[0] {
		out = append(out, h[:]...)
	}
	return out
}

func newTile(data []byte) *tile {
	t := &tile{}
	for k := range height {
		t.levels[k] = make([]tlog.Hash, 0, len(data)/tlog.HashSize>>k)
	}
	for ; len(data) >= tlog.HashSize; data = data[tlog.HashSize:] {
		t.push(tlog.Hash(data[:tlog.HashSize]))
	}
	return t
}

// A place is where a tile is in one log.
type place struct {
	level int
	n     int64
}

// A tree is the right edge of a log: its size, and the tile at each level that
// is not full. The writer works on a copy, which shares what does not change.
type tree struct {
	size  int64
	edges []tile
}

func (t *tree) clone() *tree {
	return &tree{size: t.size, edges: append([]tile(nil), t.edges...)}
}

// add appends a leaf and calls full for each tile that it completes.
func (t *tree) add(leaf tlog.Hash, full func(place, *tile)) {
	t.size++
	h := leaf
	for level := 0; ; level++ {
		if level == len(t.edges) {
			t.edges = append(t.edges, tile{})
		}
		root, done := t.edges[level].push(h)
		if !done {
			return
		}
		complete := t.edges[level]
		full(place{level, t.size>>(height*(level+1)) - 1}, &complete)
		t.edges[level] = tile{}
		h = root
	}
}

// edge is the place of the tile at a level that is not full, and how wide it is.
func edge(size int64, level int) (place, int) {
	nodes := size >> (height * level)
	return place{level, nodes >> height}, int(nodes % width)
}

// A reader reads hashes of a tree: its edges, and what lies behind them.
type reader struct {
	*tree
	full func(place) (*tile, error)
}

// ReadHashes implements tlog.HashReader.
func (r reader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		level, n := tlog.SplitStoredHashIndex(x)
		k := level % height
		at := place{level / height, n >> (height - k)}
		t, err := r.tile(at)
		if err != nil {
			return nil, err
		}
		pos := n & (1<<(height-k) - 1)
		if pos >= int64(len(t.levels[k])) {
			return nil, errBroken
		}
		out[i] = t.levels[k][pos]
	}
	return out, nil
}

func (r reader) tile(at place) (*tile, error) {
	if e, _ := edge(r.size, at.level); e == at {
		if at.level >= len(r.edges) {
			return nil, errBroken
		}
		return &r.edges[at.level], nil
	}
	return r.full(at)
}

// root is the hash of the whole tree. All that it is made of is in the edges:
// what a full tile has is part of a larger subtree.
func (t *tree) root() (tlog.Hash, error) {
	return tlog.TreeHash(t.size, reader{t, func(place) (*tile, error) { return nil, errBroken }})
}
