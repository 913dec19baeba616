package binding

import (
	"context"
	_ "embed"
	"net/http"
	"net/url"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/internal/page"
	"github.com/actprotocol/act-go/examples/processor/internal/passkey"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// The paths below which the pages are.
const (
	Path      = "/binding"
	EnrolPath = "/enrol"
)

// kindPasskey is the kind of what a passkey signs for a binding; see package
// passkey.
const kindPasskey = "binding-passkey"

// A Book is what the pages read, and where passkeys are enrolled.
type Book interface {
	book.Passkeys
	Binding(ctx context.Context, id string) (*provider.Binding, error)
	NameOf(ctx context.Context, merchant string) (string, error)
}

// A Provider carries out what was decided here; *provider.Provider is one.
type Provider interface {
	AcceptBinding(ctx context.Context, id string, terms payment.BindingTerms, c provider.Confirmation) (*provider.Binding, error)
	DeclineBinding(ctx context.Context, id string, code protocol.Code) error
}

// Config is what [New] needs; all of it.
type Config struct {
	Origin   string // of the pages: https, host and port
	PSPID    string // DID of the provider
	Book     Book
	Provider Provider
	Passkeys *passkey.Verifier
	Now      func() time.Time
}

// Pages is an http.Handler for everything below Path and EnrolPath. It is safe
// for concurrent use.
type Pages struct {
	Config
	host string
	mux  *http.ServeMux
}

// New returns the pages.
func New(c Config) (*Pages, error) {
	u, err := url.Parse(c.Origin)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != c.Origin || c.PSPID == "" || c.Book == nil || c.Provider == nil || c.Passkeys == nil || c.Now == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "config", "PSD-PMT-BND-02", "Origin (https, host and port), PSPID, Book, Provider, Passkeys and Now are needed")
	}
	p := &Pages{Config: c, host: u.Host, mux: http.NewServeMux()}
	p.mux.HandleFunc("GET "+Path+"/{id}", p.show)
	p.mux.HandleFunc("GET "+Path+"/{id}/limits", p.showLimits)
	p.mux.HandleFunc("POST "+Path+"/{id}/limits", p.lower)
	p.mux.HandleFunc("POST "+Path+"/{id}/passkey", p.accept)
	p.mux.HandleFunc("POST "+Path+"/{id}/decline", p.decline)
	p.mux.HandleFunc("GET "+EnrolPath+"/{secret}", p.showEnrolment)
	p.mux.HandleFunc("POST "+EnrolPath+"/{secret}", p.enrol)
	return p, nil
}

// URL is the address of a binding's page.
func (p *Pages) URL(id string) string { return p.Origin + Path + "/" + id }

// ServeHTTP serves what the package comment lists.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// act is what a passkey signs for a binding: who gets what, within which limits.
func (p *Pages) act(b *provider.Binding, terms payment.BindingTerms) passkey.Act {
	return passkey.Act{
		Kind: kindPasskey, Principal: b.Principal, Until: b.Expires,
		Of: struct {
			PSPID     string               `json:"psp_id"`
			Binding   string               `json:"binding_id"`
			Agent     string               `json:"buyer_agent_id"`
			Principal string               `json:"principal_id"`
			Terms     payment.BindingTerms `json:"terms"`
			Key       string               `json:"subaccount_key_thumbprint,omitzero"`
			Expires   string               `json:"expires_at"`
		}{p.PSPID, b.ID, b.Agent, b.Principal, terms, b.Key.Thumbprint(), canon.FormatTime(b.Expires)},
	}
}

func bindingPath(id string) string { return Path + "/" + id }

// find reads the binding of a request and begins its page. What is not there, or
// cannot be read, is answered here, and the binding is nil then.
func (p *Pages) find(w http.ResponseWriter, r *http.Request) (*provider.Binding, *page.Page) {
	id := r.PathValue("id")
	shown := page.New(r, p.host, bindingPath(id))
	b, err := p.Book.Binding(r.Context(), id)
	if err == nil && b.Late(p.Now()) {
		b.State, b.Reason = provider.BindingRefused, protocol.CodeConfirmationFailed
	}
	if err != nil {
		p.sorry(w, shown, err)
		return nil, nil
	}
	return b, shown
}

// sorry is the page of an error that has no page of its own.
func (p *Pages) sorry(w http.ResponseWriter, shown *page.Page, err error) {
	code := protocol.AsError(err).Code
	shown.Title = texts[shown.Lang].Failed
	shown.Content = outcome{Why: shown.Lang.Explain(code)}
	outcomePage.Write(w, payment.HTTPStatus(code), shown)
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request) {
	if b, shown := p.find(w, r); b != nil {
		p.write(w, r, shown, b, b.Asked, nil)
	}
}

// write writes the page of a binding: while it waits the given terms, which the
// principal can agree to, and otherwise what became of it. A cause is why the
// last try did not count.
func (p *Pages) write(w http.ResponseWriter, r *http.Request, shown *page.Page, b *provider.Binding, terms payment.BindingTerms, cause error) {
	text, status := texts[shown.Lang], http.StatusOK
	if cause != nil {
		status = payment.HTTPStatus(protocol.AsError(cause).Code)
	}
	if b.State != provider.BindingWaiting {
		p.writeOutcome(w, r, shown, b, status)
		return
	}
	if cause != nil {
		shown.Fault = shown.Lang.Join(shown.Lang.Explain(protocol.AsError(cause).Code), text.NothingBound)
	}
	ceremony, err := p.Passkeys.Ask(p.act(b, terms))
	if err != nil {
		problem.Write(w, err, 1)
		return
	}
	hidden, err := canon.Marshal(terms)
	if err != nil {
		problem.Write(w, err, 1)
		return
	}
	shown.Title, shown.Over = text.Title, max(b.Expires.Sub(p.Now()).Truncate(time.Second), time.Second)
	shown.Content = review{
		W: text, Agent: b.Agent, Principal: b.Principal, SubAccount: terms.Instrument == payment.BindSubAccount, Lowered: !terms.Equal(b.Asked),
		Sum: sumOf(terms), Currency: terms.Currency.Code(), Limits: p.limits(r.Context(), text, terms), Expires: page.At(b.Expires),
		Passkey: shown.PasskeyForm(ceremony, bindingPath(b.ID)+"/passkey", text.Allow, page.Field{Name: "terms", Value: string(hidden)}),
		Change:  shown.Href(bindingPath(b.ID) + "/limits"), Decline: shown.Href(bindingPath(b.ID) + "/decline"),
	}
	reviewPage.Write(w, status, shown)
}

func (p *Pages) writeOutcome(w http.ResponseWriter, r *http.Request, shown *page.Page, b *provider.Binding, status int) {
	text := texts[shown.Lang]
	o := outcome{W: text, Agent: b.Agent, Principal: b.Principal}
	if b.State == provider.BindingBound {
		shown.Title, o.Good, o.Why = text.Bound, true, text.BoundToken
		if b.Granted.Instrument == payment.BindSubAccount {
			o.Why = text.BoundSub
		}
		o.Limits = p.limits(r.Context(), text, b.Granted)
	} else {
		shown.Title, o.Why = text.Refused, shown.Lang.Join(shown.Lang.Explain(b.Reason), text.NothingBound)
	}
	shown.Content = o
	outcomePage.Write(w, status, shown)
}

// again sends the browser to the binding's page, which then shows its state.
func (p *Pages) again(w http.ResponseWriter, r *http.Request, shown *page.Page) {
	page.Secure(w.Header())
	http.Redirect(w, r, shown.Here(), http.StatusSeeOther)
}

// accept takes what the page sends after the principal has used a passkey. What
// does not hold binds nothing, and the request goes on waiting.
func (p *Pages) accept(w http.ResponseWriter, r *http.Request) {
	b, shown := p.find(w, r)
	if b == nil {
		return
	}
	terms, err := b.Asked, error(nil)
	form, err := page.ReadForm(w, r)
	if err == nil && b.State == provider.BindingWaiting {
		terms, err = p.agreed(r.Context(), b, form)
	}
	if err == nil {
		p.again(w, r, shown)
		return
	}
	if now, reread := p.Book.Binding(r.Context(), b.ID); reread == nil {
		b = now
	}
	p.write(w, r, shown, b, terms, err)
}

// agreed verifies the passkey over the terms that the page showed, and has the
// instrument made. It returns the terms to show again when it fails.
func (p *Pages) agreed(ctx context.Context, b *provider.Binding, form url.Values) (payment.BindingTerms, error) {
	var terms payment.BindingTerms
	if err := canon.Decode([]byte(form.Get("terms")), &terms); err != nil {
		return b.Asked, protocol.In(err, "terms")
	}
	if err := terms.NoWider(b.Asked); err != nil {
		return b.Asked, err
	}
	key, err := p.Passkeys.Agreed(ctx, p.act(b, terms), form)
	if err != nil {
		return terms, err
	}
	// From here on the browser may go away: the word was given.
	_, err = p.Provider.AcceptBinding(context.WithoutCancel(ctx), b.ID, terms, provider.Confirmation{Method: "passkey:" + key.ID, At: p.Now()})
	return terms, err
}

func (p *Pages) decline(w http.ResponseWriter, r *http.Request) {
	b, shown := p.find(w, r)
	if b == nil {
		return
	}
	err := page.SameOrigin(r)
	if err == nil {
		err = p.Provider.DeclineBinding(context.WithoutCancel(r.Context()), b.ID, protocol.CodeConfirmationFailed)
	}
	if err == nil || protocol.CodeOf(err) == protocol.CodeStateConflict {
		p.again(w, r, shown) // declined, or bound before: the page says which
		return
	}
	p.sorry(w, shown, err)
}

// sumOf is the most that can be spent in all; empty when there is no such limit.
func sumOf(t payment.BindingTerms) string {
	switch {
	case t.Instrument == payment.BindSubAccount && t.Total.Valid():
		return t.Total.String()
	case t.Instrument == payment.BindPaymentToken && t.Ceiling.Valid():
		return t.Ceiling.String()
	}
	return ""
}
