package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/examples/processor/binding"
	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/examples/processor/internal/passkey"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// openPages makes the pages for principals: the cashier's, and those where
// instruments are bound and passkeys enrolled.
func (s *Server) openPages(ctx context.Context) error {
	origin := "https://" + s.id.Host()
	keys, err := passkey.New(ctx, passkey.Config{Origin: origin, Name: s.id.Host(), Book: s.ledger, Now: s.now})
	if err != nil {
		return err
	}
	s.cashier, err = cashier.New(cashier.Config{
		Base: origin + CashierPath, PSPID: s.id.String(), Book: counter{s}, Provider: counter{s}, Passkeys: keys, Now: s.now,
	})
	if err != nil {
		return err
	}
	s.pages, err = binding.New(binding.Config{Origin: origin, PSPID: s.id.String(), Book: s.ledger, Provider: counter{s}, Passkeys: keys, Now: s.now})
	return err
}

// pageRoutes serves the pages. Their paths hold what makes an address worth
// something, and are not logged.
func (s *Server) pageRoutes(mux *http.ServeMux) {
	for path, pages := range map[string]http.Handler{CashierPath: s.cashier, binding.Path: s.pages, binding.EnrolPath: s.pages} {
		mux.HandleFunc(path+"/", func(w http.ResponseWriter, r *http.Request) {
			pages.ServeHTTP(w, r)
			s.log.LogAttrs(r.Context(), slog.LevelInfo, path[1:], slog.String("method", method(r)))
		})
	}
}

// AcceptBinding implements binding.Provider.
func (c counter) AcceptBinding(ctx context.Context, id string, terms payment.BindingTerms, confirmation provider.Confirmation) (*provider.Binding, error) {
	return c.provider.AcceptBinding(ctx, id, terms, confirmation)
}

// DeclineBinding implements binding.Provider.
func (c counter) DeclineBinding(ctx context.Context, id string, code protocol.Code) error {
	return c.provider.DeclineBinding(ctx, id, code)
}

// InvitePasskey makes a one-time link at which a principal enrols a passkey, and
// says until when it is good. Whoever calls it has identified the principal, and
// gives the link to nobody else (PSD-PMT-BND-02).
func (s *Server) InvitePasskey(ctx context.Context, principal string) (link string, expires time.Time, err error) {
	if err := checkDID("principal", principal); err != nil {
		return "", time.Time{}, err
	}
	return s.pages.Invite(ctx, principal)
}

// RemovePasskey ends the use of a passkey for ever.
func (s *Server) RemovePasskey(ctx context.Context, id string) error {
	return s.ledger.RemovePasskey(ctx, id)
}

type enrolmentForm struct {
	Principal string `json:"principal"`
}

func (s *Server) adminEnrolment(ctx context.Context, f enrolmentForm) (any, error) {
	link, expires, err := s.InvitePasskey(ctx, f.Principal)
	return struct {
		URL     string `json:"enrolment_url"`
		Expires string `json:"expires_at"`
	}{link, formatTime(expires)}, err
}

type passkeyForm struct {
	ID string `json:"passkey_id"`
}

func (s *Server) adminRemovePasskey(ctx context.Context, f passkeyForm) (any, error) {
	return done{true}, s.RemovePasskey(ctx, f.ID)
}

type passkeyView struct {
	ID         string `json:"passkey_id"`
	Principal  string `json:"principal"`
	Removed    bool   `json:"removed"`
	Copied     bool   `json:"may_be_copied"` // between devices, by their maker
	EnrolledAt string `json:"enrolled_at"`
	UsedAt     string `json:"used_at,omitzero"`
}

func (s *Server) adminPasskeys(r *http.Request, _ []byte) (any, error) {
	list, err := s.ledger.Passkeys(r.Context())
	if err != nil {
		return nil, err
	}
	out := []passkeyView{}
	for _, k := range list[:min(len(list), page)] {
		out = append(out, passkeyView{k.ID, k.Principal, k.Removed, k.BackupEligible, formatTime(k.EnrolledAt), formatTime(k.UsedAt)})
	}
	return struct {
		Passkeys []passkeyView `json:"passkeys"`
	}{out}, nil
}

type bindingView struct {
	ID          string                `json:"binding_id"`
	State       provider.BindingState `json:"state"`
	Agent       string                `json:"agent"`
	Principal   string                `json:"principal"`
	Asked       payment.BindingTerms  `json:"asked"`
	Granted     *payment.BindingTerms `json:"granted,omitzero"`
	Expires     string                `json:"expires_at"`
	Method      string                `json:"confirmation_method,omitzero"`
	ConfirmedAt string                `json:"confirmed_at,omitzero"`
	Reason      protocol.Code         `json:"refused_by,omitzero"`
}

// adminBindings lists the latest binding requests. The instrument is not among
// what it tells: GET /admin/tokens lists them without saying by what they came.
func (s *Server) adminBindings(r *http.Request, _ []byte) (any, error) {
	list, err := s.ledger.ListBindings(r.Context(), instants)
	if err != nil {
		return nil, err
	}
	out := []bindingView{}
	for _, b := range list {
		v := bindingView{
			ID: b.ID, State: b.State, Agent: b.Agent, Principal: b.Principal, Asked: b.Asked, Expires: formatTime(b.Expires),
			Method: b.Confirmation.Method, ConfirmedAt: formatTime(b.Confirmation.At), Reason: b.Reason,
		}
		if b.State == provider.BindingBound {
			v.Granted = &b.Granted
		}
		out = append(out, v)
	}
	return struct {
		Bindings []bindingView `json:"bindings"`
	}{out}, nil
}

type bindingDeclineForm struct {
	ID   string        `json:"binding_id"`
	Code protocol.Code `json:"code"` // risk_refused or confirmation_failed
}

func (s *Server) adminDeclineBinding(ctx context.Context, f bindingDeclineForm) (any, error) {
	return done{true}, s.provider.DeclineBinding(ctx, f.ID, f.Code)
}

// formatTime writes a time; the zero time is empty.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return canon.FormatTime(t)
}
