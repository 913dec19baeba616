package payment

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
)

// A BindingInstrument says what an agent asks to be bound. The list is closed.
type BindingInstrument string

// The instruments that can be bound (SPEC.md 6.11).
const (
	BindPaymentToken BindingInstrument = "PAYMENT_TOKEN" // for the principal's account (PSD-PMT-BND)
	BindSubAccount   BindingInstrument = "SUB_ACCOUNT"   // with a key of its own (PSD-AGT-SUB)
)

var bindingInstruments = []BindingInstrument{BindPaymentToken, BindSubAccount}

// MaxBindingMerchants is the largest number of merchants in [BindingTerms].
const MaxBindingMerchants = 64

// maxPeriod bounds the period of a limit.
const maxPeriod = 366 * 24 * time.Hour

// BindingTerms are the limits of an instrument: those that an agent asks for, or
// those that the principal has granted (PSD-PMT-BND-02, PSD-PMT-BND-03). An
// amount that is not valid, an empty list and a zero time mean no such limit.
// Amounts are above zero and of Currency.
type BindingTerms struct {
	Instrument BindingInstrument
	Currency   money.Currency

	// Of a payment token.
	ValidFrom  time.Time    // first moment; zero, in what is asked for, means from the binding on
	ValidUntil time.Time    // first moment after; required. Both have whole seconds
	Ceiling    money.Amount // most that all payments together may take
	Merchants  []string     // DIDs that may be paid, none twice; empty is any

	// Of a sub-account (PSD-AGT-SUB-06).
	Balance money.Amount  // most that may lie in it
	Single  money.Amount  // one payment
	Total   money.Amount  // all payments together
	Task    money.Amount  // all payments under one mandate
	Within  money.Amount  // all payments within any Period
	Period  time.Duration // whole seconds, at most 366 days; set exactly when Within is
}

type termsWire struct {
	Instrument    BindingInstrument `json:"instrument"`
	Currency      string            `json:"currency"`
	ValidFrom     *string           `json:"valid_from,omitzero"`
	ValidUntil    *string           `json:"valid_until,omitzero"`
	Ceiling       *string           `json:"ceiling,omitzero"`
	Merchants     *[]string         `json:"merchants,omitzero"`
	Balance       *string           `json:"balance_limit,omitzero"`
	Single        *string           `json:"single_limit,omitzero"`
	Total         *string           `json:"total_limit,omitzero"`
	Task          *string           `json:"task_limit,omitzero"`
	Within        *string           `json:"period_limit,omitzero"`
	PeriodSeconds *int64            `json:"period_seconds,omitzero"`
}

func (t BindingTerms) wire() *termsWire {
	limit := func(a money.Amount) *string {
		s, _ := wire.FormatAmount(a)
		return wire.Optional(s)
	}
	w := &termsWire{
		Instrument: t.Instrument, Currency: t.Currency.Code(),
		ValidFrom: wire.Optional(wire.FormatTime(t.ValidFrom)), ValidUntil: wire.Optional(wire.FormatTime(t.ValidUntil)),
		Ceiling: limit(t.Ceiling), Balance: limit(t.Balance), Single: limit(t.Single), Total: limit(t.Total), Task: limit(t.Task), Within: limit(t.Within),
	}
	if t.Merchants != nil {
		w.Merchants = &t.Merchants
	}
	if t.Period != 0 {
		seconds := int64(t.Period / time.Second)
		w.PeriodSeconds = &seconds
	}
	return w
}

// value checks terms; nil ones are missing.
func (w *termsWire) value() (BindingTerms, error) {
	r := wire.Reader{Requirement: "PSD-PMT-BND-03"}
	if w == nil {
		r.Require("", "")
		return BindingTerms{}, r.Err()
	}
	enum(&r, "instrument", w.Instrument, bindingInstruments)
	t := BindingTerms{Instrument: w.Instrument, Currency: r.Currency("currency", w.Currency)}
	if w.Instrument == BindSubAccount {
		w.subAccount(&r, &t)
	} else {
		w.token(&r, &t)
	}
	if err := r.Err(); err != nil {
		return BindingTerms{}, err
	}
	return t, nil
}

func (w *termsWire) token(r *wire.Reader, t *BindingTerms) {
	for field, s := range map[string]*string{
		"balance_limit": w.Balance, "single_limit": w.Single, "total_limit": w.Total, "task_limit": w.Task, "period_limit": w.Within,
	} {
		absent(r, field, s, "a limit of sub-accounts")
	}
	if w.PeriodSeconds != nil {
		r.Invalid("period_seconds", "a limit of sub-accounts")
	}
	t.ValidFrom, t.ValidUntil = r.OptionalTime("valid_from", w.ValidFrom), r.Time("valid_until", text(w.ValidUntil))
	if t.ValidFrom.Nanosecond() != 0 || t.ValidUntil.Nanosecond() != 0 {
		r.Invalid("valid_until", "valid_from and valid_until have whole seconds")
	}
	if !t.ValidFrom.IsZero() && !t.ValidUntil.IsZero() && !t.ValidFrom.Before(t.ValidUntil) {
		r.Invalid("valid_until", "must be after valid_from")
	}
	t.Ceiling = optionalPositive(r, "ceiling", w.Ceiling, t.Currency)
	if w.Merchants == nil {
		return
	}
	t.Merchants = *w.Merchants
	if n := len(t.Merchants); n == 0 || n > MaxBindingMerchants {
		r.Invalid("merchants", "1 to 64, or absent")
		return
	}
	for i, m := range t.Merchants {
		r.DID("merchants", m)
		if slices.Contains(t.Merchants[:i], m) {
			r.Invalid("merchants", "none twice")
		}
	}
}

func (w *termsWire) subAccount(r *wire.Reader, t *BindingTerms) {
	for field, s := range map[string]*string{"valid_from": w.ValidFrom, "valid_until": w.ValidUntil, "ceiling": w.Ceiling} {
		absent(r, field, s, "a limit of payment tokens")
	}
	if w.Merchants != nil {
		r.Invalid("merchants", "a limit of payment tokens")
	}
	for _, l := range []struct {
		field string
		s     *string
		into  *money.Amount
	}{
		{"balance_limit", w.Balance, &t.Balance}, {"single_limit", w.Single, &t.Single}, {"total_limit", w.Total, &t.Total},
		{"task_limit", w.Task, &t.Task}, {"period_limit", w.Within, &t.Within},
	} {
		*l.into = optionalPositive(r, l.field, l.s, t.Currency)
	}
	switch {
	case (w.PeriodSeconds == nil) != (w.Within == nil):
		r.Invalid("period_seconds", "set exactly when period_limit is")
	case w.PeriodSeconds != nil && (*w.PeriodSeconds <= 0 || *w.PeriodSeconds > int64(maxPeriod/time.Second)):
		r.Invalid("period_seconds", "above zero, and at most 366 days")
	case w.PeriodSeconds != nil:
		t.Period = time.Duration(*w.PeriodSeconds) * time.Second
	}
}

// optionalPositive reads an amount above zero that may be absent, but not empty.
func optionalPositive(r *wire.Reader, field string, s *string, c money.Currency) money.Amount {
	if s == nil {
		return money.Amount{}
	}
	return r.Positive(field, *s, c)
}

// Check refuses terms that no message could carry (SPEC.md 6.11).
func (t BindingTerms) Check() error {
	_, err := t.wire().value()
	return err
}

// NoWider refuses terms that allow anything which asked does not: what a
// principal grants is what was asked for, or less (PSD-PMT-BND-02). The code is
// constraint_conflict and the field names the first limit that is wider. Both
// must have passed Check.
func (t BindingTerms) NoWider(asked BindingTerms) error {
	wider := func(field string) error {
		return protocol.New(protocol.CodeConstraintConflict, field, "PSD-PMT-BND-02", "wider than what was asked for")
	}
	switch {
	case t.Instrument != asked.Instrument:
		return wider("instrument")
	case t.Currency != asked.Currency:
		return wider("currency")
	case t.ValidFrom.Before(asked.ValidFrom): // the zero time is before all others
		return wider("valid_from")
	case t.ValidUntil.After(asked.ValidUntil):
		return wider("valid_until")
	case len(asked.Merchants) > 0 && (len(t.Merchants) == 0 || slices.ContainsFunc(t.Merchants, func(m string) bool { return !slices.Contains(asked.Merchants, m) })):
		return wider("merchants")
	case asked.Within.Valid() && t.Period < asked.Period:
		return wider("period_seconds") // the same limit over a shorter time allows more
	}
	for _, l := range []struct {
		field       string
		here, asked money.Amount
	}{
		{"ceiling", t.Ceiling, asked.Ceiling}, {"balance_limit", t.Balance, asked.Balance}, {"single_limit", t.Single, asked.Single},
		{"total_limit", t.Total, asked.Total}, {"task_limit", t.Task, asked.Task}, {"period_limit", t.Within, asked.Within},
	} {
		if l.asked.Valid() && (!l.here.Valid() || l.here.Currency() != l.asked.Currency() || l.here.Minor() > l.asked.Minor()) {
			return wider(l.field)
		}
	}
	return nil
}

// Equal reports whether two terms say the same; the order of merchants says
// nothing.
func (t BindingTerms) Equal(other BindingTerms) bool {
	return t.NoWider(other) == nil && other.NoWider(t) == nil
}

// MarshalJSONTo writes the terms as the messages have them, for books that keep
// them. Terms that Check refuses cannot be written.
func (t BindingTerms) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := t.Check(); err != nil {
		return err
	}
	text, err := canon.Marshal(t.wire())
	if err != nil {
		return err
	}
	return enc.WriteValue(text)
}

// UnmarshalJSONFrom reads what MarshalJSONTo has written, and checks it.
func (t *BindingTerms) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	text, err := dec.ReadValue()
	if err != nil {
		return err
	}
	var w termsWire
	if err := canon.Decode(text, &w); err != nil {
		return err
	}
	*t, err = w.value()
	return err
}
