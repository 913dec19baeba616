package book

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
)

// Accounts are the accounts of a book, and the names of merchants.
type Accounts interface {
	// OpenAccount opens the account of an owner in a currency, and the
	// currency's funding account when it is the first. Opening it again does
	// nothing; opening it as another kind is state_conflict. See [CheckOpening].
	OpenAccount(ctx context.Context, owner string, kind Kind, currency string) error

	// Accounts lists all accounts by currency, then in the order of opening.
	Accounts(ctx context.Context) ([]Account, error)

	// Entries lists what happened to one account, oldest first: its latest
	// entries, at most so many, or all when last is zero. An account that does
	// not exist has no entries.
	Entries(ctx context.Context, owner, currency string, last int) ([]Entry, error)

	// Deposit books money that came from outside. The same deposit again does
	// nothing; another one under the same id is request_conflict. An owner
	// without such an account is instrument_invalid, more than an account can
	// hold field_invalid.
	Deposit(ctx context.Context, d Deposit) error

	// Name records how the cashier shows a merchant, who has an account
	// (otherwise merchant_not_allowed); the last word counts. The name is the
	// operator's knowledge of the merchant, not the merchant's own word
	// (PSD-PAY-INS-02).
	Name(ctx context.Context, merchant, name string) error

	// NameOf is the name of a merchant; empty when there is none.
	NameOf(ctx context.Context, merchant string) (string, error)
}

// A Kind says what an account is for.
type Kind string

// The kinds of accounts. The funding account of a currency, owned by
// [External], stands for the world outside: deposits come from it, its balance
// is what the book owes to its owners with the sign reversed. The account of a
// sub-account is owned by the sub-account's id; only OpenSubAccount makes one,
// and deposits do not reach it.
const (
	Principal Kind = "principal"
	Merchant  Kind = "merchant"
	Purse     Kind = "subaccount"
	Funding   Kind = "funding"
)

// External owns the funding accounts. It is no DID, so nobody else can be it.
const External = "external"

// An Account is money of one owner in one currency.
type Account struct {
	Owner    string // DID, id of a sub-account, or External
	Kind     Kind
	Currency string // ISO 4217
	Balance  int64  // minor units; below zero for funding accounts only
	OpenedAt time.Time
}

// An Entry is one side of a transfer, seen from one account.
type Entry struct {
	Transfer int64     // number of the transfer, ascending
	Cause    string    // "deposit", "payment", "refund", "top-up" or "return" (of a cancelled sub-account's rest)
	CauseID  string    // id of the deposit or top-up, trade number, refund number, or id of the sub-account
	Amount   int64     // minor units; below zero: out of the account
	At       time.Time // whole seconds
}

// A Deposit brings money from outside into an account.
type Deposit struct {
	ID       string // chosen by the caller; a deposit with an id happens once
	Owner    string
	Currency string
	Amount   int64 // minor units, above zero
}

// CheckOpening refuses an account that nobody can open (field_missing,
// field_invalid).
func CheckOpening(owner string, kind Kind, currency string) error {
	if owner == "" || owner == External {
		return protocol.New(protocol.CodeFieldInvalid, "owner", "", "an account needs an owner")
	}
	if kind != Principal && kind != Merchant {
		return protocol.New(protocol.CodeFieldInvalid, "kind", "", "principal or merchant")
	}
	if currency == "" {
		return protocol.New(protocol.CodeFieldMissing, "currency", "", "")
	}
	return nil
}

// Check refuses a deposit in which something is missing or of the wrong form.
func (d *Deposit) Check() error {
	if d.ID == "" || d.Owner == "" || d.Currency == "" {
		return protocol.New(protocol.CodeFieldMissing, "deposit", "", "id, owner and currency are needed")
	}
	if d.Amount <= 0 {
		return protocol.New(protocol.CodeFieldInvalid, "amount", "", "above zero")
	}
	return nil
}

// CheckName refuses a naming in which something is missing.
func CheckName(merchant, name string) error {
	if merchant == "" || name == "" {
		return protocol.New(protocol.CodeFieldMissing, "name", "PSD-PAY-INS-02", "merchant and name are needed")
	}
	return nil
}

// NoAccount refuses whoever is no principal of this book, for the sake of the
// requirement.
func NoAccount(requirement string) error {
	return protocol.New(protocol.CodeInstrumentInvalid, "principal", requirement, "the principal has no account")
}

// NoAccountIn refuses whoever is no principal with an account in the currency.
func NoAccountIn(requirement string) error {
	return protocol.New(protocol.CodeInstrumentInvalid, "principal", requirement, "the principal has no account in this currency")
}

// NotRegistered refuses whoever is no merchant of this book.
func NotRegistered(requirement string) error {
	return protocol.New(protocol.CodeMerchantNotAllowed, "merchant", requirement, "not registered")
}

// OtherKind refuses to open an account again as what it is not.
func OtherKind() error {
	return protocol.New(protocol.CodeStateConflict, "kind", "", "the account was opened as another kind")
}

// Takes reports whether a deposit may come into accounts of this kind: those
// that people have.
func (k Kind) Takes() bool { return k == Principal || k == Merchant }

// NoSuchAccount refuses a deposit into an account that is not there, or takes
// none.
func NoSuchAccount() error {
	return protocol.New(protocol.CodeInstrumentInvalid, "owner", "", "no such account")
}

// OtherDeposit refuses a deposit whose id was used before.
func OtherDeposit() error {
	return protocol.New(protocol.CodeRequestConflict, "deposit_id", "", "the id was used for another deposit")
}

// TooMuch refuses a deposit behind which the money of a currency would not fit
// into one account any more.
func TooMuch() error {
	return protocol.New(protocol.CodeFieldInvalid, "amount", "", "more than an account can hold")
}
