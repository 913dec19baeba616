package main

import (
	"fmt"
	"strings"
)

// An equivalent says why no case can tell a check from its absence, or why no
// case of the suite should. The function and the text of the check may have an
// ellipsis (…), which stands for any text, so that one reason serves a whole
// function, or all functions that sign. Where several entries fit, the first
// gives the reason.
type equivalent struct {
	file, function, text, reason string
	checks                       int // that it speaks of
	caught, survivors, unreached int // of these
}

// readEquivalents reads lines of four columns: file, function, check, reason. A
// line that begins with # is a comment.
func readEquivalents(data string) ([]*equivalent, error) {
	var list []*equivalent
	for line := range strings.Lines(data) {
		line = strings.TrimRight(line, "\r\n")
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
	return fits(e.file, c.File) && fits(e.function, c.Function) && fits(e.text, c.name())
}

// single reports whether the entry is about one check.
func (e *equivalent) single() bool { return !strings.Contains(e.file+e.function+e.text, "…") }

// fits reports whether s is the pattern, in which … is any text.
func fits(pattern, s string) bool {
	parts := strings.Split(pattern, "…")
	if len(parts) == 1 {
		return s == pattern
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(s, first) {
		return false
	}
	s = s[len(first):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, last)
}

// stale tells what is wrong with entries: they speak of no check of the files
// that were read, or, of those that were judged, of none that survives. An entry
// for many is judged when all checks are.
func stale(list []*equivalent, read map[string]bool, all bool) []string {
	var out []string
	for _, e := range list {
		line := strings.Join([]string{e.file, e.function, e.text}, " | ")
		switch {
		case e.checks == 0 && (read[e.file] || all && strings.Contains(e.file, "…")):
			out = append(out, "no such check: "+line)
		case e.caught > 0 && e.single(), all && e.checks > 0 && e.survivors == 0 && e.unreached == 0:
			out = append(out, "caught: "+line)
		}
	}
	return out
}
