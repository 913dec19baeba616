package providertest_test

import (
	"testing"
	"time"

	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/provider/providertest"
)

func TestMemoryLedger(t *testing.T) {
	providertest.Ledger(t, func(_ *testing.T, now func() time.Time) providertest.Book { return provider.NewMemoryLedger(now) })
}

func TestMemoryLedgerBindings(t *testing.T) {
	providertest.Bindings(t, func(_ *testing.T, now func() time.Time) providertest.BindingBook {
		return provider.NewMemoryLedger(now)
	})
}
