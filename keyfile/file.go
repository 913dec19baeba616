package keyfile

import (
	"crypto/rand"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A cost of argon2id.
type cost struct {
	time, memory uint32 // memory in KiB
	threads      uint8
}

const saltSize = 16

// What is read, so that a file cannot make a program use all memory or a day.
const (
	maxTime    = 16
	minMemory  = 8 << 10   // KiB
	maxMemory  = 256 << 10 // KiB
	maxThreads = 16
	maxFile    = 8 << 10
)

const (
	format     = "act-key/1"
	nameKDF    = "argon2id"
	nameCipher = "xchacha20-poly1305"
)

type (
	wireFile struct {
		Format  string         `json:"format"`
		KeyID   string         `json:"key_id"`
		Purpose keys.Purpose   `json:"purpose"`
		Public  keys.PublicKey `json:"public"`
		Private string         `json:"private,omitzero"`
		Sealed  *wireSealed    `json:"encrypted,omitzero"`
	}
	wireSealed struct {
		KDF        string `json:"kdf"`
		Time       uint32 `json:"time"`
		Memory     uint32 `json:"memory_kib"`
		Threads    uint8  `json:"threads"`
		Salt       string `json:"salt"`
		Cipher     string `json:"cipher"`
		Nonce      string `json:"nonce"`
		Ciphertext string `json:"ciphertext,omitzero"`
	}
)

// A File is a key file that has been read and not opened. What it says of an
// encrypted key is not proved before Open.
type File struct{ wire wireFile }

// Parse reads the form of a key file, at most 8 KiB of strict JSON. It needs no
// password and opens nothing.
func Parse(data []byte) (*File, error) {
	var w wireFile
	if err := (canon.Limits{MaxBytes: maxFile}).Decode(data, &w); err != nil {
		return nil, err
	}
	switch {
	case w.Format == "":
		return nil, protocol.New(protocol.CodeFieldMissing, "format", "", "")
	case w.Public.IsZero():
		return nil, protocol.New(protocol.CodeFieldMissing, "public", "", "")
	case w.Format != format:
		return nil, protocol.New(protocol.CodeTypeMismatch, "format", "", "not a key file of this version")
	case (w.Private == "") == (w.Sealed == nil):
		return nil, protocol.New(protocol.CodeFieldInvalid, "private", "", "either private or encrypted")
	}
	if w.Sealed != nil {
		if err := w.Sealed.check(); err != nil {
			return nil, protocol.In(err, "encrypted")
		}
	}
	if err := checkIdentifier(w.KeyID, w.Purpose, w.Public); err != nil {
		return nil, err
	}
	return &File{wire: w}, nil
}

func (s *wireSealed) check() error {
	if s.KDF != nameKDF || s.Cipher != nameCipher {
		return protocol.New(protocol.CodeAlgorithmRefused, "kdf", "", "argon2id and xchacha20-poly1305")
	}
	if s.Time < 1 || s.Time > maxTime || s.Memory < minMemory || s.Memory > maxMemory || s.Threads < 1 || s.Threads > maxThreads {
		return protocol.New(protocol.CodeFieldInvalid, "time", "", "cost outside what is read")
	}
	for _, m := range []struct {
		name, value string
		size        int
	}{{"salt", s.Salt, saltSize}, {"nonce", s.Nonce, chacha20poly1305.NonceSizeX}, {"ciphertext", s.Ciphertext, 32 + chacha20poly1305.Overhead}} {
		if b, err := canon.DecodeBase64(m.value); err != nil || len(b) != m.size {
			return protocol.New(protocol.CodeFieldInvalid, m.name, "", "base64url of the right length")
		}
	}
	return nil
}

// KeyID returns the absolute DID URL of the key.
func (f *File) KeyID() string { return f.wire.KeyID }

// Purpose returns the one purpose of the key.
func (f *File) Purpose() keys.Purpose { return f.wire.Purpose }

// Public returns the public key.
func (f *File) Public() keys.PublicKey { return f.wire.Public }

// Encrypted reports whether Open needs a password.
func (f *File) Encrypted() bool { return f.wire.Sealed != nil }

// Open returns the key. A wrong password, and a file of which anything was
// changed, are key_not_valid and cannot be told apart. An encrypted file needs
// a password, and one that is not encrypted takes none (field_missing and
// field_invalid).
func (f *File) Open(password []byte) (*Key, error) {
	var secret []byte
	var err error
	switch {
	case f.Encrypted() && len(password) == 0:
		return nil, protocol.New(protocol.CodeFieldMissing, "password", "", "the key is encrypted")
	case f.Encrypted():
		secret, err = f.wire.unseal(password)
	case len(password) > 0:
		return nil, protocol.New(protocol.CodeFieldInvalid, "password", "", "the key is not encrypted")
	default:
		secret, err = canon.DecodeBase64(f.wire.Private)
		err = protocol.In(err, "private")
	}
	if err != nil {
		return nil, err
	}
	private, err := fromSecret(f.wire.Public.Algorithm(), secret)
	if err != nil {
		return nil, err
	}
	k, err := newKey(f.wire.KeyID, f.wire.Purpose, private)
	if err != nil {
		return nil, err
	}
	if !k.public.Equal(f.wire.Public) {
		return nil, protocol.New(protocol.CodeClaimsConflict, "public", "", "the public key is not that of the private key")
	}
	return k, nil
}

// Encode returns the file of a key, encrypted when the password is not empty,
// at the cost of the second recommended option of RFC 9106: 64 MiB.
func (k *Key) Encode(password []byte) ([]byte, error) {
	return k.encode(password, cost{time: 3, memory: 64 << 10, threads: 4})
}

func (k *Key) encode(password []byte, c cost) ([]byte, error) {
	secret, err := k.secret()
	if err != nil {
		return nil, err
	}
	w := wireFile{Format: format, KeyID: k.id, Purpose: k.purpose, Public: k.public}
	if len(password) == 0 {
		w.Private = canon.EncodeBase64(secret)
		return canon.Marshal(w)
	}
	salt, nonce := make([]byte, saltSize), make([]byte, chacha20poly1305.NonceSizeX)
	rand.Read(salt) // never fails
	rand.Read(nonce)
	w.Sealed = &wireSealed{
		KDF: nameKDF, Time: c.time, Memory: c.memory, Threads: c.threads, Salt: canon.EncodeBase64(salt),
		Cipher: nameCipher, Nonce: canon.EncodeBase64(nonce),
	}
	aead, header, err := w.cipher(password)
	if err != nil {
		return nil, err
	}
	w.Sealed.Ciphertext = canon.EncodeBase64(aead.Seal(nil, nonce, secret, header))
	return canon.Marshal(w)
}

func (w wireFile) unseal(password []byte) ([]byte, error) {
	aead, header, err := w.cipher(password)
	if err != nil {
		return nil, err
	}
	nonce, err := canon.DecodeBase64(w.Sealed.Nonce)
	if err != nil {
		return nil, err
	}
	sealed, err := canon.DecodeBase64(w.Sealed.Ciphertext)
	if err != nil {
		return nil, err
	}
	secret, err := aead.Open(nil, nonce, sealed, header)
	if err != nil {
		return nil, protocol.New(protocol.CodeKeyNotValid, "encrypted", "", "a wrong password, or a file that was changed")
	}
	return secret, nil
}
