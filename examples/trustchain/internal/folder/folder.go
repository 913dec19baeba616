// Package folder keeps what outlives the programs of this example: a key, a few
// small files, and a lock. It and its files are for their owner only.
package folder

import (
	"crypto"
	"crypto/x509"
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

// The names of files that more than one program has.
const (
	keyFile  = "key.pem"
	nameFile = "name"
	lockFile = "lock"
)

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
	file, err := os.CreateTemp(string(f), name+".*") // with mode 0600
	if err != nil {
		return nil, err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), f.Path(name))
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(file.Name()))
	}
	return data, nil
}

// Key is the Ed25519 key of the folder, as PKCS #8, under a key id.
func (f Folder) Key(keyID string) (*keys.Signer, error) {
	data, err := f.Kept(keyFile, func() ([]byte, error) {
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
		return nil, errors.New(keyFile + " is not one PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New(keyFile + " holds no private key")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New(keyFile + " holds no key that signs")
	}
	return keys.NewSigner(keyID, keys.Anchor, signer)
}

// CheckName compares the name of this start with that of the first, which the
// folder keeps: what was signed under another name is another log.
func (f Folder) CheckName(name string) error {
	data, err := f.Kept(nameFile, func() ([]byte, error) { return []byte(name + "\n"), nil })
	if err != nil {
		return err
	}
	if then := strings.TrimSpace(string(data)); then != name {
		return fmt.Errorf("the folder %s is that of %s, and this start would serve as %s: give the flags as before, or another folder", string(f), then, name)
	}
	return nil
}

// lockPatience is how long a start waits for a process before it to end.
const lockPatience = time.Second

// Lock takes the folder for this process, until the returned function is called
// or the process ends, however it ends: it is the operating system's lock on a
// file, taken by SQLite on every system in its way. It does not hold across
// machines on a network file system whose locks do not.
func (f Folder) Lock() (release func() error, err error) {
	conn, err := sqlite.OpenConn(f.Path(lockFile), sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		return nil, err
	}
	conn.SetInterrupt(nil)
	conn.SetBusyTimeout(lockPatience)
	for _, query := range []string{"PRAGMA journal_mode = MEMORY", "BEGIN EXCLUSIVE"} {
		if err := sqlitex.ExecuteTransient(conn, query, nil); err != nil {
			if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy {
				err = fmt.Errorf("another process serves the folder %s", string(f))
			}
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn.Close, nil
}
