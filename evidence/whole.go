package evidence

import (
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/trustlog"
)

// checkManifest compares what the file holds with what it says to hold.
func (f *File) checkManifest() []Fault {
	parts := f.parts()
	var out []Fault
	for _, l := range []struct {
		name       string
		there, has []entryWire
	}{
		{"records", parts.Records, f.manifest.Records},
		{"anchors", parts.Anchors, f.manifest.Anchors},
		{"documents", parts.Documents, f.manifest.Documents},
	} {
		for i, e := range l.there {
			j := slices.IndexFunc(l.has, func(m entryWire) bool { return m.key() == e.key() })
			switch {
			case j < 0:
				out = append(out, Fault{at(l.name, i), e.ID, "not in the manifest"})
			case l.has[j].Digest != e.Digest:
				out = append(out, Fault{at(l.name, i), e.ID, "not as it was when the manifest was made"})
			}
		}
		for j, m := range l.has {
			if !slices.ContainsFunc(l.there, func(e entryWire) bool { return m.key() == e.key() }) {
				out = append(out, Fault{at("manifest."+l.name, j), m.ID, "in the manifest and not in the file"})
			}
		}
	}
	for i, a := range f.anchors {
		if f.record(a.id) == nil {
			out = append(out, Fault{at("anchors", i), a.id, "the proof of a record that is not in the file"})
		}
	}
	return out
}

// upstreamSkew is how far the clocks of two parties may be apart.
const upstreamSkew = time.Minute

// checkLinks follows the links between the records of the file, which may hold
// several processes, apart from each other.
func (f *File) checkLinks() []Fault {
	var out []Fault
	circle := f.circles()
	salts := make(map[string]bool)
	for i, p := range f.records {
		if p.rec == nil {
			continue
		}
		if salts[string(p.rec.Salt)] {
			out = append(out, Fault{at("records", i) + ".privacy.salt", p.id, "the salt of another record"})
		}
		salts[string(p.rec.Salt)] = true
		for j, id := range p.rec.Links.Upstream {
			where := at(at("records", i)+".links.upstream", j)
			up := f.record(id)
			switch {
			case up == nil:
				out = append(out, Fault{where, p.id, "the record upstream is not in the file"})
			case up.rec == nil: // told at that record
			case up.rec.Links.IntentID != p.rec.Links.IntentID:
				out = append(out, Fault{where, p.id, "the record upstream is of another process"})
			case up.rec.EventTime.After(p.rec.EventTime.Add(upstreamSkew)):
				out = append(out, Fault{where, p.id, "the record upstream happened later"})
			case circle[id] == circle[p.id]: // its own id stands in no record's links
				out = append(out, Fault{where, p.id, "a record is upstream of itself"})
			}
		}
	}
	return out
}

// circles numbers the records so that two have one number exactly when each is
// upstream of the other (Tarjan): one pass over all links, because a file may be
// made so that following each of them by itself takes very long.
func (f *File) circles() map[string]int {
	c := circles{file: make(map[string]*attestation.Record), seen: make(map[string]int), low: make(map[string]int), of: make(map[string]int)}
	for _, p := range f.records {
		if p.rec != nil {
			c.file[p.id] = p.rec
		}
	}
	for _, p := range f.records {
		if p.rec != nil && c.seen[p.id] == 0 {
			c.visit(p.id)
		}
	}
	return c.of
}

type circles struct {
	file      map[string]*attestation.Record
	seen, low map[string]int // when a record was reached, from 1; the earliest that it leads back to
	of        map[string]int // the number of its circle, once that is complete
	open      []string
}

// visit goes no deeper than there are records, 256.
func (c *circles) visit(id string) {
	n := len(c.seen) + 1
	c.seen[id], c.low[id], c.open = n, n, append(c.open, id)
	for _, up := range c.file[id].Links.Upstream {
		switch {
		case c.file[up] == nil || c.of[up] != 0:
		case c.seen[up] == 0:
			c.visit(up)
			c.low[id] = min(c.low[id], c.low[up])
		default:
			c.low[id] = min(c.low[id], c.seen[up])
		}
	}
	if c.low[id] != n {
		return
	}
	for i := len(c.open) - 1; ; i-- {
		member := c.open[i]
		c.of[member] = n
		if member == id {
			c.open = c.open[:i]
			return
		}
	}
}

// proofOf returns a parsed proof of the file for printing, or nil.
func (f *File) proofOf(id, channel string) *trustlog.UnverifiedProof {
	for _, a := range f.anchors {
		if a.id == id && a.channel == channel {
			p, err := trustlog.ParseProof([]byte(a.proof))
			if err == nil {
				return p
			}
		}
	}
	return nil
}
