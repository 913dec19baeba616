package delegation

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A CaptureState is the state of a [Capture].
type CaptureState string

// The states of a capture. Confirmed is the last one.
const (
	Draft          CaptureState = "DRAFT"
	StateConfirmed CaptureState = "CONFIRMED"
)

// A Capture turns an intent into a confirmed ISR (ADD-INT-ICS): clarify until
// nothing is missing, show the summary, confirm. After the confirmation nothing
// changes any more.
//
// A Capture belongs to one conversation and is not for concurrent use. It is
// made by [NewCapture]; the zero value confirms nothing.
type Capture struct {
	intentID string
	draft    ISR
	state    CaptureState
	shown    bool // the draft is as its last summary has it
}

// NewCapture begins with what the principal said, and with a fresh intent id
// that belongs to this intent alone (ADD-INT-ICS-06).
func NewCapture(history ConversationHistory) *Capture {
	id := canon.UUID()
	return &Capture{
		intentID: id,
		state:    Draft,
		draft:    ISR{IntentID: id, ConversationHistory: history.clone()},
	}
}

// State returns the state.
func (c *Capture) State() CaptureState { return c.state }

// IntentID returns the id of this intent.
func (c *Capture) IntentID() string { return c.intentID }

// Draft returns a copy of the ISR as it stands.
func (c *Capture) Draft() *ISR { return c.draft.Clone() }

// Missing names what the principal still has to be asked for; see
// [ISR.Missing].
func (c *Capture) Missing() []string { return c.draft.Missing() }

// Clarify changes the draft by an answer of the principal: update edits it, and
// the turns are added to the conversation (ADD-INT-ICS-04). Turns need a
// history that consists of turns; one that is a text or a digest is replaced in
// update instead. The draft may stay incomplete, but when a rule is broken the
// error says which, and the draft is as it was before.
//
// The intent id and the confirmation are not update's to set.
func (c *Capture) Clarify(update func(*ISR), turns ...Turn) error {
	if c.state != Draft {
		return protocol.New(protocol.CodeStateConflict, "", "ADD-INT-ICS-04", "the intent has been confirmed")
	}
	next := c.draft.Clone()
	if update != nil {
		update(next)
	}
	next.IntentID = c.intentID
	next.UserConfirmationMethod, next.UserConfirmationTimestamp = "", time.Time{}
	if len(turns) > 0 {
		h := next.ConversationHistory
		if h == nil || h.Raw.Turns == nil {
			return invalid("conversation_history.user_intent_raw", "ADD-INT-ICS-01", "turns can be added to turns only")
		}
		h.Raw.Turns = append(h.Raw.Turns, turns...)
	}
	if err := next.Check(); err != nil {
		return err
	}
	c.draft = *next.Clone()
	c.shown = false
	return nil
}

// Summary returns the readable form of the draft, to be shown to the principal
// before the confirmation (ADD-INT-ICS-05). Call it when it is shown: Confirm
// needs it.
func (c *Capture) Summary(lang Language) string {
	c.shown = true
	return c.draft.Summary(lang)
}

// Confirm records that the principal confirmed the draft, by a method such as
// "FINGERPRINT" at a time, which is cut to whole seconds. The draft must be
// complete. What is confirmed covers every main boundary (ADD-INT-ICS-05):
// Confirm refuses with state_conflict until Summary was called for the draft as
// it stands, and again after each Clarify.
//
// That the summary reached the principal's eyes or ears, and that it was the
// principal who confirmed, is for the caller to know.
func (c *Capture) Confirm(method string, at time.Time) (*Confirmed, error) {
	switch {
	case c.state != Draft:
		return nil, protocol.New(protocol.CodeStateConflict, "", "ADD-INT-ICS-04", "not a draft")
	case !c.shown:
		return nil, protocol.New(protocol.CodeStateConflict, "", "ADD-INT-ICS-05", "show the principal the Summary of the draft as it stands, then confirm")
	}
	final := c.draft.Clone()
	final.UserConfirmationMethod = method
	final.UserConfirmationTimestamp = at.UTC().Truncate(time.Second)
	confirmed, err := ConfirmedISR(final)
	if err != nil {
		return nil, err
	}
	c.draft, c.state = *final, StateConfirmed
	return confirmed, nil
}

// A Confirmed is a final ISR that a principal has confirmed. It is immutable,
// and the only thing that an authorization is made of (ADD-IAC-ISS-01). The
// zero value stands for no confirmation and yields none.
type Confirmed struct{ isr *ISR }

// ConfirmedISR accepts an ISR that came from elsewhere with its confirmation
// members. It checks that these are there and that the ISR is final; it cannot
// check that the confirmation took place.
func ConfirmedISR(i *ISR) (*Confirmed, error) {
	if i == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "", "ADD-IAC-ISS-01", "no ISR")
	}
	if err := i.Validate(); err != nil {
		return nil, err
	}
	return &Confirmed{isr: i.Clone()}, nil
}

// ISR returns a copy of the ISR.
func (c *Confirmed) ISR() *ISR {
	if c == nil || c.isr == nil {
		return new(ISR)
	}
	return c.isr.Clone()
}
