package agent_test

import (
	"testing"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/agent/agenttest"
)

// TestMemoryIntents: ADD-INT-ICS-18, ADD-INT-ICS-06.
func TestMemoryIntents(t *testing.T) {
	agenttest.IntentStore(t, func(*testing.T) agent.IntentStore { return new(agent.MemoryIntents) })
}
