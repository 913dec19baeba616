package conformance

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// maxShown is how many surprises are printed on a terminal.
const maxShown = 25

// WriteTerminal writes a summary by component, every surprise with what was
// expected and how to run it again, the skipped checks with their reasons unless
// a testee was asked, whose own list of operations says what it skips, and the
// end of the matter in one line.
func (r *Report) WriteTerminal(w io.Writer) error {
	p := &printer{w: w}
	p.f("%s %s · suite %s, seed %d, %d checks in %s\n", r.Subject.Kind,
		strings.TrimSpace(printable(r.Subject.Name, 60)+" "+printable(r.Subject.Version, 30)), r.Suite, r.Seed, len(r.Results), r.Duration.Round(10*time.Millisecond))
	components, _ := r.tallies()
	for _, d := range Domains() {
		p.domain(d.Name, d.Components, components)
	}
	p.domain("Bytes that everything rests on", []Component{{wire, "Wire"}}, components)
	p.surprises(r)
	p.skipped(r)
	t := r.Tally()
	p.f("\n%d checks: %d pass, %d fail, %d errors, %d skipped", t.Total(), t.Pass, t.Fail, t.Error, t.Skipped)
	if t.Known > 0 {
		p.f("; %d are known to fail", t.Known)
	}
	if r.Conforms() {
		p.f(". As expected.\n")
	} else {
		p.f(". NOT as expected.\n")
	}
	return p.err
}

// printer keeps the first error of writing.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) domain(name string, components []Component, tallies map[string]*Tally) {
	head := false
	for _, c := range components {
		t := tallies[c.ID]
		if t == nil {
			continue
		}
		if !head {
			p.f("\n%s\n", name)
			head = true
		}
		p.f("  %s %-13s %-24s %4d pass", map[string]string{"red": "✗", "amber": "!", "green": "✓", "grey": "-"}[t.color()], c.ID, c.Name, t.Pass)
		for _, n := range []struct {
			count int
			name  string
		}{{t.Fail, "fail"}, {t.Error, "error"}, {t.Skipped, "skipped"}} {
			if n.count > 0 {
				p.f(", %d %s", n.count, n.name)
			}
		}
		p.f("\n")
	}
}

func (p *printer) surprises(r *Report) {
	shown := 0
	for i := range r.Results {
		x := &r.Results[i]
		if x.Surprise == "" {
			continue
		}
		if shown++; shown > maxShown {
			continue
		}
		p.f("\n✗ %s  %s\n  %s\n  expected  %s\n  actual    %s\n", x.ID, x.Surprise, x.Title, x.Expected.line(), x.Actual.line())
		if len(x.Requirements) > 0 {
			p.f("  judges    %s\n", strings.Join(x.Requirements, " "))
		}
		if x.Sibling != "" {
			p.f("  passes    %s, without the defect\n", x.Sibling)
		}
		if x.Reproduce != "" {
			p.f("  again     %s\n", x.Reproduce)
		}
	}
	if shown > maxShown {
		p.f("\n… and %d more; the reports by -html and -json have all of them\n", shown-maxShown)
	}
	for _, id := range r.Unmet {
		p.f("\n✗ %s  is in the file of known failures, and does not exist\n", printable(id, 100))
	}
}

// skipped names every skipped check that is no surprise, and why.
func (p *printer) skipped(r *Report) {
	if r.Subject.Kind == kindTestee {
		return
	}
	for i := range r.Results {
		if x := &r.Results[i]; x.Verdict == Skip && x.Surprise == "" {
			p.f("\n- %s  skipped: %s\n  %s\n", x.ID, printable(x.Actual.Reason, 400), x.Title)
		}
	}
}

// line is an answer in one line.
func (a *Answer) line() string {
	detail := ""
	switch a.Outcome {
	case Valid:
		output := a.Output.Clone()
		_ = output.Compact() // files of cases have line feeds; what is no JSON stays as it is
		detail = string(output)
	case Invalid:
		detail = string(a.Code)
	case Skipped:
		detail = a.Reason
	case Error:
		detail = a.Message
	}
	return strings.TrimSpace(string(a.Outcome) + " " + printable(detail, 400))
}

// printable returns text of a testee without what moves a cursor, shortened.
func printable(s string, most int) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 || c == '\u2028' || c == '\u2029' || c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069' {
			return '?'
		}
		return c
	}, s)
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return s
}
