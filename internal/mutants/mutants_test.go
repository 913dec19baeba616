package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
)

// The program of the tests, and its package as it is called from the root.
const program = "internal/mutants/testdata/program"

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// testCases judge the age from above, the name, the waiting and one row.
func testCases() []conformance.Case {
	of := func(id, input string, code protocol.Code) conformance.Case {
		c := conformance.Case{ID: id, Operation: "age.check", Clock: time.Unix(0, 0), Input: jsontext.Value(input)}
		c.Expect = conformance.Expect{Outcome: conformance.Invalid, Code: code}
		if code == "" {
			c.Expect = conformance.Expect{Outcome: conformance.Valid, Output: jsontext.Value("{}")}
		}
		return c
	}
	return []conformance.Case{
		of("age/valid/001", `{"Name":"Ann","Age":30,"Wait":false}`, ""),
		of("age/old/001", `{"Name":"Ann","Age":151,"Wait":false}`, protocol.CodeFieldInvalid),
		of("age/name/001", `{"Name":"","Age":30,"Wait":false}`, protocol.CodeFieldMissing),
		of("age/wait/001", `{"Name":"Ann","Age":30,"Wait":true}`, protocol.CodeFieldInvalid),
		of("age/unlucky/001", `{"Name":"Ann","Age":13,"Wait":false}`, protocol.CodeFieldInvalid),
		of("age/wrong/001", `{"Name":"Ann","Age":30,"Wait":false}`, protocol.CodeFieldInvalid),
	}
}

// TestMutants: what is caught is caught by the case that should, what cannot be
// caught is excused, and everything else survives.
func TestMutants(t *testing.T) {
	list, err := readEquivalents(program + "/main.go\tcheck\td.Outcome() == protocol.Allowed && in.Name == \"\"\tthe decision refuses it\n" +
		program + "/main.go\tcheck\tin.Age > 150\tnot so: it is caught\n" +
		program + "/main.go\tcheck\tgone\tnot so: it does not exist\n")
	if err != nil {
		t.Fatal(err)
	}
	j := job{root: root(t), program: "./" + program, packages: []string{"./" + program}, cases: testCases(), equivalents: list, progress: io.Discard}
	r, err := j.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, x := range r.results {
		switch x.verdict {
		case caught:
			got[x.name()] = "caught by " + strings.Join(x.by, " ")
		case survived:
			got[x.name()] = "survived: " + x.why
		case excused:
			got[x.name()] = "excused"
		case unreached:
			got[x.name()] = "unreached"
		}
	}
	want := map[string]string{
		"in.Age < 0":                  "survived: refuses in no case",
		"in.Age > 150":                "caught by age/old/001",
		`Require in.Name != ""`:       "caught by age/name/001",
		`Require in.Name != "nobody"`: "survived: refuses in no case",
		`d.Outcome() == protocol.Allowed && in.Name == ""`: "excused",
		"n == 10":                       "caught by age/wait/001", // by its time-out
		`row {in.Age != 13, "unlucky"}`: "caught by age/unlucky/001",
		`row {in.Age != 14, "fine"}`:    "survived: refuses in no case",
		"age == 7":                      "unreached",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"age/wrong/001"}, r.Failing); diff != "" {
		t.Errorf("a case that fails anyway judges nothing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"caught: " + program + "/main.go | check | in.Age > 150",
		"no such check: " + program + "/main.go | check | gone",
	}, r.stale); diff != "" {
		t.Errorf("entries that are not so (-want +got):\n%s", diff)
	}
	if n := r.count(nil); fmt.Sprintf("%.1f", n.share()) != "57.1" {
		t.Errorf("share %.1f of %v", n.share(), n)
	}
	var page bytes.Buffer
	if err := r.write(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| **all** | 9 | 1 | 8 | 4 | 3 | 1 | 57.1 % |", "`in.Age < 0`", "uncalled 1"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
}

// TestSample: a sample is of checks that count, is told from cases that were traced
// together, and changes with the checks by as much as they do.
func TestSample(t *testing.T) {
	list, err := readEquivalents(program + "/main.go\tcheck\td.Outcome() == protocol.Allowed && in.Name == \"\"\tthe decision refuses it\n")
	if err != nil {
		t.Fatal(err)
	}
	j := job{root: root(t), program: "./" + program, packages: []string{"./" + program}, cases: testCases(), equivalents: list, progress: io.Discard, sample: 9, seed: 3}
	r, err := j.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if n := r.count(nil); n[caught] != 4 || n[survived] != 3 || n[excused] != 0 || n[unreached] != 0 || n[notSampled] != 2 {
		t.Errorf("verdicts %v", n)
	}
	if diff := cmp.Diff([]string{"age/wrong/001"}, r.Failing); diff != "" {
		t.Errorf("one that fails among others judges nothing alone (-want +got):\n%s", diff)
	}
	var out bytes.Buffer
	r.print(&out, false)
	if want := "57.1 % caught: 4 of 7, a sample of 7 of 7 checks that have no excuse (seed 3)\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %s", out.String())
	}
}

func TestSampleIsSteady(t *testing.T) {
	var checks []check
	for i := range 300 {
		checks = append(checks, check{File: "f.go", Function: fmt.Sprint("F", i), Text: "x", Number: 1, function: i})
	}
	names := func(seed uint64, checks []check) map[string]bool {
		called := map[int]bool{}
		for i := range checks {
			called[checks[i].function] = true
		}
		j := job{sample: 50, seed: seed}
		order, of := j.order(checks, called)
		if len(order) != 50 || of != len(checks) {
			t.Fatalf("%d of %d", len(order), of)
		}
		got := map[string]bool{}
		for _, i := range order {
			got[checks[i].Key()] = true
		}
		return got
	}
	differ := func(a, b map[string]bool) (n int) {
		for key := range a {
			if !b[key] {
				n++
			}
		}
		return n
	}
	all := names(1, checks)
	if n := differ(all, names(1, checks)); n != 0 {
		t.Errorf("the same seed gives %d others", n)
	}
	if n := differ(all, names(2, checks)); n < 20 {
		t.Errorf("another seed gives %d others", n)
	}
	if n := differ(all, names(1, checks[:299])); n > 1 {
		t.Errorf("a check that went changes %d", n)
	}
	if n := differ(all, names(1, append([]check{{File: "a.go", Function: "G", Text: "y", Number: 1}}, checks...))); n > 1 {
		t.Errorf("a check that came changes %d", n)
	}
}

// TestFind reads the real packages: the file of equivalents speaks of checks
// that exist, and the switches leave the program one that compiles (which the
// command itself shows).
func TestFind(t *testing.T) {
	data, err := os.ReadFile("equivalent.tsv")
	if err != nil {
		t.Fatal(err)
	}
	list, err := readEquivalents(string(data))
	if err != nil {
		t.Fatal(err)
	}
	j := job{root: root(t), packages: judging, equivalents: list}
	s, err := j.find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.checks) < 2000 {
		t.Errorf("found %d checks", len(s.checks))
	}
	keys := map[string]bool{}
	for i := range s.checks {
		if key := s.checks[i].Key(); keys[key] {
			t.Errorf("two checks are called %s", key)
		} else {
			keys[key] = true
		}
	}
	for _, e := range list {
		if e.checks == 0 {
			t.Errorf("equivalent.tsv: no such check: %s | %s | %s", e.file, e.function, e.text)
		}
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"…", "", true}, {"…", "anything", true}, {"Sign…", "SignBill", true},
		{"Sign…", "Bill.Sign", false}, {"a…b…c", "aXbYc", true}, {"a…b…c", "acb", false}, {"a…a", "a", false},
	} {
		if got := fits(c.pattern, c.s); got != c.want {
			t.Errorf("fits(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}
