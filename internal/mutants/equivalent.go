package main

import (
	"fmt"
	"strings"
)

// An equivalent says why no case can tell a check from its absence, or why no
// case of the suite should: the text of a check as [check.Key] has it, or * for
// all checks of a function.
type equivalent struct {
	file, function, text, reason string
	checks, survivors            int // that it was found to speak of
	judged                       bool
}

// readEquivalents reads lines of four columns: file, function, check, reason. A
// line that begins with # is a comment.
func readEquivalents(data string) ([]*equivalent, error) {
	var list []*equivalent
	for line := range strings.Lines(data) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		c := strings.Split(line, "\t")
		if len(c) != 4 || c[3] == "" {
			return nil, fmt.Errorf("equivalent: a line has file, function, check and reason: %q", line)
		}
		list = append(list, &equivalent{file: c[0], function: c[1], text: c[2], reason: c[3]})
	}
	return list, nil
}

// speaksOf reports whether the entry is about a check.
func (e *equivalent) speaksOf(c *check) bool {
	return c.Key() == e.file+"\t"+e.function+"\t"+e.text || e.text == "*" && e.file == c.File && e.function == c.Function
}

// stale tells what is wrong with entries: they speak of no check of the packages
// that were read, or only of checks that are caught.
func stale(list []*equivalent, read map[string]bool) []string {
	var out []string
	for _, e := range list {
		line := strings.Join([]string{e.file, e.function, e.text}, " | ")
		switch {
		case !read[e.file]:
		case e.checks == 0:
			out = append(out, "no such check: "+line)
		case e.judged && e.survivors == 0:
			out = append(out, "caught: "+line)
		}
	}
	return out
}
