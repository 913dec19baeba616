package conformance

import (
	_ "embed" // for the page
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

//go:embed page.html
var pageText string

// page is the template of WriteHTML.
var page = template.Must(template.New("page").Parse(pageText))

// pageData is what the page shows.
type pageData struct {
	Title, Subject, Address string
	Suite, Seed, Started    string
	Duration                string
	Conforms                bool
	Tally                   Tally
	Judged                  int
	Bar                     []barPart
	Domains                 []pageDomain
	Unmet                   []string
	Cases                   []pageCase
}

// barPart is a part of the bar at the top, in tenths of a percent.
type barPart struct {
	Color, Name string
	Count       int
	Width       string
}

type pageDomain struct {
	ID, Name string
	Tiles    []pageTile
}

type pageTile struct {
	ID, Name, Color string
	Tally           Tally
	Cells           []pageCell
}

type pageCell struct {
	ID, Level, Text, Color string
	Tally                  Tally
}

type pageCase struct {
	*Result
	Color, Mark      string
	Input            string // indented
	Expected, Actual string
	Requirements     []pageRequirement
	Components       string
	Exchange         []Exchange
	Took             string // where it is worth showing
}

type pageRequirement struct{ ID, Text string }

// How much of one input, answer or exchange the page shows, and how much of the
// input of a check that passed.
const (
	maxPageText = 16 << 10
	maxPassing  = 3 << 10
)

// WriteHTML writes the report as one page that needs nothing beside it: the map
// of components, each requirement a cell in it, and every check with its input,
// what was expected, what came, and how to run it again. Without scripts it
// shows the same, and filters nothing.
func (r *Report) WriteHTML(w io.Writer) error {
	requirements, err := Requirements()
	if err != nil {
		return err
	}
	t := r.Tally()
	data := pageData{
		Title: "ACT 2.1 conformance of " + printable(r.Subject.Name, 100), Subject: printable(r.Subject.Name+" "+r.Subject.Version, 140),
		Address: printable(r.Subject.Address, 400), Suite: r.Suite, Seed: fmt.Sprint(r.Seed),
		Started: r.Started.UTC().Format("2 January 2006, 15:04 UTC"), Duration: r.Duration.Round(10 * time.Millisecond).String(),
		Conforms: r.Conforms(), Tally: t, Judged: t.Total() - t.Skipped, Bar: bar(t), Unmet: r.Unmet,
	}
	texts := map[string]string{}
	for _, q := range requirements {
		texts[q.ID] = q.Text
	}
	data.Domains = r.pageDomains(requirements)
	for i := range r.Results {
		data.Cases = append(data.Cases, pageCaseOf(&r.Results[i], texts))
	}
	place := map[string]int{"red": 0, "amber": 1, "grey": 2, "green": 2}
	slices.SortStableFunc(data.Cases, func(a, b pageCase) int { return place[a.Color] - place[b.Color] })
	return page.Execute(w, data)
}

func bar(t Tally) []barPart {
	parts := []barPart{
		{Color: "green", Name: "pass", Count: t.Pass},
		{Color: "red", Name: "fail", Count: t.Fail + t.Error - t.Known},
		{Color: "amber", Name: "known to fail", Count: t.Known},
		{Color: "grey", Name: "skipped", Count: t.Skipped},
	}
	for i := range parts {
		parts[i].Width = fmt.Sprintf("%.2f", 100*float64(parts[i].Count)/float64(max(t.Total(), 1)))
	}
	return parts
}

// pageDomains is the map. Components and requirements of which nothing was
// checked are in it, empty.
func (r *Report) pageDomains(requirements []Requirement) []pageDomain {
	components, cells := r.tallies()
	var out []pageDomain
	for _, d := range append(Domains(), Domain{wire, "The wire", []Component{{wire, "Bytes and names"}}}) {
		domain := pageDomain{ID: d.ID, Name: d.Name}
		for _, c := range d.Components {
			tile := pageTile{ID: c.ID, Name: c.Name, Color: "none"}
			if t := components[c.ID]; t != nil {
				tile.Tally, tile.Color = *t, t.color()
			} else if c.ID == wire {
				continue
			}
			for _, q := range requirements {
				if q.Component != c.ID {
					continue
				}
				cell := pageCell{ID: q.ID, Level: q.Level, Text: q.Text, Color: "none"}
				if t := cells[q.ID]; t != nil {
					cell.Tally, cell.Color = *t, t.color()
				}
				tile.Cells = append(tile.Cells, cell)
			}
			domain.Tiles = append(domain.Tiles, tile)
		}
		if len(domain.Tiles) > 0 {
			out = append(out, domain)
		}
	}
	return out
}

func pageCaseOf(x *Result, texts map[string]string) pageCase {
	var one Tally
	one.Add(x)
	c := pageCase{
		Result: x, Color: one.color(), Input: indented(x.Input, shownOf(x.Verdict)), Expected: x.Expected.block(), Actual: x.Actual.block(),
	}
	if x.Duration >= 5*time.Millisecond {
		c.Took = x.Duration.Round(time.Millisecond).String()
	}
	if c.Color == "green" && x.Surprise != "" {
		c.Color = "red"
	}
	c.Mark = map[string]string{"green": "✓", "red": "✗", "amber": "!", "grey": "–"}[c.Color]
	components := []string{}
	for _, id := range x.Requirements {
		c.Requirements = append(c.Requirements, pageRequirement{id, texts[id]})
		components = append(components, id, componentOf(id))
	}
	if len(components) == 0 {
		components = []string{wire}
	}
	c.Components = strings.Join(components, " ")
	for _, e := range x.Exchange {
		c.Exchange = append(c.Exchange, Exchange{e.Sent, cut(e.Text, maxPageText)})
	}
	return c
}

// block is an answer over several lines.
func (a *Answer) block() string {
	switch a.Outcome {
	case Valid:
		if len(a.Output) == 0 {
			return "valid"
		}
		return "valid\n" + indented(a.Output, maxPageText)
	case Invalid:
		return "invalid\n" + string(a.Code)
	}
	return cut(string(a.Outcome)+"\n"+a.Reason+a.Message, maxPageText)
}

// indented returns JSON over several lines, or what it is when it is none.
func indented(v jsontext.Value, most int) string {
	v = v.Clone()
	_ = v.Indent(jsontext.WithIndent("  ")) // what is no JSON stays as it is
	return cut(string(v), most)
}

// shownOf is how much of an input is shown.
func shownOf(v Verdict) int {
	if v == Pass {
		return maxPassing
	}
	return maxPageText
}

// cut returns the beginning of a text, and says how much more there is.
func cut(s string, most int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + fmt.Sprintf("\n… %d bytes more", len(s)-most)
}
