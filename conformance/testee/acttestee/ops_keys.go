package main

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

func parseDID(_ time.Time, in struct {
	DID string `json:"did"`
}) (any, error) {
	did, err := identity.ParseDID(in.DID)
	if err != nil {
		return nil, err
	}
	out := struct {
		Method string `json:"method"`
		URL    string `json:"url,omitzero"`
	}{Method: did.Method()}
	if did.Method() != identity.MethodKey {
		out.URL, err = did.DocumentURL()
	}
	return out, err
}

func parseKeyID(_ time.Time, in struct {
	KeyID string `json:"key_id"`
}) (any, error) {
	did, fragment, err := identity.ParseKeyID(in.KeyID)
	if err != nil {
		return nil, err
	}
	return map[string]string{"did": did.String(), "fragment": fragment}, nil
}

type keyOutput struct {
	ID         string         `json:"id"`
	Purpose    keys.Purpose   `json:"purpose"`
	Algorithm  keys.Algorithm `json:"algorithm"`
	Thumbprint string         `json:"thumbprint"`
}

func readDocument(_ time.Time, in struct {
	DID string `json:"did"`
	text
}) (any, error) {
	did, err := identity.ParseDID(in.DID)
	if err != nil {
		return nil, err
	}
	data, err := in.data()
	if err != nil {
		return nil, err
	}
	document, err := identity.DecodeDocument(data, did)
	if err != nil {
		return nil, err
	}
	found := []keyOutput{}
	for _, k := range document.Keys {
		found = append(found, keyOutput{k.ID, k.Purpose, k.Public.Algorithm(), k.Public.Thumbprint()})
	}
	return map[string]any{"keys": found}, nil
}

func findKey(clock time.Time, in struct {
	Documents documents    `json:"documents"`
	KeyID     string       `json:"key_id"`
	Purpose   keys.Purpose `json:"purpose"`
}) (any, error) {
	key, err := in.Documents.keys().Key(context.Background(), in.KeyID, in.Purpose, clock)
	if err != nil {
		return nil, err
	}
	return map[string]string{"thumbprint": key.Thumbprint()}, nil
}

func parseJWK(_ time.Time, in struct {
	JWK string `json:"jwk"`
}) (any, error) {
	key, err := keys.ParseJWK([]byte(in.JWK))
	if err != nil {
		return nil, err
	}
	return map[string]string{"algorithm": string(key.Algorithm()), "thumbprint": key.Thumbprint()}, nil
}

func verifySignature(_ time.Time, in struct {
	SignatureType string         `json:"signature_type"`
	JWK           jsontext.Value `json:"jwk"`
	Message       string         `json:"message"`
	Signature     string         `json:"signature"`
}) (any, error) {
	signature, err := canon.DecodeBase64(in.Signature)
	if err != nil {
		return nil, err
	}
	return struct{}{}, keys.VerifyDetached(in.SignatureType, in.JWK, []byte(in.Message), signature)
}

func verifyJWS(clock time.Time, in struct {
	Token     string       `json:"token"`
	Type      string       `json:"typ"`
	Purpose   keys.Purpose `json:"purpose"`
	Documents documents    `json:"documents"`
}) (any, error) {
	token, err := keys.ParseCompact([]byte(in.Token), in.Type)
	if err != nil {
		return nil, err
	}
	key, err := in.Documents.keys().Key(context.Background(), token.Header.KeyID, in.Purpose, clock)
	if err != nil {
		return nil, err
	}
	if err := token.Verify(key); err != nil {
		return nil, err
	}
	return struct {
		KeyID   string         `json:"key_id"`
		Payload jsontext.Value `json:"payload"`
	}{token.Header.KeyID, jsontext.Value(token.Payload)}, nil
}

func verifyMessage(clock time.Time, in struct {
	Message   string       `json:"message"`
	Kind      string       `json:"kind"`
	Purpose   keys.Purpose `json:"purpose"`
	Documents documents    `json:"documents"`
}) (any, error) {
	message, err := keys.ParseMessage([]byte(in.Message))
	if err != nil {
		return nil, err
	}
	key, err := in.Documents.keys().Key(context.Background(), message.KeyID, in.Purpose, clock)
	if err != nil {
		return nil, err
	}
	if err := message.Verify(key, in.Kind); err != nil {
		return nil, err
	}
	return map[string]string{"key_id": message.KeyID, "digest": string(message.ContentDigest())}, nil
}
