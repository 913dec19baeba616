package alipay

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// RSA2 needs 2048 bits; longer keys than 4096 only cost time.
const (
	minBits = 2048
	maxBits = 4096
)

// maxKeyText bounds a key file: 4096 bits need some 3.3 KiB of base64.
const maxKeyText = 16 << 10

// ParsePrivateKey reads the application's private key in any form in which
// Alipay's tools write it: PKCS #8 or PKCS #1, as PEM or as bare base64 with or
// without line breaks. Encrypted keys are not read. Errors hold nothing of the
// key.
//
// The key stays in memory for as long as it is used. A key service that is a
// crypto.Signer needs no ParsePrivateKey and is better.
func ParsePrivateKey(text []byte) (*rsa.PrivateKey, error) {
	der, err := decodeKey(text)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		other, err := x509.ParsePKCS8PrivateKey(der)
		var ok bool
		if key, ok = other.(*rsa.PrivateKey); err != nil || !ok {
			return nil, badKey("an RSA private key by PKCS #8 or PKCS #1")
		}
	}
	if err := checkKey(&key.PublicKey); err != nil {
		return nil, err
	}
	return key, nil
}

// ParsePublicKey reads a public key, Alipay's or the application's: an X.509
// SubjectPublicKeyInfo or PKCS #1, as PEM or as bare base64. Certificates are
// not read.
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	der, err := decodeKey(text)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		other, err := x509.ParsePKIXPublicKey(der)
		var ok bool
		if key, ok = other.(*rsa.PublicKey); err != nil || !ok {
			return nil, badKey("an RSA public key, as X.509 or by PKCS #1")
		}
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return key, nil
}

// decodeKey takes the armour off and checks that there is one DER value in it,
// which not all parsers of package x509 do.
func decodeKey(text []byte) ([]byte, error) {
	der, err := unarmour(text)
	if err != nil {
		return nil, err
	}
	var value asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &value); err != nil || len(rest) > 0 {
		return nil, badKey("one key and nothing else")
	}
	return der, nil
}

// unarmour reads a single PEM block, or base64.
func unarmour(text []byte) ([]byte, error) {
	if len(text) > maxKeyText {
		return nil, protocol.New(protocol.CodeTooLarge, "key", "", "more than a key file has")
	}
	if strings.Contains(string(text), "-----BEGIN") {
		block, rest := pem.Decode(text)
		if block == nil || len(strings.TrimSpace(string(rest))) > 0 || len(block.Headers) > 0 {
			return nil, badKey("one PEM block, not encrypted")
		}
		return block.Bytes, nil
	}
	der, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil || len(der) == 0 {
		return nil, badKey("PEM, or base64 of a key")
	}
	return der, nil
}

func checkKey(key *rsa.PublicKey) error {
	if key == nil || key.N == nil {
		return protocol.New(protocol.CodeFieldMissing, "key", "", "")
	}
	if bits := key.N.BitLen(); bits < minBits || bits > maxBits {
		return protocol.New(protocol.CodeAlgorithmRefused, "key", "", "RSA2 has keys of 2048 to 4096 bits")
	}
	return nil
}

func badKey(detail string) error {
	return protocol.New(protocol.CodeMalformed, "key", "", detail)
}
