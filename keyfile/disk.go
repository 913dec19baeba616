package keyfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/actprotocol/act-go/protocol"
)

// Write writes the file of a key, encrypted when the password is not empty, so
// that only its owner can read it (mode 0600; on Windows as the folder
// decides). It never overwrites: a file that exists is state_conflict.
func Write(path string, k *Key, password []byte) (err error) {
	data, err := k.Encode(password)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return protocol.Wrap(protocol.CodeStateConflict, "path", "", "the file exists; a key is never overwritten", err)
	}
	if err != nil {
		return unusable(err)
	}
	defer func() {
		if err != nil {
			os.Remove(path)
		}
	}()
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return unusable(err)
	}
	return nil
}

// Load reads a key file without opening it. One that others than its owner may
// read or write is refused with policy_refused (not on Windows, whose file
// modes do not tell).
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unusable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unusable(err)
	}
	if !info.Mode().IsRegular() {
		return nil, protocol.New(protocol.CodeFieldInvalid, "path", "", "not a file")
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, protocol.New(protocol.CodePolicyRefused, "path", "", "the file is open to others; chmod 600 it, and replace the key if they may have read it")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unusable(err)
	}
	return Parse(data)
}

// Read loads and opens a key file.
func Read(path string, password []byte) (*Key, error) {
	f, err := Load(path)
	if err != nil {
		return nil, err
	}
	return f.Open(password)
}

func unusable(err error) error {
	return protocol.Wrap(protocol.CodeServiceUnavailable, "path", "", "the file cannot be read or written", err)
}
