package cosigner_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/examples/trustchain/chain"
	"github.com/actprotocol/act-go/examples/trustchain/cosigner"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
)

const (
	chainName = "chain.example/log"
	channel   = "retail"
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

// watched is a log's key and one witness of it, on a server.
type watched struct {
	log     *keys.Signer
	witness *cosigner.Witness
	client  *cosigner.Client
	config  cosigner.Config
	url     string
}

func newWatched(t *testing.T, name string, store trustlog.Store) *watched {
	t.Helper()
	w := &watched{log: newSigner(t, "did:act:chain.example/log#log-1")}
	w.config = cosigner.Config{
		Name: name, Signer: newSigner(t, "did:act:"+name+"#w"), Store: store,
		Logs: []cosigner.Log{{Trust: trustlog.Trust{Chain: chainName, Keys: []keys.PublicKey{w.log.Public()}}, Channel: channel}},
	}
	var err error
	w.witness, err = cosigner.New(w.config)
	must(t, err)
	server := httptest.NewServer(w.witness)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.client = cosigner.NewClient(w.witness.Identity(), server.URL, &http.Client{})
	return w
}

// leaves is a tree of some leaves in memory.
type leaves struct{ hashes []tlog.Hash }

func (l *leaves) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

func grow(t *testing.T, kind string, n int64) *leaves {
	t.Helper()
	l := &leaves{}
	for i := range n {
		stored, err := tlog.StoredHashes(i, fmt.Appendf(nil, "%s %d", kind, i), l)
		must(t, err)
		l.hashes = append(l.hashes, stored...)
	}
	return l
}

// request is the body of a call.
func (w *watched) request(t *testing.T, l *leaves, old, size int64, signer *keys.Signer) []byte {
	t.Helper()
	root, err := tlog.TreeHash(size, l)
	must(t, err)
	signed, err := trustlog.SignCheckpoint(signer, trustlog.Checkpoint{Origin: chainName + "/" + channel, Size: size, Root: root}, time.Now())
	must(t, err)
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", old)
	if old > 0 && old < size {
		proof, err := tlog.ProveTree(size, old, l)
		must(t, err)
		for _, h := range proof {
			fmt.Fprintf(&b, "%s\n", base64.StdEncoding.EncodeToString(h[:]))
		}
	}
	b.WriteString("\n")
	b.Write(signed)
	return b.Bytes()
}

func (w *watched) post(t *testing.T, body []byte) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	w.witness.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, cosigner.Path, bytes.NewReader(body)))
	return rec.Code, rec.Body.String()
}

func TestWitness(t *testing.T) {
	store, err := trustlog.NewFileStore(filepath.Join(t.TempDir(), "seen"))
	must(t, err)
	w := newWatched(t, "witness.example/w1", store)
	honest, fork := grow(t, "honest", 40), grow(t, "fork", 40)
	stranger := newSigner(t, "did:act:stranger.example/s#k")
	for _, step := range []struct {
		name string
		body []byte
		want int
		text string
	}{
		{"the first", w.request(t, honest, 0, 10, w.log), 200, "— witness.example/w1 "},
		{"the same again", w.request(t, honest, 10, 10, w.log), 200, "— witness.example/w1 "},
		{"one that continues", w.request(t, honest, 10, 25, w.log), 200, "— witness.example/w1 "},
		{"an old size that is not the last", w.request(t, honest, 10, 30, w.log), 409, "25\n"},
		{"nothing known of it", w.request(t, honest, 0, 30, w.log), 409, "25\n"},
		{"another root at the same size", w.request(t, fork, 25, 25, w.log), 409, "25\n"},
		{"a fork", w.request(t, fork, 25, 30, w.log), 422, ""},
		{"smaller than what was signed", w.request(t, honest, 25, 20, w.log), 400, ""},
		{"a roll-back", w.request(t, honest, 20, 20, w.log), 409, "25\n"},
		{"by another key", w.request(t, honest, 25, 30, stranger), 403, ""},
		{"of another log", bytes.ReplaceAll(w.request(t, honest, 25, 30, w.log), []byte("/retail"), []byte("/travel")), 404, ""},
		{"no request", []byte("old 1"), 400, ""},
		{"a size with a zero before it", []byte("old 01\n\nx"), 400, ""},
		{"a large one", append(w.request(t, honest, 25, 30, w.log), make([]byte, 1<<20)...), 400, ""},
		{"and on", w.request(t, honest, 25, 40, w.log), 200, "— witness.example/w1 "},
	} {
		code, text := w.post(t, step.body)
		if code != step.want || !strings.HasPrefix(text, step.text) {
			t.Errorf("%s: %d %q", step.name, code, text)
		}
		if (code == 200) != strings.Contains(text, "—") {
			t.Errorf("%s: signed with %d", step.name, code)
		}
	}
	t.Run("it remembers after a restart", func(t *testing.T) {
		again, err := cosigner.New(w.config)
		must(t, err)
		w.witness = again
		if code, text := w.post(t, w.request(t, fork, 0, 12, w.log)); code != 409 || text != "40\n" {
			t.Errorf("%d %q", code, text)
		}
	})
}

func TestConfig(t *testing.T) {
	w := newWatched(t, "witness.example/w1", &trustlog.MemoryStore{})
	for name, change := range map[string]func(*cosigner.Config){
		"no key":           func(c *cosigner.Config) { c.Signer = nil },
		"no store":         func(c *cosigner.Config) { c.Store = nil },
		"no logs":          func(c *cosigner.Config) { c.Logs = nil },
		"a bad name":       func(c *cosigner.Config) { c.Name = "w1" },
		"the log's key":    func(c *cosigner.Config) { c.Signer = w.log },
		"a log of nothing": func(c *cosigner.Config) { c.Logs = []cosigner.Log{{}} },
	} {
		c := w.config
		change(&c)
		if _, err := cosigner.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	t.Run("a log's key is read as the log prints it", func(t *testing.T) {
		public, _ := w.log.Public().Crypto().(ed25519.PublicKey)
		vkey, err := note.NewEd25519VerifierKey(chainName+"/"+channel, public)
		must(t, err)
		l, err := cosigner.ParseLog(vkey)
		if err != nil || l.Trust.Chain != chainName || l.Channel != channel || !l.Trust.Keys[0].Equal(w.log.Public()) {
			t.Errorf("%+v, %v", l, err)
		}
		for _, s := range []string{"", "chain.example+1+x", vkey + "A", w.witness.Identity().String()} {
			if _, err := cosigner.ParseLog(s); err == nil {
				t.Errorf("read %q", s)
			}
		}
	})
}

// A chain with a witness publishes what the witness has signed, and nothing
// else; and a witness that knows more ends it.
func TestChainWithWitness(t *testing.T) {
	ctx := context.Background()
	w := newWatched(t, "witness.example/w1", &trustlog.MemoryStore{})
	other := newWatched(t, "witness.example/w2", &trustlog.MemoryStore{})
	shop := newSigner(t, "did:act:shop.example/coffee#anchor-1")
	config := chain.Config{
		Path: filepath.Join(t.TempDir(), "logs.db"), Chain: chainName, Channels: []string{channel}, Signer: w.log,
		Witnesses: []chain.Witness{w.client}, WitnessTime: 2 * time.Second,
	}
	logs, err := chain.Open(ctx, config)
	must(t, err)
	appended := func(n int) (*trustlog.Place, error) { return appendOne(t, logs, shop, n) }
	for n := range 5 {
		place, err := appended(n)
		must(t, err)
		if place.Index != int64(n) || !bytes.Contains(place.Checkpoint.Note, []byte("— witness.example/w1 ")) {
			t.Fatalf("place %v", place)
		}
	}
	must(t, logs.Close())

	t.Run("a restart asks the witness what it has", func(t *testing.T) {
		logs, err = chain.Open(ctx, config)
		must(t, err)
		if place, err := appended(5); err != nil || place.Index != 5 {
			t.Errorf("%v, %v", place, err)
		}
	})
	t.Run("a witness that does not answer stops the publication, and a repeat finds the place", func(t *testing.T) {
		must(t, logs.Close())
		lying := config
		lying.Witnesses = []chain.Witness{w.client, liar{other.client.Identity()}}
		logs, err = chain.Open(ctx, lying)
		must(t, err) // nothing to publish
		before, err := logs.Checkpoint(channel)
		must(t, err)
		if _, err := appended(6); !errors.Is(err, protocol.ErrUndetermined) {
			t.Fatalf("error %v", err)
		}
		after, err := logs.Checkpoint(channel)
		if err != nil || after.Size != before.Size {
			t.Errorf("size %d, %v", after.Size, err)
		}
		must(t, logs.Close())
		logs, err = chain.Open(ctx, config)
		must(t, err)
		if place, err := appended(6); err != nil || place.Index != 6 {
			t.Errorf("%v, %v", place, err)
		}
	})
	t.Run("a log that gets another witness has the present checkpoint signed by it too", func(t *testing.T) {
		must(t, logs.Close())
		more := config
		more.Witnesses = []chain.Witness{w.client, newcomer(t, w.log)}
		logs, err = chain.Open(ctx, more)
		must(t, err)
		cp, err := logs.Checkpoint(channel)
		must(t, err)
		if _, err := logs.Trust().Checkpoint(channel, cp.Note); err != nil {
			t.Error(err)
		}
	})
	t.Run("a log on an old copy of its data is stopped by the witness", func(t *testing.T) {
		old := config
		old.Path = filepath.Join(t.TempDir(), "old.db")
		if fresh, err := chain.Open(ctx, old); err == nil {
			t.Error("a log from the beginning was opened")
			_ = fresh.Close()
		}
	})
	must(t, logs.Close())
}

// appendOne appends the anchor of a record with a number, and verifies the proof.
func appendOne(t *testing.T, logs *chain.Chain, shop *keys.Signer, n int) (*trustlog.Place, error) {
	t.Helper()
	id := fmt.Sprintf("did:act:shop.example/coffee#rec-%032x", n)
	token, err := attestation.SignAnchor(shop, &attestation.Record{
		Version: attestation.Version, ID: id, Type: attestation.IntentCreated, EventTime: time.Now().Truncate(time.Second),
		HashAlgorithm: attestation.SHA256, PayloadHash: make([]byte, 32), Links: attestation.Links{IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000"},
	}, channel, time.Now())
	must(t, err)
	p, err := logs.Append(context.Background(), chain.Entry{Channel: channel, RecordID: id, Token: token})
	if err != nil {
		return nil, err
	}
	return logs.Trust().Verify(channel, p.Text())
}

// newcomer is a witness who has seen nothing of the log yet.
func newcomer(t *testing.T, log *keys.Signer) *cosigner.Client {
	t.Helper()
	w, err := cosigner.New(cosigner.Config{
		Name: "witness.example/w3", Signer: newSigner(t, "did:act:witness.example/w3#w"), Store: &trustlog.MemoryStore{},
		Logs: []cosigner.Log{{Trust: trustlog.Trust{Chain: chainName, Keys: []keys.PublicKey{log.Public()}}, Channel: channel}},
	})
	must(t, err)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	return cosigner.NewClient(w.Identity(), server.URL, &http.Client{})
}

// A liar signs with another key than it should.
type liar struct{ identity trustlog.Witness }

func (l liar) Identity() trustlog.Witness { return l.identity }

func (l liar) Cosign(_ context.Context, _ int64, _ tlog.TreeProof, signed []byte) ([]byte, error) {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		return nil, err
	}
	s, err := keys.NewSigner("did:act:witness.example/w2#w", keys.Anchor, private)
	if err != nil {
		return nil, err
	}
	cp, err := trustlog.ParseCheckpoint(signed)
	if err != nil {
		return nil, err
	}
	return trustlog.Cosign(s, l.identity.Name, cp, time.Now())
}
