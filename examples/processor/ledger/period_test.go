package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
)

// TestPeriodIsNoShorter: the book keeps whole seconds, and the limit within a
// period holds for any such period, also for one that begins within a second.
func TestPeriodIsNoShorter(t *testing.T) {
	for name, begun := range map[string]time.Duration{"late in a second": 999 * time.Millisecond, "within a second": 400 * time.Millisecond, "on the second": 0} {
		t.Run("PSD-AGT-SUB-06 "+name, func(t *testing.T) {
			l, c := furnished(t)
			a := openSub(t, l, 30_00, func(a *book.SubAccount) { a.Limits.Within, a.Limits.Period = 10_00, time.Minute })
			c.add(begun)
			pays := func(want protocol.Code) {
				t.Helper()
				_, err := l.Pay(context.Background(), fromSub(a, 10_00))
				wantCode(t, err, want)
			}
			pays("")
			c.add(59*time.Second + 2*time.Millisecond) // a second less than the period
			pays(protocol.CodeTotalLimitExceeded)
			c.add(997 * time.Millisecond) // a millisecond less
			pays(protocol.CodeTotalLimitExceeded)
			c.add(time.Second + time.Millisecond)
			pays("")
			sound(t, l)
		})
	}
}
