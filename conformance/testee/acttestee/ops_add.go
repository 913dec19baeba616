package main

import "github.com/actprotocol/act-go/conformance/testee"

// addOperations are about identity credentials, intents, mandates, status and bounds.
func addOperations() map[string]testee.Operation {
	return map[string]testee.Operation{}
}
