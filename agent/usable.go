package agent

import (
	"context"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// states are what providers have said of the agent's instruments that can pay.
// There are at most as many as instruments.
type states struct {
	mu    sync.Mutex
	known map[stateKey]known
}

type stateKey struct{ provider, token, subAccount string }

type known struct {
	state payment.InstrumentState
	asked time.Time // by the agent's own clock, before the question was sent
}

func keyOf(i Instrument) stateKey {
	q := i.question()
	return stateKey{i.PSP.ID(), q.PaymentToken, q.SubAccountID}
}

// question is what a provider is asked about the instrument.
func (i Instrument) question() payment.InstrumentQuery {
	if i.SubAccount != nil {
		return payment.InstrumentQuery{SubAccountID: i.SubAccount.ID}
	}
	return payment.InstrumentQuery{PaymentToken: i.Token}
}

// get returns what was learned after a moment.
func (s *states) get(i Instrument, after time.Time) (payment.InstrumentState, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, found := s.known[keyOf(i)]
	return k.state, found && k.asked.After(after)
}

func (s *states) put(i Instrument, state payment.InstrumentState, asked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = make(map[stateKey]known)
	}
	s.known[keyOf(i)] = known{state, asked}
}

// take counts what the agent itself is about to pay.
func (s *states) take(i Instrument, amount money.Amount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, found := s.known[keyOf(i)]
	if !found || !k.state.Available.Valid() {
		return
	}
	left, err := k.state.Available.Sub(amount)
	if err != nil {
		delete(s.known, keyOf(i))
		return
	}
	k.state.Available = left
	s.known[keyOf(i)] = k
}

func (s *states) forget(i Instrument) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, keyOf(i))
}

// usable judges whether an instrument can pay an amount, by the provider's word
// (PSD-PAY-AUP-02, PSD-PAY-A402-05). A word that was given before is believed
// when it allows, for Config.InstrumentAge; what would refuse is asked anew, so
// that a sub-account that was filled meanwhile pays. What cannot be learned is
// undetermined, and then nothing is paid.
func (a *Agent) usable(ctx context.Context, m Mandate, i Instrument, amount money.Amount) protocol.Decision {
	requirement := "PSD-PAY-A402-05"
	if m.Scenario() == payment.ScenarioAUP {
		requirement = "PSD-PAY-AUP-02"
	}
	now := a.config.Now()
	if state, ok := a.states.get(i, now.Add(-a.config.InstrumentAge)); ok {
		if d := i.judge(state, amount, now, requirement); d.Allowed() {
			return d
		}
	}
	a.states.forget(i)
	var d protocol.Decision
	state, err := i.PSP.Instrument(ctx, i.question())
	if err != nil {
		d.Record(requirement, "state of the instrument", learned(err, requirement))
		return d
	}
	if d = i.judge(state, amount, a.config.Now(), requirement); d.Allowed() {
		a.states.put(i, state, now)
	}
	return d
}

// learned returns an error that is an answer, and makes every other one
// undetermined: that a question was refused says nothing of the instrument.
func learned(err error, requirement string) error {
	e := protocol.AsError(err)
	switch e.Code {
	case protocol.CodeInstrumentInvalid, protocol.CodeInstrumentMismatch, protocol.CodeSubAccountUnknown,
		protocol.CodeSubAccountFrozen, protocol.CodeSubAccountCancelled:
		return protocol.Wrap(e.Code, e.Field, requirement, e.Detail, err)
	}
	detail := e.Detail
	if detail == "" {
		detail = e.Code.Text()
	}
	return protocol.Wrap(protocol.CodeServiceUnavailable, "instruments", requirement, "not learned: "+detail, err)
}

// judge judges a state for an amount, now.
func (i Instrument) judge(s payment.InstrumentState, amount money.Amount, now time.Time, requirement string) (d protocol.Decision) {
	field, frozen, cancelled, short := "payment_token", protocol.CodeInstrumentInvalid, protocol.CodeInstrumentInvalid, protocol.CodeInstrumentInvalid
	if i.SubAccount != nil {
		field = "subaccount_id"
		frozen, cancelled, short = protocol.CodeSubAccountFrozen, protocol.CodeSubAccountCancelled, protocol.CodeBalanceInsufficient
	}
	const name = "state of the instrument"
	switch s.State {
	case payment.InstrumentActive:
		d.Pass(requirement, name)
	case payment.InstrumentFrozen:
		d.Fail(frozen, requirement, name, field, "frozen")
		return d
	case payment.InstrumentCancelled:
		d.Fail(cancelled, requirement, name, field, "cancelled")
		return d
	case payment.InstrumentExpired, payment.InstrumentNotYetValid:
		d.Fail(protocol.CodeInstrumentInvalid, requirement, name, field, "outside its validity")
		return d
	default:
		d.Fail(protocol.CodeServiceUnavailable, requirement, name, field, "a state that is not known here")
		return d
	}
	d.Require(s.ValidUntil.IsZero() || now.Before(s.ValidUntil), protocol.CodeInstrumentInvalid, requirement, "instrument in its time", field, "its time is over")
	switch {
	case !s.Available.Valid() && i.SubAccount == nil: // a token without a ceiling
	case !s.Available.Valid():
		d.Fail(protocol.CodeFactMissing, requirement, "what the instrument has", field, "")
	case s.Available.Currency() != amount.Currency():
		d.Fail(protocol.CodeCurrencyMismatch, requirement, "currency of the instrument", field, "")
	default:
		d.Require(s.Available.Minor() >= amount.Minor(), short, requirement, "what the instrument has", field, "less than the amount")
	}
	return d
}
