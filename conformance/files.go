package conformance

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// WriteJSON writes the whole report as one JSON object, with the members that the
// types of this package name. Durations are numbers of seconds.
func (r *Report) WriteJSON(w io.Writer) error {
	seconds := json.MarshalToFunc(func(enc *jsontext.Encoder, d time.Duration) error {
		return enc.WriteToken(jsontext.Float(d.Seconds()))
	})
	return json.MarshalWrite(w, r, json.Deterministic(true), json.WithMarshalers(seconds), jsontext.WithIndent(" "))
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
	seconds   float64
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Skipped *junitText `xml:"skipped"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML, one test suite for each group. A
// test has failed when it is a surprise; what is known to fail is skipped, with
// the reason.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Name: "act-conformance " + r.Suite + ": " + printable(r.Subject.Name, 100), Time: fmt.Sprintf("%.3f", r.Duration.Seconds())}
	at := map[string]int{}
	for i := range r.Results {
		x := &r.Results[i]
		group, _, _ := strings.Cut(x.ID, "/")
		if _, found := at[group]; !found {
			at[group] = len(all.Suites)
			all.Suites = append(all.Suites, junitSuite{Name: group, Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05Z")})
		}
		all.Suites[at[group]].add(x)
	}
	for i := range all.Suites {
		s := &all.Suites[i]
		s.Time = fmt.Sprintf("%.3f", s.seconds)
		all.Tests, all.Failures, all.Errors, all.Skipped = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors, all.Skipped+s.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", " ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(x *Result) {
	c := junitCase{Name: x.ID, Class: "act." + s.Name, Time: fmt.Sprintf("%.3f", x.Duration.Seconds())}
	detail := &junitText{Message: x.Surprise, Text: strings.Join([]string{
		x.Title, "requirements: " + strings.Join(x.Requirements, " "), "expected: " + x.Expected.line(), "actual: " + x.Actual.line(), x.Reproduce,
	}, "\n")}
	s.Tests++
	s.seconds += x.Duration.Seconds()
	switch {
	case x.Surprise != "" && x.Verdict == Errored:
		c.Error = detail
		s.Errors++
	case x.Surprise != "":
		c.Failure = detail
		s.Failures++
	case x.Verdict == Skip:
		c.Skipped = &junitText{Message: printable(x.Actual.Reason, 400)}
		s.Skipped++
	case x.Verdict != Pass:
		c.Skipped = &junitText{Message: "known to fail: " + x.Known}
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

// WriteBadge writes an SVG badge: how many of the checks that were made passed.
func (r *Report) WriteBadge(w io.Writer) error {
	t := r.Tally()
	judged := t.Total() - t.Skipped
	value := fmt.Sprintf("%d of %d", t.Pass, judged)
	color := map[string]string{"green": "#1a7f4e", "amber": "#9a6700", "red": "#b42318", "grey": "#59636e"}[t.color()]
	if !r.Conforms() && judged > 0 {
		color = "#b42318"
	}
	const label = "ACT 2.1"
	left, right := 10+7*len(label), 14+7*len(value)
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="20" role="img" aria-label="%[2]s conformance: %[3]s">`+
		`<title>%[2]s conformance: %[3]s</title><clipPath id="r"><rect width="%[1]d" height="20" rx="3"/></clipPath>`+
		`<g clip-path="url(#r)"><rect width="%[4]d" height="20" fill="#333b44"/><rect x="%[4]d" width="%[5]d" height="20" fill="%[6]s"/></g>`+
		`<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">`+
		`<text x="%[7]d" y="14" textLength="%[8]d">%[2]s</text><text x="%[9]d" y="14" textLength="%[10]d">%[3]s</text></g></svg>`+"\n",
		left+right, label, value, left, right, color, left/2, left-12, left+right/2, right-14)
	return err
}
