package sealed

import (
	"bytes"
	"crypto/ecdh"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"manifest":"","parts":[]}`))
	reader, err := keys.GenerateDecryption(shop+"#e1", ecdh.P256())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		u, err := Parse(raw)
		if !bytes.Equal(before, raw) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			if !protocol.CodeOf(err).Known() || u != nil {
				t.Fatalf("%v, %v", u, err)
			}
			return
		}
		if len(u.parts) == 0 || len(u.parts) > u.Count || u.Count > MaxParts {
			t.Fatalf("%+v", u)
		}
		if m, err := u.Open(keys.PublicKey{}, reader); err == nil || m != nil {
			t.Fatal("opened without a signature")
		}
		again, err := u.Without(func(int) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		if canonical, err := canon.Canonicalize(raw); err != nil || !bytes.Equal(canonical, again) {
			t.Fatalf("%s became %s", canonical, again)
		}
	})
}

func FuzzParseJWE(f *testing.F) {
	f.Add([]byte(`{"aad":"","ciphertext":"","iv":"","protected":"","recipients":[],"tag":""}`))
	p256, err := keys.GenerateDecryption(shop+"#e1", ecdh.P256())
	if err != nil {
		f.Fatal(err)
	}
	x25519, err := keys.GenerateDecryption(shop+"#e2", ecdh.X25519())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := parseJWE(text, "m")
		if err != nil {
			if !protocol.CodeOf(err).Known() || e != nil {
				t.Fatalf("%v, %v", e, err)
			}
			return
		}
		if plaintext, err := e.decrypt([]*keys.DecryptionKey{p256, x25519}); plaintext != nil || err != nil {
			t.Fatalf("a part for keys that were made a moment ago: %q, %v", plaintext, err)
		}
	})
}
