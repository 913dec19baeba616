package conformance

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Known are the failures that are known, by the id of the case or check: what
// comes of it instead of what is expected. See [Result.Token].
type Known map[string]string

// ParseKnown reads a file of known failures. Each line is an id, " # ", what
// comes of it, and optionally a reason:
//
//	mandate/expired/001 # mandate_revoked  the status is looked up first
//
// Empty lines and those that begin with "#" say nothing. An id that stands twice
// is an error.
func ParseKnown(data []byte) (Known, error) {
	known := Known{}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		id, rest, found := strings.Cut(text, "#")
		id = strings.TrimSpace(id)
		words := strings.Fields(rest)
		switch {
		case !found || id == "" || strings.ContainsAny(id, " \t") || len(words) == 0:
			return nil, fmt.Errorf("conformance: known failures, line %d: not of the form \"id # code\"", number)
		case known[id] != "":
			return nil, fmt.Errorf("conformance: known failures, line %d: the id stands twice", number)
		}
		known[id] = words[0]
	}
	return known, nil
}

// Token names what came of a check that did not pass, in one word: the code of a
// refusal, "valid" for what should have been refused, "output" for an output
// other than the expected one, "error", "skipped"; nothing when it passed.
func (r *Result) Token() string {
	switch {
	case r.Verdict == Pass:
		return ""
	case r.Verdict == Skip:
		return string(Skipped)
	case r.Verdict == Errored:
		return string(Error)
	case r.Actual.Outcome == Invalid:
		return string(r.Actual.Code)
	case r.Expected.Outcome == Valid:
		return "output"
	}
	return string(Valid)
}

// Apply compares the results with the known failures, and sets Known and
// Surprise of each and Unmet of the report. all are the ids of everything that
// exists: what is known of an id that does not is a fault of the file. With
// strict, a skip that the file does not name is a surprise as well.
func (r *Report) Apply(known Known, all []string, strict bool) {
	r.Unmet = nil
	for id := range known {
		if !slices.Contains(all, id) {
			r.Unmet = append(r.Unmet, id)
		}
	}
	slices.Sort(r.Unmet)
	for i := range r.Results {
		x := &r.Results[i]
		x.Known = known[x.ID]
		x.Surprise = x.surprise(strict)
	}
}

func (r *Result) surprise(strict bool) string {
	token := r.Token()
	switch {
	case r.Known == token:
		return ""
	case r.Known != "" && token == "":
		return "passes, though it is known to fail"
	case r.Known != "":
		return "known to fail in another way: " + r.Known
	case r.Verdict == Skip && !strict:
		return ""
	case r.Verdict == Skip:
		return "skipped, and not known to be"
	case r.Verdict == Errored:
		return "no answer"
	}
	return "not the expected answer"
}

// WriteKnown writes a file of known failures that makes this report the expected
// one. Reasons are for people to add.
func (r *Report) WriteKnown(w io.Writer) error {
	for i := range r.Results {
		if token := r.Results[i].Token(); token != "" {
			if _, err := fmt.Fprintf(w, "%s # %s\n", r.Results[i].ID, token); err != nil {
				return err
			}
		}
	}
	return nil
}

// Conforms reports whether a run ended as expected: something was judged, every
// result is the expected or the known one, and the file of known failures names
// nothing that does not exist.
func (r *Report) Conforms() bool {
	judged := false
	for i := range r.Results {
		if r.Results[i].Surprise != "" {
			return false
		}
		judged = judged || r.Results[i].Verdict != Skip
	}
	return judged && len(r.Unmet) == 0
}
