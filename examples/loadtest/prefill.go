package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/examples/processor/postgres"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// earlier is how many payers have made the payments that are there before a run.
const earlier = 64

// prefill gives the processor, which has not been started yet, a book with n
// payments in it: of other people than those of the run, each with an account, a
// token and a mandate, all decided and booked by the store itself. What the
// library checks before the store is asked was not checked.
func prefill(ctx context.Context, data, dsn string, n int, progress io.Writer) (err error) {
	if n == 0 {
		return nil
	}
	b, err := openBook(ctx, data, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	fmt.Fprintf(progress, "booking %d earlier payments\n", n)
	return fill(ctx, b, n)
}

// openBook opens the book that the processor will have: a database, or a file in
// its folder.
func openBook(ctx context.Context, data, dsn string) (interface {
	book.Book
	io.Closer
}, error) {
	if dsn != "" {
		return postgres.Open(ctx, postgres.Config{DSN: dsn})
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	return ledger.Open(ledger.Config{Path: filepath.Join(data, "ledger.db")})
}

// fill books n payments.
func fill(ctx context.Context, b book.Book, n int) error {
	var next atomic.Int64
	errs := make([]error, earlier)
	var group sync.WaitGroup
	if err := b.OpenAccount(ctx, shopOf, book.Merchant, "CNY"); err != nil {
		return err
	}
	for i := range errs {
		p, err := openPayer(ctx, b, i)
		if err != nil {
			return err
		}
		group.Go(func() {
			for errs[i] == nil && ctx.Err() == nil {
				k := int(next.Add(1))
				if k > n {
					return
				}
				_, errs[i] = b.Pay(ctx, p.payment(k))
			}
		})
	}
	group.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

const shopOf = "did:act:earlier.example/shop"

// A payer has an account, a token and a mandate.
type payer struct{ principal, agent, token, mandate string }

func openPayer(ctx context.Context, b book.Book, i int) (*payer, error) {
	p := &payer{
		principal: fmt.Sprintf("did:act:earlier.example/principal-%d", i), agent: fmt.Sprintf("did:act:earlier.example/agent-%d", i),
		token: canon.Nonce() + canon.Nonce(), mandate: canon.UUID(),
	}
	now := time.Now().UTC().Truncate(time.Second)
	return p, errors.Join(
		b.OpenAccount(ctx, p.principal, book.Principal, "CNY"),
		b.Deposit(ctx, book.Deposit{ID: fmt.Sprint("earlier-", i), Owner: p.principal, Currency: "CNY", Amount: 1e12}),
		b.BindToken(ctx, provider.Token{ID: p.token, Principal: p.principal, Agent: p.agent, Currency: "CNY", ValidFrom: now, ValidUntil: now.Add(24 * time.Hour)}),
	)
}

// payment is the k-th of all, as long as one that came over the wire.
func (p *payer) payment(k int) provider.Payment {
	now := time.Now()
	id := fmt.Sprintf("earlier-%010d", k)
	return provider.Payment{
		Request: provider.Request{
			Agent: p.agent, ID: id, Digest: canon.Sum([]byte(id)),
			Nonce: provider.Nonce{Scope: "payment-request " + p.agent, Value: canon.Nonce(), Until: now.Add(7 * time.Minute)},
		},
		Mandate: provider.Mandate{
			Issuer: "did:act:earlier.example/bank", DelegationID: p.mandate, Digest: canon.Sum([]byte(p.mandate)), Delegator: p.principal, Total: 1e12,
		},
		Scenario: payment.ScenarioDEL, Method: method, Token: p.token, Payee: shopOf, Order: "order-" + id, Expires: now.Add(time.Hour),
		Amount: price.Minor(), Currency: "CNY",
		Memo: fmt.Appendf(nil, `{"intent_id":"%s","jkt":"%s","method_id":"act:payment/example-wallet","proof_seconds":86400,"resource_id":"order-%s"}`,
			p.mandate, canon.Sum([]byte(p.agent))[8:], id),
	}
}
