package conformance

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCover(t *testing.T) {
	table := []Requirement{{ID: "A-01", Level: "MUST"}, {ID: "A-02", Level: "MUST"}, {ID: "A-03", Level: "MUST"}, {ID: "B-01", Level: "SHOULD"}}
	judges := []Judge{{"x/y/001", []string{"A-01", "B-01"}}, {"x/y/002", []string{"A-01"}}}
	c, err := cover(table, judges, map[string]string{"A-02": "only its owner sees it"})
	if err != nil {
		t.Fatal(err)
	}
	if judged, all := c.Share("MUST"); judged != 1 || all != 3 {
		t.Errorf("%d of %d", judged, all)
	}
	if got := c.Missing(); !slices.Equal(got, []string{"A-03"}) {
		t.Errorf("missing: %v", got)
	}
	var text strings.Builder
	if err := c.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2  x/y/001", "0  only its owner sees it", "0  NOT JUDGED", "1 of   3 judged (33.3 %)", "1 MUST without"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("nothing of %q in\n%s", want, &text)
		}
	}
	if _, err := cover(table, append(judges, Judge{"x/y/003", []string{"C-01"}}), nil); err == nil {
		t.Error("a case judges what does not exist")
	}
	if _, err := cover(table, judges, map[string]string{"C-01": "no"}); err == nil {
		t.Error("a reason for what does not exist")
	}
	if _, err := cover(table, judges, map[string]string{"A-01": "no"}); err == nil {
		t.Error("a reason for what is judged")
	}
}

func TestParseUnjudged(t *testing.T) {
	for _, text := range []string{"id\treason\nA-01\n", "id\treason\nA-01\tx\nA-01\ty\n", "id\treason\nA-01\t\n"} {
		if reasons, err := parseUnjudged([]byte(text)); err == nil {
			t.Errorf("%q: %v", text, reasons)
		}
	}
}

// described is all that a stranger finds about an operation: its own text, that
// of the operations which it refers to, and what stands at the top of its page.
func described(t *testing.T, operation string, seen map[string]bool) string {
	text := OperationText(operation)
	if seen[operation] || text == "" {
		return ""
	}
	seen[operation] = true
	for _, m := range regexp.MustCompile("`([a-z0-9_]+\\.[a-z0-9_]+)`").FindAllStringSubmatch(text, -1) {
		text += described(t, m[1], seen)
	}
	names, err := fs.Glob(Pages, "operations/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		page, err := fs.ReadFile(Pages, name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(page), "\n#### `"+operation+"`\n") {
			top, _, _ := strings.Cut(string(page), "\n#### ")
			text += top
		}
	}
	return text
}

// Every operation that a case uses is described, with each member of its inputs
// and outputs: a stranger finds in operations/*.md what they are sent.
func TestEveryOperationIsDescribed(t *testing.T) {
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	texts := map[string]string{}
	for _, c := range cases {
		text, known := texts[c.Operation]
		if !known {
			text = described(t, c.Operation, map[string]bool{})
			texts[c.Operation] = text
		}
		if text == "" {
			missing["no description of "+c.Operation] = true
			continue
		}
		for _, value := range [][]byte{c.Input, c.Expect.Output} {
			if len(value) == 0 {
				continue
			}
			var members map[string]any
			if err := decode(value, &members); err != nil {
				t.Fatal(err)
			}
			for name := range members {
				if !strings.Contains(text, "`"+name+"`") {
					missing[c.Operation+": nothing is said of "+name] = true
				}
			}
		}
	}
	for m := range missing {
		t.Error(m)
	}
}
