package overview

import (
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// The measures of a picture, in its own units.
const (
	rowHeight = 36
	topMargin = 74
	foot      = 86
	width     = 720
)

// A picture is a payment's path: from the agent, by every check in the order in
// which they were made, to its end.
type picture struct {
	Width, Height int
	Title         string
	From, FromBy  string
	Line          int // where the line ends
	Stops         []stop
	End           stop
	EndText       string
}

// A stop is a check, or the end.
type stop struct {
	Y           int
	Class, Mark string // allowed, denied or undetermined, and its sign
	Name        string
	Requirement string
	Note        string // why it failed
	Area        string // what of the protocol the check belongs to
	First       bool   // of its area
}

// marks tell the outcomes apart without color.
func class(o protocol.Outcome) (class, mark string) {
	switch o {
	case protocol.Allowed:
		return "allowed", "✓"
	case protocol.Undetermined:
		return "undetermined", "?"
	default:
		return "denied", "✗"
	}
}

// areas are the protocol's domains, by the beginning of a requirement's id.
var areas = []struct{ prefix, name string }{
	{"IDN", "identity"}, {"ADD", "authorisation"}, {"CID", "commerce"}, {"PSD-PMT", "instrument"}, {"PSD-AGT", "sub-account"},
	{"PSD", "payment"}, {"TSD", "trust"}, {"PRV", "privacy"},
}

func area(requirement string) string {
	for _, a := range areas {
		if strings.HasPrefix(requirement, a.prefix) {
			return a.name
		}
	}
	return "other"
}

// paint draws a payment.
func paint(s seen) picture {
	checks := s.decision.Checks()
	p := picture{
		Width: width, Height: topMargin + rowHeight*len(checks) + foot, Title: "path of payment " + s.requestID,
		From: string(s.scenario) + " payment", FromBy: short("request "+s.requestID+", by "+s.agent, 100),
	}
	last := ""
	for i, c := range checks {
		t := stop{Y: topMargin + rowHeight*i + rowHeight/2, Name: c.Name, Requirement: c.Requirement, Area: area(c.Requirement)}
		t.Class, t.Mark = class(c.Outcome)
		if c.Outcome != protocol.Allowed {
			t.Note = short(noteOf(c), 90)
		}
		t.First, last = t.Area != last, t.Area
		p.Stops = append(p.Stops, t)
	}
	p.End = stop{Y: topMargin + rowHeight*len(checks) + foot/2 - 4}
	p.End.Class, p.End.Mark = class(s.decision.Outcome())
	p.Line = p.End.Y
	p.End.Name, p.EndText = became(s), short(ending(s), 100)
	return p
}

// short cuts what does not fit into a line of the picture; the page has all of it.
func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func noteOf(c protocol.Check) string {
	note := string(c.Code)
	if c.Field != "" {
		note += " in " + c.Field
	}
	return note + ": " + c.Reason()
}

// became is what became of a payment, in a word or a code.
func became(s seen) string {
	switch {
	case !s.decision.Allowed():
		return string(protocol.CodeOf(s.decision.Err()))
	case s.waiting:
		return "waits for the principal"
	}
	return "paid " + money(s.amount, s.currency)
}

func ending(s seen) string {
	switch {
	case s.trade == "":
		return "nothing was made"
	case !s.decision.Allowed():
		return "nothing was moved; trade " + s.trade + " is closed"
	case s.waiting:
		return money(s.amount, s.currency) + ", nothing is moved before; trade " + s.trade
	}
	return "to " + s.payee + "; trade " + s.trade
}
