package conformance

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/testdata"
)

// A Level says how strongly a requirement binds.
type Level string

// The two levels. A SHOULD that an implementer leaves out for a reason belongs
// into the file of known failures, with the reason.
const (
	Must   Level = "must"
	Should Level = "should"
)

// A Case is one test by bytes: an operation, its input, and the one answer that
// is right. Its JSON form is a file of testdata/vectors, described by
// testdata/schema/case.schema.json.
type Case struct {
	// ID is "<group>/<name>/<nnn>" and never changes its meaning; a case that
	// was wrong is removed, and its id is not given again.
	ID string `json:"id"`
	// Title says in one sentence why the case exists.
	Title string `json:"title"`
	// Requirements are the ids of the requirements that the case judges; empty
	// when it judges a rule of the wire alone.
	Requirements []string `json:"requirements"`
	Level        Level    `json:"level"`
	// Features are what a testee must have declared to be asked at all, for
	// example "es256" or "guomi".
	Features  []string       `json:"features,omitzero"`
	Operation string         `json:"operation"`
	Clock     time.Time      `json:"clock"` // the present of the operation
	Input     jsontext.Value `json:"input"` // an object
	Expect    Expect         `json:"expect"`
	// Sibling is the id of a case of the same operation that is valid and from
	// which this one differs by one defect. Every invalid case has one.
	Sibling string `json:"sibling,omitzero"`
}

// An Expect is the one right answer: valid with an output, or invalid with a
// code.
type Expect struct {
	Outcome Outcome        `json:"outcome"` // Valid or Invalid
	Code    protocol.Code  `json:"code,omitzero"`
	Output  jsontext.Value `json:"output,omitzero"` // an object; all of its members are judged, and there are no others
}

// Group is the first segment of the id.
func (c *Case) Group() string {
	group, _, _ := strings.Cut(c.ID, "/")
	return group
}

// limits are those of a case file and of a line: an input holds whole messages,
// each of which may be as large as a message may be.
var limits = canon.Limits{MaxBytes: MaxLine, MaxDepth: 64}

// decode reads a closed object of strict JSON. Unlike canon it lets null pass: an
// input may hold what is to be refused.
func decode(data []byte, v any) error {
	if err := limits.Check(data); err != nil {
		return err
	}
	return json.Unmarshal(data, v, json.RejectUnknownMembers(true))
}

// Cases returns the embedded cases, ordered by id.
func Cases() ([]Case, error) { return ReadCases(testdata.FS) }

// ReadCases reads the case files under vectors in a file system that has the
// layout of testdata, and checks each case and the siblings as [Check] does.
func ReadCases(fsys fs.FS) ([]Case, error) {
	var cases []Case
	err := fs.WalkDir(fsys, "vectors", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		c, err := DecodeCase(data)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if "vectors/"+c.ID+".json" != name {
			return fmt.Errorf("%s: holds the case %s", name, c.ID)
		}
		cases = append(cases, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	slices.SortFunc(cases, func(a, b Case) int { return strings.Compare(a.ID, b.ID) })
	if err := Check(cases); err != nil {
		return nil, err
	}
	return cases, nil
}

// DecodeCase reads one case file. It checks its form alone.
func DecodeCase(data []byte) (Case, error) {
	var c Case
	if err := decode(data, &c); err != nil {
		return Case{}, err
	}
	return c, nil
}

// Encode returns the file of a case: its members in their order, those of input
// and output sorted, indented by two spaces.
func (c *Case) Encode() ([]byte, error) {
	if c.Requirements == nil {
		c.Requirements = []string{}
	}
	data, err := json.Marshal(c, json.Deterministic(true), jsontext.WithIndent("  "), jsontext.EscapeForHTML(false))
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

var (
	idForm        = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*/[0-9]{3}$`)
	operationForm = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)+$`)
	featureForm   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
)

// Check tells whether cases are a suite: every case is well formed, no id
// stands twice, and every invalid case has a sibling that is valid, of the same
// operation, and has another input.
func Check(cases []Case) error {
	byID := make(map[string]*Case, len(cases))
	for i := range cases {
		c := &cases[i]
		if err := c.check(); err != nil {
			return fmt.Errorf("conformance: case %s: %w", c.ID, err)
		}
		if byID[c.ID] != nil {
			return fmt.Errorf("conformance: case %s stands twice", c.ID)
		}
		byID[c.ID] = c
	}
	for i := range cases {
		if err := cases[i].checkSibling(byID[cases[i].Sibling]); err != nil {
			return fmt.Errorf("conformance: case %s: %w", cases[i].ID, err)
		}
	}
	return nil
}

func (c *Case) check() error {
	switch {
	case !idForm.MatchString(c.ID):
		return fmt.Errorf("an id has three parts, the last of three digits")
	case !strings.HasSuffix(c.Title, ".") || len(c.Title) > 300:
		return fmt.Errorf("a title is one sentence with a full stop")
	case c.Level != Must && c.Level != Should:
		return fmt.Errorf("a level is must or should")
	case !operationForm.MatchString(c.Operation):
		return fmt.Errorf("an operation is named noun.verb")
	case c.Clock.IsZero() || !c.Clock.Equal(c.Clock.Truncate(time.Second)):
		return fmt.Errorf("a clock has whole seconds")
	case c.Input.Kind() != '{':
		return fmt.Errorf("an input is an object")
	case c.Expect.Outcome == Valid && (c.Expect.Output.Kind() != '{' || c.Expect.Code != ""):
		return fmt.Errorf("a valid case has an output, which is an object, and no code")
	case c.Expect.Outcome == Invalid && (!c.Expect.Code.Known() || len(c.Expect.Output) > 0 || c.Sibling == ""):
		return fmt.Errorf("an invalid case has a code of the closed list, no output, and a sibling")
	case c.Expect.Outcome != Valid && c.Expect.Outcome != Invalid:
		return fmt.Errorf("a case expects valid or invalid")
	}
	for _, f := range c.Features {
		if !featureForm.MatchString(f) {
			return fmt.Errorf("a feature is a word in lower case")
		}
	}
	return nil
}

func (c *Case) checkSibling(s *Case) error {
	switch {
	case c.Sibling == "":
		return nil
	case s == nil:
		return fmt.Errorf("there is no sibling %s", c.Sibling)
	case s.Operation != c.Operation || s.Expect.Outcome != Valid:
		return fmt.Errorf("the sibling %s is not a valid case of the same operation", c.Sibling)
	case s.Clock.Equal(c.Clock) && sameJSON(s.Input, c.Input):
		return fmt.Errorf("the sibling %s has the same input", c.Sibling)
	}
	return nil
}

// sameJSON reports whether two texts are one JSON value: members in any order,
// numbers by value, arrays in order.
func sameJSON(a, b jsontext.Value) bool {
	x, err := limits.Canonicalize(a)
	if err != nil {
		return false
	}
	y, err := limits.Canonicalize(b)
	return err == nil && string(x) == string(y)
}
