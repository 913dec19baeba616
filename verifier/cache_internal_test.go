package verifier

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/actprotocol/act-go/protocol"
)

// Whoever waits leaves when it wants to, nobody's leaving ends a fetch that
// others wait for, and nothing is left behind.
func TestFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := protocol.New(protocol.CodeKeyUnavailable, "kid", "IDN-02", "too many fetches")
		f := newFlights[int](2)
		gate := make(chan struct{})
		slow := func(ctx context.Context) (int, error) {
			<-gate
			return 7, ctx.Err()
		}
		first, cancel := context.WithCancel(context.Background())
		left := make(chan error)
		go func() {
			_, err := f.do(first, "a", busy, slow)
			left <- err
		}()
		synctest.Wait()
		got := make(chan int)
		go func() {
			v, err := f.do(context.Background(), "a", busy, func(context.Context) (int, error) { return 0, errors.New("a second fetch") })
			if err != nil {
				t.Error(err)
			}
			got <- v
		}()
		go f.do(context.Background(), "b", busy, slow)
		synctest.Wait()
		if _, err := f.do(context.Background(), "c", busy, slow); err != error(busy) {
			t.Errorf("a fetch too many: %v", err)
		}
		cancel()
		if err := <-left; protocol.CodeOf(err) != protocol.CodeKeyUnavailable || !errors.Is(err, context.Canceled) {
			t.Errorf("the caller who left: %v", err)
		}
		close(gate)
		if v := <-got; v != 7 {
			t.Errorf("the caller who stayed got %d", v)
		}
		synctest.Wait()
		if len(f.running) != 0 {
			t.Errorf("%d fetches left behind", len(f.running))
		}
	}) // and synctest fails when a goroutine is left
}
