package keys

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/go-json-experiment/json/jsontext"
)

// jwk is a public JSON Web Key as far as we read it. RFC 7517 lets other
// members stand beside these; private ones are refused by name.
type jwk struct {
	Kty    string    `json:"kty"`
	Crv    string    `json:"crv"`
	X      string    `json:"x"`
	Y      *string   `json:"y"`
	Alg    *string   `json:"alg"`
	Use    *string   `json:"use"`
	KeyOps *[]string `json:"key_ops"`
}

// privateMembers are the members of RFC 7518, 6 that hold secrets.
var privateMembers = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// ParseJWK reads a public key in JWK form: RFC 8037 (OKP, Ed25519) and RFC
// 7518, 6.2 (EC, P-256).
//
// A key with a private member is refused, so that a secret that was published
// by mistake is noticed instead of used. Coordinates have their full length in
// strict base64url and make a key as [NewPublicKey] wants it. "alg", "use" and "key_ops", when they
// are there, must allow what the key is for: verifying. Other members, "kid"
// and certificates among them, are ignored: who the key belongs to is said by
// the document around it.
func ParseJWK(data []byte) (PublicKey, error) {
	if j, ok := plainJWK(data); ok {
		if key, err := j.key(); err == nil {
			return key, nil
		} // otherwise the slow way finds out what is wrong
	}
	j, err := decodePublicJWK(data)
	if err != nil {
		return PublicKey{}, err
	}
	key, err := j.key()
	if err != nil {
		return PublicKey{}, err
	}
	if err := j.checkUse(key.alg); err != nil {
		return PublicKey{}, err
	}
	return key, nil
}

// plainJWK reads the form that [PublicKey.JWK] writes, byte for byte, which is
// the one that nearly every token has. The coordinates are not decoded yet.
func plainJWK(data []byte) (j jwk, ok bool) {
	const okp, ec, y, end = `{"crv":"Ed25519","kty":"OKP","x":"`, `{"crv":"P-256","kty":"EC","x":"`, `","y":"`, `"}`
	const size = 43 // of a coordinate of 32 bytes
	s := string(data)
	switch {
	case len(s) == len(okp)+size+len(end) && strings.HasPrefix(s, okp) && strings.HasSuffix(s, end):
		return jwk{Kty: "OKP", Crv: "Ed25519", X: s[len(okp):][:size]}, true
	case len(s) == len(ec)+size+len(y)+size+len(end) && strings.HasPrefix(s, ec) && strings.HasSuffix(s, end) && s[len(ec)+size:][:len(y)] == y:
		second := s[len(ec)+size+len(y):][:size]
		return jwk{Kty: "EC", Crv: "P-256", X: s[len(ec):][:size], Y: &second}, true
	}
	return jwk{}, false
}

// decodePublicJWK reads the members of a key and refuses private ones.
func decodePublicJWK(data []byte) (*jwk, error) {
	members, err := canon.Members(data)
	if err != nil {
		return nil, err
	}
	for _, name := range members {
		if slices.Contains(privateMembers[:], name) {
			return nil, protocol.New(protocol.CodeFieldInvalid, "", "IDN-02", "a public key has no private member")
		}
	}
	j := new(jwk)
	if err := canon.DecodeOpen(data, j); err != nil {
		return nil, err
	}
	return j, nil
}

func (j *jwk) key() (PublicKey, error) {
	switch {
	case j.Kty == "":
		return PublicKey{}, protocol.New(protocol.CodeFieldMissing, "kty", "IDN-02", "")
	case (j.Kty == "OKP" || j.Kty == "EC") && j.Crv == "":
		return PublicKey{}, protocol.New(protocol.CodeFieldMissing, "crv", "IDN-02", "")
	case j.Kty == "OKP" && j.Crv == "Ed25519":
		if j.Y != nil {
			return PublicKey{}, protocol.New(protocol.CodeFieldInvalid, "y", "IDN-02", "an OKP key has no y")
		}
		x, err := coordinate(j.X, "x")
		if err != nil {
			return PublicKey{}, err
		}
		k, err := newEd25519(x)
		return k, protocol.In(err, "x")
	case j.Kty == "EC" && j.Crv == "P-256":
		x, err := coordinate(j.X, "x")
		if err != nil {
			return PublicKey{}, err
		}
		if j.Y == nil {
			return PublicKey{}, protocol.New(protocol.CodeFieldMissing, "y", "IDN-02", "")
		}
		y, err := coordinate(*j.Y, "y")
		if err != nil {
			return PublicKey{}, err
		}
		return newP256(slices.Concat([]byte{4}, x, y))
	default:
		return PublicKey{}, protocol.New(protocol.CodeAlgorithmRefused, "kty", "IDN-02", "keys are OKP Ed25519 or EC P-256")
	}
}

// coordinate decodes 32 bytes; shorter forms that drop leading zeros are
// refused (RFC 7518, 6.2.1.2).
func coordinate(s, field string) ([]byte, error) {
	if s == "" {
		return nil, protocol.New(protocol.CodeFieldMissing, field, "IDN-02", "")
	}
	b, err := canon.DecodeBase64(s)
	if err != nil {
		return nil, protocol.In(err, field)
	}
	if len(b) != 32 {
		return nil, protocol.New(protocol.CodeFieldInvalid, field, "IDN-02", "a coordinate has 32 bytes")
	}
	return b, nil
}

func (j *jwk) checkUse(alg Algorithm) error {
	if j.Alg != nil {
		if a, ok := joseAlgorithm([]byte(*j.Alg)); !ok || a != alg {
			return protocol.New(protocol.CodeAlgorithmRefused, "alg", "IDN-02", "not the algorithm of this kind of key")
		}
	}
	if j.Use != nil && *j.Use != "sig" {
		return protocol.New(protocol.CodeKeyPurpose, "use", "IDN-02", "not a key for signatures")
	}
	if j.KeyOps != nil && !slices.Contains(*j.KeyOps, "verify") {
		return protocol.New(protocol.CodeKeyPurpose, "key_ops", "IDN-02", "not a key for verifying")
	}
	return nil
}

// JWK returns the key's required members in canonical form, nil for the zero
// value. These are also the bytes of which RFC 7638 takes the thumbprint.
func (k PublicKey) JWK() []byte {
	switch k.alg {
	case EdDSA:
		return []byte(`{"crv":"Ed25519","kty":"OKP","x":"` + canon.EncodeBase64(k.raw) + `"}`)
	case ES256:
		return []byte(`{"crv":"P-256","kty":"EC","x":"` + canon.EncodeBase64(k.raw[:32]) + `","y":"` + canon.EncodeBase64(k.raw[32:]) + `"}`)
	default:
		return nil
	}
}

// Thumbprint returns the JWK thumbprint with SHA-256 (RFC 7638) in base64url,
// the form of "cnf.jkt"; empty for the zero value.
func (k PublicKey) Thumbprint() string {
	if k.IsZero() {
		return ""
	}
	sum := sha256.Sum256(k.JWK())
	return canon.EncodeBase64(sum[:])
}

// MarshalJSONTo writes the key as JWK. The zero value cannot be written.
func (k PublicKey) MarshalJSONTo(enc *jsontext.Encoder) error {
	if k.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "", "", "no key")
	}
	return enc.WriteValue(k.JWK())
}

// UnmarshalJSONFrom reads a JWK with [ParseJWK].
func (k *PublicKey) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	*k, err = ParseJWK(value)
	return err
}

// String returns the algorithm and the thumbprint, for logs.
func (k PublicKey) String() string {
	if k.IsZero() {
		return "no key"
	}
	return string(k.alg) + " " + k.Thumbprint()
}
