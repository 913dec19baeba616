package conformance

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// An Index lists the cases of a release, for people who do not use Go.
type Index struct {
	Suite    string      `json:"suite"`
	Protocol string      `json:"protocol"`
	Cases    []IndexCase `json:"cases"` // ordered by id
}

// An IndexCase is an entry of an index.
type IndexCase struct {
	ID           string   `json:"id"`
	File         string   `json:"file"`   // inside the release
	SHA256       string   `json:"sha256"` // of the file, in hexadecimal
	Operation    string   `json:"operation"`
	Level        Level    `json:"level"`
	Requirements []string `json:"requirements"`
	Features     []string `json:"features,omitzero"`
	Outcome      Outcome  `json:"outcome"`
}

// WriteRelease writes the suite as data, a tar.gz of a folder
// act-conformance-<version>: index.json, the files of testdata as they are, and
// the pages that say how to use them. The same files give the same bytes.
func WriteRelease(w io.Writer, testdata, pages fs.FS) error {
	cases, err := ReadCases(testdata)
	if err != nil {
		return err
	}
	files, err := collect(testdata, pages)
	if err != nil {
		return err
	}
	index := Index{Suite: Suite, Protocol: Protocol}
	for i := range cases {
		c := &cases[i]
		name := "vectors/" + c.ID + ".json"
		sum := sha256.Sum256(files[name])
		index.Cases = append(index.Cases, IndexCase{
			c.ID, name, hex.EncodeToString(sum[:]), c.Operation, c.Level, c.Requirements, c.Features, c.Expect.Outcome,
		})
	}
	var text bytes.Buffer
	if err := json.MarshalWrite(&text, index, jsontext.WithIndent(" ")); err != nil {
		return err
	}
	files["index.json"] = append(text.Bytes(), '\n')
	return pack(w, files)
}

// collect reads every file of the file systems, by path.
func collect(systems ...fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, fsys := range systems {
		err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files[name], err = fs.ReadFile(fsys, name)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func pack(w io.Writer, files map[string][]byte) error {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	zip := gzip.NewWriter(w)
	archive := tar.NewWriter(zip)
	for _, name := range names {
		header := &tar.Header{
			Name: "act-conformance-" + Suite + "/" + name, Mode: 0o644, Size: int64(len(files[name])),
			ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(files[name]); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zip.Close()
}
