package delegation

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/decimal"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
)

// A Number is the literal of a JSON number, for example "20", "18.50" or
// "1.5e1". ISR and IAC hold amounts as JSON numbers; keeping the literal lets
// them be read exactly, never through a binary float (ADD-INT-ICS-09). The zero
// value means that the member is absent.
type Number string

// NumberOf returns an amount as a number, in the form that RFC 8785 gives it.
func NumberOf(a money.Amount) Number { return Number(a.Number()) }

// Amount reads the number exactly as an amount of a currency: not negative, at
// most two decimals, and no more decimals than the currency has. Decimals that
// are zero do not count: 450.00 and 450 are one value in RFC 8785.
func (n Number) Amount(c money.Currency) (money.Amount, error) {
	if n == "" {
		return money.Amount{}, protocol.New(protocol.CodeFieldMissing, "", "ADD-INT-ICS-09", "")
	}
	a, err := money.ParseNumber(string(n), c)
	if err != nil {
		return money.Amount{}, withRequirement(err, "ADD-INT-ICS-09")
	}
	return a, nil
}

// checkPercent accepts a percentage that is not negative (ADD-INT-ICS-15).
func (n Number) checkPercent() error {
	if p, ok := decimal.Parse(string(n)); !ok || p.Negative {
		return protocol.New(protocol.CodeFieldInvalid, "", "ADD-INT-ICS-15", "a percentage that is not negative")
	}
	return nil
}

// MarshalJSONTo writes the literal; anything but a JSON number is refused.
func (n Number) MarshalJSONTo(enc *jsontext.Encoder) error {
	v := jsontext.Value(n)
	if v.Kind() != '0' || !v.IsValid() {
		return protocol.New(protocol.CodeFieldInvalid, "", "ADD-INT-ICS-09", "must be a JSON number")
	}
	return enc.WriteValue(v)
}

// withRequirement fills in the requirement of an error that has none.
func withRequirement(err error, requirement string) error {
	if err == nil {
		return nil
	}
	e := *protocol.AsError(err)
	if e.Requirement == "" {
		e.Requirement = requirement
	}
	return &e
}
