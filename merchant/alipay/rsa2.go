package alipay

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// RSA2 is the product's name for RSASSA-PKCS1-v1_5 with SHA-256.
const signType = "RSA2"

// signedText is what RSA2 signs of a set of fields: name=value of all that are
// not empty, in the order of the bytes of their names, joined by &. Nothing is
// escaped, so that a value with an & could be read as two fields; whoever
// signs refuses such values where the fields do not end with it.
func signedText(fields map[string]string) string {
	names := make([]string, 0, len(fields))
	for name, value := range fields {
		if value != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = name + "=" + fields[name]
	}
	return strings.Join(names, "&")
}

// sign makes a signature in standard base64.
func sign(key crypto.Signer, text string) (string, error) {
	digest := sha256.Sum256([]byte(text))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the private key could not be used", err)
	}
	// A key service that answers with another key is noticed here and not when
	// nobody can pay.
	if public, ok := key.Public().(*rsa.PublicKey); !ok || rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) != nil {
		return "", protocol.New(protocol.CodeServiceUnavailable, "", "", "the key service made a signature that does not verify")
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

// verified reports whether signature, in standard base64, is one of text by
// one of the keys.
func verified(keys []*rsa.PublicKey, text []byte, signature string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil || strings.ContainsAny(signature, "\r\n") {
		return false
	}
	digest := sha256.Sum256(text)
	return slices.ContainsFunc(keys, func(key *rsa.PublicKey) bool {
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], raw) == nil
	})
}
