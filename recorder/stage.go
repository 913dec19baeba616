package recorder

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
)

// The steps at which a draft can fail.
const (
	StepAccept = "accept"
	StepSeal   = "seal"
	StepAnchor = "anchor"
)

// A Problem is a draft that is not a record, or not an anchored one, and why.
// It names and counts, and holds no content, key, token or text from outside.
type Problem struct {
	RecordID    string // empty when nothing was accepted
	Type        attestation.EventType
	Step        string // one of the Step constants
	Code        protocol.Code
	Field       string
	Requirement string
	Since       time.Time // of the first failure in this run
	Tries       int
	// SetAside says that the code is final: it is tried again only by the next
	// run of the program, and later drafts go on before it.
	SetAside bool
}

// String is one line for a log.
func (p Problem) String() string {
	parts := []string{"recorder", p.Step, string(p.Code), p.Field, p.RecordID}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	line := strings.Join(parts, ": ")
	if p.SetAside {
		line += ": set aside"
	}
	return line
}

// A Status is a look at a Recorder.
type Status struct {
	Waiting  int       // drafts that are neither anchored nor set aside
	Bytes    int64     // of all drafts in the queue
	Oldest   time.Time // when the oldest draft that waits was accepted; zero when none does
	Problems []Problem // what is failing or set aside, the oldest first
}

// Status tells what is waiting, and what is stuck and why.
func (r *Recorder) Status() Status {
	r.queue.mu.Lock()
	s := Status{Bytes: r.queue.bytes}
	r.queue.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Waiting = len(r.waiting)
	for _, e := range r.waiting {
		if s.Oldest.IsZero() || e.accepted.Before(s.Oldest) {
			s.Oldest = e.accepted
		}
	}
	for _, p := range r.problems {
		s.Problems = append(s.Problems, p)
	}
	slices.SortFunc(s.Problems, func(a, b Problem) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.RecordID, b.RecordID)
	})
	return s
}

// A stage makes one step for each entry, in order.
type stage struct {
	r    *Recorder
	step string
	do   func(context.Context, *entry) error
	pass func(context.Context, *entry) // to the next stage

	mu   sync.Mutex
	line []*entry
	wake chan struct{}
}

func newStage(r *Recorder, step string, do func(context.Context, *entry) error, pass func(context.Context, *entry)) *stage {
	return &stage{r: r, step: step, do: do, pass: pass, wake: make(chan struct{}, 1)}
}

func (s *stage) push(e *entry) {
	s.mu.Lock()
	s.line = append(s.line, e)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next waits for an entry; nil says that it is over.
func (s *stage) next(ctx context.Context) *entry {
	for ctx.Err() == nil {
		s.mu.Lock()
		if len(s.line) > 0 {
			e := s.line[0]
			s.line = s.line[1:]
			s.mu.Unlock()
			return e
		}
		s.mu.Unlock()
		select {
		case <-s.wake:
		case <-ctx.Done():
		}
	}
	return nil
}

func (s *stage) run(ctx context.Context) {
	for {
		e := s.next(ctx)
		if e == nil {
			return
		}
		switch s.try(ctx, e) {
		case passed:
			s.pass(ctx, e)
		case aside:
			s.r.settle(e)
		case stopped:
			return
		}
	}
}

type outcome int

const (
	stopped outcome = iota
	passed
	aside
)

// try makes the step until it succeeds, fails for good, or everything stops.
func (s *stage) try(ctx context.Context, e *entry) outcome {
	pause := s.r.c.RetryFrom
	for {
		once, cancel := context.WithTimeout(ctx, s.r.c.StepTimeout)
		err := s.do(once, e)
		cancel()
		if err == nil {
			s.r.mu.Lock()
			delete(s.r.problems, e.id)
			s.r.mu.Unlock()
			return passed
		}
		if ctx.Err() != nil {
			return stopped
		}
		if s.trouble(e, err) {
			return aside
		}
		// Between half of the pause and the whole, so that those who wait for
		// one chain do not all come back together.
		timer := time.NewTimer(pause/2 + rand.N(pause/2+1))
		pause = min(2*pause, s.r.c.RetryTo)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return stopped
		}
	}
}

// trouble notes a failure and reports whether it is final.
func (s *stage) trouble(e *entry, err error) bool {
	told := protocol.AsError(err)
	r := s.r
	r.mu.Lock()
	p, known := r.problems[e.id]
	news := !known || p.Code != told.Code
	if !known {
		p.Since = r.c.Now()
	}
	p.RecordID, p.Type, p.Step, p.Code, p.Field, p.Requirement = e.id, e.typ, s.step, told.Code, told.Field, told.Requirement
	p.Tries++
	p.SetAside = told.Code.Outcome() == protocol.Denied && told.Code != protocol.CodeTooManyRequests
	r.problems[e.id] = p
	r.mu.Unlock()
	if news || p.SetAside {
		r.c.Report(p)
	}
	return p.SetAside
}
