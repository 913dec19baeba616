package sealed

import (
	"bytes"
	"crypto/rand"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The limits of a message, next to the 64 KiB of SPEC.md 1.1.
const (
	MaxParts   = 8
	MaxReaders = 8 // of one part
)

// Type is the typ of a manifest. Its signer has a key for agent-request,
// seller or proof.
const Type = "act-sealed+jwt"

const (
	saltSize = 32  // bytes
	block    = 256 // plaintexts are padded to multiples of this, in bytes
)

// A Payload is what is to be sealed.
type Payload struct {
	// ID names the message, by SPEC.md 1.7: the id of the request or order
	// that it belongs to, or [canon.UUID].
	ID       string
	IssuedAt time.Time // whole seconds are written
	Parts    []Part    // 1 to MaxParts
}

// A Part is something that some parties read and others do not.
type Part struct {
	Name    string // what it is: 1 to 64 of [a-z0-9_], no two parts alike
	Content []byte // strict JSON without null
	// Readers are 1 to MaxReaders keys of different parties, for example of
	// [identity.Document.EncryptionKey].
	Readers []identity.EncryptionKey
}

// envelope is the whole message.
type envelope struct {
	Manifest string           `json:"manifest"`
	Parts    []jsontext.Value `json:"parts"`
}

// manifest is what is signed.
type manifest struct {
	IssuedAt int64          `json:"iat"`
	Issuer   string         `json:"iss"`
	ID       string         `json:"jti"`
	Parts    []canon.Digest `json:"parts"`
}

// content is the plaintext of a part. It repeats message and sender, so that
// neither another message nor another signer can adopt it.
type content struct {
	Content   jsontext.Value `json:"content"`
	MessageID string         `json:"message_id"`
	Name      string         `json:"name"`
	Readers   []string       `json:"readers"` // DIDs, sorted
	Salt      string         `json:"salt"`
	Sender    string         `json:"sender"`
}

// Seal signs a payload and encrypts its parts (PRV-02). The signer's purpose is
// agent-request, seller or proof. Whether the readers' keys are theirs, and
// still in use, is the caller's to know.
func Seal(s *keys.Signer, p Payload) ([]byte, error) {
	if s == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "signer", "PRV-02", "")
	}
	if err := checkPayload(s, &p); err != nil {
		return nil, err
	}
	signed := manifest{IssuedAt: p.IssuedAt.Unix(), Issuer: s.DID(), ID: p.ID}
	var out envelope
	for i := range p.Parts {
		digest, jwe, err := sealPart(&p.Parts[i], p.ID, s.DID())
		if err != nil {
			return nil, protocol.In(err, "parts")
		}
		signed.Parts, out.Parts = append(signed.Parts, digest), append(out.Parts, jwe)
	}
	text, err := canon.Marshal(signed)
	if err != nil {
		return nil, err
	}
	token, err := keys.SignCompact(s, s.Purpose(), Type, text)
	if err != nil {
		return nil, err
	}
	out.Manifest = string(token)
	message, err := canon.Marshal(out)
	if err != nil {
		return nil, err
	}
	if len(message) > canon.DefaultMaxBytes {
		return nil, protocol.New(protocol.CodeTooLarge, "", "PRV-02", "a message has at most 64 KiB")
	}
	return message, nil
}

func checkPayload(s *keys.Signer, p *Payload) error {
	if !mayseal(s.Purpose()) {
		return protocol.New(protocol.CodeKeyPurpose, "signer", "ADD-IAC-ISS-12", "a key for agent-request, seller or proof")
	}
	if err := canon.CheckID(p.ID); err != nil {
		return protocol.In(err, "id")
	}
	if p.IssuedAt.Unix() <= 0 {
		return protocol.New(protocol.CodeFieldMissing, "issued_at", "PRV-02", "")
	}
	if len(p.Parts) == 0 || len(p.Parts) > MaxParts {
		return protocol.New(protocol.CodeTooLarge, "parts", "PRV-02", "1 to 8 parts")
	}
	for i := range p.Parts {
		if !validName(p.Parts[i].Name) {
			return protocol.New(protocol.CodeFieldInvalid, "parts", "PRV-02", "a name is 1 to 64 of [a-z0-9_]")
		}
		if slices.ContainsFunc(p.Parts[:i], func(o Part) bool { return o.Name == p.Parts[i].Name }) {
			return protocol.New(protocol.CodeFieldInvalid, "parts", "PRV-02", "no two parts with one name")
		}
	}
	return nil
}

func mayseal(p keys.Purpose) bool {
	return p == keys.AgentRequest || p == keys.Seller || p == keys.Proof
}

func validName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func sealPart(p *Part, id, sender string) (canon.Digest, []byte, error) {
	readers, to, err := splitReaders(p.Readers)
	if err != nil {
		return "", nil, protocol.In(err, "readers")
	}
	if err := canon.Check(p.Content); err != nil {
		return "", nil, protocol.In(err, "content")
	}
	var salt [saltSize]byte
	rand.Read(salt[:]) // never fails
	plaintext, err := canon.Marshal(content{
		Content: p.Content, MessageID: id, Name: p.Name, Readers: readers, Salt: canon.EncodeBase64(salt[:]), Sender: sender,
	})
	if err != nil {
		return "", nil, err
	}
	digest := canon.Sum(plaintext)
	padded := append(plaintext, bytes.Repeat([]byte{' '}, (block-len(plaintext)%block)%block)...)
	g, err := encrypt(padded, id, to)
	if err != nil {
		return "", nil, err
	}
	jwe, err := canon.Marshal(g)
	return digest, jwe, err
}

// splitReaders returns the DIDs, sorted, and the keys, in the order of their
// DIDs, so that the order tells nothing.
func splitReaders(in []identity.EncryptionKey) (dids []string, to []keys.EncryptionKey, err error) {
	if len(in) == 0 || len(in) > MaxReaders {
		return nil, nil, protocol.New(protocol.CodeTooLarge, "", "PRV-02", "1 to 8 readers")
	}
	byDID := make(map[string]keys.EncryptionKey, len(in))
	for _, k := range in {
		did, _, err := identity.ParseKeyID(k.ID)
		if err != nil {
			return nil, nil, protocol.In(err, "id")
		}
		if _, twice := byDID[did.String()]; twice || k.Public.IsZero() || k.Compromised {
			return nil, nil, protocol.New(protocol.CodeFieldInvalid, "", "PRV-02", "one usable key for each reader")
		}
		byDID[did.String()] = k.Public
		dids = append(dids, did.String())
	}
	slices.Sort(dids)
	for _, did := range dids {
		to = append(to, byDID[did])
	}
	return dids, to, nil
}
