package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"

	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/actprotocol/act-go/protocol/keys"
)

// keySize is that of A256KW and A256GCM, in bytes. It is also the length of a
// SHA-256, so that the key derivation below has a single round.
const keySize = 32

// concatKDF is the key derivation of RFC 7518, 4.6.2 for keys of at most 256
// bits: SHA-256 over the round number 1, the shared secret, and the algorithm,
// the two parties and the length of the key, each party and algorithm after
// its length.
func concatKDF(secret []byte, algorithm string, apu, apv []byte, size int) []byte {
	h := sha256.New()
	var n [4]byte
	number := func(v int) {
		binary.BigEndian.PutUint32(n[:], uint32(v))
		h.Write(n[:])
	}
	number(1)
	h.Write(secret)
	for _, info := range [][]byte{[]byte(algorithm), apu, apv} {
		number(len(info))
		h.Write(info)
	}
	number(8 * size)
	return h.Sum(nil)[:size]
}

// wrapper returns the AES that wraps the content key for one reader. The
// profile has no apu and apv: sender and readers are under the signature.
func wrapper(secret []byte) (cipher.Block, error) {
	return aes.NewCipher(concatKDF(secret, keys.KeyAgreement, nil, nil, keySize))
}

func wrap(secret, cek []byte) ([]byte, error) {
	block, err := wrapper(secret)
	if err != nil {
		return nil, err
	}
	return josecipher.KeyWrap(block, cek)
}

// unwrap reports false when the wrapped key is not for this secret.
func unwrap(secret, wrapped []byte) ([]byte, bool) {
	block, err := wrapper(secret)
	if err != nil {
		return nil, false
	}
	cek, err := josecipher.KeyUnwrap(block, wrapped)
	return cek, err == nil && len(cek) == keySize
}

func newGCM(cek []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
