package evidence

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/trustlog"
)

//go:embed page.html
var pageText string

// maxShown is how much of one text of a record the page shows, in characters.
const maxShown = 400

// View writes the file and what came of verifying it as one HTML page: the
// parties, the purchase as a timeline, and for each record its conclusion, its
// content, what is hidden and by which digest, and the path from the anchor to
// the checkpoint. r must be the report of this file.
//
// The page needs no script and loads nothing. Every text of the records is
// escaped, characters that cannot be seen or that turn text around are spelled
// out, and long texts are cut and say so. It shows what the file holds, and is
// as confidential as that.
func View(w io.Writer, f *File, r *Report) error {
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return protocol.Wrap(protocol.CodeServiceUnavailable, "page", "", "the page's template", err)
	}
	v := newView(f, r)
	if err := page.Execute(w, v); err != nil {
		return protocol.Wrap(protocol.CodeServiceUnavailable, "page", "", "the page could not be written", err)
	}
	return nil
}

type (
	pageView struct {
		Intent, Collected string
		Verified          bool
		Good, All         int
		Parties           []partyView
		Cards             []cardView
		Faults            []Fault
		Carried           []string
		Documents         []documentView
	}
	partyView struct {
		Letter, DID, Roles string
	}
	cardView struct {
		Number                        int
		Title, Code                   string
		Time, Short, Created          string
		ID                            string
		Tone, Mark, Conclusion, About string
		Where, Failed, Signer         string
		By                            []partyMark
		Lanes                         []laneView
		Open, Hidden, Links           []pairView
		Upstream                      []upstreamView
		PayloadHash, HashAlgorithm    string
		Signatures                    []string
		Paths                         []pathView
		Broken                        bool // no record
	}
	partyMark struct{ Letter, Role, Represents string }
	laneView  struct{ Mark string }
	pairView  struct {
		Name, Value string
		Cut         int
	}
	upstreamView struct {
		Number    int // 0 when the file does not have it
		Title, ID string
	}
	pathView struct {
		Place, Leaf, Root, Origin, Time, Size, Index string
		Steps                                        []stepView
		Carried                                      bool
	}
	stepView     struct{ Side, Hash string }
	documentView struct{ DID, Fetched, Note string }
)

var titles = map[attestation.EventType]string{
	attestation.IntentCreated:        "Intent confirmed",
	attestation.DelegationIssued:     "Mandate issued",
	attestation.DelegationSuspended:  "Mandate suspended",
	attestation.DelegationResumed:    "Mandate resumed",
	attestation.DelegationRevoked:    "Mandate revoked",
	attestation.DelegationExpired:    "Mandate expired",
	attestation.DecisionLogged:       "Agent has chosen",
	attestation.CartConfirmed:        "Cart confirmed",
	attestation.TransactionCompleted: "Payment made",
	attestation.FulfillmentCompleted: "Delivered",
}

var roles = map[attestation.Role]string{
	attestation.PayerAgent: "buyer’s agent", attestation.PayeeAgent: "seller’s agent", attestation.Merchant: "merchant",
	attestation.PSP: "payment provider", attestation.PrincipalAgent: "principal’s agent", attestation.Issuer: "issuer of the mandate",
	attestation.AttestationProvider: "attestation provider",
}

var abouts = map[attestation.Conclusion]string{
	attestation.Verified:             "Content, signatures and anchor agree.",
	attestation.PayloadHashMismatch:  "The content is not the content that was signed.",
	attestation.SignatureInvalid:     "A signature does not verify: the record was changed, or somebody else signed it.",
	attestation.ChainHashMismatch:    "The anchor on the chain is of something else than this record.",
	attestation.AnchorNotFound:       "The chain has no anchor of this record.",
	attestation.AnchorQueryTimeout:   "The file does not prove that this record is anchored. This says nothing against the record itself.",
	attestation.PublicKeyUnavailable: "There is no trusted key to verify by. This says nothing against the record itself.",
}

func newView(f *File, r *Report) *pageView {
	v := &pageView{
		Collected: clock(f.Collected), Verified: r.Verified(), All: len(r.Results), Faults: r.Faults, Carried: r.Carried(),
	}
	letters := v.parties(r)
	for n, x := range r.Results {
		if x.Record != nil && v.Intent == "" {
			v.Intent = clean(x.Record.Links.IntentID)
		}
		if x.Conclusion == attestation.Verified {
			v.Good++
		}
		v.Cards = append(v.Cards, newCard(f, r, n, letters))
	}
	for _, d := range f.documents {
		x := documentView{DID: d.did.String(), Fetched: clock(d.fetched)}
		if slices.Contains(v.Carried, x.DID) {
			x.Note = "its keys are used, and nobody vouches for them"
		}
		if d.doc == nil {
			x.Note = "cannot be read"
		}
		v.Documents = append(v.Documents, x)
	}
	return v
}

// parties lists who took part, and gives each a letter.
func (v *pageView) parties(r *Report) []string {
	var dids []string
	for _, x := range r.Results {
		if x.Record == nil {
			continue
		}
		for _, p := range x.Record.Participants {
			i := slices.Index(dids, p.ID)
			if i < 0 {
				i = len(dids)
				dids = append(dids, p.ID)
				v.Parties = append(v.Parties, partyView{Letter: letter(i), DID: clean(p.ID)})
			}
			if role := roles[p.Role]; !strings.Contains(v.Parties[i].Roles, role) {
				v.Parties[i].Roles = strings.TrimPrefix(v.Parties[i].Roles+", "+role, ", ")
			}
		}
	}
	return dids
}

// letter names the parties A to Z, and then 27, 28 and so on.
func letter(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return strconv.Itoa(i + 1)
}

func newCard(f *File, r *Report, n int, dids []string) cardView {
	x := r.Results[n]
	c := cardView{Number: n + 1, ID: clean(x.ID), Conclusion: string(x.Conclusion), About: abouts[x.Conclusion], Where: x.Where, Signer: clean(x.Signer)}
	switch {
	case x.Conclusion == attestation.Verified:
		c.Tone, c.Mark = "good", "✓"
	case x.Conclusion != "" && !x.Conclusion.Conclusive():
		c.Tone, c.Mark = "open", "?"
	default:
		c.Tone, c.Mark = "bad", "✗"
	}
	if x.Conclusion != attestation.Verified {
		c.Failed = x.Failed.String()
	}
	c.Lanes = make([]laneView, len(dids))
	if x.Record == nil || x.Conclusion == "" {
		c.Conclusion, c.About = "NO RECORD", "This part of the file cannot be read as a record; nothing was checked."
	}
	if x.Record == nil {
		c.Title, c.Broken = "Unreadable", true
		return c
	}
	c.fill(x.Record, dids)
	c.follow(r, x.Record)
	for _, p := range x.Places {
		c.Paths = append(c.Paths, newPath(f, &x, p))
	}
	return c
}

// fill takes over what the record itself says.
func (c *cardView) fill(r *attestation.Record, dids []string) {
	c.Title, c.Code = titles[r.Type], string(r.Type)
	c.Time, c.Short, c.Created = clock(r.EventTime), r.EventTime.UTC().Format("2006-01-02 15:04"), clock(r.CreatedTime)
	c.HashAlgorithm, c.PayloadHash = r.HashAlgorithm, canon.EncodeBase64(r.PayloadHash)
	for _, p := range r.Participants {
		i := slices.Index(dids, p.ID)
		c.By = append(c.By, partyMark{letter(i), roles[p.Role], clean(p.Represents)})
		c.Lanes[i].Mark = "○"
	}
	for _, s := range r.Signatures {
		c.Signatures = append(c.Signatures, clean(s.KeyID)+" ("+clean(s.Type)+")")
		if i := slices.Index(dids, s.Signer()); i >= 0 {
			c.Lanes[i].Mark = "●"
		}
	}
	c.members("", r.Body)
	if r.Ext != nil {
		c.members("ext", r.Ext)
	}
	for _, l := range []pairView{
		{Name: "Mandate", Value: r.Links.DelegationID}, {Name: "Order", Value: r.Links.MerchantOrderID}, {Name: "Trade", Value: r.Links.TradeNo},
	} {
		if l.Value != "" {
			c.Links = append(c.Links, show(l.Name, l.Value))
		}
	}
}

// follow lists what is upstream.
func (c *cardView) follow(r *Report, record *attestation.Record) {
	for _, id := range record.Links.Upstream {
		u := upstreamView{ID: clean(id), Title: "not in this file"}
		if i := slices.IndexFunc(r.Results, func(o Result) bool { return o.ID == id }); i >= 0 {
			u.Number, u.Title = i+1, "unreadable"
			if up := r.Results[i].Record; up != nil {
				u.Title = titles[up.Type]
			}
		}
		c.Upstream = append(c.Upstream, u)
	}
}

// newPath is the way from an anchor to the checkpoint: at each step the hash so
// far and the one beside it are hashed together.
func newPath(f *File, x *Result, p *trustlog.Place) pathView {
	leaf := trustlog.Leaf(p.Token)
	v := pathView{
		Place: clean(p.String()), Leaf: leaf.String(), Root: p.Checkpoint.Root.String(), Origin: clean(p.Checkpoint.Origin),
		Time: clock(p.Checkpoint.Time), Size: strconv.FormatInt(p.Checkpoint.Size, 10), Index: strconv.FormatInt(p.Index, 10),
	}
	if proof := f.proofOf(x.ID, p.Channel); proof != nil {
		side := sides(p.Index, p.Checkpoint.Size, len(proof.Hashes))
		for i, h := range proof.Hashes {
			v.Steps = append(v.Steps, stepView{side[i], h.String()})
		}
	}
	_, did := chainDID(p.Checkpoint.Origin, p.Channel)
	v.Carried = slices.Contains(x.Carried, did)
	return v
}

// sides tells for each step of an RFC 6962 inclusion proof on which side of the
// hash so far the other one stands.
func sides(index, size int64, steps int) []string {
	out := make([]string, 0, steps)
	for last := size - 1; len(out) < steps; index, last = index>>1, last>>1 {
		if index&1 == 0 && index != last {
			out = append(out, "right")
			continue
		}
		out = append(out, "left")
		for index&1 == 0 && index > 0 {
			index, last = index>>1, last>>1
		}
	}
	return out
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// show is a pair whose value is clean, and cut where it is long.
func show(name, value string) pairView {
	p := pairView{Name: clean(name)}
	if n := utf8.RuneCountInString(value); n > maxShown {
		p.Cut = n - maxShown
		value = string([]rune(value)[:maxShown])
	}
	p.Value = clean(value)
	return p
}

// clean spells out what cannot be seen, and what would turn the text around it.
func clean(s string) string {
	var b strings.Builder
	for _, c := range s {
		if unicode.IsControl(c) || unicode.In(c, unicode.Bidi_Control, unicode.Zl, unicode.Zp, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			fmt.Fprintf(&b, "\\u%04X", c)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}
