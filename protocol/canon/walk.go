package canon

import (
	"bytes"
	"slices"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// A writer reads a text once and writes its canonical form. The JSON library's
// decoder sees to grammar, UTF-8 and duplicate names, the writer to depth and
// numbers.
type writer struct {
	in       []byte
	source   bytes.Buffer
	d        *jsontext.Decoder
	out      []byte
	maxDepth int
	members  []member // of all open objects, the innermost last
	scratch  []byte
}

// writers keeps decoders and lists, which are costly to set up, for later use.
// Nothing can be observed through it.
var writers = sync.Pool{New: func() any {
	w := new(writer)
	w.d = jsontext.NewDecoder(&w.source)
	return w
}}

// canonicalize returns the canonical form, or false for anything not allowed.
func (l Limits) canonicalize(data []byte) ([]byte, bool) {
	maxBytes, maxDepth := l.values()
	if len(data) > maxBytes {
		return nil, false
	}
	if plain(data, maxDepth) {
		return bytes.Clone(data), true
	}
	w := writers.Get().(*writer)
	w.source = *bytes.NewBuffer(data)
	w.in, w.out, w.maxDepth = data, make([]byte, 0, len(data)), maxDepth
	ok := w.value(0) && onlySpace(data[w.d.InputOffset():])
	out := w.out
	w.release()
	return out, ok
}

// release puts w back, without references to what it has read and written and
// without lists that one large text has made large.
func (w *writer) release() {
	w.in, w.out, w.source = nil, nil, bytes.Buffer{}
	w.d.Reset(&w.source)
	w.scratch = w.scratch[:0]
	w.members = w.members[:cap(w.members)]
	clear(w.members)
	w.members = w.members[:0]
	if cap(w.scratch) <= 8<<10 && cap(w.members) <= 256 {
		writers.Put(w)
	}
}

// A member lies in out[start:end], from its name's quote to its value's end.
type member struct {
	name       []byte // unquoted
	start, end int
}

// value copies the next value, at the given depth. It returns false for
// anything that is not allowed; explain finds out what it was.
func (w *writer) value(depth int) bool {
	kind := w.d.PeekKind()
	if kind != '{' && kind != '[' {
		raw, err := w.d.ReadValue()
		return err == nil && w.scalar(kind, raw)
	}
	if _, err := w.d.ReadToken(); err != nil || depth == w.maxDepth {
		return false
	}
	w.out = append(w.out, byte(kind))
	if kind == '{' && !w.object(depth) || kind == '[' && !w.array(depth) {
		return false
	}
	_, err := w.d.ReadToken()
	w.out = append(w.out, byte(kind+2)) // } is { plus two, ] is [ plus two
	return err == nil
}

func (w *writer) array(depth int) bool {
	for first := true; w.d.PeekKind() != ']'; first = false {
		if !first {
			w.out = append(w.out, ',')
		}
		if !w.value(depth + 1) {
			return false
		}
	}
	return true
}

func (w *writer) object(depth int) bool {
	base, sorted := len(w.members), true
	for w.d.PeekKind() != '}' {
		if len(w.members) > base {
			w.out = append(w.out, ',')
		}
		m := member{start: len(w.out)}
		quoted, err := w.d.ReadValue()
		if err != nil || !w.scalar('"', quoted) {
			return false
		}
		// The decoder's slice is only good until the next call.
		end := w.d.InputOffset()
		m.name = w.in[end-int64(len(quoted))+1 : end-1]
		if bytes.IndexByte(m.name, '\\') >= 0 {
			if m.name, err = jsontext.AppendUnquote(nil, quoted); err != nil {
				return false
			}
		}
		w.out = append(w.out, ':')
		if !w.value(depth + 1) {
			return false
		}
		m.end = len(w.out)
		sorted = sorted && (len(w.members) == base || compareNames(w.members[len(w.members)-1], m) < 0)
		w.members = append(w.members, m)
	}
	if !sorted {
		w.reorder(w.members[base:])
	}
	w.members = w.members[:base]
	return true
}

// reorder sorts the members of the innermost object, which end the output.
func (w *writer) reorder(members []member) {
	start := members[0].start
	slices.SortFunc(members, compareNames)
	w.scratch = w.scratch[:0]
	for i, m := range members {
		if i > 0 {
			w.scratch = append(w.scratch, ',')
		}
		w.scratch = append(w.scratch, w.out[m.start:m.end]...)
	}
	w.out = append(w.out[:start], w.scratch...)
}

// scalar writes a string, a number or a literal name.
func (w *writer) scalar(kind jsontext.Kind, raw []byte) bool {
	switch {
	case kind == '0':
		return w.number(raw)
	case kind == '"' && bytes.IndexByte(raw, '\\') >= 0:
		s, err := jsontext.AppendUnquote(nil, raw)
		if err == nil {
			w.out, err = jsontext.AppendQuote(w.out, s)
		}
		return err == nil
	}
	// Without an escape a valid string has only one spelling.
	w.out = append(w.out, raw...)
	return true
}

func (w *writer) number(raw []byte) bool {
	if !exact(raw) {
		return false
	}
	if len(raw) <= 15 && allDigits(raw) {
		w.out = append(w.out, raw...)
		return true
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return false
	}
	if f == 0 {
		f = 0 // not -0
	}
	w.out = append(w.out, jsontext.Float(f).String()...)
	return true
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

func compareNames(x, y member) int { return CompareNames(x.name, y.name) }

// CompareNames orders names of members, which are valid UTF-8, by UTF-16 code
// units, as RFC 8785 section 3.2.3 asks. UTF-8 orders by code point; the two
// differ only where one name has a character beyond U+FFFF, whose first byte is
// F0 or more and whose code units are surrogates, and the other one from U+E000
// on, whose first byte is EE or EF and which surrogates precede.
func CompareNames[T ~string | ~[]byte](a, b T) int {
	for i := range min(len(a), len(b)) {
		p, q := a[i], b[i]
		switch {
		case p == q:
		case min(p, q) >= 0xee && min(p, q) < 0xf0 && max(p, q) >= 0xf0:
			return int(q) - int(p)
		default:
			return int(p) - int(q)
		}
	}
	return len(a) - len(b)
}
