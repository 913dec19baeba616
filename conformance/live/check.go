package live

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A Kind is what a check is for.
type Kind string

// The kinds.
const (
	Seller Kind = "seller"
	PSP    Kind = "psp"
	Issuer Kind = "issuer"
)

// A Check is one live check. Its id never changes its meaning and is not given
// twice.
type Check struct {
	ID           string // live/KIND/GROUP/NNN
	Title        string // why it exists
	Requirements []string
	Level        conformance.Level
	// Expected is what has to come of it: accepted, with what was observed where
	// that is more than one answer, or refused with a code.
	Expected conformance.Answer

	run func(*probe) conformance.Answer
}

// Kind is the part of the id that says what the check is for.
func (c *Check) Kind() Kind {
	return Kind(strings.Split(c.ID, "/")[1])
}

// Checks returns all checks of the kinds, ordered by id; of all kinds when none
// is named.
func Checks(kinds ...Kind) []Check {
	var out []Check
	for _, list := range [][]Check{pspChecks(), sellerChecks(), issuerChecks()} {
		for _, c := range list {
			if len(kinds) == 0 || slices.Contains(kinds, c.Kind()) {
				out = append(out, c)
			}
		}
	}
	slices.SortFunc(out, func(a, b Check) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Judges returns the checks as judges of requirements.
func Judges(checks []Check) []conformance.Judge {
	out := make([]conformance.Judge, len(checks))
	for i, c := range checks {
		out[i] = conformance.Judge{ID: c.ID, Requirements: c.Requirements}
	}
	return out
}

// A Config is what Run needs beside the scenario.
type Config struct {
	// Parallel is how many checks run at once; 6 when zero.
	Parallel int
	// Timeout is how long one check may take; DefaultTimeout when zero.
	Timeout time.Duration
	// Reproduce returns the command that runs one check again; may be nil.
	Reproduce func(id string) string
}

// DefaultTimeout is how long a check may take.
const DefaultTimeout = 45 * time.Second

// Run runs checks of one kind against the server of the scenario and returns
// the report. An error says that the suite could not do its work: the site
// cannot be served, or a file of the scenario cannot be read.
func Run(ctx context.Context, s *Scenario, checks []Check, c Config) (*conformance.Report, error) {
	w, err := open(s)
	if err != nil {
		return nil, err
	}
	defer w.close()
	report := &conformance.Report{
		Subject: conformance.Subject{Kind: string(s.kind()), Name: s.name(), Address: s.address()},
		Suite:   conformance.Suite, Started: time.Now().UTC(), Results: make([]conformance.Result, len(checks)),
	}
	if c.Parallel <= 0 {
		c.Parallel = 6
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(c.Parallel, max(1, len(checks))) {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(checks) || ctx.Err() != nil {
					return
				}
				report.Results[i] = w.one(ctx, &checks[i], c)
			}
		})
	}
	group.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	report.Duration = time.Since(report.Started)
	slices.SortFunc(report.Results, func(a, b conformance.Result) int { return cmp.Compare(a.ID, b.ID) })
	return report, nil
}

// one runs one check, in a goroutine of its own that a probe may end.
func (w *world) one(ctx context.Context, c *Check, config Config) conformance.Result {
	ctx, cancel := context.WithTimeout(ctx, config.Timeout)
	defer cancel()
	r := conformance.Result{ID: c.ID, Title: c.Title, Requirements: c.Requirements, Level: c.Level, Expected: c.Expected}
	if config.Reproduce != nil {
		r.Reproduce = config.Reproduce(c.ID)
	}
	started := time.Now()
	p := &probe{world: w, ctx: ctx}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.answer = conformance.Answer{Outcome: conformance.Error, Message: "the check did not come to its end"}
		a := c.run(p)
		p.answer = a
	}()
	<-ended
	r.Actual, r.Exchange, r.Duration = p.answer, p.record(), time.Since(started)
	r.Judge()
	return r
}

// must makes a check of level must. The requirements are separated by spaces.
func must(id, requirements, title string, want conformance.Answer, run func(*probe) conformance.Answer) Check {
	return Check{ID: "live/" + id, Title: title, Requirements: strings.Fields(requirements), Level: conformance.Must, Expected: want, run: run}
}

// should makes a check of level should.
func should(id, requirements, title string, want conformance.Answer, run func(*probe) conformance.Answer) Check {
	c := must(id, requirements, title, want, run)
	c.Level = conformance.Should
	return c
}

// accepted is the answer of who accepts.
func accepted() conformance.Answer { return conformance.Answer{Outcome: conformance.Valid} }

// refused is the answer of who refuses with a code.
func refused(code protocol.Code) conformance.Answer {
	return conformance.Answer{Outcome: conformance.Invalid, Code: code}
}

// observed is what several answers have shown together: names and values in
// turn.
func observed(pairs ...string) conformance.Answer {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	text, err := canon.Marshal(m)
	if err != nil {
		return conformance.Answer{Outcome: conformance.Error, Message: "what was observed is no text"}
	}
	return conformance.Answer{Outcome: conformance.Valid, Output: jsontext.Value(text)}
}

// word is an answer in one word, for [observed].
func word(a conformance.Answer) string {
	switch a.Outcome {
	case conformance.Valid:
		return "accepted"
	case conformance.Invalid:
		return string(a.Code)
	}
	return "no answer"
}
