package conformance

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
)

// An Outcome is what a testee, or a live server, did with one input.
type Outcome string

// The outcomes. A case expects one of the first two.
const (
	Valid   Outcome = "valid"   // accepted, with an output
	Invalid Outcome = "invalid" // refused, with a code
	Skipped Outcome = "skipped" // not done, with a reason: the testee has no such operation or feature
	Error   Outcome = "error"   // nothing that can be judged: a crash, a time-out, a line that cannot be read, a fault of the testee's own
)

// An Answer is an outcome with what belongs to it.
type Answer struct {
	Outcome Outcome        `json:"outcome"`
	Code    protocol.Code  `json:"code,omitzero"`    // of Invalid
	Output  jsontext.Value `json:"output,omitzero"`  // of Valid, an object
	Reason  string         `json:"reason,omitzero"`  // of Skipped
	Message string         `json:"message,omitzero"` // of Error
}

// A Verdict is what the suite thinks of an answer.
type Verdict string

// The verdicts.
const (
	Pass    Verdict = "pass"    // the answer is the expected one
	Fail    Verdict = "fail"    // another answer
	Skip    Verdict = "skipped" // no answer, and a reason
	Errored Verdict = "error"   // no answer that can be judged
)

// An Exchange is what was sent or received, in order.
type Exchange struct {
	Sent bool   `json:"sent"` // by the suite; false for what came back
	Text string `json:"text"` // as it was on the wire; of a live check, a request or a response with its headers
}

// A Result is what came of one case or one live check.
type Result struct {
	ID           string   `json:"id"`
	Title        string   `json:"title"` // why the check exists
	Requirements []string `json:"requirements"`
	Level        Level    `json:"level"`
	Operation    string   `json:"operation,omitzero"` // of a case
	Clock        string   `json:"clock,omitzero"`     // of a case
	Sibling      string   `json:"sibling,omitzero"`   // the case that shows the same input without the defect

	Input    jsontext.Value `json:"input,omitzero"` // of a case
	Expected Answer         `json:"expected"`
	Actual   Answer         `json:"actual"`
	Verdict  Verdict        `json:"verdict"`
	// Known is the line of the file of known failures that this result has, see
	// [Known]; empty when there is none.
	Known string `json:"known,omitzero"`
	// Surprise says in what way the result is not the one to expect; empty when
	// the case passed, was skipped, or failed as known.
	Surprise string `json:"surprise,omitzero"`

	Exchange []Exchange    `json:"exchange,omitzero"`
	Duration time.Duration `json:"seconds"`
	// Reproduce is the command that runs this one check again.
	Reproduce string `json:"reproduce,omitzero"`
}

// A Subject is what was tested.
type Subject struct {
	Kind    string `json:"kind"`             // "testee", "seller", "psp", "issuer", "self"
	Name    string `json:"name"`             // as it calls itself
	Version string `json:"version,omitzero"` // as it says itself
	Address string `json:"address,omitzero"` // the command, or the URL
}

// kindTestee is the kind of a subject that was asked over standard input.
const kindTestee = "testee"

// A Report is everything that came of a run.
type Report struct {
	Subject  Subject       `json:"subject"`
	Suite    string        `json:"suite"` // version of the suite
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"seconds"`
	Seed     uint64        `json:"seed,string"` // of the order; the same seed gives the same order
	Results  []Result      `json:"results"`     // ordered by id
	// Unmet lists what the file of known failures says about checks that were
	// not run or do not exist.
	Unmet []string `json:"unmet,omitzero"`
}

// Judge gives a result its verdict, Expected against Actual, and says whether
// that is a surprise as far as nothing is known of it; see [Report.Apply].
func (r *Result) Judge() {
	defer func() { r.Surprise = r.surprise(false) }()
	switch r.Actual.Outcome {
	case Skipped:
		r.Verdict = Skip
	case Valid, Invalid:
		r.Verdict = Fail
		if r.Actual.matches(&r.Expected) {
			r.Verdict = Pass
		}
	default:
		r.Verdict = Errored
	}
}

func (a *Answer) matches(want *Answer) bool {
	if a.Outcome != want.Outcome {
		return false
	}
	if a.Outcome == Invalid {
		return a.Code == want.Code
	}
	// A live check expects no output.
	return len(want.Output) == 0 && len(a.Output) == 0 || sameJSON(a.Output, want.Output)
}
