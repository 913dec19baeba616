package main

import (
	"encoding/hex"
	"strconv"
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
		"canon.digest":       testee.Of(digestJSON),
		"digest.parse":       testee.Of(parseDigest),
		"base64url.decode":   testee.Of(decodeBase64),
		"id.check":           testee.Of(checkID),
		"money.parse":        testee.Of(parseMoney),
		"money.number":       testee.Of(parseNumber),
		"time.parse":         testee.Of(parseTime),

		"did.parse":             testee.Of(parseDID),
		"key_id.parse":          testee.Of(parseKeyID),
		"did.document":          testee.Of(readDocument),
		"key.find":              testee.Of(findKey),
		"jwk.parse":             testee.Of(parseJWK),
		"signature.verify":      testee.Of(verifySignature),
		"jws.verify":            testee.Of(verifyJWS),
		"signed_message.verify": testee.Of(verifyMessage),
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

func digestJSON(_ time.Time, in text) (any, error) {
	data, err := in.data()
	if err != nil {
		return nil, err
	}
	canonical, err := canon.Canonicalize(data)
	if err != nil {
		return nil, err
	}
	return map[string]canon.Digest{"digest": canon.Sum(canonical)}, nil
}

func parseDigest(_ time.Time, in struct {
	Digest string `json:"digest"`
}) (any, error) {
	digest, err := canon.ParseDigest(in.Digest)
	if err != nil {
		return nil, err
	}
	return map[string]canon.Digest{"digest": digest}, nil
}

func decodeBase64(_ time.Time, in text) (any, error) {
	data, err := canon.DecodeBase64(in.Text)
	if err != nil {
		return nil, err
	}
	return map[string]string{"hex": hex.EncodeToString(data)}, nil
}

func checkID(_ time.Time, in struct {
	ID string `json:"id"`
}) (any, error) {
	return struct{}{}, canon.CheckID(in.ID)
}

func amountOutput(a money.Amount, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return map[string]string{"amount": a.String(), "minor": strconv.FormatInt(a.Minor(), 10)}, nil
}

func parseMoney(_ time.Time, in struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}) (any, error) {
	currency, err := money.ParseCurrency(in.Currency)
	if err != nil {
		return nil, err
	}
	return amountOutput(money.Parse(in.Amount, currency))
}

func parseNumber(_ time.Time, in struct {
	Number   string `json:"number"`
	Currency string `json:"currency"`
}) (any, error) {
	currency, err := money.ParseCurrency(in.Currency)
	if err != nil {
		return nil, err
	}
	return amountOutput(money.ParseNumber(in.Number, currency))
}

func parseTime(_ time.Time, in struct {
	Time string `json:"time"`
	Form string `json:"form"`
}) (any, error) {
	parse := canon.ParseTime
	switch in.Form {
	case "offset":
	case "utc":
		parse = canon.ParseUTC
	default:
		return nil, testee.Skip("no such form of a time")
	}
	t, err := parse(in.Time)
	if err != nil {
		return nil, err
	}
	return struct {
		Time  string `json:"time"`
		Nanos int    `json:"nanos"`
	}{canon.FormatTime(t), t.Nanosecond()}, nil
}
