package book

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// SubAccounts are the sub-accounts of a book.
type SubAccounts interface {
	// OpenSubAccount opens an empty sub-account beside the principal's account,
	// active at once. An id or a key that was used before, also by a
	// sub-account that is cancelled or by a paired device, is state_conflict; a
	// principal without an account in the currency is instrument_invalid. A
	// failed opening leaves nothing (PSD-PMT-BND-05).
	//
	// It does not check who asks: whoever calls it has identified the principal
	// (PSD-AGT-SUB-01), and knows that the key is the agent's.
	OpenSubAccount(ctx context.Context, a SubAccount) error

	// TopUp moves money into a sub-account that is active. The same top-up
	// again does nothing; another one under the same id is request_conflict.
	// More than the principal has is balance_insufficient, more than the
	// sub-account may hold is single_limit_exceeded.
	TopUp(ctx context.Context, u TopUp) error

	// SetSubAccountState freezes, unfreezes (active) or cancels a sub-account,
	// and its key with it (PSD-AGT-SUB-03). With a cancellation everything that
	// is left flows back into the principal's account, in the same transaction.
	// The change holds for every payment that is decided after the call
	// returned.
	//
	// A freeze holds until its own cause takes it back, whatever the others do
	// in between: after a nil error for active it is still frozen when another
	// cause wants it so, and what only others have frozen is not unfrozen
	// (actor_refused). Doing again what was done does nothing. A cancelled one
	// stays so (subaccount_cancelled), an unknown one is subaccount_unknown.
	SetSubAccountState(ctx context.Context, id string, state provider.SubAccountState, cause StateCause) error

	// SetAgentSubAccounts does the same to all sub-accounts of an agent that
	// are not cancelled, all of them or none, and tells how many there are. It
	// is for the day on which an agent's identity lapses (PSD-AGT-SUB-02).
	SetAgentSubAccounts(ctx context.Context, agent string, state provider.SubAccountState, cause StateCause) (int, error)

	// SubAccounts lists the sub-accounts in the order of opening.
	SubAccounts(ctx context.Context) ([]SubAccount, error)
}

// A StateCause says why the state of a sub-account was changed.
type StateCause string

// The causes (PSD-AGT-SUB-02). Each freezes and thaws for itself: a sub-account
// is frozen for as long as one of them wants it frozen.
const (
	ByPrincipal StateCause = "principal" // the principal's wish
	ForRisk     StateCause = "risk"      // risk control
	ForIdentity StateCause = "identity"  // the agent's identity lapsed, or holds again
)

// A SubAccount is a purse of its own that one agent pays from: money that was
// moved out of the principal's account, bound to that agent and to one key,
// whose signature each payment needs (PSD-AGT-SUB-01, PSD-AGT-SUB-04).
//
// The key belongs to this sub-account for ever. It is disabled and enabled with
// it: a frozen one's key authorises nothing, after thawing the same key counts
// again. Where the key itself is in doubt, cancel and open another sub-account
// with another key.
type SubAccount struct {
	provider.SubAccount // its ID is no DID; Currency is also the principal's account's

	// Two limits beside those of provider.Limits (PSD-AGT-SUB-06), in minor
	// units; zero is none.
	BalanceLimit int64 // most that may lie in it
	TaskLimit    int64 // most for all payments under one mandate

	// The present state, beside State, for reading.
	Cause    StateCause   // of the last change, none at first; of a frozen one, of the latest freeze that still holds
	FrozenBy []StateCause // whose freezes still hold, the oldest first; SubAccounts tells it
	Balance  int64        // minor units
	Spent    int64        // all payments together
	OpenedAt time.Time
}

// A TopUp moves money from the principal's account into a sub-account.
type TopUp struct {
	ID         string // chosen by the caller; a top-up with an id happens once
	SubAccount string
	Amount     int64 // minor units, above zero
}

// Check refuses a sub-account in which something is missing or of the wrong
// form, before a store looks at it.
func (a *SubAccount) Check() error {
	if a.ID == "" || a.Principal == "" || a.Agent == "" || a.Currency == "" || a.Key.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "subaccount", "PSD-AGT-SUB-01", "id, principal, agent, currency and key are needed")
	}
	l := a.Limits
	for _, f := range []struct {
		name  string
		value int64
	}{{"balance_limit", a.BalanceLimit}, {"task_limit", a.TaskLimit}, {"single_limit", l.Single}, {"total_limit", l.Total}, {"period_limit", l.Within}, {"period_seconds", int64(l.Period)}} {
		if f.value < 0 {
			return protocol.New(protocol.CodeFieldInvalid, f.name, "PSD-AGT-SUB-06", "not below zero")
		}
	}
	if (l.Within == 0) != (l.Period == 0) || l.Period%time.Second != 0 {
		return protocol.New(protocol.CodeFieldInvalid, "period_seconds", "PSD-AGT-SUB-06", "whole seconds, together with period_limit")
	}
	return nil
}

// Check refuses a top-up in which something is missing or of the wrong form.
func (u *TopUp) Check() error {
	if u.ID == "" || u.SubAccount == "" {
		return protocol.New(protocol.CodeFieldMissing, "top_up", "PSD-AGT-SUB-02", "id and sub-account are needed")
	}
	if u.Amount <= 0 {
		return protocol.New(protocol.CodeFieldInvalid, "amount", "PSD-AGT-SUB-02", "above zero")
	}
	return nil
}

// CheckChange refuses what is no state of a sub-account, or no cause
// (field_invalid).
func CheckChange(state provider.SubAccountState, cause StateCause) error {
	if state != provider.SubAccountActive && state != provider.SubAccountFrozen && state != provider.SubAccountCancelled {
		return protocol.New(protocol.CodeFieldInvalid, "state", "PSD-AGT-SUB-02", "active, frozen or cancelled")
	}
	if cause != ByPrincipal && cause != ForRisk && cause != ForIdentity {
		return protocol.New(protocol.CodeFieldInvalid, "cause", "PSD-AGT-SUB-02", "principal, risk or identity")
	}
	return nil
}

// SubAccountUsed refuses a sub-account whose id was used before.
func SubAccountUsed() error {
	return protocol.New(protocol.CodeStateConflict, "id", "PSD-AGT-SUB-01", "the id was used before")
}

// KeyUsed refuses a sub-account whose key has another purpose already: it is, or
// was, that of another sub-account or of a device.
func KeyUsed() error {
	return protocol.New(protocol.CodeStateConflict, "key", "PSD-AGT-SUB-03", "the key was used for another sub-account, or for a device")
}

// Unavailable is what a sub-account says that takes neither payment nor money.
func (a *SubAccount) Unavailable() error {
	code := protocol.CodeSubAccountFrozen
	if a.State == provider.SubAccountCancelled {
		code = protocol.CodeSubAccountCancelled
	}
	return protocol.New(code, "subaccount_id", "PSD-AGT-SUB-03", "")
}

// Room reports whether it may hold an amount more than now.
func (a *SubAccount) Room(amount int64) bool {
	return a.BalanceLimit == 0 || amount <= a.BalanceLimit-a.Balance
}

// JudgeTopUp decides about a top-up that was not made before, of a principal who
// has so much. used reports that its id was used for another one.
func (a *SubAccount) JudgeTopUp(u TopUp, used bool, has int64) error {
	switch {
	case used:
		return protocol.New(protocol.CodeRequestConflict, "topup_id", "PSD-AGT-SUB-02", "the id was used for another top-up")
	case a.State != provider.SubAccountActive:
		return a.Unavailable()
	case u.Amount > has:
		return protocol.New(protocol.CodeBalanceInsufficient, "amount", "PSD-AGT-SUB-02", "more than the principal's account has")
	case !a.Room(u.Amount):
		return protocol.New(protocol.CodeSingleLimitExceeded, "amount", "PSD-AGT-SUB-06", "more than the sub-account may hold")
	}
	return nil
}

// Change decides about the state of a sub-account: whether there is something to
// change. holds reports that a freeze of this cause holds.
func (a *SubAccount) Change(state provider.SubAccountState, holds bool) (bool, error) {
	switch {
	case a.State == provider.SubAccountCancelled && state != provider.SubAccountCancelled:
		return false, a.Unavailable()
	case a.State == provider.SubAccountFrozen && state == provider.SubAccountActive && !holds:
		return false, protocol.New(protocol.CodeActorRefused, "cause", "PSD-AGT-SUB-02", "frozen for another cause")
	}
	return a.State != state || state == provider.SubAccountFrozen && !holds, nil
}

// JudgeTask adds to what every ledger judges of a payment the one limit that
// only this book has: what was spent from the sub-account under the payment's
// mandate. A payment by token has no sub-account.
func JudgeTask(d *protocol.Decision, p *provider.Payment, a *provider.SubAccount, limit, spent int64) {
	if a != nil && limit > 0 && a.Agent == p.Request.Agent {
		d.Require(p.Amount <= limit-spent, protocol.CodeTotalLimitExceeded, "PSD-AGT-SUB-06", "sub-account's limit for one task", "subaccount_id", "")
	}
}
