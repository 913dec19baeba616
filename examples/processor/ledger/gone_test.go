package ledger

import (
	"context"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// TestGoneCaller: whoever stops waiting is told that nobody knows, and shares
// nothing with the job, which runs nonetheless (the race detector looks).
func TestGoneCaller(t *testing.T) {
	l, _ := furnished(t)
	sub := openSub(t, l, 10_00, nil)
	for name, call := range map[string]func(context.Context) (left any, err error){
		"Distribute": func(ctx context.Context) (any, error) {
			n, err := l.Distribute(ctx, 10)
			return n != 0, err
		},
		"Pay": func(ctx context.Context) (any, error) {
			made, err := l.Pay(ctx, newPayment(1_00))
			return made != nil, err
		},
		"SetAgentSubAccounts": func(ctx context.Context) (any, error) {
			n, err := l.SetAgentSubAccounts(ctx, sub.Agent, provider.SubAccountFrozen, book.ForRisk)
			return n != 0, err
		},
		"Secret": func(ctx context.Context) (any, error) {
			secret, err := l.Secret(ctx, "cashier")
			return secret != nil, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			began, finish := make(chan struct{}), make(chan struct{})
			busy := make(chan error, 1)
			go func() {
				busy <- l.write(context.Background(), func(*tx) error {
					close(began)
					<-finish
					return nil
				})
			}()
			<-began
			ctx, leave := context.WithCancel(context.Background())
			type outcome struct {
				left any
				err  error
			}
			told := make(chan outcome, 1)
			go func() {
				left, err := call(ctx)
				told <- outcome{left, err}
			}()
			for len(l.jobs) == 0 {
				select {
				case o := <-told:
					t.Fatalf("it did not wait: %v", o.err)
				default:
				}
			}
			leave()
			o := <-told
			close(finish)
			if protocol.CodeOf(o.err) != protocol.CodeOutcomeUnknown || o.left != false {
				t.Errorf("left %v, %v", o.left, o.err)
			}
			if err := <-busy; err != nil {
				t.Error(err)
			}
			if err := l.Writable(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}
