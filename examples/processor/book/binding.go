package book

import (
	"context"
	"slices"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
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

// AsGranted reports whether an instrument, a payment token or else a
// sub-account, is still what the principal has agreed to, and that this is no
// wider than what the agent has asked for. It does not look at states and money.
func AsGranted(b *provider.Binding, k *provider.Token, a *SubAccount) bool {
	if b.State != provider.BindingBound || b.Granted.NoWider(b.Asked) != nil {
		return false
	}
	g := provider.Grant{Terms: b.Granted, Token: b.Token, SubAccount: b.SubAccount}
	if k != nil {
		return sameToken(*k, b.NewToken(g))
	}
	return a != nil && sameSubAccount(a, SubAccountOf(b, g))
}

func sameToken(k, granted provider.Token) bool {
	return k.ID == granted.ID && k.Principal == granted.Principal && k.Agent == granted.Agent && k.Currency == granted.Currency &&
		k.ValidFrom.Unix() == granted.ValidFrom.Unix() && k.ValidUntil.Unix() == granted.ValidUntil.Unix() && k.Ceiling == granted.Ceiling &&
		slices.Equal(set(k.Merchants), set(granted.Merchants))
}

func sameSubAccount(a *SubAccount, granted SubAccount) bool {
	return a.ID == granted.ID && a.Principal == granted.Principal && a.Agent == granted.Agent && a.Currency == granted.Currency && a.Key.Equal(granted.Key) &&
		a.Limits == granted.Limits && a.BalanceLimit == granted.BalanceLimit && a.TaskLimit == granted.TaskLimit
}

// set is a list without order and repetition.
func set(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

// FinalRefusal is the answer for ever to a binding request whose instrument
// could not be made for this reason; empty when another grant may do, with an id
// that was not used before.
func FinalRefusal(b *provider.Binding, reason error) protocol.Code {
	e := protocol.AsError(reason)
	switch {
	case e == nil:
		return ""
	case e.Code == protocol.CodeInstrumentInvalid:
		return e.Code
	case e.Code == protocol.CodeStateConflict && e.Field == "key" && b.Asked.Instrument == payment.BindSubAccount:
		return protocol.CodeSubAccountKey
	}
	return ""
}
