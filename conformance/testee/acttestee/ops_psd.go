package main

import "github.com/actprotocol/act-go/conformance/testee"

// psdOperations are about payment messages, A402, trades and sub-accounts.
func psdOperations() map[string]testee.Operation {
	return map[string]testee.Operation{}
}
