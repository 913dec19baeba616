package ledger

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// TestBrokenLock: somebody takes the lock for a leftover, removes it, and starts
// a second processor. No order is paid twice, and no budget spent twice: of the
// two, the one that finds payments of the other decides nothing any more.
func TestBrokenLock(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "ledger.db")
	first := openAt(t, path, c.now)
	furnish(t, first, 100_00)
	mustPay(t, first, newPayment(1_00)) // balance, token and mandate are in memory
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	second := openAt(t, path, c.now)
	p := newPayment(40_00)
	mustPay(t, second, p)
	again := newPayment(5_00)
	again.Order = p.Order
	for _, p := range []provider.Payment{again, newPayment(40_00), newPayment(1)} {
		_, err := first.Pay(context.Background(), p)
		wantCode(t, err, protocol.CodeServiceUnavailable)
	}
	wantCode(t, first.Writable(context.Background()), protocol.CodeServiceUnavailable)
	if err := second.Writable(context.Background()); err != nil {
		t.Error(err)
	}
	mustPay(t, second, newPayment(1_00))
	if got := balance(t, second, principal); got != 58_00 {
		t.Errorf("balance %d", got)
	}
	sound(t, second)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mustPay(t, second, newPayment(1_00))
}

// TestChangedBesideUs: a row that somebody else has changed in the file, a token
// that an operator froze by hand for example, counts from the next payment on.
func TestChangedBesideUs(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, c.now)
	furnish(t, l, 100_00)
	mustPay(t, l, newPayment(1_00))
	if err := tamper(t, path, "INSERT INTO token_states VALUES (1, 1, 'frozen', 0)"); err != nil {
		t.Fatal(err)
	}
	_, err := l.Pay(context.Background(), newPayment(1_00))
	wantCode(t, err, protocol.CodeInstrumentInvalid)
}
