package trustlog

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/protocol"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	maxTiles   = 512 // full tiles that a Client keeps, 8 KiB each
	maxAtOnce  = 4   // requests for tiles of one tree
)

// TilePath is the path of a tile of height 8 below a log's prefix, in the layout
// of C2SP tlog-tiles: "tile/0/x001/234.p/17".
func TilePath(t tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(t.Path(), "tile/8/")
}

// ParseTilePath is the reverse of TilePath.
func ParseTilePath(path string) (tlog.Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok || strings.HasPrefix(rest, "data/") {
		return tlog.Tile{}, malformed("tile", "not the path of a tile")
	}
	t, err := tlog.ParseTilePath("tile/8/" + rest)
	if err != nil || TilePath(t) != path {
		return tlog.Tile{}, malformed("tile", "not the path of a tile")
	}
	return t, nil
}

// A tileCache keeps full tiles that were proved once. It is a cache and not a
// belief: each use proves them again.
type tileCache struct {
	mu    sync.Mutex
	tiles map[string][]byte
}

func (c *tileCache) get(key string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tiles[key]
}

func (c *tileCache) put(key string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tiles == nil || len(c.tiles) >= maxTiles {
		c.tiles = make(map[string][]byte)
	}
	c.tiles[key] = data
}

// A tileReader fetches tiles of one log for the time of one call. It implements
// tlog.TileReader, whose user proves what it gets.
type tileReader struct {
	ctx     context.Context
	client  *Client
	channel string
}

// Height implements tlog.TileReader.
func (r *tileReader) Height() int { return tileHeight }

// ReadTiles implements tlog.TileReader.
func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data, errs := make([][]byte, len(tiles)), make([]error, len(tiles))
	var wg sync.WaitGroup
	places := make(chan struct{}, maxAtOnce)
	for i, t := range tiles {
		places <- struct{}{}
		wg.Go(func() {
			data[i], errs[i] = r.read(t)
			<-places
		})
	}
	wg.Wait()
	return data, errors.Join(errs...)
}

// read returns a tile of exactly its width. A partial tile that the log no
// longer has is the beginning of the full one.
func (r *tileReader) read(t tlog.Tile) ([]byte, error) {
	full := t
	full.W = tileWidth
	if data := r.client.tiles.get(r.channel + "/" + TilePath(full)); data != nil {
		return data[:t.W*tlog.HashSize], nil
	}
	status, data, err := r.fetch(t)
	if t.W != tileWidth && (status == http.StatusNotFound || status == http.StatusGone) {
		_, data, err = r.fetch(full)
	}
	if err != nil {
		return nil, err
	}
	if len(data) < t.W*tlog.HashSize {
		return nil, protocol.New(protocol.CodeServiceUnavailable, "tile", "TSD-ATT-OCA-04", "a tile of another width")
	}
	return data[:t.W*tlog.HashSize], nil
}

func (r *tileReader) fetch(t tlog.Tile) (int, []byte, error) {
	return r.client.exchange(r.ctx, call{method: http.MethodGet, channel: r.channel, path: "/" + TilePath(t), max: int64(t.W) * tlog.HashSize})
}

// SaveTiles implements tlog.TileReader.
func (r *tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, t := range tiles {
		if t.W == tileWidth {
			r.client.tiles.put(r.channel+"/"+TilePath(t), data[i])
		}
	}
}
