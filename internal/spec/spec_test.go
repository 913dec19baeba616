package spec

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

const root = "../.."

// requirement is a row of the table at the end of SPEC.md.
type requirement struct{ id, level, role, text, state string }

// rows returns the table below a heading, "## …" or "### …", without its head.
func rows(t *testing.T, heading string) [][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "SPEC.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(data), "\n"+heading+"\n")
	if !found {
		t.Fatalf("SPEC.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(strings.ReplaceAll(section, "\n### ", "\n## "), "\n## ")
	var out [][]string
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, cells)
	}
	if len(out) == 0 {
		t.Fatalf("section %q of SPEC.md has no table", heading)
	}
	return out[1:] // without the head
}

func requirements(t *testing.T) []requirement {
	var out []requirement
	for _, cells := range rows(t, "## Requirements") {
		if len(cells) != 5 {
			t.Fatalf("row with %d cells instead of 5: %v", len(cells), cells)
		}
		out = append(out, requirement{strings.Trim(cells[0], "`"), cells[1], cells[2], cells[3], cells[4]})
	}
	return out
}

// TestRequirementsAreTheCatalogue compares SPEC.md with the project's
// catalogue where that lies beside the project.
func TestRequirementsAreTheCatalogue(t *testing.T) {
	f, err := os.Open(filepath.Join(root, "../shared/act-2.1/requirements.tsv"))
	if err != nil {
		t.Skip("the catalogue of requirements is not beside the project")
	}
	defer f.Close()
	var want [][]string
	for s := bufio.NewScanner(f); s.Scan(); {
		want = append(want, strings.Split(s.Text(), "\t"))
	}
	got := requirements(t)
	if len(got) != len(want)-1 {
		t.Fatalf("SPEC.md has %d requirements, the catalogue %d", len(got), len(want)-1)
	}
	for i, r := range got {
		w := want[i+1]
		if r.id != w[0] || r.level != w[1] || r.role != w[2] || r.text != w[3] {
			t.Errorf("row %d, %s, differs from the catalogue's %s", i+1, r.id, w[0])
		}
	}
}

var idPattern = regexp.MustCompile(`\b(?:(?:ADD|CID|PSD|TSD)-[A-Z0-9]+-[A-Z0-9]+-\d\d|(?:IDN|PRV)-\d\d)\b`)

// named returns the requirement ids that files with the given suffix name.
func named(t *testing.T, keep func(path string) bool) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || !keep(path) {
			return err
		}
		data, err := os.ReadFile(path)
		for _, id := range idPattern.FindAllString(string(data), -1) {
			ids[id] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestDoneMeansTested: a requirement may be called done or partial only when a
// test names it, and an id that code names must exist.
func TestDoneMeansTested(t *testing.T) {
	tested := named(t, func(p string) bool { return strings.HasSuffix(p, "_test.go") })
	known := map[string]bool{}
	for _, r := range requirements(t) {
		if known[r.id] {
			t.Errorf("%s stands twice in SPEC.md", r.id)
		}
		known[r.id] = true
		state, _, _ := strings.Cut(r.state, ":")
		switch state {
		case "done", "partial":
			if !tested[r.id] {
				t.Errorf("%s is called %q and no test names it", r.id, state)
			}
		case "not yet":
		default:
			t.Errorf("%s has the state %q", r.id, r.state)
		}
	}
	for id := range named(t, func(string) bool { return true }) {
		if !known[id] {
			t.Errorf("code names %s, which SPEC.md does not have", id)
		}
	}
}

// TestCodeTable compares the table of error codes with the code: same codes,
// same order, same outcome, same A402 category and HTTP status.
func TestCodeTable(t *testing.T) {
	got := rows(t, "## 7. Error codes")
	var listed []protocol.Code
	for _, cells := range got {
		code := protocol.Code(strings.Trim(cells[0], "`"))
		listed = append(listed, code)
		want := row(code)
		if line := "| " + strings.Join(cells, " | ") + " |"; line != want {
			t.Errorf("SPEC.md has\n\t%s\nand the code says\n\t%s", line, want)
		}
	}
	if !slices.Equal(listed, protocol.Codes()) {
		t.Error("SPEC.md does not list the codes of package protocol in their order")
		for _, c := range protocol.Codes() {
			t.Log(row(c))
		}
	}
}

// row is the line of SPEC.md's table for a code.
func row(c protocol.Code) string {
	return "| `" + string(c) + "` | " + c.Text() + " | " + c.Outcome().String() + " | " +
		string(payment.A402ErrorFor(c).Category) + " | " + strconv.Itoa(payment.HTTPStatus(c)) + " |"
}

// TestA402Table compares the table of A402 errors with the catalogue.
func TestA402Table(t *testing.T) {
	var want []string
	for _, e := range payment.Catalog() {
		actions := make([]string, len(e.NextActions))
		for i, a := range e.NextActions {
			actions[i] = string(a)
		}
		want = append(want, "`"+e.ErrorID+"` | "+string(e.Category)+" | "+string(e.Phase)+" | "+string(e.Retryability)+" | "+strings.Join(actions, ", "))
	}
	var got []string
	for _, cells := range rows(t, "### 6.6 A402 errors") {
		got = append(got, strings.Join(cells, " | "))
	}
	if !slices.Equal(got, want) {
		t.Error("SPEC.md does not have the catalogue of A402 errors:")
		for _, line := range want {
			t.Log("| " + line + " |")
		}
	}
}
