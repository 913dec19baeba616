package trustlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A State is what is remembered of one log.
type State struct {
	// Checkpoint is the signed note of the largest tree that was seen and
	// verified, nil before the first.
	Checkpoint []byte
	// Fork is a checkpoint with the log's signature that cannot stand beside
	// Checkpoint: the two are the evidence of misbehaviour. Once it is set,
	// the log is believed no more.
	Fork []byte
}

func (s State) equal(o State) bool {
	return bytes.Equal(s.Checkpoint, o.Checkpoint) && bytes.Equal(s.Fork, o.Fork)
}

func (s State) clone() State {
	return State{Checkpoint: slices.Clone(s.Checkpoint), Fork: slices.Clone(s.Fork)}
}

// A Store remembers a State for each log, by its origin. It must be safe for
// concurrent use, and what Swap has stored must survive whatever the caller is
// to survive: a client that forgets accepts any history once more.
type Store interface {
	// Load returns the state, and the zero State for a log not seen before.
	Load(ctx context.Context, origin string) (State, error)
	// Swap puts next in the place of old in one step, and reports whether it
	// did: not when the state is no longer old.
	Swap(ctx context.Context, origin string, old, next State) (bool, error)
}

// A MemoryStore forgets with the process: for tests, and for programs that live
// long. The zero value is ready.
type MemoryStore struct {
	mu     sync.Mutex
	states map[string]State
}

// Load implements Store.
func (m *MemoryStore) Load(_ context.Context, origin string) (State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.states[origin].clone(), nil
}

// Swap implements Store.
func (m *MemoryStore) Swap(_ context.Context, origin string, old, next State) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.states[origin].equal(old) {
		return false, nil
	}
	if m.states == nil {
		m.states = make(map[string]State)
	}
	m.states[origin] = next.clone()
	return true, nil
}

// A FileStore keeps a small file for each log in one folder, written whole and
// synced before it takes the old one's place.
//
// One process at a time: two that share a folder may each put the other's newer
// checkpoint back to their own, and so forget something that was seen.
type FileStore struct {
	folder string
	mu     sync.Mutex
}

// NewFileStore makes the folder when it is absent.
func NewFileStore(folder string) (*FileStore, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, storeFailed(err)
	}
	return &FileStore{folder: folder}, nil
}

type stateFile struct {
	Origin     string `json:"origin"`
	Checkpoint string `json:"checkpoint"`
	Fork       string `json:"fork,omitzero"`
}

func (f *FileStore) path(origin string) string {
	h := sha256.Sum256([]byte(origin))
	return filepath.Join(f.folder, hex.EncodeToString(h[:16])+".json")
}

// Load implements Store. A file that cannot be read is an error, never a log
// that was not seen before.
func (f *FileStore) Load(_ context.Context, origin string) (State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.load(origin)
}

func (f *FileStore) load(origin string) (State, error) {
	data, err := os.ReadFile(f.path(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, storeFailed(err)
	}
	var s stateFile
	if err := canon.Decode(data, &s); err != nil || s.Origin != origin {
		return State{}, storeFailed(err)
	}
	return State{Checkpoint: []byte(s.Checkpoint), Fork: []byte(s.Fork)}, nil
}

// Swap implements Store.
func (f *FileStore) Swap(_ context.Context, origin string, old, next State) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := f.load(origin)
	if err != nil || !now.equal(old) {
		return false, err
	}
	data, err := canon.Marshal(stateFile{Origin: origin, Checkpoint: string(next.Checkpoint), Fork: string(next.Fork)})
	if err == nil {
		err = f.replace(f.path(origin), data)
	}
	if err != nil {
		return false, storeFailed(err)
	}
	return true, nil
}

func (f *FileStore) replace(path string, data []byte) error {
	file, err := os.CreateTemp(f.folder, "state.*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return syncFolder(f.folder)
}

// syncFolder makes a rename durable. Windows has no such call, and journals
// renames itself.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func storeFailed(err error) error {
	return protocol.Wrap(protocol.CodeServiceUnavailable, "store", "TSD-ATT-OCA-04", "what was seen of the log could not be read or kept", err)
}
