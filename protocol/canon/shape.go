package canon

import (
	"bytes"
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

// A shape is what the JSON of a Go type looks like, for types that are made of
// nothing but structs, slices, pointers, strings and int64: those of nearly all
// messages. Such values are written, and plain texts read in one pass, without the JSON
// library, which has to be ready for anything and takes several times as long.
//
// The results are the library's. What a shape does not know, or what would be an
// error, goes the long way.
type shape struct {
	kind   reflect.Kind // String, Int64, Pointer, Slice or Struct
	elem   *shape       // of a pointer or a slice
	fields []field      // of a struct, in ascending order of their names
	sorted bool         // the struct has them in that order, as have all within
}

// A field is a member of an object.
type field struct {
	name  string
	key   string // `"name":`
	index int
	omit  bool // omitzero
	shape *shape
}

// maxShape is how deep a type may be nested.
const maxShape = 8

// shapes are those of the types that were seen, nil for those that have none.
// Types come from programs, never from input. Nothing can be observed through
// it.
var shapes sync.Map // reflect.Type -> *shape

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s, _ := shapes.LoadOrStore(t, newShape(t, maxShape))
	return s.(*shape)
}

// custom are the interfaces by which a type may choose a form of its own.
var custom = []reflect.Type{
	reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.MarshalerTo](),
	reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[json.UnmarshalerFrom](),
	reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextAppender](), reflect.TypeFor[encoding.TextUnmarshaler](),
	reflect.TypeFor[interface{ IsZero() bool }](), // asked for omitzero
}

func newShape(t reflect.Type, depth int) *shape {
	if depth == 0 || slices.ContainsFunc(custom, func(c reflect.Type) bool { return t.Implements(c) || reflect.PointerTo(t).Implements(c) }) {
		return nil
	}
	s := &shape{kind: t.Kind(), sorted: true}
	switch s.kind {
	case reflect.String:
		return s
	case reflect.Int64:
		if t == reflect.TypeFor[int64]() { // time.Duration has a form of its own
			return s
		}
	case reflect.Pointer, reflect.Slice:
		if s.elem = newShape(t.Elem(), depth-1); s.elem == nil {
			return nil
		}
		s.sorted = s.elem.sorted
		return s
	case reflect.Struct:
		if s.addFields(t, depth) {
			return s
		}
	}
	return nil
}

// addFields takes up the fields of a struct, and reports whether all are of a
// kind that is known.
func (s *shape) addFields(t reflect.Type, depth int) bool {
	for f := range t.Fields() {
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Anonymous || !PlainName(name) || name == "-" || option != "" && option != "omitzero" {
			return false
		}
		sub := newShape(f.Type, depth-1)
		if sub == nil {
			return false
		}
		if n := len(s.fields); n > 0 && s.fields[n-1].name >= name || !sub.sorted {
			s.sorted = false
		}
		s.fields = append(s.fields, field{name: name, key: `"` + name + `":`, index: f.Index[0], omit: option != "", shape: sub})
	}
	byName := func(a, b field) int { return strings.Compare(a.name, b.name) }
	slices.SortFunc(s.fields, byName)
	return len(slices.CompactFunc(slices.Clone(s.fields), func(a, b field) bool { return a.name == b.name })) == len(s.fields)
}

// texts are for what is written and then copied in its length.
var texts = sync.Pool{New: func() any { return new([]byte) }}

// quickMarshal returns the canonical form of v, and false when v has no shape,
// or is not as simple as that: with escapes or with large numbers.
func quickMarshal(v any) ([]byte, bool) {
	r := reflect.ValueOf(v)
	if !r.IsValid() {
		return nil, false
	}
	s := shapeOf(r.Type())
	if s == nil || !s.sorted {
		return nil, false
	}
	buf := texts.Get().(*[]byte)
	out, ok := s.append((*buf)[:0], r)
	if *buf = out; cap(out) <= 16<<10 {
		defer texts.Put(buf)
	}
	if !ok {
		return nil, false
	}
	return bytes.Clone(out), true
}

// append appends the canonical form of v.
func (s *shape) append(out []byte, v reflect.Value) (_ []byte, ok bool) {
	switch s.kind {
	case reflect.String:
		out = append(out, '"')
		start := len(out)
		out = append(out, v.String()...)
		return append(out, '"'), ordinary(out[start:]) == len(out)-start
	case reflect.Int64:
		n := v.Int()
		return strconv.AppendInt(out, n, 10), -1e15 < n && n < 1e15
	case reflect.Pointer:
		if v.IsNil() {
			return out, false
		}
		return s.elem.append(out, v.Elem())
	case reflect.Slice:
		out = append(out, '[')
		for i := range v.Len() {
			if i > 0 {
				out = append(out, ',')
			}
			if out, ok = s.elem.append(out, v.Index(i)); !ok {
				return out, false
			}
		}
		return append(out, ']'), true
	default:
		return s.appendObject(out, v)
	}
}

func (s *shape) appendObject(out []byte, v reflect.Value) (_ []byte, ok bool) {
	out = append(out, '{')
	first := true
	for i := range s.fields {
		f := &s.fields[i]
		member := v.Field(f.index)
		if f.omit && member.IsZero() {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		if out, ok = f.shape.append(append(out, f.key...), member); !ok {
			return out, false
		}
	}
	return append(out, '}'), true
}

// quickDecode reads a plain text within the limits into v, which points to a zero
// value, and returns false when v has no shape, or the text is another: v is then
// as it was. It checks all that [plain] checks.
func (l Limits) quickDecode(data []byte, v any, open bool) bool {
	maxBytes, maxDepth := l.values()
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Pointer || r.IsNil() || len(data) > maxBytes || maxDepth < maxShape {
		return false
	}
	s := shapeOf(r.Type().Elem())
	if s == nil {
		return false
	}
	p := shapeReader{plainReader{data: data, maxDepth: maxDepth}, seen.Get().(*words), open}
	defer seen.Put(p.words)
	if !s.read(&p, r.Elem()) || p.at != len(data) {
		r.Elem().SetZero()
		return false
	}
	return true
}

// read reads the value that begins at p.at.
func (s *shape) read(p *shapeReader, v reflect.Value) bool {
	switch s.kind {
	case reflect.String:
		text, _, ok := p.text()
		if ok {
			v.SetString(p.words.text(text))
		}
		return ok
	case reflect.Int64:
		start := p.at
		if !p.number() {
			return false
		}
		n, err := strconv.ParseInt(string(p.data[start:p.at]), 10, 64) // fails for decimals
		v.SetInt(n)
		return err == nil
	case reflect.Pointer:
		to := reflect.New(v.Type().Elem())
		v.Set(to)
		return s.elem.read(p, to.Elem())
	case reflect.Slice:
		return s.readList(p, v)
	default:
		return s.readObject(p, v)
	}
}

// A shapeReader is a plainReader that keeps what it reads.
type shapeReader struct {
	plainReader
	words *words
	open  bool // unknown members are passed over
}

// words are strings that were read before. Messages repeat names, currencies and
// methods, which then need no memory of their own. Nothing can be observed
// through it.
type words [256]string

// maxWord bounds what is kept.
const maxWord = 96

var seen = sync.Pool{New: func() any { return new(words) }}

// text is b as a string.
func (w *words) text(b []byte) string {
	n := len(b)
	if n < 2 || n > maxWord {
		return string(b)
	}
	// Names of one kind differ in their ends.
	h := uint32(n)
	for _, c := range b[max(0, n-12):] {
		h = h*31 + uint32(c)
	}
	slot := &w[(h^h>>8^h>>16)%uint32(len(w))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

func (s *shape) readList(p *shapeReader, v reflect.Value) bool {
	if !p.next('[') {
		return false
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 1))
	if p.next(']') {
		return true
	}
	for i := 0; i == 0 || p.next(','); i++ {
		v.Grow(1)
		v.SetLen(i + 1)
		if !s.elem.read(p, v.Index(i)) {
			return false
		}
	}
	return p.next(']')
}

// readObject walks along the members of text and struct, both of which are in
// ascending order.
func (s *shape) readObject(p *shapeReader, v reflect.Value) bool {
	if !p.next('{') {
		return false
	}
	if p.next('}') {
		return true
	}
	var before []byte
	at := 0
	for first := true; first || p.next(','); first = false {
		name, ascii, ok := p.text()
		if !ok || !ascii || !first && string(before) >= string(name) || !p.next(':') {
			return false
		}
		before = name
		for at < len(s.fields) && s.fields[at].name < string(name) {
			at++
		}
		switch {
		case at < len(s.fields) && s.fields[at].name == string(name):
			if !s.fields[at].shape.read(p, v.Field(s.fields[at].index)) {
				return false
			}
		case !p.open || !p.value(maxShape): // as deep as can be, which no message is
			return false
		}
	}
	return p.next('}')
}
