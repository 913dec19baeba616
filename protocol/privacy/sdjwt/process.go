package sdjwt

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// A Processed is a payload with every disclosure in its place (RFC 9901, 7.1).
// It is as unverified as the JWT that the payload came from.
type Processed struct {
	Payload   []byte      // strict JSON, an object, not in canonical form
	Disclosed []Disclosed // what stood behind digests, in no particular order
	Hidden    []Hidden    // where digests are left that nothing was disclosed for

	token *Token
}

// A Disclosed is a member or an element that came from a disclosure.
type Disclosed struct {
	Path  string // where it stands in Payload, a JSON pointer (RFC 6901)
	Value []byte // JSON as disclosed; what it hides itself is still digests here

	index  int // of the disclosure
	parent int // index of the disclosure in whose value it was found, or -1
}

// A Hidden counts the digests that are left in one object or array. Each is of
// something withheld or a decoy; nobody but the issuer can tell.
type Hidden struct {
	Path  string // of the object or array in Payload, a JSON pointer; "" is all of it
	Array bool
	Count int
}

// Process puts the disclosures back into the payload of the JWT, which the
// caller has parsed as strict JSON, by the rules of RFC 9901 section 7.1: a
// digest that occurs twice, a disclosure that no digest is of, a name that is
// there already, a disclosure of the wrong kind, and reserved names where they
// have no meaning make the whole SD-JWT malformed. So do, in this profile,
// digests that are not of SHA-256 (algorithm_refused when "_sd_alg" says so).
//
// Process does not verify the signature of the JWT.
func (t *Token) Process(payload []byte) (*Processed, error) {
	p := &processor{
		result: &Processed{token: t, Disclosed: make([]Disclosed, 0, len(t.disclosures)), Hidden: make([]Hidden, 0, 8)},
		order:  make([]int, len(t.disclosures)),
		met:    make([]bool, len(t.disclosures)),
		found:  make([]digest, 0, 3*len(t.disclosures)),
		others: make([]digest, 0, 2*len(t.disclosures)),
		out:    make([]byte, 0, len(payload)+len(payload)/2),
	}
	for i := range p.order {
		p.order[i] = i
	}
	slices.SortFunc(p.order, func(i, j int) int { return compare(&t.disclosures[i].digest, &t.disclosures[j].digest) })
	s := scanner{data: payload}
	if s.peek() != '{' {
		return nil, protocol.New(protocol.CodeFieldInvalid, "", "PRV-01", "must be an object")
	}
	if err := p.object(s.value(), "", 1, -1); err != nil {
		return nil, err
	}
	slices.SortFunc(p.others, func(a, b digest) int { return compare(&a, &b) })
	for i := range p.others[:max(len(p.others)-1, 0)] {
		if p.others[i] == p.others[i+1] {
			return nil, errTwice
		}
	}
	if len(p.result.Disclosed) != len(t.disclosures) {
		return nil, malformed("disclosures", "a disclosure that no digest is of, or that stands twice")
	}
	p.result.Payload = p.out
	return p.result, nil
}

var errTooDeep = protocol.New(protocol.CodeTooLarge, "", "PRV-01", "the processed payload is nested deeper than allowed")

var errTwice = protocol.New(protocol.CodeMalformed, "_sd", "PRV-01", "a digest that stands twice")

func compare(a, b *digest) int { return bytes.Compare(a[:], b[:]) }

// A processor is the state of one Process.
type processor struct {
	result *Processed
	order  []int    // the disclosures by their digests
	met    []bool   // which of them a digest was found for
	found  []digest // of the _sd of all open objects, the innermost last
	others []digest // that nothing was disclosed for
	out    []byte
}

// value writes a value, with what its digests stand for. depth is that of the
// value itself, 1 for the payload. What stands in the payload or in a disclosure
// was not too deep there, and may be in its place.
func (p *processor) value(raw []byte, path string, depth, parent int) error {
	switch {
	case !special(raw):
		if parent >= 0 && deeper(raw, maxDepth-depth+1) {
			return errTooDeep
		}
		p.out = append(p.out, raw...)
		return nil
	case depth > maxDepth:
		return errTooDeep
	case raw[0] == '{':
		return p.object(raw, path, depth, parent)
	default:
		return p.array(raw, path, depth, parent)
	}
}

func (p *processor) object(raw []byte, path string, depth, parent int) error {
	s := scanner{data: raw}
	p.out = append(p.out, s.next())
	start := len(p.found)
	var room [16][]byte // most objects have no more members
	names := room[:0]
	for s.element() {
		quoted := s.name()
		raw := s.value()
		name, err := unquote(quoted)
		if err != nil {
			return err
		}
		switch string(name) {
		case "_sd":
			if err := p.readDigests(raw); err != nil {
				return err
			}
			continue
		case "_sd_alg":
			if path != "" {
				return malformed("", "a reserved name where it has no meaning")
			}
			if string(raw) != `"sha-256"` {
				return protocol.New(protocol.CodeAlgorithmRefused, "_sd_alg", "PRV-01", "must be sha-256")
			}
			continue
		case "...":
			return malformed("", "a reserved name where it has no meaning")
		}
		p.member(quoted)
		if err := p.value(raw, step(path, name, raw), depth+1, parent); err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := p.members(start, names, path, depth, parent); err != nil {
		return err
	}
	p.found = p.found[:start]
	p.out = append(p.out, '}')
	return nil
}

// member writes what stands before the value of a member.
func (p *processor) member(quoted []byte) {
	if p.out[len(p.out)-1] != '{' {
		p.out = append(p.out, ',')
	}
	p.out = append(append(p.out, quoted...), ':')
}

// members writes what the digests of an object, found from start on, are of.
func (p *processor) members(start int, names [][]byte, path string, depth, parent int) error {
	hidden := 0
	for j, end := start, len(p.found); j < end; j++ {
		i, known, err := p.find(&p.found[j])
		if err != nil {
			return err
		}
		if !known {
			hidden++
			continue
		}
		d := &p.result.token.disclosures[i]
		if !d.member {
			return malformed("disclosures", "an array element among the members of an object")
		}
		for _, name := range names {
			if bytes.Equal(name, d.name) {
				return malformed("disclosures", "a member that is there already")
			}
		}
		names = append(names, d.name)
		at := join(path, d.name)
		p.result.Disclosed = append(p.result.Disclosed, Disclosed{Path: at, Value: d.value, index: i, parent: parent})
		p.member(d.quoted)
		if err := p.value(d.value, at, depth+1, i); err != nil {
			return err
		}
	}
	if hidden > 0 {
		p.result.Hidden = append(p.result.Hidden, Hidden{Path: path, Count: hidden})
	}
	return nil
}

func (p *processor) array(raw []byte, path string, depth, parent int) error {
	s := scanner{data: raw}
	p.out = append(p.out, s.next())
	written, hidden := 0, 0
	for s.element() {
		element, owner := s.value(), parent
		g, is, err := placeholder(element)
		if err != nil {
			return err
		}
		index, known := 0, false
		if is {
			if index, known, err = p.find(&g); err != nil {
				return err
			}
			if !known {
				hidden++
				continue
			}
		}
		at := ""
		if known || special(element) {
			at = path + "/" + strconv.Itoa(written)
		}
		if known {
			d := &p.result.token.disclosures[index]
			if d.member {
				return malformed("disclosures", "a member of an object among the elements of an array")
			}
			p.result.Disclosed = append(p.result.Disclosed, Disclosed{Path: at, Value: d.value, index: index, parent: parent})
			element, owner = d.value, index
		}
		if written > 0 {
			p.out = append(p.out, ',')
		}
		if err := p.value(element, at, depth+1, owner); err != nil {
			return err
		}
		written++
	}
	if hidden > 0 {
		p.result.Hidden = append(p.result.Hidden, Hidden{Path: path, Array: true, Count: hidden})
	}
	p.out = append(p.out, ']')
	return nil
}

// find returns the disclosure that a digest is of. No digest occurs twice; of
// those that nothing was disclosed for, Process sees to that in the end.
func (p *processor) find(g *digest) (index int, known bool, err error) {
	low, high := 0, len(p.order)
	for low < high {
		middle := (low + high) / 2
		switch c := bytes.Compare(p.result.token.disclosures[p.order[middle]].digest[:], g[:]); {
		case c == 0:
			return p.meet(p.order[middle])
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	p.others = append(p.others, *g)
	return 0, false, nil
}

// meet notes that a digest was found for a disclosure. Of disclosures that are
// alike the same one is found always, so that the others remain unmet.
func (p *processor) meet(index int) (int, bool, error) {
	if p.met[index] {
		return 0, false, errTwice
	}
	p.met[index] = true
	return index, true, nil
}

// placeholder reads {"...": digest}. An object with that name and others is
// neither a placeholder nor an element.
func placeholder(element []byte) (g digest, is bool, err error) {
	if element[0] != '{' || !special(element) {
		return g, false, nil
	}
	s := scanner{data: element}
	s.next()
	if !s.element() {
		return g, false, nil
	}
	name, err := unquote(s.name())
	if err != nil || string(name) != "..." {
		return g, false, err // a later member of that name is found by object
	}
	g, err = readDigest(s.value())
	if err == nil && s.element() {
		err = malformed("", "a reserved name where it has no meaning")
	}
	return g, true, err
}

// readDigests reads an array of digests. That of one object is there once: a
// second _sd would be a duplicate name.
func (p *processor) readDigests(raw []byte) error {
	s := scanner{data: raw}
	if s.next() != '[' {
		return malformed("_sd", "an array of digests")
	}
	for s.element() {
		g, err := readDigest(s.value())
		if err != nil {
			return err
		}
		p.found = append(p.found, g)
	}
	return nil
}

// readDigest reads a quoted digest of SHA-256 in strict base64url.
func readDigest(quoted []byte) (g digest, err error) {
	if len(quoted) == digestSize+2 && quoted[0] == '"' {
		copy(g[:], quoted[1:])
		var sum [33]byte
		if n, err := base64.RawURLEncoding.Strict().Decode(sum[:], g[:]); err == nil && n == 32 {
			return g, nil
		}
	}
	return g, malformed("_sd", "a SHA-256 digest in strict base64url")
}

// step is the path of a member. For a value that nothing can be hidden in there
// is no need of one.
func step(path string, name, value []byte) string {
	if !special(value) {
		return ""
	}
	return join(path, name)
}

// join is a JSON pointer and one name more.
func join(path string, name []byte) string {
	if bytes.IndexByte(name, '~') < 0 && bytes.IndexByte(name, '/') < 0 {
		return path + "/" + string(name)
	}
	return path + "/" + escape(string(name))
}

// escape writes a name as RFC 6901 does.
func escape(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// deeper reports whether valid JSON is nested deeper than limit.
func deeper(data []byte, limit int) bool {
	s, depth := scanner{data: data}, 0
	for s.at < len(data) {
		switch data[s.at] {
		case '"':
			s.skipString()
			continue
		case '{', '[':
			if depth++; depth > limit {
				return true
			}
		case '}', ']':
			depth--
		}
		s.at++
	}
	return false
}

// Present returns an SD-JWT, without key binding, of the JWT and those
// disclosures that keep asks for, together with the ones that they are inside
// of, since nothing else leads to them (RFC 9901, 7.2). A nil keep withholds
// everything that can be.
//
// What is not asked for cannot be learned from the result, except that there is
// something or a decoy.
func (p *Processed) Present(keep func(Disclosed) bool) []byte {
	parents := make(map[int]int, len(p.Disclosed))
	for _, d := range p.Disclosed {
		parents[d.index] = d.parent
	}
	kept := make([]bool, len(p.token.disclosures))
	for _, d := range p.Disclosed {
		if keep == nil || !keep(d) {
			continue
		}
		for i := d.index; i >= 0 && !kept[i]; i = parents[i] {
			kept[i] = true
		}
	}
	out := append(append([]byte(nil), p.token.JWT...), '~')
	for i, d := range p.token.disclosures {
		if kept[i] {
			out = append(append(out, d.encoded...), '~')
		}
	}
	return out
}
