package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// A Signer signs with one private key, for one purpose, under one key id. It
// may be used by several goroutines when the crypto.Signer below it may; those
// of the standard library may.
type Signer struct {
	keyID   string
	purpose Purpose
	private crypto.Signer
	public  PublicKey
	remote  bool // not a key of the standard library: a KMS, an HSM, a test double
}

// NewSigner makes a signer of any crypto.Signer: a key in memory, an agent, a
// KMS or HSM client. keyID is the absolute DID URL under which verifiers find
// the public key with exactly this purpose; whether they do is not checked
// here.
func NewSigner(keyID string, purpose Purpose, s crypto.Signer) (*Signer, error) {
	if err := checkKeyID(keyID); err != nil {
		return nil, protocol.In(err, "key_id")
	}
	if !purpose.Known() || purpose == Encryption {
		return nil, protocol.New(protocol.CodeKeyPurpose, "purpose", "ADD-IAC-ISS-12", "not a purpose of a signing key")
	}
	if s == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "signer", "", "")
	}
	public, err := NewPublicKey(s.Public())
	if err != nil {
		return nil, protocol.In(err, "signer")
	}
	signer := &Signer{keyID: keyID, purpose: purpose, private: s, public: public, remote: true}
	switch s.(type) {
	case ed25519.PrivateKey, *ecdsa.PrivateKey:
		signer.remote = false
	}
	return signer, nil
}

// KeyID returns the absolute DID URL of the key.
func (s *Signer) KeyID() string { return s.keyID }

// DID returns the DID of the signer: the key id up to the fragment.
func (s *Signer) DID() string {
	did, _, _ := strings.Cut(s.keyID, "#")
	return did
}

// Purpose returns the one purpose of the key.
func (s *Signer) Purpose() Purpose { return s.purpose }

// Public returns the public key.
func (s *Signer) Public() PublicKey { return s.public }

// Sign signs message. The caller names the purpose that the message needs, and
// a key of another purpose is refused with key_purpose (ADD-IAC-ISS-12). The
// result is always 64 bytes, for ES256 r and s.
//
// Sign adds no domain separation; see [SignCompact], [SignMessage] and
// [Message] for that. When the key is not one of the standard library's, the
// signature is verified before it is returned, so that a key service that
// answers with another key, or not at all well, is noticed here and not by the
// other side; that, and an error of the service, is service_unavailable.
func (s *Signer) Sign(purpose Purpose, message []byte) ([]byte, error) {
	if purpose != s.purpose {
		return nil, protocol.New(protocol.CodeKeyPurpose, "", "ADD-IAC-ISS-12", "this key signs for another purpose")
	}
	sig, err := s.raw(message)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the private key could not be used", err)
	}
	if s.remote && !s.public.Verify(message, sig) {
		return nil, protocol.New(protocol.CodeServiceUnavailable, "", "", "the key service made a signature that does not verify")
	}
	return sig, nil
}

func (s *Signer) raw(message []byte) ([]byte, error) {
	if s.public.alg == EdDSA {
		return s.private.Sign(rand.Reader, message, crypto.Hash(0))
	}
	digest := sha256.Sum256(message)
	der, err := s.private.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	sig, ok := fromDER(der)
	if !ok {
		return nil, protocol.New(protocol.CodeSignatureInvalid, "", "", "not a DER signature")
	}
	return sig, nil
}

// Format writes key id and purpose whatever the verb, so that no private key
// is printed by a careless %+v.
func (s *Signer) Format(f fmt.State, _ rune) {
	if s == nil {
		fmt.Fprint(f, "no signer")
		return
	}
	fmt.Fprintf(f, "signer %s for %s", s.keyID, string(s.purpose))
}

// Generate makes a new private key in memory: an ed25519.PrivateKey or an
// *ecdsa.PrivateKey.
func Generate(alg Algorithm) (crypto.Signer, error) {
	switch alg {
	case EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		return nil, protocol.New(protocol.CodeAlgorithmRefused, "", "", "EdDSA or ES256")
	}
}

// maxKeyID bounds a key id: a host name, a name and a fragment fit easily.
const maxKeyID = 512

// checkKeyID checks the outer form of an absolute DID URL with a fragment:
// "did:", a method, an id, "#", a fragment. Package identity knows the rules
// of the methods.
func checkKeyID(s string) error {
	if s == "" {
		return protocol.New(protocol.CodeFieldMissing, "", "IDN-02", "")
	}
	invalid := protocol.New(protocol.CodeFieldInvalid, "", "IDN-02", "an absolute DID URL with a fragment")
	rest, ok := strings.CutPrefix(s, "did:")
	if !ok || len(s) > maxKeyID {
		return invalid
	}
	did, fragment, ok := strings.Cut(rest, "#")
	if !ok || fragment == "" || strings.Contains(fragment, "#") {
		return invalid
	}
	method, id, ok := strings.Cut(did, ":")
	if !ok || method == "" || id == "" {
		return invalid
	}
	for _, c := range []byte(rest) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '?' {
			return invalid
		}
	}
	return nil
}
