// Package folder keeps what outlives a program of these examples: keys, a few
// small files, and a lock. The folder and its files are for their owner only.
//
// A file is written under another name and renamed, so that a process killed in
// between leaves the old one or the new one, and never half of one. What it
// does not do: encrypt; whoever reads the folder has the keys.
package folder

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/actprotocol/act-go/protocol/keys"
)

// A Folder is a path.
type Folder string

// Open makes the folder when it is absent.
func Open(path string) (Folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", err
	}
	return Folder(path), nil
}

// Path is that of a file in the folder.
func (f Folder) Path(name string) string { return filepath.Join(string(f), name) }

// Kept returns the content of a small file. When it is absent, it is made by
// make, and kept.
func (f Folder) Kept(name string, make func() ([]byte, error)) ([]byte, error) {
	data, err := os.ReadFile(f.Path(name))
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	if data, err = make(); err != nil {
		return nil, err
	}
	return data, f.Keep(name, data)
}

// Keep writes a small file, in place of one that may be there.
func (f Folder) Keep(name string, data []byte) error {
	file, err := os.CreateTemp(string(f), name+".*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), f.Path(name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Key is the key in a file, as PKCS #8 in PEM, under a key id. When there is
// none an Ed25519 key is made.
func (f Folder) Key(name, keyID string, purpose keys.Purpose) (*keys.Signer, error) {
	data, err := f.Kept(name, func() ([]byte, error) {
		key, err := keys.Generate(keys.EdDSA)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
	})
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(data)
	if block == nil || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, errors.New(name + " is not one PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New(name + " holds no private key")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New(name + " holds no key that signs")
	}
	return keys.NewSigner(keyID, purpose, signer)
}

// Secret is a text of 256 random bits, the same for ever.
func (f Folder) Secret(name string) (string, error) {
	data, err := f.Kept(name, func() ([]byte, error) {
		var b [32]byte
		rand.Read(b[:])
		return []byte(base64.RawURLEncoding.EncodeToString(b[:]) + "\n"), nil
	})
	return strings.TrimSpace(string(data)), err
}

// CheckName compares the name of this start with that of the first, which a
// file keeps: what was signed under another name is another party's.
func (f Folder) CheckName(file, name string) error {
	data, err := f.Kept(file, func() ([]byte, error) { return []byte(name + "\n"), nil })
	if err != nil {
		return err
	}
	then := strings.TrimSpace(string(data))
	switch {
	case then == name:
		return nil
	case then == "" || len(then) > 2048 || strings.ContainsAny(then, " \t\r\n"):
		return errors.New(file + " holds no name")
	}
	return &NameError{Folder: string(f), Then: then, Now: name}
}

// A NameError says that a folder belongs to another name.
type NameError struct {
	Folder, Then, Now string
}

// Error implements error.
func (e *NameError) Error() string {
	return fmt.Sprintf("the folder %s is that of %s, and this start would serve as %s: give the flags as before, or another folder", e.Folder, e.Then, e.Now)
}

// ErrServed says that a folder is taken.
var ErrServed = errors.New("another process serves this folder")

// lockPatience is how long a start waits for the process before it to end.
const lockPatience = time.Second

// Lock takes the folder for this process, until the returned function is called
// or the process ends, however it ends: whoever serves the folder holds an
// exclusive transaction on an SQLite file that stays empty. It is a lock of the
// operating system on the file, not the file's presence, so that nothing has to
// be cleaned up after a kill; SQLite takes it on every system in its way, also
// against a second server in this process. The error for a folder that is
// taken is ErrServed.
//
// What it does not do: hold across machines on a network file system whose
// locks do not; keep readers out, which look at a snapshot while another serves.
func (f Folder) Lock(name string) (release func() error, err error) {
	file, err := os.OpenFile(f.Path(name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	conn, err := sqlite.OpenConn(f.Path(name), sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	conn.SetInterrupt(nil)
	conn.SetBusyTimeout(lockPatience)
	// The journal is kept in memory: nothing is ever written.
	for _, query := range []string{"PRAGMA journal_mode = MEMORY", "BEGIN EXCLUSIVE"} {
		if err := sqlitex.ExecuteTransient(conn, query, nil); err != nil {
			if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy {
				err = fmt.Errorf("%w: %s", ErrServed, string(f))
			}
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn.Close, nil
}
