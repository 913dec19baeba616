package ledger_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/provider"
)

// Ann has 100 yuan and lets her agent pay for a latte. The same request again,
// in a new transmission, gets the first answer and moves nothing.
func Example() {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := ledger.Open(ledger.Config{Path: filepath.Join(dir, "ledger.db")})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	const ann, agent, shop = "did:act:home.example/ann", "did:act:home.example/agent", "did:act:shop.example/coffee"
	ctx, now := context.Background(), time.Now()
	for _, err := range []error{
		l.OpenAccount(ctx, ann, book.Principal, "CNY"),
		l.OpenAccount(ctx, shop, book.Merchant, "CNY"),
		l.Deposit(ctx, book.Deposit{ID: "deposit-1", Owner: ann, Currency: "CNY", Amount: 100_00}),
		l.BindToken(ctx, provider.Token{ID: "pt-1", Principal: ann, Agent: agent, Currency: "CNY", ValidFrom: now.Add(-time.Minute), ValidUntil: now.Add(time.Hour)}),
	} {
		if err != nil {
			log.Fatal(err)
		}
	}

	p := provider.Payment{
		Request: provider.Request{
			Agent: agent, ID: "request-1", Digest: "digest of the content",
			Nonce: provider.Nonce{Scope: "payment-request " + agent, Value: "nonce-1", Until: now.Add(7 * time.Minute)},
		},
		Mandate:  provider.Mandate{Issuer: "did:act:bank.example/mandates", DelegationID: "mandate-1", Digest: "digest of the payload", Delegator: ann, Total: 20_00},
		Scenario: "DEL", Method: "urn:act:payment:balance", Token: "pt-1", Payee: shop, Order: "order-1",
		Expires: now.Add(10 * time.Minute), Amount: 18_00, Currency: "CNY",
	}
	first, err := l.Pay(ctx, p)
	if err != nil {
		log.Fatal(err)
	}
	_, err = l.Pay(ctx, p)
	fmt.Println("the same transmission:", protocol.CodeOf(err))
	p.Request.Nonce.Value = "nonce-2"
	again, err := l.Pay(ctx, p)
	fmt.Println("the same request:", again.No == first.No, err)
	p.Request.ID, p.Request.Nonce.Value, p.Order = "request-2", "nonce-3", "order-2"
	_, err = l.Pay(ctx, p)
	fmt.Println("a second latte:", protocol.CodeOf(err))

	accounts, err := l.Accounts(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range accounts {
		fmt.Println(a.Kind, a.Balance)
	}
	report, err := l.Audit(ctx)
	fmt.Println("sound:", report.Sound(), err)
	// Output:
	// the same transmission: replayed
	// the same request: true <nil>
	// a second latte: total_limit_exceeded
	// funding -10000
	// principal 8200
	// merchant 1800
	// sound: true <nil>
}

// Ann keeps five yuan in a purse for her agent, and confirms herself what is
// dearer. Until she does, nothing is moved or held.
func Example_purseAndConfirmation() {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := ledger.Open(ledger.Config{Path: filepath.Join(dir, "ledger.db")})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	const ann, agent, shop = "did:act:home.example/ann", "did:act:home.example/agent", "did:act:shop.example/coffee"
	ctx, now := context.Background(), time.Now()
	key, err := keys.ParseJWK([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	if err != nil {
		log.Fatal(err)
	}
	purse := book.SubAccount{SubAccount: provider.SubAccount{ID: "sub-1", Principal: ann, Agent: agent, Currency: "CNY", Key: key}}
	for _, err := range []error{
		l.OpenAccount(ctx, ann, book.Principal, "CNY"),
		l.OpenAccount(ctx, shop, book.Merchant, "CNY"),
		l.Deposit(ctx, book.Deposit{ID: "deposit-1", Owner: ann, Currency: "CNY", Amount: 100_00}),
		l.BindToken(ctx, provider.Token{ID: "pt-1", Principal: ann, Agent: agent, Currency: "CNY", ValidFrom: now.Add(-time.Minute), ValidUntil: now.Add(time.Hour)}),
		l.OpenSubAccount(ctx, purse),
		l.TopUp(ctx, book.TopUp{ID: "topup-1", SubAccount: "sub-1", Amount: 5_00}),
	} {
		if err != nil {
			log.Fatal(err)
		}
	}
	say := func() {
		accounts, err := l.Accounts(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("Ann", accounts[1].Balance, "purse", accounts[3].Balance, "shop", accounts[2].Balance)
	}
	request := func(id string) provider.Request {
		return provider.Request{Agent: agent, ID: id, Digest: "digest of the content", Nonce: provider.Nonce{Scope: "payment-request " + agent, Value: id, Until: now.Add(7 * time.Minute)}}
	}
	say()
	_, err = l.Pay(ctx, provider.Payment{
		Request: request("request-1"), Mandate: provider.Mandate{Issuer: "did:act:bank.example/mandates", DelegationID: "mandate-1", Digest: "digest of the payload", Delegator: ann, Total: 20_00},
		Scenario: "AUP", Method: "urn:act:payment:balance", SubAccount: "sub-1", SubAccountKey: key.Thumbprint(), Payee: shop, Order: "order-1",
		Expires: now.Add(10 * time.Minute), Amount: 2_00, Currency: "CNY",
	})
	fmt.Println("from the purse:", err)
	waits, err := l.Begin(ctx, provider.Payment{
		Request: request("request-2"), Scenario: "INS", Method: "urn:act:payment:balance", Token: "pt-1", Payee: shop, Order: "order-2",
		Expires: now.Add(10 * time.Minute), Amount: 60_00, Currency: "CNY",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(waits.State)
	say()
	paid, err := l.Settle(ctx, waits.No, provider.Confirmation{Method: "device:ann's phone", At: now})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(paid.State)
	fmt.Println("cancelled:", l.SetSubAccountState(ctx, "sub-1", provider.SubAccountCancelled, book.ByPrincipal))
	say()
	// Output:
	// Ann 9500 purse 500 shop 0
	// from the purse: <nil>
	// WAIT_BUYER_PAY
	// Ann 9500 purse 300 shop 200
	// WAIT_SELLER_FULFILLMENT
	// cancelled: <nil>
	// Ann 3800 purse 0 shop 6200
}
