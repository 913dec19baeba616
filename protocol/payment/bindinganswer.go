package payment

import (
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A BindingPending is the provider's answer to a binding request that waits for
// the principal (SPEC.md 6.11): nothing is bound. The principal decides at
// BindingURL before ExpiresAt; the same request, sent again, tells what came of
// it.
type BindingPending struct {
	RequestID    string // of the request
	PSPID        string // DID; the signer
	BuyerAgentID string // DID
	BindingURL   string // https
	ExpiresAt    time.Time
}

type bindingPendingWire struct {
	RequestID    string `json:"request_id"`
	PSPID        string `json:"psp_id"`
	BuyerAgentID string `json:"buyer_agent_id"`
	BindingURL   string `json:"binding_url"`
	ExpiresAt    string `json:"expires_at"`
}

func (p BindingPending) wire() bindingPendingWire {
	return bindingPendingWire{p.RequestID, p.PSPID, p.BuyerAgentID, p.BindingURL, wire.FormatTime(p.ExpiresAt)}
}

func (w bindingPendingWire) value() (BindingPending, error) {
	r := wire.Reader{Requirement: "PSD-PMT-BND-02"}
	r.ID("request_id", w.RequestID)
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.WebURL("binding_url", w.BindingURL)
	if !strings.HasPrefix(w.BindingURL, "https://") {
		r.Invalid("binding_url", "must be an https URL")
	}
	p := BindingPending{w.RequestID, w.PSPID, w.BuyerAgentID, w.BindingURL, r.Time("expires_at", w.ExpiresAt)}
	if err := r.Err(); err != nil {
		return BindingPending{}, err
	}
	return p, nil
}

// SignBindingPending checks a message and returns it signed, by the provider's
// key for proofs.
func SignBindingPending(s *keys.Signer, p BindingPending) ([]byte, error) {
	return sign[BindingPending](s, keys.Proof, keys.KindBindingPending, "psp_id", p.PSPID, p.wire())
}

// An UnverifiedBindingPending has the right form; nothing is known of its
// origin.
type UnverifiedBindingPending struct {
	Pending BindingPending
	envelope
}

// ParseBindingPending reads the message: form, and that the key id is the
// provider's. It does not check signature, time, nor that this is the answer to
// what was asked; and it does not open the address.
func ParseBindingPending(data []byte) (*UnverifiedBindingPending, error) {
	v, e, err := parse[BindingPending, bindingPendingWire](data, keys.KindBindingPending, func(p BindingPending) string { return p.PSPID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedBindingPending{v, e}, nil
}

// A BindingResult is the provider's word that the principal has bound an
// instrument for the agent (PSD-PMT-BND-03, PSD-AGT-SUB-01), and within which
// limits. It tells nothing of the account (PSD-PMT-BND-01). It stays the answer
// to its request whatever becomes of the instrument: InstrumentQuery asks for
// its state.
type BindingResult struct {
	RequestID    string // of the request
	PSPID        string // DID; the signer
	BuyerAgentID string // DID
	PrincipalID  string // DID
	Terms        BindingTerms
	PaymentToken string // or
	SubAccountID string
	BoundAt      time.Time
}

type bindingResultWire struct {
	RequestID    string     `json:"request_id"`
	PSPID        string     `json:"psp_id"`
	BuyerAgentID string     `json:"buyer_agent_id"`
	PrincipalID  string     `json:"principal_id"`
	Terms        *termsWire `json:"terms"`
	PaymentToken *string    `json:"payment_token,omitzero"`
	SubAccountID *string    `json:"subaccount_id,omitzero"`
	BoundAt      string     `json:"bound_at"`
}

func (b BindingResult) wire() bindingResultWire {
	return bindingResultWire{
		b.RequestID, b.PSPID, b.BuyerAgentID, b.PrincipalID, b.Terms.wire(), wire.Optional(b.PaymentToken), wire.Optional(b.SubAccountID), wire.FormatTime(b.BoundAt),
	}
}

func (w bindingResultWire) value() (BindingResult, error) {
	r := wire.Reader{Requirement: "PSD-PMT-BND-03"}
	r.ID("request_id", w.RequestID)
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.DID("principal_id", w.PrincipalID)
	terms, err := w.Terms.value()
	r.Fail("terms", err)
	b := BindingResult{
		RequestID: w.RequestID, PSPID: w.PSPID, BuyerAgentID: w.BuyerAgentID, PrincipalID: w.PrincipalID, Terms: terms, BoundAt: r.Time("bound_at", w.BoundAt),
	}
	b.PaymentToken, b.SubAccountID = oneInstrument(&r, w.PaymentToken, w.SubAccountID)
	switch {
	case err != nil:
	case terms.Instrument == BindSubAccount && b.SubAccountID == "":
		r.Invalid("payment_token", "not what was granted")
	case terms.Instrument == BindPaymentToken && b.PaymentToken == "":
		r.Invalid("subaccount_id", "not what was granted")
	case terms.Instrument == BindPaymentToken && terms.ValidFrom.IsZero():
		r.Require("terms.valid_from", "")
	}
	if err := r.Err(); err != nil {
		return BindingResult{}, err
	}
	return b, nil
}

// SignBindingResult checks a result and returns it as a signed message, by the
// provider's key for proofs.
func SignBindingResult(s *keys.Signer, b BindingResult) ([]byte, error) {
	return sign[BindingResult](s, keys.Proof, keys.KindBindingResult, "psp_id", b.PSPID, b.wire())
}

// An UnverifiedBindingResult has the right form; nothing is known of its origin.
type UnverifiedBindingResult struct {
	Result BindingResult
	envelope
}

// ParseBindingResult reads a result: form, and that the key id is the
// provider's. It does not check signature, time, nor that this is the answer to
// what was asked.
func ParseBindingResult(data []byte) (*UnverifiedBindingResult, error) {
	v, e, err := parse[BindingResult, bindingResultWire](data, keys.KindBindingResult, func(b BindingResult) string { return b.PSPID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedBindingResult{v, e}, nil
}

// A BindingRefusal is the answer to a binding request that is not a
// [BindingResult]: nothing is bound and, under this request, nothing will be
// (PSD-PMT-BND-05). Every other error speaks of one message only.
//
// It is an error, and errors.As finds the [protocol.Error] in it.
type BindingRefusal struct {
	RequestID string          // of the binding request
	Reason    *protocol.Error // denied, never undetermined
}

// Error is the text of the reason.
func (r *BindingRefusal) Error() string { return r.Reason.Error() }

// Unwrap returns the reason.
func (r *BindingRefusal) Unwrap() error { return r.Reason }

// AwaitsBinding is the error by which a call tells that a binding request waits
// for the principal: not bound, not refused. Its code is confirmation_pending,
// which is undetermined.
type AwaitsBinding struct {
	Pending BindingPending
}

// Error says that a person has to decide; it repeats nothing of Pending.
func (a *AwaitsBinding) Error() string { return a.Unwrap().Error() }

// Unwrap returns a *protocol.Error of code confirmation_pending.
func (a *AwaitsBinding) Unwrap() error {
	return protocol.New(protocol.CodeConfirmationPending, "", "PSD-PMT-BND-02", "the principal decides at the provider's page")
}
