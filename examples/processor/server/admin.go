package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
)

// operatorOnly lets nobody through who does not show the operator's token. The
// comparison takes the same time for every wrong one.
func (s *Server) operatorOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		digest := sha256.Sum256([]byte(shown))
		if subtle.ConstantTimeCompare(digest[:], s.operator[:]) != 1 || !ok {
			w.Header().Set("WWW-Authenticate", "Bearer")
			problem.WriteStatus(w, http.StatusUnauthorized, protocol.New(protocol.CodeActorRefused, "", "", "the operator's token is needed"), 0)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// A route is one thing the desk does.
type route struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Does   string `json:"does"`
	serve  func(*http.Request, []byte) (any, error)
}

func (s *Server) deskRoutes() []route {
	return []route{
		{"POST", "/admin/principals", "open the account of a principal, and name who may issue mandates for it", with(s.adminPrincipal)},
		{"POST", "/admin/merchants", "open the account of a merchant", with(s.adminMerchant)},
		{"POST", "/admin/issuers", "trust an issuer of mandates for a principal, or no longer", with(s.adminIssuer)},
		{"POST", "/admin/deposits", "book money that came from outside, once an id", with(s.adminDeposit)},
		{"POST", "/admin/tokens", "bind a payment token for an agent", with(s.adminBind)},
		{"POST", "/admin/token-states", "freeze, thaw or cancel a payment token", with(s.adminTokenState)},
		{"GET", "/admin/tokens", "list the payment tokens", s.adminTokens},
		{"GET", "/admin/accounts", "list the accounts and their balances", s.adminAccounts},
		{"GET", "/admin/entries", "list what happened to the account of ?owner= in ?currency=", s.adminEntries},
		{"GET", "/admin/audit", "compute all balances and totals again", s.adminAudit},
	}
}

// adminRoutes serves the routes, and their list at /admin/. The list is also
// what everything else under /admin is pointed to.
func (s *Server) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	routes := s.deskRoutes()
	for _, r := range routes {
		mux.HandleFunc(r.Method+" "+r.Path, s.desk(r))
	}
	list := route{Method: "GET", Path: "/admin/", serve: func(*http.Request, []byte) (any, error) {
		return struct {
			Routes []route `json:"routes"`
		}{routes}, nil
	}}
	mux.HandleFunc("GET /admin", s.desk(list))
	mux.HandleFunc("GET /admin/{$}", s.desk(list))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { noRoute(w, r, routes) })
	return mux
}

func (s *Server) desk(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var answer []byte
		body, err := readBody(w, r)
		if err == nil {
			var v any
			if v, err = route.serve(r, body); err == nil {
				answer, err = canon.Marshal(v)
			}
		}
		write(w, answer, err)
		s.causes.book(r.Context(), err)
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "desk", slog.String("method", route.Method), slog.String("path", route.Path), slog.String("code", string(protocol.CodeOf(err))))
	}
}

// noRoute refuses a path that the desk does not have, or a method that the path
// does not have.
func noRoute(w http.ResponseWriter, r *http.Request, routes []route) {
	methods := []string{}
	for _, have := range routes {
		if have.Path == r.URL.Path {
			methods = append(methods, have.Method)
		}
	}
	status, field := http.StatusNotFound, "path"
	if len(methods) > 0 {
		status, field = http.StatusMethodNotAllowed, "method"
		w.Header().Set("Allow", strings.Join(methods, ", "))
	}
	problem.WriteStatus(w, status, protocol.New(protocol.CodeFieldInvalid, field, "", "the desk has no such route; GET /admin/ lists them"), 0)
}

// with reads the body as a closed object.
func with[T any](serve func(context.Context, T) (any, error)) func(*http.Request, []byte) (any, error) {
	return func(r *http.Request, body []byte) (any, error) {
		var v T
		if err := canon.Decode(body, &v); err != nil {
			return nil, err
		}
		return serve(r.Context(), v)
	}
}

type done struct {
	Done bool `json:"done"`
}

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
	Token string            `json:"payment_token"`
	State ledger.TokenState `json:"state"`
}

func (s *Server) adminTokenState(ctx context.Context, f tokenStateForm) (any, error) {
	return done{true}, s.SetTokenState(ctx, f.Token, f.State)
}

// page bounds what one answer lists; a book is read on with its own tools.
const page = 1000

type tokenView struct {
	Token      string            `json:"payment_token"`
	Principal  string            `json:"principal"`
	Agent      string            `json:"agent"`
	Currency   string            `json:"currency"`
	ValidFrom  string            `json:"valid_from"`
	ValidUntil string            `json:"valid_until"`
	Ceiling    string            `json:"ceiling,omitzero"`
	Merchants  []string          `json:"merchants,omitzero"`
	State      ledger.TokenState `json:"state"`
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
	Owner    string      `json:"owner"`
	Kind     ledger.Kind `json:"kind"`
	Currency string      `json:"currency"`
	Balance  string      `json:"balance"` // below zero for the funding account
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
	Transfer string `json:"transfer"`
	Cause    string `json:"cause"`
	CauseID  string `json:"cause_id"`
	Amount   string `json:"amount"` // below zero: out of the account
	At       string `json:"at"`
}

func (s *Server) adminEntries(r *http.Request, _ []byte) (any, error) {
	currency := r.URL.Query().Get("currency")
	entries, err := s.ledger.Entries(r.Context(), r.URL.Query().Get("owner"), currency, page)
	if err != nil {
		return nil, err
	}
	out := []entryView{}
	for _, e := range entries {
		out = append(out, entryView{strconv.FormatInt(e.Transfer, 10), e.Cause, e.CauseID, signed(e.Amount, currency), canon.FormatTime(e.At)})
	}
	return struct {
		Entries []entryView `json:"entries"`
	}{out}, nil
}

type auditView struct {
	Sound      bool           `json:"sound"`
	At         string         `json:"at"`
	Currencies []currencyView `json:"currencies"`
	Trades     int64          `json:"trades"`
	Transfers  int64          `json:"transfers"`
	Entries    int64          `json:"entries"`
	Unreported int64          `json:"unreported_events"`
	Problems   []string       `json:"problems"`
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
		Trades: report.Trades, Transfers: report.Transfers, Entries: report.Entries,
		Unreported: report.Unreported, Problems: append([]string{}, report.Problems...),
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
