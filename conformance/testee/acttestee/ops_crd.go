package main

import "github.com/actprotocol/act-go/conformance/testee"

// crdOperations are about credit association.
func crdOperations() map[string]testee.Operation {
	return map[string]testee.Operation{}
}
