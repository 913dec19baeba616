package attestation

import (
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/privacy/guard"
)

// clockSkew is how far ahead the clock of who told of an event may be.
const clockSkew = time.Minute

// A Draft is what happened, before it becomes a record. [NewDraft] makes one of
// the content of an event.
type Draft struct {
	Type         EventType
	EventTime    time.Time // when it happened; whole seconds
	Links        Links
	Participants []Participant  // the initiator, who seals, is one of them
	Body         jsontext.Value // event_body, an object; SPEC.md 10.1 lists the members of each type
	Ext          jsontext.Value // ext, an object; optional
}

// NewDraft makes a draft of the content of an event, which says its type too.
func NewDraft(c Content, at time.Time, links Links, participants ...Participant) (Draft, error) {
	body, err := c.body()
	if err != nil {
		return Draft{}, protocol.In(err, "event_body")
	}
	return Draft{Type: c.eventType(), EventTime: at, Links: links, Participants: participants, Body: body}, nil
}

// Check tells whether an initiator can make a record of the draft: everything
// that SPEC.md 10.1 asks of a record before it is sealed. Ask it before a draft
// is put away for later, when nobody is there any more to correct it.
//
// What looks like personal data or an account number is refused wherever it
// stands (TSD-ATT-OFF-07): in links too, which the anchor repeats where nothing
// can be taken back. The texts are judged in canonical form, in which an escape
// hides nothing.
func (d Draft) Check(initiator string) error {
	_, err := d.check(initiator)
	return err
}

// check returns the draft as a record has it, its objects in canonical form.
func (d Draft) check(initiator string) (Record, error) {
	w := d.wire(NewID(initiator), d.EventTime)
	r := wire.Reader{Requirement: "TSD-ATT-OFF-02"}
	facts := w.facts(&r)
	if !slices.ContainsFunc(facts.Participants, func(p Participant) bool { return p.ID == initiator }) {
		r.Fail("", protocol.New(protocol.CodeClaimsConflict, "participants", "TSD-ATT-OFF-06", "the initiator is not among them"))
	}
	if err := r.Err(); err != nil {
		return Record{}, err
	}
	if _, err := canon.Marshal(w); err != nil { // a null, or too deep inside of a record
		return Record{}, err
	}
	looked := [][3]string{
		{"event_body", "TSD-ATT-OFF-07", string(facts.Body)}, {"ext", "TSD-ATT-OFF-07", string(facts.Ext)},
		{"links.intent_id", "TSD-ATT-OCA-02", d.Links.IntentID}, {"links.delegation_id", "TSD-ATT-OCA-02", d.Links.DelegationID},
		{"links.merchant_order_id", "TSD-ATT-OCA-02", d.Links.MerchantOrderID}, {"links.trade_no", "TSD-ATT-OCA-02", d.Links.TradeNo},
	}
	for i, p := range facts.Participants {
		looked = append(looked, [3]string{"participants[" + strconv.Itoa(i) + "].represents", "TSD-ATT-OFF-07", p.Represents})
	}
	for _, l := range looked {
		if err := guarded(l[0], l[1], l[2]); err != nil {
			return Record{}, err
		}
	}
	return facts, nil
}

// guarded refuses a text in which package guard finds something.
func guarded(field, requirement, text string) error {
	err := guard.Check(text)
	if err == nil {
		return nil
	}
	e := *protocol.AsError(protocol.In(err, field))
	e.Requirement = requirement
	return &e
}

// wire is the record of the draft without salt, hash and signatures.
func (d Draft) wire(id string, created time.Time) recordWire {
	w := recordWire{
		Version: Version, ID: id, Type: d.Type, EventTime: wire.FormatTime(d.EventTime), CreatedTime: wire.FormatTime(created),
		Links: d.Links.wire(), Body: d.Body,
	}
	if len(d.Ext) > 0 {
		w.Ext = d.Ext
	}
	for _, p := range d.Participants {
		w.Participants = append(w.Participants, participantWire{ID: p.ID, Role: p.Role, Represents: wire.Optional(p.Represents)})
	}
	return w
}

func (l Links) wire() linksWire {
	w := linksWire{
		IntentID: l.IntentID, DelegationID: wire.Optional(l.DelegationID), MerchantOrderID: wire.Optional(l.MerchantOrderID),
		TradeNo: wire.Optional(l.TradeNo),
	}
	if len(l.Upstream) > 0 {
		w.Upstream = l.Upstream
	}
	return w
}

// Content is what the event_body of a type says: one of the types below, which
// are all there are (SPEC.md 10.1). An event_body may hold more members than
// these; who needs them writes Draft.Body.
type Content interface {
	eventType() EventType
	body() (jsontext.Value, error)
}
