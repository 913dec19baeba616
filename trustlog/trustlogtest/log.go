// Package trustlogtest is a trust chain in memory, for tests of clients: it
// speaks SPEC.md 10.4, takes every anchor of the right form without asking who
// signed it, and can be made to lie.
package trustlogtest

import (
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
)

// A Chain has a log for each channel that is asked for. It is an http.Handler
// for the paths below the chain's URL. Its exported members are set before it
// is used.
type Chain struct {
	Name string // "chain.example/log"
	Now  func() time.Time
	// Cosigners sign every checkpoint, under their names.
	Cosigners map[string]*keys.Signer
	// Readers are the tokens by channel; a channel without one is read by all.
	Readers map[string]string
	// Answer may change every answer: a lie.
	Answer func(r *http.Request, status int, body []byte) (int, []byte)

	signer *keys.Signer
	mu     sync.Mutex
	logs   map[string]*log
}

type log struct {
	tokens [][]byte
	hashes []tlog.Hash // by tlog.StoredHashIndex
	record map[string]int64
	notes  [][]byte // by size
}

// New makes a chain with a key of its own.
func New(name string) (*Chain, error) {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		return nil, err
	}
	host, path, _ := strings.Cut(name, "/")
	s, err := keys.NewSigner("did:act:"+strings.Replace(host, ":", "%3A", 1)+"/"+path+"#log-1", keys.Anchor, private)
	if err != nil {
		return nil, err
	}
	return &Chain{Name: name, Now: time.Now, signer: s, logs: make(map[string]*log)}, nil
}

// Signer is the chain's key.
func (c *Chain) Signer() *keys.Signer { return c.signer }

// Trust is what a client needs to believe this chain. All cosigners are asked
// for.
func (c *Chain) Trust() trustlog.Trust {
	t := trustlog.Trust{Chain: c.Name, Keys: []keys.PublicKey{c.signer.Public()}, Now: c.Now}
	for _, name := range slices.Sorted(maps.Keys(c.Cosigners)) {
		t.Witnesses = append(t.Witnesses, trustlog.Witness{Name: name, Key: c.Cosigners[name].Public()})
	}
	return t
}

// Fork returns a chain with the same key, and of each log the first anchors, at
// most keep of them. What is added to the two is two histories.
func (c *Chain) Fork(keep int64) *Chain {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &Chain{Name: c.Name, Now: c.Now, Cosigners: c.Cosigners, Readers: c.Readers, signer: c.signer, logs: make(map[string]*log)}
	for channel, l := range c.logs {
		n := min(keep, int64(len(l.tokens)))
		copied := &log{
			tokens: slices.Clone(l.tokens[:n]), hashes: slices.Clone(l.hashes[:tlog.StoredHashCount(n)]),
			record: make(map[string]int64), notes: slices.Clone(l.notes[:n+1]),
		}
		for key, index := range l.record {
			if index < n {
				copied.record[key] = index
			}
		}
		f.logs[channel] = copied
	}
	return f
}

// Start serves the chain without TLS until close is called.
func (c *Chain) Start() (url string, close func()) {
	s := httptest.NewServer(c)
	return s.URL, s.Close
}

// ServeHTTP implements http.Handler.
func (c *Chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, body := c.answer(r)
	if c.Answer != nil {
		status, body = c.Answer(r, status, body)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (c *Chain) answer(r *http.Request) (int, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	channel, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	l, err := c.log(channel)
	if err != nil {
		return http.StatusNotFound, nil
	}
	key, lookup := strings.CutPrefix(path, "record/")
	switch {
	case path == "add" && r.Method == http.MethodPost:
		return c.add(l, channel, r.Body)
	case path == "checkpoint":
		return http.StatusOK, l.notes[len(l.tokens)]
	case lookup && c.Readers[channel] != "" && r.Header.Get("Authorization") != "Bearer "+c.Readers[channel]:
		return http.StatusUnauthorized, nil
	case lookup:
		return c.find(l, channel, key)
	}
	t, err := trustlog.ParseTilePath(path)
	if err != nil {
		return http.StatusNotFound, nil
	}
	data, err := tlog.ReadTileData(t, l)
	if err != nil {
		return http.StatusNotFound, nil
	}
	return http.StatusOK, data
}

// log returns the log of a channel, and makes it.
func (c *Chain) log(channel string) (*log, error) {
	l := c.logs[channel]
	if l != nil {
		return l, nil
	}
	l = &log{record: make(map[string]int64)}
	if err := c.publish(l, channel); err != nil {
		return nil, err
	}
	c.logs[channel] = l
	return l, nil
}

// ReadHashes implements tlog.HashReader.
func (l *log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(l.hashes)) {
			return nil, io.ErrUnexpectedEOF
		}
		out[i] = l.hashes[x]
	}
	return out, nil
}

func (c *Chain) publish(l *log, channel string) error {
	size := int64(len(l.tokens))
	origin, err := trustlog.Origin(c.Name, channel)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		return err
	}
	cp := trustlog.Checkpoint{Origin: origin, Size: size, Root: root}
	note, err := trustlog.SignCheckpoint(c.signer, cp, c.Now())
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Cosigners)) {
		line, err := trustlog.Cosign(c.Cosigners[name], name, &cp, c.Now())
		if err != nil {
			return err
		}
		note = append(note, line...)
	}
	l.notes = append(l.notes, note)
	return nil
}

func (c *Chain) add(l *log, channel string, body io.Reader) (int, []byte) {
	token, err := io.ReadAll(io.LimitReader(body, attestation.MaxAnchor+1))
	if err != nil {
		return http.StatusBadRequest, nil
	}
	u, err := attestation.ParseAnchor(token)
	if err != nil || u.Anchor.Channel != channel {
		return http.StatusBadRequest, nil
	}
	key := trustlog.LookupKey(u.Anchor.RecordID)
	index, ok := l.record[key]
	if ok {
		status, answer := c.find(l, channel, key)
		first, err := attestation.ParseAnchor(l.tokens[index])
		if err != nil || !trustlog.SameContent(&first.Anchor, &u.Anchor) {
			status = http.StatusConflict
		}
		return status, answer
	}
	index = int64(len(l.tokens))
	stored, err := tlog.StoredHashesForRecordHash(index, trustlog.Leaf(token), l)
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	l.hashes, l.tokens, l.record[key] = append(l.hashes, stored...), append(l.tokens, token), index
	if err := c.publish(l, channel); err != nil {
		return http.StatusInternalServerError, nil
	}
	return c.find(l, channel, key)
}

func (c *Chain) find(l *log, channel, key string) (int, []byte) {
	index, ok := l.record[key]
	if !ok {
		return c.deny(l, channel, key)
	}
	hashes, err := tlog.ProveRecord(index+1, index, l)
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	p := trustlog.UnverifiedProof{Token: l.tokens[index], Index: index, Hashes: hashes, Checkpoint: l.notes[index+1]}
	return http.StatusOK, p.Text()
}

func (c *Chain) deny(l *log, channel, key string) (int, []byte) {
	if _, err := base64.RawURLEncoding.Strict().DecodeString(key); err != nil {
		return http.StatusBadRequest, nil
	}
	denial, err := trustlog.SignDenial(c.signer, c.Name+"/"+channel, int64(len(l.tokens)), key, c.Now())
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	return http.StatusNotFound, denial
}
