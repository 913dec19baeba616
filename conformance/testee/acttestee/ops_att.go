package main

import "github.com/actprotocol/act-go/conformance/testee"

// attOperations are about records, anchors, logs and disputes.
func attOperations() map[string]testee.Operation {
	return map[string]testee.Operation{}
}
