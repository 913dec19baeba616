package credit

import (
	"slices"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Status is a state of an association. The zero value is none of them and
// passes nothing.
type Status string

// The five states; Revoked and Expired are final.
const (
	Pending   Status = "PENDING"
	Active    Status = "ACTIVE"
	Suspended Status = "SUSPENDED"
	Revoked   Status = "REVOKED"
	Expired   Status = "EXPIRED"
)

// moves are the nine that there are (TSD-CRD-LCM-01).
var moves = map[Status][]Status{
	Pending:   {Active, Revoked, Expired},
	Active:    {Suspended, Revoked, Expired},
	Suspended: {Active, Revoked, Expired},
}

// CanMove reports whether the state machine has the move, whoever makes it.
func (s Status) CanMove(to Status) bool { return slices.Contains(moves[s], to) }

// Final reports whether nothing follows.
func (s Status) Final() bool { return s == Revoked || s == Expired }

// An Actor is who causes a move.
type Actor string

// The actors. The clock ends what is past its time, and nothing else.
const (
	BySubject       Actor = "subject"
	ByCreditService Actor = "credit-service"
	ByIssuer        Actor = "issuer"
	ByClock         Actor = "clock"
)

// Reason codes of moves that this library gives a meaning. Others are the
// parties' own; the profile leaves their list open.
const (
	ChangeApplied      = "APPLIED"
	ChangeIssued       = "ISSUED"
	ChangeReassessment = "REASSESSMENT" // by the credit service only: verifications answer REVIEW_REQUIRED meanwhile
	ChangeUnchanged    = "REASSESSED_UNCHANGED"
	ChangeReplaced     = "REPLACED"
	ChangeValidityEnd  = "VALIDITY_ENDED"
)

// A Lifecycle is where an association stands. It is a value: [Lifecycle.Move]
// returns the next one and changes nothing, and a credential's signatures have
// no part in it (TSD-CRD-LCM-06). The zero value has no moves.
type Lifecycle struct {
	Status      Status    `json:"status"`
	Version     int64     `json:"version"` // one more with every move, from 1
	Reason      string    `json:"reason"`
	By          Actor     `json:"by"` // who caused the last move
	EffectiveAt time.Time `json:"effectiveAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

// Begin is the state of an application.
func Begin(at time.Time) Lifecycle {
	at = At(at).Time()
	return Lifecycle{Status: Pending, Version: 1, Reason: ChangeApplied, By: BySubject, EffectiveAt: at, UpdatedAt: at}
}

// Move returns the state after a move, or state_conflict when there is no such
// move and actor_refused when it is not this actor's. The subject, the credit
// service and the issuer may each suspend, and revoke at any time
// (TSD-CRD-LCM-05); what the subject has suspended only the subject resumes,
// anything else only the credit service; only the issuer makes a pending one
// active, and only the clock expires. From a reassessment it resumes with
// ChangeUnchanged only (TSD-CRD-LCM-04).
func (l Lifecycle) Move(to Status, by Actor, reason string, at time.Time) (Lifecycle, error) {
	if !l.Status.CanMove(to) {
		return l, protocol.New(protocol.CodeStateConflict, "targetStatus", "TSD-CRD-LCM-01", "")
	}
	if !l.mayMove(to, by) || reason == ChangeReassessment && by != ByCreditService {
		return l, protocol.New(protocol.CodeActorRefused, "requestedBy", "TSD-CRD-LCM-04", "")
	}
	if l.Reassessing() && to == Active && reason != ChangeUnchanged {
		return l, protocol.New(protocol.CodeStateConflict, "reasonCode", "TSD-CRD-LCM-04", "only what was looked at again and is unchanged resumes")
	}
	r := wire.Reader{Requirement: "TSD-CRD-LCM-06"}
	text(&r, "reasonCode", reason, maxIdentifier)
	if r.Err() != nil {
		return l, r.Err()
	}
	at = At(at).Time()
	effective := at
	if at.Before(l.UpdatedAt) { // a clock that went back does not reorder the history
		at, effective = l.UpdatedAt, l.UpdatedAt
	}
	return Lifecycle{Status: to, Version: l.Version + 1, Reason: reason, By: by, EffectiveAt: effective, UpdatedAt: at}, nil
}

func (l Lifecycle) mayMove(to Status, by Actor) bool {
	switch {
	case to == Expired:
		return by == ByClock
	case to == Active && l.Status == Pending:
		return by == ByIssuer
	case to == Active && l.By == BySubject:
		return by == BySubject
	case to == Active:
		return by == ByCreditService
	default:
		return by == BySubject || by == ByCreditService || by == ByIssuer
	}
}

// Settle is the state at a moment: what is past its end, until, has expired at
// it, whether or not anybody has looked since. The zero until is no end.
func (l Lifecycle) Settle(until, now time.Time) Lifecycle {
	if until.IsZero() || now.Before(until) || !l.Status.CanMove(Expired) {
		return l
	}
	next, err := l.Move(Expired, ByClock, ChangeValidityEnd, now)
	if err != nil {
		return l
	}
	if !until.Before(l.UpdatedAt) {
		next.EffectiveAt = At(until).Time()
	}
	return next
}

// Reassessing reports whether the association waits for its credit to be
// looked at again.
func (l Lifecycle) Reassessing() bool {
	return l.Status == Suspended && l.Reason == ChangeReassessment
}

// Statement is the state as the issuer is about to sign it.
func (l Lifecycle) Statement(credentialID string) CredentialStatus {
	return CredentialStatus{
		CredentialID: credentialID, Status: l.Status, Version: l.Version, Reason: l.Reason, EffectiveAt: At(l.EffectiveAt), UpdatedAt: At(l.UpdatedAt),
	}
}

// A CredentialStatus is the issuer's word on the state of a credential. It
// names no issuer: by whose key it verifies is the caller's to know, from the
// credential.
type CredentialStatus struct {
	CredentialID string `json:"credentialId"`
	Status       Status `json:"status"`
	Version      int64  `json:"statusVersion"`
	Reason       string `json:"reasonCode,omitzero"`
	EffectiveAt  Time   `json:"effectiveAt"`
	UpdatedAt    Time   `json:"updatedAt"`
	Proof        Proof  `json:"statusProof"`
}

func (s *CredentialStatus) check(r *wire.Reader) {
	identifier(r, "credentialId", s.CredentialID)
	oneOf(r, "status", s.Status, Pending, Active, Suspended, Revoked, Expired)
	if s.Version < 1 {
		r.Invalid("statusVersion", "at least 1")
	}
	if s.Reason != "" {
		text(r, "reasonCode", s.Reason, maxIdentifier)
	}
	s.Proof.check(r, "statusProof")
}

// ParseStatus reads a statement about a credential of this issuer.
func ParseStatus(data []byte, issuer string) (*Unverified[CredentialStatus], error) {
	return open(data, "statusProof", "TSD-CRD-LCM-06", func(s CredentialStatus) (string, *Proof) { return issuer, &s.Proof })
}

// Sign checks the statement and signs it by a key of the issuer.
func (s CredentialStatus) Sign(by *keys.Signer) ([]byte, error) {
	if by == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "signer", "TSD-CRD-LCM-06", "")
	}
	return seal(by, by.DID(), "statusProof", "TSD-CRD-LCM-06", &s, &s.Proof)
}

// A StatusChange asks an issuer for a move. It is signed by who asks.
type StatusChange struct {
	RequestID    string     `json:"requestId"`
	CredentialID string     `json:"credentialId"`
	Target       Status     `json:"targetStatus"` // ACTIVE, SUSPENDED or REVOKED
	Reason       string     `json:"reasonCode"`
	RequestedBy  string     `json:"requestedBy"`
	RequestedAt  Time       `json:"requestedAt"`
	AntiReplay   AntiReplay `json:"antiReplay"`
	Proof        Proof      `json:"requestProof"`
}

func (c *StatusChange) check(r *wire.Reader) {
	identifier(r, "requestId", c.RequestID)
	identifier(r, "credentialId", c.CredentialID)
	oneOf(r, "targetStatus", c.Target, Active, Suspended, Revoked)
	text(r, "reasonCode", c.Reason, maxIdentifier)
	identifier(r, "requestedBy", c.RequestedBy)
	c.AntiReplay.check(r, "antiReplay")
	c.Proof.check(r, "requestProof")
}

// ParseStatusChange reads a request for a move; whether the move exists and is
// the sender's is [Lifecycle.Move]'s to say.
func ParseStatusChange(data []byte) (*Unverified[StatusChange], error) {
	return open(data, "requestProof", "TSD-CRD-LCM-06", func(c StatusChange) (string, *Proof) { return c.RequestedBy, &c.Proof })
}

// Sign checks the request and signs it by a key of who asks.
func (c StatusChange) Sign(s *keys.Signer) ([]byte, error) {
	return seal(s, c.RequestedBy, "requestProof", "TSD-CRD-LCM-06", &c, &c.Proof)
}
