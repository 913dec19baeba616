package book

import (
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// refusal is a refusal in a store: canonical JSON, without the cause.
type refusal struct {
	Code        protocol.Code    `json:"code"`
	Field       string           `json:"field,omitzero"`
	Requirement string           `json:"requirement,omitzero"`
	Detail      string           `json:"detail,omitzero"`
	Checks      []protocol.Check `json:"checks,omitempty"`
}

// EncodeRefusal is the form in which stores keep a refusal that is an answer.
func EncodeRefusal(e *protocol.Error) ([]byte, error) {
	return canon.Marshal(refusal{e.Code, e.Field, e.Requirement, e.Detail, e.Checks})
}

// DecodeRefusal reads what EncodeRefusal made. What is no denial, or unknown, is
// service_unavailable: a broken store refuses nobody.
func DecodeRefusal(text []byte) (*protocol.Error, error) {
	var s refusal
	if err := canon.Decode(text, &s); err != nil {
		return nil, unreadable("a stored refusal cannot be read", err)
	}
	if s.Code.Outcome() != protocol.Denied || !s.Code.Known() {
		return nil, unreadable("a stored refusal is not one", nil)
	}
	return &protocol.Error{Code: s.Code, Field: s.Field, Requirement: s.Requirement, Detail: s.Detail, Checks: s.Checks}, nil
}

// StoredKey reads a public key that a store keeps as a JWK.
func StoredKey(jwk []byte) (keys.PublicKey, error) {
	k, err := keys.ParseJWK(jwk)
	if err != nil {
		return keys.PublicKey{}, unreadable("a stored key is not one", err)
	}
	return k, nil
}

func unreadable(detail string, err error) error {
	return protocol.Wrap(protocol.CodeServiceUnavailable, "", "", detail, err)
}
