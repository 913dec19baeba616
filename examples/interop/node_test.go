package interop

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"
)

// A nodeProgram runs the scripts of the folder js with the npm packages that
// its lock file pins, installed into a folder of the test's own.
type nodeProgram struct{ dir string }

// newNode installs the packages. Without node, or when the packages cannot be
// had, the test is skipped, except in CI.
func newNode(t *testing.T) *nodeProgram {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") == "true" {
		missing = t.Fatalf
	}
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			missing("%s is needed to compare with JavaScript libraries", name)
		}
	}
	n := &nodeProgram{dir: t.TempDir()}
	if err := os.CopyFS(n.dir, os.DirFS("js")); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
	install.Dir = n.dir
	if out, err := install.CombinedOutput(); err != nil {
		missing("npm ci: %v\n%s", err, out)
	}
	return n
}

// run gives a request to a script and reads the answer, both JSON.
func (n *nodeProgram) run(t *testing.T, script string, request, answer any) error {
	t.Helper()
	input, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join(n.dir, script))
	cmd.Dir, cmd.Stdin = n.dir, bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s: %s", script, stderr.Bytes())
		return err
	}
	return json.Unmarshal(out, answer)
}
