package server_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/book/booktest"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// audience takes events and can be told to fail.
type audience struct {
	mu     sync.Mutex
	fail   int // the next ones
	calls  int
	events []book.Event
}

func (a *audience) take(_ context.Context, e book.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls++; a.fail > 0 {
		a.fail--
		return errors.New("secret of the audience")
	}
	a.events = append(a.events, e)
	return nil
}

func (a *audience) heard() []book.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]book.Event(nil), a.events...)
}

// again puts another processor before the same book, as a restart does.
func (w *world) again(report func(context.Context, book.Event) error) {
	w.t.Helper()
	w.restart(func(c *server.Config) { c.Report = report })
}

// restart is again with another change of the configuration.
func (w *world) restart(change func(*server.Config)) {
	w.t.Helper()
	w.server.Close()
	book := w.server.Ledger()
	private, err := keys.Generate(keys.EdDSA)
	w.must(err)
	signer, err := keys.NewSigner(w.PSP+"#proof-1", keys.Proof, private)
	w.must(err)
	c := server.Config{
		ID: w.server.ID(), Signer: signer, Ledger: book, Keys: verifier.NewStaticKeys(w.Documents()...), Status: w.status,
		OperatorToken: operatorToken, Log: w.logger(), Now: w.Now,
	}
	change(&c)
	next, err := server.New(context.Background(), c)
	w.must(err)
	w.server = next
	w.t.Cleanup(next.Close)
}

func (w *world) waiting() int64 {
	w.t.Helper()
	report, err := w.server.Ledger().Audit(context.Background())
	if err != nil {
		w.t.Fatalf("audit: %s", booktest.Explain(err))
	}
	return report.Unreported[book.Attestation]
}

// until waits for something that another goroutine does.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestReport(t *testing.T) {
	t.Run("PSD-PAY-A402-24 nobody listens: events stay", func(t *testing.T) {
		w := newWorld(t)
		w.pay(w.Sign(w.latte("1.00")))
		if n := w.waiting(); n != 1 {
			t.Errorf("%d wait", n)
		}
		w.wantDesk("GET", "/admin/audit", "", 200, `"unreported_events":1`)
		w.server.Close()
		w.server.Close()
		w.sound()
	})
	t.Run("PSD-PAY-A402-24 in order, after failures, and what was left before", func(t *testing.T) {
		w := newWorld(t)
		left := w.pay(w.Sign(w.latte("1.00")))
		a := &audience{fail: 2}
		w.again(a.take)
		until(t, "the event of the earlier process is reported", func() bool { return len(a.heard()) == 1 })
		var want []string
		for range 3 {
			q := w.latte("1.00")
			want = append(want, w.pay(w.Sign(q)).TradeNo)
			w.pay(w.Sign(q)) // a repeat is no second payment
		}
		until(t, "all are acknowledged", func() bool { return w.waiting() == 0 })
		events := a.heard()
		if len(events) != 4 || a.calls != 6 {
			t.Fatalf("%d events in %d calls", len(events), a.calls)
		}
		for i, no := range append([]string{left.TradeNo}, want...) {
			if events[i].TradeNo != no || events[i].Type != book.TransactionCompleted {
				t.Errorf("event %d is %+v, want trade %s", i, events[i], no)
			}
		}
		if strings.Contains(w.log.String(), "secret") || !strings.Contains(w.log.String(), "events wait") {
			t.Errorf("the log: %s", w.log.String())
		}
		later := new(audience)
		w.again(later.take)
		w.pay(w.Sign(w.latte("1.00")))
		until(t, "the new event is reported", func() bool { return len(later.heard()) > 0 })
		w.server.Close()
		if got := later.heard(); len(got) != 1 {
			t.Errorf("acknowledged events were reported again: %d", len(got))
		}
		w.sound()
	})
	t.Run("PSD-PAY-A402-24 a listener that hangs delays no payment, and Close ends it", func(t *testing.T) {
		w := newWorld(t)
		hanging := make(chan struct{}, 1)
		w.again(func(ctx context.Context, _ book.Event) error {
			hanging <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})
		w.pay(w.Sign(w.latte("1.00")))
		<-hanging
		w.pay(w.Sign(w.latte("1.00")))
		begun := time.Now()
		w.server.Close()
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("Close took %v", took)
		}
		w.pay(w.Sign(w.latte("1.00"))) // it still answers
		if n := w.waiting(); n != 3 {
			t.Errorf("%d wait", n)
		}
		w.sound()
	})
}
