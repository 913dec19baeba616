package trustlog_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
	"github.com/actprotocol/act-go/trustlog/trustlogtest"
	"github.com/actprotocol/act-go/verifier"
)

// breakFiles cuts every file of a FileStore in half.
func breakFiles(t *testing.T, s *trustlog.FileStore) error {
	t.Helper()
	folder := reflect.ValueOf(s).Elem().FieldByName("folder").String()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	for _, f := range files {
		data, readErr := os.ReadFile(f)
		err = errors.Join(err, readErr, os.WriteFile(f, data[:len(data)/2], 0o600))
	}
	return err
}

// undecided fails unless err says that nothing could be decided.
func undecided(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, verifier.ErrAnchorNotFound) || !errors.Is(err, protocol.ErrUndetermined) {
		t.Errorf("error %v", err)
	}
}

func TestForkedLog(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name       string
		seen, keep int   // anchors that were seen, and how many of them the fork has
		grow       int   // anchors that the fork adds
		alarm      error // what is told
	}{
		{"a fork of the same size", 300, 299, 1, trustlog.ErrForked},
		{"a larger fork", 300, 150, 400, trustlog.ErrForked},
		{"a fork from the beginning", 5, 0, 300, trustlog.ErrForked},
		{"a rewritten last anchor, and more", 257, 256, 2, trustlog.ErrForked},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			place := w.fill(w.client, 0, c.seen)
			fork := w.chain.Fork(int64(c.keep))
			w.served = fork
			w.fill(w.newClient(&trustlog.MemoryStore{}, w.chain.Trust()), 10_000, c.grow) // somebody who sees the fork only
			if _, err := w.client.Latest(ctx, channel); !errors.Is(err, c.alarm) {
				t.Fatalf("error %v", err)
			} else {
				undecided(t, err)
			}
			s, err := w.store.Load(ctx, chainName+"/"+channel)
			must(t, err)
			trust := w.chain.Trust()
			kept, err := trust.Checkpoint(channel, s.Checkpoint)
			must(t, err)
			other, err := trust.Checkpoint(channel, s.Fork)
			must(t, err)
			if kept.Root == other.Root {
				t.Error("what is kept accuses nobody")
			}
			// It stays told, also when the honest log is back, and by another
			// client of the same store.
			w.served = w.chain
			again := w.newClient(&w.store, trust)
			for what, err := range map[string]error{
				"latest": second(again.Latest(ctx, channel)),
				"anchor": second(again.Anchor(ctx, channel, recordID(0))),
				"submit": second(again.Submit(ctx, w.anchor(20_000))),
				"check":  second(again.Check(ctx, channel, place.Proof())),
			} {
				if !errors.Is(err, trustlog.ErrForked) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

// A proof from a fork, smaller than what was seen, is caught by the tiles of
// what was seen.
func TestProofFromFork(t *testing.T) {
	w := newWorld(t)
	w.fill(w.client, 0, 40)
	fork := w.chain.Fork(10)
	w.served = fork
	foreign := w.fill(w.newClient(&trustlog.MemoryStore{}, w.chain.Trust()), 500, 3)
	w.served = w.chain
	if _, err := w.client.Check(context.Background(), channel, foreign.Proof()); !errors.Is(err, trustlog.ErrForked) {
		t.Errorf("error %v", err)
	}
}

func TestRolledBackCheckpoint(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.fill(w.client, 0, 300)
	w.served = w.chain.Fork(290)
	_, err := w.client.Latest(ctx, channel)
	undecided(t, err)
	// The old tree's tiles are gone with the roll-back: the log cannot show
	// that what it has is a beginning of what it had, nor that it is not.
	t.Run("a denial by the older tree", func(t *testing.T) {
		if _, err := w.client.Anchor(ctx, channel, recordID(295)); !errors.Is(err, trustlog.ErrRolledBack) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("an old copy of the checkpoint beside the present tiles", func(t *testing.T) {
		old := w.chain.Fork(290)
		w.served = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/checkpoint") {
				old.ServeHTTP(rw, r)
				return
			}
			w.chain.ServeHTTP(rw, r)
		})
		if _, err := w.client.Latest(ctx, channel); !errors.Is(err, trustlog.ErrRolledBack) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("and passes", func(t *testing.T) {
		w.served = w.chain
		if _, err := w.client.Latest(ctx, channel); err != nil {
			t.Error(err)
		}
	})
}

func TestUnprovedAnswers(t *testing.T) {
	ctx := context.Background()
	other, err := trustlogtest.New(chainName) // the same name, another key
	must(t, err)
	elsewhere, err := trustlogtest.New("other.example/log")
	must(t, err)
	lookup := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/record/") }
	for name, lie := range map[string]func(w *world, r *http.Request, status int, body []byte) (int, []byte){
		"signature by another key": func(w *world, r *http.Request, _ int, _ []byte) (int, []byte) {
			return through(other, w, r)
		},
		"another origin": func(w *world, r *http.Request, _ int, _ []byte) (int, []byte) {
			return through(elsewhere, w, r)
		},
		"proof of another size": func(w *world, _ *http.Request, status int, body []byte) (int, []byte) {
			p, err := trustlog.ParseProof(body)
			must(w, err)
			larger, _ := w.client.Latest(ctx, channel)
			p.Checkpoint = larger.Note
			return status, p.Text()
		},
		"another index": func(_ *world, _ *http.Request, status int, body []byte) (int, []byte) {
			return status, bytes.Replace(body, []byte("index 3"), []byte("index 2"), 1)
		},
		"another record": func(w *world, _ *http.Request, status int, _ []byte) (int, []byte) {
			r := httptest.NewRequest(http.MethodGet, "/retail/record/"+trustlog.LookupKey(recordID(4)), nil)
			rec := httptest.NewRecorder()
			lie := w.chain.Answer
			w.chain.Answer = nil
			defer func() { w.chain.Answer = lie }()
			w.chain.ServeHTTP(rec, r)
			return status, rec.Body.Bytes()
		},
		"a flipped byte": func(_ *world, _ *http.Request, status int, body []byte) (int, []byte) {
			body = bytes.Clone(body)
			body[len(body)/3] ^= 1
			return status, body
		},
		"nothing":  func(*world, *http.Request, int, []byte) (int, []byte) { return http.StatusOK, nil },
		"too much": func(*world, *http.Request, int, []byte) (int, []byte) { return http.StatusOK, make([]byte, 1<<20) },
		"an unsigned 404": func(*world, *http.Request, int, []byte) (int, []byte) {
			return http.StatusNotFound, []byte("404 page not found\n")
		},
		"a denial about another record": func(w *world, _ *http.Request, _ int, _ []byte) (int, []byte) {
			return http.StatusNotFound, w.denial(w.chain.Signer(), 6, recordID(3)+"0", time.Now())
		},
		"a denial by another key": func(w *world, _ *http.Request, _ int, _ []byte) (int, []byte) {
			return http.StatusNotFound, w.denial(other.Signer(), 6, recordID(3), time.Now())
		},
		"a denial of yesterday": func(w *world, _ *http.Request, _ int, _ []byte) (int, []byte) {
			return http.StatusNotFound, w.denial(w.chain.Signer(), 6, recordID(3), time.Now().Add(-24*time.Hour))
		},
		"a denial of a smaller tree": func(w *world, _ *http.Request, _ int, _ []byte) (int, []byte) {
			return http.StatusNotFound, w.denial(w.chain.Signer(), 2, recordID(3), time.Now())
		},
		"a redirect":         func(*world, *http.Request, int, []byte) (int, []byte) { return http.StatusFound, nil },
		"a server's failure": func(*world, *http.Request, int, []byte) (int, []byte) { return http.StatusBadGateway, nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fill(w.client, 0, 6)
			w.chain.Answer = func(r *http.Request, status int, body []byte) (int, []byte) {
				if !lookup(r) {
					return status, body
				}
				return lie(w, r, status, body)
			}
			_, err := w.client.Anchor(ctx, channel, recordID(3))
			undecided(t, err)
			if errors.Is(err, trustlog.ErrForked) {
				t.Error("nobody who can sign for the log has said two things")
			}
		})
	}
}

func (w *world) denial(s *keys.Signer, size int64, id string, at time.Time) []byte {
	w.Helper()
	d, err := trustlog.SignDenial(s, chainName+"/"+channel, size, trustlog.LookupKey(id), at)
	must(w, err)
	return d
}

// through answers as another chain that has the same anchors.
func through(c *trustlogtest.Chain, w *world, r *http.Request) (int, []byte) {
	for i := range 6 {
		rec := httptest.NewRecorder()
		c.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/retail/add", bytes.NewReader(w.anchor(i))))
	}
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, r)
	return rec.Code, rec.Body.Bytes()
}

// A lying "not found" is believed, because nothing can show it, until a receipt
// turns up: then the log's two signatures convict it.
func TestLyingDenial(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	receipt := w.fill(w.client, 0, 8).Proof()
	w.chain.Answer = func(r *http.Request, status int, body []byte) (int, []byte) {
		if strings.Contains(r.URL.Path, "/record/") {
			return http.StatusNotFound, w.denial(w.chain.Signer(), 8, recordID(7), time.Now())
		}
		return status, body
	}
	_, err := w.client.Anchor(ctx, channel, recordID(7))
	var denied *trustlog.NotFound
	if !errors.As(err, &denied) {
		t.Fatal(err)
	}
	lied, err := w.chain.Trust().Contradicts(channel, denied.Denial.Note, receipt)
	if err != nil || !lied {
		t.Errorf("%v, %v", lied, err)
	}
	t.Run("the receipt answers in its place", func(t *testing.T) {
		r, err := trustlog.NewReceipts(w.chain.Trust(), receipt)
		must(t, err)
		r.Else = w.client
		if _, err := r.Anchor(ctx, channel, recordID(7)); err != nil {
			t.Error(err)
		}
	})
	t.Run("a denial from before is no lie", func(t *testing.T) {
		before := w.denial(w.chain.Signer(), 7, recordID(7), time.Now())
		if lied, err := w.chain.Trust().Contradicts(channel, before, receipt); err != nil || lied {
			t.Errorf("%v, %v", lied, err)
		}
	})
	t.Run("a denial about another record is none", func(t *testing.T) {
		if _, err := w.chain.Trust().Contradicts(channel, w.denial(w.chain.Signer(), 8, recordID(6), time.Now()), receipt); err == nil {
			t.Error("accepted")
		}
	})
}

func TestWitnesses(t *testing.T) {
	ctx := context.Background()
	one, two := newSigner(t, "did:act:witness.example/w1#k"), newSigner(t, "did:act:witness.example/w2#k")
	names := map[string]*keys.Signer{"witness.example/w1": one, "witness.example/w2": two}
	w := newWorld(t, func(c *trustlogtest.Chain) { c.Cosigners = names })
	place := w.fill(w.client, 0, 3)
	both := w.chain.Trust()
	t.Run("both have signed", func(t *testing.T) {
		if _, err := both.Verify(channel, place.Proof()); err != nil {
			t.Error(err)
		}
	})
	t.Run("one does not sign", func(t *testing.T) {
		w.chain.Cosigners = map[string]*keys.Signer{"witness.example/w1": one}
		_, err := w.newClient(&w.store, both).Submit(ctx, w.anchor(100))
		undecided(t, err)
		lenient := both
		lenient.Quorum = 1
		if _, err := w.newClient(&w.store, lenient).Submit(ctx, w.anchor(101)); err != nil {
			t.Error(err)
		}
		w.chain.Cosigners = names
	})
	t.Run("a witness that lies does not help a fork past another, nor past what was seen", func(t *testing.T) {
		fork := w.chain.Fork(1)
		fork.Cosigners = map[string]*keys.Signer{"witness.example/w1": one}
		w.served = fork
		defer func() { w.served = w.chain }()
		fresh := w.newClient(&trustlog.MemoryStore{}, both)
		_, err := fresh.Submit(ctx, w.anchor(200))
		undecided(t, err)
		lenient := both
		lenient.Quorum = 1
		w.fill(w.newClient(&trustlog.MemoryStore{}, lenient), 300, 10)
		if _, err := w.newClient(&w.store, lenient).Latest(ctx, channel); !errors.Is(err, trustlog.ErrForked) {
			t.Errorf("error %v", err)
		}
	})
}

func TestSignaturesOfCheckpoint(t *testing.T) {
	one, two := newSigner(t, "did:act:witness.example/w1#k"), newSigner(t, "did:act:witness.example/w2#k")
	names := map[string]*keys.Signer{"witness.example/w1": one, "witness.example/w2": two}
	w := newWorld(t, func(c *trustlogtest.Chain) { c.Cosigners = names })
	both := w.chain.Trust()
	origin := chainName + "/" + channel
	root, err := tlog.TreeHash(0, nil)
	must(t, err)
	cp := trustlog.Checkpoint{Origin: origin, Root: root}
	sign := func(at time.Time, cosigned map[string]*keys.Signer, when time.Time) []byte {
		note, err := trustlog.SignCheckpoint(w.chain.Signer(), cp, at)
		must(t, err)
		for name, s := range cosigned {
			line, err := trustlog.Cosign(s, name, &cp, when)
			must(t, err)
			note = append(note, line...)
		}
		return note
	}
	now := time.Now()
	for name, c := range map[string]struct {
		note []byte
		want protocol.Code
	}{
		"one witness under both names":  {sign(now, map[string]*keys.Signer{"witness.example/w1": one, "witness.example/w2": one}, now), protocol.CodeSignatureInvalid},
		"one witness twice":             {append(sign(now, map[string]*keys.Signer{"witness.example/w1": one}, now), lines(sign(now, map[string]*keys.Signer{"witness.example/w1": one}, now.Add(-time.Second)))...), protocol.CodeSignatureInvalid},
		"a cosignature from the future": {sign(now, names, now.Add(time.Hour)), protocol.CodeRequestExpired},
		"a log from the future":         {sign(now.Add(time.Hour), names, now), protocol.CodeRequestExpired},
		"too large":                     {append(sign(now, names, now), make([]byte, trustlog.MaxCheckpoint)...), protocol.CodeTooLarge},
		"no note":                       {[]byte("retail\n"), protocol.CodeMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := both.Checkpoint(channel, c.note); protocol.CodeOf(err) != c.want {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("the time is the latest", func(t *testing.T) {
		got, err := both.Checkpoint(channel, sign(now.Add(-time.Hour), names, now))
		if err != nil || got.Time.Unix() != now.Unix() {
			t.Errorf("%v, %v", got, err)
		}
	})
	t.Run("a cosignature without the log's signature", func(t *testing.T) {
		only := both
		only.Keys = []keys.PublicKey{newSigner(t, "did:act:chain.example/log#k").Public()}
		if _, err := only.Checkpoint(channel, sign(now, names, now)); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
			t.Errorf("error %v", err)
		}
	})
}

// lines are the signature lines of a note that are not the log's.
func lines(note []byte) []byte {
	i := bytes.Index(note, []byte("— witness"))
	return note[i:]
}

// A slow answer ends with the call's time, and a redirect is not followed.
func TestSlowAndRedirected(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.fill(w.client, 0, 2)
	var visited bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited = true }))
	defer elsewhere.Close()
	w.served = http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect)
	_, err := w.client.Submit(ctx, w.anchor(5))
	undecided(t, err)
	if visited {
		t.Error("a redirect was followed")
	}
	stop := make(chan struct{})
	defer close(stop)
	w.served = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(http.StatusOK)
		rw.(http.Flusher).Flush()
		for {
			select {
			case <-stop:
				return
			case <-r.Context().Done():
				return
			case <-time.After(10 * time.Millisecond):
				_, _ = rw.Write([]byte("."))
				rw.(http.Flusher).Flush()
			}
		}
	})
	slow, err := trustlog.New(trustlog.Config{
		Trust: w.chain.Trust(), URL: w.url, Store: &w.store, HTTP: &http.Client{}, InsecureAllowHTTP: true, Timeout: 200 * time.Millisecond,
	})
	must(t, err)
	start := time.Now()
	_, err = slow.Anchor(ctx, channel, recordID(0))
	undecided(t, err)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

// Tiles that do not hash to the signed root accuse nobody.
func TestWrongTiles(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.fill(w.client, 0, 300)
	w.fill(w.newClient(&trustlog.MemoryStore{}, w.chain.Trust()), 300, 30)
	for name, lie := range map[string]func(status int, body []byte) (int, []byte){
		"a flipped bit": func(status int, body []byte) (int, []byte) {
			body = bytes.Clone(body)
			body[5] ^= 1
			return status, body
		},
		"half":    func(status int, body []byte) (int, []byte) { return status, body[:len(body)/2] },
		"missing": func(int, []byte) (int, []byte) { return http.StatusNotFound, nil },
	} {
		t.Run(name, func(t *testing.T) {
			w.chain.Answer = func(r *http.Request, status int, body []byte) (int, []byte) {
				if strings.Contains(r.URL.Path, "/tile/") {
					return lie(status, body)
				}
				return status, body
			}
			_, err := w.newClient(&w.store, w.chain.Trust()).Latest(ctx, channel)
			undecided(t, err)
			if errors.Is(err, trustlog.ErrForked) {
				t.Error("accused")
			}
		})
	}
	t.Run("partial tiles that were dropped for the full ones", func(t *testing.T) {
		w.chain.Answer = nil
		w.fill(w.newClient(&trustlog.MemoryStore{}, w.chain.Trust()), 330, 300)
		w.chain.Answer = func(r *http.Request, status int, body []byte) (int, []byte) {
			if i := strings.Index(r.URL.Path, ".p/"); i > 0 {
				if wide, err := strconv.Atoi(r.URL.Path[i+3:]); err == nil && wide == 44 {
					return http.StatusNotFound, nil
				}
			}
			return status, body
		}
		if _, err := w.client.Latest(ctx, channel); err != nil {
			t.Error(err)
		}
	})
}

// A failingStore does not remember while it is broken.
type failingStore struct {
	trustlog.MemoryStore
	broken bool
}

func (s *failingStore) Swap(ctx context.Context, origin string, old, next trustlog.State) (bool, error) {
	if s.broken {
		return false, errors.New("the disk is full")
	}
	return s.MemoryStore.Swap(ctx, origin, old, next)
}

// That what is remembered was once found in a larger tree, which then could not
// be remembered, says nothing of the next larger tree: a log that could bring
// that about would be free to fork.
func TestForkAfterFailedStore(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	store := &failingStore{}
	c := w.newClient(store, w.chain.Trust())
	other := w.newClient(&trustlog.MemoryStore{}, w.chain.Trust())
	w.fill(c, 0, 40)
	fork := w.chain.Fork(10)
	w.fill(other, 40, 20)
	store.broken = true
	undecided(t, second(c.Latest(ctx, channel)))
	store.broken = false
	w.served = fork
	w.fill(w.newClient(&trustlog.MemoryStore{}, w.chain.Trust()), 1000, 90)
	if _, err := c.Latest(ctx, channel); !errors.Is(err, trustlog.ErrForked) {
		t.Errorf("error %v", err)
	}
}
