package delegation

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
)

// A State is the state of a mandate (ADD-IAC-LCM-01, -02): what follows from its
// window, the time and its Status. A Status is the entry of a status list, which
// knows nothing of windows.
type State string

// The four states of the protocol, and StatePending (profile): before the window,
// when a mandate can be suspended and revoked but not used.
const (
	StatePending   State = "Pending"
	StateActive    State = "Active"
	StateSuspended State = "Suspended"
	StateRevoked   State = "Revoked"
	StateExpired   State = "Expired"
)

// Terminal reports whether nothing follows (ADD-IAC-LCM-03).
func (s State) Terminal() bool { return s == StateRevoked || s == StateExpired }

// Err is nil for Active and otherwise says why a mandate in this state is
// refused (ADD-IAC-LCM-06, -07). A state that is none is undetermined.
func (s State) Err() error {
	switch s {
	case StateActive:
		return nil
	case StatePending:
		return protocol.New(protocol.CodeMandateNotYetValid, "validity_start_time", "ADD-IAC-LCM-06", "")
	case StateSuspended:
		return protocol.New(protocol.CodeMandateSuspended, "status", "ADD-IAC-LCM-07", "")
	case StateRevoked:
		return protocol.New(protocol.CodeMandateRevoked, "status", "ADD-IAC-LCM-07", "")
	case StateExpired:
		return protocol.New(protocol.CodeMandateExpired, "validity_end_time", "ADD-IAC-LCM-05", "")
	default:
		return protocol.New(protocol.CodeStatusUnavailable, "status", "ADD-IAC-LCM-06", "")
	}
}

// StateAt returns the state of a mandate with the window [start, end) at a
// time, given what its status list says. At the end of the window a mandate is
// Expired whatever the list says (ADD-IAC-LCM-05). A status that is none gives
// a state that is none.
func StateAt(start, end time.Time, status Status, now time.Time) State {
	switch {
	case !now.Before(end):
		return StateExpired
	case status == StatusRevoked:
		return StateRevoked
	case status == StatusSuspended:
		return StateSuspended
	case status != StatusActive:
		return ""
	case now.Before(start):
		return StatePending
	default:
		return StateActive
	}
}

// An Actor causes a transition.
type Actor string

// The actors of ADD-IAC-LCM-04. The clock only lets mandates expire, which
// needs no command.
const (
	ActorPrincipal   Actor = "principal"
	ActorAgent       Actor = "agent"
	ActorRiskControl Actor = "risk-control"
)

// A Command asks for a transition.
type Command string

// The commands.
const (
	Suspend Command = "suspend"
	Resume  Command = "resume"
	Revoke  Command = "revoke"
)

// The attestation events of the transitions, which the agent reports
// (ADD-IAC-LCM-09).
const (
	EventSuspended = "act:delegation:delegation-suspended"
	EventResumed   = "act:delegation:delegation-resumed"
	EventRevoked   = "act:delegation:delegation-revoked"
	EventExpired   = "act:delegation:delegation-expired"
)

// Event returns the attestation event of a command that was carried out, or ""
// for what is no command.
func (c Command) Event() string {
	switch c {
	case Suspend:
		return EventSuspended
	case Resume:
		return EventResumed
	case Revoke:
		return EventRevoked
	default:
		return ""
	}
}

// A Lifecycle holds the state of one issued mandate. It is the issuer's and is
// not for concurrent use. The zero value is Expired.
//
// Its time never goes back: a clock that does cannot wake an expired mandate.
type Lifecycle struct {
	start, end time.Time
	latest     time.Time
	status     Status
	heldBy     Actor // who suspended it
}

// NewLifecycle begins the life of a mandate with the window [start, end).
func NewLifecycle(start, end time.Time) *Lifecycle {
	return &Lifecycle{start: start, end: end}
}

// State returns the state at a time (ADD-IAC-LCM-01, -05). What was revoked
// stays Revoked beyond the end of its window.
func (l *Lifecycle) State(now time.Time) State {
	if now.After(l.latest) {
		l.latest = now
	}
	if l.status == StatusRevoked {
		return StateRevoked
	}
	return StateAt(l.start, l.end, l.status, l.latest)
}

// Status returns what the issuer writes into its status list.
func (l *Lifecycle) Status() Status { return l.status }

// Apply carries out a command at a time, or changes nothing and says why not:
// state_conflict when the present state has no such transition (ADD-IAC-LCM-02,
// -03), actor_refused when it has, but not for this actor (ADD-IAC-LCM-04).
// Whether the caller is that actor has to be known before.
//
// The principal and risk control suspend and resume; the principal and the
// agent revoke. What risk control has suspended (profile) only risk control
// resumes, and risk control may take over a suspension of the principal, so
// that no moment lies between the two.
func (l *Lifecycle) Apply(cmd Command, actor Actor, now time.Time) error {
	state := l.State(now)
	switch cmd {
	case Suspend:
		takeOver := state == StateSuspended && actor == ActorRiskControl && l.heldBy == ActorPrincipal
		if state != StateActive && state != StatePending && !takeOver {
			return conflict()
		}
		if actor != ActorPrincipal && actor != ActorRiskControl {
			return refused("the principal or risk control suspends")
		}
		l.status, l.heldBy = StatusSuspended, actor
	case Resume:
		if state != StateSuspended {
			return conflict()
		}
		if actor != ActorRiskControl && (actor != ActorPrincipal || l.heldBy == ActorRiskControl) {
			return refused("risk control resumes, or the principal what the principal suspended")
		}
		l.status, l.heldBy = StatusActive, ""
	case Revoke:
		if state.Terminal() {
			return conflict()
		}
		if actor != ActorPrincipal && actor != ActorAgent {
			return refused("the principal or the agent revokes")
		}
		l.status, l.heldBy = StatusRevoked, ""
	default:
		return protocol.New(protocol.CodeFieldInvalid, "command", "ADD-IAC-LCM-02", "suspend, resume or revoke")
	}
	return nil
}

func conflict() error {
	return protocol.New(protocol.CodeStateConflict, "", "ADD-IAC-LCM-02", "the present state has no such transition")
}

func refused(detail string) error {
	return protocol.New(protocol.CodeActorRefused, "actor", "ADD-IAC-LCM-04", detail)
}
