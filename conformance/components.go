package conformance

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"github.com/actprotocol/act-go/testdata"
)

// A Requirement is a row of the table at the end of SPEC.md.
type Requirement struct {
	ID        string // "ADD-IAC-LCM-03"
	Level     string // "MUST", "SHOULD", "MAY"
	Role      string // who has to do it: "agent", "psp", "any"
	Component string // "ADD-IAC-LCM"
	Text      string
}

// Requirements returns the table of requirements, in its order.
func Requirements() ([]Requirement, error) {
	data, err := fs.ReadFile(testdata.FS, "requirements.tsv")
	if err != nil {
		return nil, err
	}
	var all []Requirement
	for line := range bytes.Lines(data) {
		cells := strings.Split(strings.TrimRight(string(line), "\r\n"), "\t")
		if len(cells) != 5 {
			return nil, fmt.Errorf("conformance: a requirement with %d cells instead of 5", len(cells))
		}
		all = append(all, Requirement{cells[0], cells[1], cells[2], cells[3], cells[4]})
	}
	if len(all) < 2 {
		return nil, fmt.Errorf("conformance: no requirements")
	}
	return all[1:], nil
}

// A Component is one of the 23 components of ACT, or one of the two parts of our
// own profile, IDN and PRV.
type Component struct {
	ID   string // "ADD-IAC-LCM": its requirements begin with this and a hyphen
	Name string
}

// A Domain is one of the four domains of ACT, of which the trust domain is shown
// in its two halves, or the profile.
type Domain struct {
	ID, Name   string
	Components []Component
}

// Domains returns the map of the protocol: the 23 components by domain, and the
// profile last.
func Domains() []Domain {
	return []Domain{
		{"ADD", "Authorization and delegation", []Component{
			{"ADD-INT-ICS", "Intent"},
			{"ADD-IAC-ISS", "Issuance"},
			{"ADD-IAC-LCM", "Life of a mandate"},
		}},
		{"CID", "Commerce interaction", []Component{
			{"CID-MER-CAT", "Catalogue"},
			{"CID-INT-XFR", "Intent to merchant"},
			{"CID-PCA-NEG", "Negotiation"},
			{"CID-CART-CFM", "Cart"},
		}},
		{"PSD", "Payment services", []Component{
			{"PSD-PMT-BND", "Binding"},
			{"PSD-AGT-SUB", "Sub-account"},
			{"PSD-PAY-DEL", "Delegated payment"},
			{"PSD-PAY-AUP", "Autonomous payment"},
			{"PSD-PAY-INS", "Instant payment"},
			{"PSD-PAY-A402", "A402"},
		}},
		{"TSD-ATT", "Trust: attestation", []Component{
			{"TSD-ATT-EVT", "Events"},
			{"TSD-ATT-OFF", "Records"},
			{"TSD-ATT-OCA", "Anchors"},
			{"TSD-ATT-SVF", "Verification"},
			{"TSD-ATT-DSP", "Disputes"},
		}},
		{"TSD-CRD", "Trust: credit", []Component{
			{"TSD-CRD-ASC", "Association"},
			{"TSD-CRD-LCM", "Life of an association"},
			{"TSD-CRD-MAP", "Mapping"},
			{"TSD-CRD-VER", "Verification"},
			{"TSD-CRD-AUTH", "Query authorization"},
		}},
		{"profile", "This profile", []Component{
			{"IDN", "Identity"},
			{"PRV", "Privacy"},
		}},
	}
}

// componentOf is the component of a requirement's id.
func componentOf(requirement string) string {
	if i := strings.LastIndexByte(requirement, '-'); i > 0 {
		return requirement[:i]
	}
	return requirement
}

// wire is the component of what judges a rule of the wire and no requirement.
const wire = "wire"

// A Tally counts verdicts.
type Tally struct {
	Pass    int `json:"pass"`
	Fail    int `json:"fail"` // with those that are known
	Skipped int `json:"skipped"`
	Error   int `json:"error"`
	Known   int `json:"known"` // of Fail and Error
}

// Total is the number of results.
func (t Tally) Total() int { return t.Pass + t.Fail + t.Skipped + t.Error }

// Add counts one more.
func (t *Tally) Add(r *Result) {
	switch r.Verdict {
	case Pass:
		t.Pass++
		return
	case Fail:
		t.Fail++
	case Skip:
		t.Skipped++
		return
	default:
		t.Error++
	}
	if r.Known != "" && r.Surprise == "" {
		t.Known++
	}
}

// color is the one word for a tally: what is worst in it.
func (t Tally) color() string {
	switch {
	case t.Fail+t.Error > t.Known:
		return "red"
	case t.Known > 0:
		return "amber"
	case t.Pass > 0:
		return "green"
	}
	return "grey"
}

// Tally counts all results.
func (r *Report) Tally() Tally {
	var t Tally
	for i := range r.Results {
		t.Add(&r.Results[i])
	}
	return t
}

// tallies counts the results of each component and of each requirement. A result
// counts once for each component whose requirements it judges.
func (r *Report) tallies() (components, requirements map[string]*Tally) {
	components, requirements = map[string]*Tally{}, map[string]*Tally{}
	count := func(m map[string]*Tally, key string, x *Result) {
		if m[key] == nil {
			m[key] = new(Tally)
		}
		m[key].Add(x)
	}
	for i := range r.Results {
		x := &r.Results[i]
		seen := map[string]bool{}
		for _, id := range x.Requirements {
			count(requirements, id, x)
			if c := componentOf(id); !seen[c] {
				seen[c] = true
				count(components, c, x)
			}
		}
		if len(x.Requirements) == 0 {
			count(components, wire, x)
		}
	}
	return components, requirements
}
