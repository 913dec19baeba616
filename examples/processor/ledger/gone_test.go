package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// TestGoneCaller: whoever stops waiting is told that nobody knows, and shares
// nothing with the job, which runs nonetheless (the race detector looks).
func TestGoneCaller(t *testing.T) {
	l, _ := furnished(t)
	sub := openSub(t, l, 10_00, nil)
	for name, call := range map[string]func(context.Context) (left bool, err error){
		"Distribute": func(ctx context.Context) (bool, error) {
			n, err := l.Distribute(ctx, 10)
			return n != 0, err
		},
		"Pay": func(ctx context.Context) (bool, error) {
			made, err := l.Pay(ctx, newPayment(1_00))
			return made != nil, err
		},
		"SetAgentSubAccounts": func(ctx context.Context) (bool, error) {
			n, err := l.SetAgentSubAccounts(ctx, sub.Agent, provider.SubAccountFrozen, book.ForRisk)
			return n != 0, err
		},
		"Secret": func(ctx context.Context) (bool, error) {
			secret, err := l.Secret(ctx, "cashier")
			return secret != nil, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for try := 1; ; try++ {
				left, err := leaveWaiting(t, l, call)
				if err == nil && try < 20 {
					continue // the machine was so slow that the writer came first
				}
				if protocol.CodeOf(err) != protocol.CodeOutcomeUnknown || left {
					t.Errorf("left %v, %v", left, err)
				}
				break
			}
			if err := l.Writable(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

// leaveWaiting makes the writer busy for a moment, makes the call, and gives up
// when it waits. The writer goes on by the time alone: any signal of ours would
// be an order between the caller's last look and the job, and hide a race.
func leaveWaiting(t *testing.T, l *Ledger, call func(context.Context) (left bool, err error)) (left bool, err error) {
	began, busy, told := make(chan struct{}), make(chan error, 1), make(chan struct{})
	go func() {
		busy <- l.write(context.Background(), func(*tx) error {
			close(began)
			time.Sleep(50 * time.Millisecond)
			return nil
		})
	}()
	<-began
	ctx, leave := context.WithCancel(context.Background())
	go func() {
		defer close(told)
		left, err = call(ctx)
	}()
	for waits := true; waits && len(l.jobs) == 0; {
		select {
		case <-told:
			waits = false
		default:
		}
	}
	leave()
	<-told
	if err := <-busy; err != nil {
		t.Error(err)
	}
	return left, err
}
