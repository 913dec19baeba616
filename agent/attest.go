package agent

import (
	"github.com/actprotocol/act-go/internal/attest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// AttestIntent tells Config.Attest that the principal has confirmed an intent
// (intent-created), once for each intent. The record holds its digest only. It
// fails for what is no confirmation.
func (a *Agent) AttestIntent(c *delegation.Confirmed) error {
	isr := c.ISR()
	if isr.IntentID == "" {
		return protocol.New(protocol.CodeFieldMissing, "intent_id", "TSD-ATT-OFF-03", "")
	}
	digest, err := isr.Digest()
	if err != nil {
		return err
	}
	attest.Tell(a.config.Attest, attestation.Intent{IntentDigest: digest}, isr.UserConfirmationTimestamp,
		attestation.Links{IntentID: isr.IntentID}, attestation.Participant{ID: a.id, Role: attestation.PayerAgent})
	return nil
}

// AttestChoice tells Config.Attest that the agent has compared candidates and
// chosen (decision-logged), under a mandate. The log of the decision stays with
// the agent: c has its digest.
func (a *Agent) AttestChoice(m Mandate, c attestation.Choice) error {
	claims := m.Claims()
	if claims.Authorization == nil {
		return protocol.New(protocol.CodeFieldMissing, "mandate", "TSD-ATT-OFF-03", "of which intent is not known")
	}
	attest.Tell(a.config.Attest, c, a.config.Now(), attestation.Links{IntentID: claims.Authorization.IntentID, DelegationID: claims.ID},
		attestation.Participant{ID: a.id, Role: attestation.PayerAgent})
	return nil
}
