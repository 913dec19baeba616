package merchant

import (
	"sync"
	"time"
)

// maxRated bounds the memory of an intentRates: some 100 bytes an agent.
const maxRated = 1 << 16

// intentRates limits how many requests are served in a minute, of one agent and
// of all, by token buckets: after a pause, a minute's worth may come at once.
type intentRates struct {
	perAgent float64

	mu     sync.Mutex
	all    bucket
	total  float64
	agents map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time // when tokens was computed
}

func newIntentRates(perAgent, perShop int) *intentRates {
	return &intentRates{
		perAgent: float64(perAgent), total: float64(perShop),
		all: bucket{tokens: float64(perShop)}, agents: make(map[string]*bucket),
	}
}

// take reports whether one more request of an agent is served. One that is not
// costs the others nothing.
func (r *intentRates) take(agent string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.agents[agent]
	if b == nil {
		if len(r.agents) >= maxRated {
			r.prune(now)
		}
		b = &bucket{tokens: r.perAgent, at: now}
		r.agents[agent] = b
	}
	b.fill(r.perAgent, now)
	r.all.fill(r.total, now)
	if b.tokens < 1 || r.all.tokens < 1 {
		return false
	}
	b.tokens--
	r.all.tokens--
	return true
}

// fill adds what a minute's worth of requests comes to in the time that passed.
func (b *bucket) fill(perMinute float64, now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(perMinute, b.tokens+perMinute*passed.Minutes())
		b.at = now
	}
}

// prune forgets the agents that may send all of a minute's worth again, or, if
// there are too few of them, all: then the limit for the shop remains.
func (r *intentRates) prune(now time.Time) {
	for id, b := range r.agents {
		if now.Sub(b.at) >= time.Minute {
			delete(r.agents, id)
		}
	}
	if len(r.agents) >= maxRated/2 {
		clear(r.agents)
	}
}
