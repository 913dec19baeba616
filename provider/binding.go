package provider

import (
	"context"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// DefaultTimeToBind is how long a binding request waits for the principal.
const DefaultTimeToBind = 30 * time.Minute

// MaxOpenBindings is how many undecided binding requests a book keeps for one
// agent: nobody has vouched for who asks.
const MaxOpenBindings = 16

// BindingKept is how long a book keeps, at least, a binding request that nobody
// has decided in its time (SPEC.md 6.11). Behind it the request may be forgotten,
// and then begins anew: strangers fill no book.
const BindingKept = 24 * time.Hour

// A BindingState is what has become of a binding request.
type BindingState string

// The states of a binding request. Bound and refused are the end.
const (
	BindingWaiting BindingState = "waiting"
	BindingBound   BindingState = "bound"
	BindingRefused BindingState = "refused"
)

// A Binding is an agent's request for an instrument of a principal's, and what
// became of it (SPEC.md 6.11). Everything up to Expires is fixed when it is
// begun.
type Binding struct {
	ID        string       // 1.7; names the page, and cannot be guessed
	Agent     string       // DID of who asks, and will use the instrument
	RequestID string       // unique with Agent, apart from those of payments
	Digest    canon.Digest // of all that two transmissions have in common
	Principal string       // DID of whose account it is to be
	Asked     payment.BindingTerms
	Key       keys.PublicKey // of a sub-account; else the zero value
	Expires   time.Time      // whole seconds; from then on it is too late to decide

	State        BindingState
	Granted      payment.BindingTerms // zero unless bound, as is what follows
	Token        string               // the payment token, or
	SubAccount   string
	Confirmation Confirmation
	BoundAt      time.Time     // whole seconds
	Reason       protocol.Code // why it was refused; empty otherwise
}

// A Grant is what a principal has agreed to.
type Grant struct {
	Terms        payment.BindingTerms // ValidFrom set, of a payment token
	Token        string               // id for the new payment token, or
	SubAccount   string               // for the new sub-account
	Confirmation Confirmation
}

// Bindings is the part of a provider's book that is there when agents ask for
// instruments themselves (Config.Bindings). What is said of [Ledger] about
// transactions, durability, the clock and errors holds here too.
//
// A binding request, known by Agent and RequestID, gets one answer for ever. A
// waiting one binds nothing; every method that meets one at or after Expires
// first refuses it with confirmation_failed. That is the one answer that may be
// forgotten, with its request, [BindingKept] after Expires.
type Bindings interface {
	// BeginBinding returns what the agent's request now is: b, stored and
	// waiting, or the earlier one with its Digest. Another Digest is
	// request_conflict; a new request of an agent that has MaxOpenBindings
	// undecided ones is too_many_requests, and not stored.
	BeginBinding(ctx context.Context, b Binding) (*Binding, error)

	// Binding returns a binding request by its ID in its present state, or
	// context_unknown.
	Binding(ctx context.Context, id string) (*Binding, error)

	// AcceptBinding makes the instrument, in the transaction that ends the
	// waiting. What [Binding.Judge] refuses is returned and changes nothing. A
	// principal without an account in the currency is instrument_invalid, a key
	// that another sub-account has or had subaccount_key_invalid: both are
	// stored as the answer and returned as a *payment.BindingRefusal, as is an
	// earlier refusal. One that is bound is returned as it is, whatever the grant.
	AcceptBinding(ctx context.Context, id string, g Grant) (*Binding, error)

	// DeclineBinding ends the waiting without an instrument, with
	// confirmation_failed or risk_refused (any other code is field_invalid) as
	// the stored answer. One that was refused before stays so, with its first
	// code, and the error is nil; one that is bound is state_conflict.
	DeclineBinding(ctx context.Context, id string, code protocol.Code) error
}

// Check refuses a binding request in which something is missing or of the wrong
// form, before a book looks at it.
func (b *Binding) Check() error {
	for _, f := range []struct{ name, value string }{
		{"id", b.ID}, {"buyer_agent_id", b.Agent}, {"request_id", b.RequestID}, {"digest", string(b.Digest)}, {"principal_id", b.Principal},
	} {
		if f.value == "" {
			return protocol.New(protocol.CodeFieldMissing, f.name, "PSD-PMT-BND-02", "")
		}
	}
	switch {
	case b.Expires.IsZero():
		return protocol.New(protocol.CodeFieldMissing, "expires", "PSD-PMT-BND-02", "")
	case b.Key.IsZero() != (b.Asked.Instrument != payment.BindSubAccount):
		return protocol.New(protocol.CodeFieldInvalid, "key", "PSD-AGT-SUB-01", "a sub-account has a key of its own, and nothing else has one")
	}
	return protocol.In(b.Asked.Check(), "terms")
}

// Judge refuses a grant that does not fit a waiting binding request: terms that
// are wider than what was asked for, a token that would be over before it
// begins, an instrument without an id, or a confirmation in which something is
// missing.
func (b *Binding) Judge(g Grant, now time.Time) error {
	if err := g.Confirmation.Check(); err != nil {
		return err
	}
	if err := g.Terms.Check(); err != nil {
		return protocol.In(err, "terms")
	}
	if err := g.Terms.NoWider(b.Asked); err != nil {
		return protocol.In(err, "terms")
	}
	token := b.Asked.Instrument == payment.BindPaymentToken
	switch {
	case token != (g.Token != "") || token == (g.SubAccount != ""):
		return protocol.New(protocol.CodeFieldMissing, "instrument", "PSD-PMT-BND-03", "exactly the id of what was asked for")
	case token && g.Terms.ValidFrom.IsZero():
		return protocol.New(protocol.CodeFieldMissing, "terms.valid_from", "PSD-PMT-BND-03", "")
	case token && !now.Before(g.Terms.ValidUntil):
		return protocol.New(protocol.CodeFieldInvalid, "terms.valid_until", "PSD-PMT-BND-03", "over already")
	}
	return nil
}

// NewToken is the payment token that a grant makes of a binding request.
func (b *Binding) NewToken(g Grant) Token {
	return Token{
		ID: g.Token, Principal: b.Principal, Agent: b.Agent, Currency: g.Terms.Currency.Code(),
		ValidFrom: g.Terms.ValidFrom, ValidUntil: g.Terms.ValidUntil, Ceiling: g.Terms.Ceiling.Minor(), Merchants: g.Terms.Merchants, State: TokenActive,
	}
}

// NewSubAccount is the sub-account that a grant makes of a binding request. The
// limits of balance and task are in g.Terms, because a Ledger does not judge
// them by itself.
func (b *Binding) NewSubAccount(g Grant) SubAccount {
	t := g.Terms
	return SubAccount{
		ID: g.SubAccount, Principal: b.Principal, Agent: b.Agent, Currency: t.Currency.Code(), Key: b.Key, State: SubAccountActive,
		Limits: Limits{Single: t.Single.Minor(), Total: t.Total.Minor(), Within: t.Within.Minor(), Period: t.Period},
	}
}

// Refusal is the stored answer to a refused binding request.
func (b *Binding) Refusal() *payment.BindingRefusal {
	return &payment.BindingRefusal{RequestID: b.RequestID, Reason: protocol.New(b.Reason, "", "PSD-PMT-BND-05", "")}
}

// Repeat compares a binding request with an earlier one of the same agent and id
// (request_conflict).
func (b *Binding) Repeat(earlier *Binding) error {
	if b.Digest != earlier.Digest {
		return protocol.New(protocol.CodeRequestConflict, "request_id", "PSD-PMT-BND-05", "the id was used before with other content")
	}
	return nil
}

// CheckBegin refuses a new binding request of an agent that has as many
// undecided ones (too_many_requests), and one whose ID names another
// (state_conflict).
func (b *Binding) CheckBegin(open int, used bool) error {
	switch {
	case open >= MaxOpenBindings:
		return protocol.New(protocol.CodeTooManyRequests, "buyer_agent_id", "PSD-PMT-BND-02", "too many requests wait for their principals")
	case used:
		return protocol.New(protocol.CodeStateConflict, "id", "PSD-PMT-BND-02", "begun before")
	}
	return nil
}

// UnknownBinding refuses whoever asks about a binding request that is not there.
func UnknownBinding() error {
	return protocol.New(protocol.CodeContextUnknown, "binding_id", "PSD-PMT-BND-02", "")
}

// Accept is what [Bindings].AcceptBinding decides about a binding request by
// itself: whether the grant is to be made now. It is not when it was made
// before; a refusal changes nothing.
func (b *Binding) Accept(g Grant, now time.Time) (bool, error) {
	switch b.State {
	case BindingBound:
		return false, nil
	case BindingRefused:
		return false, b.Refusal()
	}
	if err := b.Judge(g, now); err != nil {
		return false, err
	}
	return true, nil
}

// Bind ends the waiting: what was granted is there.
func (b *Binding) Bind(g Grant, now time.Time) {
	b.State, b.Granted, b.Token, b.SubAccount = BindingBound, g.Terms, g.Token, g.SubAccount
	b.Confirmation, b.BoundAt = g.Confirmation, wholeSeconds(now)
}

// Refuse ends the waiting without an instrument.
func (b *Binding) Refuse(code protocol.Code) { b.State, b.Reason = BindingRefused, code }

// Declines is what [Bindings].DeclineBinding decides about a binding request:
// whether there is something to refuse. One that is bound is state_conflict.
func (b *Binding) Declines() (bool, error) {
	if b.State == BindingBound {
		return false, protocol.New(protocol.CodeStateConflict, "binding_id", "PSD-PMT-BND-05", "bound already")
	}
	return b.State == BindingWaiting, nil
}

// Late reports whether it waits for a decision that would come too late.
func (b *Binding) Late(now time.Time) bool {
	return b.State == BindingWaiting && !now.Before(b.Expires)
}

// CheckBindingDecline refuses a code with which no binding request can be
// refused (field_invalid).
func CheckBindingDecline(code protocol.Code) error {
	if code != protocol.CodeConfirmationFailed && code != protocol.CodeRiskRefused {
		return protocol.New(protocol.CodeFieldInvalid, "code", "PSD-PMT-BND-05", "confirmation_failed or risk_refused")
	}
	return nil
}

// Bind answers an agent that asks for an instrument (SPEC.md 6.11): that the
// principal is waited for, or what came of it. The instrument is told to the
// agent alone, in the answer to its own signed request. A *payment.BindingRefusal
// is the stored answer to the request (PSD-PMT-BND-05); every other error speaks
// of this transmission only.
func (p *Provider) Bind(ctx context.Context, body []byte) (Answer, error) {
	if p.config.Bindings == nil {
		return Answer{}, protocol.New(protocol.CodeMethodNotAllowed, "", "PSD-PMT-BND-02", "this provider binds nothing on request")
	}
	verified, err := p.config.Verifier.BindingRequest(ctx, body, p.expect)
	if err != nil {
		return Answer{}, err
	}
	q := verified.Value()
	b, err := p.config.Bindings.BeginBinding(context.WithoutCancel(ctx), Binding{
		ID: "bind-" + canon.Nonce(), Agent: q.BuyerAgentID, RequestID: q.RequestID, Digest: verified.ContentDigest(), Principal: q.PrincipalID,
		Asked: q.Terms, Key: q.SubAccountKey, Expires: p.config.Now().Add(p.config.TimeToBind).UTC().Truncate(time.Second), State: BindingWaiting,
	})
	if err != nil {
		return Answer{}, err
	}
	switch b.State {
	case BindingWaiting:
		url, err := p.config.BindingPage(ctx, b)
		if err != nil {
			return Answer{}, protocol.Wrap(protocol.CodeServiceUnavailable, "", "PSD-PMT-BND-02", "the page did not answer", err)
		}
		out, err := payment.SignBindingPending(p.config.Signer, payment.BindingPending{
			RequestID: b.RequestID, PSPID: p.ID(), BuyerAgentID: b.Agent, BindingURL: url, ExpiresAt: b.Expires,
		})
		return Answer{out, http.StatusAccepted}, own(err)
	case BindingBound:
		out, err := payment.SignBindingResult(p.config.Signer, payment.BindingResult{
			RequestID: b.RequestID, PSPID: p.ID(), BuyerAgentID: b.Agent, PrincipalID: b.Principal, Terms: b.Granted,
			PaymentToken: b.Token, SubAccountID: b.SubAccount, BoundAt: b.BoundAt,
		})
		return Answer{out, http.StatusOK}, own(err)
	default:
		return Answer{}, b.Refusal()
	}
}

// AcceptBinding binds an instrument within terms: for the page, when the
// principal of this binding request has been verified, has seen the agent and
// these terms, and has agreed (PSD-PMT-BND-02, PSD-AGT-SUB-01). Verifying is the
// caller's. A ValidFrom that is zero becomes now. A *payment.BindingRefusal says
// that it came too late, or what the book refused; nothing is bound then.
func (p *Provider) AcceptBinding(ctx context.Context, id string, terms payment.BindingTerms, c Confirmation) (*Binding, error) {
	if p.config.Bindings == nil {
		return nil, protocol.New(protocol.CodeMethodNotAllowed, "", "PSD-PMT-BND-02", "this provider binds nothing on request")
	}
	g := Grant{Terms: terms, Confirmation: c}
	if terms.Instrument == payment.BindSubAccount {
		g.SubAccount = "sub-" + canon.Nonce()
	} else {
		g.Token = "tok-" + canon.Nonce()
		if terms.ValidFrom.IsZero() {
			g.Terms.ValidFrom = p.config.Now().UTC().Truncate(time.Second)
		}
	}
	return p.config.Bindings.AcceptBinding(context.WithoutCancel(ctx), id, g)
}

// DeclineBinding ends a waiting binding request, and nothing is bound: for the
// page, when the principal says no (confirmation_failed), or when risk control
// steps in (risk_refused).
func (p *Provider) DeclineBinding(ctx context.Context, id string, code protocol.Code) error {
	if p.config.Bindings == nil {
		return protocol.New(protocol.CodeMethodNotAllowed, "", "PSD-PMT-BND-02", "this provider binds nothing on request")
	}
	return p.config.Bindings.DeclineBinding(context.WithoutCancel(ctx), id, code)
}
