package recordertest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
	"github.com/actprotocol/act-go/trustlog"
)

// A Log is a trust chain in memory: a recorder.Anchorer whose receipts verify
// by the chain's key, and which can be made to fail. It is safe for concurrent
// use. It judges no anchor's signature, and serves nobody.
type Log struct {
	chain  string
	signer *keys.Signer
	now    func() time.Time

	mu       sync.Mutex
	channels map[string]*tree
	failures []error
	calls    int
}

// tree is one channel's Merkle tree.
type tree struct {
	tokens [][]byte
	stored []tlog.Hash
	byID   map[string]int64
}

// NewLog returns an empty chain of a name, "chain.test/log", which signs with a
// key of purpose anchor.
func NewLog(chain string, signer *keys.Signer, now func() time.Time) *Log {
	return &Log{chain: chain, signer: signer, now: now, channels: make(map[string]*tree)}
}

// Trust is what a verifier trusts who trusts this chain.
func (l *Log) Trust() trustlog.Trust {
	return trustlog.Trust{Chain: l.chain, Keys: []keys.PublicKey{l.signer.Public()}, Now: l.now}
}

// Fail makes the next calls of Submit fail, one with each error; nil lets one
// through.
func (l *Log) Fail(errs ...error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, errs...)
}

// Calls is how often Submit was called.
func (l *Log) Calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

// IDs are the ids of the records whose anchors a channel has, in order.
func (l *Log) IDs(channel string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.channels[channel]
	if t == nil {
		return nil
	}
	out := make([]string, len(t.tokens))
	for id, i := range t.byID {
		out[i] = id
	}
	return out
}

// Submit implements recorder.Anchorer.
func (l *Log) Submit(ctx context.Context, token []byte) (recorder.Receipt, error) {
	u, err := attestation.ParseAnchor(token)
	if err != nil {
		return recorder.Receipt{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if len(l.failures) > 0 {
		err, l.failures = l.failures[0], l.failures[1:]
		if err != nil {
			return recorder.Receipt{}, err
		}
	}
	t := l.channels[u.Anchor.Channel]
	if t == nil {
		t = &tree{byID: make(map[string]int64)}
		l.channels[u.Anchor.Channel] = t
	}
	i, there := t.byID[u.Anchor.RecordID]
	switch {
	case there && string(t.tokens[i]) != string(token):
		return recorder.Receipt{}, protocol.New(protocol.CodeRequestConflict, "record_id", "TSD-ATT-OCA-04", "another anchor of this record")
	case !there:
		i = int64(len(t.tokens))
		entry := trustlog.Entry(token)
		hashes, err := tlog.StoredHashes(i, entry[:], tlog.HashReaderFunc(t.read))
		if err != nil {
			return recorder.Receipt{}, err
		}
		t.stored, t.tokens = append(t.stored, hashes...), append(t.tokens, token)
		t.byID[u.Anchor.RecordID] = i
	}
	return l.receipt(u.Anchor.Channel, t, i)
}

func (t *tree) read(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(t.stored)) {
			return nil, fmt.Errorf("no hash %d", x)
		}
		out[i] = t.stored[x]
	}
	return out, nil
}

// receipt proves an anchor under a checkpoint of now.
func (l *Log) receipt(channel string, t *tree, index int64) (recorder.Receipt, error) {
	size, reader := int64(len(t.tokens)), tlog.HashReaderFunc(t.read)
	root, err := tlog.TreeHash(size, reader)
	if err != nil {
		return recorder.Receipt{}, err
	}
	hashes, err := tlog.ProveRecord(size, index, reader)
	if err != nil {
		return recorder.Receipt{}, err
	}
	origin, err := trustlog.Origin(l.chain, channel)
	if err != nil {
		return recorder.Receipt{}, err
	}
	note, err := trustlog.SignCheckpoint(l.signer, trustlog.Checkpoint{Origin: origin, Size: size, Root: root}, l.now())
	if err != nil {
		return recorder.Receipt{}, err
	}
	proof := (&trustlog.UnverifiedProof{Token: t.tokens[index], Index: index, Hashes: hashes, Checkpoint: note}).Text()
	place, err := l.Trust().Verify(channel, proof)
	if err != nil {
		return recorder.Receipt{}, err
	}
	return recorder.Receipt{Place: place.String(), Proof: place.Proof()}, nil
}

// Find implements the Prover of package evidence.
func (l *Log) Find(_ context.Context, channel, recordID string) (*trustlog.Place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.channels[channel]
	if t == nil {
		return nil, recorder.ErrNotFound
	}
	i, there := t.byID[recordID]
	if !there {
		return nil, recorder.ErrNotFound
	}
	r, err := l.receipt(channel, t, i)
	if err != nil {
		return nil, err
	}
	return l.Trust().Verify(channel, r.Proof)
}
