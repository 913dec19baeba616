package keys

import (
	"bytes"
	"slices"

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
	return slices.Concat([]byte(messagePrefix(kind)), canonical)
}

func messagePrefix(kind string) string { return "act-go/1 " + kind + "\n" }

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
	sig, err := s.Sign(purpose, join(messagePrefix(kind), members))
	if err != nil {
		return nil, err
	}
	out := join("", insert(members, newMember(memberSignature, `"`+canon.EncodeBase64(sig)+`"`)))
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
		if slices.ContainsFunc(signatureMembers, m.is) {
			return nil, protocol.New(protocol.CodeFieldInvalid, string(m.name), "", "the content has no signature members")
		}
	}
	return s.envelope(members), nil
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

// envelope adds the members of the envelope that are signed.
func (s *Signer) envelope(members []member) []member {
	// What goes into plain quotes is of plain characters, see checkKeyID.
	members = insert(members, newMember(memberSigner, `"`+s.keyID+`"`))
	members = insert(members, newMember(memberType, `"`+s.public.alg.SignatureType()+`"`))
	members = insert(members, newMember(memberCovered, ""))
	i := slices.IndexFunc(members, func(m member) bool { return m.is(memberCovered) })
	members[i] = newMember(memberCovered, string(names(members)))
	return members
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
	var covered bool
	for _, field := range []struct {
		name string
		read func(member) error
	}{
		{memberSigner, text(&m.KeyID)}, {memberType, text(&signatureType)},
		{memberCovered, func(c member) (err error) { covered, err = coversAll(c, members); return err }},
		{memberSignature, text(&signature)},
	} {
		i := slices.IndexFunc(members, func(m member) bool { return m.is(field.name) })
		if i < 0 || string(members[i].value) == `""` {
			return nil, protocol.New(protocol.CodeFieldMissing, field.name, "PSD-PAY-DEL-03", "")
		}
		if err := field.read(members[i]); err != nil {
			return nil, protocol.In(err, field.name)
		}
	}
	if m.signature, err = canon.DecodeBase64(signature); err != nil {
		return nil, protocol.In(err, memberSignature)
	}
	if err := checkKeyID(m.KeyID); err != nil {
		return nil, protocol.In(err, memberSigner)
	}
	if !covered {
		return nil, protocol.New(protocol.CodeFieldInvalid, memberCovered, "PSD-PAY-DEL-03", "the sorted names of all members but signature")
	}
	var ok bool
	if m.Algorithm, ok = ParseSignatureType(signatureType); !ok {
		return nil, protocol.New(protocol.CodeAlgorithmRefused, memberType, "", "ED25519 or ES256")
	}
	return m, nil
}

// text reads a string.
func text(into *string) func(member) error {
	return func(m member) error {
		s, ok := m.plainText()
		if !ok {
			return canon.Decode(m.value, into)
		}
		*into = s
		return nil
	}
}

// coversAll compares the declared list with the members. Both are in canonical
// form, so that equal lists are equal texts; what is no list of strings is an
// error.
func coversAll(covered member, members []member) (bool, error) {
	if bytes.Equal(covered.value, names(members)) {
		return true, nil
	}
	var list []string
	return false, canon.Decode(covered.value, &list)
}

// Decode reads the content, the members beside the four of the signature, into
// v as [canon.Decode] does: an unknown member is field_unknown. The values are
// as unverified as the message.
func (m *UnverifiedMessage) Decode(v any) error {
	return withJoined("", m.members, signatureMembers, func(content []byte) error { return canon.Decode(content, v) })
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
	valid := func(signed []byte) bool { return key.Verify(signed, m.signature) }
	if !withJoined(messagePrefix(kind), m.members, []string{memberSignature}, valid) {
		return protocol.New(protocol.CodeSignatureInvalid, memberSignature, "PSD-PAY-DEL-03", "")
	}
	return nil
}

// Signed returns the canonical form of the message without "signature": what
// [Message] puts behind the kind.
func (m *UnverifiedMessage) Signed() []byte { return join("", m.members, memberSignature) }

// ContentDigest returns the digest of the canonical form of the message
// without "signature" and the named members. Two transmissions of one request
// differ in nonce and timestamp only, and so have the same ContentDigest
// except "nonce" and "timestamp".
func (m *UnverifiedMessage) ContentDigest(except ...string) canon.Digest {
	return withJoined("", m.members, append([]string{memberSignature}, except...), canon.Sum)
}
