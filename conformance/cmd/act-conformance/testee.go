package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/actprotocol/act-go/conformance"
)

func runTestee(ctx context.Context, set *flag.FlagSet, args []string, stdout io.Writer) (bool, error) {
	var out reporting
	runner := conformance.Runner{}
	out.register(set)
	set.DurationVar(&runner.Timeout, "timeout", conformance.DefaultTimeout, "how long one case may take")
	set.IntVar(&runner.Children, "children", 0, "how many testees run at once (default one for each processor, at most four)")
	set.Uint64Var(&runner.Seed, "seed", uint64(rand.Uint32()), "of the order of the cases")
	if err := set.Parse(args); err != nil {
		return false, err
	}
	if runner.Command = set.Args(); len(runner.Command) == 0 {
		set.Usage()
		return false, errors.New("no testee: its command stands behind --")
	}
	known, err := out.readKnown()
	if err != nil {
		return false, err
	}
	cases, all, err := selectCases(out.only)
	if err != nil {
		return false, err
	}
	runner.Reproduce = func(id string) string {
		return command(append([]string{"act-conformance", "testee", "-only", id, "--"}, runner.Command...)...)
	}
	report, err := runner.Run(ctx, cases)
	if err != nil {
		return false, err
	}
	return out.finish(report, known, all, stdout)
}

// selectCases returns the embedded cases that a selection takes in, and the ids
// of all.
func selectCases(only string) (selected []conformance.Case, all []string, err error) {
	cases, err := conformance.Cases()
	if err != nil {
		return nil, nil, err
	}
	for _, c := range cases {
		all = append(all, c.ID)
		if conformance.Selected(only, c.ID, append([]string{c.Operation}, c.Requirements...)) {
			selected = append(selected, c)
		}
	}
	if len(selected) == 0 {
		return nil, all, fmt.Errorf("-only %s takes in no case", only)
	}
	return selected, all, nil
}
