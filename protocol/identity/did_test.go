package identity

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

func mustDID(t testing.TB, s string) DID {
	t.Helper()
	d, err := ParseDID(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return d
}

func newKey(t testing.TB, alg keys.Algorithm) keys.PublicKey {
	t.Helper()
	private, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func wantCode(t *testing.T, err error, want protocol.Code) {
	t.Helper()
	if protocol.CodeOf(err) != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestParseDID(t *testing.T) {
	for _, tc := range []struct{ did, method, host, url string }{
		{"did:act:shop.example/coffee", MethodAct, "shop.example", "https://shop.example/.well-known/act/coffee/did.json"},
		{"did:act:example.com/agent-alice-001", MethodAct, "example.com", "https://example.com/.well-known/act/agent-alice-001/did.json"},
		{"did:act:localhost%3A8443/shop", MethodAct, "localhost:8443", "https://localhost:8443/.well-known/act/shop/did.json"},
		{"did:act:a.b-c.xn--p1ai/_a.b-0", MethodAct, "a.b-c.xn--p1ai", "https://a.b-c.xn--p1ai/.well-known/act/_a.b-0/did.json"},
		{"did:act:shop.example/...", MethodAct, "shop.example", "https://shop.example/.well-known/act/.../did.json"},
		{"did:act:1.2.example/" + strings.Repeat("n", 64), MethodAct, "1.2.example", "https://1.2.example/.well-known/act/" + strings.Repeat("n", 64) + "/did.json"},
		{"did:web:shop.example", MethodWeb, "shop.example", "https://shop.example/.well-known/did.json"},
		{"did:web:shop.example%3A3000", MethodWeb, "shop.example:3000", "https://shop.example:3000/.well-known/did.json"},
		{"did:web:shop.example%3A3000:user:Alice", MethodWeb, "shop.example:3000", "https://shop.example:3000/user/Alice/did.json"},
		{"did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", MethodKey, "", ""},
	} {
		d, err := ParseDID(tc.did)
		if err != nil {
			t.Errorf("IDN-02 %s: %v", tc.did, err)
			continue
		}
		if d.String() != tc.did || d.Method() != tc.method || d.Host() != tc.host || d.IsZero() {
			t.Errorf("%s: %s %s %s", tc.did, d, d.Method(), d.Host())
		}
		url, err := d.DocumentURL()
		if url != tc.url || (err != nil) != (tc.url == "") {
			t.Errorf("%s: %s %v", tc.did, url, err)
		}
		again, fragment, err := ParseKeyID(tc.did + "#key-1")
		if err != nil || again != d || fragment != "key-1" {
			t.Errorf("%s: %v", tc.did, err)
		}
	}
}

// Each of these would be a second spelling, a way to another place, or
// nonsense.
func TestHostileDIDs(t *testing.T) {
	const ed = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
	for _, bad := range []string{
		"did", "did:", "did:act", "did:act:", "did::x", "act:shop.example/coffee", "DID:act:shop.example/coffee",
		"did:ACT:shop.example/coffee", "did:ion:abc", "did:jwk:e30", " did:act:a.example/b", "did:act:a.example/b ",
		"did:act:shop.example", "did:act:shop.example/", "did:act:/coffee", "did:act:shop.example/coffee/x",
		"did:act:shop.example/Coffee", "did:act:Shop.example/coffee", "did:act:shop.example/cof fee",
		"did:act:shop.example/.", "did:act:shop.example/..", "did:act:shop.example/%2e%2e", "did:act:shop.example/a%2Fb",
		"did:act:shop.example/a?b", "did:act:shop.example/a#b", "did:act:shop.example/a\\b", "did:act:shop.example/é",
		"did:act:shop.example/" + strings.Repeat("n", 65),
		"did:act:shop.example:8443/coffee", "did:act:shop.example%3a8443/coffee", "did:act:shop.example%3A/coffee",
		"did:act:shop.example%3A0/coffee", "did:act:shop.example%3A65536/coffee", "did:act:shop.example%3A08443/coffee",
		"did:act:shop.example%3A+80/coffee", "did:act:shop.example%3A80%3A90/coffee",
		"did:act:user@shop.example/coffee", "did:act:shop..example/coffee", "did:act:.example/coffee", "did:act:shop.example./coffee",
		"did:act:-shop.example/coffee", "did:act:shop-.example/coffee", "did:act:shop_x.example/coffee", "did:act:münchen.example/x",
		"did:act:" + strings.Repeat("a", 64) + ".example/coffee", "did:act:" + strings.Repeat("abc.", 80) + "example/coffee",
		"did:act:127.0.0.1/coffee", "did:act:169.254.169.254/latest", "did:act:0x7f.1/x", "did:act:127.1/x", "did:act:2130706433/x",
		"did:act:[::1]/coffee", "did:act:%5B%3A%3A1%5D/coffee",
		"did:web:", "did:web:shop.example/coffee", "did:web:shop.example:", "did:web:shop.example::a", "did:web:shop.example:..",
		"did:web:shop.example:.", "did:web:shop.example:a%2Fb", "did:web:Shop.example", "did:web:10.0.0.1", "did:web:shop.example:a?b", "did:web:shop.example:" + strings.Repeat("a", 400),
		"did:key:", "did:key:z", "did:key:" + ed[1:], "did:key:" + ed + "A", "did:key:" + ed[:47], "did:key:z1" + ed[1:],
		"did:key:m7QE7aie8zrakLWKjqNAqbw1zZTIVdx3iQ6Y6wEihi1naKQ", "did:key:f" + strings.Repeat("0", 60), "did:key:z" + strings.Repeat("1", 4000),
		"did:key:Z" + ed[1:], "did:key:z0OIl",
		"did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", // secp256k1
		"did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",  // X25519
	} {
		if d, err := ParseDID(bad); protocol.CodeOf(err) != protocol.CodeFieldInvalid || !d.IsZero() {
			t.Errorf("%s: %v", bad, err)
		} else if strings.Contains(err.Error(), "shop.example") {
			t.Errorf("the error prints its input: %v", err)
		}
	}
	_, err := ParseDID("")
	wantCode(t, err, protocol.CodeFieldMissing)
	for _, bad := range []string{
		"did:act:a.example/b", "did:act:a.example/b#", "#k", "did:act:a.example/b#k#l", "did:act:a.example/b?x#k",
		"did:act:a.example/b/c#k", "did:act:a.example/b# k", "did:act:a.example/b#é", "did:act:a.example/b#" + strings.Repeat("k", 97),
	} {
		_, _, err := ParseKeyID(bad)
		wantCode(t, err, protocol.CodeFieldInvalid)
	}
	_, _, err = ParseKeyID("")
	wantCode(t, err, protocol.CodeFieldMissing)
}

func TestNewActDID(t *testing.T) {
	d, err := NewActDID("localhost:8443", "shop")
	if err != nil || d.String() != "did:act:localhost%3A8443/shop" || d.Host() != "localhost:8443" {
		t.Errorf("%v %v", d, err)
	}
	for _, bad := range [][2]string{{"", "a"}, {"a.example", ""}, {"a.example:1:2", "a"}, {"[::1]:1", "a"}, {"127.0.0.1:1", "a"}, {"a.example/b", "c"}} {
		if _, err := NewActDID(bad[0], bad[1]); err == nil {
			t.Error(bad)
		}
	}
}

func TestDIDText(t *testing.T) {
	var d DID
	if err := d.UnmarshalText([]byte("did:act:a.example/b")); err != nil {
		t.Fatal(err)
	}
	if text, err := d.MarshalText(); err != nil || string(text) != "did:act:a.example/b" {
		t.Errorf("%s %v", text, err)
	}
	if err := d.UnmarshalText([]byte("did:act:a.example/..")); err == nil || !d.IsZero() {
		t.Error("a wrong DID was read")
	}
	if _, err := d.MarshalText(); err == nil {
		t.Error("the zero DID was written")
	}
	if d.Method() != "" || d.Host() != "" {
		t.Error("the zero DID names something")
	}
	if _, err := d.DocumentURL(); err == nil {
		t.Error("the zero DID has a document")
	}
}

// Known answers of the did:key method's own examples.
func TestDIDKeyKnownAnswers(t *testing.T) {
	for did, jwk := range map[string]string{
		"did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp":  `{"crv":"Ed25519","kty":"OKP","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"}`,
		"did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169": `{"crv":"P-256","kty":"EC","x":"fyNYMN0976ci7xqiSdag3buk-ZCwgXU4kz9XNkBlNUI","y":"hW2ojTNfH7Jbi8--CJUo3OCbH3y5n91g-IMA9MLMbTU"}`,
		"did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv": `{"crv":"P-256","kty":"EC","x":"igrFmi0whuihKnj9R3Om1SoMph72wUGeFaBbzG2vzns","y":"efsX5b10x8yjyrj4ny3pGfLcY7Xby1KzgqOdqnsrJIM"}`,
	} {
		doc, err := ResolveKeyDID(mustDID(t, did))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(doc.Keys[0].Public.JWK()); got != jwk {
			t.Errorf("%s: %s", did, got)
		}
		key, err := keys.ParseJWK([]byte(jwk))
		if err != nil {
			t.Fatal(err)
		}
		if d, err := DIDFromKey(key); err != nil || d.String() != did {
			t.Errorf("%s: %v %v", did, d, err)
		}
	}
}

func TestDIDKeyRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		key := newKey(t, rapid.SampledFrom([]keys.Algorithm{keys.EdDSA, keys.ES256}).Draw(rt, "algorithm"))
		d, err := DIDFromKey(key)
		if err != nil {
			rt.Fatal(err)
		}
		doc, err := ResolveKeyDID(mustDID(t, d.String()))
		if err != nil || len(doc.Keys) != 1 || !doc.Keys[0].Public.Equal(key) {
			rt.Fatalf("%s: %v", d, err)
		}
	})
	if _, err := DIDFromKey(keys.PublicKey{}); err == nil {
		t.Error("a DID of no key")
	}
	if _, err := ResolveKeyDID(mustDID(t, "did:act:a.example/b")); err == nil {
		t.Error("did:act resolved without network")
	}
}

// Points and lengths that the multicodec allows to write and that are no keys.
func TestHostileMulticodec(t *testing.T) {
	for name, raw := range map[string][]byte{
		"nothing":            {},
		"codec only":         codecEd25519,
		"31 bytes":           append(append([]byte{}, codecEd25519...), make([]byte, 31)...),
		"33 bytes":           append(append([]byte{}, codecEd25519...), make([]byte, 33)...),
		"small order":        append(append([]byte{}, codecEd25519...), append([]byte{1}, make([]byte, 31)...)...),
		"no point of P-256":  append(append([]byte{}, codecP256...), append([]byte{2}, []byte(strings.Repeat("\xff", 32))...)...),
		"uncompressed point": append(append([]byte{}, codecP256...), append([]byte{4}, make([]byte, 64)...)...),
		"P-256 infinity":     append(append([]byte{}, codecP256...), make([]byte, 33)...),
		"long varint":        append([]byte{0xed, 0x81, 0x00}, make([]byte, 32)...),
	} {
		if key, err := decodeCodec(raw); err == nil || !key.IsZero() {
			t.Errorf("%s: accepted", name)
		}
	}
}
