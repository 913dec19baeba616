package sealed

import (
	"crypto/ecdh"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	buyer    = "did:act:agents.example/buyer"
	shop     = "did:act:shop.example/coffee"
	provider = "did:act:pay.example/psp"
	risk     = "did:act:risk.example/scores"
)

var (
	now     = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	address = `"1 Harbour Road"`
	device  = `{"battery":41,"model":"x"}`
	token   = `{"instrument":"token-1"}`
)

func newSigner(t testing.TB, did string, p keys.Purpose) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(did+"#k1", p, private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newReader(t testing.TB, did string, curve ecdh.Curve) *keys.DecryptionKey {
	t.Helper()
	k, err := keys.GenerateDecryption(did+"#e1", curve)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func to(readers ...*keys.DecryptionKey) (out []identity.EncryptionKey) {
	for _, r := range readers {
		out = append(out, identity.EncryptionKey{ID: r.KeyID(), Public: r.Public()})
	}
	return out
}

// A world is a buyer who seals three parts for a shop (P-256), a provider
// (X25519) and risk control (P-256).
type world struct {
	signer               *keys.Signer
	shop, provider, risk *keys.DecryptionKey
}

func newWorld(t testing.TB) *world {
	return &world{
		newSigner(t, buyer, keys.AgentRequest),
		newReader(t, shop, ecdh.P256()), newReader(t, provider, ecdh.X25519()), newReader(t, risk, ecdh.P256()),
	}
}

func (w *world) payload() Payload {
	return Payload{ID: "request-7", IssuedAt: now, Parts: []Part{
		{Name: "delivery_address", Content: []byte(address), Readers: to(w.shop)},
		{Name: "instrument", Content: []byte(token), Readers: to(w.provider)},
		{Name: "device", Content: []byte(device), Readers: to(w.risk, w.provider)},
	}}
}

func (w *world) seal(t testing.TB) []byte {
	t.Helper()
	raw, err := Seal(w.signer, w.payload())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func open(raw []byte, sender keys.PublicKey, ring ...*keys.DecryptionKey) (*Message, error) {
	u, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	return u.Open(sender, ring...)
}

func wantCode(t testing.TB, name string, err error, want protocol.Code) {
	t.Helper()
	if protocol.CodeOf(err) != want || (err == nil) != (want == "") {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

// forge makes a message of any manifest and plaintexts, with keys that are real:
// what a dishonest sender can do.
func forge(t testing.TB, s *keys.Signer, m manifest, parts ...jsontext.Value) []byte {
	t.Helper()
	text, err := canon.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := keys.SignCompact(s, s.Purpose(), Type, text)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := canon.Marshal(envelope{Manifest: string(signed), Parts: parts})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func encryptFor(t testing.TB, plaintext []byte, id string, readers ...*keys.DecryptionKey) jsontext.Value {
	t.Helper()
	var public []keys.EncryptionKey
	for _, r := range readers {
		public = append(public, r.Public())
	}
	g, err := encrypt(plaintext, id, public)
	if err != nil {
		t.Fatal(err)
	}
	text, err := canon.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
