package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A verdict is what became of a check.
type verdict int

const (
	notSampled verdict = iota
	unreached          // its function is not called by any case
	caught
	survived
	excused // survived, and equivalent.tsv says why
)

// A result is a check with its verdict.
type result struct {
	*check
	verdict verdict
	by      []string // ids of cases, when it was caught
	why     string   // the reason of an equivalent; otherwise how far the cases come
}

// A report is the outcome of a run.
type report struct {
	Date, Commit string
	Cases        int
	Failing      []string
	Sample       string // which part of the checks; empty for all
	results      []result
	functions    []function
	stale        []string
}

// counts of the verdicts.
type counts [excused + 1]int

func (r *report) count(of func(*result) bool) (n counts) {
	for i := range r.results {
		if of == nil || of(&r.results[i]) {
			n[r.results[i].verdict]++
		}
	}
	return n
}

// judged are the checks whose function a case calls.
func (c counts) judged() int { return c[caught] + c[survived] + c[excused] }

// share is the part of the judged checks that is caught, in percent, without
// those that have a reason not to be.
func (c counts) share() float64 {
	if c[caught]+c[survived] == 0 {
		return 100
	}
	return 100 * float64(c[caught]) / float64(c[caught]+c[survived])
}

// write writes the report as a page.
func (r *report) write(w io.Writer) error {
	var b strings.Builder
	all, sample := r.count(nil), ""
	if r.Sample != "" {
		sample = ", " + r.Sample
	}
	fmt.Fprintf(&b, `# Mutation of our own verifier

Every check of the code that judges what others send is removed, one at a time,
and the vectors are run against the rest: a removed check that no case notices is
a hole in the suite. `+"`go run ./internal/mutants -o conformance/MUTATION.md`"+` writes
this page; its doc comment says what a check is.

%s, commit %s, %d cases%s: **%.1f %% caught**, %d of %d.

A check is judged when a case calls its function; %d of %d stand in functions that
no case calls, and are listed at the end. Of the %d judged, %d survive for a reason
that is given below (excused); they are left out of the share. With them it is
%.1f %%.

| package | checks | never called | judged | caught | survived | excused | share |
|---|---:|---:|---:|---:|---:|---:|---:|
`, r.Date, r.Commit, r.Cases, sample, all.share(), all[caught], all[caught]+all[survived],
		all[unreached], len(r.results), all.judged(), all[excused], 100*float64(all[caught])/float64(max(all.judged(), 1)))
	for _, p := range r.packages() {
		r.row(&b, p, r.count(func(x *result) bool { return x.Package == p }))
	}
	r.row(&b, "**all**", all)
	if len(r.Failing) > 0 {
		fmt.Fprintf(&b, "\n%d cases fail with all checks in place and judged nothing: %s.\n", len(r.Failing), strings.Join(r.Failing, ", "))
	}
	r.survivors(&b)
	r.excuses(&b)
	r.uncalled(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *report) packages() []string {
	var names []string
	for i := range r.results {
		names = append(names, r.results[i].Package)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (r *report) row(b *strings.Builder, name string, n counts) {
	judged := n.judged()
	fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d | %.1f %% |\n",
		name, judged+n[unreached]+n[notSampled], n[unreached], judged, n[caught], n[survived], n[excused], n.share())
}

// survivors lists them by function.
func (r *report) survivors(b *strings.Builder) {
	b.WriteString("\n## Survivors\n\nChecks that can be removed and no case notices. Behind each stands how far the cases come.\n")
	where := ""
	for i := range r.results {
		x := &r.results[i]
		if x.verdict != survived {
			continue
		}
		if here := x.File + ", `" + x.Function + "`"; here != where {
			where = here
			fmt.Fprintf(b, "\n%s:\n\n", where)
		}
		fmt.Fprintf(b, "- `%s`: %s\n", strings.ReplaceAll(x.Text, "`", "'"), x.why)
	}
	if where == "" {
		b.WriteString("\nNone.\n")
	}
}

// excuses lists the reasons, with the functions that each is given for.
func (r *report) excuses(b *strings.Builder) {
	b.WriteString("\n## Excused\n\nChecks that survive for a reason. Which entry gives it to which check is in internal/mutants/equivalent.tsv; an entry that excuses nothing any more fails.\n")
	of, number := map[string]map[string]int{}, map[string]int{}
	for i := range r.results {
		if x := &r.results[i]; x.verdict == excused {
			if of[x.why] == nil {
				of[x.why] = map[string]int{}
			}
			of[x.why][x.File+" "+x.Function]++
			number[x.why]++
		}
	}
	for _, why := range slices.Sorted(maps.Keys(of)) {
		fmt.Fprintf(b, "\n**%d: %s.**", number[why], why)
		file := ""
		for _, at := range slices.Sorted(maps.Keys(of[why])) {
			name, function, _ := strings.Cut(at, " ")
			if name != file {
				fmt.Fprintf(b, "\n- %s:", name)
				file = name
			}
			fmt.Fprintf(b, " %s %d;", function, of[why][at])
		}
		b.WriteString("\n")
	}
}

// uncalled lists the functions that no case calls, in one line for each file.
func (r *report) uncalled(b *strings.Builder) {
	b.WriteString("\n## Never called\n\nFunctions with checks that no case calls, with how many: they sign, they fetch over a network, they belong to the part of the protocol that the live checks judge, or a case is missing.\n")
	n := map[int]int{}
	for i := range r.results {
		if r.results[i].verdict == unreached {
			n[r.results[i].function]++
		}
	}
	file, any := "", false
	for i, f := range r.functions {
		if n[i] == 0 {
			continue
		}
		any = true
		if f.File != file {
			fmt.Fprintf(b, "\n- %s:", f.File)
			file = f.File
		}
		fmt.Fprintf(b, " %s %d;", f.Name, n[i])
	}
	if !any {
		b.WriteString("\nNone.")
	}
	b.WriteString("\n")
}

// print writes the survivors, what is stale, and the sum; when verbose, all.
func (r *report) print(w io.Writer, verbose bool) {
	for i := range r.results {
		x := &r.results[i]
		switch {
		case x.verdict == survived:
			fmt.Fprintf(w, "survived\t%d\t%s\t%s\n", x.Line, x.Key(), x.why)
		case verbose && x.verdict == caught:
			fmt.Fprintf(w, "caught\t%d\t%s\t%s\n", x.Line, x.Key(), strings.Join(x.by[:min(len(x.by), 5)], " "))
		case verbose && x.verdict == excused:
			fmt.Fprintf(w, "equivalent\t%d\t%s\t%s\n", x.Line, x.Key(), x.why)
		case verbose && x.verdict == unreached:
			fmt.Fprintf(w, "uncalled\t%d\t%s\n", x.Line, x.Key())
		}
	}
	for _, s := range r.stale {
		fmt.Fprintf(w, "equivalent.tsv: %s\n", s)
	}
	if len(r.Failing) > 0 {
		fmt.Fprintf(w, "%d cases fail with all checks in place: %s\n", len(r.Failing), strings.Join(r.Failing, " "))
	}
	n := r.count(nil)
	if r.Sample != "" {
		fmt.Fprintf(w, "%.1f %% caught: %d of %d, %s\n", n.share(), n[caught], n[caught]+n[survived], r.Sample)
		return
	}
	fmt.Fprintf(w, "%.1f %% caught: %d of %d; %d excused, %d in functions never called\n",
		n.share(), n[caught], n[caught]+n[survived], n[excused], n[unreached])
}
