package main

import (
	"os"
	"testing"

	"github.com/actprotocol/act-go/conformance"
)

// The testee of these tests is this program itself, started again.
const testeeVariable = "ACT_CONFORMANCE_TESTEE"

func TestMain(m *testing.M) {
	if os.Getenv(testeeVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The library passes its own suite, every case of it, with nothing known to fail
// and nothing skipped.
func TestLibraryConforms(t *testing.T) {
	t.Setenv(testeeVariable, "act-go")
	cases, err := conformance.Cases()
	if err != nil {
		t.Fatal(err)
	}
	runner := conformance.Runner{Command: []string{os.Args[0]}, Seed: 1}
	report, err := runner.Run(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Results {
		if r := &report.Results[i]; r.Verdict != conformance.Pass {
			t.Errorf("%s: %s, expected %s %s, came %s %s %s%s", r.ID, r.Verdict, r.Expected.Outcome, r.Expected.Code,
				r.Actual.Outcome, r.Actual.Code, r.Actual.Reason, r.Actual.Message)
		}
	}
	t.Logf("%d cases in %s", len(report.Results), report.Duration)
}

// Every operation of the testee is asked for by a case, and described.
func TestEveryOperationIsUsed(t *testing.T) {
	cases, err := conformance.Cases()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, c := range cases {
		used[c.Operation] = true
	}
	for name := range newTestee().Operations {
		if !used[name] || conformance.OperationText(name) == "" {
			t.Errorf("%s: no case asks for it, or no page describes it", name)
		}
	}
}
