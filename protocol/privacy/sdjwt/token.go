package sdjwt

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/go-json-experiment/json/jsontext"
)

// The limits of a presentation. Whatever a payload of MaxToken can hide, a
// holder could disclose in several parts only.
const (
	MaxToken       = keys.MaxToken // bytes of the whole, key binding included
	MaxDisclosures = 256
)

// minSalt is the length of 128 bits in base64url (RFC 9901, 9.3).
const minSalt = 22

// maxDepth is how deep a processed payload may be nested (SPEC.md 1.1).
const maxDepth = canon.DefaultMaxDepth

// digestSize is the length of a SHA-256 digest in base64url.
const digestSize = 43

type digest [digestSize]byte

// A Token is an SD-JWT taken apart. It is unverified: the JWT may come from
// anybody, and whether a disclosure belongs to it is not known before Process.
type Token struct {
	JWT         []byte // the issuer-signed JWT
	disclosures []disclosure
}

// A disclosure is the content of one.
type disclosure struct {
	encoded []byte
	digest  digest
	name    []byte
	quoted  []byte // the name as written
	member  bool   // of an object, with a name; an array element otherwise
	value   []byte
	special bool // the value may hold digests or reserved names
}

// IsPresentation reports whether raw has the outer shape of an SD-JWT rather
// than that of a plain JWT: it has a tilde.
func IsPresentation(raw []byte) bool { return bytes.IndexByte(raw, '~') >= 0 }

// Cut divides what was presented into the SD-JWT, up to and including the last
// tilde, and the key binding JWT behind it, which is nil when there is none.
// It checks nothing.
func Cut(raw []byte) (token, binding []byte) {
	i := bytes.LastIndexByte(raw, '~')
	if i < 0 || i == len(raw)-1 {
		return raw, nil
	}
	return raw[:i+1], raw[i+1:]
}

// Parse reads an SD-JWT without key binding (RFC 9901, 4): the JWT, disclosures,
// each followed by a tilde. Every disclosure is strict base64url of a strict
// JSON array of salt and value, or salt, name and value. One with a key binding
// JWT is malformed here: see [Cut].
//
// The JWT is not looked at. Nothing of the input is kept but copies.
func Parse(raw []byte) (*Token, error) {
	if len(raw) > MaxToken {
		return nil, protocol.New(protocol.CodeTooLarge, "", "", "an SD-JWT has at most 64 KiB")
	}
	if len(raw) == 0 || raw[len(raw)-1] != '~' {
		return nil, malformed("", "a JWT and disclosures, each followed by a tilde")
	}
	count := bytes.Count(raw, tilde) - 1
	if count > MaxDisclosures {
		return nil, protocol.New(protocol.CodeTooLarge, "disclosures", "", "at most 256 disclosures")
	}
	raw = bytes.Clone(raw)
	jwt, rest, _ := bytes.Cut(raw, tilde)
	t := &Token{JWT: jwt[:len(jwt):len(jwt)], disclosures: make([]disclosure, count)}
	decoded := make([]byte, 0, base64.RawURLEncoding.DecodedLen(len(rest)))
	for i := range t.disclosures {
		var part []byte
		part, rest, _ = bytes.Cut(rest, tilde)
		var err error
		if decoded, err = t.disclosures[i].parse(part, decoded); err != nil {
			return nil, protocol.In(err, "disclosures")
		}
	}
	return t, nil
}

var tilde = []byte{'~'}

// parse reads one disclosure; buf has the room for what it decodes to.
func (d *disclosure) parse(encoded, buf []byte) ([]byte, error) {
	if bytes.IndexByte(encoded, '\n') >= 0 || bytes.IndexByte(encoded, '\r') >= 0 {
		return nil, malformed("", "strict base64url") // the decoder skips line breaks
	}
	start := len(buf)
	buf, err := base64.RawURLEncoding.Strict().AppendDecode(buf, encoded)
	if err != nil {
		return nil, malformed("", "strict base64url")
	}
	text := buf[start:len(buf):len(buf)]
	if err := canon.Check(text); err != nil {
		return nil, err
	}
	d.encoded = encoded
	sum := sha256.Sum256(encoded)
	base64.RawURLEncoding.Encode(d.digest[:], sum[:])
	return buf, d.content(text)
}

// content reads [salt, value] or [salt, name, value], of checked JSON.
func (d *disclosure) content(text []byte) error {
	s := scanner{data: text}
	if s.next() != '[' {
		return malformed("", "an array of two or three elements")
	}
	var parts [3][]byte
	n := 0
	for s.element() {
		if n == 3 {
			return malformed("", "an array of two or three elements")
		}
		parts[n] = s.value()
		n++
	}
	if n < 2 {
		return malformed("", "an array of two or three elements")
	}
	if !goodSalt(parts[0]) {
		return malformed("", "a salt of at least 128 bits in base64url")
	}
	if d.member = n == 3; d.member {
		if parts[1][0] != '"' {
			return malformed("", "a claim name is a string")
		}
		name, err := unquote(parts[1])
		if err != nil {
			return err
		}
		if reserved(name) {
			return malformed("", "a claim name that is reserved")
		}
		d.name, d.quoted = name, parts[1]
	}
	d.value = parts[n-1]
	d.special = special(d.value)
	return nil
}

func goodSalt(quoted []byte) bool {
	if len(quoted) < minSalt+2 || quoted[0] != '"' {
		return false
	}
	for _, c := range quoted[1 : len(quoted)-1] {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// reserved reports whether a name has a meaning of its own in an SD-JWT.
func reserved(name []byte) bool {
	switch string(name) {
	case "_sd", "...", "_sd_alg":
		return true
	}
	return false
}

// special reports whether a JSON value may hold digests or reserved names, or
// hide them behind escapes. Most do not, and are then copied as they are.
func special(value []byte) bool {
	return (value[0] == '{' || value[0] == '[') &&
		(bytes.Contains(value, []byte(`"_sd`)) || bytes.Contains(value, []byte(`"..."`)) || bytes.IndexByte(value, '\\') >= 0)
}

func unquote(quoted []byte) ([]byte, error) {
	if inner := quoted[1 : len(quoted)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return inner, nil
	}
	s, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil, malformed("", "not strict JSON")
	}
	return s, nil
}

func malformed(field, detail string) error {
	return protocol.New(protocol.CodeMalformed, field, "PRV-01", detail)
}
