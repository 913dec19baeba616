package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/conformance/live"
	"github.com/actprotocol/act-go/testdata"
)

func runList(_ context.Context, set *flag.FlagSet, args []string, stdout io.Writer) (bool, error) {
	only := set.String("only", "", "ids or their beginnings, operations, requirements, components, separated by commas")
	operations := set.Bool("operations", false, "list the operations in place of the cases: how many cases each has, and what it is")
	if err := set.Parse(args); err != nil {
		return false, err
	}
	if *operations {
		return true, listOperations(*only, stdout)
	}
	cases, all, err := selectCases(*only)
	checks, ids := selectChecks(*only, live.Checks())
	if err != nil && len(checks) == 0 {
		return false, err
	}
	for i := range cases {
		c := &cases[i]
		want := string(c.Expect.Outcome)
		if c.Expect.Code != "" {
			want = string(c.Expect.Code)
		}
		fmt.Fprintf(stdout, "%-36s %-22s %-24s %s\n", c.ID, c.Operation, want, c.Title)
	}
	for i := range checks {
		c := &checks[i]
		fmt.Fprintf(stdout, "%-36s %-22s %-24s %s\n", c.ID, "live", expects(c), c.Title)
	}
	_, err = fmt.Fprintf(stdout, "%d of %d cases, %d of %d live checks\n", len(cases), len(all), len(checks), len(ids))
	return true, err
}

// listOperations prints the operations that the selected cases are of.
func listOperations(only string, stdout io.Writer) error {
	cases, _, err := selectCases(only)
	if err != nil {
		return err
	}
	operations, err := conformance.Operations()
	if err != nil {
		return err
	}
	of := map[string]int{}
	for i := range cases {
		of[cases[i].Operation]++
	}
	shown := 0
	for _, name := range operations {
		if of[name] == 0 {
			continue
		}
		_, text, _ := strings.Cut(conformance.OperationText(name), "\n")
		sentence, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		sentence, _, _ = strings.Cut(strings.TrimSuffix(sentence, "."), ". ")
		fmt.Fprintf(stdout, "%-32s %4d  %s\n", name, of[name], sentence)
		shown++
	}
	_, err = fmt.Fprintf(stdout, "%d of %d operations, %d cases\n", shown, len(operations), len(cases))
	return err
}

// expects is what a live check expects, in one word.
func expects(c *live.Check) string {
	switch {
	case c.Expected.Code != "":
		return string(c.Expected.Code)
	case len(c.Expected.Output) > 0:
		return "observed"
	}
	return string(c.Expected.Outcome)
}

func runShow(_ context.Context, set *flag.FlagSet, args []string, stdout io.Writer) (bool, error) {
	if err := set.Parse(args); err != nil {
		return false, err
	}
	if set.NArg() != 1 {
		set.Usage()
		return false, errors.New("one id or operation")
	}
	name := set.Arg(0)
	if !strings.Contains(name, "/") {
		text := conformance.OperationText(name)
		if text == "" {
			return false, fmt.Errorf("no operation %s, and no case: their ids have a slash; list names both", name)
		}
		_, err := io.WriteString(stdout, text)
		return true, err
	}
	cases, err := conformance.Cases()
	if err != nil {
		return false, err
	}
	for i := range cases {
		if cases[i].ID == name {
			data, err := cases[i].Encode()
			if err != nil {
				return false, err
			}
			_, err = stdout.Write(data)
			return true, err
		}
	}
	for _, c := range live.Checks() {
		if c.ID == name {
			_, err := fmt.Fprintf(stdout, "%s (%s, %s)\n  %s\n  judges    %s\n  expected  %s %s %s\n", c.ID, c.Kind(), c.Level, c.Title,
				strings.Join(c.Requirements, " "), c.Expected.Outcome, c.Expected.Code, c.Expected.Output)
			return true, err
		}
	}
	return false, fmt.Errorf("no case %s; list names all", name)
}

// runCoverage fails, as nonconforming, when a MUST is judged by nothing and has
// no reason.
func runCoverage(_ context.Context, set *flag.FlagSet, args []string, stdout io.Writer) (bool, error) {
	if err := set.Parse(args); err != nil {
		return false, err
	}
	judges, err := allJudges()
	if err != nil {
		return false, err
	}
	coverage, err := conformance.Cover(judges)
	if err != nil {
		return false, err
	}
	return len(coverage.Missing()) == 0, coverage.Write(stdout)
}

// allJudges returns everything that judges requirements.
func allJudges() ([]conformance.Judge, error) {
	cases, err := conformance.Cases()
	if err != nil {
		return nil, err
	}
	return append(conformance.Judges(cases), live.Judges(live.Checks())...), nil
}

func runRelease(_ context.Context, set *flag.FlagSet, args []string, stdout io.Writer) (bool, error) {
	name := set.String("o", "act-conformance-"+conformance.Suite+".tar.gz", "the `file` to write")
	if err := set.Parse(args); err != nil {
		return false, err
	}
	err := writeFile(*name, func(w io.Writer) error { return conformance.WriteRelease(w, testdata.FS, conformance.Pages) })
	if err != nil {
		return false, err
	}
	_, err = fmt.Fprintln(stdout, "wrote", *name)
	return true, err
}
