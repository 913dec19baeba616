package conformance_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/conformance"
)

func TestParseKnown(t *testing.T) {
	got, err := conformance.ParseKnown([]byte("# why we do it differently\n\na/b/001 # replayed\r\n  a/b/002#valid because of x # y\n"))
	want := conformance.Known{"a/b/001": "replayed", "a/b/002": "valid"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, text := range []string{"a/b/001", "a/b/001 #", "a/b/001 a/b/002 # valid", "a/b/001 # valid\na/b/001 # valid"} {
		if known, err := conformance.ParseKnown([]byte(text)); err == nil || known != nil {
			t.Errorf("%q: read as %v", text, known)
		}
	}
}

func FuzzParseKnown(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		known, err := conformance.ParseKnown(data)
		if err != nil && known != nil {
			t.Fatal("a value beside an error")
		}
		for id, token := range known {
			if id == "" || token == "" || strings.ContainsAny(id, " #") {
				t.Fatalf("%q # %q", id, token)
			}
		}
	})
}

// The rules of known failures: what is known is expected, and whatever differs
// from it is a surprise, a pass too.
func TestKnownFailures(t *testing.T) {
	ids := func() (all []string) {
		for _, c := range testCases() {
			all = append(all, c.ID)
		}
		return all
	}()
	full := func(testee string) (*conformance.Report, conformance.Known) {
		report := mustRun(t, testee)
		var file bytes.Buffer
		if err := report.WriteKnown(&file); err != nil {
			t.Fatal(err)
		}
		known, err := conformance.ParseKnown(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return report, known
	}
	wrong, wrongKnown := full("wrong-code")
	honest, none := full("honest")
	skipping, skippingKnown := full("refusing")
	if len(wrongKnown) != 20 || wrongKnown["test/word/001"] != "malformed" || len(none) != 0 || skippingKnown["test/word/003"] != "" || skippingKnown["test/double/003"] != "skipped" {
		t.Fatalf("wrote %v, %v, %v", wrongKnown, none, skippingKnown)
	}
	change := func(k conformance.Known, id, token string) conformance.Known {
		c := conformance.Known{id: token}
		for i, t := range k {
			if i != id {
				c[i] = t
			}
		}
		if token == "" {
			delete(c, id)
		}
		return c
	}
	for _, test := range []struct {
		name   string
		report *conformance.Report
		known  conformance.Known
		strict bool
		want   bool
		say    string
	}{
		{"all known", wrong, wrongKnown, false, true, ""},
		{"one not known", wrong, change(wrongKnown, "test/word/001", ""), false, false, "not the expected answer"},
		{"another code than known", wrong, change(wrongKnown, "test/word/001", "replayed"), false, false, "in another way: replayed"},
		{"an unexpected pass", honest, conformance.Known{"test/word/001": "malformed"}, false, false, "passes, though"},
		{"an id that does not exist", honest, conformance.Known{"test/word/999": "malformed"}, false, false, ""},
		{"a skip", skipping, nil, false, true, ""},
		{"a skip where skips are to be known", skipping, nil, true, false, "skipped, and not known"},
		{"a known skip", skipping, skippingKnown, true, true, ""},
		{"a skip of what was known to fail", skipping, change(skippingKnown, "test/double/003", "malformed"), false, false, "in another way"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.report.Apply(test.known, ids, test.strict)
			if got := test.report.Conforms(); got != test.want {
				t.Errorf("conforms: %v", got)
			}
			said := false
			for _, r := range test.report.Results {
				said = said || test.say != "" && strings.Contains(r.Surprise, test.say)
			}
			if said != (test.say != "") {
				t.Errorf("nobody said %q", test.say)
			}
		})
	}
	if (&conformance.Report{}).Conforms() {
		t.Error("a run of nothing conforms")
	}
}
