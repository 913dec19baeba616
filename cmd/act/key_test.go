package main

import (
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol/keys"
)

// TestUsageNamesThePurposes: every purpose that a key file can have.
func TestUsageNamesThePurposes(t *testing.T) {
	for _, p := range signing() {
		if !strings.Contains(usage, p) {
			t.Errorf("usage does not name %s", p)
		}
	}
	if strings.Contains(usage, string(keys.Encryption)) {
		t.Error("usage names a purpose that key files do not have")
	}
}
