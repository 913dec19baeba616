package provider

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

// An Instrument names what an agent asks about: exactly one of Token and
// SubAccount.
type Instrument struct {
	Agent      string // DID of who asks
	Token      string
	SubAccount string
}

// Check refuses a question in which something is missing (field_missing).
func (i Instrument) Check() error {
	if i.Agent == "" || (i.Token == "") == (i.SubAccount == "") {
		return protocol.New(protocol.CodeFieldMissing, "instrument", "PSD-PAY-AUP-02", "an agent, and exactly one of payment token and sub-account")
	}
	return nil
}

// Instrument answers an agent that asks before it pays whether an instrument of
// its own can (PSD-PAY-AUP-02, PSD-AGT-SUB-02). What is not known, or another
// agent's, is refused with the code that a payment would get, and nothing more
// is told. It moves, reserves and stores nothing but the nonce.
func (p *Provider) Instrument(ctx context.Context, body []byte) (Answer, error) {
	verified, err := p.config.Verifier.InstrumentQuery(ctx, body, p.expect)
	if err != nil {
		return Answer{}, err
	}
	q, asOf := verified.Value(), p.config.Now() // before the book is read: what it says is not older
	asked := Instrument{Agent: q.BuyerAgentID, Token: q.PaymentToken, SubAccount: q.SubAccountID}
	facts, err := p.config.Ledger.Instrument(ctx, asked)
	if err != nil {
		return Answer{}, own(err)
	}
	state, err := facts.State(asked, asOf)
	if err != nil {
		return Answer{}, err
	}
	state.RequestID, state.PSPID = q.RequestID, p.ID()
	answer, err := payment.SignInstrumentState(p.config.Signer, state)
	return Answer{answer, http.StatusOK}, own(err)
}

// State is what these facts say about an instrument, to the agent whose it is:
// its state, its end, and what it could pay now. RequestID and PSPID are left
// empty. A state that is not known here counts as frozen.
//
// It does not look at mandate, payee, principal and the balance behind a
// payment token: those are judged when a payment is made, and the last two are
// nothing that an agent is told.
func (f *Facts) State(i Instrument, now time.Time) (payment.InstrumentState, error) {
	s := payment.InstrumentState{BuyerAgentID: i.Agent, PaymentToken: i.Token, SubAccountID: i.SubAccount, AsOf: now}
	if i.SubAccount != "" {
		return f.subAccountState(s)
	}
	k := f.Token
	if k != nil {
		s.ValidUntil = k.ValidUntil.Truncate(time.Second) // what is told is what holds
	}
	switch {
	case k == nil:
		return payment.InstrumentState{}, protocol.New(protocol.CodeInstrumentInvalid, "payment_token", "PSD-PMT-BND-04", "unknown")
	case k.Agent != i.Agent:
		return payment.InstrumentState{}, protocol.New(protocol.CodeInstrumentMismatch, "payment_token", "PSD-PMT-BND-04", "")
	case k.State == TokenCancelled:
		s.State = payment.InstrumentCancelled
	case !now.Before(s.ValidUntil):
		s.State = payment.InstrumentExpired
	case k.State != TokenActive:
		s.State = payment.InstrumentFrozen
	case now.Before(k.ValidFrom):
		s.State = payment.InstrumentNotYetValid
	default:
		s.State = payment.InstrumentActive
	}
	if k.Ceiling == 0 {
		return s, nil
	}
	return available(s, k.Currency, k.Ceiling-f.Taken)
}

func (f *Facts) subAccountState(s payment.InstrumentState) (payment.InstrumentState, error) {
	a := f.SubAccount
	switch {
	case a == nil:
		return payment.InstrumentState{}, protocol.New(protocol.CodeSubAccountUnknown, "subaccount_id", "PSD-AGT-SUB-05", "")
	case a.Agent != s.BuyerAgentID:
		return payment.InstrumentState{}, protocol.New(protocol.CodeInstrumentMismatch, "subaccount_id", "PSD-AGT-SUB-04", "")
	case a.State == SubAccountCancelled:
		s.State = payment.InstrumentCancelled
	case a.State != SubAccountActive:
		s.State = payment.InstrumentFrozen
	default:
		s.State = payment.InstrumentActive
	}
	left, l := []int64{f.Balance}, a.Limits
	if l.Single > 0 {
		left = append(left, l.Single)
	}
	if l.Total > 0 {
		left = append(left, l.Total-f.Taken)
	}
	if l.Within > 0 {
		left = append(left, l.Within-f.Within)
	}
	return available(s, a.Currency, slices.Min(left))
}

// available completes a state with what one payment could take.
func available(s payment.InstrumentState, currency string, minor int64) (payment.InstrumentState, error) {
	if s.State != payment.InstrumentActive {
		minor = 0
	}
	var err error
	if s.Available, err = amountOf(max(minor, 0), currency); err != nil {
		return payment.InstrumentState{}, err
	}
	return s, nil
}
