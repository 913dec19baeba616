package provider

import (
	"time"

	"github.com/actprotocol/act-go/protocol/keys"
)

// A TokenState says whether a payment token can be used.
type TokenState string

// The states of a payment token. Cancelled is the end.
const (
	TokenActive    TokenState = "active"
	TokenFrozen    TokenState = "frozen"
	TokenCancelled TokenState = "cancelled"
)

// A Token stands for a funding account in the hands of one agent: the agent
// never sees the account itself (PSD-PMT-BND-01, PSD-PMT-BND-03).
type Token struct {
	ID         string    // what the payment request carries
	Principal  string    // DID of the account's owner
	Agent      string    // DID of the only agent that may use it
	Currency   string    // of the account
	ValidFrom  time.Time // first moment
	ValidUntil time.Time // first moment after
	Ceiling    int64     // most that all payments together may take, in minor units; 0 is none
	Merchants  []string  // DIDs that may be paid; empty is any
	State      TokenState
}

// A SubAccountState says whether a sub-account can pay.
type SubAccountState string

// The states of a sub-account (PSD-AGT-SUB-02). Cancelled is the end.
const (
	SubAccountActive    SubAccountState = "active"
	SubAccountFrozen    SubAccountState = "frozen"
	SubAccountCancelled SubAccountState = "cancelled"
)

// A SubAccount is money of one principal that one agent may spend, by
// authorizations that are made with the sub-account's own key
// (PSD-AGT-SUB-01, PSD-AGT-SUB-04). The key is disabled with it
// (PSD-AGT-SUB-03).
type SubAccount struct {
	ID        string
	Principal string // DID of the owner
	Agent     string // DID of the only agent that may use it
	Currency  string
	Key       keys.PublicKey // registered when it was opened, or rotated to since
	State     SubAccountState
	Limits    Limits
}

// Limits of a sub-account (PSD-AGT-SUB-06), in minor units; zero is none. A
// payment over one of them is single_limit_exceeded or total_limit_exceeded,
// with the field subaccount_id.
type Limits struct {
	Single int64         // most for one payment
	Total  int64         // most for all payments
	Within int64         // most for the payments of any Period, which then is above zero
	Period time.Duration // reaching back from the payment
}
