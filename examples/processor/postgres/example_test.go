package postgres_test

import (
	"context"
	"fmt"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/postgres"
)

// Two processes open one book. Here the database is one in a temporary folder;
// a real one is given by its connection string alone.
func Example() {
	ctx := context.Background()
	cluster, err := pgcluster.New(ctx)
	if err != nil {
		fmt.Println("without PostgreSQL there is nothing to show:", err)
		return
	}
	defer cluster.Close()
	one, err := postgres.Open(ctx, postgres.Config{DSN: cluster.DSN()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer one.Close()
	two, err := postgres.Open(ctx, postgres.Config{DSN: cluster.DSN()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer two.Close()
	const owner = "did:act:home.example/owner"
	if err := one.OpenAccount(ctx, owner, book.Principal, "CNY"); err != nil {
		fmt.Println(err)
	}
	if err := one.Deposit(ctx, book.Deposit{ID: "d-1", Owner: owner, Currency: "CNY", Amount: 100_00}); err != nil {
		fmt.Println(err)
	}
	accounts, err := two.Accounts(ctx)
	if err != nil {
		fmt.Println(err)
	}
	for _, a := range accounts {
		fmt.Println(a.Owner, a.Kind, a.Balance, a.Currency)
	}
	report, err := two.Audit(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sound:", report.Sound())
}
