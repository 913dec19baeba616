package conformance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
)

func cases(t *testing.T) []conformance.Case {
	t.Helper()
	all, err := conformance.Cases()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The suite as it is embedded: enough cases, each judging requirements that
// exist, no two that refuse the same, and no two that answer the same otherwise.
func TestCases(t *testing.T) {
	all := cases(t)
	if len(all) < 600 {
		t.Errorf("%d cases", len(all))
	}
	requirements, err := conformance.Requirements()
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]string{}
	for _, r := range requirements {
		exists[r.ID] = r.Level
	}
	asked := map[string]*conformance.Case{}
	for _, c := range all {
		for i, id := range c.Requirements {
			if exists[id] == "" {
				t.Errorf("%s: no requirement %s", c.ID, id)
			}
			if slices.Contains(c.Requirements[:i], id) {
				t.Errorf("%s: names %s twice", c.ID, id)
			}
		}
		key := c.Operation + c.Clock.String() + string(c.Input)
		if before := asked[key]; before != nil && (c.Expect.Outcome == conformance.Invalid || before.Expect.Outcome == conformance.Invalid) {
			t.Errorf("%s asks the same as %s", c.ID, before.ID)
		}
		asked[key] = &c
	}
}

// Every component has a name, and every name is of a component: 23 of the
// protocol and two of the profile.
func TestDomains(t *testing.T) {
	requirements, err := conformance.Requirements()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range requirements {
		counts[r.Component]++
		if r.Text == "" || r.Role == "" || !strings.HasPrefix(r.ID, r.Component+"-") {
			t.Errorf("%+v", r)
		}
	}
	named := 0
	for _, d := range conformance.Domains() {
		for _, c := range d.Components {
			named++
			if counts[c.ID] == 0 || c.Name == "" {
				t.Errorf("%s has no requirements", c.ID)
			}
		}
	}
	if named != 25 || len(counts) != named {
		t.Errorf("%d names, %d components", named, len(counts))
	}
}

func TestCheckRefuses(t *testing.T) {
	ok, bad := testCases()[0], testCases()[1]
	if err := conformance.Check([]conformance.Case{ok, bad}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(ok, bad *conformance.Case){
		"id":                  func(ok, _ *conformance.Case) { ok.ID = "test/double/1" },
		"title":               func(ok, _ *conformance.Case) { ok.Title = "twice" },
		"level":               func(ok, _ *conformance.Case) { ok.Level = "may" },
		"operation":           func(ok, _ *conformance.Case) { ok.Operation = "double" },
		"input":               func(ok, _ *conformance.Case) { ok.Input = jsontext.Value(`[]`) },
		"feature":             func(ok, _ *conformance.Case) { ok.Features = []string{"A B"} },
		"outcome":             func(ok, _ *conformance.Case) { ok.Expect.Outcome = conformance.Skipped },
		"output":              func(ok, _ *conformance.Case) { ok.Expect.Output = nil },
		"code of valid":       func(ok, _ *conformance.Case) { ok.Expect.Code = protocol.CodeMalformed },
		"code":                func(_, bad *conformance.Case) { bad.Expect.Code = "no_such_code" },
		"no sibling":          func(_, bad *conformance.Case) { bad.Sibling = "" },
		"sibling":             func(_, bad *conformance.Case) { bad.Sibling = "test/double/009" },
		"itself as sibling":   func(_, bad *conformance.Case) { bad.Sibling = bad.ID },
		"sibling's input":     func(ok, bad *conformance.Case) { bad.Input = jsontext.Value(` { "n": 0 } `) },
		"sibling's operation": func(_, bad *conformance.Case) { bad.Operation = "number.half" },
		"id twice":            func(ok, bad *conformance.Case) { bad.ID = ok.ID },
	} {
		o, b := ok, bad
		change(&o, &b)
		if err := conformance.Check([]conformance.Case{o, b}); err == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestSelected(t *testing.T) {
	judges := []string{"mandate.verify", "ADD-IAC-LCM-05"}
	for selection, want := range map[string]bool{
		"": true, "mandate": true, "mandate/": true, "mandate/expired": true, "mandate/expired/001": true, "ADD-IAC-LCM-05": true, "ADD-IAC-LCM": true,
		"ADD": true, "x, mandate": true, "mandat": false, "mandate/expired/00": false, "ADD-IAC-LCM-0": false, "PSD": false, ",": false,
		"mandate.verify": true, "mandate.ver": false, "verify": false,
	} {
		if got := conformance.Selected(selection, "mandate/expired/001", judges); got != want {
			t.Errorf("%q: %v", selection, got)
		}
	}
}

// A case of which nothing but the bytes are known to a testee.
func ExampleCases() {
	cases, err := conformance.Cases()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range cases {
		if c.ID == "money/decimal/009" {
			fmt.Println(c.Operation, string(c.Expect.Code), c.Title)
		}
	}
	// Output: money.parse field_invalid A third decimal of CNY would be precision that only one side sees.
}
