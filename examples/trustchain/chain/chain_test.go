package chain_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/examples/trustchain/chain"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
)

const (
	chainName = "chain.example/log"
	channel   = "retail"
	shopDID   = "did:act:shop.example/coffee"
)

func newSigner(t testing.TB, keyID string) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	must(t, err)
	s, err := keys.NewSigner(keyID, keys.Anchor, private)
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func recordID(n int) string { return fmt.Sprintf("%s#rec-%032x", shopDID, n) }

// anchor is one of a record with a number; its signature is nobody's business
// here.
func anchor(t testing.TB, s *keys.Signer, n int) []byte {
	t.Helper()
	token, err := attestation.SignAnchor(s, &attestation.Record{
		Version: attestation.Version, ID: recordID(n), Type: attestation.FulfillmentCompleted,
		EventTime: time.Date(2026, 4, 19, 8, 9, 0, 0, time.UTC), HashAlgorithm: attestation.SHA256, PayloadHash: make([]byte, 32),
		Links: attestation.Links{IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000", DelegationID: "d-1", MerchantOrderID: "order-1", TradeNo: "trade-1"},
	}, channel, time.Now())
	must(t, err)
	return token
}

// world is a file, and the chain on it.
type world struct {
	testing.TB
	config chain.Config
	chain  *chain.Chain
	shop   *keys.Signer
}

func newWorld(t testing.TB, change ...func(*chain.Config)) *world {
	t.Helper()
	w := &world{TB: t, shop: newSigner(t, shopDID+"#anchor-1"), config: chain.Config{
		Path: filepath.Join(t.TempDir(), "logs.db"), Chain: chainName, Channels: []string{channel, "travel"},
		Signer: newSigner(t, "did:act:chain.example/log#log-1"),
	}}
	for _, c := range change {
		c(&w.config)
	}
	w.open()
	t.Cleanup(func() {
		if err := w.chain.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) open() {
	w.Helper()
	var err error
	w.chain, err = chain.Open(context.Background(), w.config)
	must(w, err)
}

func (w *world) reopen() {
	w.Helper()
	must(w, w.chain.Close())
	w.open()
}

// add appends and verifies the proof.
func (w *world) add(n int) *trustlog.Place {
	w.Helper()
	p, err := w.chain.Append(context.Background(), chain.Entry{Channel: channel, RecordID: recordID(n), Token: anchor(w, w.shop, n)})
	must(w, err)
	place, err := w.chain.Trust().Verify(channel, p.Text())
	must(w, err)
	return place
}

func TestAppendAndFind(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	places := make(map[int]*trustlog.Place)
	for n := range 20 {
		places[n] = w.add(n)
	}
	var wg sync.WaitGroup
	tokens := make([][]byte, 700)
	for n := range tokens {
		tokens[n] = anchor(t, w.shop, 20+n)
	}
	for n, token := range tokens {
		wg.Go(func() {
			if _, err := w.chain.Append(ctx, chain.Entry{Channel: channel, RecordID: recordID(20 + n), Token: token}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	check := func(t *testing.T) {
		for n, place := range places {
			p, _, err := w.chain.Find(ctx, channel, sha256.Sum256([]byte(recordID(n))))
			must(t, err)
			again, err := w.chain.Trust().Verify(channel, p.Text())
			must(t, err)
			// The first checkpoint that covered it, for ever: its time counts.
			if again.String() != place.String() || string(again.Checkpoint.Note) != string(place.Checkpoint.Note) {
				t.Fatalf("record %d was at %v, is at %v", n, place, again)
			}
		}
		if size, err := w.chain.Audit(ctx, channel); err != nil || size != 720 {
			t.Fatalf("audit: %d, %v", size, err)
		}
	}
	t.Run("in one life", check)
	w.reopen()
	t.Run("in the next", check)

	t.Run("TSD-ATT-OCA-04 a record has one anchor", func(t *testing.T) {
		other := anchor(t, newSigner(t, shopDID+"#anchor-2"), 3)
		p, err := w.chain.Append(ctx, chain.Entry{Channel: channel, RecordID: recordID(3), Token: other})
		must(t, err)
		if p.Index != places[3].Index || string(p.Token) != string(places[3].Token) {
			t.Errorf("index %d", p.Index)
		}
	})
	t.Run("what is not there is denied by size", func(t *testing.T) {
		record := sha256.Sum256([]byte("no"))
		p, size, err := w.chain.Find(ctx, channel, record)
		if p != nil || size != 720 || err != nil {
			t.Fatalf("%v, %d, %v", p, size, err)
		}
		if _, err := w.chain.Deny(channel, record, size); err != nil {
			t.Error(err)
		}
	})
}

func TestReading(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	places := make([]*trustlog.Place, 720)
	for n := range places {
		places[n] = w.add(n)
	}
	t.Run("channels are apart", func(t *testing.T) {
		cp, err := w.chain.Checkpoint("travel")
		if err != nil || cp.Size != 0 || cp.Origin != chainName+"/travel" {
			t.Errorf("%+v, %v", cp, err)
		}
		p, size, err := w.chain.Find(ctx, "travel", sha256.Sum256([]byte(recordID(3))))
		if p != nil || size != 0 || err != nil {
			t.Errorf("%v, %d, %v", p, size, err)
		}
		if _, err := w.chain.Checkpoint("other"); protocol.CodeOf(err) != protocol.CodeNoMatch {
			t.Error(err)
		}
	})
	t.Run("tiles of the published tree and no others", func(t *testing.T) {
		for _, c := range []struct {
			tile tlog.Tile
			ok   bool
		}{
			{tlog.Tile{H: 8, N: 0, W: 256}, true}, {tlog.Tile{H: 8, N: 2, W: 208}, true}, {tlog.Tile{H: 8, N: 2, W: 209}, false},
			{tlog.Tile{H: 8, N: 3, W: 1}, false}, {tlog.Tile{H: 8, L: 1, W: 2}, true}, {tlog.Tile{H: 8, L: 1, W: 3}, false},
			{tlog.Tile{H: 8, L: 2, W: 1}, false}, {tlog.Tile{H: 4, W: 1}, false},
		} {
			data, err := w.chain.Tile(ctx, channel, c.tile)
			if (err == nil) != c.ok || err == nil && len(data) != 32*c.tile.W {
				t.Errorf("%+v: %d bytes, %v", c.tile, len(data), err)
			}
		}
		entries, err := w.chain.Entries(ctx, channel, tlog.Tile{H: 8, W: 4})
		must(t, err)
		want := trustlog.Entry(places[2].Token)
		if len(entries) != 4*34 || string(entries[2*34+2:3*34]) != string(want[:]) {
			t.Errorf("entries of %d bytes", len(entries))
		}
	})
}

// Any sequence of appends, repeats and restarts is the tree that the library of
// the Go checksum database makes of the same leaves.
func TestTreeProperty(t *testing.T) {
	w := newWorld(t)
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	size := 0
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 12).Draw(rt, "appends") {
			place := w.add(size)
			hashes, err := tlog.StoredHashesForRecordHash(int64(size), trustlog.Leaf(place.Token), read)
			must(t, err)
			stored = append(stored, hashes...)
			size++
			want, err := tlog.TreeHash(int64(size), read)
			must(t, err)
			if place.Checkpoint.Root != want || place.Index != int64(size-1) {
				rt.Fatalf("size %d: another root", size)
			}
		}
		if again := rapid.IntRange(0, size-1).Draw(rt, "again"); w.add(again).Index != int64(again) {
			rt.Fatal("another index")
		}
		if rapid.IntRange(0, 9).Draw(rt, "restart") == 0 {
			w.reopen()
		}
	})
}

// A second process on the file is not a fork: whoever is late is refused for
// good.
func TestTwoWriters(t *testing.T) {
	w := newWorld(t)
	w.add(0)
	second, err := chain.Open(context.Background(), w.config)
	must(t, err)
	defer second.Close()
	w.add(1)
	for range 2 {
		_, err := second.Append(context.Background(), chain.Entry{Channel: channel, RecordID: recordID(2), Token: anchor(t, w.shop, 2)})
		if !errors.Is(err, protocol.ErrUndetermined) {
			t.Fatalf("error %v", err)
		}
	}
	w.add(2)
	if _, err := w.chain.Audit(context.Background(), channel); err != nil {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*chain.Config){
		"no file":     func(c *chain.Config) { c.Path = "" },
		"no key":      func(c *chain.Config) { c.Signer = nil },
		"no channel":  func(c *chain.Config) { c.Channels = nil },
		"bad channel": func(c *chain.Config) { c.Channels = []string{"Retail"}; c.Path += ".2" },
		"bad name":    func(c *chain.Config) { c.Chain = "chain" },
		"another key on the file": func(c *chain.Config) {
			c.Signer = newSigner(t, "did:act:chain.example/log#log-2")
		},
	} {
		c := w.config
		change(&c)
		if opened, err := chain.Open(context.Background(), c); err == nil {
			t.Errorf("%s: opened", name)
			_ = opened.Close()
		}
	}
}
