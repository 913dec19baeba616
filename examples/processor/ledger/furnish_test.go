package ledger

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

const sub = "sub-1"

// newKey is a fresh public key.
func newKey(t testing.TB) keys.PublicKey {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// openSub opens sub-1 beside the principal's account, with money in it.
func openSub(t testing.TB, l *Ledger, money int64, change func(*book.SubAccount)) book.SubAccount {
	t.Helper()
	a := book.SubAccount{SubAccount: provider.SubAccount{ID: sub, Principal: principal, Agent: agent, Currency: "CNY", Key: newKey(t)}}
	if change != nil {
		change(&a)
	}
	if err := l.OpenSubAccount(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	if money > 0 {
		topUp(t, l, a.ID, money)
	}
	return a
}

func topUp(t testing.TB, l *Ledger, id string, money int64) {
	t.Helper()
	if err := l.TopUp(context.Background(), book.TopUp{ID: fmt.Sprintf("t-%d", serial.Add(1)), SubAccount: id, Amount: money}); err != nil {
		t.Fatal(err)
	}
}

// fromSub is a fresh payment from a sub-account.
func fromSub(a book.SubAccount, amount int64) provider.Payment {
	p := newPayment(amount)
	p.Token, p.SubAccount, p.SubAccountKey = "", a.ID, a.Key.Thumbprint()
	return p
}

// newInstant is a fresh instant payment that can be confirmed for five minutes.
func newInstant(amount int64) provider.Payment {
	p := newPayment(amount)
	p.Mandate, p.Scenario, p.Expires = provider.Mandate{}, payment.ScenarioINS, start.Add(5*time.Minute)
	return p
}

func mustBegin(t testing.TB, l *Ledger, p provider.Payment) *provider.Trade {
	t.Helper()
	trade, err := l.Begin(context.Background(), p)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	return trade
}

var yes = provider.Confirmation{Method: "device:test", At: start}

// everyFact leaves a row in every table of facts that furnish does not fill.
func everyFact(t testing.TB, l *Ledger) {
	t.Helper()
	ctx := context.Background()
	openSub(t, l, 5_00, nil)
	paid, closed := mustBegin(t, l, newInstant(1_00)), mustBegin(t, l, newInstant(1_00))
	if _, err := l.Settle(ctx, paid.No, yes); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		l.Decline(ctx, closed.No, protocol.CodeConfirmationFailed),
		l.Name(ctx, shop, "Coffee"),
		l.PairDevice(ctx, book.Device{ID: "dev-1", Principal: principal, Key: newKey(t)}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}
