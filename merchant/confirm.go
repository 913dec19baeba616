package merchant

import (
	"context"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
)

const (
	confirmBatch    = 64
	confirmParallel = 8
	confirmPatience = time.Minute // the longest pause between two attempts
	// confirmGather is how long a first delivery waits for others, so that a
	// busy shop does not wake a goroutine for each.
	confirmGather = 2 * time.Millisecond
)

// A confirmer tells the provider what has been delivered (PSD-PAY-A402-10).
// Its queue is the OrderStore, so that nothing is lost when the process ends.
// It has one goroutine, and only while there is something to tell.
type confirmer struct {
	orders OrderStore
	rail   Rail
	now    func() time.Time
	pause  time.Duration // after a first failure; doubles

	ctx    context.Context // ended by close
	cancel context.CancelFunc

	mu      sync.Mutex
	running chan struct{} // closed when the goroutine ends; nil while there is none
	again   bool          // something was delivered since the queue was last read
	closed  bool
}

func newConfirmer(orders OrderStore, rail Rail, now func() time.Time, pause time.Duration) *confirmer {
	ctx, cancel := context.WithCancel(context.Background())
	return &confirmer{orders: orders, rail: rail, now: now, pause: pause, ctx: ctx, cancel: cancel}
}

// kick makes sure that what is in the queue will be told. It returns a channel
// that is closed when the queue has been empty, or nil after close.
func (c *confirmer) kick() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.again = true
	if c.running == nil {
		c.running = make(chan struct{})
		go c.run()
	}
	return c.running
}

// flush waits until the queue has been empty.
func (c *confirmer) flush(ctx context.Context) error {
	done := c.kick()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return protocol.Wrap(protocol.CodeServiceUnavailable, "", "PSD-PAY-A402-10", "deliveries are still to be confirmed", ctx.Err())
	}
}

// close flushes, then stops the goroutine and waits for it.
func (c *confirmer) close(ctx context.Context) error {
	err := c.flush(ctx)
	c.mu.Lock()
	c.closed = true
	done := c.running
	c.mu.Unlock()
	c.cancel()
	if done != nil {
		<-done
	}
	return err
}

func (c *confirmer) run() {
	pause, stuck := c.pause, 0
	c.sleep(confirmGather)
	for {
		c.mu.Lock()
		c.again = false
		c.mu.Unlock()
		var left, failed bool
		left, failed, stuck = c.round(confirmBatch + stuck)
		switch {
		case c.ctx.Err() != nil:
		case failed:
			c.sleep(pause)
			pause = min(2*pause, max(confirmPatience, c.pause))
			continue
		case left:
			pause = c.pause
			continue
		}
		if c.end() {
			return
		}
		c.sleep(confirmGather)
	}
}

// sleep waits, but not after close.
func (c *confirmer) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

// end ends the goroutine unless something has come in meanwhile.
func (c *confirmer) end() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.again && c.ctx.Err() == nil {
		return false
	}
	close(c.running)
	c.running = nil
	return true
}

// round tells one batch. left says that there may be more, failed that some of
// it, or the queue itself, has to be tried again later. refused is how many of
// it the provider has refused, and for no reason that is known to be final: the
// next batch is larger by so many, or they, the oldest, would keep the provider
// from hearing of any other.
func (c *confirmer) round(batch int) (left, failed bool, refused int) {
	list, err := c.orders.Unconfirmed(c.ctx, batch)
	if err != nil {
		return false, true, 0
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, confirmParallel)
	errs := make([]error, len(list))
	for i, d := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = c.tell(d)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			continue
		}
		failed = true
		if protocol.AsError(err).Code.Outcome() == protocol.Denied {
			refused++
		}
	}
	return len(list) > 0, failed, refused
}

// tell confirms one delivery, or records that the provider refuses it for
// good. Anything else is an error and tried again.
func (c *confirmer) tell(d Delivery) error {
	state, err := c.rail.Confirm(c.ctx, d)
	switch protocol.CodeOf(err) {
	case protocol.CodeTradeUnknown, protocol.CodeStateConflict, protocol.CodeActorRefused,
		protocol.CodeProofMismatch, protocol.CodeProofUsed:
		return c.orders.Reject(c.ctx, d.OutTradeNo)
	}
	if err != nil {
		return err
	}
	return c.orders.Confirm(c.ctx, d.OutTradeNo, state, c.now())
}
