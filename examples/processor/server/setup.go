package server

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/provider"
)

// What an operator does, for programs that run the processor inside of
// themselves. The desk under /admin calls the same methods. Whoever calls them
// has identified the parties (PSD-PMT-BND-02).

// OpenPrincipal opens an account for a principal. Opening it again does nothing.
func (s *Server) OpenPrincipal(ctx context.Context, did string, currency money.Currency) error {
	return s.open(ctx, did, book.Principal, currency)
}

// RegisterMerchant opens an account in which a merchant is paid. Registering
// again does nothing.
func (s *Server) RegisterMerchant(ctx context.Context, did string, currency money.Currency) error {
	return s.open(ctx, did, book.Merchant, currency)
}

func (s *Server) open(ctx context.Context, did string, kind book.Kind, currency money.Currency) error {
	if err := checkDID("owner", did); err != nil {
		return err
	}
	if currency.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "currency", "", "")
	}
	return s.ledger.OpenAccount(ctx, did, kind, currency.Code())
}

// Deposit books money that came from outside into an account. The id makes it
// happen once: the same deposit again does nothing, another one under the same
// id is request_conflict.
func (s *Server) Deposit(ctx context.Context, id, owner string, amount money.Amount) error {
	if err := protocol.In(canon.CheckID(id), "deposit_id"); err != nil {
		return err
	}
	if !amount.Valid() {
		return protocol.New(protocol.CodeFieldMissing, "amount", "", "")
	}
	return s.ledger.Deposit(ctx, book.Deposit{ID: id, Owner: owner, Currency: amount.Currency().Code(), Amount: amount.Minor()})
}

// A Binding puts an account into the hands of one agent (PSD-PMT-BND-03).
type Binding struct {
	Principal  string // DID of the account's owner
	Agent      string // DID of the only agent that may use the token
	Currency   money.Currency
	ValidFrom  time.Time    // now when zero
	ValidUntil time.Time    // required
	Ceiling    money.Amount // most that all payments together may take; the zero value is none
	Merchants  []string     // DIDs that may be paid; empty is any
}

// BindToken makes a payment token and returns it. It is all that the agent gets
// of the account (PSD-PMT-BND-01).
func (s *Server) BindToken(ctx context.Context, b Binding) (string, error) {
	for field, did := range map[string]string{"principal": b.Principal, "agent": b.Agent} {
		if err := checkDID(field, did); err != nil {
			return "", err
		}
	}
	for _, merchant := range b.Merchants {
		if err := checkDID("merchants", merchant); err != nil {
			return "", err
		}
	}
	if b.ValidFrom.IsZero() {
		b.ValidFrom = s.now()
	}
	k := provider.Token{
		ID: "pt-" + canon.Nonce(), Principal: b.Principal, Agent: b.Agent, Currency: b.Currency.Code(),
		ValidFrom: b.ValidFrom, ValidUntil: b.ValidUntil, Merchants: b.Merchants,
	}
	if b.Ceiling.Valid() {
		if b.Ceiling.Currency() != b.Currency || b.Ceiling.IsZero() {
			return "", protocol.New(protocol.CodeFieldInvalid, "ceiling", "PSD-PMT-BND-03", "above zero, in the currency of the account")
		}
		k.Ceiling = b.Ceiling.Minor()
	}
	if err := s.ledger.BindToken(ctx, k); err != nil {
		return "", err
	}
	return k.ID, nil
}

// SetTokenState freezes, thaws or cancels a payment token (PSD-PMT-BND-04).
func (s *Server) SetTokenState(ctx context.Context, token string, state provider.TokenState) error {
	return s.ledger.SetTokenState(ctx, token, state)
}

// TrustIssuer records whether an issuer may sign mandates on behalf of a
// principal, who has an account (instrument_invalid otherwise). It holds for
// every payment that begins after the call.
func (s *Server) TrustIssuer(ctx context.Context, issuer, principal string, trusted bool) error {
	for field, did := range map[string]string{"principal": principal, "issuer": issuer} {
		if err := checkDID(field, did); err != nil {
			return err
		}
	}
	s.setup.Lock() // two at once would load each other's list in the wrong order
	defer s.setup.Unlock()
	if err := s.ledger.TrustIssuer(ctx, issuer, principal, trusted); err != nil {
		return err
	}
	trusts, err := s.ledger.Issuers(ctx)
	if err != nil {
		return err
	}
	s.issuers.load(trusts)
	return nil
}

// NameMerchant says how the cashier shows a merchant. Text that could pretend to
// be something else, with control characters, a change of direction, or what
// nobody sees, is refused. That it looks like another merchant's is not
// noticed: the cashier shows the DID below it.
func (s *Server) NameMerchant(ctx context.Context, merchant, name string) error {
	if err := checkDID("merchant", merchant); err != nil {
		return err
	}
	if !printable(name) {
		return protocol.New(protocol.CodeFieldInvalid, "name", "PSD-PAY-INS-02", "1 to 100 characters of plain text")
	}
	return s.ledger.Name(ctx, merchant, name)
}

// printable reports whether a name is short and means what it looks like.
func printable(name string) bool {
	n := 0
	for _, r := range name {
		if n++; n > 100 || !unicode.IsPrint(r) || blank(r) {
			return false
		}
	}
	return n > 0 && utf8.ValidString(name) && strings.TrimSpace(name) == name
}

// blank reports characters that count as letters, marks or symbols and show
// nothing: a name made of them is none, and with them two names look the same.
func blank(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r == '\u2800'
}

// Ledger is the book, for reading accounts, entries, tokens and trades, and for
// its audit.
func (s *Server) Ledger() book.Book { return s.ledger }

func checkDID(field, did string) error {
	_, err := identity.ParseDID(did)
	return protocol.In(err, field)
}
