package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// goList finds the packages that patterns name, with their files for this
// system, from the root.
func goList(ctx context.Context, root string, patterns []string) (map[string][]string, error) {
	out, err := goCommand(ctx, root, append([]string{"list", "-f", `{{.Dir}}{{range .GoFiles}}{{"\t"}}{{.}}{{end}}`}, patterns...)...)
	if err != nil {
		return nil, err
	}
	packages := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		names := strings.Split(strings.TrimSpace(line), "\t")
		dir, err := filepath.Rel(root, names[0])
		if err != nil {
			return nil, err
		}
		for _, name := range names[1:] {
			packages[filepath.ToSlash(dir)] = append(packages[filepath.ToSlash(dir)], filepath.Join(dir, name))
		}
	}
	return packages, nil
}

func goCommand(ctx context.Context, root string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New("go " + args[0] + ": " + err.Error() + "\n" + stderr.String())
	}
	return out, nil
}

// build builds the program once, with the probe in all checks, into dir, and
// returns its path. Nothing in the tree is changed: the compiler is given the
// files through an overlay.
func (s *source) build(ctx context.Context, program, dir string) (string, error) {
	replace := map[string]string{}
	for file, edits := range s.edits {
		data, err := os.ReadFile(filepath.Join(s.root, filepath.FromSlash(file)))
		if err != nil {
			return "", err
		}
		name := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(name, apply(data, edits), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(s.root, filepath.FromSlash(file))] = name
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "program.exe")
	_, err = goCommand(ctx, s.root, "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, program)
	return binary, err
}

// apply puts the edits in. Where several stand at one place, what ends comes
// before what begins, the inner before the outer; what begins, the outer first.
func apply(data []byte, edits []edit) []byte {
	ordered := slices.Clone(edits)
	index := func(e edit) int { // of an edit among those of its place
		if e.close {
			return 0
		}
		return 1
	}
	slices.Reverse(ordered) // so that inner ends come first: they were found last
	slices.SortStableFunc(ordered, func(a, b edit) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return index(a) - index(b)
	})
	for i := 0; i < len(ordered); { // and the begins are in their own order again
		j := i
		for j < len(ordered) && ordered[j].at == ordered[i].at && ordered[j].close == ordered[i].close {
			j++
		}
		if !ordered[i].close {
			slices.Reverse(ordered[i:j])
		}
		i = j
	}
	var out []byte
	done := 0
	for _, e := range ordered {
		out = append(append(out, data[done:e.at]...), e.text...)
		done = e.at
	}
	return append(out, data[done:]...)
}
