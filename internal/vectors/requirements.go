package vectors

import (
	"fmt"
	"strings"
)

// Requirements returns testdata/requirements.tsv, which is the table at the end
// of SPEC.md without the state of this library: id, level, role, component and
// text, below a line of names.
func Requirements(spec []byte) ([]byte, error) {
	_, section, found := strings.Cut(string(spec), "\n## Requirements\n")
	if !found {
		return nil, fmt.Errorf("vectors: SPEC.md has no section of requirements")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	out := "id\tlevel\trole\tcomponent\trequirement\n"
	count := 0
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 5 {
			return nil, fmt.Errorf("vectors: a requirement with %d cells instead of 5", len(cells))
		}
		id := strings.Trim(cells[0], " `")
		component := id[:strings.LastIndexByte(id, '-')]
		out += strings.Join([]string{id, cells[1], cells[2], component, strings.TrimSpace(cells[3])}, "\t") + "\n"
		count++
	}
	if count == 0 {
		return nil, fmt.Errorf("vectors: SPEC.md has no requirements")
	}
	return []byte(out), nil
}
