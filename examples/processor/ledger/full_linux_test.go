package ledger

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// TestFullDevice fills a small file system of its own, so that a write of the
// log fails in the middle (ENOSPC). What is refused is not there, neither now nor
// when the book is opened again; once there is room the ledger goes on by
// itself, and pays the very same transmissions.
func TestFullDevice(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("a file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ctx := context.Background()
	path, c := filepath.Join(dir, "ledger.db"), newClock()
	l, err := Open(Config{Path: path, Now: c.now, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	furnish(t, l, 1<<30)
	ballast := filepath.Join(dir, "ballast")
	var paid []string
	var refused []provider.Payment
	for round := range 3 {
		fill(t, ballast)
		for n := 0; n < 10; {
			p := newPayment(1)
			trade, err := l.Pay(ctx, p)
			if err == nil {
				paid = append(paid, trade.No)
				continue
			}
			if wantCode(t, err, protocol.CodeServiceUnavailable); Cause(err) != "SQLITE_FULL" {
				t.Fatalf("round %d: %v", round, err)
			}
			refused = append(refused, p)
			n++
		}
		for _, p := range refused {
			if got, err := l.Lookup(ctx, p.Request); got != nil || err != nil {
				t.Fatalf("something is left: %v, %v", got, err)
			}
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		paid = append(paid, mustPay(t, l, refused[0]).No)
		refused = refused[1:]
		if r := sound(t, l); int(r.Trades) != len(paid) {
			t.Fatalf("%d trades, %d were answered", r.Trades, len(paid))
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(Config{Path: path, Now: c.now}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if r := sound(t, l); int(r.Trades) != len(paid) {
		t.Fatalf("%d trades, %d were answered", r.Trades, len(paid))
	}
	for _, no := range paid {
		if _, err := l.Trade(ctx, no); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range refused {
		mustPay(t, l, p)
	}
}

// fill writes until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, size := range []int{1 << 16, 1 << 10, 1} {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
	}
}
