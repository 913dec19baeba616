package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/book/booktest"
	"github.com/actprotocol/act-go/verifier"
	"github.com/actprotocol/act-go/verifier/verifiertest"
)

// serial makes names that differ.
var serial atomic.Int64

// openAt opens a fresh, empty book in a schema of its own.
func openAt(t testing.TB, c *pgcluster.Cluster, now func() time.Time) *Store {
	t.Helper()
	return openIn(t, c, fmt.Sprintf("act_%d", serial.Add(1)), now)
}

func openIn(t testing.TB, c *pgcluster.Cluster, schema string, now func() time.Time) *Store {
	t.Helper()
	s, err := Open(context.Background(), Config{DSN: c.DSN(), Schema: schema, Now: now, Connections: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// checked audits a book.
func checked(t testing.TB, s *Store) *book.Report {
	t.Helper()
	r, err := s.Audit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !r.Sound() {
		t.Fatalf("the book is not sound: %v", r.Problems)
	}
	return r
}

// TestBook holds the store to the contract that every store has.
func TestBook(t *testing.T) {
	c := pgcluster.ForTest(t)
	booktest.Book(t, func(t *testing.T, now func() time.Time) book.Book { return openAt(t, c, now) })
}

// TestReplayStore: the nonces of other messages are kept here too.
func TestReplayStore(t *testing.T) {
	c := pgcluster.ForTest(t)
	verifiertest.ReplayStore(t, func(t *testing.T, now func() time.Time) (verifier.ReplayStore, bool) {
		return openAt(t, c, now), true
	})
}
