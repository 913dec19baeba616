package verifier_test

import (
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol/delegation"
)

// issueSelective issues a mandate of which parts can be shown.
func (w *world) issueSelective(c delegation.Claims) []byte {
	w.t.Helper()
	raw, err := delegation.IssueSelective(w.signers[bankDID+"#issue"], c)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// latte is the purchase of the usual order.
func latte(t testing.TB) delegation.Purchase {
	return delegation.Purchase{
		At: epoch, Amount: amount(t, "18.00"), Merchant: shopDID, Categories: []string{"food/drink/coffee"},
		Method: methodURN, DeliverBy: epoch.Add(30 * time.Minute),
	}
}
