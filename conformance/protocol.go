package conformance

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
)

// MaxLine is the longest line that passes between suite and testee, in bytes
// without the line feed.
const MaxLine = 1 << 20

// Protocol is the name and version of what passes between suite and testee.
const Protocol = "act-conformance/1"

// Suite is the version of the suite: of the protocol that it tests, and of the
// cases.
const Suite = "2.1.0"

// maxWord bounds names, versions, codes, reasons and messages in an answer.
const maxWord = 4096

// A Hello is what a testee says of itself.
type Hello struct {
	Name       string
	Version    string
	Operations []string // names of the operations it has
	Features   []string // see [Case.Features]
}

type helloLine struct {
	Type       string   `json:"type"`
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Operations []string `json:"operations"`
	Features   []string `json:"features"`
}

// ParseHello reads the answer to hello. The line is strict JSON of a closed
// form, as are all lines of a testee.
func ParseHello(line []byte) (Hello, error) {
	var h helloLine
	if err := decode(line, &h); err != nil {
		return Hello{}, fmt.Errorf("conformance: not a hello: %w", err)
	}
	switch {
	case h.Type != "hello":
		return Hello{}, errors.New("conformance: not a hello")
	case h.Name == "" || len(h.Name) > maxWord || len(h.Version) > maxWord:
		return Hello{}, errors.New("conformance: a hello without a name")
	case len(h.Operations) == 0:
		return Hello{}, errors.New("conformance: a hello without operations")
	}
	return Hello{Name: h.Name, Version: h.Version, Operations: h.Operations, Features: h.Features}, nil
}

type resultLine struct {
	Type    string         `json:"type"`
	Seq     *int64         `json:"seq"`
	Outcome Outcome        `json:"outcome"`
	Code    *protocol.Code `json:"code"`
	Output  jsontext.Value `json:"output"`
	Reason  *string        `json:"reason"`
	Message *string        `json:"message"`
}

// ParseAnswer reads the answer to the request with that number. An answer is
// exactly one outcome with exactly what belongs to it; one to another request is
// refused as well, because nothing says what the testee meant.
func ParseAnswer(line []byte, seq int64) (Answer, error) {
	var r resultLine
	if err := decode(line, &r); err != nil {
		return Answer{}, fmt.Errorf("the line is no answer: %w", err)
	}
	if r.Type != "result" || r.Seq == nil {
		return Answer{}, errors.New("the line is no answer: no result with a number")
	}
	if *r.Seq != seq {
		return Answer{}, errors.New("the answer is for another request")
	}
	a := Answer{Outcome: r.Outcome, Output: r.Output}
	has := map[Outcome]bool{Valid: r.Output != nil, Invalid: r.Code != nil, Skipped: r.Reason != nil, Error: r.Message != nil}
	for outcome, present := range has {
		if present != (outcome == r.Outcome) {
			return Answer{}, errors.New("the answer is not one outcome with what belongs to it")
		}
	}
	word := ""
	switch r.Outcome {
	case Valid:
		if r.Output.Kind() != '{' {
			return Answer{}, errors.New("the output is no object")
		}
		return a, nil
	case Invalid:
		a.Code, word = *r.Code, string(*r.Code)
	case Skipped:
		a.Reason, word = *r.Reason, *r.Reason
	case Error:
		a.Message, word = *r.Message, *r.Message
	default:
		return Answer{}, errors.New("the answer has no known outcome")
	}
	if word == "" || len(word) > maxWord {
		return Answer{}, errors.New("the answer does not say why")
	}
	return a, nil
}

const (
	helloRequest = `{"type":"hello","protocol":"` + Protocol + `"}`
	byeRequest   = `{"type":"bye"}`
)

// runRequest is the line that asks for a case. It has neither the id of the case
// nor anything of the expectation.
func runRequest(c *Case, seq int64) ([]byte, error) {
	return json.Marshal(struct {
		Type      string         `json:"type"`
		Seq       int64          `json:"seq"`
		Operation string         `json:"operation"`
		Clock     time.Time      `json:"clock"`
		Input     jsontext.Value `json:"input"`
	}{"run", seq, c.Operation, c.Clock, c.Input})
}
