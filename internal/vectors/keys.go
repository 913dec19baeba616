package vectors

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// stream is an endless stream of bytes that depends on a label alone: HMAC of a
// counter, by the label. Keys, salts and nonces of the vectors come from it, and
// everybody may know them.
type stream struct {
	label   string
	counter uint64
	rest    []byte
}

func (s *stream) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		if len(s.rest) == 0 {
			mac := hmac.New(sha256.New, []byte("act-go vectors "+s.label))
			mac.Write(binary.BigEndian.AppendUint64(nil, s.counter))
			s.counter++
			s.rest = mac.Sum(nil)
		}
		k := copy(p[n:], s.rest)
		s.rest, n = s.rest[k:], n+k
	}
	return len(p), nil
}

// random returns the stream of a label.
func random(label string) io.Reader { return &stream{label: label} }

// bytesOf returns the first n bytes of the stream of a label.
func bytesOf(label string, n int) []byte {
	p := make([]byte, n)
	random(label).Read(p)
	return p
}

// nonce returns a nonce of the form of SPEC.md 1.7.
func nonce(label string) string { return canon.EncodeBase64(bytesOf("nonce "+label, 16)) }

// scalar returns a private key of P-256: 32 bytes, which are in [1, n-1] but for
// one chance in 2^32.
func scalar(label string) []byte { return bytesOf("key "+label, 32) }

// key returns the private key of a name, one for each algorithm.
func (b *builder) key(name string, alg keys.Algorithm) crypto.Signer {
	if alg == keys.EdDSA {
		return ed25519.NewKeyFromSeed(bytesOf("key "+name, ed25519.SeedSize))
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar(name))
	if err != nil {
		b.fail(name, "%w", err)
	}
	return repeatable{private}
}

// repeatable signs the same with the same bytes (RFC 6979), which the standard
// library does when it is given no randomness.
type repeatable struct{ *ecdsa.PrivateKey }

func (r repeatable) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.PrivateKey.Sign(nil, digest, opts)
}

// signer returns a signer by its key id, whose private key comes from that id:
// a key id names one key. See documentOf for the document that has it.
func (b *builder) signer(keyID string, purpose keys.Purpose, alg keys.Algorithm) *keys.Signer {
	s, err := keys.NewSigner(keyID, purpose, b.key(keyID, alg))
	if err != nil {
		b.fail(keyID, "%w", err)
	}
	return s
}

// jwk returns the public key of a signer, as a JSON object.
func jwk(s *keys.Signer) obj { return object(s.Public().JWK()) }

// privateJWK returns the private key of a key id as a JWK, for operations that
// sign.
func (b *builder) privateJWK(keyID string, alg keys.Algorithm) obj {
	s := b.signer(keyID, keys.AgentRequest, alg)
	private := jwk(s)
	private["d"] = canon.EncodeBase64(bytesOf("key "+keyID, 32))
	return private
}

// decryption returns the private key of a key id for which others seal.
func (b *builder) decryption(keyID string, curve ecdh.Curve) *keys.DecryptionKey {
	private, err := curve.NewPrivateKey(scalar(keyID))
	if err != nil {
		b.fail(keyID, "%w", err)
		return nil
	}
	k, err := keys.NewDecryptionKey(keyID, private)
	if err != nil {
		b.fail(keyID, "%w", err)
	}
	return k
}

// entry is an entry of verificationMethod for a signer. A caller may change it:
// "actValidFrom", "actCompromised" and so on.
func entry(s *keys.Signer) obj {
	return obj{
		"id": s.KeyID(), "type": "JsonWebKey", "controller": s.DID(),
		"publicKeyJwk": jwk(s), "actPurpose": string(s.Purpose()),
	}
}

// encryptionEntry is an entry for a key for which others seal.
func encryptionEntry(k *keys.DecryptionKey) obj {
	return obj{
		"id": k.KeyID(), "type": "JsonWebKey", "controller": k.DID(),
		"publicKeyJwk": object(k.Public().JWK()), "actPurpose": string(keys.Encryption),
	}
}

// document is a DID document with entries.
func document(did string, entries ...obj) obj {
	methods := list{}
	for _, e := range entries {
		methods = append(methods, e)
	}
	return obj{"@context": list{"https://www.w3.org/ns/did/v1"}, "id": did, "verificationMethod": methods}
}

// documents is the input member of that name: the documents that a resolver
// would find, by DID, with the keys of the signers.
func documents(signers ...*keys.Signer) obj {
	entries := map[string][]obj{}
	for _, s := range signers {
		entries[s.DID()] = append(entries[s.DID()], entry(s))
	}
	all := obj{}
	for did, e := range entries {
		if parsed, err := identity.ParseDID(did); err == nil && parsed.Method() != identity.MethodKey {
			all[did] = document(did, e...)
		}
	}
	return all
}

// object reads JSON that we wrote ourselves.
func object(data []byte) obj {
	var o obj
	if err := canon.Decode(data, &o); err != nil {
		return obj{"unreadable": jsontext.Value(data)}
	}
	return o
}
