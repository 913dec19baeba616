package ledger

import (
	"context"
	"math"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
)

// TestAllTheMoneyThereIs drives the book to the end of the range of its
// integers. What has come in altogether must fit into one account, because
// payments may bring it together there, and into a spent total; more is refused
// at the door, where it is a plain no and not a payment that nobody can decide.
func TestAllTheMoneyThereIs(t *testing.T) {
	ctx := context.Background()
	l := openAt(t, t.TempDir()+"/ledger.db", newClock().now)
	furnish(t, l, math.MaxInt64)
	all := newPayment(math.MaxInt64)
	all.Mandate.Total = math.MaxInt64
	mustPay(t, l, all)
	if got := balance(t, l, shop); got != math.MaxInt64 {
		t.Fatalf("the shop has %d", got)
	}
	wantCode(t, l.Deposit(ctx, book.Deposit{ID: "d-2", Owner: principal, Currency: "CNY", Amount: 1}), protocol.CodeFieldInvalid)
	next := newPayment(1)
	next.Mandate.DelegationID, next.Mandate.Digest = "m-2", "payload-2"
	_, err := l.Pay(ctx, next)
	wantCode(t, err, protocol.CodeBalanceInsufficient)
	sound(t, l)
}
