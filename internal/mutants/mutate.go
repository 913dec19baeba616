package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
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
	b := &bench{dir: dir, cases: j.cases}
	fmt.Fprintf(j.progress, "%d checks; building\n", len(s.checks))
	if b.program, err = s.build(ctx, j.program, dir); err != nil {
		return nil, err
	}
	fmt.Fprintf(j.progress, "%d cases: what each reaches\n", len(b.cases))
	if err := b.trace(ctx); err != nil {
		return nil, err
	}
	r := &report{Cases: len(b.cases), Failing: b.failing, functions: s.functions, results: make([]result, len(s.checks))}
	for n, i := range j.order(len(s.checks)) {
		if r.results[i], err = j.judge(ctx, b, &s.checks[i], i); err != nil {
			return nil, err
		}
		if n%200 == 199 {
			fmt.Fprintf(j.progress, "%d of %d\n", n+1, len(s.checks))
		}
	}
	read := map[string]bool{}
	for i := range s.checks {
		r.results[i].check = &s.checks[i]
		read[s.checks[i].File] = true
	}
	if j.sample > 0 && j.sample < len(s.checks) {
		r.Sample = fmt.Sprintf(", a sample of %d of %d checks (seed %d)", j.sample, len(s.checks), j.seed)
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

// order is which checks are judged: all, or a sample.
func (j *job) order(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	if j.sample > 0 && j.sample < n {
		rand.New(rand.NewPCG(j.seed, 0)).Shuffle(n, func(a, b int) { all[a], all[b] = all[b], all[a] })
		all = all[:j.sample]
	}
	return all
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
