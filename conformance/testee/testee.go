// Package testee is for writing a testee of the conformance suite in Go: a
// program that reads one request a line, carries out the operation and answers.
//
// An operation is a function from the present and an input to an output or an
// error:
//
//	t := testee.Testee{Name: "mine", Version: "1.0", Operations: map[string]testee.Operation{
//		"money.parse": testee.Of(func(_ time.Time, in struct{ Amount, Currency string }) (any, error) { … }),
//	}}
//	err := t.Serve(os.Stdin, os.Stdout)
//
// An error that carries a [protocol.Code] is the answer "invalid" with that
// code; [Skip] is "skipped"; any other error is "error" and counts as a fault
// of the testee, never as a refusal.
package testee

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// An Operation carries out one operation of the suite. clock is the present, and
// there is no other. The output becomes a JSON object.
type Operation func(clock time.Time, input jsontext.Value) (output any, err error)

// Of makes an operation of a function whose input is a struct. An input that is
// not of this form is an error and not a refusal: it is the suite that made it.
func Of[T any](f func(clock time.Time, in T) (any, error)) Operation {
	return func(clock time.Time, input jsontext.Value) (any, error) {
		var in T
		if err := json.Unmarshal(input, &in, json.RejectUnknownMembers(true)); err != nil {
			return nil, fmt.Errorf("testee: input: %v", err)
		}
		return f(clock, in)
	}
}

// A Skip is the error of an operation that cannot do what is asked, with the
// reason.
type Skip string

func (s Skip) Error() string { return string(s) }

// answers are the limits of an output: what a message holds may be as deep as a
// message, and stands deeper in an answer.
var answers = canon.Limits{MaxBytes: conformance.MaxLine, MaxDepth: 64}

// A Testee is a program under test.
type Testee struct {
	Name, Version string
	Features      []string // what it can beside the operations, for example "es256"
	Operations    map[string]Operation
}

type request struct {
	Type      string         `json:"type"`
	Protocol  string         `json:"protocol"`
	Seq       int64          `json:"seq"`
	Operation string         `json:"operation"`
	Clock     time.Time      `json:"clock"`
	Input     jsontext.Value `json:"input"`
}

type hello struct {
	Type       string   `json:"type"`
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Operations []string `json:"operations"`
	Features   []string `json:"features"`
}

type result struct {
	Type string `json:"type"`
	Seq  int64  `json:"seq"`
	conformance.Answer
}

// Serve answers requests until "bye" or the end of in. It fails when a line is
// no request, or when reading or writing fails.
func (t *Testee) Serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<16), conformance.MaxLine+1)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("testee: %w", err)
		}
		var answer any
		switch r.Type {
		case "hello":
			if r.Protocol != conformance.Protocol {
				return fmt.Errorf("testee: the suite speaks %q, not %q", r.Protocol, conformance.Protocol)
			}
			answer = hello{"hello", t.Name, t.Version, slices.Sorted(maps.Keys(t.Operations)), append([]string{}, t.Features...)}
		case "run":
			answer = result{"result", r.Seq, t.run(&r)}
		case "bye":
			return nil
		default:
			return fmt.Errorf("testee: a request of the type %q", r.Type)
		}
		line, err := json.Marshal(answer)
		if err != nil {
			return fmt.Errorf("testee: %w", err)
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("testee: %w", err)
		}
	}
	return lines.Err()
}

func (t *Testee) run(r *request) conformance.Answer {
	operation := t.Operations[r.Operation]
	if operation == nil {
		return conformance.Answer{Outcome: conformance.Skipped, Reason: "no such operation"}
	}
	output, err := operation(r.Clock, r.Input)
	var skip Skip
	switch {
	case errors.As(err, &skip):
		return conformance.Answer{Outcome: conformance.Skipped, Reason: string(skip)}
	case protocol.CodeOf(err) != "":
		return conformance.Answer{Outcome: conformance.Invalid, Code: protocol.CodeOf(err)}
	case err != nil:
		return conformance.Answer{Outcome: conformance.Error, Message: err.Error()}
	}
	encoded, err := json.Marshal(output)
	if err == nil {
		encoded, err = answers.Canonicalize(encoded)
	}
	if err != nil {
		return conformance.Answer{Outcome: conformance.Error, Message: "output: " + err.Error()}
	}
	return conformance.Answer{Outcome: conformance.Valid, Output: encoded}
}
