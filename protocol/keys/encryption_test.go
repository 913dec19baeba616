package keys

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

const readerKeyID = "did:act:shop.example/coffee#e1"

func TestEncryptionKeyRoundTrip(t *testing.T) {
	for _, curve := range []ecdh.Curve{ecdh.P256(), ecdh.X25519()} {
		k, err := GenerateDecryption(readerKeyID, curve)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseEncryptionJWK(k.Public().JWK())
		if err != nil || !again.Equal(k.Public()) || !canonical(k.Public().JWK()) {
			t.Fatalf("PRV-02 %v: %v", curve, err)
		}
		other, err := GenerateDecryption(readerKeyID, curve)
		if err != nil {
			t.Fatal(err)
		}
		a, errA := k.Agree(other.Public())
		b, errB := other.Agree(k.Public())
		if errA != nil || errB != nil || !bytes.Equal(a, b) || other.Public().Equal(k.Public()) {
			t.Fatalf("PRV-02 %v: %v, %v", curve, errA, errB)
		}
		if k.DID() != "did:act:shop.example/coffee" || k.KeyID() != readerKeyID {
			t.Error(k.DID(), k.KeyID())
		}
		if s := fmt.Sprintf("%v %+v %#v %x", k, k, k, k); strings.Count(s, readerKeyID) != 4 || len(s) > 4*60 {
			t.Errorf("printed: %s", s)
		}
	}
}

func canonical(data []byte) bool {
	c, err := canon.Canonicalize(data)
	return err == nil && bytes.Equal(c, data)
}

// The points of small order of RFC 7748 and its twist, and the second form of
// small coordinates.
func TestX25519Refused(t *testing.T) {
	p := bytes.Repeat([]byte{0xff}, 32)
	p[0], p[31] = 0xed, 0x7f
	second := bytes.Clone(p)
	second[0] = 0xf6 // p + 9, the base point once more
	high := make([]byte, 32)
	high[0], high[31] = 9, 0x80
	minusOne := bytes.Clone(p)
	minusOne[0] = 0xec
	order8 := []byte{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00}
	for name, u := range map[string][]byte{
		"zero": make([]byte, 32), "one": append([]byte{1}, make([]byte, 31)...), "p": p, "p-1": minusOne,
		"order 8": order8, "second form": second, "high bit": high,
	} {
		_, err := ParseEncryptionJWK([]byte(`{"kty":"OKP","crv":"X25519","x":"` + canon.EncodeBase64(u) + `"}`))
		if protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Errorf("PRV-02 %s: %v", name, err)
		}
	}
	nine := append([]byte{9}, make([]byte, 31)...)
	if _, err := ParseEncryptionJWK([]byte(`{"kty":"OKP","crv":"X25519","x":"` + canon.EncodeBase64(nine) + `"}`)); err != nil {
		t.Errorf("the base point: %v", err)
	}
}

// The list of points of small order holds what crypto/ecdh cannot agree with,
// and no scalar takes any of them anywhere else.
func TestSmallOrder(t *testing.T) {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range smallOrder {
		point, err := ecdh.X25519().NewPublicKey([]byte(u))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := private.ECDH(point); err == nil {
			t.Errorf("PRV-02 point %d is not of small order", i)
		}
		if _, err := NewEncryptionKey(point); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Errorf("PRV-02 point %d: %v", i, err)
		}
		// Every neighbour agrees.
		next := []byte(u)
		next[0] += 2
		if point, err = ecdh.X25519().NewPublicKey(next); err != nil {
			t.Fatal(err)
		}
		if _, err := private.ECDH(point); err != nil && i != 2 { // -1 and 2 make 1, which is in the list
			t.Errorf("PRV-02 the neighbour of point %d is of small order too", i)
		}
	}
}

func TestParseEncryptionJWK(t *testing.T) {
	const x = `"x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"` // RFC 8037, A.6
	const ec = `"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"`
	for _, tc := range []struct {
		jwk  string
		want protocol.Code
	}{
		{`{"kty":"OKP","crv":"X25519",` + x + `}`, ""},
		{`{"kty":"OKP","crv":"X25519",` + x + `,"use":"enc","key_ops":[],"alg":"ECDH-ES+A256KW","kid":"7"}`, ""},
		{`{` + ec + `,"key_ops":["deriveBits"]}`, ""},
		{`{` + ec + `,"key_ops":["verify"]}`, protocol.CodeKeyPurpose},
		{`{` + ec + `,"use":"sig"}`, protocol.CodeKeyPurpose},
		{`{` + ec + `,"alg":"ES256"}`, protocol.CodeAlgorithmRefused},
		{`{` + ec + `,"alg":"ECDH-ES"}`, protocol.CodeAlgorithmRefused},
		{`{` + ec + `,"d":"AA"}`, protocol.CodeFieldInvalid},
		{`{"kty":"OKP","crv":"X25519",` + x + `,"y":"AA"}`, protocol.CodeFieldInvalid},
		{`{"kty":"OKP","crv":"Ed25519",` + x + `}`, protocol.CodeAlgorithmRefused},
		{`{"kty":"oct","k":"AA"}`, protocol.CodeFieldInvalid},
		{`{"crv":"X25519",` + x + `}`, protocol.CodeFieldMissing},
		{`{"kty":"OKP","crv":"X25519"}`, protocol.CodeFieldMissing},
		{`{"kty":"OKP","crv":"X25519","x":"AA"}`, protocol.CodeFieldInvalid},
		{`{"kty":"EC","crv":"P-256",` + x + `}`, protocol.CodeFieldMissing},
		{`{"kty":"EC","crv":"P-256",` + x + `,` + strings.Replace(x, `"x"`, `"y"`, 1) + `}`, protocol.CodeFieldInvalid},
		{`[]`, protocol.CodeFieldInvalid},
		{`{`, protocol.CodeMalformed},
	} {
		k, err := ParseEncryptionJWK([]byte(tc.jwk))
		if protocol.CodeOf(err) != tc.want || k.IsZero() != (err != nil) {
			t.Errorf("PRV-02 %s: %v", tc.jwk, err)
		}
	}
}

type brokenService struct{ *ecdh.PrivateKey }

func (brokenService) ECDH(*ecdh.PublicKey) ([]byte, error) { return nil, errors.New("no route") }

func TestDecryptionKeyRefused(t *testing.T) {
	if _, err := GenerateDecryption(readerKeyID, ecdh.P384()); protocol.CodeOf(err) != protocol.CodeAlgorithmRefused {
		t.Error(err)
	}
	p, err := ecdh.P384().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewDecryptionKey(readerKeyID, p); protocol.CodeOf(err) != protocol.CodeAlgorithmRefused {
		t.Error(err)
	}
	if _, err := NewDecryptionKey(readerKeyID, nil); protocol.CodeOf(err) != protocol.CodeFieldMissing {
		t.Error(err)
	}
	x, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewDecryptionKey("k1", x); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
		t.Error(err)
	}
	broken, err := NewDecryptionKey(readerKeyID, brokenService{x})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := broken.Agree(broken.Public()); !errors.Is(err, protocol.ErrUndetermined) {
		t.Errorf("a service that is down: %v", err)
	}
	other, err := GenerateDecryption(readerKeyID, ecdh.P256())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Agree(broken.Public()); protocol.CodeOf(err) != protocol.CodeAlgorithmRefused {
		t.Errorf("another curve: %v", err)
	}
	if _, err := other.Agree(EncryptionKey{}); protocol.CodeOf(err) != protocol.CodeAlgorithmRefused {
		t.Errorf("no key: %v", err)
	}
}

func FuzzParseEncryptionJWK(f *testing.F) {
	f.Add([]byte(`{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := ParseEncryptionJWK(data)
		if err != nil {
			ours(t, err)
			return
		}
		if again, err := ParseEncryptionJWK(k.JWK()); err != nil || !again.Equal(k) {
			t.Fatal("the key does not survive its own JWK")
		}
		if _, err := ParseJWK(k.JWK()); err == nil && k.ECDH().Curve() == ecdh.X25519() {
			t.Fatal("a key for encryption verifies")
		}
	})
}
