// Package limit keeps what one party does from hurting the others: token buckets
// by name, and a bound on open connections.
//
// Memory is bounded. A [Rate] that has no room for another name forgets the one
// it has not seen for longest, which thereby gets a full bucket back: names that
// somebody invents, however many, never take anything from a name they do not
// use.
package limit

import (
	"container/list"
	"sync"
	"time"
)

// DefaultNames is how many names a Rate remembers; about 150 bytes each, besides
// the name.
const DefaultNames = 1 << 14

// A Rate is a token bucket a name: so many events a second, and as many at once
// as two seconds give. It is safe for concurrent use. The zero value lets
// everything pass.
type Rate struct {
	perSecond, burst float64
	names            int
	now              func() time.Time

	mu      sync.Mutex
	buckets map[string]*list.Element // of *bucket
	recent  *list.List               // the one used last at the front
}

type bucket struct {
	name   string
	tokens float64
	at     time.Time
}

// NewRate returns one; with a perSecond of zero everything passes. names is
// DefaultNames when zero, and a nil clock is time.Now.
func NewRate(perSecond, names int, now func() time.Time) *Rate {
	if names <= 0 {
		names = DefaultNames
	}
	if now == nil {
		now = time.Now
	}
	p := max(0, float64(perSecond))
	return &Rate{perSecond: p, burst: 2 * p, names: names, now: now, buckets: make(map[string]*list.Element), recent: list.New()}
}

// Allow takes a token from the bucket of a name, and reports whether there was
// one.
func (r *Rate) Allow(name string) bool {
	if r.perSecond == 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	b := r.bucket(name, now)
	if passed := now.Sub(b.at).Seconds(); passed > 0 { // a clock that was set back gives nothing
		b.tokens = min(r.burst, b.tokens+passed*r.perSecond)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (r *Rate) bucket(name string, now time.Time) *bucket {
	if e, ok := r.buckets[name]; ok {
		r.recent.MoveToFront(e)
		b, _ := e.Value.(*bucket)
		return b
	}
	if last := r.recent.Back(); len(r.buckets) >= r.names && last != nil {
		if b, ok := last.Value.(*bucket); ok {
			delete(r.buckets, b.name)
		}
		r.recent.Remove(last)
	}
	b := &bucket{name: name, tokens: r.burst, at: now}
	r.buckets[name] = r.recent.PushFront(b)
	return b
}

// Names is how many names are remembered now.
func (r *Rate) Names() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.buckets)
}
