package ledger

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// TestNamesAcrossRestarts: whatever an order or a request is called, it is the
// same one after a restart, when its key is made again of what the file has; and
// a name that begins like it is another.
func TestNamesAcrossRestarts(t *testing.T) {
	for _, name := range []string{"a\x00b", "\x00", "\xff\xfe", "e\u0301", "a ", "'; --", "\ufeffa"} {
		c := newClock()
		path := filepath.Join(t.TempDir(), "ledger.db")
		l := openAt(t, path, c.now)
		furnish(t, l, 100_00)
		p := newPayment(1_00)
		p.Order, p.Request.ID, p.Mandate.DelegationID = name, name, name
		trade := mustPay(t, l, p)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openAt(t, path, c.now)
		again := newPayment(1_00)
		again.Order = name
		_, err := l.Pay(context.Background(), again)
		wantCode(t, err, protocol.CodeOrderPaid)
		p.Request.Nonce.Value += "-2"
		if got, err := l.Pay(context.Background(), p); err != nil || got.No != trade.No {
			t.Errorf("%q: the same request: %v", name, err)
		}
		other := newPayment(1_00)
		other.Mandate = provider.Mandate{Issuer: issuer, DelegationID: name, Digest: "another payload", Delegator: principal, Total: 50_00}
		_, err = l.Pay(context.Background(), other)
		wantCode(t, err, protocol.CodeRequestConflict)
		shorter := newPayment(1_00)
		shorter.Order = name[:len(name)-1] + "x"
		mustPay(t, l, shorter)
		sound(t, l)
	}
}
