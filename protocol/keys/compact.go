package keys

import (
	"bytes"
	"encoding/base64"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// MaxToken is the largest compact JWS, in bytes, that is read.
const MaxToken = 64 << 10

// base64url is the strict form of SPEC.md 1.4 except for line breaks, which
// this decoder skips and which are therefore looked for beforehand.
var base64url = base64.RawURLEncoding.Strict()

// A Header is the protected header of a token: exactly these three members.
type Header struct {
	Algorithm Algorithm // alg
	KeyID     string    // kid, the absolute DID URL of the signer's key
	Type      string    // typ
}

// SignCompact returns a compact JWS (RFC 7515, 7.1) over payload, which must
// be strict JSON and is brought into canonical form first. typ is one of the
// Type constants; purpose is what that kind of token needs.
func SignCompact(s *Signer, purpose Purpose, typ string, payload []byte) ([]byte, error) {
	if typ == "" || !plainString([]byte(typ)) {
		return nil, protocol.New(protocol.CodeTypeMismatch, "typ", "", "")
	}
	payload, err := canon.Canonicalize(payload)
	if err != nil {
		return nil, err
	}
	header := []byte(`{"alg":"` + string(s.public.alg) + `","kid":"` + s.keyID + `","typ":"` + typ + `"}`)
	return signCompact(s, purpose, header, payload)
}

// signCompact signs a header and a canonical payload.
func signCompact(s *Signer, purpose Purpose, header, payload []byte) ([]byte, error) {
	size := base64url.EncodedLen(len(header)) + base64url.EncodedLen(len(payload)) + base64url.EncodedLen(SignatureSize) + 2
	if size > MaxToken {
		return nil, protocol.New(protocol.CodeTooLarge, "", "", "a token has at most 64 KiB")
	}
	token := base64url.AppendEncode(make([]byte, 0, size), header)
	token = append(token, '.')
	token = base64url.AppendEncode(token, payload)
	sig, err := s.Sign(purpose, token)
	if err != nil {
		return nil, err
	}
	token = append(token, '.')
	return base64url.AppendEncode(token, sig), nil
}

// An UnverifiedToken is a token of the right form whose signature has not been
// checked. Its content may come from anybody.
type UnverifiedToken struct {
	Header  Header
	Payload []byte // strict JSON, byte for byte as signed

	input     []byte // what the signature covers
	signature []byte
}

// ParseCompact reads a compact JWS of the kind typ in the one form of SPEC.md
// 2.2: three parts in strict base64url, a header of exactly alg, kid and typ,
// and a payload that is strict JSON. Other kinds are type_mismatch, algorithms
// that are not ours algorithm_refused, other header members header_refused.
//
// It does not check the signature, whether the signer may be believed, or
// anything in the payload. The token is copied.
func ParseCompact(token []byte, typ string) (*UnverifiedToken, error) {
	t, fields, err := parseCompact(token)
	if err != nil {
		return nil, err
	}
	if t.Header, err = fields.check(typ); err != nil {
		return nil, err
	}
	return t, nil
}

// parseCompact reads the three parts of a token. What members its header has is
// left to the caller.
func parseCompact(token []byte) (*UnverifiedToken, headerFields, error) {
	t, header, err := decodeCompact(token)
	if err != nil {
		return nil, headerFields{}, err
	}
	fields, err := parseHeader(header)
	if err != nil {
		return nil, headerFields{}, err
	}
	if err := canon.Check(t.Payload); err != nil {
		return nil, headerFields{}, protocol.In(err, "payload")
	}
	return t, fields, nil
}

// decodeCompact takes the three parts apart and decodes them. What they say is
// not looked at.
func decodeCompact(token []byte) (t *UnverifiedToken, header []byte, err error) {
	if len(token) > MaxToken {
		return nil, nil, protocol.New(protocol.CodeTooLarge, "", "", "a token has at most 64 KiB")
	}
	first, second := bytes.IndexByte(token, '.'), bytes.LastIndexByte(token, '.')
	if first < 0 || first == second || bytes.IndexByte(token[first+1:second], '.') >= 0 {
		return nil, nil, malformed("", "three parts with dots between them")
	}
	if bytes.IndexByte(token, '\n') >= 0 || bytes.IndexByte(token, '\r') >= 0 {
		return nil, nil, malformed("", "no line breaks")
	}
	// One buffer holds the copy of the token and its three decoded parts.
	buf := append(make([]byte, 0, len(token)+base64url.DecodedLen(len(token))), token...)
	t = &UnverifiedToken{input: buf[:second:second]}
	var ok bool
	if header, buf, ok = appendPart(buf, token[:first]); !ok {
		return nil, nil, malformed("header", "strict base64url")
	}
	if t.Payload, buf, ok = appendPart(buf, token[first+1:second]); !ok {
		return nil, nil, malformed("payload", "strict base64url")
	}
	if t.signature, _, ok = appendPart(buf, token[second+1:]); !ok {
		return nil, nil, malformed("signature", "strict base64url")
	}
	return t, header, nil
}

// appendPart decodes part behind buf, and returns the decoded bytes and the
// longer buffer. The caller has looked for line breaks.
func appendPart(buf, part []byte) (decoded, all []byte, ok bool) {
	start := len(buf)
	all, err := base64url.AppendDecode(buf, part)
	if err != nil {
		return nil, nil, false
	}
	return all[start:len(all):len(all)], all, true
}

// Verify checks the token's signature by key: the algorithm of the key must be
// the one the header names (algorithm_refused), and the signature must verify
// (signature_invalid). Whether the key belongs to Header.KeyID, and serves the
// purpose, is the caller's to know.
func (t *UnverifiedToken) Verify(key PublicKey) error {
	if key.IsZero() || key.alg != t.Header.Algorithm {
		return protocol.New(protocol.CodeAlgorithmRefused, "header.alg", "TSD-ATT-OCA-06", "not the algorithm of the key")
	}
	if !key.Verify(t.input, t.signature) {
		return protocol.New(protocol.CodeSignatureInvalid, "signature", "", "")
	}
	return nil
}

// headerFields are the header as read, before its values are judged. The
// slices point into the header or are nil when a member is absent.
type headerFields struct {
	alg, kid, typ []byte
	other         bool // there are other members
}

// parseHeader reads the header as strict JSON.
func parseHeader(data []byte) (headerFields, error) {
	if f, ok := plainHeader(data); ok {
		return f, nil
	}
	return strictHeader(data)
}

// plainHeader reads the form that nearly all writers use: an object of alg,
// kid and typ, each at most once, in any order, without white space, with
// values of plain characters. Everything it accepts is strict JSON of that
// content; whatever else there may be is left to strictHeader.
func plainHeader(data []byte) (f headerFields, ok bool) {
	if len(data) < 2 || data[0] != '{' || data[len(data)-1] != '}' {
		return f, false
	}
	rest := data[1 : len(data)-1]
	for i := 0; i == 0 || len(rest) > 0; i++ {
		if i > 0 {
			if rest[0] != ',' {
				return f, false
			}
			rest = rest[1:]
		}
		if len(rest) < 7 || string(rest[4:7]) != `":"` || rest[0] != '"' {
			return f, false
		}
		var slot *[]byte
		switch string(rest[1:4]) {
		case "alg":
			slot = &f.alg
		case "kid":
			slot = &f.kid
		case "typ":
			slot = &f.typ
		default:
			return f, false
		}
		rest = rest[7:]
		end := bytes.IndexByte(rest, '"')
		if *slot != nil || end < 0 || !plainString(rest[:end]) {
			return f, false
		}
		*slot = rest[:end:end]
		rest = rest[end+1:]
	}
	return f, true
}

// plainString reports whether s needs no escape in JSON and is ASCII.
func plainString(s []byte) bool {
	for _, c := range s {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// strictHeader reads any strict JSON object.
func strictHeader(data []byte) (f headerFields, err error) {
	members, err := canon.Members(data)
	if err != nil {
		return f, protocol.In(err, "header")
	}
	var h struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ"`
	}
	if err := canon.DecodeOpen(data, &h); err != nil {
		return f, protocol.In(err, "header")
	}
	for _, name := range members {
		switch name {
		case "alg":
			f.alg = []byte(h.Alg)
		case "kid":
			f.kid = []byte(h.Kid)
		case "typ":
			f.typ = []byte(h.Typ)
		default:
			f.other = true
		}
	}
	return f, nil
}

// check judges the values, in the codes' order of precedence.
func (f headerFields) check(typ string) (Header, error) {
	for _, m := range []struct {
		value []byte
		field string
	}{{f.alg, "header.alg"}, {f.kid, "header.kid"}, {f.typ, "header.typ"}} {
		if len(m.value) == 0 {
			return Header{}, protocol.New(protocol.CodeFieldMissing, m.field, "", "")
		}
	}
	keyID := string(f.kid)
	if err := checkKeyID(keyID); err != nil {
		return Header{}, protocol.In(err, "header.kid")
	}
	if string(f.typ) != typ {
		return Header{}, protocol.New(protocol.CodeTypeMismatch, "header.typ", "", "another kind of token")
	}
	alg, ok := joseAlgorithm(f.alg)
	if !ok {
		return Header{}, protocol.New(protocol.CodeAlgorithmRefused, "header.alg", "", "EdDSA or ES256")
	}
	if f.other {
		return Header{}, protocol.New(protocol.CodeHeaderRefused, "header", "", "a header has alg, kid and typ only")
	}
	return Header{Algorithm: alg, KeyID: keyID, Type: typ}, nil
}

func malformed(field, detail string) error {
	return protocol.New(protocol.CodeMalformed, field, "", detail)
}
