package delegation

import (
	"bytes"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A reader walks a text that canon.Check has accepted, so it asks neither for
// UTF-8 nor for duplicate names again. It exists, beside canon.Decode, because
// an authorization must tell two things apart that a closed decoder does not:
// a member that is wrong, and a member that is not known.
//
// Its errors name the member and its requirement, and never show a value. The
// strings it reads are parts of one copy of the text.
type reader struct {
	data    []byte
	source  string // data
	dec     *jsontext.Decoder
	collect bool // note unknown members instead of refusing them
	unknown []string
}

func newReader(data []byte, collect bool) *reader {
	return &reader{
		data:    data,
		source:  string(data),
		collect: collect,
		dec: jsontext.NewDecoder(bytes.NewBuffer(data),
			jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
	}
}

// wrong is the error of a value that is not of the required JSON type.
func (r *reader) wrong(detail string) error {
	if r.dec.PeekKind() == 'n' {
		detail = "null is not allowed"
	}
	return protocol.New(protocol.CodeFieldInvalid, "", "", detail)
}

// value returns the text of the next value.
func (r *reader) value() ([]byte, error) {
	v, err := r.dec.ReadValue()
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeMalformed, "", "", "", err)
	}
	end := r.dec.InputOffset()
	return r.data[end-int64(len(v)) : end : end], nil
}

// object reads an object and calls member for each name; member must read the
// value. An error gets the member's name in front, and its requirement.
func (r *reader) object(member func(name []byte) error) error {
	if r.dec.PeekKind() != '{' {
		return r.wrong("must be an object")
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return protocol.Wrap(protocol.CodeMalformed, "", "", "", err)
	}
	for r.dec.PeekKind() != '}' {
		quoted, err := r.value()
		if err != nil {
			return err
		}
		name, err := unquote(quoted)
		if err != nil {
			return err
		}
		if err := member(name); err != nil {
			return inMember(err, string(name))
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

// array reads an array and calls element for each value, which it must read.
func (r *reader) array(element func() error) error {
	if r.dec.PeekKind() != '[' {
		return r.wrong("must be an array")
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return protocol.Wrap(protocol.CodeMalformed, "", "", "", err)
	}
	for i := 0; r.dec.PeekKind() != ']'; i++ {
		if err := element(); err != nil {
			return protocol.In(err, "["+strconv.Itoa(i)+"]")
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

// other deals with a member that the object under path does not have.
func (r *reader) other(path string, name []byte) error {
	if !r.collect {
		return errUnknownMember
	}
	r.unknown = append(r.unknown, path+string(name))
	return r.skip()
}

// closed runs f with unknown members refused whatever r does otherwise.
func (r *reader) closed(f func(*reader) error) error {
	was := r.collect
	r.collect = false
	err := f(r)
	r.collect = was
	return err
}

func (r *reader) skip() error {
	if err := r.dec.SkipValue(); err != nil {
		return protocol.Wrap(protocol.CodeMalformed, "", "", "", err)
	}
	return nil
}

// text reads a string, which may be empty: the completeness check that follows
// treats an empty required member as missing.
func (r *reader) text(dst *string) error {
	if r.dec.PeekKind() != '"' {
		return r.wrong("must be a string")
	}
	quoted, err := r.value()
	if err != nil {
		return err
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		end := int(r.dec.InputOffset())
		*dst = r.source[end-len(quoted)+1 : end-1]
		return nil
	}
	s, err := unquote(quoted)
	*dst = string(s)
	return err
}

// filled reads a string that is not empty. Optional members are read with it,
// so that an empty one cannot pass for an absent one.
func (r *reader) filled(dst *string) error {
	if err := r.text(dst); err != nil {
		return err
	}
	if *dst == "" {
		return protocol.New(protocol.CodeFieldInvalid, "", "", "must not be empty")
	}
	return nil
}

// needed is filled for the members that a final ISR needs: an empty one is as
// one that is missing, and would be lost when a draft is written again.
func (r *reader) needed(dst *string) error {
	if err := r.text(dst); err != nil {
		return err
	}
	if *dst == "" {
		return protocol.New(protocol.CodeFieldMissing, "", "", "must not be empty")
	}
	return nil
}

// texts reads an array of strings; the result is not nil.
func (r *reader) texts(dst *[]string) error {
	*dst = []string{}
	return r.array(func() error {
		var s string
		err := r.text(&s)
		*dst = append(*dst, s)
		return err
	})
}

// time reads an RFC 3339 time in UTC with whole seconds and Z.
func (r *reader) time(dst *time.Time) error {
	var s string
	if err := r.text(&s); err != nil {
		return err
	}
	t, err := canon.ParseUTC(s)
	*dst = t
	return err
}

// number reads a JSON number and keeps its literal.
func (r *reader) number(dst *Number) error {
	if r.dec.PeekKind() != '0' {
		return r.wrong("must be a number")
	}
	v, err := r.value()
	*dst = Number(v)
	return err
}

// integer reads a number written as an integer of 0 to limit: digits only.
func (r *reader) integer(dst *int64, limit int64) error {
	var n Number
	if err := r.number(&n); err != nil {
		return err
	}
	for _, c := range []byte(n) {
		if c < '0' || c > '9' {
			return protocol.New(protocol.CodeFieldInvalid, "", "", "must be a whole number of at least 0")
		}
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil || i > limit {
		return protocol.New(protocol.CodeFieldInvalid, "", "", "larger than allowed")
	}
	*dst = i
	return nil
}

// raw reads an object without looking into it, except that it holds no null.
func (r *reader) raw(dst *jsontext.Value) error {
	if r.dec.PeekKind() != '{' {
		return r.wrong("must be an object")
	}
	v, err := r.value()
	if err != nil {
		return err
	}
	*dst = bytes.Clone(v)
	inner := newReader(v, false)
	for {
		tok, err := inner.dec.ReadToken()
		switch {
		case err != nil:
			return protocol.Wrap(protocol.CodeMalformed, "", "", "", err)
		case tok.Kind() == 'n':
			return protocol.New(protocol.CodeFieldInvalid, "", "", "null is not allowed")
		case inner.dec.StackDepth() == 0:
			return nil
		}
	}
}

// unquote returns the content of a JSON string, without a copy when it has no
// escapes.
func unquote(quoted []byte) ([]byte, error) {
	if inner := quoted[1 : len(quoted)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return inner, nil
	}
	s, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeMalformed, "", "", "", err)
	}
	return s, nil
}

// inMember puts the name of a member in front of an error's field and fills in
// the member's requirement. An unknown name is repeated only when it has the
// shape of a member name.
func inMember(err error, name string) error {
	if err == errUnknownMember {
		if !canon.PlainName(name) {
			name = "?"
		}
		return protocol.New(protocol.CodeFieldUnknown, name, "", "")
	}
	e := *protocol.AsError(err)
	if e.Requirement == "" {
		e.Requirement = requirementOf(name)
	}
	switch {
	case e.Field == "":
		e.Field = name
	case e.Field[0] == '[':
		e.Field = name + e.Field
	default:
		e.Field = name + "." + e.Field
	}
	return &e
}

// errUnknownMember never leaves this package.
var errUnknownMember = protocol.New(protocol.CodeFieldUnknown, "", "", "")
