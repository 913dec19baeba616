package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol/money"
)

// The testees of these tests are this program itself, started again.
const testeeVariable = "ACT_CONFORMANCE_TESTEE"

func TestMain(m *testing.M) {
	name := os.Getenv(testeeVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	t := testee.Testee{Name: name, Version: "1", Operations: map[string]testee.Operation{
		"money.number": testee.Of(func(_ time.Time, in struct {
			Number   string `json:"number"`
			Currency string `json:"currency"`
		}) (any, error) {
			currency, err := money.ParseCurrency(in.Currency)
			if err != nil {
				return nil, err
			}
			if in.Number == "0.5" && name == "careless" {
				return map[string]string{}, nil
			}
			a, err := money.ParseNumber(in.Number, currency)
			if err != nil {
				return nil, err
			}
			return map[string]any{"amount": a.String(), "minor": strings.ReplaceAll(a.String(), ".", "")}, nil
		}),
	}}
	if err := t.Serve(os.Stdin, os.Stdout); err != nil {
		os.Exit(1)
	}
}

// call runs the command and returns its exit code and what it wrote.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// The exit codes: 0 as expected, 1 not conforming, 2 the suite could not do its
// work.
func TestExitCodes(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	self := os.Args[0]
	known := file("known", "money/number/011 # valid\n")
	for _, test := range []struct {
		name   string
		testee string
		args   []string
		want   int
		say    string // in one of the two outputs
	}{
		// 001 is 18.50 and its minor 1850, as all of two decimals; 0.07 is "007".
		{"as expected", "careful", []string{"testee", "-only", "money/number/001,money/number/011", "--", self}, 0, "As expected."},
		{"skips are as expected", "careful", []string{"testee", "-only", "money/number/011,did", "--", self}, 0, "skipped"},
		{"skips that have to be known", "careful", []string{"testee", "-strict", "-only", "money/number/011,did", "--", self}, 1, "skipped, and not known"},
		{"not conforming", "careless", []string{"testee", "-only", "money/number/001,money/number/011", "--", self}, 1, "money/number/011"},
		{"known", "careless", []string{"testee", "-known", known, "-only", "money/number/001,money/number/011", "--", self}, 0, "1 are known"},
		{"an unexpected pass", "careful", []string{"testee", "-known", known, "-only", "money/number/011", "--", self}, 1, "known to fail"},
		{"another code than known", "careful", []string{"testee", "-known", file("other", "money/number/011 # field_invalid\n"), "-only", "money/number/011", "--", self}, 1, "passes"},
		{"an id that does not exist", "careful", []string{"testee", "-known", file("unknown", "money/number/999 # valid\n"), "-only", "money/number/011", "--", self}, 1, "does not exist"},
		{"nothing but skips", "careful", []string{"testee", "-only", "did", "--", self}, 1, "NOT as expected"},
		{"no such file", "careful", []string{"testee", "-known", folder + "/none", "--", self}, 2, "none"},
		{"a file that cannot be read", "careful", []string{"testee", "-known", file("bad", "money\n"), "--", self}, 2, "line 1"},
		{"no testee", "", []string{"testee"}, 2, "--"},
		{"no such testee", "", []string{"testee", "--", "/no/such/program"}, 2, "no/such"},
		{"a testee that says no hello", "", []string{"testee", "--", "echo", "hello"}, 2, "hello"},
		{"nothing selected", "careful", []string{"testee", "-only", "nothing", "--", self}, 2, "no case"},
		{"an unknown flag", "", []string{"testee", "-loud"}, 2, "loud"},
		{"an unknown mode", "", []string{"dance"}, 2, "usage"},
		{"no mode", "", nil, 2, "usage"},
		{"help", "", []string{"testee", "-h"}, 2, "-known"},
		{"list", "", []string{"list", "-only", "money/number"}, 0, "money/number/011"},
		{"list of operations", "", []string{"list", "-operations"}, 0, "\nmoney.parse "},
		{"list of one operation", "", []string{"list", "-operations", "-only", "money/number"}, 0, "1 of "},
		{"list of no operation", "", []string{"list", "-operations", "-only", "nothing"}, 2, "no case"},
		{"list of nothing", "", []string{"list", "-only", "nothing"}, 2, "no case"},
		{"show a case", "", []string{"show", "money/number/011"}, 0, `"id": "money/number/011"`},
		{"show an operation", "", []string{"show", "money.number"}, 0, "#### `money.number`"},
		{"show nothing", "", []string{"show", "money/number/999"}, 2, "no case"},
		{"show no operation", "", []string{"show", "money.burn"}, 2, "no operation"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(testeeVariable, test.testee)
			code, stdout, stderr := call(t, test.args...)
			if code != test.want || !strings.Contains(stdout+stderr, test.say) {
				t.Errorf("exit %d, want %d with %q:\n%s%s", code, test.want, test.say, stdout, stderr)
			}
		})
	}
}

// Every form of a report is written, and known failures that were written are
// what makes the same run the expected one.
func TestReportFiles(t *testing.T) {
	t.Setenv(testeeVariable, "careless")
	name := func(file string) string { return filepath.Join(t.TempDir(), file) }
	page, data, junit, badge, known := name("r.html"), name("r.json"), name("r.xml"), name("r.svg"), name("known")
	args := []string{"testee", "-only", "money/number", "-html", page, "-json", data, "-junit", junit, "-badge", badge, "-write-known", known, "--", os.Args[0]}
	if code, stdout, stderr := call(t, args...); code != 1 {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	for file, want := range map[string]string{page: "<!doctype html>", data: `"verdict": "fail"`, junit: "<testsuites", badge: "<svg", known: "money/number/011 # valid\n"} {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, nothing of %q", file, err, want)
		}
	}
	if code, stdout, stderr := call(t, "testee", "-only", "money/number", "-known", known, "--", os.Args[0]); code != 0 {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// What a report says how to run again can be pasted into a shell.
func TestCommand(t *testing.T) {
	if got, want := command("node", "my testee.js", "it's", "", "-only", "a/b/001"), `node 'my testee.js' 'it'\''s' '' -only a/b/001`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestReleaseAndCoverage(t *testing.T) {
	name := filepath.Join(t.TempDir(), "suite.tar.gz")
	if code, _, stderr := call(t, "release", "-o", name); code != 0 {
		t.Fatal(stderr)
	}
	if info, err := os.Stat(name); err != nil || info.Size() < 10000 {
		t.Error(info, err)
	}
	code, stdout, stderr := call(t, "coverage")
	if code == 2 || !strings.Contains(stdout, "MUST") || !strings.Contains(stdout, "ADD-IAC-ISS-08   MUST") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
