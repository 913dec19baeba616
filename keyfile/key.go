package keyfile

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"fmt"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Key is a private key, the id under which others find the public one, and
// the one purpose it has.
type Key struct {
	id      string
	purpose keys.Purpose
	private crypto.Signer // ed25519.PrivateKey or *ecdsa.PrivateKey
	public  keys.PublicKey
}

// Generate makes a new key. An empty keyID makes a did:key of it, which needs
// no document and serves agent-request only; otherwise keyID is an absolute DID
// URL, and the key is of use once the document of that DID holds it.
func Generate(alg keys.Algorithm, keyID string, purpose keys.Purpose) (*Key, error) {
	private, err := keys.Generate(alg)
	if err != nil {
		return nil, err
	}
	return newKey(keyID, purpose, private)
}

// newKey checks that id, purpose and key go together.
func newKey(keyID string, purpose keys.Purpose, private crypto.Signer) (*Key, error) {
	public, err := keys.NewPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	if keyID == "" {
		if keyID, err = didKeyID(public); err != nil {
			return nil, err
		}
	}
	if err := checkIdentifier(keyID, purpose, public); err != nil {
		return nil, err
	}
	return &Key{id: keyID, purpose: purpose, private: private, public: public}, nil
}

func didKeyID(public keys.PublicKey) (string, error) {
	did, err := identity.DIDFromKey(public)
	if err != nil {
		return "", err
	}
	doc, err := identity.ResolveKeyDID(did)
	if err != nil {
		return "", err
	}
	return doc.Keys[0].ID, nil
}

// checkIdentifier: a known purpose of signing, and a did:key that is this key.
func checkIdentifier(keyID string, purpose keys.Purpose, public keys.PublicKey) error {
	did, _, err := identity.ParseKeyID(keyID)
	if err != nil {
		return protocol.In(err, "key_id")
	}
	if !purpose.Known() || purpose == keys.Encryption {
		return protocol.New(protocol.CodeKeyPurpose, "purpose", "ADD-IAC-ISS-12", "one of the purposes of signing keys")
	}
	if did.Method() != identity.MethodKey {
		return nil
	}
	if purpose != keys.AgentRequest {
		return protocol.New(protocol.CodeKeyPurpose, "purpose", "ADD-IAC-ISS-12", "did:key serves agent-request only")
	}
	if own, err := didKeyID(public); err != nil || own != keyID {
		return protocol.New(protocol.CodeClaimsConflict, "key_id", "IDN-02", "the did:key of another key")
	}
	return nil
}

// ID returns the absolute DID URL of the key.
func (k *Key) ID() string { return k.id }

// Purpose returns the one purpose of the key.
func (k *Key) Purpose() keys.Purpose { return k.purpose }

// Public returns the public key.
func (k *Key) Public() keys.PublicKey { return k.public }

// Signer returns the key ready to sign, with its id and purpose.
func (k *Key) Signer() (*keys.Signer, error) { return keys.NewSigner(k.id, k.purpose, k.private) }

// Format writes id and purpose whatever the verb, so that no private key is
// printed by a careless %+v.
func (k *Key) Format(f fmt.State, _ rune) {
	if k == nil {
		fmt.Fprint(f, "no key")
		return
	}
	fmt.Fprintf(f, "key %s for %s", k.id, string(k.purpose))
}

// secret returns the 32 bytes of the private key: the seed of Ed25519 (RFC
// 8032), or the scalar of P-256, big-endian.
func (k *Key) secret() ([]byte, error) {
	switch p := k.private.(type) {
	case ed25519.PrivateKey:
		return p.Seed(), nil
	case *ecdsa.PrivateKey:
		return p.Bytes()
	}
	return nil, protocol.New(protocol.CodeAlgorithmRefused, "private", "", "keys are Ed25519 or ECDSA P-256")
}

func fromSecret(alg keys.Algorithm, secret []byte) (crypto.Signer, error) {
	if len(secret) == 32 {
		switch alg {
		case keys.EdDSA:
			return ed25519.NewKeyFromSeed(secret), nil
		case keys.ES256:
			if p, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret); err == nil {
				return p, nil
			}
		}
	}
	return nil, protocol.New(protocol.CodeFieldInvalid, "private", "", "not a private key of 32 bytes")
}
