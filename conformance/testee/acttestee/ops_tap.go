package main

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// A networkRequest is what a server received from an agent of a network.
type networkRequest struct {
	arrival   `json:",inline"`
	Directory map[string]jsontext.Value `json:"directory"` // the network's keys by keyid
	Tag       string                    `json:"tag"`       // the one that is served; empty for either
}

// verifyTAP is tap.verify.
func verifyTAP(clock time.Time, in networkRequest) (any, error) {
	v, err := (&fetched{}).verifier(verifier.Config{}, clock)
	if err != nil {
		return nil, err
	}
	expect := verifier.TAPExpectation{Authority: in.Authority, Tag: in.Tag, Covers: in.Covers}
	if expect.Keys, err = directory(in.Directory); err != nil {
		return nil, errEarlier{err}
	}
	for range in.Before {
		if _, err := in.verify(v, expect); err != nil {
			return nil, errEarlier{err}
		}
	}
	return in.verify(v, expect)
}

func (in *networkRequest) verify(v *verifier.Verifier, expect verifier.TAPExpectation) (any, error) {
	r, body, err := in.request()
	if err != nil {
		return nil, err
	}
	agent, err := v.TAPSignature(context.Background(), r, body, expect)
	if err != nil {
		return nil, err
	}
	return map[string]any{"keyid": agent.KeyID(), "tag": agent.Tag(), "uncovered": agent.Uncovered()}, nil
}

// directory reads the keys of a network.
func directory(jwks map[string]jsontext.Value) (verifier.TAPKeys, error) {
	all := verifier.TAPKeys{}
	for id, jwk := range jwks {
		key, err := keys.ParseJWK(jwk)
		if err != nil {
			return nil, err
		}
		all[id] = key
	}
	return all, nil
}
