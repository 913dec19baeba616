package main

import (
	"time"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
)

// coreOperations are about bytes, numbers, times, names and keys: what all
// domains share (SPEC.md 1 to 3).
func coreOperations() map[string]testee.Operation {
	return map[string]testee.Operation{
		"canon.canonicalize": testee.Of(canonicalize),
		"money.parse":        testee.Of(parseMoney),
	}
}

// A text is what came from another party: as a string, or in base64url where
// it is not UTF-8.
type text struct {
	Text  string `json:"text"`
	Bytes string `json:"bytes"`
}

func (t text) data() ([]byte, error) {
	if t.Bytes == "" {
		return []byte(t.Text), nil
	}
	return canon.DecodeBase64(t.Bytes)
}

func canonicalize(_ time.Time, in text) (any, error) {
	data, err := in.data()
	if err != nil {
		return nil, err
	}
	canonical, err := canon.Canonicalize(data)
	if err != nil {
		return nil, err
	}
	return map[string]string{"canonical": string(canonical)}, nil
}

func parseMoney(_ time.Time, in struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}) (any, error) {
	currency, err := money.ParseCurrency(in.Currency)
	if err != nil {
		return nil, err
	}
	amount, err := money.Parse(in.Amount, currency)
	if err != nil {
		return nil, err
	}
	return map[string]string{"amount": amount.String()}, nil
}
