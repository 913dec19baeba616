package postgres

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// The parties of the tests.
const (
	owner    = "did:act:home.example/owner"
	agentDID = "did:act:agents.example/buyer"
	shop     = "did:act:shop.example/coffee"
	issuer   = "did:act:issuer.example/main"
	tokenID  = "pt-owner"
)

// start is the time of tests with a clock of their own.
var start = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)

// must fails unless all errors are nil.
func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatalf("unexpected: %v %s", err, Cause(err))
		}
	}
}

func wantCode(t testing.TB, err error, code protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); err == nil || got != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

// newKey is a fresh public key.
func newKey(t testing.TB) keys.PublicKey {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	must(t, err)
	key, err := keys.NewPublicKey(private.Public())
	must(t, err)
	return key
}

// furnish opens the accounts of owner and shop and a token, with money.
func furnish(t testing.TB, s *Store, money int64) {
	t.Helper()
	ctx := context.Background()
	must(t, s.OpenAccount(ctx, owner, book.Principal, "CNY"), s.OpenAccount(ctx, shop, book.Merchant, "CNY"),
		s.Deposit(ctx, book.Deposit{ID: "d-0", Owner: owner, Currency: "CNY", Amount: money}),
		s.BindToken(ctx, provider.Token{ID: tokenID, Principal: owner, Agent: agentDID, Currency: "CNY", ValidFrom: start.AddDate(-1, 0, 0), ValidUntil: start.AddDate(9, 0, 0)}))
}

// newPayment is a fresh payment under one mandate, by token.
func newPayment(amount int64) provider.Payment {
	n := serial.Add(1)
	return provider.Payment{
		Request:  provider.Request{Agent: agentDID, ID: fmt.Sprintf("r-%d", n), Digest: canon.Digest(fmt.Sprintf("digest-%d", n)), Nonce: newNonce()},
		Mandate:  provider.Mandate{Issuer: issuer, DelegationID: "m-1", Digest: "payload-1", Delegator: owner, Total: 1 << 40},
		Scenario: payment.ScenarioAUP, Method: "urn:act:payment:balance", Token: tokenID, Payee: shop, Order: fmt.Sprintf("o-%d", n),
		Expires: start.AddDate(8, 0, 0), Amount: amount, Currency: "CNY", Memo: []byte("{}"),
	}
}

func newNonce() provider.Nonce {
	return provider.Nonce{Scope: "payment-request " + agentDID, Value: fmt.Sprintf("n-%d", serial.Add(1)), Until: start.AddDate(8, 0, 0)}
}

// newInstant is a fresh payment that the principal has to confirm.
func newInstant(amount int64) provider.Payment {
	p := newPayment(amount)
	p.Mandate, p.Scenario = provider.Mandate{}, payment.ScenarioINS
	return p
}

func mustPay(t testing.TB, s *Store, p provider.Payment) *provider.Trade {
	t.Helper()
	trade, err := s.Pay(context.Background(), p)
	must(t, err)
	return trade
}

// balance is what an owner has in CNY.
func balance(t testing.TB, s *Store, owner string) (held int64) {
	t.Helper()
	accounts, err := s.Accounts(context.Background())
	must(t, err)
	for _, a := range accounts {
		if a.Owner == owner && a.Currency == "CNY" {
			held = a.Balance
		}
	}
	return held
}
