package keyfile_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/keyfile"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

const sellerKey = "did:act:shop.example/coffee#k1"

var password = []byte("correct horse battery staple")

func generate(t testing.TB, alg keys.Algorithm, id string, purpose keys.Purpose) *keyfile.Key {
	t.Helper()
	k, err := keyfile.Generate(alg, id, purpose)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func wantCode(t *testing.T, err error, want protocol.Code) {
	t.Helper()
	if protocol.CodeOf(err) != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		for _, secret := range [][]byte{nil, password} {
			t.Run(string(alg)+fmt.Sprint(secret != nil), func(t *testing.T) {
				k := generate(t, alg, sellerKey, keys.Seller)
				path := filepath.Join(t.TempDir(), "key.json")
				if err := keyfile.Write(path, k, secret); err != nil {
					t.Fatal(err)
				}
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
					t.Error(info.Mode())
				}
				f, err := keyfile.Load(path)
				if err != nil {
					t.Fatal(err)
				}
				if f.KeyID() != sellerKey || f.Purpose() != keys.Seller || !f.Public().Equal(k.Public()) || f.Encrypted() != (secret != nil) {
					t.Errorf("%+v", f)
				}
				back, err := keyfile.Read(path, secret)
				if err != nil {
					t.Fatal(err)
				}
				s, err := back.Signer()
				if err != nil {
					t.Fatal(err)
				}
				sig, err := s.Sign(keys.Seller, []byte("message"))
				if err != nil || !k.Public().Verify([]byte("message"), sig) || s.KeyID() != sellerKey {
					t.Error("another key came back", err)
				}
				wantCode(t, keyfile.Write(path, k, nil), protocol.CodeStateConflict)
			})
		}
	}
}

func TestGenerate(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		k := generate(t, alg, "", keys.AgentRequest)
		if !strings.HasPrefix(k.ID(), "did:key:z") || k.Public().Algorithm() != alg {
			t.Error("IDN-02", k.ID())
		}
	}
	for _, c := range []struct {
		name, id string
		alg      keys.Algorithm
		purpose  keys.Purpose
		want     protocol.Code
	}{
		{"ADD-IAC-ISS-12 did:key serves requests only", "", keys.EdDSA, keys.IssueAuthorization, protocol.CodeKeyPurpose},
		{"IDN-02 the did:key of another key", "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK#z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", keys.EdDSA, keys.AgentRequest, protocol.CodeClaimsConflict},
		{"ADD-IAC-ISS-12 no purpose", sellerKey, keys.EdDSA, "", protocol.CodeKeyPurpose},
		{"ADD-IAC-ISS-12 encryption signs nothing", sellerKey, keys.EdDSA, keys.Encryption, protocol.CodeKeyPurpose},
		{"no fragment", "did:act:shop.example/coffee", keys.EdDSA, keys.Seller, protocol.CodeFieldInvalid},
		{"RS256", sellerKey, "RS256", keys.Seller, protocol.CodeAlgorithmRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := keyfile.Generate(c.alg, c.id, c.purpose)
			wantCode(t, err, c.want)
			if k != nil {
				t.Error("a key together with an error")
			}
		})
	}
}

// Nothing of an encrypted file can be changed, and nothing that is printed
// holds the key.
func TestEncrypted(t *testing.T) {
	k := generate(t, keys.EdDSA, sellerKey, keys.Seller)
	data, err := k.EncodeCheaply(password)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := k.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(plain), `"private":"`)
	secret, _, _ := strings.Cut(rest, `"`)
	if len(secret) != 43 {
		t.Fatal(len(secret))
	}
	for _, shown := range []string{string(data), fmt.Sprintf("%v %+v %#v %s", k, k, k, k)} {
		if strings.Contains(shown, secret) {
			t.Error("the private key is shown")
		}
	}
	open := func(data string, password []byte) error {
		f, err := keyfile.Parse([]byte(data))
		if err != nil {
			return err
		}
		k, err := f.Open(password)
		if err == nil && k == nil || err != nil && k != nil {
			t.Error("a key together with an error, or neither")
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Error("the private key in an error")
		}
		return err
	}
	if err := open(string(data), password); err != nil {
		t.Fatal(err)
	}
	wantCode(t, open(string(data), []byte("wrong")), protocol.CodeKeyNotValid)
	wantCode(t, open(string(data), nil), protocol.CodeFieldMissing)
	wantCode(t, open(string(plain), password), protocol.CodeFieldInvalid)
	other := generate(t, keys.EdDSA, sellerKey, keys.Seller)
	for _, c := range []struct{ name, old, new string }{
		{"purpose", `"seller"`, `"proof"`},
		{"id", `coffee#k1`, `coffee#k2`},
		{"public key", string(k.Public().JWK()), string(other.Public().JWK())},
		{"memory", `8192`, `8193`},
		{"time", `"time":2`, `"time":1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(string(data), c.old) != 1 {
				t.Fatal(c.old)
			}
			wantCode(t, open(strings.Replace(string(data), c.old, c.new, 1), password), protocol.CodeKeyNotValid)
		})
	}
	wantCode(t, open(strings.Replace(string(plain), string(k.Public().JWK()), string(other.Public().JWK()), 1), nil), protocol.CodeClaimsConflict)
}

func TestParseRefuses(t *testing.T) {
	k := generate(t, keys.EdDSA, sellerKey, keys.Seller)
	plain, err := k.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := k.Encode(password)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		data     []byte
		old, new string
		want     protocol.Code
	}{
		{"another version", plain, "act-key/1", "act-key/2", protocol.CodeTypeMismatch},
		{"no format", plain, `"act-key/1"`, `""`, protocol.CodeFieldMissing},
		{"an unknown member", plain, `"format"`, `"d":"x","format"`, protocol.CodeFieldUnknown},
		{"both", sealed, `"format"`, `"private":"AA","format"`, protocol.CodeFieldInvalid},
		{"neither", plain, `"private"`, `"priv"`, protocol.CodeFieldUnknown},
		{"a cost of days", sealed, `"time":3`, `"time":1000000`, protocol.CodeFieldInvalid},
		{"all memory", sealed, `65536`, `4294967295`, protocol.CodeFieldInvalid},
		{"no threads", sealed, `"threads":4`, `"threads":0`, protocol.CodeFieldInvalid},
		{"another kdf", sealed, `argon2id`, `pbkdf2`, protocol.CodeAlgorithmRefused},
		{"another cipher", sealed, `xchacha20-poly1305`, `aes`, protocol.CodeAlgorithmRefused},
		{"a short salt", sealed, `"salt":"`, `"salt":"AA","x":"`, protocol.CodeFieldUnknown},
		{"no purpose", plain, `"seller"`, `"buyer"`, protocol.CodeKeyPurpose},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !bytes.Contains(c.data, []byte(c.old)) {
				t.Fatal(c.old)
			}
			f, err := keyfile.Parse(bytes.Replace(c.data, []byte(c.old), []byte(c.new), 1))
			wantCode(t, err, c.want)
			if f != nil {
				t.Error("a file together with an error")
			}
		})
	}
	_, err = keyfile.Parse(bytes.Repeat([]byte(" "), 9<<10))
	wantCode(t, err, protocol.CodeTooLarge)
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key.json")
	if err := keyfile.Write(path, generate(t, keys.EdDSA, "", keys.AgentRequest), nil); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		_, err := keyfile.Load(path)
		wantCode(t, err, protocol.CodePolicyRefused)
	}
	_, err := keyfile.Load(dir)
	if err == nil {
		t.Error("a folder")
	}
	_, err = keyfile.Load(filepath.Join(dir, "none"))
	wantCode(t, err, protocol.CodeServiceUnavailable)
	if strings.Contains(err.Error(), dir) {
		t.Error("a path in an error")
	}
	wantCode(t, keyfile.Write(filepath.Join(dir, "no", "folder"), generate(t, keys.EdDSA, "", keys.AgentRequest), nil), protocol.CodeServiceUnavailable)
}

// A file that is read is one that Encode could have written, or is refused by
// one of our errors. Opening costs 64 MiB and is left to the tests above.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := keyfile.Parse(data)
		if err != nil {
			if !protocol.CodeOf(err).Known() || file != nil {
				t.Fatal(err)
			}
			return
		}
		if file.Public().IsZero() || !file.Purpose().Known() || file.KeyID() == "" {
			t.Fatalf("%+v", file)
		}
		if file.Encrypted() {
			if _, err := file.Open(nil); err == nil {
				t.Fatal("opened without password")
			}
			return
		}
		k, err := file.Open(nil)
		if err != nil {
			if !protocol.CodeOf(err).Known() {
				t.Fatal(err)
			}
			return
		}
		again, err := k.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := canon.Canonicalize(again); err != nil || !bytes.Equal(want, again) {
			t.Fatal("not canonical")
		}
	})
}

func ExampleGenerate() {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "agent.json")

	// Once: an empty id makes a did:key of the key.
	key, err := keyfile.Generate(keys.EdDSA, "", keys.AgentRequest)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := keyfile.Write(path, key, []byte("a long password")); err != nil {
		fmt.Println(err)
		return
	}

	// Each time a program starts.
	key, err = keyfile.Read(path, []byte("a long password"))
	if err != nil {
		fmt.Println(err)
		return
	}
	signer, err := key.Signer()
	fmt.Println(signer.Purpose(), err)
	_, err = keyfile.Read(path, []byte("a guess"))
	fmt.Println(err)
	// Output:
	// agent-request <nil>
	// act: key_not_valid: encrypted: a wrong password, or a file that was changed
}
