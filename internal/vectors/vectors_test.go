package vectors_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/actprotocol/act-go/internal/vectors"
)

const root = "../.."

// What is committed is what the generator makes, byte for byte, and nothing
// else lies there. After a change: go run ./internal/vectors/generate
func TestTestdataIsGenerated(t *testing.T) {
	long(t)
	files, made, _, err := vectors.Files(root)
	if err != nil {
		t.Fatal(err)
	}
	for name := range made {
		t.Errorf("internal/vectors/kept/%s is not kept yet", name)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator makes", name)
		}
	}
	err = filepath.WalkDir(filepath.Join(root, "testdata/vectors"), func(name string, d fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(root, name); err == nil && !d.IsDir() && files[filepath.ToSlash(rel)] == nil {
			t.Errorf("%s is made by nobody", rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The generator makes the same twice, in one process too.
func TestGeneratorIsDeterministic(t *testing.T) {
	long(t)
	a, _, _, err := vectors.Files(root)
	if err != nil {
		t.Fatal(err)
	}
	b, _, _, err := vectors.Files(root)
	if err != nil {
		t.Fatal(err)
	}
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// long leaves a test out of short runs. Those are for the race detector, which
// finds nothing in a generator of one goroutine and makes it ten times as slow.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs without -short")
	}
}
