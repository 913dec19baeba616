package main

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/guomi"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// suites is the input member of that name: the algorithms beside our own that
// the verifier is given.
type suites []string

func (s suites) values() ([]keys.Suite, error) {
	var out []keys.Suite
	for _, name := range s {
		if name != "guomi" {
			return nil, testee.Skip("no such suite")
		}
		out = append(out, guomi.Suite{})
	}
	return out, nil
}

// suiteKeys are keys that a document cannot hold, by key id.
type suiteKeys map[string]jsontext.Value

func (k suiteKeys) SuiteKey(_ context.Context, keyID string, _ keys.Purpose, _ time.Time) ([]byte, error) {
	jwk, ok := k[keyID]
	if !ok {
		return nil, protocol.New(protocol.CodeKeyUnknown, "", "", "")
	}
	return jwk, nil
}

// chainAnswers is what a chain has; silent ends the question instead, as a time
// limit would.
type chainAnswers struct {
	anchors []anchored
	silent  context.CancelFunc
}

type anchored struct {
	Channel  string    `json:"channel"`
	RecordID string    `json:"record_id"`
	Token    string    `json:"token"`
	Place    string    `json:"place"`
	At       time.Time `json:"at"`
}

func (c chainAnswers) Anchor(_ context.Context, channel, recordID string) (*verifier.Anchored, error) {
	if c.silent != nil {
		c.silent()
		return nil, errors.New("the chain is silent")
	}
	for _, a := range c.anchors {
		if a.Channel == channel && a.RecordID == recordID {
			return &verifier.Anchored{Token: []byte(a.Token), Place: a.Place, At: a.At}, nil
		}
	}
	return nil, verifier.ErrAnchorNotFound
}

// records is a source of records, by id.
type records []string

func (r records) Record(_ context.Context, recordID string) ([]byte, error) {
	for _, text := range r {
		if recordIDOf(text) == recordID {
			return []byte(text), nil
		}
	}
	return nil, errors.New("no such record")
}

// recordInput is the input of attestation.record.verify.
type recordInput struct {
	Record    string     `json:"record"`
	RecordID  string     `json:"record_id"`
	Channel   string     `json:"channel"`
	Documents documents  `json:"documents"`
	Anchors   []anchored `json:"anchors"`
	Silent    bool       `json:"chain_silent"`
	Upstream  records    `json:"upstream"`
	Suites    suites     `json:"suites"`
	SuiteKeys suiteKeys  `json:"suite_keys"`
}

// verifyRecord is attestation.record.verify.
func verifyRecord(clock time.Time, in recordInput) (any, error) {
	v, err := verifier.NewRecordVerifier(in.Documents.keys(), func() time.Time { return clock })
	if err != nil {
		return nil, err
	}
	given, err := in.Suites.values()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	chain := chainAnswers{anchors: in.Anchors}
	if in.Silent {
		chain.silent = cancel
	}
	expect := verifier.RecordExpectation{Channel: in.Channel, Anchors: chain, Suites: given, SuiteKeys: in.SuiteKeys}
	if in.Upstream != nil {
		expect.Upstream = in.Upstream
	}
	var verdict *verifier.RecordVerdict
	if in.RecordID != "" {
		verdict, err = v.RecordByID(ctx, anyRecord(in.Record), in.RecordID, expect)
	} else {
		verdict, err = v.Record(ctx, []byte(in.Record), expect)
	}
	if err != nil {
		return nil, err
	}
	out := map[string]any{"conclusion": string(verdict.Conclusion), "whole": verdict.Whole()}
	if verdict.Signer != "" {
		out["signer"] = verdict.Signer
	}
	return out, nil
}

// readContent is attestation.record.content. What was read is written again,
// which leaves out what it does not name.
func readContent(_ time.Time, in struct {
	Record string `json:"record"`
}) (any, error) {
	u, err := attestation.Parse([]byte(in.Record))
	if err != nil {
		return nil, err
	}
	content, err := u.Record.Content()
	if err != nil {
		return nil, err
	}
	draft, err := attestation.NewDraft(content, u.Record.EventTime, u.Record.Links, u.Record.Participants...)
	if err != nil {
		return nil, err
	}
	return map[string]jsontext.Value{"content": draft.Body}, nil
}

// anyRecord answers every question with one record.
type anyRecord string

func (r anyRecord) Record(context.Context, string) ([]byte, error) { return []byte(r), nil }
