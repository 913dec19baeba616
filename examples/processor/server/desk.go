package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/provider"
)

type ownerForm struct {
	Owner    string   `json:"owner"`
	Currency string   `json:"currency"`
	Issuers  []string `json:"issuers,omitzero"` // may sign mandates for a principal
}

func (s *Server) adminPrincipal(ctx context.Context, f ownerForm) (any, error) {
	currency, err := currencyOf(f.Currency)
	if err != nil {
		return nil, err
	}
	for _, issuer := range f.Issuers {
		if err := checkDID("issuers", issuer); err != nil {
			return nil, err
		}
	}
	if err := s.OpenPrincipal(ctx, f.Owner, currency); err != nil {
		return nil, err
	}
	for _, issuer := range f.Issuers {
		if err := s.TrustIssuer(ctx, issuer, f.Owner, true); err != nil {
			return nil, err
		}
	}
	return done{true}, nil
}

func (s *Server) adminMerchant(ctx context.Context, f ownerForm) (any, error) {
	if f.Issuers != nil {
		return nil, protocol.New(protocol.CodeFieldUnknown, "issuers", "", "for principals")
	}
	currency, err := currencyOf(f.Currency)
	if err != nil {
		return nil, err
	}
	return done{true}, s.RegisterMerchant(ctx, f.Owner, currency)
}

type nameForm struct {
	Merchant string `json:"merchant"`
	Name     string `json:"name"`
}

func (s *Server) adminName(ctx context.Context, f nameForm) (any, error) {
	return done{true}, s.NameMerchant(ctx, f.Merchant, f.Name)
}

type issuerForm struct {
	Issuer    string `json:"issuer"`
	Principal string `json:"principal"`
	Trusted   bool   `json:"trusted"`
}

func (s *Server) adminIssuer(ctx context.Context, f issuerForm) (any, error) {
	return done{true}, s.TrustIssuer(ctx, f.Issuer, f.Principal, f.Trusted)
}

type depositForm struct {
	ID       string `json:"deposit_id"`
	Owner    string `json:"owner"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

func (s *Server) adminDeposit(ctx context.Context, f depositForm) (any, error) {
	amount, err := amountIn("amount", f.Amount, f.Currency)
	if err != nil {
		return nil, err
	}
	return done{true}, s.Deposit(ctx, f.ID, f.Owner, amount)
}

type bindingForm struct {
	Principal  string   `json:"principal"`
	Agent      string   `json:"agent"`
	Currency   string   `json:"currency"`
	ValidFrom  string   `json:"valid_from,omitzero"`
	ValidUntil string   `json:"valid_until"`
	Ceiling    string   `json:"ceiling,omitzero"`
	Merchants  []string `json:"merchants,omitzero"`
}

func (s *Server) adminBind(ctx context.Context, f bindingForm) (any, error) {
	b := Binding{Principal: f.Principal, Agent: f.Agent, Merchants: f.Merchants}
	var err error
	if b.Currency, err = currencyOf(f.Currency); err != nil {
		return nil, err
	}
	if b.ValidUntil, err = canon.ParseTime(f.ValidUntil); err != nil {
		return nil, protocol.In(err, "valid_until")
	}
	if f.ValidFrom != "" {
		if b.ValidFrom, err = canon.ParseTime(f.ValidFrom); err != nil {
			return nil, protocol.In(err, "valid_from")
		}
	}
	if f.Ceiling != "" {
		if b.Ceiling, err = amountIn("ceiling", f.Ceiling, f.Currency); err != nil {
			return nil, err
		}
	}
	if f.Merchants != nil && len(f.Merchants) == 0 {
		return nil, protocol.New(protocol.CodeFieldInvalid, "merchants", "PSD-PMT-BND-03", "absent or not empty")
	}
	token, err := s.BindToken(ctx, b)
	return struct {
		Token string `json:"payment_token"`
	}{token}, err
}

type tokenStateForm struct {
	Token string              `json:"payment_token"`
	State provider.TokenState `json:"state"`
}

func (s *Server) adminTokenState(ctx context.Context, f tokenStateForm) (any, error) {
	return done{true}, s.SetTokenState(ctx, f.Token, f.State)
}

// page bounds what one answer lists; a book is read on with its own tools.
const page = 1000

type tokenView struct {
	Token      string              `json:"payment_token"`
	Principal  string              `json:"principal"`
	Agent      string              `json:"agent"`
	Currency   string              `json:"currency"`
	ValidFrom  string              `json:"valid_from"`
	ValidUntil string              `json:"valid_until"`
	Ceiling    string              `json:"ceiling,omitzero"`
	Merchants  []string            `json:"merchants,omitzero"`
	State      provider.TokenState `json:"state"`
}

func (s *Server) adminTokens(r *http.Request, _ []byte) (any, error) {
	tokens, err := s.ledger.Tokens(r.Context())
	if err != nil {
		return nil, err
	}
	out := []tokenView{}
	for _, t := range tokens[:min(len(tokens), page)] {
		v := tokenView{
			Token: t.ID, Principal: t.Principal, Agent: t.Agent, Currency: t.Currency, Merchants: t.Merchants, State: t.State,
			ValidFrom: canon.FormatTime(t.ValidFrom), ValidUntil: canon.FormatTime(t.ValidUntil),
		}
		if t.Ceiling > 0 {
			v.Ceiling = signed(t.Ceiling, t.Currency)
		}
		out = append(out, v)
	}
	return struct {
		Tokens []tokenView `json:"tokens"`
	}{out}, nil
}

type accountView struct {
	Owner    string    `json:"owner"`
	Kind     book.Kind `json:"kind"`
	Currency string    `json:"currency"`
	Balance  string    `json:"balance"` // below zero for the funding account
}

func (s *Server) adminAccounts(r *http.Request, _ []byte) (any, error) {
	accounts, err := s.ledger.Accounts(r.Context())
	if err != nil {
		return nil, err
	}
	out := []accountView{}
	for _, a := range accounts[:min(len(accounts), page)] {
		out = append(out, accountView{a.Owner, a.Kind, a.Currency, signed(a.Balance, a.Currency)})
	}
	return struct {
		Accounts []accountView `json:"accounts"`
	}{out}, nil
}

type entryView struct {
	Transfer int64  `json:"transfer"`
	Cause    string `json:"cause"`
	CauseID  string `json:"cause_id"`
	Amount   string `json:"amount"` // below zero: out of the account
	At       string `json:"at"`
}

func (s *Server) adminEntries(r *http.Request, _ []byte) (any, error) {
	owner, currency := r.URL.Query().Get("owner"), r.URL.Query().Get("currency")
	if owner == "" { // without this check the answer would be that of an account without entries
		return nil, protocol.New(protocol.CodeFieldMissing, "owner", "", "entries are those of ?owner= in ?currency=")
	}
	if currency == "" {
		return nil, protocol.New(protocol.CodeFieldMissing, "currency", "", "entries are those of ?owner= in ?currency=")
	}
	entries, err := s.ledger.Entries(r.Context(), owner, currency, page)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		if err := s.hasAccount(r.Context(), owner, currency); err != nil {
			return nil, err
		}
	}
	out := []entryView{}
	for _, e := range entries {
		out = append(out, entryView{e.Transfer, e.Cause, e.CauseID, signed(e.Amount, currency), canon.FormatTime(e.At)})
	}
	return struct {
		Entries []entryView `json:"entries"`
	}{out}, nil
}

// hasAccount refuses an owner without an account in a currency.
func (s *Server) hasAccount(ctx context.Context, owner, currency string) error {
	accounts, err := s.ledger.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if a.Owner == owner && a.Currency == currency {
			return nil
		}
	}
	return book.NoSuchAccount()
}

type auditView struct {
	Sound       bool           `json:"sound"`
	At          string         `json:"at"`
	Currencies  []currencyView `json:"currencies"`
	Trades      int64          `json:"trades"`
	Waiting     int64          `json:"waiting_payments"`
	SubAccounts int64          `json:"subaccounts"`
	Transfers   int64          `json:"transfers"`
	Entries     int64          `json:"entries"`
	Unreported  int64          `json:"unreported_events"`
	Problems    []string       `json:"problems"`
}

type currencyView struct {
	Currency  string `json:"currency"`
	Sum       string `json:"sum"`
	Deposited string `json:"deposited"`
}

func (s *Server) adminAudit(r *http.Request, _ []byte) (any, error) {
	report, err := s.ledger.Audit(r.Context())
	if err != nil {
		return nil, err
	}
	v := auditView{
		Sound: report.Sound(), At: canon.FormatTime(s.now().Truncate(time.Second)), Currencies: []currencyView{},
		Trades: report.Trades, Waiting: report.Waiting, SubAccounts: report.SubAccounts, Transfers: report.Transfers, Entries: report.Entries,
		Unreported: report.Unreported[book.Attestation], Problems: append([]string{}, report.Problems...),
	}
	for _, c := range report.Currencies {
		v.Currencies = append(v.Currencies, currencyView{c.Currency, signed(c.Sum, c.Currency), signed(c.Deposited, c.Currency)})
	}
	return v, nil
}

func currencyOf(code string) (money.Currency, error) {
	c, err := money.ParseCurrency(code)
	return c, protocol.In(err, "currency")
}

func amountIn(field, decimal, currency string) (money.Amount, error) {
	c, err := currencyOf(currency)
	if err != nil {
		return money.Amount{}, err
	}
	a, err := money.Parse(decimal, c)
	return a, protocol.In(err, field)
}

// signed writes minor units as a decimal, also below zero, which package money
// does not have.
func signed(minor int64, currency string) string {
	sign, positive := "", minor
	if minor < 0 {
		sign, positive = "-", -minor
	}
	a, err := amountOf(positive, currency)
	if err != nil { // -2^63, or a currency of another time: the bare number is still true
		return strconv.FormatInt(minor, 10) + " minor units"
	}
	return sign + a.String()
}

// amountOf turns what the ledger holds into an amount; it fails only when the
// ledger holds what it should not.
func amountOf(minor int64, currency string) (money.Amount, error) {
	t := provider.Trade{Amount: minor, Currency: currency}
	return t.Money()
}
