package book

import (
	"context"

	"github.com/actprotocol/act-go/provider"
)

// Bindings are the agents' requests for instruments, and what the principals
// said to them (PSD-PMT-BND, SPEC.md 6.11). The limits of balance and task in a
// grant are those of [SubAccount].
type Bindings interface {
	provider.Bindings

	// ListBindings lists the latest binding requests, newest first, at most
	// limit of them. One whose time is over, and that nobody has met since, is
	// still said to wait; its Expires tells.
	ListBindings(ctx context.Context, limit int) ([]provider.Binding, error)
}

// SubAccountOf is the sub-account that a grant makes of a binding request, with
// all its limits.
func SubAccountOf(b *provider.Binding, g provider.Grant) SubAccount {
	return SubAccount{SubAccount: b.NewSubAccount(g), BalanceLimit: g.Terms.Balance.Minor(), TaskLimit: g.Terms.Task.Minor()}
}
