package identity

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

func encryptionKey(t testing.TB, curve ecdh.Curve) keys.EncryptionKey {
	t.Helper()
	k, err := keys.GenerateDecryption(shop+"#e", curve)
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func TestEncryptionKeys(t *testing.T) {
	d := &Document{ID: mustDID(t, shop), Encryption: []EncryptionKey{
		{ID: shop + "#old", Public: encryptionKey(t, ecdh.P256()), NotAfter: day(10)},
		{ID: shop + "#lost", Public: encryptionKey(t, ecdh.X25519()), Compromised: true},
		{ID: shop + "#new", Public: encryptionKey(t, ecdh.X25519()), NotBefore: day(8), NotAfter: day(20)},
	}}
	text, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := DecodeDocument(text, d.ID)
	if err != nil || len(read.Encryption) != 3 || len(read.Keys) != 0 {
		t.Fatalf("PRV-02: %v: %+v", err, read)
	}
	for _, tc := range []struct {
		day  int
		want string
		code protocol.Code
	}{
		{1, "#old", ""}, {9, "#old", ""}, {10, "#new", ""}, {19, "#new", ""}, {20, "", protocol.CodeKeyNotValid},
	} {
		k, err := read.EncryptionKey(day(tc.day))
		wantCode(t, err, tc.code)
		if tc.code == "" && (k.ID != shop+tc.want || k.Public.IsZero()) {
			t.Errorf("PRV-02 day %d: %s", tc.day, k.ID)
		}
	}
	// ADD-IAC-ISS-12: it is never a key that verifies, whatever is asked for.
	for _, p := range []keys.Purpose{keys.Encryption, keys.Seller, ""} {
		_, err := read.Key(shop+"#new", p, day(9))
		wantCode(t, err, protocol.CodeKeyUnknown)
	}
	// Compromised under one id is compromised under all.
	d.Encryption[1].Public = d.Encryption[0].Public
	_, err = d.EncryptionKey(day(1))
	wantCode(t, err, protocol.CodeKeyNotValid)
	_, err = (&Document{}).EncryptionKey(day(1))
	wantCode(t, err, protocol.CodeKeyUnknown)
}

func TestEncryptionKeysRefused(t *testing.T) {
	signing := newKey(t, keys.ES256)
	point, err := signing.Crypto().(*ecdsa.PublicKey).ECDH()
	if err != nil {
		t.Fatal(err)
	}
	same, err := keys.NewEncryptionKey(point)
	if err != nil {
		t.Fatal(err)
	}
	x := encryptionKey(t, ecdh.X25519())
	ok := EncryptionKey{ID: shop + "#e", Public: x}
	for name, bad := range map[string]Document{
		"ADD-IAC-ISS-12 one point for both uses":   {Keys: []Key{{ID: shop + "#a", Public: signing, Purpose: keys.Seller}}, Encryption: []EncryptionKey{{ID: shop + "#e", Public: same}}},
		"ADD-IAC-ISS-12 encryption among the keys": {Keys: []Key{{ID: shop + "#a", Public: signing, Purpose: keys.Encryption}}},
		"IDN-02 one id":                             {Encryption: []EncryptionKey{ok, {ID: ok.ID, Public: encryptionKey(t, ecdh.X25519())}}},
		"IDN-02 one id for both":                    {Keys: []Key{{ID: ok.ID, Public: signing, Purpose: keys.Seller}}, Encryption: []EncryptionKey{ok}},
		"IDN-02 foreign id":                         {Encryption: []EncryptionKey{{ID: "did:act:a.example/b#e", Public: x}}},
		"IDN-02 period that ends before it begins":  {Encryption: []EncryptionKey{{ID: ok.ID, Public: x, NotBefore: day(2), NotAfter: day(1)}}},
		"PRV-02 no key":                             {Encryption: []EncryptionKey{{ID: ok.ID}}},
		"IDN-02 more than 32 keys of both together": {Keys: make([]Key, 16), Encryption: make([]EncryptionKey, 17)},
	} {
		bad.ID = mustDID(t, shop)
		if _, err := bad.Encode(); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	entry := func(jwk string) []byte {
		return []byte(`{"id":"` + shop + `","verificationMethod":[{"id":"` + shop + `#e","type":"JsonWebKey","controller":"` + shop + `","actPurpose":"encryption","publicKeyJwk":` + jwk + `}]}`)
	}
	// A kind of key that we do not know is its owner's business; a bad key of a
	// kind that we know is not.
	d, err := DecodeDocument(entry(`{"kty":"OKP","crv":"X448","x":"AAAA"}`), mustDID(t, shop))
	if err != nil || len(d.Encryption) != 0 {
		t.Errorf("X448: %v", err)
	}
	for _, jwk := range []string{
		`{"kty":"OKP","crv":"X25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		`{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`,
		`{"kty":"OKP","crv":"X25519","d":"AA","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`,
	} {
		if _, err := DecodeDocument(entry(jwk), mustDID(t, shop)); err == nil {
			t.Errorf("read: %s", jwk)
		}
	}
}
