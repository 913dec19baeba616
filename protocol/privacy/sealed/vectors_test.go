package sealed

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
	"github.com/go-json-experiment/json"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

func private(t *testing.T, curve ecdh.Curve, b64 string) *ecdh.PrivateKey {
	t.Helper()
	raw, err := canon.DecodeBase64(b64)
	if err != nil {
		t.Fatal(err)
	}
	k, err := curve.NewPrivateKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// RFC 7518, appendix C: Alice's ephemeral key, Bob's static key, and the key
// that they agree on for A128GCM.
func TestRFC7518AppendixC(t *testing.T) {
	alice := private(t, ecdh.P256(), "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo")
	bob, err := keys.NewDecryptionKey(shop+"#bob", private(t, ecdh.P256(), "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"))
	if err != nil {
		t.Fatal(err)
	}
	epk, err := keys.ParseEncryptionJWK([]byte(`{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}`))
	if err != nil || !epk.ECDH().Equal(alice.PublicKey()) {
		t.Fatalf("PRV-02 the ephemeral key: %v", err)
	}
	z, err := bob.Agree(epk)
	if err != nil {
		t.Fatal(err)
	}
	if canon.EncodeBase64(z) != "nlbZHYFxNdNyg0KDv4QmnPsxbqPagGpI9tqneYz-kMQ" {
		t.Errorf("PRV-02 Z is %x", z)
	}
	if got := canon.EncodeBase64(concatKDF(z, "A128GCM", []byte("Alice"), []byte("Bob"), 16)); got != "VqqN6vgjbSBcIijNcacQGg" {
		t.Errorf("PRV-02 the derived key is %s", got)
	}
}

// RFC 8037, appendix A.6: ECDH-ES with X25519.
func TestRFC8037AppendixA6(t *testing.T) {
	fromHex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	bob, err := keys.ParseEncryptionJWK([]byte(`{"kty":"OKP","crv":"X25519","kid":"Bob","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`))
	if err != nil || !bytes.Equal(bob.ECDH().Bytes(), fromHex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")) {
		t.Fatalf("PRV-02 Bob's key: %v", err)
	}
	ephemeral, err := ecdh.X25519().NewPrivateKey(fromHex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
	if err != nil {
		t.Fatal(err)
	}
	if got := canon.EncodeBase64(ephemeral.PublicKey().Bytes()); got != "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo" {
		t.Errorf("PRV-02 epk is %s", got)
	}
	z, err := ephemeral.ECDH(bob.ECDH())
	if err != nil || !bytes.Equal(z, fromHex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")) {
		t.Errorf("PRV-02 Z is %x: %v", z, err)
	}
}

// The key derivation against that of go-jose, for secrets and names of any
// length.
func TestConcatKDF(t *testing.T) {
	for n := range 40 {
		secret, name := bytes.Repeat([]byte{7}, n), strings.Repeat("A", n)
		length := func(b []byte) []byte { return append([]byte{0, 0, 0, byte(len(b))}, b...) }
		want := make([]byte, keySize)
		reader := josecipher.NewConcatKDF(crypto.SHA256, secret, length([]byte(name)), length(secret), length(nil), []byte{0, 0, 1, 0}, nil)
		if _, err := reader.Read(want); err != nil {
			t.Fatal(err)
		}
		if got := concatKDF(secret, name, secret, nil, keySize); !bytes.Equal(got, want) {
			t.Fatalf("PRV-02 %d: %x, go-jose has %x", n, got, want)
		}
	}
}

type wycheproof struct {
	Groups []struct {
		Private struct {
			Kty, Crv, D string
		} `json:"private"`
		Tests []struct {
			ID     int    `json:"tcId"`
			Result string `json:"result"`
			JWE    any    `json:"jwe"`
			Plain  string `json:"pt"`
		} `json:"tests"`
	} `json:"testGroups"`
}

func readWycheproof(t *testing.T) (w wycheproof) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "shared", "vectors", "wycheproof", "json_web_encryption_test.json"))
		if err != nil {
			continue
		}
		if err := json.Unmarshal(data, &w, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		return w
	}
	t.Skip("the Wycheproof vectors are not beside the project")
	return w
}

// Of the 43 Wycheproof cases with elliptic curves exactly one, number 66, has
// the profile's algorithms. It opens; all others, valid JOSE or not, are
// refused by their header, before any key is used. What those cases do to tag,
// iv, key and header, TestHostileJWE does to ours.
func TestWycheproof(t *testing.T) {
	var opened []int
	total := 0
	for _, g := range readWycheproof(t).Groups {
		if g.Private.Kty != "EC" {
			continue
		}
		for _, c := range g.Tests {
			total++
			token, _ := c.JWE.(string)
			p := strings.Split(token, ".")
			if len(p) != 5 {
				continue
			}
			text, err := canon.Marshal(general{
				Protected: p[0], Recipients: []recipient{{EncryptedKey: p[1]}}, IV: p[2], Ciphertext: p[3], Tag: p[4],
			})
			if err != nil {
				t.Fatal(err)
			}
			e, err := parseJWE(text, "")
			if err != nil {
				continue
			}
			key, err := keys.NewDecryptionKey(shop+"#w", private(t, ecdh.P256(), g.Private.D))
			if err != nil {
				t.Fatal(err)
			}
			e.aad = p[0] // a compact JWE has no additional data of its own
			plaintext, err := e.decrypt([]*keys.DecryptionKey{key})
			if err != nil || plaintext == nil {
				continue
			}
			if c.Result != "valid" || hex.EncodeToString(plaintext) != c.Plain {
				t.Errorf("PRV-02 case %d, %s, opened to %x", c.ID, c.Result, plaintext)
			}
			opened = append(opened, c.ID)
		}
	}
	if !slices.Equal(opened, []int{66}) || total < 40 {
		t.Errorf("PRV-02 of %d cases these were opened: %v", total, opened)
	}
}
