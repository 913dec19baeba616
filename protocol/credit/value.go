package credit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Source is the one source of what this package carries: credit that somebody
// else has lent, never the agent's own (TSD-CRD-MAP-01).
const Source = "ASSOCIATED_CREDIT"

// A MappingPolicy names the rule that made a mapped value, by an id that is
// unique within its credit service and a version that changes with the rule
// (TSD-CRD-MAP-04).
type MappingPolicy struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

func (p MappingPolicy) check(r *wire.Reader, field string) {
	identifier(r, field+".id", p.ID)
	text(r, field+".version", p.Version, maxIdentifier)
}

// A Mapped value with the two things without which it means nothing: the
// assertion it was made from and the rule that made it (TSD-CRD-MAP-02). Two
// of different rules or versions are not to be compared, and have no order here.
type Mapped struct {
	SubjectAssertionRef string
	Value               jsontext.Value // canonical
	Policy              MappingPolicy
}

// Equal reports whether all three elements are the same.
func (m Mapped) Equal(o Mapped) bool {
	return m.SubjectAssertionRef == o.SubjectAssertionRef && bytes.Equal(m.Value, o.Value) && m.Policy == o.Policy
}

// mappedValue checks the form of an associatedCreditValue that is there:
// anything but null and what is empty.
func mappedValue(r *wire.Reader, field string, v *jsontext.Value) {
	canonical, err := canon.Canonicalize(*v)
	if err != nil {
		r.Fail(field, err)
		return
	}
	switch string(canonical) {
	case `""`, "{}", "[]", "null":
		r.Invalid(field, "must not be empty")
	}
	*v = canonical
}

// A StatusQuery tells where the state of a credential is to be had. The issuer's
// signature does not cover it (TSD-CRD-ASC-03): a verifier asks where its
// configuration says, and never there.
type StatusQuery struct {
	URI    string `json:"uri"`
	Method string `json:"method,omitzero"` // GET where absent
}

func (q StatusQuery) check(r *wire.Reader) {
	reference(r, "statusQuery.uri", q.URI)
	if q.Method != "" {
		oneOf(r, "statusQuery.method", q.Method, "GET", "POST")
	}
}

// An AntiReplay makes a message single-use: a nonce, an idempotency key, or
// both. Each of them is used up on its own, whatever the other and the request
// id are.
type AntiReplay struct {
	Nonce          string `json:"nonce,omitzero"`          // 16 to 256 characters
	IdempotencyKey string `json:"idempotencyKey,omitzero"` // 8 to 256 characters
}

// NewAntiReplay makes a fresh nonce of 16 random bytes.
func NewAntiReplay() AntiReplay { return AntiReplay{Nonce: canon.Nonce()} }

func (a AntiReplay) check(r *wire.Reader, field string) {
	if a == (AntiReplay{}) {
		r.Require(field, "")
	}
	for _, e := range []struct {
		name, value string
		least       int
	}{{"nonce", a.Nonce, 16}, {"idempotencyKey", a.IdempotencyKey, 8}} {
		if n := utf8.RuneCountInString(e.value); e.value != "" && (n < e.least || n > 256) {
			r.Invalid(field+"."+e.name, "not of the length that the profile asks for")
		}
	}
}

// Elements are the values that are used up, each under a name of its kind.
func (a AntiReplay) Elements() []string {
	var out []string
	if a.Nonce != "" {
		out = append(out, "nonce "+a.Nonce)
	}
	if a.IdempotencyKey != "" {
		out = append(out, "key "+a.IdempotencyKey)
	}
	return out
}

// A Proof is a signature over the canonical form of a message without the
// member that holds the proof.
type Proof struct {
	Algorithm string `json:"signatureAlgorithm"`
	KeyID     string `json:"keyId,omitzero"`
	Value     string `json:"signatureValue"` // base64url, decoded when it is verified
}

func (p Proof) check(r *wire.Reader, field string) {
	constant(r, field+".signatureAlgorithm", p.Algorithm, Algorithm)
	optionalIdentifier(r, field+".keyId", p.KeyID)
	text(r, field+".signatureValue", p.Value, maxText)
}

// A PublicKey is a subject's key as credentials carry it: SubjectPublicKeyInfo
// in PEM. It says whose it is; whether that is so is found out elsewhere.
type PublicKey struct {
	KeyID  string `json:"keyId"`
	Format string `json:"format"`
	Value  string `json:"value"`
}

const pemFormat = "pem-spki"

// NewPublicKey writes the public key of a signer.
func NewPublicKey(s *keys.Signer) (PublicKey, error) {
	key, ok := s.Public().Crypto().(ed25519.PublicKey)
	if !ok {
		return PublicKey{}, protocol.New(protocol.CodeAlgorithmRefused, "subjectPublicKey", "TSD-CRD-ASC-05", "the profile signs with Ed25519")
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return PublicKey{}, protocol.Wrap(protocol.CodeFieldInvalid, "subjectPublicKey", "TSD-CRD-ASC-05", "", err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return PublicKey{KeyID: s.KeyID(), Format: pemFormat, Value: string(block)}, nil
}

// Key reads the key: exactly one PEM block of an Ed25519 key, and nothing
// around it.
func (k PublicKey) Key() (keys.PublicKey, error) {
	invalid := protocol.New(protocol.CodeFieldInvalid, "subjectPublicKey.value", "TSD-CRD-ASC-05", "must be an Ed25519 key in PEM (SubjectPublicKeyInfo)")
	block, rest := pem.Decode([]byte(k.Value))
	if block == nil || block.Type != "PUBLIC KEY" || len(block.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 ||
		!bytes.HasPrefix([]byte(k.Value), []byte("-----BEGIN PUBLIC KEY-----")) {
		return keys.PublicKey{}, invalid
	}
	key, _ := x509.ParsePKIXPublicKey(block.Bytes) // nil where there is none
	ed, ok := key.(ed25519.PublicKey)
	if !ok {
		return keys.PublicKey{}, invalid
	}
	public, err := keys.NewPublicKey(ed)
	return public, protocol.In(err, "subjectPublicKey.value")
}

func (k PublicKey) check(r *wire.Reader) {
	identifier(r, "subjectPublicKey.keyId", k.KeyID)
	constant(r, "subjectPublicKey.format", k.Format, pemFormat)
	_, err := k.Key()
	r.Fail("", err)
}
