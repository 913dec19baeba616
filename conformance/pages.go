package conformance

import (
	"embed"
	"io/fs"
	"strings"
)

// Pages holds README.md, which says how to write a testee, and
// operations/*.md, which describe every operation.
//
//go:embed README.md operations
var Pages embed.FS

// Operations returns the names of all operations, in the order of the pages.
func Operations() ([]string, error) {
	names, err := fs.Glob(Pages, "operations/*.md")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		data, err := fs.ReadFile(Pages, name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(data)) {
			if heading, found := strings.CutPrefix(line, "#### `"); found {
				operation, _, _ := strings.Cut(heading, "`")
				out = append(out, operation)
			}
		}
	}
	return out, nil
}

// OperationText returns what the pages say of an operation, from its heading to
// the next, or "".
func OperationText(operation string) string {
	names, err := fs.Glob(Pages, "operations/*.md")
	if err != nil {
		return ""
	}
	for _, name := range names {
		data, err := fs.ReadFile(Pages, name)
		if err != nil {
			return ""
		}
		heading := "#### `" + operation + "`\n"
		_, text, found := strings.Cut("\n"+string(data), "\n"+heading)
		if !found {
			continue
		}
		for _, next := range []string{"\n#### ", "\n### ", "\n## ", "\n# "} {
			text, _, _ = strings.Cut(text, next)
		}
		return heading + strings.TrimSpace(text) + "\n"
	}
	return ""
}

// Selected reports whether a selection takes the check in: one of its words,
// which commas separate, is the id or a beginning of it up to a slash, a
// requirement that the check judges, or a component of one; of a case also its
// operation, which is then one of judges. An empty selection takes in everything.
func Selected(selection, id string, judges []string) bool {
	if selection == "" {
		return true
	}
	for word := range strings.SplitSeq(selection, ",") {
		word = strings.TrimSpace(word)
		if word == id || word != "" && strings.HasPrefix(id, strings.TrimSuffix(word, "/")+"/") {
			return true
		}
		for _, r := range judges {
			if word == r || word != "" && strings.HasPrefix(r, word+"-") {
				return true
			}
		}
	}
	return false
}
