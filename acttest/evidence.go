package acttest

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/verifier"
)

// A Chain is a verifier.AnchorSource in memory, for anchors that it is given: a
// chain without the proofs. It can be taken out of order. It is safe for
// concurrent use; the zero value is empty.
type Chain struct {
	mu    sync.Mutex
	found map[[2]string]*verifier.Anchored // by channel and record id
	down  bool
	asked int
}

// Submit appends an anchor at a time. The second for a record id in a channel
// is refused and answered with the first (TSD-ATT-OCA-04).
func (c *Chain) Submit(token []byte, at time.Time) (*verifier.Anchored, error) {
	u, err := attestation.ParseAnchor(token)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]string{u.Anchor.Channel, u.Anchor.RecordID}
	if first := c.found[key]; first != nil {
		return first, protocol.New(protocol.CodeStateConflict, "record_id", "TSD-ATT-OCA-04", "this record has an anchor")
	}
	return c.put(key, token, at), nil
}

// Put makes the chain answer with whatever token is given, for tests of what a
// verifier does then.
func (c *Chain) Put(channel, recordID string, token []byte, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put([2]string{channel, recordID}, token, at)
}

func (c *Chain) put(key [2]string, token []byte, at time.Time) *verifier.Anchored {
	if c.found == nil {
		c.found = map[[2]string]*verifier.Anchored{}
	}
	a := &verifier.Anchored{Token: token, Place: key[0] + " " + strconv.Itoa(len(c.found)), At: at}
	c.found[key] = a
	return a
}

// SetDown makes every query fail, or work again.
func (c *Chain) SetDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// Asked is the number of queries so far.
func (c *Chain) Asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// Anchor implements verifier.AnchorSource.
func (c *Chain) Anchor(ctx context.Context, channel, recordID string) (*verifier.Anchored, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.down {
		return nil, protocol.New(protocol.CodeServiceUnavailable, "anchor", "TSD-ATT-SVF-03", "the chain is down")
	}
	if a := c.found[[2]string{channel, recordID}]; a != nil {
		out := *a
		return &out, nil
	}
	return nil, verifier.ErrAnchorNotFound
}

// An Archive is a verifier.RecordSource in memory. It is safe for concurrent
// use; the zero value is empty.
type Archive struct {
	mu      sync.Mutex
	records map[string][]byte
}

// Put keeps a record under an id. It looks at neither.
func (a *Archive) Put(recordID string, raw []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.records == nil {
		a.records = map[string][]byte{}
	}
	a.records[recordID] = raw
}

// Record implements verifier.RecordSource.
func (a *Archive) Record(_ context.Context, recordID string) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if raw, ok := a.records[recordID]; ok {
		return raw, nil
	}
	return nil, protocol.New(protocol.CodeContextUnknown, "record_id", "TSD-ATT-OFF-10", "no such record")
}
