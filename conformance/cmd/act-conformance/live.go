package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/conformance/live"
)

// runLive returns the mode that drives a live server of one kind.
func runLive(kind live.Kind) func(ctx context.Context, set *flag.FlagSet, args []string, stdout io.Writer) (bool, error) {
	return func(ctx context.Context, set *flag.FlagSet, args []string, stdout io.Writer) (bool, error) {
		var out reporting
		out.register(set)
		name := set.String("scenario", "", "the `file` that says what may be bought, and by whom; see conformance/README.md")
		timeout := set.Duration("timeout", live.DefaultTimeout, "how long one check may take")
		parallel := set.Int("parallel", 0, "how many checks run at once (default 6)")
		if err := set.Parse(args); err != nil {
			return false, err
		}
		if set.NArg() != 1 || *name == "" {
			set.Usage()
			return false, errors.New("a scenario and one URL")
		}
		scenario, err := live.Load(*name)
		if err != nil {
			return false, err
		}
		if scenario.Kind() != kind {
			return false, fmt.Errorf("%s is a scenario for %s", *name, scenario.Kind())
		}
		if err := scenario.SetAddress(set.Arg(0)); err != nil {
			return false, err
		}
		known, err := out.readKnown()
		if err != nil {
			return false, err
		}
		checks, all := selectChecks(out.only, live.Checks(kind))
		if len(checks) == 0 {
			return false, fmt.Errorf("-only %s takes in no check", out.only)
		}
		report, err := live.Run(ctx, scenario, checks, live.Config{
			Timeout: *timeout, Parallel: *parallel,
			Reproduce: func(id string) string {
				return command("act-conformance", string(kind), "-scenario", *name, "-only", id, set.Arg(0))
			},
		})
		if err != nil {
			return false, err
		}
		return out.finish(report, known, all, stdout)
	}
}

// selectChecks returns the checks that a selection takes in, and the ids of all.
func selectChecks(only string, checks []live.Check) (selected []live.Check, all []string) {
	for _, c := range checks {
		all = append(all, c.ID)
		if conformance.Selected(only, c.ID, c.Requirements) {
			selected = append(selected, c)
		}
	}
	return selected, all
}

// joined is one report of several.
func joined(reports ...*conformance.Report) *conformance.Report {
	out := &conformance.Report{Suite: conformance.Suite, Started: time.Now().UTC()}
	for _, r := range reports {
		if r == nil {
			continue
		}
		out.Results = append(out.Results, r.Results...)
		if r.Started.Before(out.Started) {
			out.Started = r.Started
		}
		out.Seed |= r.Seed // of the testee's alone
	}
	out.Duration = time.Since(out.Started)
	return out
}
