// Command acttestee is the testee of this library: every operation of the
// conformance suite, on the packages that a user of the library calls.
//
//	go run ./conformance/cmd/act-conformance testee -- go run ./conformance/testee/acttestee
package main

import (
	"fmt"
	"maps"
	"os"

	"github.com/actprotocol/act-go/conformance/testee"
)

func main() {
	t := newTestee()
	if err := t.Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "acttestee:", err)
		os.Exit(1)
	}
}

// newTestee collects the operations, which stand in one file for each domain.
func newTestee() *testee.Testee {
	t := &testee.Testee{
		Name:       "act-go",
		Version:    "2.1",
		Features:   []string{"ed25519", "es256", "guomi", "status-grace"},
		Operations: map[string]testee.Operation{},
	}
	for _, domain := range []map[string]testee.Operation{
		coreOperations(), addOperations(), cidOperations(), psdOperations(),
		prvOperations(), attOperations(), crdOperations(),
	} {
		maps.Copy(t.Operations, domain)
	}
	return t
}
