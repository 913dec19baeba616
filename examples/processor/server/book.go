package server

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/provider"
)

// A Book is all that the server asks of a ledger: the part that every provider
// has, and what the desk and the cashier do with this one. *ledger.Ledger is
// one; another store fits in its place.
type Book interface {
	provider.Ledger

	// Use keeps the nonces of messages that are not payments.
	Use(ctx context.Context, scope, nonce string, until time.Time) error

	OpenAccount(ctx context.Context, owner string, kind ledger.Kind, currency string) error
	Accounts(ctx context.Context) ([]ledger.Account, error)
	Entries(ctx context.Context, owner, currency string, last int) ([]ledger.Entry, error)
	Deposit(ctx context.Context, d ledger.Deposit) error
	Name(ctx context.Context, merchant, name string) error
	NameOf(ctx context.Context, merchant string) (string, error)
	TrustIssuer(ctx context.Context, issuer, principal string, trusted bool) error
	Issuers(ctx context.Context) ([]ledger.Trust, error)

	BindToken(ctx context.Context, k provider.Token) error
	SetTokenState(ctx context.Context, token string, state provider.TokenState) error
	Tokens(ctx context.Context) ([]provider.Token, error)

	OpenSubAccount(ctx context.Context, a ledger.SubAccount) error
	TopUp(ctx context.Context, u ledger.TopUp) error
	SetSubAccountState(ctx context.Context, id string, state provider.SubAccountState, cause ledger.StateCause) error
	SetAgentSubAccounts(ctx context.Context, agent string, state provider.SubAccountState, cause ledger.StateCause) (int, error)
	SubAccounts(ctx context.Context) ([]ledger.SubAccount, error)

	PairDevice(ctx context.Context, d ledger.Device) error
	RemoveDevice(ctx context.Context, id string) error
	Device(ctx context.Context, id string) (ledger.Device, error)
	Devices(ctx context.Context) ([]ledger.Device, error)
	Instants(ctx context.Context, limit int) ([]ledger.Instant, error)

	Unreported(ctx context.Context, limit int) ([]ledger.Event, error)
	Acknowledge(ctx context.Context, event int64) error
	Audit(ctx context.Context) (*ledger.Report, error)
}

var _ Book = (*ledger.Ledger)(nil)
