package recorder

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
)

// The form of a draft in the queue. It never leaves the folder.
type (
	draftWire struct {
		RecordID     string                `json:"record_id"`
		Accepted     time.Time             `json:"accepted"`
		Type         attestation.EventType `json:"event_type"`
		EventTime    time.Time             `json:"event_time"`
		Links        linksWire             `json:"links"`
		Participants []participantWire     `json:"participants"`
		Body         jsontext.Value        `json:"event_body"`
		Ext          jsontext.Value        `json:"ext,omitzero"`
	}
	linksWire struct {
		IntentID        string   `json:"intent_id,omitzero"`
		DelegationID    string   `json:"delegation_id,omitzero"`
		MerchantOrderID string   `json:"merchant_order_id,omitzero"`
		TradeNo         string   `json:"trade_no,omitzero"`
		Upstream        []string `json:"upstream,omitzero"`
	}
	participantWire struct {
		ID         string           `json:"id"`
		Role       attestation.Role `json:"role"`
		Represents string           `json:"represents,omitzero"`
	}
)

// draftLimits admit whatever attestation.Draft.Check does.
var draftLimits = canon.Limits{MaxBytes: 128 << 10}

func encodeDraft(id string, accepted time.Time, d attestation.Draft) ([]byte, error) {
	w := draftWire{
		RecordID: id, Accepted: accepted.UTC(), Type: d.Type, EventTime: d.EventTime.UTC(),
		Links: linksWire(d.Links), Body: d.Body, Ext: d.Ext,
	}
	for _, p := range d.Participants {
		w.Participants = append(w.Participants, participantWire(p))
	}
	return canon.Marshal(w)
}

func decodeDraft(data []byte) (draftWire, error) {
	var w draftWire
	err := draftLimits.Decode(data, &w)
	return w, err
}

func (w draftWire) draft() attestation.Draft {
	d := attestation.Draft{
		Type: w.Type, EventTime: w.EventTime, Links: attestation.Links(w.Links), Body: w.Body, Ext: w.Ext,
	}
	for _, p := range w.Participants {
		d.Participants = append(d.Participants, attestation.Participant(p))
	}
	return d
}
