package alipay

import (
	"bytes"
	"crypto/rsa"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// An envelope is the outer object of an answer.
type envelope struct {
	node      []byte // the value of <method>_response, byte for byte
	signature string
}

// splitAnswer takes an answer apart without changing a byte of the part that is
// signed. Of other members, which are not signed, nothing is believed, so that
// error_response, which has no signature that could be relied on, is no answer.
func splitAnswer(body []byte, member string) (envelope, error) {
	// The whole text is checked first: from here on it is one strict JSON
	// value, with no member twice at any level.
	if err := canon.Check(body); err != nil {
		return envelope{}, notUnderstood("an answer that is not strict JSON", err)
	}
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if d.PeekKind() != jsontext.KindBeginObject {
		return envelope{}, notUnderstood("an answer that is no object", nil)
	}
	_, _ = d.ReadToken()
	var e envelope
	for d.PeekKind() == jsontext.KindString {
		name, err := d.ReadToken()
		if err != nil {
			return envelope{}, notUnderstood("an answer that is not strict JSON", err)
		}
		key := name.String() // before the next call, which makes it invalid
		value, err := d.ReadValue()
		if err != nil {
			return envelope{}, notUnderstood("an answer that is not strict JSON", err)
		}
		switch {
		case key == member && value.Kind() == jsontext.KindBeginObject:
			e.node = bytes.Clone(value)
		case key == "sign" && value.Kind() == jsontext.KindString:
			if err := json.Unmarshal(value, &e.signature); err != nil {
				return envelope{}, notUnderstood("a signature that is no string", err)
			}
		}
	}
	switch {
	case e.node == nil:
		return envelope{}, notUnderstood("an answer to another question, or an error of the gateway that nobody signed", nil)
	case e.signature == "":
		return envelope{}, notUnderstood("an answer without a signature", nil)
	}
	return e, nil
}

// authentic returns the text that Alipay has signed.
//
// That is the value as it was received; or, because the platform has been
// seen to escape solidi after it signed, and its own libraries allow for that,
// the same with every \/ written as /. The text that verified is the one to be
// read, and no other.
func (e envelope) authentic(keys []*rsa.PublicKey) ([]byte, error) {
	if verified(keys, e.node, e.signature) {
		return e.node, nil
	}
	if plain := bytes.ReplaceAll(e.node, []byte(`\/`), []byte("/")); len(plain) != len(e.node) && verified(keys, plain, e.signature) {
		return plain, nil
	}
	return nil, notUnderstood("an answer that none of Alipay's keys has signed", nil)
}

// A result is what every answer has.
type result struct {
	Code    string `json:"code"`
	SubCode string `json:"sub_code,omitzero"`
}

const codeSuccess = "10000"

// readAnswer verifies an answer and reads it into answer. Alipay's own refusal
// is the error that refusals has for it.
func readAnswer(body []byte, method string, keys []*rsa.PublicKey, answer any, refusals map[string]refusal) error {
	e, err := splitAnswer(body, strings.ReplaceAll(method, ".", "_")+"_response")
	if err != nil {
		return err
	}
	text, err := e.authentic(keys)
	if err != nil {
		return err
	}
	if err := canon.Check(text); err != nil {
		return notUnderstood("an answer that is not strict JSON", err)
	}
	var r result
	if err := json.Unmarshal(text, &r); err != nil {
		return notUnderstood("an answer without a code", err)
	}
	if r.Code != codeSuccess {
		return r.refused(refusals)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return notUnderstood("an answer with members of another type", err)
	}
	return nil
}

// A flag is a boolean of an answer. The documentation says true and false; the
// strings are what some of the platform's gateways make of them.
type flag uint8

const (
	flagAbsent flag = iota
	flagFalse
	flagTrue
)

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `true`, `"true"`:
		*f = flagTrue
	case `false`, `"false"`:
		*f = flagFalse
	default:
		return protocol.New(protocol.CodeFieldInvalid, "active", "PSD-PAY-A402-08", "true or false")
	}
	return nil
}
