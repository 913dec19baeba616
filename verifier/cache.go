package verifier

import (
	"container/list"
	"context"
	"sync"

	"github.com/actprotocol/act-go/protocol"
)

// lru is a map that holds at most a given weight and forgets what was used
// longest ago. It has no lock: its owner has one.
type lru[K comparable, V any] struct {
	limit, weight int
	entries       map[K]*list.Element
	order         *list.List // front is the most recent
}

type lruEntry[K comparable, V any] struct {
	key    K
	value  V
	weight int
}

func newLRU[K comparable, V any](limit int) *lru[K, V] {
	return &lru[K, V]{limit: limit, entries: make(map[K]*list.Element), order: list.New()}
}

func (l *lru[K, V]) get(key K) (V, bool) {
	e, ok := l.entries[key]
	if !ok {
		var none V
		return none, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*lruEntry[K, V]).value, true
}

// put stores a value; one that is heavier than the whole limit is not kept.
func (l *lru[K, V]) put(key K, value V, weight int) {
	l.remove(key)
	if weight > l.limit {
		return
	}
	l.entries[key] = l.order.PushFront(&lruEntry[K, V]{key, value, weight})
	l.weight += weight
	for l.weight > l.limit {
		l.drop(l.order.Back())
	}
}

func (l *lru[K, V]) remove(key K) {
	if e, ok := l.entries[key]; ok {
		l.drop(e)
	}
}

func (l *lru[K, V]) drop(e *list.Element) {
	entry := e.Value.(*lruEntry[K, V])
	l.order.Remove(e)
	delete(l.entries, entry.key)
	l.weight -= entry.weight
}

// flights makes a burst of callers who want the same thing share one fetch,
// and bounds how many fetches run at once.
//
// A fetch is not cancelled when the caller who began it leaves: others may be
// waiting for it, and it has a time limit of its own.
type flights[V any] struct {
	mu      sync.Mutex
	running map[string]*flight[V]
	limit   int
}

type flight[V any] struct {
	done  chan struct{}
	value V
	err   error
}

func newFlights[V any](limit int) *flights[V] {
	return &flights[V]{running: make(map[string]*flight[V]), limit: limit}
}

// do returns the result of fetch for key, running it unless it runs already.
// busy is the error for a fetch that would be one too many, or whose caller
// did not wait for its end.
func (f *flights[V]) do(ctx context.Context, key string, busy *protocol.Error, fetch func(context.Context) (V, error)) (V, error) {
	var none V
	f.mu.Lock()
	fl, ok := f.running[key]
	if !ok {
		if len(f.running) >= f.limit {
			f.mu.Unlock()
			return none, busy
		}
		fl = &flight[V]{done: make(chan struct{})}
		f.running[key] = fl
		go f.run(context.WithoutCancel(ctx), key, fl, fetch)
	}
	f.mu.Unlock()
	select {
	case <-fl.done:
		return fl.value, fl.err
	case <-ctx.Done():
		return none, protocol.Wrap(busy.Code, busy.Field, busy.Requirement, "the caller did not wait", ctx.Err())
	}
}

func (f *flights[V]) run(ctx context.Context, key string, fl *flight[V], fetch func(context.Context) (V, error)) {
	defer func() {
		f.mu.Lock()
		delete(f.running, key)
		f.mu.Unlock()
		close(fl.done)
	}()
	fl.value, fl.err = fetch(ctx)
}
