package sealed

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// An Unverified is a message of the right form. Neither signature nor content
// has been looked at: it may come from anybody.
type Unverified struct {
	ID       string    // message id
	Sender   string    // DID, as the manifest claims
	KeyID    string    // absolute DID URL of the sender's key, under Sender
	IssuedAt time.Time // UTC
	Count    int       // of parts that the sender sealed, those left out included

	token    *keys.UnverifiedToken
	manifest string
	digests  []canon.Digest
	parts    []*encrypted
}

// Parse reads a message: strict JSON of at most 64 KiB, the closed forms of
// SPEC.md 8.3, at most MaxParts parts of at most MaxReaders readers, headers
// with exactly the profile's algorithms, and ephemeral keys that are points of
// their curve. Limits are checked first; no private key is used.
//
// It does not check the signature, the sender, or the time.
func Parse(raw []byte) (*Unverified, error) {
	var e envelope
	if err := canon.Decode(raw, &e); err != nil {
		return nil, err
	}
	if e.Manifest == "" {
		return nil, protocol.New(protocol.CodeFieldMissing, "manifest", "PRV-02", "")
	}
	token, err := keys.ParseCompact([]byte(e.Manifest), Type)
	if err != nil {
		return nil, protocol.In(err, "manifest")
	}
	u, err := parseManifest(token)
	if err != nil {
		return nil, protocol.In(err, "manifest")
	}
	u.manifest = e.Manifest
	if len(e.Parts) == 0 || len(e.Parts) > u.Count {
		return nil, protocol.New(protocol.CodeFieldInvalid, "parts", "PRV-02", "at least one part, and no more than were signed")
	}
	for _, text := range e.Parts {
		part, err := parseJWE(text, u.ID)
		if err != nil {
			return nil, protocol.In(err, "parts")
		}
		u.parts = append(u.parts, part)
	}
	return u, nil
}

func parseManifest(token *keys.UnverifiedToken) (*Unverified, error) {
	var m manifest
	if err := canon.Decode(token.Payload, &m); err != nil {
		return nil, err
	}
	r := wire.Reader{Requirement: "PRV-02"}
	r.ID("jti", m.ID)
	r.DID("iss", m.Issuer)
	r.Equal("iss", m.Issuer, wire.SignerDID(token.Header.KeyID))
	issued := r.NumericDate("iat", m.IssuedAt)
	if len(m.Parts) == 0 || len(m.Parts) > MaxParts {
		r.Fail("", protocol.New(protocol.CodeTooLarge, "parts", "", "1 to 8 parts"))
	}
	for i, d := range m.Parts {
		if _, err := canon.ParseDigest(string(d)); err != nil || !strings.HasPrefix(string(d), "sha-256:") {
			r.Invalid("parts", "digests by sha-256")
		}
		if slices.Contains(m.Parts[:i], d) {
			r.Invalid("parts", "no digest stands twice")
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return &Unverified{
		ID: m.ID, Sender: m.Issuer, KeyID: token.Header.KeyID, IssuedAt: issued, Count: len(m.Parts),
		token: token, digests: m.Parts,
	}, nil
}

// Without returns the message without those parts that keep is false for,
// by their place: for somebody who forwards a message and knows from elsewhere
// which part is whose. The signature stays good.
func (u *Unverified) Without(keep func(i int) bool) ([]byte, error) {
	e := envelope{Manifest: u.manifest}
	for i, p := range u.parts {
		if keep(i) {
			e.Parts = append(e.Parts, p.text)
		}
	}
	if len(e.Parts) == 0 {
		return nil, protocol.New(protocol.CodeFieldMissing, "parts", "PRV-02", "nothing would be left")
	}
	return canon.Marshal(e)
}

// A Message is one that was verified and as far opened as its reader may.
type Message struct {
	ID, Sender, KeyID string
	IssuedAt          time.Time
	Parts             []OpenPart // at least one
	Others            int        // parts that were sealed and not opened: for others, left out, or made unreadable on the way
}

// An OpenPart is a part that was for this reader.
type OpenPart struct {
	Name    string
	Content jsontext.Value // canonical JSON
	Readers []string       // DIDs of all who may read it, sorted
}

// Part returns the content of the part with that name, field_missing when the
// reader has none: it was not sealed, is not for this reader, or did not
// arrive.
func (m *Message) Part(name string) ([]byte, error) {
	for _, p := range m.Parts {
		if p.Name == name {
			return p.Content, nil
		}
	}
	return nil, protocol.New(protocol.CodeFieldMissing, "parts", "PRV-02", "no part of this name for this reader")
}

// Open verifies the signature by the sender's key and opens the parts that are
// for the reader, whose keys, of one DID, are all given: an older one still
// opens what was sealed for it. In every part that can be decrypted, message,
// sender and reader must be the right ones and the digest must be among the
// signed, or the whole message is refused.
//
// A message without any part for this reader is audience_mismatch. That
// KeyID is a key of Sender for one of the purposes agent-request, seller or
// proof is the caller's to know, as are the age of the message and whether its
// id was seen before.
func (u *Unverified) Open(sender keys.PublicKey, ring ...*keys.DecryptionKey) (*Message, error) {
	if err := checkRing(ring); err != nil {
		return nil, err
	}
	if err := u.token.Verify(sender); err != nil {
		return nil, protocol.In(err, "manifest")
	}
	m := &Message{ID: u.ID, Sender: u.Sender, KeyID: u.KeyID, IssuedAt: u.IssuedAt}
	left := slices.Clone(u.digests)
	for _, e := range u.parts {
		plaintext, err := e.decrypt(ring)
		if err != nil {
			return nil, protocol.In(err, "parts")
		}
		if plaintext == nil {
			continue
		}
		part, digest, err := u.read(plaintext, ring[0].DID())
		if err != nil {
			return nil, protocol.In(err, "parts")
		}
		i := slices.Index(left, digest)
		if i < 0 {
			return nil, protocol.New(protocol.CodeSignatureInvalid, "parts", "PRV-02", "a part that is not signed, or stands twice")
		}
		left = slices.Delete(left, i, i+1)
		if _, err := m.Part(part.Name); err == nil {
			return nil, protocol.New(protocol.CodeClaimsConflict, "parts", "PRV-02", "two parts with one name")
		}
		m.Parts = append(m.Parts, part)
	}
	if len(m.Parts) == 0 {
		return nil, protocol.New(protocol.CodeAudienceMismatch, "parts", "PRV-02", "no part for this reader")
	}
	m.Others = len(left)
	return m, nil
}

func checkRing(ring []*keys.DecryptionKey) error {
	if len(ring) == 0 || len(ring) > MaxReaders || slices.Contains(ring, nil) {
		return protocol.New(protocol.CodeFieldInvalid, "keys", "PRV-02", "1 to 8 keys")
	}
	for _, k := range ring {
		if k.DID() != ring[0].DID() {
			return protocol.New(protocol.CodeFieldInvalid, "keys", "PRV-02", "keys of one reader")
		}
	}
	return nil
}

// read reads a plaintext and checks for whom it is.
func (u *Unverified) read(plaintext []byte, reader string) (OpenPart, canon.Digest, error) {
	var c content
	if err := canon.Decode(plaintext, &c); err != nil {
		return OpenPart{}, "", err
	}
	canonical, err := canon.Canonicalize(bytes.TrimRight(plaintext, " "))
	if err != nil {
		return OpenPart{}, "", err
	}
	value, err := canon.Canonicalize(c.Content)
	if err != nil {
		return OpenPart{}, "", protocol.New(protocol.CodeFieldMissing, "content", "PRV-02", "")
	}
	r := wire.Reader{Requirement: "PRV-02"}
	r.Equal("message_id", c.MessageID, u.ID)
	r.Equal("sender", c.Sender, u.Sender)
	if salt, err := canon.DecodeBase64(c.Salt); r.Require("salt", c.Salt) && (err != nil || len(salt) != saltSize) {
		r.Invalid("salt", "32 bytes in base64url")
	}
	if r.Require("name", c.Name) && !validName(c.Name) {
		r.Invalid("name", "1 to 64 of [a-z0-9_]")
	}
	if len(c.Readers) == 0 {
		r.Fail("", protocol.New(protocol.CodeFieldMissing, "readers", "", ""))
	}
	if len(c.Readers) > MaxReaders || !slices.IsSorted(c.Readers) || len(slices.Compact(slices.Clone(c.Readers))) != len(c.Readers) {
		r.Invalid("readers", "at most 8, sorted, none twice")
	}
	if !slices.Contains(c.Readers, reader) {
		r.Fail("", protocol.New(protocol.CodeAudienceMismatch, "readers", "", "sealed for other readers"))
	}
	return OpenPart{Name: c.Name, Content: value, Readers: c.Readers}, canon.Sum(canonical), r.Err()
}
