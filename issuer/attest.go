package issuer

import (
	"bytes"
	"context"
	"time"

	"github.com/actprotocol/act-go/internal/attest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// AttestExpired tells Config.Attest that a mandate came to the end of its window
// (delegation-expired). Nothing happens at the issuer at that moment, so whoever
// closes its books calls this, once for each mandate: the issuer does not
// remember. A mandate that is not Expired is state_conflict.
func (i *Issuer) AttestExpired(ctx context.Context, delegationID string) error {
	r, err := i.config.Store.Get(ctx, delegationID)
	if err != nil {
		return err
	}
	life, err := r.lifecycle()
	if err != nil {
		return err
	}
	if life.State(i.config.Now()) != delegation.StateExpired {
		return protocol.New(protocol.CodeStateConflict, "delegation_id", "TSD-ATT-EVT-03", "the mandate is not Expired")
	}
	i.attestChange(&r, attestation.DelegationExpired, "", r.End)
	return nil
}

func (i *Issuer) attestIssued(r *Record, intentID string, at time.Time) {
	i.attest(r, intentID, attestation.Mandate{CredentialDigest: r.credential(), ValidFrom: r.Start, ValidUntil: r.End}, at)
}

// reasons are those of attestation.StateChange.
var reasons = map[delegation.Actor]string{
	delegation.ActorPrincipal: "user-request", delegation.ActorAgent: "agent-request", delegation.ActorRiskControl: "risk-control",
}

func (i *Issuer) attestChange(r *Record, event attestation.EventType, reason string, at time.Time) {
	if i.config.Attest == nil {
		return
	}
	intentID := "" // of a mandate that cannot be read, which a recorder refuses and reports
	if m, err := delegation.ParseMandate(r.Mandate); err == nil && m.Claims().Authorization != nil {
		intentID = m.Claims().Authorization.IntentID
	}
	i.attest(r, intentID, attestation.StateChange{Event: event, CredentialDigest: r.credential(), Reason: reason}, at)
}

func (i *Issuer) attest(r *Record, intentID string, c attestation.Content, at time.Time) {
	attest.Tell(i.config.Attest, c, at, attestation.Links{IntentID: intentID, DelegationID: r.DelegationID},
		attestation.Participant{ID: i.config.DID.String(), Role: attestation.Issuer},
		attestation.Participant{ID: r.Agent, Role: attestation.PayerAgent})
}

// credential is the digest of the mandate without its disclosures.
func (r *Record) credential() canon.Digest {
	token, _, _ := bytes.Cut(r.Mandate, []byte("~"))
	return canon.Sum(token)
}
