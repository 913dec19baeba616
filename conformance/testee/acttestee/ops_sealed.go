package main

import (
	"context"
	"crypto/ecdh"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sealed"
	"github.com/actprotocol/act-go/verifier"
)

// A sealKey is a reader's own key, with its private JWK.
type sealKey struct {
	KeyID string     `json:"key_id"`
	Key   privateKey `json:"jwk"`
}

func (k sealKey) decryption() (*keys.DecryptionKey, error) {
	curves := map[string]ecdh.Curve{"P-256": ecdh.P256(), "X25519": ecdh.X25519()}
	curve := curves[k.Key.Crv]
	if curve == nil {
		return nil, testee.Skip("no such curve")
	}
	d, err := canon.DecodeBase64(k.Key.D)
	if err != nil {
		return nil, err
	}
	private, err := curve.NewPrivateKey(d)
	if err != nil {
		return nil, err
	}
	return keys.NewDecryptionKey(k.KeyID, private)
}

// openSealed is sealed.open.
func openSealed(clock time.Time, in struct {
	fetched `json:",inline"`
	Message string       `json:"message"`
	Sender  string       `json:"sender"`
	Purpose keys.Purpose `json:"purpose"`
	Keys    []sealKey    `json:"keys"`
	Before  int          `json:"shown_before"`
}) (any, error) {
	v, err := in.verifier(verifier.Config{}, clock)
	if err != nil {
		return nil, err
	}
	expect := verifier.SealedExpectation{Sender: in.Sender, Purpose: in.Purpose}
	for _, k := range in.Keys {
		key, err := k.decryption()
		if err != nil {
			return nil, errEarlier{err}
		}
		expect.Keys = append(expect.Keys, key)
	}
	for range in.Before {
		if _, err := v.Sealed(context.Background(), []byte(in.Message), expect); err != nil {
			return nil, errEarlier{err}
		}
	}
	opened, err := v.Sealed(context.Background(), []byte(in.Message), expect)
	if err != nil {
		return nil, err
	}
	return sealedOutput(opened.Value()), nil
}

func sealedOutput(m sealed.Message) any {
	type part struct {
		Name    string         `json:"name"`
		Content jsontext.Value `json:"content"`
		Readers []string       `json:"readers"`
	}
	parts := []part{}
	for _, p := range m.Parts {
		parts = append(parts, part{p.Name, p.Content, p.Readers})
	}
	return map[string]any{"message_id": m.ID, "key_id": m.KeyID, "parts": parts, "others": m.Others}
}
