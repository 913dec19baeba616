package keys

import (
	"bytes"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A member is one member of a canonical object.
type member struct {
	name  []byte
	text  []byte // name, colon and value as written
	value []byte // the end of text
}

// newMember takes a name that needs no escapes.
func newMember(name, value string) member {
	text := make([]byte, 0, len(name)+len(value)+3)
	text = append(append(append(append(text, '"'), name...), `":`...), value...)
	return member{name: text[1 : len(name)+1], text: text, value: text[len(name)+3:]}
}

// quoted is the name as written, with its quotes.
func (m *member) quoted() []byte { return m.text[:len(m.text)-len(m.value)-1] }

// plainText is the content of a value that is a string without escapes.
func (m *member) plainText() (string, bool) {
	n := len(m.value)
	if n < 2 || m.value[0] != '"' || bytes.IndexByte(m.value, '\\') >= 0 {
		return "", false
	}
	return string(m.value[1 : n-1]), true
}

// split takes a canonical object apart. The members point into data, which must
// be what package canon has returned: its form is not checked again.
func split(data []byte) ([]member, error) {
	if len(data) < 2 || data[0] != '{' {
		return nil, protocol.New(protocol.CodeFieldInvalid, "", "", "a message is an object")
	}
	members := make([]member, 0, 24)
	for at := 1; data[at] != '}'; {
		if data[at] == ',' {
			at++
		}
		start := at
		at = endOfValue(data, at)
		name, err := unquote(data[start:at])
		if err != nil {
			return nil, err
		}
		at++ // the colon
		value := at
		at = endOfValue(data, at)
		members = append(members, member{name: name, text: data[start:at:at], value: data[value:at:at]})
	}
	return members, nil
}

// endOfValue is where the value ends that begins at a place of a canonical text.
func endOfValue(data []byte, at int) int {
	for depth := 0; ; at++ {
		switch c := data[at]; {
		case c == '"':
			at = endOfString(data, at)
			if depth == 0 {
				return at + 1
			}
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']') && depth > 1:
			depth--
		case (c == '}' || c == ']') && depth == 1:
			return at + 1
		case depth == 0 && (c == ',' || c == '}'): // behind a number or a literal name
			return at
		}
	}
}

// endOfString is where the quote stands that ends the string which begins at a
// place. Most strings are long and have no escapes.
func endOfString(data []byte, at int) int {
	start := at + 1
	for at = start; ; at++ {
		at += bytes.IndexByte(data[at:], '"')
		escapes := 0
		for i := at; i > start && data[i-1] == '\\'; i-- {
			escapes++
		}
		if escapes%2 == 0 {
			return at
		}
	}
}

func unquote(quoted []byte) ([]byte, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	name, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil { // cannot be: the text is canonical
		return nil, malformed("", "")
	}
	return name, nil
}

// join puts the members together to an object, behind prefix, but for those
// with the names in except.
func join(prefix string, members []member, except ...string) []byte {
	size := len(prefix) + 2 + len(members)
	for i := range members {
		size += len(members[i].text)
	}
	return appendJoined(make([]byte, 0, size), prefix, members, except)
}

// buffers are for what is put together to be looked at once: hashed, verified,
// decoded.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// withJoined calls f with what join returns. f must not keep it.
func withJoined[T any](prefix string, members []member, except []string, f func([]byte) T) T {
	buf := buffers.Get().(*[]byte)
	*buf = appendJoined((*buf)[:0], prefix, members, except)
	defer buffers.Put(buf)
	return f(*buf)
}

func appendJoined(out []byte, prefix string, members []member, except []string) []byte {
	out = append(append(out, prefix...), '{')
	first := true
	for i := range members {
		m := &members[i]
		if slices.ContainsFunc(except, m.is) {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		out, first = append(out, m.text...), false
	}
	return append(out, '}')
}

// is reports whether the member has this name.
func (m *member) is(name string) bool { return string(m.name) == name }

// insert puts a member where it belongs in the order of RFC 8785, 3.2.3, in
// which the others are.
func insert(members []member, m member) []member {
	i, _ := slices.BinarySearchFunc(members, m, func(a, b member) int { return canon.CompareNames(a.name, b.name) })
	return slices.Insert(members, i, m)
}

// names is the canonical list of the names of the members but "signature",
// which are in canonical order.
func names(members []member) []byte {
	out := make([]byte, 0, 24*len(members))
	for i := range members {
		if m := &members[i]; !m.is(memberSignature) {
			out = append(append(out, ','), m.quoted()...)
		}
	}
	if len(out) == 0 {
		return []byte("[]")
	}
	out[0] = '['
	return append(out, ']')
}
