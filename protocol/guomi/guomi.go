// Package guomi has SM2 signatures and SM3 digests, for parties that must use
// the Chinese national algorithms (SPEC.md 8.6). It is apart from package keys,
// so that nobody who does not import it pays for it: neither in dependencies,
// nor by an algorithm that a message could ask for.
//
//	err := keys.VerifyDetached(signatureType, jwk, message, sig, guomi.Suite{})
//
// [Suite] is passed as a value to what may use it. It serves records that name
// their algorithm themselves; mandates, payments and A402 do not take it.
//
// Nothing here knows whose a key is, or what for. Promise: signatures are r and
// s of 32 bytes each and never DER, with the identity of GM/T 0009; points that
// are not on the curve are refused; no error and no printed value contains key
// material.
package guomi

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	// SignatureType is the name of SM2 with SM3 in signature_type.
	SignatureType = "SM2"
	// DigestName stands before the colon of a digest.
	DigestName = "sm3"
	// SignatureSize is the length of r and s together, in bytes.
	SignatureSize = 64
	// identity is the one that GM/T 0009 gives to signers without one of
	// their own. It is hashed into every signature.
	identity = "1234567812345678"
)

// Digest returns the SM3 digest of data: "sm3:" and 43 characters of base64url
// (GM/T 0004, SPEC.md 8.6).
func Digest(data []byte) canon.Digest {
	sum := sm3.Sum(data)
	return canon.Digest(DigestName + ":" + canon.EncodeBase64(sum[:]))
}

// Suite is the [keys.Suite] of SM2 and SM3.
type Suite struct{}

var _ keys.Suite = Suite{}

// SignatureType returns the constant SignatureType.
func (Suite) SignatureType() string { return SignatureType }

// DigestName returns the constant DigestName.
func (Suite) DigestName() string { return DigestName }

// Digest is the function Digest.
func (Suite) Digest(data []byte) canon.Digest { return Digest(data) }

// Verify checks a signature by the key in publicJWK: algorithm_refused when it
// is not an SM2 key, signature_invalid when the signature does not verify.
func (Suite) Verify(publicJWK, message, sig []byte) error {
	key, err := ParseJWK(publicJWK)
	if err != nil {
		return err
	}
	if !key.Verify(message, sig) {
		return protocol.New(protocol.CodeSignatureInvalid, "signature", "", "")
	}
	return nil
}

// A PublicKey verifies SM2 signatures. It is immutable and may be copied; the
// zero value verifies nothing.
type PublicKey struct {
	point []byte // x and y, 64 bytes
	key   *ecdsa.PublicKey
}

// NewPublicKey takes the uncompressed form of a point: the byte 4, x and y.
// Anything that is not a point of the curve is field_invalid.
func NewPublicKey(point []byte) (PublicKey, error) {
	key, err := sm2.NewPublicKey(point) // takes this form alone
	if err != nil {
		return PublicKey{}, protocol.Wrap(protocol.CodeFieldInvalid, "", "", "not a point of the curve", err)
	}
	return PublicKey{slices.Clone(point[1:]), key}, nil
}

type jwk struct {
	Kty    string `json:"kty"`
	Crv    string `json:"crv"`
	X      string `json:"x"`
	Y      string `json:"y"`
	Secret string `json:"d"`
}

// ParseJWK reads {"kty":"EC","crv":"SM2","x","y"}, coordinates of 32 bytes in
// strict base64url. A private member is refused; others are ignored.
func ParseJWK(data []byte) (PublicKey, error) {
	var j jwk
	if err := canon.DecodeOpen(data, &j); err != nil {
		return PublicKey{}, err
	}
	if j.Kty != "EC" || j.Crv != "SM2" {
		return PublicKey{}, protocol.New(protocol.CodeAlgorithmRefused, "kty", "", "keys are EC SM2")
	}
	if j.Secret != "" {
		return PublicKey{}, protocol.New(protocol.CodeFieldInvalid, "", "", "a public key has no private member")
	}
	point := []byte{4}
	for _, c := range []struct{ field, text string }{{"x", j.X}, {"y", j.Y}} {
		b, err := canon.DecodeBase64(c.text)
		if err != nil {
			return PublicKey{}, protocol.In(err, c.field)
		}
		if len(b) != 32 {
			return PublicKey{}, protocol.New(protocol.CodeFieldInvalid, c.field, "", "a coordinate has 32 bytes")
		}
		point = append(point, b...)
	}
	return NewPublicKey(point)
}

// JWK returns the key in canonical form, nil for the zero value.
func (k PublicKey) JWK() []byte {
	if k.key == nil {
		return nil
	}
	return []byte(`{"crv":"SM2","kty":"EC","x":"` + canon.EncodeBase64(k.point[:32]) + `","y":"` + canon.EncodeBase64(k.point[32:]) + `"}`)
}

// derSignature is the form that the library below takes.
type derSignature struct{ R, S *big.Int }

// Verify reports whether sig is a signature of message: r and s of 32 bytes
// each (GM/T 0003.2, with the identity of GM/T 0009).
func (k PublicKey) Verify(message, sig []byte) bool {
	if k.key == nil || len(sig) != SignatureSize {
		return false
	}
	der, err := asn1.Marshal(derSignature{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
	return err == nil && sm2.VerifyASN1WithSM2(k.key, []byte(identity), message, der)
}

// A Signer makes SM2 signatures with a private key in memory. It is safe for
// concurrent use.
type Signer struct {
	private *sm2.PrivateKey
	public  PublicKey
}

// Generate makes a new private key.
func Generate() (*Signer, error) {
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "no key could be made", err)
	}
	return newSigner(private)
}

// NewSigner takes a private key of 32 bytes, from 1 to n-2.
func NewSigner(private []byte) (*Signer, error) {
	key, err := sm2.NewPrivateKey(private)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeFieldInvalid, "", "", "not an SM2 private key", err)
	}
	return newSigner(key)
}

func newSigner(private *sm2.PrivateKey) (*Signer, error) {
	point, err := sm2.PublicKeyToECDH(&private.PublicKey)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeFieldInvalid, "", "", "not an SM2 private key", err)
	}
	public, err := NewPublicKey(point.Bytes())
	if err != nil {
		return nil, err
	}
	return &Signer{private, public}, nil
}

// Public returns the public key.
func (s *Signer) Public() PublicKey { return s.public }

// Sign returns the signature of message, 64 bytes. It adds no domain
// separation; see [keys.Message].
func (s *Signer) Sign(message []byte) ([]byte, error) {
	der, err := s.private.SignWithSM2(rand.Reader, []byte(identity), message)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the private key could not be used", err)
	}
	var sig derSignature
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, protocol.New(protocol.CodeServiceUnavailable, "", "", "a signature of another form")
	}
	out := make([]byte, SignatureSize)
	sig.R.FillBytes(out[:32])
	sig.S.FillBytes(out[32:])
	return out, nil
}

// Format writes that it is a signer whatever the verb, so that no private key is
// printed by a careless %+v.
func (s *Signer) Format(f fmt.State, _ rune) { fmt.Fprint(f, "SM2 signer") }
