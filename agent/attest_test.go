package agent_test

import (
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// TSD-ATT-EVT-03: intents and choices are told when the agent says so, without
// their content.
func TestAttest(t *testing.T) {
	var told []attestation.Draft
	w := newTill(t, func(c *agent.Config) {
		c.Attest = func(d attestation.Draft) { told = append(told, d) }
	})
	m := w.Grant(t, nil)
	confirmed := w.intent(nil)
	if err := w.Agent.AttestIntent(confirmed); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0].Type != attestation.IntentCreated || told[0].Links.IntentID != confirmed.ISR().IntentID {
		t.Fatalf("%+v", told)
	}
	if err := told[0].Check(acttest.AgentDID); err != nil {
		t.Error(err)
	}
	told = nil
	if err := w.Agent.AttestChoice(m, attestation.Choice{DecisionDigest: canon.Sum([]byte("log")), Candidates: 2}); err != nil {
		t.Fatal(err)
	}
	if err := w.Agent.AttestChoice(agent.Mandate{}, attestation.Choice{}); err == nil {
		t.Error("a choice under no mandate")
	}
	if err := w.Agent.AttestIntent(new(delegation.Confirmed)); err == nil {
		t.Error("what nobody confirmed is an intent")
	}
	if len(told) != 1 || told[0].Type != attestation.DecisionLogged || told[0].Links.DelegationID != m.Claims().ID {
		t.Fatalf("%+v", told)
	}
	if err := told[0].Check(acttest.AgentDID); err != nil {
		t.Error(err)
	}
	// What no record can be made of is told all the same, for the recorder to
	// refuse and report.
	if err := w.Agent.AttestChoice(m, attestation.Choice{}); err != nil {
		t.Fatal(err)
	}
	if len(told) != 2 || told[1].Check(acttest.AgentDID) == nil {
		t.Fatalf("%+v", told)
	}
}
