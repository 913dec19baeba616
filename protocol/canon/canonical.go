package canon

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
)

// Canonicalize returns the RFC 8785 form of a strict JSON value, within the
// default limits. The input is not modified.
func Canonicalize(data []byte) ([]byte, error) { return Limits{}.Canonicalize(data) }

// Canonicalize is the function Canonicalize with other limits.
func (l Limits) Canonicalize(data []byte) ([]byte, error) {
	if canonical, ok := l.canonicalize(data); ok {
		return canonical, nil
	}
	return nil, explain(data, l.scan(data))
}

// Marshal returns the canonical JSON form of a Go value. What Marshal writes,
// [Decode] can read: a nil pointer, which would become null, is refused, and so
// are integers beyond 2^53 that would not survive. Leave absent members out
// with the omitzero option.
func Marshal(v any) ([]byte, error) {
	if data, ok := quickMarshal(v); ok {
		return data, nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, semanticError(err)
	}
	if plain(data, DefaultMaxDepth) {
		return data, nil
	}
	l := Limits{MaxBytes: len(data)} // the reader's limit is the reader's business
	s := l.scan(data)
	if out, ok := l.canonicalize(data); ok && !s.null {
		return out, nil
	}
	return nil, explain(data, s)
}

// Members returns the names of the members of a JSON object, in the order of
// the text, within the default limits.
func Members(data []byte) ([]string, error) {
	if err := Check(data); err != nil {
		return nil, err
	}
	names := []string{}
	err := eachMember(data, func(name string, _ []byte) { names = append(names, name) })
	return names, err
}

// Without returns the canonical form of an object without the named members
// of its top level. Names that it does not have are no error.
func Without(data []byte, names ...string) ([]byte, error) {
	canonical, err := Canonicalize(data)
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(canonical)), '{')
	err = eachMember(canonical, func(name string, text []byte) {
		if slices.Contains(names, name) {
			return
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, text...)
	})
	if err != nil {
		return nil, err
	}
	return append(out, '}'), nil
}

// eachMember calls f with the name of each member of an object and with its
// text from the name's first quote to the value's end.
func eachMember(data []byte, f func(name string, text []byte)) error {
	d := newDecoder(data)
	if d.PeekKind() != '{' {
		return protocol.New(protocol.CodeFieldInvalid, "", "", "must be an object")
	}
	if _, err := d.ReadToken(); err != nil {
		return syntaxError(err)
	}
	for d.PeekKind() != '}' {
		quoted, err := d.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		start := d.InputOffset() - int64(len(quoted))
		name, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return syntaxError(err)
		}
		if err := d.SkipValue(); err != nil {
			return syntaxError(err)
		}
		f(string(name), data[start:d.InputOffset()])
	}
	return nil
}
