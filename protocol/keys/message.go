package keys

import (
	"bytes"
	"io"
	"slices"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// The members that a signed message has beside its content (SPEC.md 2.3).
const (
	memberSigner    = "signer_id"
	memberType      = "signature_type"
	memberCovered   = "signature_covered_fields"
	memberSignature = "signature"
)

var signatureMembers = []string{memberCovered, memberSignature, memberSigner, memberType}

// Message returns the bytes that are signed for a canonical JSON text of a
// kind: "act-go/1 ", the kind, a line feed, the text. The kind makes sure that
// no message passes as one of another kind; it must be one of the Kind
// constants, or at least have no line feed.
func Message(kind string, canonical []byte) []byte {
	return slices.Concat([]byte("act-go/1 "+kind+"\n"), canonical)
}

// validKind checks the shape of a kind: lower-case letters, digits, hyphens.
func validKind(kind string) bool {
	for _, c := range []byte(kind) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return kind != ""
}

// SignMessage returns the canonical JSON of message with the four members of
// SPEC.md 2.3: signer_id, signature_type, signature_covered_fields and
// signature. The signature covers everything but itself (PSD-PAY-DEL-03).
// message must become a JSON object without these members; purpose is what the
// kind of message needs.
func SignMessage(s *Signer, purpose Purpose, kind string, message any) ([]byte, error) {
	if !validKind(kind) {
		return nil, protocol.New(protocol.CodeTypeMismatch, "", "", "not a kind of message")
	}
	members, err := s.assemble(message)
	if err != nil {
		return nil, err
	}
	sig, err := s.Sign(purpose, Message(kind, join(members)))
	if err != nil {
		return nil, err
	}
	members = append(members, newMember(memberSignature, `"`+canon.EncodeBase64(sig)+`"`))
	out := join(sorted(members))
	if len(out) > canon.DefaultMaxBytes {
		return nil, protocol.New(protocol.CodeTooLarge, "", "", "a message has at most 64 KiB")
	}
	return out, nil
}

// assemble returns the members of a message that s will sign, in canonical
// order.
func (s *Signer) assemble(message any) ([]member, error) {
	body, err := canon.Marshal(message)
	if err != nil {
		return nil, err
	}
	members, err := split(body)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if slices.Contains(signatureMembers, m.name) {
			return nil, protocol.New(protocol.CodeFieldInvalid, m.name, "", "the content has no signature members")
		}
	}
	return appendEnvelope(members, s)
}

// DigestMessage returns what [UnverifiedMessage.ContentDigest] will return of a
// message that [SignMessage] makes, before it is made: for a member that names
// the rest of the message.
func DigestMessage(s *Signer, message any, except ...string) (canon.Digest, error) {
	members, err := s.assemble(message)
	if err != nil {
		return "", err
	}
	m := UnverifiedMessage{members: members}
	return m.ContentDigest(except...), nil
}

// appendEnvelope adds the members of the envelope that are signed, and sorts.
func appendEnvelope(members []member, s *Signer) ([]member, error) {
	names := []string{memberCovered, memberSigner, memberType}
	for _, m := range members {
		names = append(names, m.name)
	}
	slices.SortFunc(names, compareUTF16)
	covered, err := canon.Marshal(names)
	if err != nil {
		return nil, err
	}
	members = append(slices.Clone(members),
		newMember(memberCovered, string(covered)),
		newMember(memberSigner, `"`+s.keyID+`"`), // of plain characters, see checkKeyID
		newMember(memberType, `"`+s.public.alg.SignatureType()+`"`))
	return sorted(members), nil
}

// An UnverifiedMessage is a message of the right form whose signature has not
// been checked. Its content may come from anybody.
type UnverifiedMessage struct {
	KeyID     string    // signer_id, the absolute DID URL of the signer's key
	Algorithm Algorithm // by signature_type

	members   []member // canonical, in canonical order
	signature []byte
}

// ParseMessage reads a signed message: strict JSON, an object with the four
// members of SPEC.md 2.3 well formed, and signature_covered_fields exactly the
// sorted names of all members but "signature". The input need not be in
// canonical form, and is copied.
//
// It does not check the signature, the kind (which the signature covers and
// the message does not name), or any member of the content.
func ParseMessage(data []byte) (*UnverifiedMessage, error) {
	canonical, err := canon.Canonicalize(data)
	if err != nil {
		return nil, err
	}
	members, err := split(canonical)
	if err != nil {
		return nil, err
	}
	m := &UnverifiedMessage{members: members}
	var signatureType, signature string
	var covered []string
	for _, field := range []struct {
		name string
		into any
	}{{memberSigner, &m.KeyID}, {memberType, &signatureType}, {memberCovered, &covered}, {memberSignature, &signature}} {
		i := slices.IndexFunc(members, func(m member) bool { return m.name == field.name })
		if i < 0 || string(members[i].value) == `""` {
			return nil, protocol.New(protocol.CodeFieldMissing, field.name, "PSD-PAY-DEL-03", "")
		}
		if err := canon.Decode(members[i].value, field.into); err != nil {
			return nil, protocol.In(err, field.name)
		}
	}
	if m.signature, err = canon.DecodeBase64(signature); err != nil {
		return nil, protocol.In(err, memberSignature)
	}
	if err := checkKeyID(m.KeyID); err != nil {
		return nil, protocol.In(err, memberSigner)
	}
	if !coversAll(covered, members) {
		return nil, protocol.New(protocol.CodeFieldInvalid, memberCovered, "PSD-PAY-DEL-03", "the sorted names of all members but signature")
	}
	var ok bool
	if m.Algorithm, ok = ParseSignatureType(signatureType); !ok {
		return nil, protocol.New(protocol.CodeAlgorithmRefused, memberType, "", "ED25519 or ES256")
	}
	return m, nil
}

// coversAll compares the declared list with the members, which are in
// canonical order.
func coversAll(covered []string, members []member) bool {
	i := 0
	for _, m := range members {
		if m.name == memberSignature {
			continue
		}
		if i >= len(covered) || covered[i] != m.name {
			return false
		}
		i++
	}
	return i == len(covered)
}

// Decode reads the content, the members beside the four of the signature, into
// v as [canon.Decode] does: an unknown member is field_unknown. The values are
// as unverified as the message.
func (m *UnverifiedMessage) Decode(v any) error {
	return canon.Decode(m.without(signatureMembers), v)
}

// Verify checks that the message is of this kind and signed by key. A wrong
// kind cannot be told from a wrong signature: both are signature_invalid.
// Whether the key belongs to KeyID, and serves the purpose, is the caller's to
// know.
func (m *UnverifiedMessage) Verify(key PublicKey, kind string) error {
	if !validKind(kind) {
		return protocol.New(protocol.CodeTypeMismatch, "", "", "not a kind of message")
	}
	if key.IsZero() || key.alg != m.Algorithm {
		return protocol.New(protocol.CodeAlgorithmRefused, memberType, "", "not the algorithm of the key")
	}
	if !key.Verify(Message(kind, m.Signed()), m.signature) {
		return protocol.New(protocol.CodeSignatureInvalid, memberSignature, "PSD-PAY-DEL-03", "")
	}
	return nil
}

// Signed returns the canonical form of the message without "signature": what
// [Message] puts behind the kind.
func (m *UnverifiedMessage) Signed() []byte { return m.without([]string{memberSignature}) }

// ContentDigest returns the digest of the canonical form of the message
// without "signature" and the named members. Two transmissions of one request
// differ in nonce and timestamp only, and so have the same ContentDigest
// except "nonce" and "timestamp".
func (m *UnverifiedMessage) ContentDigest(except ...string) canon.Digest {
	return canon.Sum(m.without(append([]string{memberSignature}, except...)))
}

func (m *UnverifiedMessage) without(names []string) []byte {
	return join(slices.DeleteFunc(slices.Clone(m.members), func(m member) bool {
		return slices.Contains(names, m.name)
	}))
}

// A member is one member of a canonical object.
type member struct {
	name  string
	text  []byte // name, colon and value as written
	value []byte
}

func newMember(name, value string) member {
	// The names of the envelope need no escapes.
	text := []byte(`"` + name + `":` + value)
	return member{name: name, text: text, value: text[len(name)+3:]}
}

// split takes a canonical object apart. The members point into data.
func split(data []byte) ([]member, error) {
	if len(data) == 0 || data[0] != '{' {
		return nil, protocol.New(protocol.CodeFieldInvalid, "", "", "a message is an object")
	}
	members := make([]member, 0, 24)
	dec := jsontext.NewDecoder(bytes.NewBuffer(data))
	if _, err := dec.ReadToken(); err != nil {
		return nil, malformed("", "")
	}
	for dec.PeekKind() == '"' {
		quoted, err := dec.ReadValue()
		if err != nil {
			return nil, malformed("", "")
		}
		colon := dec.InputOffset()
		start := colon - int64(len(quoted))
		name, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return nil, malformed("", "")
		}
		if err := dec.SkipValue(); err != nil {
			return nil, malformed("", "")
		}
		end := dec.InputOffset()
		members = append(members, member{name: string(name), text: data[start:end:end], value: data[colon+1 : end : end]})
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, malformed("", "")
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return nil, malformed("", "")
	}
	return members, nil
}

// join puts members together to an object.
func join(members []member) []byte {
	size := 2 + len(members)
	for _, m := range members {
		size += len(m.text)
	}
	out := append(make([]byte, 0, size), '{')
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, m.text...)
	}
	return append(out, '}')
}

// sorted sorts members into the order of RFC 8785, 3.2.3.
func sorted(members []member) []member {
	slices.SortFunc(members, func(a, b member) int { return compareUTF16(a.name, b.name) })
	return members
}

// compareUTF16 compares by UTF-16 code units.
func compareUTF16(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}
