package conformance

import (
	"bytes"
	_ "embed" // for the table of what is not judged
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

//go:embed unjudged.tsv
var unjudged []byte

// A Judge is a case or a live check, with the requirements that it judges.
type Judge struct {
	ID           string
	Requirements []string
}

// Judges returns the cases as judges.
func Judges(cases []Case) []Judge {
	out := make([]Judge, len(cases))
	for i := range cases {
		out[i] = Judge{cases[i].ID, cases[i].Requirements}
	}
	return out
}

// A Coverage tells which requirements are judged by what.
type Coverage struct {
	Rows []CoverageRow // in the order of the table of requirements
}

// A CoverageRow is one requirement.
type CoverageRow struct {
	Requirement Requirement
	Judges      []string // ids of what judges it
	Reason      string   // why nothing does, where the reason is known
}

// Judged reports whether anything judges the requirement.
func (c *CoverageRow) Judged() bool { return len(c.Judges) > 0 }

// Missing reports whether this is a MUST that nothing judges, without a reason.
func (c *CoverageRow) Missing() bool {
	return c.Requirement.Level == "MUST" && !c.Judged() && c.Reason == ""
}

// Cover joins the requirements with what judges them and with the reasons why
// some cannot be judged from outside. It fails when a judge names a requirement
// that does not exist, or a reason is given for one that does not, or is judged.
func Cover(judges []Judge) (*Coverage, error) {
	requirements, err := Requirements()
	if err != nil {
		return nil, err
	}
	reasons, err := parseUnjudged(unjudged)
	if err != nil {
		return nil, err
	}
	return cover(requirements, judges, reasons)
}

func cover(requirements []Requirement, judges []Judge, reasons map[string]string) (*Coverage, error) {
	by := map[string][]string{}
	for _, j := range judges {
		for _, id := range j.Requirements {
			by[id] = append(by[id], j.ID)
		}
	}
	c := &Coverage{}
	for _, r := range requirements {
		row := CoverageRow{Requirement: r, Judges: by[r.ID], Reason: reasons[r.ID]}
		if row.Judged() && row.Reason != "" {
			return nil, fmt.Errorf("conformance: %s is judged, and has a reason why it is not", r.ID)
		}
		c.Rows = append(c.Rows, row)
		delete(by, r.ID)
		delete(reasons, r.ID)
	}
	if unknown := append(slices.Sorted(maps.Keys(by)), slices.Sorted(maps.Keys(reasons))...); len(unknown) > 0 {
		return nil, fmt.Errorf("conformance: no such requirements: %s", strings.Join(unknown, " "))
	}
	return c, nil
}

// parseUnjudged reads unjudged.tsv: id and reason below a line of names.
func parseUnjudged(data []byte) (map[string]string, error) {
	reasons := map[string]string{}
	number := 0
	for line := range bytes.Lines(data) {
		if number++; number == 1 {
			continue
		}
		id, reason, found := strings.Cut(strings.TrimSpace(string(line)), "\t")
		if !found || reason == "" || reasons[id] != "" {
			return nil, fmt.Errorf("conformance: unjudged.tsv, line %d: an id once, a tab, a reason", number)
		}
		reasons[id] = reason
	}
	return reasons, nil
}

// Share is how many requirements of a level are judged, and how many there are.
func (c *Coverage) Share(level string) (judged, all int) {
	for i := range c.Rows {
		if c.Rows[i].Requirement.Level == level {
			all++
			if c.Rows[i].Judged() {
				judged++
			}
		}
	}
	return judged, all
}

// Missing returns the ids of the MUSTs that nothing judges, without a reason.
func (c *Coverage) Missing() []string {
	var out []string
	for i := range c.Rows {
		if c.Rows[i].Missing() {
			out = append(out, c.Rows[i].Requirement.ID)
		}
	}
	return out
}

// Write writes the table and the shares.
func (c *Coverage) Write(w io.Writer) error {
	p := &printer{w: w}
	p.f("%-16s %-6s %-9s %5s  %s\n", "requirement", "level", "role", "cases", "first, or why there is none")
	for i := range c.Rows {
		row := &c.Rows[i]
		text := row.Reason
		switch {
		case row.Judged():
			text = row.Judges[0]
		case text == "" && row.Missing():
			text = "NOT JUDGED"
		}
		p.f("%-16s %-6s %-9s %5d  %s\n", row.Requirement.ID, row.Requirement.Level, row.Requirement.Role, len(row.Judges), text)
	}
	p.f("\n")
	for _, level := range []string{"MUST", "SHOULD", "MAY"} {
		judged, all := c.Share(level)
		p.f("%-6s %3d of %3d judged (%.1f %%)\n", level, judged, all, 100*float64(judged)/float64(max(all, 1)))
	}
	if missing := c.Missing(); len(missing) > 0 {
		p.f("%d MUST without a judge and without a reason\n", len(missing))
	}
	return p.err
}
