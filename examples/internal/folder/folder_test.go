package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/protocol/keys"
)

func open(t *testing.T) folder.Folder {
	t.Helper()
	f, err := folder.Open(filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestKept(t *testing.T) {
	f := open(t)
	made := 0
	for range 2 {
		data, err := f.Kept("file", func() ([]byte, error) { made++; return []byte("content"), nil })
		if err != nil || string(data) != "content" {
			t.Fatalf("%s, %v", data, err)
		}
	}
	if made != 1 {
		t.Errorf("made %d times", made)
	}
	failed := errors.New("no")
	if _, err := f.Kept("other", func() ([]byte, error) { return nil, failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	entries, err := os.ReadDir(string(f))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if info, err := os.Stat(f.Path("file")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestKey(t *testing.T) {
	f := open(t)
	const id = "did:act:psp.example/psp#proof-1"
	first, err := f.Key("key.pem", id, keys.Proof)
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.Key("key.pem", id, keys.Proof)
	if err != nil || first.Public().Thumbprint() != again.Public().Thumbprint() {
		t.Errorf("another key: %v", err)
	}
	for _, broken := range []string{"", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\nmore"} {
		if err := f.Keep("key.pem", []byte(broken)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Key("key.pem", id, keys.Proof); err == nil || broken != "" && strings.Contains(err.Error(), broken) {
			t.Errorf("%q: %v", broken, err)
		}
	}
}

func TestSecret(t *testing.T) {
	f := open(t)
	first, err := f.Secret("token")
	if err != nil || len(first) != 43 {
		t.Fatalf("%d characters, %v", len(first), err)
	}
	if again, err := f.Secret("token"); err != nil || again != first {
		t.Errorf("another one: %v", err)
	}
	if other, err := f.Secret("other"); err != nil || other == first {
		t.Errorf("the same one: %v", err)
	}
}

func TestNameAndLock(t *testing.T) {
	f := open(t)
	for range 2 {
		if err := f.CheckName("name", "a"); err != nil {
			t.Fatal(err)
		}
	}
	var other *folder.NameError
	if err := f.CheckName("name", "b"); !errors.As(err, &other) || other.Then != "a" || other.Now != "b" || !strings.Contains(err.Error(), "another folder") {
		t.Errorf("%v", err)
	}
	if err := f.Keep("name", []byte("no name at all\n")); err != nil {
		t.Fatal(err)
	}
	if err := f.CheckName("name", "a"); err == nil || errors.As(err, &other) && other.Then != "a" || strings.Contains(err.Error(), "at all") {
		t.Errorf("%v", err)
	}
	release, err := f.Lock("lock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Lock("lock"); !errors.Is(err, folder.ErrServed) {
		t.Errorf("locked twice: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if release, err = f.Lock("lock"); err != nil || release() != nil {
		t.Errorf("not to be had again: %v", err)
	}
}
