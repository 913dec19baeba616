package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/actprotocol/act-go/conformance"
)

// A job is one run of the command.
type job struct {
	root        string
	program     string   // the package of the testee
	packages    []string // patterns
	cases       []conformance.Case
	equivalents []*equivalent
	sample      int // how many checks are judged; 0 for all
	seed        uint64
	progress    io.Writer
}

// run finds, builds, traces and judges.
func (j *job) run(ctx context.Context) (*report, error) {
	s, err := j.find(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{dir: dir, cases: j.cases, traced: 1}
	if j.sample > 0 {
		b.traced = together
	}
	fmt.Fprintf(j.progress, "%d checks; building\n", len(s.checks))
	if b.program, err = s.build(ctx, j.program, dir); err != nil {
		return nil, err
	}
	fmt.Fprintf(j.progress, "%d cases: what each reaches\n", len(b.cases))
	if err := b.trace(ctx); err != nil {
		return nil, err
	}
	r := &report{Cases: len(b.cases), Failing: b.failing, functions: s.functions, results: make([]result, len(s.checks))}
	order, of := j.order(s.checks, b.reach.functions)
	for n, i := range order {
		if r.results[i], err = j.judge(ctx, b, &s.checks[i], i); err != nil {
			return nil, err
		}
		if step := max(20, len(order)/12); n%step == step-1 {
			fmt.Fprintf(j.progress, "%d of %d\n", n+1, len(order))
		}
	}
	read := map[string]bool{}
	for i := range s.checks {
		r.results[i].check = &s.checks[i]
		read[s.checks[i].File] = true
	}
	if j.sample > 0 {
		r.Sample = fmt.Sprintf("a sample of %d of %d checks that have no excuse (seed %d)", len(order), of, j.seed)
	}
	r.stale = stale(j.equivalents, read, j.sample == 0)
	return r, nil
}

// find reads the packages.
func (j *job) find(ctx context.Context) (*source, error) {
	packages, err := goList(ctx, j.root, j.packages)
	if err != nil {
		return nil, err
	}
	s := &source{root: j.root, edits: map[string][]edit{}}
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		if err := s.read(name, packages[name]); err != nil {
			return nil, err
		}
	}
	if len(s.checks) == 0 {
		return nil, fmt.Errorf("no checks in %s", strings.Join(j.packages, " "))
	}
	for i := range s.checks {
		for _, e := range j.equivalents {
			if e.speaksOf(&s.checks[i]) {
				e.checks++
			}
		}
	}
	return s, nil
}

// order is which checks are judged: all, or a sample of those that count, which
// are called by a case and not excused, and of how many the sample is.
//
// Of a sample are those whose names have the smallest digests with the seed. So
// a check that comes or goes, or has its text changed, changes the sample by
// itself and at most one other, and all the rest are judged as before: what a
// change of the code does to the share is what it does to its own checks.
func (j *job) order(checks []check, called map[int]bool) (order []int, of int) {
	digest := make([][sha256.Size]byte, len(checks))
	for i := range checks {
		if c := &checks[i]; j.sample == 0 || called[c.function] && !slices.ContainsFunc(j.equivalents, func(e *equivalent) bool { return e.speaksOf(c) }) {
			order = append(order, i)
			digest[i] = sha256.Sum256([]byte(strconv.FormatUint(j.seed, 10) + "\n" + c.Key()))
		}
	}
	of = len(order)
	if j.sample > 0 {
		slices.SortFunc(order, func(a, b int) int { return bytes.Compare(digest[a][:], digest[b][:]) })
		order = order[:min(j.sample, of)]
	}
	return order, of
}

func (j *job) judge(ctx context.Context, b *bench, c *check, i int) (result, error) {
	out := result{verdict: unreached}
	if b.reach.functions[c.function] {
		by, err := b.without(ctx, i)
		if err != nil {
			return result{}, fmt.Errorf("without %s: %w", c.Key(), err)
		}
		out = result{verdict: caught, by: by}
		if len(by) == 0 {
			out = result{verdict: survived, why: "refuses, and something else refuses alike without it"}
			switch {
			case !b.reach.checks[i]:
				out.why = "no case comes to it"
			case len(b.reach.decisive[i]) == 0:
				out.why = "refuses in no case"
			case c.call:
				out.why = "made, and no case needs it"
			}
		}
	}
	for _, e := range j.equivalents {
		if !e.speaksOf(c) {
			continue
		}
		switch out.verdict {
		case unreached:
			e.unreached++
		case caught:
			e.caught++
		default: // the first entry gives the reason, and each keeps its right to be
			e.survivors++
			if out.verdict == survived {
				out.verdict, out.why = excused, e.reason
			}
		}
	}
	return out, nil
}
