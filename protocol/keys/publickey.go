package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"

	"github.com/actprotocol/act-go/protocol"
)

// SignatureSize is the length in bytes of a signature of either algorithm:
// Ed25519 (RFC 8032), and r and s of 32 bytes each for ES256 (RFC 7518, 3.4).
const SignatureSize = 64

// A PublicKey verifies signatures of one algorithm. It is immutable and may be
// copied. The zero value verifies nothing.
//
// A PublicKey says nothing about whose it is, what it is for and when.
type PublicKey struct {
	alg Algorithm
	raw []byte           // Ed25519: 32 bytes; P-256: x and y, 64 bytes
	ec  *ecdsa.PublicKey // P-256 only
}

// NewPublicKey takes an ed25519.PublicKey or an *ecdsa.PublicKey on P-256.
// Points that are not on P-256, and the Ed25519 points of small order for which
// anybody can make signatures, are refused with field_invalid; other kinds of
// keys with algorithm_refused. An Ed25519 string that is no point is not found
// here: no signature verifies by it.
func NewPublicKey(key crypto.PublicKey) (PublicKey, error) {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return newEd25519(k)
	case *ecdsa.PublicKey:
		//lint:ignore SA1019 Bytes panics on a key without coordinates, and there is no other way to ask
		if k == nil || k.Curve != elliptic.P256() || k.X == nil || k.Y == nil {
			return PublicKey{}, protocol.New(protocol.CodeAlgorithmRefused, "", "", "ECDSA keys are on P-256")
		}
		point, err := k.Bytes() // checks that the point is on the curve
		if err != nil {
			return PublicKey{}, protocol.Wrap(protocol.CodeFieldInvalid, "", "", "not a point of P-256", err)
		}
		return newP256(point)
	default:
		return PublicKey{}, protocol.New(protocol.CodeAlgorithmRefused, "", "", "keys are Ed25519 or ECDSA P-256")
	}
}

func newEd25519(raw []byte) (PublicKey, error) {
	if !validEd25519(raw) {
		return PublicKey{}, protocol.New(protocol.CodeFieldInvalid, "", "", "not an Ed25519 public key")
	}
	return PublicKey{alg: EdDSA, raw: bytes.Clone(raw)}, nil
}

// newP256 takes the uncompressed form: 4, x, y.
func newP256(point []byte) (PublicKey, error) {
	ec, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return PublicKey{}, protocol.Wrap(protocol.CodeFieldInvalid, "", "", "not a point of P-256", err)
	}
	return PublicKey{alg: ES256, raw: bytes.Clone(point[1:]), ec: ec}, nil
}

// IsZero reports whether k is the zero value.
func (k PublicKey) IsZero() bool { return k.alg == "" }

// Algorithm is the one algorithm this key verifies, empty for the zero value.
func (k PublicKey) Algorithm() Algorithm { return k.alg }

// Equal reports whether both are the same key. Two zero values are equal.
func (k PublicKey) Equal(other PublicKey) bool {
	return k.alg == other.alg && bytes.Equal(k.raw, other.raw)
}

// Crypto returns an ed25519.PublicKey, an *ecdsa.PublicKey, or nil for the
// zero value. The result is the caller's own copy.
func (k PublicKey) Crypto() crypto.PublicKey {
	switch k.alg {
	case EdDSA:
		return ed25519.PublicKey(bytes.Clone(k.raw))
	case ES256:
		c, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append([]byte{4}, k.raw...))
		if err != nil { // cannot be: the point was checked when k was made
			return nil
		}
		return c
	default:
		return nil
	}
}

// Verify reports whether sig is a signature of message by this key. ES256
// signatures are r and s, each 32 bytes, both in [1, n-1]; DER is refused.
//
// ES256 signatures are malleable (s and n-s both verify), so that the bytes of
// a signature or of a token must never be used to recognise a replay.
func (k PublicKey) Verify(message, sig []byte) bool {
	if len(sig) != SignatureSize {
		return false
	}
	switch k.alg {
	case EdDSA:
		return ed25519.Verify(k.raw, message, sig)
	case ES256:
		var buf [derSize]byte
		der, ok := toDER(buf[:0], sig)
		if !ok {
			return false
		}
		digest := sha256.Sum256(message)
		return ecdsa.VerifyASN1(k.ec, digest[:], der)
	default:
		return false
	}
}
