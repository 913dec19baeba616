// Command mutants tests the suite by mutation of our own verifier: it removes
// each check of the judging code, one at a time, runs the vectors against the
// testee, and tells which removal no case noticed.
//
//	go run ./internal/mutants                          all, two or three minutes
//	go run ./internal/mutants -sample 200 -seed 1      a part, in half a minute
//	go run ./internal/mutants -v ./protocol/delegation one package, with the cases that catch
//	go run ./internal/mutants -o conformance/MUTATION.md
//
// A check is:
//
//   - each operand of the "||" of an if, or of a case of a switch without a tag,
//     whose body refuses: returns an error, false or a reason to refuse, or
//     records one; without it, the operand is false
//   - each operand of the "&&" that is handed to a Require or to a function of
//     the kind of check(ok bool, …); without it, the operand is true
//   - an error that is handed to a Record; without it, nil
//   - each row of a table with a field ok that a loop goes through; without it, ok
//   - a case of a switch with a tag, or a default, that refuses, where the
//     function goes on after the switch; without it, it goes on
//   - a call of a method of wire.Reader that refuses by itself; without it, it is
//     not made
//
// Not mutated are "return a && b", operands of "&&" in a condition that refuses,
// comparisons (< for <=), constants, and refusals that end in a loop's continue.
//
// The program is built once, through an overlay, with a switch in each check
// (package probe); so a removed check costs a start of the testee instead of a
// build. What each case reaches is traced first, with all checks in place. A
// check is judged when a case calls its function, whether or not a case comes as
// far as the check; functions that no case calls are listed, and are those that
// sign, that need a network, or that lack cases.
//
// A sample is of the checks that count: that a case calls and equivalent.tsv does
// not excuse. The same seed picks the same checks as long as they are there: one
// that comes or goes changes itself and at most one other. So a sample does not
// pass or fail by chance from one day to the next; it fails when what it holds
// has lost its cases. What it cannot do is to measure: of 200 checks the share
// may be three percent beside that of all, either way. Entries of equivalent.tsv
// that are caught by now are found by a run over all.
//
// A survivor that cannot be caught stands in equivalent.tsv with the reason. The
// command ends with 1 when an entry there is caught or speaks of no check, or
// when less than -min percent are caught; with 2 when it cannot do its work.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
)

// judging is what takes part in a verdict.
var judging = []string{"./verifier", "./protocol/...", "./internal/wire"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ok, err := run(ctx)
	stop()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	case !ok:
		os.Exit(1)
	}
}

func run(ctx context.Context) (bool, error) {
	j := job{program: "./conformance/testee/acttestee", progress: os.Stderr}
	flag.IntVar(&j.sample, "sample", 0, "judge `N` of the checks that count, chosen by the seed; 0 is all")
	flag.Uint64Var(&j.seed, "seed", 1, "of the sample")
	least := flag.Float64("min", 95, "`percent` of the judged checks that have to be caught")
	out := flag.String("o", "", "write the report to `file`")
	list := flag.String("equivalent", "internal/mutants/equivalent.tsv", "`file` of the checks that cannot be caught")
	verbose := flag.Bool("v", false, "print every check with the cases that catch it")
	flag.Parse()
	if j.packages = flag.Args(); len(j.packages) == 0 {
		j.packages = judging
	}
	var err error
	if j.root, err = os.Getwd(); err != nil {
		return false, err
	}
	data, err := os.ReadFile(*list)
	if err != nil {
		return false, err
	}
	if j.equivalents, err = readEquivalents(string(data)); err != nil {
		return false, err
	}
	if j.cases, err = conformance.Cases(); err != nil {
		return false, err
	}
	r, err := j.run(ctx)
	if err != nil {
		return false, err
	}
	r.Date, r.Commit = time.Now().UTC().Format(time.DateOnly), commit(ctx)
	r.print(os.Stdout, *verbose)
	if *out != "" {
		file, err := os.Create(*out)
		if err != nil {
			return false, err
		}
		if err := r.write(file); err != nil {
			return false, err
		}
		if err := file.Close(); err != nil {
			return false, err
		}
	}
	return len(r.stale) == 0 && r.count(nil).share() >= *least, nil
}

// commit is what the tree stands at.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
