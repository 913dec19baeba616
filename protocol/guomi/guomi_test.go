package guomi_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/guomi"
	"github.com/actprotocol/act-go/protocol/keys"
)

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// GM/T 0004-2012, appendix A: the two examples.
func TestSM3Standard(t *testing.T) {
	for _, tc := range []struct{ message, sum string }{
		{"abc", "66c7f0f4 62eeedd9 d1f2d46b dc10e4e2 4167c487 5cf2f7a2 297da02b 8f4ba8e0"},
		{strings.Repeat("abcd", 16), "debe9ff9 2275b8a1 38604889 c18e5a4d 6fdb70e5 387e5765 293dcba3 9c0c5732"},
	} {
		want := canon.Digest("sm3:" + canon.EncodeBase64(fromHex(t, tc.sum)))
		if got := guomi.Digest([]byte(tc.message)); got != want {
			t.Errorf("%.10s: %s, want %s", tc.message, got, want)
		}
		if _, err := canon.ParseDigest(string(want)); err != nil {
			t.Error(err)
		}
	}
}

// GM/T 0003.5-2012, appendix A: key, message and signature of the example on
// the recommended curve, whose signer has the identity 1234567812345678.
const (
	stdPrivate = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
	stdX       = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
	stdY       = "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
	stdR       = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
	stdS       = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
	stdZ       = "B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3"
)

func TestSM2Standard(t *testing.T) {
	signer, err := guomi.NewSigner(fromHex(t, stdPrivate))
	if err != nil {
		t.Fatal(err)
	}
	public, err := guomi.NewPublicKey(fromHex(t, "04"+stdX+stdY))
	if err != nil || !bytes.Equal(public.JWK(), signer.Public().JWK()) {
		t.Fatalf("the public key: %v, %s", err, signer.Public().JWK())
	}
	sig := fromHex(t, stdR+stdS)
	if !public.Verify([]byte("message digest"), sig) {
		t.Error("the standard's signature does not verify")
	}
	key, err := sm2.NewPublicKey(fromHex(t, "04"+stdX+stdY))
	if err != nil {
		t.Fatal(err)
	}
	if z, err := sm2.CalculateZA(key, []byte("1234567812345678")); err != nil || !bytes.Equal(z, fromHex(t, stdZ)) {
		t.Errorf("Z is %x", z)
	}
	for i := range sig {
		bad := bytes.Clone(sig)
		bad[i] ^= 1
		if public.Verify([]byte("message digest"), bad) {
			t.Errorf("verifies with byte %d changed", i)
		}
	}
}

func TestSignAndVerify(t *testing.T) {
	signer, err := guomi.Generate()
	if err != nil {
		t.Fatal(err)
	}
	other, err := guomi.Generate()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		sig, err := signer.Sign(message)
		if err != nil || len(sig) != guomi.SignatureSize {
			t.Fatal(err)
		}
		if !signer.Public().Verify(message, sig) || other.Public().Verify(message, sig) || signer.Public().Verify(append(message, 0), sig) {
			t.Fatal("the wrong answer")
		}
	})
	if s := fmt.Sprintf("%v %+v %#v", signer, signer, signer); s != "SM2 signer SM2 signer SM2 signer" {
		t.Error(s)
	}
}

// Values of r and s outside of their range, DER, and other lengths.
func TestHostileSignatures(t *testing.T) {
	signer, err := guomi.NewSigner(fromHex(t, stdPrivate))
	if err != nil {
		t.Fatal(err)
	}
	key, message := signer.Public(), []byte("message digest")
	good := fromHex(t, stdR+stdS)
	n := sm2.P256().Params().N
	pad := func(r, s *big.Int) []byte {
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	r, s := new(big.Int).SetBytes(good[:32]), new(big.Int).SetBytes(good[32:])
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Fatal(err)
	}
	zero := new(big.Int)
	for name, bad := range map[string][]byte{
		"empty": nil, "zeros": make([]byte, 64), "ones": bytes.Repeat([]byte{0xff}, 64), "r zero": pad(zero, s), "s zero": pad(r, zero),
		"s = n": pad(r, n), "r + s = n": pad(r, new(big.Int).Sub(n, r)), "n - s": pad(r, new(big.Int).Sub(n, s)), "exchanged": pad(s, r),
		"DER": der, "a byte more": append(bytes.Clone(good), 0), "a byte less": good[:63],
	} {
		if key.Verify(message, bad) {
			t.Errorf("%s verifies", name)
		}
	}
	if (guomi.PublicKey{}).Verify(message, good) || (guomi.PublicKey{}).JWK() != nil {
		t.Error("the zero value verifies")
	}
}

func TestParseJWK(t *testing.T) {
	signer, err := guomi.Generate()
	if err != nil {
		t.Fatal(err)
	}
	good := string(signer.Public().JWK())
	p256 := elliptic.P256().Params()
	for _, tc := range []struct {
		jwk  string
		want protocol.Code
	}{
		{good, ""},
		{strings.Replace(good, `{`, `{"kid":"1",`, 1), ""},
		{strings.Replace(good, "SM2", "P-256", 1), protocol.CodeAlgorithmRefused},
		{strings.Replace(good, "EC", "OKP", 1), protocol.CodeAlgorithmRefused},
		{strings.Replace(good, `{`, `{"d":"AA",`, 1), protocol.CodeFieldInvalid},
		{`{"crv":"SM2","kty":"EC","x":"AA","y":"AA"}`, protocol.CodeFieldInvalid},
		{`{"crv":"SM2","kty":"EC"}`, protocol.CodeFieldInvalid},
		{`{"crv":"SM2","kty":"EC","x":"` + canon.EncodeBase64(p256.Gx.Bytes()) + `","y":"` + canon.EncodeBase64(p256.Gy.Bytes()) + `"}`, protocol.CodeFieldInvalid},
		{`{"crv":"SM2","kty":"EC","x":"=","y":"AA"}`, protocol.CodeMalformed},
		{`[]`, protocol.CodeFieldInvalid},
	} {
		if _, err := guomi.ParseJWK([]byte(tc.jwk)); protocol.CodeOf(err) != tc.want {
			t.Errorf("%s: %v", tc.jwk, err)
		}
	}
	if _, err := guomi.NewSigner(make([]byte, 32)); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
		t.Error(err)
	}
}

// The suite is used where it is given, and nowhere else.
func TestSuite(t *testing.T) {
	signer, err := guomi.Generate()
	if err != nil {
		t.Fatal(err)
	}
	message := keys.Message("attestation", []byte(`{}`))
	sig, err := signer.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	jwk := signer.Public().JWK()
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := keys.NewSigner("did:act:a.example/b#k", keys.Attestation, private)
	if err != nil {
		t.Fatal(err)
	}
	ourSig, err := ours.Sign(keys.Attestation, message)
	if err != nil {
		t.Fatal(err)
	}
	with := []keys.Suite{guomi.Suite{}}
	for _, tc := range []struct {
		name, kind string
		jwk, sig   []byte
		suites     []keys.Suite
		want       protocol.Code
	}{
		{"given", "SM2", jwk, sig, with, ""},
		{"not given", "SM2", jwk, sig, nil, protocol.CodeAlgorithmRefused},
		{"under another name", "sm2", jwk, sig, with, protocol.CodeAlgorithmRefused},
		{"another signature", "SM2", jwk, ourSig, with, protocol.CodeSignatureInvalid},
		{"a key of ours", "SM2", ours.Public().JWK(), sig, with, protocol.CodeAlgorithmRefused},
		{"ours, with the suite", "ES256", ours.Public().JWK(), ourSig, with, ""},
		{"ours, without", "ES256", ours.Public().JWK(), ourSig, nil, ""},
		{"ours under the wrong name", "ED25519", ours.Public().JWK(), ourSig, with, protocol.CodeAlgorithmRefused},
		{"ours, another signature", "ES256", ours.Public().JWK(), sig, with, protocol.CodeSignatureInvalid},
		{"an SM2 key under our name", "ES256", jwk, sig, with, protocol.CodeAlgorithmRefused},
		{"none", "none", jwk, nil, with, protocol.CodeAlgorithmRefused},
	} {
		err := keys.VerifyDetached(tc.kind, tc.jwk, message, tc.sig, tc.suites...)
		if protocol.CodeOf(err) != tc.want || (err == nil) != (tc.want == "") {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	for _, tc := range []struct {
		name   string
		digest canon.Digest
		suites []keys.Suite
		want   protocol.Code
	}{
		{"sm3", guomi.Digest(message), with, ""},
		{"sm3 not given", guomi.Digest(message), nil, protocol.CodeAlgorithmRefused},
		{"sm3 of something else", guomi.Digest(nil), with, protocol.CodeClaimsConflict},
		{"sha-256", canon.Sum(message), nil, ""},
		{"sha-256 of something else", canon.Sum(nil), with, protocol.CodeClaimsConflict},
		{"one hash under the name of the other", "sm3:" + canon.Sum(message)[len("sha-256:"):], with, protocol.CodeClaimsConflict},
		{"another name", "md5:x", with, protocol.CodeFieldInvalid},
	} {
		if err := keys.CheckDigest(tc.digest, message, tc.suites...); protocol.CodeOf(err) != tc.want || (err == nil) != (tc.want == "") {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func FuzzParseJWK(f *testing.F) {
	f.Add([]byte(`{"crv":"SM2","kty":"EC","x":"","y":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := guomi.ParseJWK(data)
		if err != nil {
			if !protocol.CodeOf(err).Known() {
				t.Fatal(err)
			}
			return
		}
		if again, err := guomi.ParseJWK(k.JWK()); err != nil || !bytes.Equal(again.JWK(), k.JWK()) {
			t.Fatal("the key does not survive its own JWK")
		}
	})
}

func Example() {
	signer, err := guomi.Generate()
	if err != nil {
		panic(err)
	}
	message := keys.Message("example", []byte(`{"amount":"18.00"}`))
	sig, err := signer.Sign(message)
	if err != nil {
		panic(err)
	}
	jwk := signer.Public().JWK()
	fmt.Println(keys.VerifyDetached("SM2", jwk, message, sig, guomi.Suite{}))
	fmt.Println(protocol.CodeOf(keys.VerifyDetached("SM2", jwk, message, sig)))
	// Output:
	// <nil>
	// algorithm_refused
}

func BenchmarkVerify(b *testing.B) {
	signer, err := guomi.Generate()
	if err != nil {
		b.Fatal(err)
	}
	sig, err := signer.Sign([]byte("message"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if !signer.Public().Verify([]byte("message"), sig) {
			b.Fatal("not verified")
		}
	}
}
