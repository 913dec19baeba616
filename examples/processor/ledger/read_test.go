package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book/booktest"
)

// A caller who goes away while something is read for it takes nothing from those
// who come behind: the snapshot ends with the call.
func TestReadAbandoned(t *testing.T) {
	l, err := Open(Config{Path: filepath.Join(t.TempDir(), "ledger.db"), Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	err = l.read(ctx, func(conn *sqlite.Conn) error {
		if err := queryRows(conn, "SELECT 1 FROM salt", nil, noRow); err != nil {
			return err
		}
		cancel()
		return queryRows(conn, "SELECT 1 FROM salt", nil, noRow)
	})
	if err == nil {
		t.Fatal("an abandoned read was answered")
	}
	if _, err := l.Audit(context.Background()); err != nil {
		t.Errorf("the next one: %s", booktest.Explain(err))
	}
}

// Audits beside payments, and beside readers who lose their patience at any
// moment: each is answered, and finds nothing.
func TestAuditBesidePayments(t *testing.T) {
	l, _ := furnished(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var ended sync.WaitGroup
	for worker := range 8 {
		ended.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				hasty, gone := context.WithTimeout(ctx, time.Duration(n%40)*20*time.Microsecond)
				_, _ = l.Accounts(hasty)
				_, _ = l.Instants(hasty, 10)
				gone()
				p := newPayment(1)
				p.Request.ID, p.Order = fmt.Sprint(worker, "-", n), fmt.Sprint("o-", worker, "-", n)
				p.Request.Nonce.Value = p.Request.ID
				if _, err := l.Pay(context.Background(), p); err != nil && n == 0 {
					t.Errorf("payment: %s", booktest.Explain(err))
				}
			}
		})
	}
	for ctx.Err() == nil {
		sound(t, l)
	}
	ended.Wait()
	sound(t, l)
}
