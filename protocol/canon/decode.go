package canon

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
)

// Decode reads a strict JSON value into v, a non-nil pointer to a zero value.
// Objects are closed: a member that v does not have is field_unknown. A null
// anywhere, in members of type [jsontext.Value] too, and a value of the wrong
// JSON type are field_invalid; everything that Check refuses is malformed or
// too_large.
//
// Decode does not know which members are required, nor their rules. When it
// returns an error, v may be half filled and must not be used.
func Decode(data []byte, v any) error { return Limits{}.Decode(data, v) }

// DecodeOpen is Decode for objects that are open: unknown members are checked
// for strict form and ignored.
func DecodeOpen(data []byte, v any) error { return Limits{}.DecodeOpen(data, v) }

// Decode is the function Decode with other limits.
func (l Limits) Decode(data []byte, v any) error {
	return l.decode(data, v, false)
}

// DecodeOpen is the function DecodeOpen with other limits.
func (l Limits) DecodeOpen(data []byte, v any) error { return l.decode(data, v, true) }

func (l Limits) decode(data []byte, v any, open bool) error {
	if l.quickDecode(data, v, open) {
		return nil
	}
	unknown := json.RejectUnknownMembers(!open)
	if l.plain(data) {
		// The names are in ascending order: none stands twice.
		if err := json.Unmarshal(data, v, unknown, jsontext.AllowDuplicateNames(true)); err != nil {
			return semanticError(err)
		}
		return nil
	}
	s := l.scan(data)
	if !s.ok() || s.null {
		return explain(data, s)
	}
	err := json.Unmarshal(data, v, unknown)
	if err == nil {
		return nil
	}
	// A member may be of the wrong type in a text that is also malformed
	// further on; malformed wins.
	if !jsontext.Value(data).IsValid() {
		return explain(data, s)
	}
	return semanticError(err)
}

// semanticError maps an error of the JSON library about values.
func semanticError(err error) error {
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		if errors.As(err, new(*jsontext.SyntacticError)) {
			return syntaxError(err)
		}
		return protocol.Wrap(protocol.CodeFieldInvalid, "", "", "not a value of this kind", err)
	}
	at := path(semantic.JSONPointer)
	var own *protocol.Error
	switch {
	case errors.Is(semantic.Err, json.ErrUnknownName):
		return protocol.New(protocol.CodeFieldUnknown, at, "", "")
	case errors.As(semantic.Err, &own):
		return protocol.In(own, at)
	default:
		return protocol.Wrap(protocol.CodeFieldInvalid, at, "", "not a value of this kind", err)
	}
}

// syntaxError maps an error of the JSON library about form.
func syntaxError(err error) error {
	var s *jsontext.SyntacticError
	if !errors.As(err, &s) {
		return protocol.Wrap(protocol.CodeMalformed, "", "", "not a complete JSON value", err)
	}
	detail := "not strict JSON"
	if errors.Is(s.Err, jsontext.ErrDuplicateName) {
		detail = "two members with one name"
	}
	return protocol.Wrap(protocol.CodeMalformed, path(s.JSONPointer), "", detail, err)
}

func newDecoder(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(data))
}

// path writes a JSON pointer as "items[2].price". A name in it comes from the
// input; one that does not look like a member name is written as "?", so that
// an error cannot carry foreign text into a log.
func path(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		// A text within the limits has no index of 16 bits or more; what has
		// more digits is a name, and may be somebody's number.
		if n, err := strconv.ParseUint(token, 10, 16); err == nil && strconv.FormatUint(n, 10) == token {
			b.WriteByte('[')
			b.WriteString(token)
			b.WriteByte(']')
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		if PlainName(token) {
			b.WriteString(token)
		} else {
			b.WriteByte('?')
		}
	}
	return b.String()
}

// PlainName reports whether s has the shape of a member name: letters, digits,
// "_" and "-", and no more digits than a version or a size needs, so that no
// account or telephone number is taken for a name (PRV-04). Only such names of
// members that we do not know are repeated in errors.
func PlainName(s string) bool {
	if len(s) == 0 || len(s) > 48 {
		return false
	}
	digits := 0
	for _, c := range []byte(s) {
		if isDigit(c) {
			digits++
		} else if c != '_' && c != '-' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return digits <= 4
}
