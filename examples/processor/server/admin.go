package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/actprotocol/act-go/internal/body"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// OperatorOnly lets nobody through who does not show the operator's token; or
// reads, in a browser in which the operator has signed in (Config.SignedIn). The
// comparison takes the same time for every wrong token.
func (s *Server) OperatorOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		digest := sha256.Sum256([]byte(shown))
		reads := s.signedIn != nil && r.Method == http.MethodGet && s.signedIn(r)
		if (subtle.ConstantTimeCompare(digest[:], s.operator[:]) != 1 || !ok) && !reads {
			w.Header().Set("WWW-Authenticate", "Bearer")
			deskRefusal{Code: deskUnauthorized, Detail: "the operator's token is needed: Authorization: Bearer, and the token"}.write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// lines ends every answer with a line feed: operators read them in a terminal.
func lines(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		_, _ = io.WriteString(w, "\n")
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
		{"POST", "/admin/names", "name a merchant, as the cashier shows it", with(s.adminName)},
		{"POST", "/admin/tokens", "bind a payment token for an agent", with(s.adminBind)},
		{"POST", "/admin/token-states", "freeze, thaw or cancel a payment token", with(s.adminTokenState)},
		{"GET", "/admin/tokens", "list the payment tokens", s.adminTokens},
		{"POST", "/admin/subaccounts", "open a sub-account for an agent and its key", with(s.adminOpenSubAccount)},
		{"POST", "/admin/topups", "move money of the principal into a sub-account, once an id", with(s.adminTopUp)},
		{"POST", "/admin/subaccount-states", "freeze, unfreeze or cancel a sub-account, or all of an agent", with(s.adminSubAccountState)},
		{"GET", "/admin/subaccounts", "list the sub-accounts, their states and balances", s.adminSubAccounts},
		{"POST", "/admin/devices", "pair a device with a principal, to confirm payments at the cashier", with(s.adminPair)},
		{"POST", "/admin/device-removals", "end the pairing of a device", with(s.adminRemoveDevice)},
		{"GET", "/admin/devices", "list the paired devices", s.adminDevices},
		{"POST", "/admin/enrolments", "make a one-time link at which a principal, who was identified, enrols a passkey", with(s.adminEnrolment)},
		{"POST", "/admin/passkey-removals", "end the use of a passkey", with(s.adminRemovePasskey)},
		{"GET", "/admin/passkeys", "list the passkeys of principals", s.adminPasskeys},
		{"GET", "/admin/bindings", "list the latest binding requests: waiting, bound, refused", s.adminBindings},
		{"POST", "/admin/binding-declines", "refuse a binding request that waits", with(s.adminDeclineBinding)},
		{"GET", "/admin/instants", "list the latest instant payments: waiting, paid, closed", s.adminInstants},
		{"POST", "/admin/declines", "close an instant payment that waits, without money", with(s.adminDecline)},
		{"GET", "/admin/accounts", "list the accounts and their balances", s.adminAccounts},
		{"GET", "/admin/entries", "list what happened to the account of ?owner= in ?currency=", s.adminEntries},
		{"GET", "/admin/audit", "compute all balances and totals again", s.adminAudit},
	}
}

// adminRoutes serves the routes, and their list at /admin/. The list is also
// what everything else under /admin is pointed to.
func (s *Server) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	routes := append(s.deskRoutes(), s.statementRoutes()...)
	s.documents(mux)
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
		begun := s.now()
		var answer []byte
		message, err := body.Read(w, r)
		if err == nil {
			var v any
			if v, err = route.serve(r, message); err == nil {
				answer, err = canon.Marshal(v)
			}
		}
		write(w, answer, err)
		s.counts.answered(route.Path, err, s.now().Sub(begun))
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
	if len(methods) == 0 {
		deskRefusal{Code: deskNoRoute, Detail: "the desk has no such route; GET /admin/ lists them"}.write(w)
		return
	}
	allowed := strings.Join(methods, ", ")
	w.Header().Set("Allow", allowed)
	deskRefusal{Code: deskWrongMethod, Detail: "this route takes " + allowed + "; GET /admin/ lists them"}.write(w)
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

// write answers with a body of ours, or with an error.
func write(w http.ResponseWriter, body []byte, err error) {
	if err != nil {
		refuse(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body)
}
