package main

import "github.com/actprotocol/act-go/conformance/testee"

// cidOperations are about catalogue, negotiation, intents and carts.
func cidOperations() map[string]testee.Operation {
	return map[string]testee.Operation{}
}
