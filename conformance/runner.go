package conformance

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultTimeout is how long a testee may take for one case.
const DefaultTimeout = 5 * time.Second

// maxErrors is after how many errors in a row a run gives its testee up.
const maxErrors = 20

// A Runner runs cases against a testee.
type Runner struct {
	Command  []string      // the testee: a program and its arguments
	Timeout  time.Duration // for one case; DefaultTimeout when it is not positive
	Children int           // how many run at once; one for each processor, at most four, when it is not positive
	Seed     uint64        // of the order of the cases
	// Reproduce gives the command that runs one case again, for the report; may
	// be nil.
	Reproduce func(id string) string
}

// Run runs the cases in an order that only the seed decides, and reports on
// each. Cases whose operation or features the testee does not have are skipped.
//
// What the testee does wrong is never an error of Run: a case during which it
// crashes, hangs or writes what is no answer has the verdict Errored, the child
// is started again and the run goes on; after 20 errors in a row the remaining
// cases are errors too. Run fails when the testee cannot be started or says no
// hello at the beginning, and when ctx ends.
func (r *Runner) Run(ctx context.Context, cases []Case) (*Report, error) {
	run := &run{runner: r, started: time.Now(), cases: slices.Clone(cases), results: make([]Result, len(cases))}
	first, hello, err := startChild(ctx, r.Command)
	if err != nil {
		return nil, err
	}
	run.hello = hello
	rand.New(rand.NewPCG(r.Seed, 0)).Shuffle(len(run.cases), func(i, j int) {
		run.cases[i], run.cases[j] = run.cases[j], run.cases[i]
	})
	var workers sync.WaitGroup
	for i := range r.children() {
		workers.Go(func() {
			w := worker{run: run}
			if i == 0 {
				w.child = first
			}
			w.work(ctx)
		})
	}
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(run.results, func(a, b Result) int { return strings.Compare(a.ID, b.ID) })
	return &Report{
		Subject: Subject{Kind: kindTestee, Name: hello.Name, Version: hello.Version, Address: strings.Join(r.Command, " ")},
		Suite:   Suite, Started: run.started.UTC().Truncate(time.Second), Duration: time.Since(run.started), Seed: r.Seed, Results: run.results,
	}, nil
}

func (r *Runner) children() int {
	if r.Children > 0 {
		return r.Children
	}
	return min(runtime.GOMAXPROCS(0), 4)
}

func (r *Runner) timeout() time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return DefaultTimeout
}

// run is the state that the workers of one run share.
type run struct {
	runner  *Runner
	hello   Hello
	started time.Time
	cases   []Case       // in the order of the run
	results []Result     // by index of cases, each written by one worker
	next    atomic.Int64 // index of the next case
	errors  atomic.Int64 // in a row
}

// worker drives one child at a time.
type worker struct {
	run   *run
	child *child // nil when it has to be started
}

func (w *worker) work(ctx context.Context) {
	for ctx.Err() == nil {
		i := int(w.run.next.Add(1) - 1)
		if i >= len(w.run.cases) {
			break
		}
		w.run.results[i] = w.one(ctx, &w.run.cases[i], int64(i)+1)
	}
	if w.child != nil {
		w.child.bye()
	}
}

// one runs one case.
func (w *worker) one(ctx context.Context, c *Case, seq int64) Result {
	result := c.result()
	if w.run.runner.Reproduce != nil {
		result.Reproduce = w.run.runner.Reproduce(c.ID)
	}
	started := time.Now()
	if lacks := w.run.hello.lacks(c); lacks != "" {
		result.Actual = Answer{Outcome: Skipped, Reason: lacks}
		result.Judge()
		return result
	}
	if w.run.errors.Load() >= maxErrors {
		result.Actual = Answer{Outcome: Error, Message: "not asked: the testee had failed 20 times in a row"}
		result.Judge()
		return result
	}
	answer, err := w.ask(ctx, c, seq, &result)
	if err != nil {
		answer = Answer{Outcome: Error, Message: err.Error()}
		w.run.errors.Add(1)
		if w.child != nil {
			w.child.kill()
			w.child = nil
		}
	} else {
		w.run.errors.Store(0)
	}
	result.Actual, result.Duration = answer, time.Since(started)
	if result.Judge(); result.Verdict == Pass {
		result.Exchange = nil // says nothing that input and output do not
	}
	return result
}

// ask has the child answer, and notes what passed.
func (w *worker) ask(ctx context.Context, c *Case, seq int64, result *Result) (Answer, error) {
	if w.child == nil {
		var err error
		if w.child, _, err = startChild(ctx, w.run.runner.Command); err != nil {
			return Answer{}, err
		}
	}
	request, err := runRequest(c, seq)
	if err != nil {
		return Answer{}, err
	}
	result.Exchange = []Exchange{{Sent: true, Text: string(request)}}
	if len(request) > MaxLine {
		return Answer{}, errors.New("the request is longer than a line may be")
	}
	line, err := w.child.ask(ctx, request, w.run.runner.timeout())
	if err != nil {
		return Answer{}, err
	}
	result.Exchange = append(result.Exchange, Exchange{Text: strings.ToValidUTF8(string(line), "\uFFFD")})
	return ParseAnswer(line, seq)
}

// lacks says what a testee lacks for a case, or nothing.
func (h *Hello) lacks(c *Case) string {
	if !slices.Contains(h.Operations, c.Operation) {
		return "the testee does not have the operation"
	}
	for _, f := range c.Features {
		if !slices.Contains(h.Features, f) {
			return "the testee does not have the feature " + f
		}
	}
	return ""
}

// result is a result of the case without an answer.
func (c *Case) result() Result {
	return Result{
		ID: c.ID, Title: c.Title, Requirements: c.Requirements, Level: c.Level, Operation: c.Operation,
		Clock: c.Clock.UTC().Format(time.RFC3339), Sibling: c.Sibling, Input: c.Input,
		Expected: Answer{Outcome: c.Expect.Outcome, Code: c.Expect.Code, Output: c.Expect.Output},
	}
}
