package main

import "github.com/actprotocol/act-go/conformance/testee"

// prvOperations are about selective disclosure, sealed payloads and pseudonyms.
func prvOperations() map[string]testee.Operation {
	return map[string]testee.Operation{}
}
