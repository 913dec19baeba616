package verifier

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
)

// A ReplayStore remembers nonces (PSD-PAY-DEL-04, IDN-04).
//
// Use records (scope, nonce) until the given time and returns nil exactly
// once; every further call for the pair before that time fails with replayed,
// also when the calls are concurrent. A store that cannot tell, because it is
// full or broken, fails with service_unavailable and never forgets a live
// nonce to make room. A time that has already passed is field_invalid.
//
// A store behind more than one process must be shared between them, and one
// that outlives a crash must be durable: a nonce that is forgotten on restart
// is a payment request that can be sent again. The contract is a test that any
// implementation can run: package verifiertest.
type ReplayStore interface {
	Use(ctx context.Context, scope, nonce string, until time.Time) error
}

// DefaultReplayCapacity is the number of live nonces a MemoryReplay holds when
// no other is asked for: some 600 requests a second for seven minutes.
const DefaultReplayCapacity = 1 << 18

// MemoryReplay is a ReplayStore in memory, for a single process whose requests
// do not outlive it: tests, demonstrations, a paywall in front of cheap pages.
// It holds about 100 bytes a nonce and refuses with service_unavailable when
// full of nonces that are still live.
type MemoryReplay struct {
	now      func() time.Time
	capacity int

	mu    sync.Mutex
	live  map[nonceKey]struct{}
	queue nonceQueue
}

// NewMemoryReplay returns an empty store for at most capacity live nonces; 0
// means DefaultReplayCapacity. A nil clock is time.Now.
func NewMemoryReplay(capacity int, now func() time.Time) *MemoryReplay {
	if capacity <= 0 {
		capacity = DefaultReplayCapacity
	}
	if now == nil {
		now = time.Now
	}
	return &MemoryReplay{now: now, capacity: capacity, live: make(map[nonceKey]struct{})}
}

// Use implements ReplayStore.
func (m *MemoryReplay) Use(_ context.Context, scope, nonce string, until time.Time) error {
	if scope == "" || nonce == "" {
		return protocol.New(protocol.CodeFieldMissing, "nonce", "PSD-PAY-DEL-04", "a scope and a nonce are needed")
	}
	key := makeNonceKey(scope, nonce)
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if !until.After(now) {
		return protocol.New(protocol.CodeFieldInvalid, "until", "PSD-PAY-DEL-04", "a nonce is kept until a time to come")
	}
	m.forget(now)
	if _, used := m.live[key]; used {
		return protocol.New(protocol.CodeReplayed, "nonce", "PSD-PAY-DEL-04", "")
	}
	if len(m.live) >= m.capacity {
		return protocol.New(protocol.CodeServiceUnavailable, "nonce", "PSD-PAY-DEL-04", "the replay store is full")
	}
	m.live[key] = struct{}{}
	heap.Push(&m.queue, queuedNonce{until: until, key: key})
	return nil
}

// Len returns the number of nonces held, live ones and those not yet swept.
func (m *MemoryReplay) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.live)
}

// forget drops the nonces whose time is over.
func (m *MemoryReplay) forget(now time.Time) {
	for len(m.queue) > 0 && !m.queue[0].until.After(now) {
		delete(m.live, heap.Pop(&m.queue).(queuedNonce).key)
	}
}

// nonceKey is a digest, so that the length of what a sender chose does not
// decide how much memory it takes.
type nonceKey [sha256.Size]byte

func makeNonceKey(scope, nonce string) nonceKey {
	b := make([]byte, 8, 8+len(scope)+len(nonce))
	binary.BigEndian.PutUint64(b, uint64(len(scope)))
	b = append(b, scope...)
	return sha256.Sum256(append(b, nonce...))
}

type queuedNonce struct {
	until time.Time
	key   nonceKey
}

// nonceQueue is a heap with the nonce that ends first on top.
type nonceQueue []queuedNonce

func (q nonceQueue) Len() int           { return len(q) }
func (q nonceQueue) Less(i, j int) bool { return q[i].until.Before(q[j].until) }
func (q nonceQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *nonceQueue) Push(x any)        { *q = append(*q, x.(queuedNonce)) }
func (q *nonceQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
