package merchant

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// IntentContexts keeps what agents have told a shop of their needs, for a short
// time, so that an update need not say all again (CID-INT-XFR-04). It holds
// personal data.
//
// Every method is atomic and safe for concurrent use. Times come from the
// caller. Errors are *protocol.Error; a store that cannot tell fails with
// service_unavailable. A store is bounded, for each agent and in all, and
// forgets what was kept first when it is full: an agent whose context is gone
// says all again, while one that is refused could say nothing. It may be empty
// after a crash for the same reason. The contract is a test that any
// implementation can run: package merchanttest.
type IntentContexts interface {
	// Keep stores c under (Agent, RequestID) until KeepUntil. The same Content
	// again changes nothing, another one is request_conflict.
	Keep(ctx context.Context, c IntentContext, now time.Time) error

	// Context returns what is kept under (agent, requestID), or
	// context_unknown: also when it is over, or another agent's.
	Context(ctx context.Context, agent, requestID string, now time.Time) (IntentContext, error)
}

// An IntentContext is what an agent has told with one request and those that it
// updates.
type IntentContext struct {
	Agent     string       // DID
	RequestID string       // unique within Agent
	Content   canon.Digest // of the request without what changes on repetition

	IntentID, DelegationID string          // as the request has them
	Updates                int             // how many requests come before in the chain
	Intent                 commerce.Intent // with all updates
	KeepUntil              time.Time
}

// Bounds of a MemoryIntentContexts when no others are asked for.
const (
	DefaultContexts         = 1 << 14
	DefaultContextsPerAgent = 32
)

// A context has seldom more than 1 KiB, and at most some 90: agents who fill
// theirs, with one update after the other, leave room for fewer.
const (
	contextRoom     = 4 << 10 // for each context that a store may hold, together
	leastRoom       = 1 << 20
	contextOverhead = 512 // beside its texts
)

// A MemoryIntentContexts is an IntentContexts in memory, for a shop of one
// process.
type MemoryIntentContexts struct {
	total, perAgent, room int

	mu     sync.Mutex
	bytes  int // of all that are kept
	byKey  map[contextKey]*list.Element
	agents map[string]int // how many are kept of an agent
	oldest *list.List     // of IntentContext, in the order of keeping
}

type contextKey struct{ agent, request string }

// NewMemoryIntentContexts returns an empty store for at most total contexts,
// perAgent of them of one agent; 0 means DefaultContexts and
// DefaultContextsPerAgent. All together have at most 4 KiB for each of total,
// but 1 MiB at least.
func NewMemoryIntentContexts(total, perAgent int) *MemoryIntentContexts {
	if total <= 0 {
		total = DefaultContexts
	}
	if perAgent <= 0 {
		perAgent = DefaultContextsPerAgent
	}
	return &MemoryIntentContexts{
		total: total, perAgent: perAgent, room: max(leastRoom, total*contextRoom), oldest: list.New(), byKey: make(map[contextKey]*list.Element), agents: make(map[string]int),
	}
}

// Keep implements IntentContexts.
func (m *MemoryIntentContexts) Keep(_ context.Context, c IntentContext, now time.Time) error {
	if c.Agent == "" || c.RequestID == "" || c.Content == "" || !c.KeepUntil.After(now) {
		return protocol.New(protocol.CodeFieldMissing, "request_id", "CID-INT-XFR-04", "a context needs an agent, an id, a content and a time to come")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	if e := m.byKey[c.key()]; e != nil {
		switch old := e.Value.(IntentContext); {
		case !old.KeepUntil.After(now):
			m.forget(e)
		case old.Content == c.Content:
			return nil
		default:
			return requestConflict()
		}
	}
	switch {
	case m.agents[c.Agent] >= m.perAgent:
		m.forget(m.oldestOf(c.Agent))
	case m.oldest.Len() >= m.total:
		m.forget(m.oldest.Front())
	}
	for m.oldest.Len() > 0 && m.bytes+c.size() > m.room {
		m.forget(m.oldest.Front())
	}
	c.Intent = c.Intent.Clone()
	m.byKey[c.key()] = m.oldest.PushBack(c)
	m.agents[c.Agent]++
	m.bytes += c.size()
	return nil
}

// Context implements IntentContexts.
func (m *MemoryIntentContexts) Context(_ context.Context, agent, requestID string, now time.Time) (IntentContext, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	e := m.byKey[contextKey{agent, requestID}]
	if e == nil || !e.Value.(IntentContext).KeepUntil.After(now) {
		return IntentContext{}, protocol.New(protocol.CodeContextUnknown, "previous_request_id", "CID-INT-XFR-04", "")
	}
	c := e.Value.(IntentContext)
	c.Intent = c.Intent.Clone()
	return c, nil
}

// Len is the number of contexts that are held.
func (m *MemoryIntentContexts) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.oldest.Len()
}

// size is about how many bytes of memory a context takes.
func (c IntentContext) size() int {
	n := contextOverhead + len(c.Agent) + len(c.RequestID) + len(c.IntentID) + len(c.DelegationID) + len(c.Intent.Context.Explicit)
	for _, list := range [][]string{
		c.Intent.Context.Implicit, c.Intent.Context.Preferences, c.Intent.Context.Background,
		c.Intent.Constraints.AllowedCategories, c.Intent.Constraints.ForbiddenCategories,
	} {
		for _, text := range list {
			n += len(text)
		}
	}
	return n
}

func (c IntentContext) key() contextKey { return contextKey{c.Agent, c.RequestID} }

// expire forgets, from the oldest on, what is over. With one life for all, as a
// shop has it, that is everything that is over.
func (m *MemoryIntentContexts) expire(now time.Time) {
	for e := m.oldest.Front(); e != nil && !e.Value.(IntentContext).KeepUntil.After(now); e = m.oldest.Front() {
		m.forget(e)
	}
}

func (m *MemoryIntentContexts) oldestOf(agent string) *list.Element {
	e := m.oldest.Front()
	for e.Value.(IntentContext).Agent != agent {
		e = e.Next()
	}
	return e
}

func (m *MemoryIntentContexts) forget(e *list.Element) {
	c := m.oldest.Remove(e).(IntentContext)
	delete(m.byKey, c.key())
	m.bytes -= c.size()
	if m.agents[c.Agent]--; m.agents[c.Agent] == 0 {
		delete(m.agents, c.Agent)
	}
}
