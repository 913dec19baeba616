package trustlog_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/trustlog"
	"github.com/actprotocol/act-go/trustlog/trustlogtest"
	"github.com/actprotocol/act-go/verifier"
)

func TestSubmitAndFind(t *testing.T) {
	w := newWorld(t, func(c *trustlogtest.Chain) { c.Readers = map[string]string{channel: "a-token-of-a-reader"} })
	ctx := context.Background()
	first := w.anchor(0)
	place, err := w.client.Submit(ctx, first)
	must(t, err)
	if place.String() != chainName+"/retail 0" || !bytes.Equal(place.Token, first) || place.Checkpoint.Size != 1 {
		t.Fatalf("place %v, size %d", place, place.Checkpoint.Size)
	}
	// Enough for two full tiles, so that consistency needs several.
	w.fill(w.client, 1, 600)
	found, err := w.client.Anchor(ctx, channel, recordID(0))
	must(t, err)
	if !bytes.Equal(found.Token, first) || found.Place != place.String() || !found.At.Equal(place.Checkpoint.Time) {
		t.Fatalf("found %+v", found)
	}
	if latest, err := w.client.Latest(ctx, channel); err != nil || latest.Size != 601 {
		t.Fatalf("latest: %v", err)
	}

	t.Run("TSD-ATT-OCA-04 the same again has the place of the first", func(t *testing.T) {
		again, err := w.client.Submit(ctx, first)
		must(t, err)
		if again.Index != 0 || again.Checkpoint.Size != 1 {
			t.Errorf("place %v", again)
		}
		resigned, err := w.client.Submit(ctx, anchorOf(t, newSigner(t, shopDID+"#anchor-2"), 0))
		must(t, err)
		if resigned.Index != 0 || !bytes.Equal(resigned.Token, first) {
			t.Errorf("place %v", resigned)
		}
	})
	t.Run("TSD-ATT-OCA-04 other content under the id is refused, with the place", func(t *testing.T) {
		_, err := w.client.Submit(ctx, w.anchor(0, func(r *attestation.Record) { r.Links.TradeNo = "trade-2" }))
		var conflict *trustlog.Conflict
		if !errors.As(err, &conflict) || protocol.CodeOf(err) != protocol.CodeRequestConflict || conflict.Place.Index != 0 {
			t.Errorf("error %v", err)
		}
	})
	t.Run("an offline proof verifies without the chain", func(t *testing.T) {
		offline, err := w.chain.Trust().Verify(channel, place.Proof())
		must(t, err)
		if offline.String() != place.String() || !offline.Checkpoint.Time.Equal(place.Checkpoint.Time) {
			t.Errorf("place %v", offline)
		}
	})
	t.Run("a denial is not found, and is signed", func(t *testing.T) {
		_, err := w.client.Anchor(ctx, channel, recordID(7777))
		var denied *trustlog.NotFound
		if !errors.Is(err, verifier.ErrAnchorNotFound) || !errors.As(err, &denied) || denied.Denial.Size != 601 {
			t.Errorf("error %v", err)
		}
	})
	t.Run("TSD-ATT-SVF-03 without the reader's token nothing is said", func(t *testing.T) {
		stranger := newWorld(t)
		stranger.url = w.url
		_, err := stranger.newClient(&trustlog.MemoryStore{}, w.chain.Trust()).Anchor(ctx, channel, recordID(0))
		if err == nil || errors.Is(err, verifier.ErrAnchorNotFound) || !errors.Is(err, protocol.ErrUndetermined) {
			t.Errorf("error %v", err)
		}
	})
}

// A checkpoint that is smaller than what was seen is fine under a proof, when
// it is a beginning: answers overtake each other.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for i := range 64 {
		token := w.anchor(i)
		wg.Go(func() {
			_, err := w.client.Submit(context.Background(), token)
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		must(t, err)
	}
	s, err := w.store.Load(context.Background(), chainName+"/"+channel)
	must(t, err)
	if cp, err := trustlog.ParseCheckpoint(s.Checkpoint); err != nil || cp.Size != 64 || len(s.Fork) > 0 {
		t.Errorf("remembered %+v, %v", cp, err)
	}
}

func TestStores(t *testing.T) {
	ctx := context.Background()
	files, err := trustlog.NewFileStore(filepath.Join(t.TempDir(), "seen"))
	must(t, err)
	for name, s := range map[string]trustlog.Store{"memory": &trustlog.MemoryStore{}, "file": files} {
		t.Run(name, func(t *testing.T) {
			empty, err := s.Load(ctx, "a/b")
			must(t, err)
			if len(empty.Checkpoint) != 0 || len(empty.Fork) != 0 {
				t.Fatal("not empty")
			}
			one, two := trustlog.State{Checkpoint: []byte("one\n")}, trustlog.State{Checkpoint: []byte("two\n"), Fork: []byte("— three\n")}
			for _, step := range []struct {
				old, next trustlog.State
				want      bool
			}{{empty, one, true}, {empty, two, false}, {two, one, false}, {one, two, true}, {one, two, false}} {
				got, err := s.Swap(ctx, "a/b", step.old, step.next)
				must(t, err)
				if got != step.want {
					t.Fatalf("swap = %v", got)
				}
			}
			got, err := s.Load(ctx, "a/b")
			must(t, err)
			if string(got.Checkpoint) != "two\n" || string(got.Fork) != "— three\n" {
				t.Errorf("state %q", got)
			}
			if other, err := s.Load(ctx, "a/c"); err != nil || len(other.Checkpoint) != 0 {
				t.Errorf("another log has %q, %v", other, err)
			}
		})
	}
	t.Run("a file that cannot be read is not a log that was not seen", func(t *testing.T) {
		must(t, breakFiles(t, files))
		if _, err := files.Load(ctx, "a/b"); !errors.Is(err, protocol.ErrUndetermined) {
			t.Errorf("error %v", err)
		}
	})
}

func TestConfig(t *testing.T) {
	w := newWorld(t)
	good := trustlog.Config{Trust: w.chain.Trust(), Store: &w.store, HTTP: &http.Client{}}
	if _, err := trustlog.New(good); err != nil {
		t.Fatal(err)
	}
	witness := trustlog.Witness{Name: "witness.example/w1", Key: newSigner(t, "did:act:witness.example/w1#k").Public()}
	for name, change := range map[string]func(*trustlog.Config){
		"no keys":                 func(c *trustlog.Config) { c.Trust.Keys = nil },
		"no store":                func(c *trustlog.Config) { c.Store = nil },
		"no client":               func(c *trustlog.Config) { c.HTTP = nil },
		"no chain":                func(c *trustlog.Config) { c.Trust.Chain = "" },
		"a chain with a scheme":   func(c *trustlog.Config) { c.Trust.Chain = "https://chain.example/log" },
		"a chain without a path":  func(c *trustlog.Config) { c.Trust.Chain = "chain.example" },
		"a chain with a plus":     func(c *trustlog.Config) { c.Trust.Chain = "chain.example/a+b" },
		"http":                    func(c *trustlog.Config) { c.URL = "http://chain.example/log" },
		"more than all witnesses": func(c *trustlog.Config) { c.Trust.Quorum = 1 },
		"one witness twice":       func(c *trustlog.Config) { c.Trust.Witnesses = []trustlog.Witness{witness, witness} },
		"one key, two names": func(c *trustlog.Config) {
			c.Trust.Witnesses = []trustlog.Witness{witness, {Name: "witness.example/w2", Key: witness.Key}}
		},
		"the log as its own witness": func(c *trustlog.Config) {
			c.Trust.Witnesses = []trustlog.Witness{{Name: "witness.example/w2", Key: c.Trust.Keys[0]}}
		},
	} {
		c := good
		change(&c)
		if _, err := trustlog.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	t.Run("a witness's key is read as it is written", func(t *testing.T) {
		got, err := trustlog.ParseWitness(witness.String())
		if err != nil || got.Name != witness.Name || !got.Key.Equal(witness.Key) {
			t.Errorf("%v, %v", got, err)
		}
		for _, s := range []string{"", "w+1+x", strings.Replace(witness.String(), "w1", "w2", 1), witness.String() + "A", strings.ToUpper(witness.String())} {
			if _, err := trustlog.ParseWitness(s); err == nil {
				t.Errorf("read %q", s)
			}
		}
	})
}

func TestReceipts(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	place := w.fill(w.client, 0, 5)
	r, err := trustlog.NewReceipts(w.chain.Trust(), place.Proof())
	must(t, err)
	found, err := r.Anchor(ctx, channel, recordID(4))
	if err != nil || found.Place != place.String() || time.Since(found.At) > time.Minute {
		t.Fatalf("%+v, %v", found, err)
	}
	t.Run("TSD-ATT-SVF-03 what is not at hand is not not-found", func(t *testing.T) {
		_, err := r.Anchor(ctx, channel, recordID(3))
		if err == nil || errors.Is(err, verifier.ErrAnchorNotFound) || !errors.Is(err, protocol.ErrUndetermined) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("and somebody else may know", func(t *testing.T) {
		r.Else = w.client
		if found, err := r.Anchor(ctx, channel, recordID(3)); err != nil || found.Place != chainName+"/retail 3" {
			t.Errorf("%+v, %v", found, err)
		}
	})
	if _, err := trustlog.NewReceipts(w.chain.Trust(), place.Proof()[:100]); err == nil {
		t.Error("half a proof was accepted")
	}
}
