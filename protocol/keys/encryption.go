package keys

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// An EncryptionKey is a public key for which somebody else may encrypt: a
// point of P-256 or X25519 (SPEC.md 8.3). It is immutable and may be copied;
// the zero value encrypts for nobody.
//
// It is a type of its own so that a key that receives can never be used where
// a signature is verified, and the reverse (ADD-IAC-ISS-12).
type EncryptionKey struct{ point *ecdh.PublicKey }

// NewEncryptionKey takes a public key on P-256 or X25519. X25519 points of
// small order, for which everybody knows the shared secret, and points in a
// form that is not canonical are refused with field_invalid.
func NewEncryptionKey(point *ecdh.PublicKey) (EncryptionKey, error) {
	switch {
	case point == nil:
		return EncryptionKey{}, protocol.New(protocol.CodeFieldMissing, "", "PRV-02", "")
	case point.Curve() == ecdh.P256():
		return EncryptionKey{point}, nil
	case point.Curve() == ecdh.X25519():
		if !validX25519(point) {
			return EncryptionKey{}, protocol.New(protocol.CodeFieldInvalid, "", "PRV-02", "not an X25519 public key")
		}
		return EncryptionKey{point}, nil
	default:
		return EncryptionKey{}, protocol.New(protocol.CodeAlgorithmRefused, "", "PRV-02", "encryption keys are on P-256 or X25519")
	}
}

// validX25519 refuses a coordinate of p = 2^255-19 or more, which RFC 7748
// reads as a smaller one, so that one key has one form; and the points of small
// order on the curve and its twist, with which every private key agrees on zero.
func validX25519(point *ecdh.PublicKey) bool {
	u := point.Bytes()
	if u[31] > 0x7f || u[31] == 0x7f && u[0] >= 0xed && !slices.ContainsFunc(u[1:31], func(b byte) bool { return b != 0xff }) {
		return false
	}
	for _, small := range smallOrder {
		if string(u) == small {
			return false
		}
	}
	return true
}

// smallOrder are the canonical coordinates of the points of order 1, 2, 4 and 8:
// 0, 1, -1, and two that have no short name.
var smallOrder = [...]string{
	strings.Repeat("\x00", 32),
	"\x01" + strings.Repeat("\x00", 31),
	"\xec" + strings.Repeat("\xff", 30) + "\x7f",
	"\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a\xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00",
	"\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b\x04\x44\x5c\xc4\x58\x1c\x8e\x86\xd8\x22\x4e\xdd\xd0\x9f\x11\x57",
}

// ParseEncryptionJWK reads a public key in JWK form: RFC 8037 (OKP, X25519) or
// RFC 7518, 6.2 (EC, P-256). As in [ParseJWK], private members are refused,
// coordinates have their full 32 bytes in strict base64url, and "use" and
// "key_ops", when they are there, must allow what the key is for: deriving.
// "alg", when it is there, is the profile's "ECDH-ES+A256KW". Other members are
// ignored.
func ParseEncryptionJWK(data []byte) (EncryptionKey, error) {
	j, err := decodePublicJWK(data)
	if err != nil {
		return EncryptionKey{}, err
	}
	key, err := j.encryptionKey()
	if err != nil {
		return EncryptionKey{}, err
	}
	derives := func(op string) bool { return op == "deriveKey" || op == "deriveBits" }
	switch {
	case j.Alg != nil && *j.Alg != KeyAgreement:
		return EncryptionKey{}, protocol.New(protocol.CodeAlgorithmRefused, "alg", "PRV-02", "not the algorithm of the profile")
	case j.Use != nil && *j.Use != "enc":
		return EncryptionKey{}, protocol.New(protocol.CodeKeyPurpose, "use", "PRV-02", "not a key for encryption")
	case j.KeyOps != nil && (len(*j.KeyOps) > 0 && !slices.ContainsFunc(*j.KeyOps, derives)):
		return EncryptionKey{}, protocol.New(protocol.CodeKeyPurpose, "key_ops", "PRV-02", "not a key for deriving")
	}
	return key, nil
}

// KeyAgreement is the JOSE name of the one way in which a key is agreed with an
// [EncryptionKey]: ephemeral-static Diffie-Hellman, whose result wraps the
// content key (RFC 7518, 4.6).
const KeyAgreement = "ECDH-ES+A256KW"

func (j *jwk) encryptionKey() (EncryptionKey, error) {
	var curve ecdh.Curve
	switch {
	case j.Kty == "":
		return EncryptionKey{}, protocol.New(protocol.CodeFieldMissing, "kty", "PRV-02", "")
	case j.Kty == "OKP" && j.Crv == "X25519":
		curve = ecdh.X25519()
		if j.Y != nil {
			return EncryptionKey{}, protocol.New(protocol.CodeFieldInvalid, "y", "PRV-02", "an OKP key has no y")
		}
	case j.Kty == "EC" && j.Crv == "P-256":
		curve = ecdh.P256()
		if j.Y == nil {
			return EncryptionKey{}, protocol.New(protocol.CodeFieldMissing, "y", "PRV-02", "")
		}
	default:
		return EncryptionKey{}, protocol.New(protocol.CodeAlgorithmRefused, "kty", "PRV-02", "keys are OKP X25519 or EC P-256")
	}
	raw, err := coordinate(j.X, "x")
	if err != nil {
		return EncryptionKey{}, err
	}
	if j.Y != nil {
		y, err := coordinate(*j.Y, "y")
		if err != nil {
			return EncryptionKey{}, err
		}
		raw = slices.Concat([]byte{4}, raw, y)
	}
	point, err := curve.NewPublicKey(raw) // checks that it is on P-256
	if err != nil {
		return EncryptionKey{}, protocol.Wrap(protocol.CodeFieldInvalid, "x", "PRV-02", "not a point of the curve", err)
	}
	key, err := NewEncryptionKey(point)
	return key, protocol.In(err, "x")
}

// IsZero reports whether k is the zero value.
func (k EncryptionKey) IsZero() bool { return k.point == nil }

// ECDH returns the key for crypto/ecdh, nil for the zero value.
func (k EncryptionKey) ECDH() *ecdh.PublicKey { return k.point }

// Equal reports whether both are the same key. Two zero values are equal.
func (k EncryptionKey) Equal(other EncryptionKey) bool {
	if k.point == nil || other.point == nil {
		return k.point == other.point
	}
	return k.point.Equal(other.point)
}

// SharesPoint reports whether k and a verification key are the same point of
// P-256: one key that would serve two purposes (ADD-IAC-ISS-12).
func (k EncryptionKey) SharesPoint(p PublicKey) bool {
	return k.point != nil && p.alg == ES256 && k.point.Curve() == ecdh.P256() && bytes.Equal(k.point.Bytes()[1:], p.raw)
}

// JWK returns the key's required members in canonical form, nil for the zero
// value.
func (k EncryptionKey) JWK() []byte {
	if k.point == nil {
		return nil
	}
	raw := k.point.Bytes()
	if k.point.Curve() == ecdh.X25519() {
		return []byte(`{"crv":"X25519","kty":"OKP","x":"` + canon.EncodeBase64(raw) + `"}`)
	}
	return []byte(`{"crv":"P-256","kty":"EC","x":"` + canon.EncodeBase64(raw[1:33]) + `","y":"` + canon.EncodeBase64(raw[33:]) + `"}`)
}

// MarshalJSONTo writes the key as JWK. The zero value cannot be written.
func (k EncryptionKey) MarshalJSONTo(enc *jsontext.Encoder) error {
	if k.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "", "PRV-02", "no key")
	}
	return enc.WriteValue(k.JWK())
}

// String returns curve and JWK thumbprint (RFC 7638), for logs.
func (k EncryptionKey) String() string {
	if k.IsZero() {
		return "no key"
	}
	sum := sha256.Sum256(k.JWK())
	return fmt.Sprint(k.point.Curve(), " ", canon.EncodeBase64(sum[:]))
}

// A DecryptionKey is the private half of an [EncryptionKey]. It may be used by
// several goroutines when the key below it may; those of the standard library
// may.
type DecryptionKey struct {
	keyID   string
	private ecdh.KeyExchanger
	public  EncryptionKey
}

// NewDecryptionKey makes a decryption key of an *ecdh.PrivateKey, or of the
// client of a KMS or HSM, on P-256 or X25519. keyID is the absolute DID URL
// under which others find the public key with the purpose encryption.
func NewDecryptionKey(keyID string, private ecdh.KeyExchanger) (*DecryptionKey, error) {
	if err := checkKeyID(keyID); err != nil {
		return nil, protocol.In(err, "key_id")
	}
	if private == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "private", "PRV-02", "")
	}
	public, err := NewEncryptionKey(private.PublicKey())
	if err != nil {
		return nil, protocol.In(err, "private")
	}
	return &DecryptionKey{keyID: keyID, private: private, public: public}, nil
}

// GenerateDecryption makes a new private key on ecdh.P256() or ecdh.X25519().
func GenerateDecryption(keyID string, curve ecdh.Curve) (*DecryptionKey, error) {
	if curve != ecdh.P256() && curve != ecdh.X25519() {
		return nil, protocol.New(protocol.CodeAlgorithmRefused, "", "PRV-02", "P-256 or X25519")
	}
	private, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "no randomness", err)
	}
	return NewDecryptionKey(keyID, private)
}

// KeyID returns the absolute DID URL of the key.
func (k *DecryptionKey) KeyID() string { return k.keyID }

// DID returns the DID of the reader: the key id up to the fragment.
func (k *DecryptionKey) DID() string {
	did, _, _ := strings.Cut(k.keyID, "#")
	return did
}

// Public returns the public half.
func (k *DecryptionKey) Public() EncryptionKey { return k.public }

// Agree returns the shared secret with an ephemeral key on the same curve.
// Keys of another curve are algorithm_refused. A secret that is all zero never
// leaves crypto/ecdh and is field_invalid, as is any other failure of a key of
// the standard library; that of a key service is service_unavailable.
func (k *DecryptionKey) Agree(ephemeral EncryptionKey) ([]byte, error) {
	if ephemeral.IsZero() || ephemeral.point.Curve() != k.public.point.Curve() {
		return nil, protocol.New(protocol.CodeAlgorithmRefused, "epk", "PRV-02", "a key on another curve")
	}
	secret, err := k.private.ECDH(ephemeral.point)
	if err == nil && len(secret) == 32 {
		return secret, nil
	}
	if _, local := k.private.(*ecdh.PrivateKey); local {
		return nil, protocol.Wrap(protocol.CodeFieldInvalid, "epk", "PRV-02", "not a usable key", err)
	}
	return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "", "PRV-02", "the private key could not be used", err)
}

// Format writes the key id whatever the verb, so that no private key is
// printed by a careless %+v.
func (k *DecryptionKey) Format(f fmt.State, _ rune) {
	if k == nil {
		fmt.Fprint(f, "no decryption key")
		return
	}
	fmt.Fprintf(f, "decryption key %s", k.keyID)
}
