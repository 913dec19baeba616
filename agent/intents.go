package agent

import (
	"context"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// An Intent is what a principal said and confirmed, as it is kept.
type Intent struct {
	ID        string       // intent_id
	Digest    canon.Digest // of the ISR: what a mandate names in source_isr_digest
	ISR       *delegation.ISR
	KeepUntil time.Time
}

// An IntentStore keeps original intents for at least as long as somebody may
// dispute what was bought for them (ADD-INT-ICS-18): the agent keeps an intent
// when it is confirmed, and finds it again by the intent_id that mandates,
// orders and evidence name. Records hold personal data: store them as such.
//
// Every method is atomic and safe for concurrent use. Errors are
// *protocol.Error; a store that cannot tell fails with service_unavailable. The
// contract is a test that any implementation can run: package agenttest.
type IntentStore interface {
	// Keep stores a confirmed intent until at least a time. The same intent
	// again moves the time later, never earlier. Another intent under an id
	// that was used before, also one that is no longer kept, is
	// request_conflict (ADD-INT-ICS-06).
	Keep(ctx context.Context, c *delegation.Confirmed, until time.Time) error

	// Intent returns a kept intent, or field_invalid when there is none. The
	// caller may change what it gets.
	Intent(ctx context.Context, id string) (Intent, error)

	// Purge forgets the intents whose time has passed, but not that their ids
	// were used, and returns how many they were.
	Purge(ctx context.Context, now time.Time) (int, error)
}

// A MemoryIntents is an IntentStore in memory, for tests and for agents whose
// purchases are never disputed after their process has ended. The zero value is
// ready for use.
type MemoryIntents struct {
	mu   sync.Mutex
	kept map[string]keptIntent
}

type keptIntent struct {
	digest    canon.Digest
	confirmed *delegation.Confirmed // nil once purged
	until     time.Time
}

// Keep implements IntentStore.
func (m *MemoryIntents) Keep(_ context.Context, c *delegation.Confirmed, until time.Time) error {
	isr := c.ISR()
	if isr.IntentID == "" {
		return protocol.New(protocol.CodeFieldMissing, "intent_id", "ADD-INT-ICS-18", "a confirmed intent is needed")
	}
	digest, err := isr.Digest()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, used := m.kept[isr.IntentID]
	if used && old.digest != digest {
		return protocol.New(protocol.CodeRequestConflict, "intent_id", "ADD-INT-ICS-06", "used for another intent")
	}
	if until.Before(old.until) {
		until = old.until
	}
	if m.kept == nil {
		m.kept = map[string]keptIntent{}
	}
	m.kept[isr.IntentID] = keptIntent{digest: digest, confirmed: c, until: until}
	return nil
}

// Intent implements IntentStore.
func (m *MemoryIntents) Intent(_ context.Context, id string) (Intent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.kept[id]
	if k.confirmed == nil {
		return Intent{}, protocol.New(protocol.CodeFieldInvalid, "intent_id", "ADD-INT-ICS-18", "no such intent is kept")
	}
	return Intent{ID: id, Digest: k.digest, ISR: k.confirmed.ISR(), KeepUntil: k.until}, nil
}

// Purge implements IntentStore.
func (m *MemoryIntents) Purge(_ context.Context, now time.Time) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for id, k := range m.kept {
		if k.confirmed != nil && !now.Before(k.until) {
			m.kept[id] = keptIntent{digest: k.digest, until: k.until}
			n++
		}
	}
	return n, nil
}
