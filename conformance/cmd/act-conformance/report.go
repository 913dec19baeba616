package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/actprotocol/act-go/conformance"
)

// reporting are the flags of every mode that makes a report.
type reporting struct {
	only                     string
	known, writeKnown        string
	strict                   bool
	html, json, junit, badge string
}

// register adds the flags to a set.
func (r *reporting) register(set *flag.FlagSet) {
	set.StringVar(&r.only, "only", "", "run these alone: ids or their beginnings, operations, requirements, components, separated by commas")
	set.StringVar(&r.known, "known", "", "read a `file` of known failures: \"id # code\" a line")
	set.BoolVar(&r.strict, "strict", false, "what is skipped has to stand in the file of known failures too, as \"id # skipped\"")
	set.StringVar(&r.writeKnown, "write-known", "", "write a `file` of known failures that makes this run the expected one")
	set.StringVar(&r.html, "html", "", "write one self-contained page to a `file`")
	set.StringVar(&r.json, "json", "", "write the report as JSON to a `file`")
	set.StringVar(&r.junit, "junit", "", "write the report as JUnit XML to a `file`")
	set.StringVar(&r.badge, "badge", "", "write a badge in SVG to a `file`")
}

// readKnown reads the file of known failures, if one is named. It is called
// before anything is run.
func (r *reporting) readKnown() (conformance.Known, error) {
	if r.known == "" {
		return nil, nil
	}
	data, err := os.ReadFile(r.known)
	if err != nil {
		return nil, err
	}
	return conformance.ParseKnown(data)
}

// finish compares a report with what is known, writes it in every form that was
// asked for, and returns whether all is as expected. all are the ids of every
// case or check that exists.
func (r *reporting) finish(report *conformance.Report, known conformance.Known, all []string, stdout io.Writer) (bool, error) {
	report.Apply(known, all, r.strict)
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{r.html, report.WriteHTML}, {r.json, report.WriteJSON}, {r.junit, report.WriteJUnit},
		{r.badge, report.WriteBadge}, {r.writeKnown, report.WriteKnown},
	} {
		if f.name == "" {
			continue
		}
		if err := writeFile(f.name, f.write); err != nil {
			return false, err
		}
	}
	if err := report.WriteTerminal(stdout); err != nil {
		return false, err
	}
	if r.html != "" {
		fmt.Fprintln(stdout, "page:", r.html)
	}
	return report.Conforms(), nil
}

func writeFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	return write(f)
}
