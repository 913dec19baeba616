package main

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/guomi"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
)

// checkDraft is attestation.draft.check.
func checkDraft(_ time.Time, in struct {
	Initiator string `json:"initiator"`
	Type      string `json:"event_type"`
	EventTime string `json:"event_time"`
	Links     struct {
		Intent     string   `json:"intent_id"`
		Delegation string   `json:"delegation_id"`
		Order      string   `json:"merchant_order_id"`
		Trade      string   `json:"trade_no"`
		Upstream   []string `json:"upstream"`
	} `json:"links"`
	Participants []struct {
		ID         string `json:"id"`
		Role       string `json:"role"`
		Represents string `json:"represents"`
	} `json:"participants"`
	Body jsontext.Value `json:"event_body"`
	Ext  jsontext.Value `json:"ext"`
}) (any, error) {
	at, err := canon.ParseUTC(in.EventTime)
	if err != nil {
		return nil, err
	}
	d := attestation.Draft{
		Type: attestation.EventType(in.Type), EventTime: at, Body: in.Body, Ext: in.Ext,
		Links: attestation.Links{
			IntentID: in.Links.Intent, DelegationID: in.Links.Delegation, MerchantOrderID: in.Links.Order,
			TradeNo: in.Links.Trade, Upstream: in.Links.Upstream,
		},
	}
	for _, p := range in.Participants {
		d.Participants = append(d.Participants, attestation.Participant{ID: p.ID, Role: attestation.Role(p.Role), Represents: p.Represents})
	}
	return struct{}{}, d.Check(in.Initiator)
}

// signAnchor is attestation.anchor.sign.
func signAnchor(clock time.Time, in struct {
	Record  string       `json:"record"`
	Channel string       `json:"channel"`
	KeyID   string       `json:"key_id"`
	Purpose keys.Purpose `json:"purpose"`
	Key     privateKey   `json:"key"`
}) (any, error) {
	u, err := attestation.Parse([]byte(in.Record))
	if err != nil {
		return nil, err
	}
	private, err := in.Key.signer()
	if err != nil {
		return nil, err
	}
	signer, err := keys.NewSigner(in.KeyID, in.Purpose, private)
	if err != nil {
		return nil, err
	}
	token, err := attestation.SignAnchor(signer, &u.Record, in.Channel, clock)
	if err != nil {
		return nil, err
	}
	return map[string]string{"anchor": string(token)}, nil
}

// verifyAnchor is attestation.anchor.verify.
func verifyAnchor(_ time.Time, in struct {
	Anchor    string    `json:"anchor"`
	Documents documents `json:"documents"`
}) (any, error) {
	u, err := attestation.ParseAnchor([]byte(in.Anchor))
	if err != nil {
		return nil, err
	}
	key, err := in.Documents.keys().Key(context.Background(), u.KeyID(), keys.Anchor, u.Anchor.IssuedAt)
	if err != nil {
		return nil, err
	}
	if err := u.Verify(key); err != nil {
		return nil, err
	}
	return map[string]string{
		"submitter": u.Anchor.Submitter, "record_id": u.Anchor.RecordID, "channel": u.Anchor.Channel,
		"issued_at": canon.FormatTime(u.Anchor.IssuedAt),
	}, nil
}

// A chain is one that a verifier trusts.
type chain struct {
	Chain     string           `json:"chain"`
	Keys      []jsontext.Value `json:"keys"`
	Witnesses []struct {
		Name string         `json:"name"`
		JWK  jsontext.Value `json:"jwk"`
	} `json:"witnesses"`
	Quorum int `json:"quorum"`
}

func (c chain) trust(clock time.Time) (trustlog.Trust, error) {
	t := trustlog.Trust{Chain: c.Chain, Quorum: c.Quorum, Now: func() time.Time { return clock }}
	for _, jwk := range c.Keys {
		key, err := keys.ParseJWK(jwk)
		if err != nil {
			return t, err
		}
		t.Keys = append(t.Keys, key)
	}
	for _, w := range c.Witnesses {
		key, err := keys.ParseJWK(w.JWK)
		if err != nil {
			return t, err
		}
		t.Witnesses = append(t.Witnesses, trustlog.Witness{Name: w.Name, Key: key})
	}
	return t, nil
}

// verifyLog is attestation.log.verify.
func verifyLog(clock time.Time, in struct {
	chain   `json:",inline"`
	Channel string `json:"channel"`
	Proof   string `json:"proof"`
}) (any, error) {
	trust, err := in.trust(clock)
	if err != nil {
		return nil, err
	}
	place, err := trust.Verify(in.Channel, []byte(in.Proof))
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"index": place.Index, "size": place.Checkpoint.Size, "time": canon.FormatTime(place.Checkpoint.Time), "record_id": place.Anchor.RecordID,
	}, nil
}

// contradictLog is attestation.log.contradict.
func contradictLog(clock time.Time, in struct {
	chain   `json:",inline"`
	Channel string `json:"channel"`
	Proof   string `json:"proof"`
	Denial  string `json:"denial"`
}) (any, error) {
	trust, err := in.trust(clock)
	if err != nil {
		return nil, err
	}
	lie, err := trust.Contradicts(in.Channel, []byte(in.Denial), []byte(in.Proof))
	if err != nil {
		return nil, err
	}
	return map[string]bool{"contradicts": lie}, nil
}

// digestGuomi is guomi.digest.
func digestGuomi(_ time.Time, in struct {
	Text string `json:"text"`
}) (any, error) {
	return map[string]string{"digest": string(guomi.Digest([]byte(in.Text)))}, nil
}

// verifyGuomi is guomi.verify.
func verifyGuomi(_ time.Time, in struct {
	JWK       jsontext.Value `json:"jwk"`
	Message   string         `json:"message"`
	Signature string         `json:"signature"`
}) (any, error) {
	signature, err := canon.DecodeBase64(in.Signature)
	if err != nil {
		return nil, err
	}
	return struct{}{}, guomi.Suite{}.Verify(in.JWK, []byte(in.Message), signature)
}
