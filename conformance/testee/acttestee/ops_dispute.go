package main

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/verifier"
)

// verifyDispute is attestation.dispute.verify.
func verifyDispute(clock time.Time, in struct {
	Kind      string    `json:"kind"`
	Message   string    `json:"message"`
	Party     string    `json:"party"`
	Documents documents `json:"documents"`
}) (any, error) {
	v, err := verifier.NewRecordVerifier(in.Documents.keys(), func() time.Time { return clock })
	if err != nil {
		return nil, err
	}
	ctx, raw := context.Background(), []byte(in.Message)
	switch in.Kind {
	case attestation.KindApplication:
		return disputeOutput(v.Application(ctx, raw, in.Party))
	case attestation.KindCall:
		return disputeOutput(v.Call(ctx, raw, in.Party))
	case attestation.KindProduction:
		return disputeOutput(v.Production(ctx, raw, in.Party))
	case attestation.KindDisposition:
		return disputeOutput(v.Disposition(ctx, raw, in.Party))
	}
	return nil, testee.Skip("no such kind of message")
}

func disputeOutput[T any](m *verifier.Verified[T], err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return map[string]string{"key_id": m.KeyID(), "digest": string(m.ContentDigest())}, nil
}

// A course is a dispute with all that happened in it.
type course struct {
	Application string `json:"application"`
	Call        string `json:"call"`
	Productions []struct {
		Message string    `json:"message"`
		Arrived time.Time `json:"arrived"`
	} `json:"productions"`
	ClosedAt time.Time `json:"closed_at"`
	Examined []struct {
		Record     string                 `json:"record"`
		Conclusion attestation.Conclusion `json:"conclusion"`
	} `json:"examined"`
	Struck []struct {
		RecordID string `json:"record_id"`
		Digest   string `json:"record_digest"`
	} `json:"struck"`
	Disposition string `json:"disposition"`
}

// decideDispute is attestation.dispute.decide.
func decideDispute(_ time.Time, in course) (any, error) {
	c, err := in.open()
	if err != nil {
		return nil, err
	}
	if err := c.Close(in.ClosedAt); err != nil {
		return nil, err
	}
	for _, x := range in.Examined {
		if err := c.Examine(recordIDOf(x.Record), []byte(x.Record), x.Conclusion); err != nil {
			return nil, err
		}
	}
	for _, s := range in.Struck {
		if err := c.Strike(attestation.Produced{RecordID: s.RecordID, Digest: canon.Digest(s.Digest)}); err != nil {
			return nil, err
		}
	}
	if in.Disposition != "" {
		d, err := attestation.ParseDisposition([]byte(in.Disposition))
		if err != nil {
			return nil, err
		}
		if err := c.Dispose(d.Content); err != nil {
			return nil, err
		}
	}
	return map[string]any{
		"state": string(c.State()), "silent": append([]string{}, c.Silent()...), "presumable": append([]string{}, c.Presumable()...),
	}, nil
}

// open takes the messages up to the productions.
func (in course) open() (*attestation.Case, error) {
	application, err := attestation.ParseApplication([]byte(in.Application))
	if err != nil {
		return nil, err
	}
	c, err := attestation.OpenCase(application.Content, application.ContentDigest())
	if err != nil {
		return nil, err
	}
	call, err := attestation.ParseCall([]byte(in.Call))
	if err != nil {
		return nil, err
	}
	if err := c.Call(call.Content, call.ContentDigest()); err != nil {
		return nil, err
	}
	for _, p := range in.Productions {
		production, err := attestation.ParseProduction([]byte(p.Message))
		if err != nil {
			return nil, err
		}
		if err := c.Produce(production.Content, p.Arrived); err != nil {
			return nil, err
		}
	}
	return c, nil
}
