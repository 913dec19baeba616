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
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/provider/providertest"
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

// contractBook is the store as the contract's test arranges and observes it.
type contractBook struct {
	*Store
	t testing.TB
}

func (b contractBook) OpenPrincipal(did, currency string) error {
	return b.OpenAccount(context.Background(), did, book.Principal, currency)
}

func (b contractBook) OpenMerchant(did, currency string) error {
	return b.OpenAccount(context.Background(), did, book.Merchant, currency)
}

func (b contractBook) Deposit(did, currency string, amount int64) error {
	return b.Store.Deposit(context.Background(), book.Deposit{ID: fmt.Sprintf("d-%d", serial.Add(1)), Owner: did, Currency: currency, Amount: amount})
}

func (b contractBook) Balance(owner, currency string) int64 {
	accounts, err := b.Accounts(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, a := range accounts {
		if a.Owner == owner && a.Currency == currency {
			return a.Balance
		}
	}
	return 0
}

func (b contractBook) BindToken(k provider.Token) error {
	return b.Store.BindToken(context.Background(), k)
}

func (b contractBook) SetTokenState(id string, s provider.TokenState) error {
	return b.Store.SetTokenState(context.Background(), id, s)
}

func (b contractBook) OpenSubAccount(s provider.SubAccount) error {
	return b.Store.OpenSubAccount(context.Background(), book.SubAccount{SubAccount: s})
}

func (b contractBook) FundSubAccount(id string, amount int64) error {
	return b.TopUp(context.Background(), book.TopUp{ID: fmt.Sprintf("t-%d", serial.Add(1)), SubAccount: id, Amount: amount})
}

func (b contractBook) SubAccountBalance(id string) int64 { return b.Balance(id, "CNY") }

func (b contractBook) SetSubAccountState(id string, s provider.SubAccountState) error {
	return b.Store.SetSubAccountState(context.Background(), id, s, book.ByPrincipal)
}

// TestContract holds the store to what every provider's ledger has to do, and
// audits each book afterwards.
func TestContract(t *testing.T) {
	c := pgcluster.ForTest(t)
	providertest.Ledger(t, func(t *testing.T, now func() time.Time) providertest.Book {
		s := openAt(t, c, now)
		t.Cleanup(func() { checked(t, s) })
		return contractBook{s, t}
	})
}

// TestReplayStore: the nonces of other messages are kept here too.
func TestReplayStore(t *testing.T) {
	c := pgcluster.ForTest(t)
	verifiertest.ReplayStore(t, func(t *testing.T, now func() time.Time) (verifier.ReplayStore, bool) {
		return openAt(t, c, now), true
	})
}

func TestBindingContract(t *testing.T) {
	c := pgcluster.ForTest(t)
	providertest.Bindings(t, func(t *testing.T, now func() time.Time) providertest.BindingBook {
		s := openAt(t, c, now)
		t.Cleanup(func() { checked(t, s) })
		return contractBook{s, t}
	})
}

func TestPasskeyContract(t *testing.T) {
	c := pgcluster.ForTest(t)
	booktest.Passkeys(t, func(t *testing.T, now func() time.Time) book.Book {
		s := openAt(t, c, now)
		t.Cleanup(func() { checked(t, s) })
		return s
	})
}
