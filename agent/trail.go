package agent

import (
	"context"
	"sync"
)

// A trail is what became of the payments of one request, for FetchAny, through
// redirects and whatever else an http.Client does. The methods of a nil trail do
// nothing.
type trail struct {
	mu     sync.Mutex
	passed bool // the request has come to a transport of ours
	open   int  // payments that may have moved money
}

type trailKey struct{}

func withTrail(ctx context.Context) (context.Context, *trail) {
	t := new(trail)
	return context.WithValue(ctx, trailKey{}, t), t
}

func trailOf(ctx context.Context) *trail {
	t, _ := ctx.Value(trailKey{}).(*trail)
	return t
}

func (t *trail) pass() {
	if t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.passed = true
	}
}

// begin records that money may move from here on.
func (t *trail) begin() { t.add(1) }

// end records that what was begun has certainly moved none.
func (t *trail) end() { t.add(-1) }

func (t *trail) add(n int) {
	if t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.open += n
	}
}

// clear reports whether it is certain that nothing was paid.
func (t *trail) clear() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.passed && t.open == 0
}
