package agent_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// A board is where alerts are pinned.
type board struct {
	mu    sync.Mutex
	seen  []agent.Alert
	wakes chan struct{}
}

func newBoard() *board { return &board{wakes: make(chan struct{}, 64)} }

func (b *board) pin(a agent.Alert) {
	b.mu.Lock()
	b.seen = append(b.seen, a)
	b.mu.Unlock()
	b.wakes <- struct{}{}
}

// wait returns the alerts once there are n, and a moment has passed in which no
// more came.
func (b *board) wait(t *testing.T, n int) []agent.Alert {
	t.Helper()
	for range n {
		select {
		case <-b.wakes:
		case <-time.After(5 * time.Second):
			t.Fatalf("fewer than %d alerts", n)
		}
	}
	time.Sleep(20 * time.Millisecond)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) != n {
		t.Fatalf("%d alerts, want %d: %+v", len(b.seen), n, b.seen)
	}
	return b.seen
}

// quiet fails when another alert comes.
func (b *board) quiet(t *testing.T) {
	t.Helper()
	select {
	case <-b.wakes:
		t.Fatalf("another alert: %+v", b.seen)
	case <-time.After(20 * time.Millisecond):
	}
}

func TestAlerts(t *testing.T) {
	t.Run("PSD-PAY-AUP-05 near the total, once, with what was spent", func(t *testing.T) {
		b := newBoard()
		m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Alert = b.pin }})
		mandate := m.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "12.50" })
		for range 3 {
			_, err := m.get("/report")
			must(t, err)
		}
		b.quiet(t)
		for range 2 { // 10.00 of 12.50 are 80 %
			_, err := m.get("/report")
			must(t, err)
		}
		a := b.wait(t, 1)[0]
		if a.Reason != agent.NearTotal || a.Mandate != mandate.Key() || a.Spent != acttest.CNY(t, "10.00") || a.Total != acttest.CNY(t, "12.50") || !a.Ends.Equal(acttest.Start.Add(24*time.Hour)) {
			t.Errorf("%+v", a)
		}
	})
	t.Run("PSD-PAY-AUP-05 near the end, once, for each mandate", func(t *testing.T) {
		b := newBoard()
		m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Alert, c.AlertBefore = b.pin, time.Hour }})
		m.Grant(t, nil)
		m.Grant(t, nil)
		m.Clock.Advance(23*time.Hour - time.Second)
		_, d := m.Agent.Check(ctx, delegation.Purchase{})
		if d.Allowed() {
			t.Fatal("nothing is allowed to be bought")
		}
		b.quiet(t)
		m.Clock.Advance(time.Second)
		for range 3 {
			m.Agent.Check(ctx, delegation.Purchase{})
		}
		for _, a := range b.wait(t, 2) {
			if a.Reason != agent.NearEnd {
				t.Errorf("%+v", a)
			}
		}
		m.Clock.Advance(time.Hour) // over: that is a refusal and no alert
		m.Agent.Check(ctx, delegation.Purchase{})
		b.quiet(t)
	})
	t.Run("PSD-PAY-AUP-05 a tenth of the window is near", func(t *testing.T) {
		b := newBoard()
		m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Alert = b.pin }})
		m.Grant(t, func(i *delegation.ISR) { i.ValidityEnd = i.ValidityStart.Add(10 * time.Hour) })
		m.Clock.Advance(9*time.Hour - time.Second)
		m.Agent.Check(ctx, delegation.Purchase{})
		b.quiet(t)
		m.Clock.Advance(time.Second)
		m.Agent.Check(ctx, delegation.Purchase{})
		b.wait(t, 1)
	})
	t.Run("an instant buyer's intent too", func(t *testing.T) {
		b := newBoard()
		s := newTill(t, func(c *agent.Config) { c.Alert, c.AlertShare = b.pin, 50 })
		i := s.instant(s.agree)
		_, err := s.buy(i)
		must(t, err)
		if a := b.wait(t, 1)[0]; a.Mandate != i.Intent().Key() || a.Reason != agent.NearTotal {
			t.Errorf("%+v", a)
		}
	})
}

// Many payments at once, with a function that is slow, blocks or panics: each
// reason is told once, and nobody waits.
func TestAlertsConcurrently(t *testing.T) {
	b := newBoard()
	release := make(chan struct{})
	defer close(release)
	m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) {
		c.AlertBefore = 48 * time.Hour // longer than the window: at once
		c.Alert = func(a agent.Alert) {
			b.pin(a)
			if a.Reason == agent.NearEnd {
				panic("secret")
			}
			<-release
		}
	}})
	m.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "8" })
	var wg sync.WaitGroup
	for n := range 8 {
		path := fmt.Sprintf("/r%d", n)
		m.Sell(path, merchantOffer(t, path), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		wg.Go(func() {
			if _, err := m.get(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	reasons := map[agent.AlertReason]int{}
	for _, a := range b.wait(t, 2) {
		reasons[a.Reason]++
	}
	if reasons[agent.NearEnd] != 1 || reasons[agent.NearTotal] != 1 {
		t.Errorf("%v", reasons)
	}
}
