package postgres

import (
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/book/booktest"
	"github.com/actprotocol/act-go/examples/internal/pgcluster"
)

func TestMoneyContract(t *testing.T) {
	c := pgcluster.ForTest(t)
	booktest.Money(t, func(t *testing.T, now func() time.Time) book.Book {
		s := openAt(t, c, now)
		t.Cleanup(func() { checked(t, s) })
		return s
	})
}
