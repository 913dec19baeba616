// Command program is a testee for the test of the command mutants: small enough
// to build in a moment, with a check that cases judge, one that no case reaches,
// one that nothing depends on, and a function that nobody calls.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol"
)

func main() {
	t := testee.Testee{Name: "program", Version: "1", Operations: map[string]testee.Operation{"age.check": testee.Of(check)}}
	if err := t.Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type input struct {
	Name string
	Age  int
	Wait bool
}

func check(_ time.Time, in input) (any, error) {
	if in.Age < 0 || in.Age > 150 {
		return nil, refuse("age")
	}
	var d protocol.Decision
	d.Require(in.Name != "" && in.Name != "nobody", protocol.CodeFieldMissing, "", "name", "name", "")
	if d.Outcome() == protocol.Allowed && in.Name == "" { // the decision says so already
		return nil, refuse("name")
	}
	for n := 0; in.Wait; n++ {
		if n == 10 {
			return nil, refuse("wait")
		}
	}
	for _, row := range []struct {
		ok   bool
		name string
	}{{in.Age != 13, "unlucky"}, {in.Age != 14, "fine"}} {
		if !row.ok {
			return nil, refuse(row.name)
		}
	}
	return map[string]any{}, d.Err()
}

func refuse(field string) error { return protocol.New(protocol.CodeFieldInvalid, field, "", "") }

// uncalled is never called by an operation.
func uncalled(age int) error {
	if age == 7 {
		return refuse("age")
	}
	return nil
}

var _ = uncalled
