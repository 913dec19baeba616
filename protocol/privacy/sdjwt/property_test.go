package sdjwt

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A node is a JSON value, with a mark on what is to be hidden.
type node struct {
	hidden  bool
	scalar  string // JSON
	members map[string]*node
	array   []*node
	decoys  int
}

func drawNode(t *rapid.T, depth int) *node {
	n := &node{}
	switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
	case kind == 0 && depth > 0:
		n.members = map[string]*node{}
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			name := rapid.SampledFrom([]string{"a", "b", "sd", "a/b", "~", "…", "\"", "", "\\", "c d"}).Draw(t, "name")
			n.members[name] = drawNode(t, depth-1)
			n.members[name].hidden = rapid.Bool().Draw(t, "hidden")
		}
		n.decoys = rapid.IntRange(0, 2).Draw(t, "decoys")
	case kind == 1 && depth > 0:
		n.array = []*node{}
		for range rapid.IntRange(0, 4).Draw(t, "elements") {
			e := drawNode(t, depth-1)
			e.hidden = rapid.Bool().Draw(t, "hidden")
			n.array = append(n.array, e)
		}
		n.decoys = rapid.IntRange(0, 2).Draw(t, "decoys")
	default:
		n.scalar = rapid.SampledFrom([]string{`null`, `true`, `42`, `-1.5`, `"x"`, `"_sd"`, `"..."`, `"a\"b\\"`, `""`}).Draw(t, "scalar")
	}
	return n
}

// write writes the value as it looks to who sees what keep says.
func (n *node) write(keep func(*node) bool) string {
	switch {
	case n.members != nil:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(n.members)) {
			if m := n.members[name]; !m.hidden || keep(m) {
				parts = append(parts, string(quote(name))+":"+m.write(keep))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	case n.array != nil:
		var parts []string
		for _, e := range n.array {
			if !e.hidden || keep(e) {
				parts = append(parts, e.write(keep))
			}
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		return n.scalar
	}
}

// mark collects the concealment, and the paths of hidden nodes in the whole.
func (n *node) mark(path string, c *Concealment, at map[string]*node) {
	if n.hidden {
		c.Hide = append(c.Hide, path)
		at[path] = n
	}
	if n.decoys > 0 {
		c.Decoys[path] = n.decoys
	}
	for name, m := range n.members {
		m.mark(path+"/"+escape(name), c, at)
	}
	for i, e := range n.array {
		e.mark(path+"/"+strconv.Itoa(i), c, at)
	}
}

// What is issued comes back whole, any selection brings its parents and nothing
// else, and what is withheld is in no byte of the presentation.
func TestSelection(t *testing.T) {
	s := issuerKey(t)
	rapid.Check(t, func(t *rapid.T) {
		root := drawNode(t, 4)
		for root.members == nil {
			root = &node{members: map[string]*node{"root": root}}
		}
		c, at := Concealment{Decoys: map[string]int{}}, map[string]*node{}
		root.mark("", &c, at)
		everything := func(*node) bool { return true }
		raw, err := Issue(s, keys.IssueAuthorization, testType, []byte(root.write(everything)), c)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := read(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := canonical(t, whole.Payload), canonical(t, []byte(root.write(everything))); got != want {
			t.Fatalf("whole: %s, want %s", got, want)
		}
		if len(whole.Disclosed) != len(at) {
			t.Fatalf("%d disclosures for %d hidden", len(whole.Disclosed), len(at))
		}

		chosen := map[*node]bool{}
		for _, path := range slices.Sorted(maps.Keys(at)) {
			chosen[at[path]] = rapid.Bool().Draw(t, "show "+path)
		}
		part := whole.Present(func(d Disclosed) bool { return chosen[at[d.Path]] })
		// Parents come along.
		for path, n := range at {
			for above := range at {
				if chosen[n] && strings.HasPrefix(path, above+"/") {
					chosen[at[above]] = true
				}
			}
		}
		seen, err := read(part)
		if err != nil {
			t.Fatal(err)
		}
		want := canonical(t, []byte(root.write(func(n *node) bool { return chosen[n] })))
		if got := canonical(t, seen.Payload); got != want {
			t.Fatalf("part: %s, want %s", got, want)
		}
		jwt, _, _ := bytes.Cut(raw, tilde)
		if !bytes.HasPrefix(part, jwt) {
			t.Fatal("another issuer-signed JWT")
		}
		for _, d := range whole.Disclosed {
			encoded := whole.token.disclosures[d.index].encoded
			if !chosen[at[d.Path]] && bytes.Contains(part, encoded) {
				t.Fatalf("%s is withheld and there", d.Path)
			}
		}
		// Withholding again loses nothing more than it says.
		if none, err := read(seen.Present(nil)); err != nil || len(none.Disclosed) != 0 {
			t.Fatalf("nothing: %v", err)
		}
	})
}

func canonical(t *rapid.T, data []byte) string {
	out, err := canon.Canonicalize(data)
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return string(out)
}

// An entry among decoys may stand anywhere.
func TestDecoysStandAnywhere(t *testing.T) {
	c := Concealment{Hide: []string{"/a/0"}, Decoys: map[string]int{"/a": 3}}
	places := map[int]bool{}
	for range 64 { // the same place each time: once in 4^63
		raw, err := Issue(issuerKey(t), keys.IssueAuthorization, testType, []byte(`{"a":["x"]}`), c)
		if err != nil {
			t.Fatal(err)
		}
		token, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		jwt, err := keys.ParseCompact(token.JWT, testType)
		if err != nil {
			t.Fatal(err)
		}
		places[strings.Index(string(jwt.Payload), string(token.disclosures[0].digest[:]))] = true
	}
	if len(places) < 2 || places[-1] {
		t.Errorf("PRV-01 4.2.5 places %v", places)
	}
}

// The same claims hidden twice have nothing in common that would link them, and
// the digests do not tell the order.
func TestIssuedTwice(t *testing.T) {
	claims := []byte(`{"a":"x","b":["y","z"],"c":1}`)
	c := Concealment{Hide: []string{"/a", "/b/0", "/b/1", "/c"}, Decoys: map[string]int{"": 3, "/b": 2}}
	one, err := Issue(issuerKey(t), keys.IssueAuthorization, testType, claims, c)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Issue(issuerKey(t), keys.IssueAuthorization, testType, claims, c)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]bool{}
	for _, raw := range [][]byte{one, two} {
		token, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range token.disclosures {
			if parts[string(d.encoded)] || parts[string(d.digest[:])] {
				t.Error("PRV-01 a disclosure or digest in both")
			}
			parts[string(d.encoded)], parts[string(d.digest[:])] = true, true
		}
		jwt, err := keys.ParseCompact(token.JWT, testType)
		if err != nil {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(string(jwt.Payload), `"_sd":["`)
		list, _, _ = strings.Cut(list, `"]`)
		digests := strings.Split(list, `","`)
		if len(digests) != 5 || !slices.IsSorted(digests) {
			t.Errorf("PRV-01 4.2.4.1 digests %q", digests)
		}
	}
}
