package keys

import (
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A Suite is a pair of a signature algorithm and a hash function beside ours,
// for records that name their algorithm themselves (SPEC.md 8.6). Package guomi
// has the one for SM2 and SM3. A suite is passed as a value wherever it may be
// used; nothing registers itself, and mandates, payments and A402 take none.
type Suite interface {
	// SignatureType is the name in signature_type, "SM2" for example.
	SignatureType() string
	// DigestName is what stands before the colon of a digest, "sm3" for example.
	DigestName() string
	// Digest returns the digest of data under that name.
	Digest(data []byte) canon.Digest
	// Verify reports whether sig is a signature of message by the public key in
	// publicJWK. A key that is not of the suite is an error, as is a signature
	// that does not verify: never nil for either.
	Verify(publicJWK, message, sig []byte) error
}

// CheckDigest checks that want is the digest of data, by SHA-256 or by one of
// the suites. A digest under another name is algorithm_refused, one of other
// data claims_conflict.
func CheckDigest(want canon.Digest, data []byte, suites ...Suite) error {
	if _, err := canon.ParseDigest(string(want)); err != nil {
		return err
	}
	name, _, _ := strings.Cut(string(want), ":")
	got := canon.Sum(data)
	if name != "sha-256" {
		got = ""
		for _, s := range suites {
			if s.DigestName() == name {
				got = s.Digest(data)
			}
		}
	}
	switch {
	case got == "":
		return protocol.New(protocol.CodeAlgorithmRefused, "", "", "a digest by a suite that was not given")
	case got != want:
		return protocol.New(protocol.CodeClaimsConflict, "", "", "the digest of something else")
	}
	return nil
}

// VerifyDetached checks a signature that stands beside what it signs, together
// with the name of its algorithm: ED25519, ES256, or that of one of the suites.
// A name that is neither, or not that of the key, is algorithm_refused. Whose
// key it is and what for is the caller's to know, and so is the domain
// separation of message, see [Message].
func VerifyDetached(signatureType string, publicJWK, message, sig []byte, suites ...Suite) error {
	alg, ours := ParseSignatureType(signatureType)
	if !ours {
		for _, s := range suites {
			if s.SignatureType() == signatureType {
				return s.Verify(publicJWK, message, sig)
			}
		}
		return protocol.New(protocol.CodeAlgorithmRefused, memberType, "", "a signature by a suite that was not given")
	}
	key, err := ParseJWK(publicJWK)
	if err != nil {
		return err
	}
	if key.alg != alg {
		return protocol.New(protocol.CodeAlgorithmRefused, memberType, "", "not the algorithm of the key")
	}
	if !key.Verify(message, sig) {
		return protocol.New(protocol.CodeSignatureInvalid, memberSignature, "", "")
	}
	return nil
}
