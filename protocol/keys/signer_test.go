package keys_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// service is a key service: it has the public key, and answers what it is told
// to answer.
type service struct {
	public crypto.PublicKey
	sign   func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

func (s service) Public() crypto.PublicKey { return s.public }
func (s service) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.sign(digest, opts)
}

func TestPurposeString(t *testing.T) {
	for p, want := range map[keys.Purpose]string{keys.Seller: "seller", keys.Encryption: "encryption", "": "unknown purpose", "<script>": "unknown purpose"} {
		if got := fmt.Sprint(p); got != want {
			t.Errorf("%q prints as %q, want %q", string(p), got, want)
		}
	}
}

func TestPurposeIsEnforced(t *testing.T) {
	all := []keys.Purpose{
		keys.IssueAuthorization, keys.IssueIdentity, keys.AgentRequest, keys.Status, keys.SubAccount,
		keys.Seller, keys.Proof, keys.Attestation, keys.Anchor,
	}
	t.Run("ADD-IAC-ISS-12 a key serves one purpose", func(t *testing.T) {
		for _, own := range all {
			s := newSigner(t, keys.EdDSA, own)
			for _, asked := range append(all, keys.Encryption, "", "other") {
				want := protocol.CodeKeyPurpose
				if asked == own {
					want = ""
				}
				_, err := s.Sign(asked, []byte("x"))
				wantCode(t, err, want)
				_, err = keys.SignCompact(s, asked, keys.TypeOrder, []byte("{}"))
				wantCode(t, err, want)
				_, err = keys.SignMessage(s, asked, keys.KindBill, struct{}{})
				wantCode(t, err, want)
			}
		}
	})
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []keys.Purpose{keys.Encryption, "", "seller ", "anything"} {
		_, err := keys.NewSigner(keyID, bad, private)
		wantCode(t, err, protocol.CodeKeyPurpose)
	}
}

func TestNewSigner(t *testing.T) {
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(keyID, keys.Proof, private)
	if err != nil {
		t.Fatal(err)
	}
	if s.KeyID() != keyID || s.DID() != "did:act:shop.example/coffee" || s.Purpose() != keys.Proof || s.Public().Algorithm() != keys.ES256 {
		t.Errorf("%v", s)
	}
	for _, bad := range []string{"", "#k1", "k1", "did:act:a/b", "did:#x", "did:act:#x", "did::a#x", "urn:a:b#x", "did:act:a/b#\n", "did:act:a\"b#k"} {
		if _, err := keys.NewSigner(bad, keys.Proof, private); err == nil {
			t.Errorf("key id %q", bad)
		}
	}
	_, err = keys.NewSigner(keyID, keys.Proof, nil)
	wantCode(t, err, protocol.CodeFieldMissing)
	_, err = keys.NewSigner(keyID, keys.Proof, service{public: "not a key"})
	wantCode(t, err, protocol.CodeAlgorithmRefused)
	if _, err := keys.Generate("HS256"); protocol.CodeOf(err) != protocol.CodeAlgorithmRefused {
		t.Error(err)
	}
}

// A Signer must not show its private key however it is printed.
func TestSignerPrintsNoKey(t *testing.T) {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(keyID, keys.Seller, private)
	if err != nil {
		t.Fatal(err)
	}
	secret := fmt.Sprint([]byte(private.(ed25519.PrivateKey))[:4])
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		for _, v := range []any{s, struct{ S *keys.Signer }{s}} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, strings.Trim(secret, "[]")) || strings.Contains(got, fmt.Sprintf("%x", []byte(private.(ed25519.PrivateKey))[:8])) {
				t.Errorf("%s prints the key", verb)
			}
		}
	}
	if got := fmt.Sprintf("%+v", s); got != "signer "+keyID+" for seller" {
		t.Error(got)
	}
	if got := fmt.Sprint((*keys.Signer)(nil)); got != "no signer" {
		t.Error(got)
	}
}

func TestKeyService(t *testing.T) {
	message := []byte("message")
	for _, alg := range algorithms {
		private, err := keys.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		other, err := keys.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("token 4711 of user secret-name was refused")
		pass := func(k crypto.Signer) func([]byte, crypto.SignerOpts) ([]byte, error) {
			return func(d []byte, o crypto.SignerOpts) ([]byte, error) { return k.Sign(nil, d, o) }
		}
		for _, tc := range []struct {
			name string
			sign func([]byte, crypto.SignerOpts) ([]byte, error)
			want protocol.Code
		}{
			{"works", pass(private), ""},
			{"fails", func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, broken }, protocol.CodeServiceUnavailable},
			{"uses another key", pass(other), protocol.CodeServiceUnavailable},
			{"answers nothing", func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, nil }, protocol.CodeServiceUnavailable},
			{"answers noise", func([]byte, crypto.SignerOpts) ([]byte, error) { return make([]byte, 64), nil }, protocol.CodeServiceUnavailable},
			{"cuts off", func(d []byte, o crypto.SignerOpts) ([]byte, error) {
				sig, err := private.Sign(nil, d, o)
				return sig[:len(sig)-1], err
			}, protocol.CodeServiceUnavailable},
		} {
			t.Run(string(alg)+" "+tc.name, func(t *testing.T) {
				s, err := keys.NewSigner(keyID, keys.Proof, service{public: private.Public(), sign: tc.sign})
				if err != nil {
					t.Fatal(err)
				}
				sig, err := s.Sign(keys.Proof, message)
				wantCode(t, err, tc.want)
				if err == nil {
					if len(sig) != keys.SignatureSize || !s.Public().Verify(message, sig) {
						t.Error("the signature does not verify")
					}
					return
				}
				if sig != nil || !errors.Is(err, protocol.ErrUndetermined) {
					t.Error("a signature with an error, or a failure that denies")
				}
				if strings.Contains(err.Error(), "secret") {
					t.Error("the service's words leak:", err)
				}
				if tc.name == "fails" && !errors.Is(err, broken) {
					t.Error("the cause is lost")
				}
			})
		}
	}
}

// A DER signature whose integers are legal ASN.1 and no scalars.
func TestKeyServiceWithBadDER(t *testing.T) {
	private, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	for name, der := range map[string][]byte{
		"zero":     {0x30, 6, 2, 1, 0, 2, 1, 1},
		"negative": {0x30, 6, 2, 1, 0xff, 2, 1, 1},
		"long":     append(append([]byte{0x30, 0x26, 2, 0x21}, append([]byte{1}, make([]byte, 32)...)...), 2, 1, 1),
		"padded":   {0x30, 7, 2, 2, 0, 1, 2, 1, 1},
		"trailing": {0x30, 6, 2, 1, 1, 2, 1, 1, 0},
	} {
		s, err := keys.NewSigner(keyID, keys.Proof, service{
			public: private.(*ecdsa.PrivateKey).Public(),
			sign:   func([]byte, crypto.SignerOpts) ([]byte, error) { return der, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sign(keys.Proof, []byte("x")); protocol.CodeOf(err) != protocol.CodeServiceUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, alg := range algorithms {
		if again, ok := keys.ParseSignatureType(alg.SignatureType()); !ok || again != alg || !alg.Known() {
			t.Errorf("%s", alg)
		}
	}
	for _, bad := range []string{"", "EdDSA", "ed25519", "Ed25519", "RSA2", "none"} {
		if _, ok := keys.ParseSignatureType(bad); ok {
			t.Errorf("%q", bad)
		}
		if bad != "EdDSA" && (keys.Algorithm(bad).SignatureType() != "" || keys.Algorithm(bad).Known()) {
			t.Errorf("%q", bad)
		}
	}
}
