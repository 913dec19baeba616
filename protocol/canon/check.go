package canon

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
)

// The limits of SPEC.md 1.1.
const (
	DefaultMaxBytes = 65536
	DefaultMaxDepth = 32
)

// Limits bound a JSON text. A field that is not positive has its default.
type Limits struct {
	MaxBytes int // length of the text in bytes
	MaxDepth int // open objects and arrays at one point; a bare scalar has depth 0
}

// values returns the limits that hold.
func (l Limits) values() (maxBytes, maxDepth int) {
	maxBytes, maxDepth = l.MaxBytes, l.MaxDepth
	if maxBytes <= 0 {
		maxBytes = DefaultMaxBytes
	}
	if maxDepth <= 0 {
		maxDepth = DefaultMaxDepth
	}
	return maxBytes, maxDepth
}

// Check reports whether data is one strict JSON value within the default
// limits. It allows null; [Decode] does not.
func Check(data []byte) error { return Limits{}.Check(data) }

// Check is the function Check with other limits.
func (l Limits) Check(data []byte) error {
	if l.plain(data) {
		return nil
	}
	s := l.scan(data)
	if s.ok() && jsontext.Value(data).IsValid() {
		return nil
	}
	return explain(data, s)
}

// plain reports whether data is within the limits and plain. Then it is strict
// JSON without null.
func (l Limits) plain(data []byte) bool {
	maxBytes, maxDepth := l.values()
	return len(data) <= maxBytes && plain(data, maxDepth)
}

// findings is what one cheap pass over a text has found. It says nothing about
// grammar, UTF-8 and duplicate names, which are the JSON library's business:
// whoever scans must also parse.
type findings struct {
	tooLong, tooDeep bool
	inexact          bool // a number that RFC 8785 would change
	null             bool
}

func (f findings) ok() bool { return !f.tooLong && !f.tooDeep && !f.inexact }

// scan looks for what the JSON library lets pass. In a valid text it is exact;
// of an invalid one it may find anything, since that is refused anyway. It
// stops at the first limit that is exceeded.
func (l Limits) scan(data []byte) (f findings) {
	maxBytes, maxDepth := l.values()
	if len(data) > maxBytes {
		f.tooLong = true
		return f
	}
	depth := 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				f.tooDeep = true
				return f
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || isDigit(c):
			start := i
			for i+1 < len(data) && inNumber(data[i+1]) {
				i++
			}
			f.inexact = f.inexact || !exact(data[start:i+1])
		case c == 'n':
			f.null = true
		}
	}
	return f
}

// explain walks a refused text again, slowly, to say what is wrong and where.
// The order is that of the codes: limits, form, then null.
func explain(data []byte, f findings) error {
	switch {
	case f.tooLong:
		return protocol.New(protocol.CodeTooLarge, "", "", "the JSON text is longer than allowed")
	case f.tooDeep:
		return protocol.New(protocol.CodeTooLarge, "", "", "the JSON text is nested deeper than allowed")
	}
	var inexactAt, nullAt *string
	note := func(at **string, d *jsontext.Decoder) {
		if *at == nil {
			p := path(d.StackPointer())
			*at = &p
		}
	}
	d := newDecoder(data)
	for first := true; ; first = false {
		if !first && d.StackDepth() == 0 {
			break
		}
		tok, err := d.ReadToken()
		if err != nil {
			return syntaxError(err)
		}
		switch {
		case tok.Kind() == '0' && !exact([]byte(tok.String())):
			note(&inexactAt, d)
		case tok.Kind() == 'n':
			note(&nullAt, d)
		}
	}
	switch {
	case !onlySpace(data[d.InputOffset():]):
		return protocol.New(protocol.CodeMalformed, "", "", "data after the JSON value")
	case inexactAt != nil:
		return protocol.New(protocol.CodeMalformed, *inexactAt, "", "a number that its canonical form would change")
	case nullAt != nil:
		return protocol.New(protocol.CodeFieldInvalid, *nullAt, "", "null is not allowed")
	}
	// Not reached as long as the passes agree; refuse if they do not.
	return protocol.New(protocol.CodeMalformed, "", "", "not strict JSON")
}

func onlySpace(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}
