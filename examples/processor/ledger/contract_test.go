package ledger

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/book/booktest"
	"github.com/actprotocol/act-go/verifier"
	"github.com/actprotocol/act-go/verifier/verifiertest"
)

// TestContract holds the ledger to what every store has to do.
func TestContract(t *testing.T) {
	booktest.Book(t, func(t *testing.T, now func() time.Time) book.Book {
		return openAt(t, filepath.Join(t.TempDir(), "ledger.db"), now)
	})
}

// TestContractOnRuns is TestContract with an index that is on the disk as soon
// as can be.
func TestContractOnRuns(t *testing.T) {
	long(t)
	booktest.Book(t, func(t *testing.T, now func() time.Time) book.Book {
		return openSmall(t, filepath.Join(t.TempDir(), "ledger.db"), now, 1)
	})
}

// TestReplayStore: the nonces of other messages are kept here too.
func TestReplayStore(t *testing.T) {
	verifiertest.ReplayStore(t, func(t *testing.T, now func() time.Time) (verifier.ReplayStore, bool) {
		return openAt(t, filepath.Join(t.TempDir(), "ledger.db"), now), true
	})
}
