package book

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// A Book is all that the processor asks of a store: the part that every
// provider has, and, noun by noun, what the desk, the cashier and the reports
// do with this one. Its methods may be called from any goroutine.
type Book interface {
	provider.Ledger

	Accounts
	Issuers
	Tokens
	SubAccounts
	Devices
	Passkeys
	Bindings
	Instants
	Outbox
	Notices
	Statements

	// Use keeps the nonces of messages that are not payments: UseNonce in the
	// form that package verifier asks of a replay store. An empty until is
	// field_missing, one that is over field_invalid.
	Use(ctx context.Context, scope, nonce string, until time.Time) error

	// Audit computes sums, balances and spent totals again from the facts, in
	// one snapshot, and reports every difference. It does not stop payments,
	// and takes a time that grows with the book.
	Audit(ctx context.Context) (*Report, error)
}

// NonceOver refuses to use a nonce whose time is over: it would be kept no
// longer, and could be used again.
func NonceOver() error {
	return protocol.New(protocol.CodeFieldInvalid, "until", "PSD-PAY-DEL-04", "the nonce's time is over")
}
