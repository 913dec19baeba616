package vectors

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
)

// Files returns what testdata is to hold below the root of the repository, by
// path, and the number of cases. made are files that must be kept beside the
// generator.
func Files(root string) (files, made map[string][]byte, cases int, err error) {
	all, made, err := Build(os.DirFS(filepath.Join(root, "internal/vectors/kept")))
	if err != nil {
		return nil, nil, 0, err
	}
	files = make(map[string][]byte, len(all)+1)
	for i := range all {
		if files["testdata/vectors/"+all[i].ID+".json"], err = all[i].Encode(); err != nil {
			return nil, nil, 0, err
		}
	}
	spec, err := os.ReadFile(filepath.Join(root, "SPEC.md"))
	if err != nil {
		return nil, nil, 0, err
	}
	files["testdata/requirements.tsv"], err = Requirements(spec)
	return files, made, len(all), err
}

// Write brings testdata up to date, and returns the number of cases. Files that
// are right are not touched.
func Write(root string) (int, error) {
	files, made, n, err := Files(root)
	if err != nil {
		return 0, err
	}
	for name, data := range made {
		files["internal/vectors/kept/"+name] = data
	}
	for name, data := range files {
		if err := writeFile(filepath.Join(root, name), data); err != nil {
			return 0, err
		}
	}
	return n, filepath.WalkDir(filepath.Join(root, "testdata/vectors"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil || files[filepath.ToSlash(rel)] != nil {
			return err
		}
		return os.Remove(name)
	})
}

func writeFile(name string, data []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}
