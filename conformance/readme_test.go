package conformance_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/conformance"
)

// The testee that README.md shows runs as it stands there: it passes the cases of
// its operation, but for the currencies that it says it does not know.
func TestReadmeTestee(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, found := strings.Cut(string(readme), "```python\n")
	if program, _, _ = strings.Cut(program, "```"); !found {
		t.Fatal("README.md shows no testee")
	}
	name := filepath.Join(t.TempDir(), "testee.py")
	if err := os.WriteFile(name, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	var money []conformance.Case
	for _, c := range cases(t) {
		if c.Group() == "money" {
			money = append(money, c)
		}
	}
	runner := conformance.Runner{Command: []string{python, name}, Children: 1}
	report, err := runner.Run(t.Context(), money)
	if err != nil {
		t.Fatal(err)
	}
	passes := 0
	for i := range report.Results {
		switch r := &report.Results[i]; {
		case r.Operation != "money.parse" && r.Verdict == conformance.Skip:
		case r.Verdict == conformance.Pass:
			passes++
		default:
			t.Errorf("%s: %s: %+v", r.ID, r.Verdict, r.Actual)
		}
	}
	if passes < 25 || report.Subject.Name != "mine" {
		t.Errorf("%d cases passed", passes)
	}
}
