package conformance_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/testdata"
)

func written(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// mixed is a report with passes, failures, known ones and skips.
func mixed(t *testing.T) *conformance.Report {
	report := mustRun(t, "wrong-code")
	for i := range report.Results {
		if r := &report.Results[i]; r.ID == "test/double/001" {
			r.Actual = conformance.Answer{Outcome: conformance.Skipped, Reason: "no ones <today> & \x1b[31m"}
			r.Judge()
		}
	}
	report.Apply(conformance.Known{"test/word/001": "malformed"}, []string{"test/word/001"}, false)
	return report
}

func TestTally(t *testing.T) {
	want := conformance.Tally{Pass: 9, Fail: 20, Skipped: 1, Known: 1}
	if diff := cmp.Diff(want, mixed(t).Tally()); diff != "" {
		t.Error(diff)
	}
}

func TestTerminal(t *testing.T) {
	text := written(t, mixed(t).WriteTerminal)
	for _, want := range []string{
		"✗ ADD-INT-ICS   Intent                      9 pass, 10 fail, 1 skipped\n", "✗ ADD-IAC-LCM", "✗ PSD-PAY-DEL",
		"✗ test/late/003  not the expected answer\n  Twice a number.\n  expected  invalid request_expired\n  actual    invalid malformed\n",
		"  judges    ADD-IAC-LCM-05 PSD-PAY-DEL-06\n  passes    test/double/003, without the defect\n  again     again test/late/003\n",
		"30 checks: 9 pass, 20 fail, 0 errors, 1 skipped; 1 are known to fail. NOT as expected.\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing of %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("a testee moves the cursor")
	}
	if text := written(t, mustRun(t, "honest").WriteTerminal); !strings.Contains(text, "0 skipped. As expected.\n") {
		t.Error(text)
	}
}

// What a server's scenario does not support is named, with the reason; of a
// testee only the number is.
func TestTerminalSkipped(t *testing.T) {
	r := &conformance.Report{Results: []conformance.Result{{
		ID: "live/psp/word/001", Title: "A word.", Verdict: conformance.Skip,
		Actual: conformance.Answer{Outcome: conformance.Skipped, Reason: "the scenario has no\x1b action word"},
	}}}
	const want = "\n- live/psp/word/001  skipped: the scenario has no? action word\n  A word.\n"
	for kind, named := range map[string]bool{"psp": true, "self": true, "testee": false} {
		r.Subject.Kind = kind
		if text := written(t, r.WriteTerminal); strings.Contains(text, want) != named {
			t.Errorf("%s: %s", kind, text)
		}
	}
}

// Files of cases are indented, answers are not: side by side they are in one
// form, without marks for line feeds.
func TestTerminalForm(t *testing.T) {
	r := &conformance.Report{
		Suite: "1", Subject: conformance.Subject{Kind: "self", Name: "mine"},
		Results: []conformance.Result{{
			ID: "test/form/001", Surprise: "not the expected answer", Title: "A form.",
			Expected: conformance.Answer{Outcome: conformance.Valid, Output: []byte("{\n  \"a\": [1, \"x y\"]\n}")},
			Actual:   conformance.Answer{Outcome: conformance.Valid, Output: []byte(`{"a": 2}`)},
		}},
	}
	text := written(t, r.WriteTerminal)
	for _, want := range []string{"self mine · suite 1", "  expected  valid {\"a\":[1,\"x y\"]}\n  actual    valid {\"a\":2}\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing of %q in\n%s", want, text)
		}
	}
}

// The JSON of a report gives the same report.
func TestReportJSON(t *testing.T) {
	report := mixed(t)
	var back struct {
		Subject struct{ Kind, Name string }
		Seed    string
		Results []struct {
			ID, Verdict, Surprise string
			Expected, Actual      struct{ Outcome, Code, Reason string }
		}
	}
	if err := json.Unmarshal([]byte(written(t, report.WriteJSON)), &back); err != nil {
		t.Fatal(err)
	}
	if back.Subject.Kind != "testee" || back.Subject.Name != "wrong-code" || back.Seed != "7" || len(back.Results) != len(report.Results) {
		t.Errorf("%+v", back)
	}
	for i, r := range back.Results {
		x := report.Results[i]
		if r.ID != x.ID || r.Verdict != string(x.Verdict) || r.Surprise != x.Surprise || r.Actual.Code != string(x.Actual.Code) || r.Expected.Outcome != string(x.Expected.Outcome) {
			t.Errorf("%+v is not %+v", r, x)
		}
	}
}

func TestJUnit(t *testing.T) {
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(written(t, mixed(t).WriteJUnit)), &suites); err != nil {
		t.Fatal(err)
	}
	// The known failure is skipped: it is no news.
	if suites.Tests != 30 || suites.Failures != 19 || suites.Errors != 0 || suites.Skipped != 2 || len(suites.Suites) != 1 || suites.Suites[0].Name != "test" {
		t.Fatalf("%+v", suites)
	}
	for _, c := range suites.Suites[0].Cases {
		if c.Name == "test/word/001" && c.Skipped == nil || c.Name == "test/word/002" && c.Failure == nil {
			t.Errorf("%+v", c)
		}
	}
}

// The page is one file: it loads nothing, shows every check with its command and
// all 25 components, and what a testee wrote is text in it and nothing else.
func TestHTML(t *testing.T) {
	report := mixed(t)
	report.Subject.Name = `<script>alert(1)</script>`
	page := written(t, report.WriteHTML)
	for _, want := range []string{"&lt;script&gt;alert(1)", "passes 9 of 29 checks", "not as expected", "again test/late/003", "no ones &lt;today&gt; &amp;", `id="test/word/001"`} {
		if !strings.Contains(page, want) {
			t.Errorf("nothing of %q", want)
		}
	}
	if n := strings.Count(page, `class="tile"`); n != 25 {
		t.Errorf("%d components", n)
	}
	if n := strings.Count(page, `<details class="case"`); n != len(report.Results) {
		t.Errorf("%d checks", n)
	}
	if found := regexp.MustCompile(`(?i)<(link|img|iframe|object|embed)|\b(src|action)\s*=|url\(|@import|https?://|<script>alert`).FindString(page); found != "" {
		t.Errorf("the page is not by itself: %q", found)
	}
	if strings.Index(page, `id="test/late/001"`) > strings.Index(page, `id="test/double/002"`) {
		t.Error("what failed does not stand first")
	}
}

func TestBadge(t *testing.T) {
	for testee, color := range map[string]string{"honest": "#1a7f4e", "wrong-code": "#b42318", "lacking": "#59636e"} {
		badge := written(t, mustRun(t, testee).WriteBadge)
		if err := xml.Unmarshal([]byte(badge), new(struct{})); err != nil || !strings.Contains(badge, color) {
			t.Errorf("%s: %v, %s", testee, err, badge)
		}
	}
	if badge := written(t, mustRun(t, "honest").WriteBadge); !strings.Contains(badge, "30 of 30") {
		t.Error(badge)
	}
}

// The release has every case as its file is, an index with the right digests,
// the schema and the pages, and the same bytes each time.
func TestRelease(t *testing.T) {
	write := func(w io.Writer) error { return conformance.WriteRelease(w, testdata.FS, conformance.Pages) }
	release := written(t, write)
	if release != written(t, write) {
		t.Error("two releases of the same differ")
	}
	zip, err := gzip.NewReader(strings.NewReader(release))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for archive := tar.NewReader(zip); ; {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name, found := strings.CutPrefix(header.Name, "act-conformance-"+conformance.Suite+"/")
		if !found {
			t.Errorf("%s stands outside the folder", header.Name)
		}
		if files[name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
	var index struct {
		Suite, Protocol string
		Cases           []struct{ ID, File, SHA256, Operation, Outcome string }
	}
	if err := json.Unmarshal(files["index.json"], &index); err != nil || len(index.Cases) != len(cases(t)) {
		t.Fatalf("%v, %d cases in the index", err, len(index.Cases))
	}
	for _, c := range index.Cases {
		sum := sha256.Sum256(files[c.File])
		if read, err := conformance.DecodeCase(files[c.File]); err != nil || read.ID != c.ID || hex.EncodeToString(sum[:]) != c.SHA256 || read.Operation != c.Operation {
			t.Errorf("%s is not in the release as the index says: %v", c.ID, err)
		}
	}
	for _, name := range []string{"schema/case.schema.json", "requirements.tsv", "README.md", "operations/core.md"} {
		if len(files[name]) == 0 {
			t.Errorf("no %s", name)
		}
	}
}
