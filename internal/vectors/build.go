package vectors

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// groups are the groups of the suite, by domain; each domain has a file of its
// own, groups_<domain>.go.
func groups() []func(*builder) {
	return slices.Concat(coreGroups, addGroups, cidGroups, psdGroups, prvGroups, attGroups, crdGroups)
}

// Build makes all cases, ordered by id. kept holds what cannot be made
// deterministically; made is what it lacks, by the names of files to write.
func Build(kept fs.FS) (cases []conformance.Case, made map[string][]byte, err error) {
	b := &builder{kept: kept}
	for _, group := range groups() {
		group(b)
	}
	if len(b.errs) > 0 {
		return nil, nil, errors.Join(b.errs...)
	}
	b.cases = distinct(b.cases)
	slices.SortFunc(b.cases, func(x, y conformance.Case) int { return strings.Compare(x.ID, y.ID) })
	if err := conformance.Check(b.cases); err != nil {
		return nil, nil, err
	}
	return b.cases, b.made, nil
}

// distinct leaves out a negative case that asks what an earlier one asks: groups
// that go through all members of a message meet what others have written by hand.
// Two that expect different answers both stay, and a test of the suite finds them.
func distinct(cases []conformance.Case) []conformance.Case {
	asked := map[string]conformance.Expect{}
	out := cases[:0]
	for _, c := range cases {
		key := c.Operation + c.Clock.String() + string(c.Input)
		if before, ok := asked[key]; ok && c.Expect.Outcome == conformance.Invalid && before.Outcome == c.Expect.Outcome && before.Code == c.Expect.Code {
			continue
		}
		asked[key] = c.Expect
		out = append(out, c)
	}
	return out
}

// obj is a JSON object in the making.
type obj = map[string]any

// list is a JSON array in the making.
type list = []any

// now is the present of a case that names none.
var now = time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)

// A spec is what an author writes of a case. A zero level is must, a zero clock
// is now. Of an invalid case, operation, features and clock are those of its
// sibling unless they are given.
type spec struct {
	id           string
	title        string
	requirements []string
	level        conformance.Level
	features     []string
	operation    string
	clock        time.Time
	input        obj
	output       obj           // of a valid case
	code         protocol.Code // of an invalid one
}

// A builder collects cases. Faults of the author are collected too and reported
// by Build.
type builder struct {
	cases []conformance.Case
	errs  []error
	kept  fs.FS
	made  map[string][]byte // what keep had to make, by file name
}

func (b *builder) fail(id string, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("vectors: %s: %w", id, fmt.Errorf(format, args...)))
}

// valid adds a case that is to be accepted, and returns it for its siblings.
func (b *builder) valid(s spec) spec {
	if s.clock.IsZero() {
		s.clock = now
	}
	output := s.output
	if output == nil {
		output = obj{}
	}
	b.add(s, "", conformance.Expect{Outcome: conformance.Valid, Output: b.value(s.id, output)})
	return s
}

// invalid adds a case that is to be refused: the input of a valid sibling with
// one defect. The defect works on a copy and must change it, unless the spec
// has another clock, which is the defect then.
func (b *builder) invalid(sibling, s spec, defect func(in obj)) {
	s.input = b.copy(s.id, sibling.input)
	if defect != nil {
		defect(s.input)
	}
	if s.operation != "" || s.input == nil {
		b.fail(s.id, "the operation and the input of an invalid case are those of its sibling")
		return
	}
	s.operation = sibling.operation
	if s.requirements == nil {
		s.requirements = sibling.requirements
	}
	if s.features == nil {
		s.features = sibling.features
	}
	if s.clock.IsZero() {
		s.clock = sibling.clock
	}
	b.add(s, sibling.id, conformance.Expect{Outcome: conformance.Invalid, Code: s.code})
}

// also adds a case that is to be accepted like a valid one, with an allowed
// difference. Its output is the sibling's unless the spec has one.
func (b *builder) also(sibling, s spec, change func(in obj)) spec {
	s.input = b.copy(s.id, sibling.input)
	if change != nil {
		change(s.input)
	}
	s.operation = sibling.operation
	if s.output == nil {
		s.output = sibling.output
	}
	if s.requirements == nil {
		s.requirements = sibling.requirements
	}
	if s.features == nil {
		s.features = sibling.features
	}
	if s.clock.IsZero() {
		s.clock = sibling.clock
	}
	return b.valid(s)
}

// put is a change of one member of an input.
func put(name string, value any) func(in obj) {
	return func(in obj) { in[name] = value }
}

func (b *builder) add(s spec, sibling string, expect conformance.Expect) {
	if s.level == "" {
		s.level = conformance.Must
	}
	b.cases = append(b.cases, conformance.Case{
		ID: s.id, Title: s.title, Requirements: once(s.requirements), Level: s.level, Features: s.features,
		Operation: s.operation, Clock: s.clock, Input: b.value(s.id, s.input), Expect: expect, Sibling: sibling,
	})
}

// once returns the names in their order, each once: what a group and a case of it
// add may be the same.
func once(names []string) []string {
	out := []string{}
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// value returns v as canonical JSON.
func (b *builder) value(id string, v any) jsontext.Value {
	data, err := json.Marshal(v, json.Deterministic(true))
	if err == nil {
		data, err = canon.Limits{MaxBytes: conformance.MaxLine, MaxDepth: 64}.Canonicalize(data)
	}
	if err != nil {
		b.fail(id, "%w", err)
	}
	return data
}

// copy returns a deep copy of an input, made of maps, slices, strings, float64,
// bool alone: what a defect changes.
func (b *builder) copy(id string, in obj) obj {
	var out obj
	if err := json.Unmarshal(b.value(id, in), &out); err != nil {
		b.fail(id, "%w", err)
	}
	return out
}
