package keyfile

import (
	"crypto/cipher"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/actprotocol/act-go/protocol/canon"
)

// cipher returns the cipher under the password and the additional data: the
// whole file in RFC 8785 form, but for the ciphertext.
func (w wireFile) cipher(password []byte) (cipher.AEAD, []byte, error) {
	sealed := *w.Sealed
	sealed.Ciphertext = ""
	w.Sealed = &sealed
	header, err := canon.Marshal(w)
	if err != nil {
		return nil, nil, err
	}
	salt, err := canon.DecodeBase64(sealed.Salt)
	if err != nil {
		return nil, nil, err
	}
	key := argon2.IDKey(password, salt, sealed.Time, sealed.Memory, sealed.Threads, chacha20poly1305.KeySize)
	aead, err := chacha20poly1305.NewX(key)
	clear(key)
	return aead, header, err
}
