package conformance_test

import (
	"context"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/conformance"
)

// runTestee runs the cases of these tests against one of their testees.
func runTestee(t *testing.T, name string, cases []conformance.Case) (*conformance.Report, error) {
	t.Helper()
	t.Setenv(testeeVariable, name)
	r := conformance.Runner{Command: []string{os.Args[0]}, Timeout: time.Minute, Children: 2, Seed: 7,
		Reproduce: func(id string) string { return "again " + id }}
	if name == "hanging" { // others answer in time also on a busy machine
		r.Timeout = 1500 * time.Millisecond
	}
	return r.Run(t.Context(), cases)
}

func mustRun(t *testing.T, name string) *conformance.Report {
	t.Helper()
	report, err := runTestee(t, name, testCases())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// A testee without faults passes, and one that is broken is caught by the cases
// that should catch it and by no others.
func TestBrokenTesteesAreCaught(t *testing.T) {
	is := func(part string) func(*conformance.Result) bool {
		return func(r *conformance.Result) bool { return strings.HasPrefix(r.ID, "test/"+part) }
	}
	three := func(r *conformance.Result) bool { return strings.HasSuffix(string(r.Input), "3}") }
	none := func(*conformance.Result) bool { return false }
	all := func(*conformance.Result) bool { return true }
	for _, test := range []struct {
		testee  string
		caught  func(*conformance.Result) bool // must not pass
		passing func(*conformance.Result) bool // must pass; nil is all others
		verdict conformance.Verdict            // of what is caught
		message string                         // part of the reason, of errors
	}{
		{testee: "honest", caught: none},
		{testee: "stubborn", caught: none},
		{testee: "always-valid", caught: func(r *conformance.Result) bool { return r.ID != "test/double/003" }, verdict: conformance.Fail},
		{testee: "always-invalid", caught: func(r *conformance.Result) bool { return !is("word")(r) }, verdict: conformance.Fail},
		{testee: "wrong-code", caught: func(r *conformance.Result) bool { return !is("double")(r) }, verdict: conformance.Fail},
		{testee: "no-clock", caught: is("late"), verdict: conformance.Fail},
		{testee: "crashing", caught: three, verdict: conformance.Errored, message: "exit status 3): panic: out of cheese"},
		{testee: "hanging", caught: three, verdict: conformance.Errored, message: "no answer within 1.5s"},
		{testee: "closing", caught: three, verdict: conformance.Errored},
		{testee: "endless", caught: three, verdict: conformance.Errored, message: "too long"},
		{testee: "echoing", caught: all, verdict: conformance.Errored, message: "no answer"},
		{testee: "empty", caught: all, verdict: conformance.Errored},
		{testee: "previous-seq", caught: all, verdict: conformance.Errored, message: "another request"},
		{testee: "faulty", caught: all, verdict: conformance.Errored, message: "not today"},
		{testee: "refusing", caught: three, verdict: conformance.Skip},
		{testee: "lacking", caught: all, verdict: conformance.Skip},
	} {
		t.Run(test.testee, func(t *testing.T) {
			report := mustRun(t, test.testee)
			if len(report.Results) != len(testCases()) {
				t.Fatalf("%d results", len(report.Results))
			}
			for i := range report.Results {
				r := &report.Results[i]
				want := conformance.Pass
				if test.caught(r) {
					want = test.verdict
				}
				if r.Verdict != want {
					t.Errorf("%s: %s, want %s (%s)", r.ID, r.Verdict, want, r.Actual.Message)
				}
				if want == conformance.Errored && !strings.Contains(r.Actual.Message, test.message) && !strings.Contains(r.Actual.Message, "20 times") {
					t.Errorf("%s: %q does not say %q", r.ID, r.Actual.Message, test.message)
				}
				if r.Reproduce != "again "+r.ID {
					t.Errorf("%s: not reproducible", r.ID)
				}
			}
			if conforms := test.testee == "honest" || test.testee == "stubborn" || test.testee == "refusing"; report.Conforms() != conforms {
				t.Errorf("conforms: %v", !conforms)
			}
		})
	}
}

// Who answers with what was right for the request before is caught, though not
// by each case: two cases in a row may have one answer.
func TestPreviousAnswer(t *testing.T) {
	report := mustRun(t, "previous")
	if tally := report.Tally(); tally.Fail < 15 || tally.Error > 0 {
		t.Errorf("%+v", tally)
	}
}

// A second answer to one request spoils the next case, which is an error and not
// a verdict; the run goes on.
func TestTwoAnswers(t *testing.T) {
	report := mustRun(t, "twice")
	tally := report.Tally()
	if tally.Fail > 0 || tally.Error == 0 || tally.Pass == 0 || report.Conforms() {
		t.Errorf("%+v", tally)
	}
}

// The testee is never told what is expected: neither id, title, requirements nor
// expectation are in what is sent.
func TestNothingIsGivenAway(t *testing.T) {
	report := mustRun(t, "faulty")
	for i := range report.Results {
		r := &report.Results[i]
		if len(r.Exchange) == 0 {
			continue // not asked any more
		}
		sent := r.Exchange[0].Text
		for _, secret := range []string{r.ID, "test/", r.Title, "ADD-", "expired", "field_invalid", "valid"} {
			if strings.Contains(sent, secret) {
				t.Errorf("%s: %q was sent: %s", r.ID, secret, sent)
			}
		}
		if !r.Exchange[0].Sent || len(r.Exchange) == 2 && r.Exchange[1].Sent {
			t.Errorf("%s: who sent what?", r.ID)
		}
	}
}

// The seed alone decides the order: the sequence number of a case.
func TestOrder(t *testing.T) {
	order := func(seed uint64) map[string]string {
		t.Setenv(testeeVariable, "always-invalid")
		r := conformance.Runner{Command: []string{os.Args[0]}, Children: 1, Seed: seed}
		report, err := r.Run(t.Context(), testCases())
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		for _, r := range report.Results {
			if len(r.Exchange) > 0 {
				_, rest, _ := strings.Cut(r.Exchange[0].Text, `"seq":`)
				m[r.ID], _, _ = strings.Cut(rest, ",")
			}
		}
		return m
	}
	first, again, other := order(1), order(1), order(2)
	if !maps.Equal(first, again) || maps.Equal(first, other) || len(first) < 10 {
		t.Errorf("seed 1: %v\nagain:  %v\nseed 2: %v", first, again, other)
	}
}

// What cannot be started, or says no hello, is a fault of the harness.
func TestNoTestee(t *testing.T) {
	if _, err := (&conformance.Runner{Command: []string{"/no/such/program"}}).Run(t.Context(), testCases()); err == nil {
		t.Error("ran nothing without an error")
	}
	if _, err := new(conformance.Runner).Run(t.Context(), testCases()); err == nil {
		t.Error("ran without a command")
	}
	if _, err := runTestee(t, "banner", testCases()); err == nil || !strings.Contains(err.Error(), "hello") {
		t.Errorf("a banner on standard output: %v", err)
	}
}

// A run ends when its context does, also when the testee never answers.
func TestRunEnds(t *testing.T) {
	for _, name := range []string{"silent", "hanging"} {
		t.Setenv(testeeVariable, name)
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		r := conformance.Runner{Command: []string{os.Args[0]}, Timeout: time.Minute, Children: 2}
		started := time.Now()
		if _, err := r.Run(ctx, testCases()); err == nil {
			t.Errorf("%s: no error", name)
		}
		if took := time.Since(started); took > 8*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
}
