package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/internal/mutants/probe"
)

// patience is how long a program without one of its checks may take for a case:
// what is missing may be what ends a loop.
const patience = 3 * time.Second

// bunch is how many cases a mutant is given at once. Most are caught by the
// first.
const bunch = 40

// together is how many cases are traced at once for a sample, which is judged
// sooner when fewer programs are started, at the price that some cases are run
// for a check that have nothing to do with it.
const together = 10

// A bench runs cases against one program that has the probe in its checks.
type bench struct {
	program string
	dir     string // for traces
	traced  int    // how many cases are traced at once
	cases   []conformance.Case
	failing []string // ids of cases that fail with all checks in place, and judge nothing here
	reach   reach
}

// reach is what the cases reach, with all checks in place.
type reach struct {
	functions map[int]bool
	checks    map[int]bool  // evaluated
	decisive  map[int][]int // the check refused, or may have, in these cases or in others that were traced with them
}

// trace runs the cases, some at a time, and learns what they reach. Without a
// check that never refuses in a case, the program does in that case what it does
// with it: only the others have to be run again.
func (b *bench) trace(ctx context.Context) error {
	b.reach = reach{map[int]bool{}, map[int]bool{}, map[int][]int{}}
	for from := 0; from < len(b.cases); from += b.traced {
		if err := b.traceSome(ctx, from, min(from+b.traced, len(b.cases))); err != nil {
			return err
		}
	}
	for _, hits := range b.reach.decisive { // what is to be refused tells most, so it comes first
		slices.SortStableFunc(hits, func(x, y int) int {
			return strings.Compare(string(b.cases[x].Expect.Outcome), string(b.cases[y].Expect.Outcome))
		})
	}
	return nil
}

// traceSome traces the cases from one place to another, and each alone when one of
// them fails: that one judges nothing.
func (b *bench) traceSome(ctx context.Context, from, to int) error {
	name := filepath.Join(b.dir, "trace")
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return err
	}
	failed, err := b.run(ctx, "trace="+name, b.cases[from:to])
	switch {
	case err != nil:
		return err
	case len(failed) > 0 && to-from == 1:
		b.failing = append(b.failing, failed...)
		return nil
	case len(failed) > 0:
		for i := from; i < to; i++ {
			if err := b.traceSome(ctx, i, i+1); err != nil {
				return err
			}
		}
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	return b.reach.add(string(data), from, to)
}

// add notes a trace of the cases from one place to another.
func (r *reach) add(trace string, from, to int) error {
	for line := range strings.Lines(trace) {
		mark, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(digits)
		if err != nil {
			return fmt.Errorf("the trace is damaged: %w", err)
		}
		switch mark {
		case probe.Entered:
			r.functions[n] = true
		case probe.Evaluated:
			r.checks[n] = true
		case probe.Decisive:
			for i := from; i < to; i++ {
				r.decisive[n] = append(r.decisive[n], i)
			}
		}
	}
	return nil
}

// run runs cases with the program told so, and returns the ids of those that do
// not pass.
func (b *bench) run(ctx context.Context, told string, cases []conformance.Case) ([]string, error) {
	r := conformance.Runner{Command: []string{b.program, told}, Children: 1, Timeout: patience}
	report, err := r.Run(ctx, cases)
	if err != nil {
		return nil, err
	}
	var failed []string
	for _, result := range report.Results {
		if result.Verdict == conformance.Fail || result.Verdict == conformance.Errored {
			failed = append(failed, result.ID)
		}
	}
	return failed, nil
}

// without switches a check off and returns the ids of cases that catch it: not
// all there are, once some are found.
func (b *bench) without(ctx context.Context, i int) ([]string, error) {
	var cases []conformance.Case
	for _, c := range b.reach.decisive[i] {
		cases = append(cases, b.cases[c])
	}
	for some := range slices.Chunk(cases, bunch) {
		failed, err := b.run(ctx, "without="+strconv.Itoa(i), some)
		if err != nil || len(failed) > 0 {
			return failed, err
		}
	}
	return nil, nil
}
