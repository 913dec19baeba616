package acttest

import (
	"sync"
	"time"
)

// Start is the time at which the clock of a World begins: a fixed instant, so
// that tests do not depend on the day they run.
var Start = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)

// A Clock is a clock that moves only when it is told to. It is safe for
// concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows the given time.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now is the time that the clock shows: pass the method where a Config wants a
// func() time.Time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
