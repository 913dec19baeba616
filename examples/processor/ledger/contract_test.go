package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/provider/providertest"
	"github.com/actprotocol/act-go/verifier"
	"github.com/actprotocol/act-go/verifier/verifiertest"
)

// contractBook is the ledger as the contract's test arranges and observes it.
type contractBook struct {
	*Ledger
	t testing.TB
}

func (b contractBook) OpenPrincipal(did, currency string) error {
	return b.OpenAccount(context.Background(), did, book.Principal, currency)
}

func (b contractBook) OpenMerchant(did, currency string) error {
	return b.OpenAccount(context.Background(), did, book.Merchant, currency)
}

func (b contractBook) Deposit(did, currency string, amount int64) error {
	return b.Ledger.Deposit(context.Background(), book.Deposit{ID: fmt.Sprintf("d-%d", serial.Add(1)), Owner: did, Currency: currency, Amount: amount})
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
	return b.Ledger.BindToken(context.Background(), k)
}

func (b contractBook) SetTokenState(id string, s provider.TokenState) error {
	return b.Ledger.SetTokenState(context.Background(), id, s)
}

func (b contractBook) OpenSubAccount(s provider.SubAccount) error {
	return b.Ledger.OpenSubAccount(context.Background(), book.SubAccount{SubAccount: s})
}

func (b contractBook) FundSubAccount(id string, amount int64) error {
	return b.TopUp(context.Background(), book.TopUp{ID: fmt.Sprintf("t-%d", serial.Add(1)), SubAccount: id, Amount: amount})
}

func (b contractBook) SubAccountBalance(id string) int64 { return b.Balance(id, "CNY") }

func (b contractBook) SetSubAccountState(id string, s provider.SubAccountState) error {
	return b.Ledger.SetSubAccountState(context.Background(), id, s, book.ByPrincipal)
}

// TestContract holds the ledger to what every provider's has to do, and audits
// each book afterwards.
func TestContract(t *testing.T) {
	providertest.Ledger(t, func(t *testing.T, now func() time.Time) providertest.Book {
		l := openAt(t, filepath.Join(t.TempDir(), "ledger.db"), now)
		t.Cleanup(func() { sound(t, l) })
		return contractBook{l, t}
	})
}

// TestReplayStore: the nonces of other messages are kept here too.
func TestReplayStore(t *testing.T) {
	verifiertest.ReplayStore(t, func(t *testing.T, now func() time.Time) (verifier.ReplayStore, bool) {
		return openAt(t, filepath.Join(t.TempDir(), "ledger.db"), now), true
	})
}
