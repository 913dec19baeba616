package interop

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwe"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sealed"
)

const (
	sealSender = "did:act:agents.example/buyer"
	shopDID    = "did:act:shop.example/coffee"
	riskDID    = "did:act:risk.example/scores"
	pspDID     = "did:act:pay.example/psp"
	messageID  = "request-7"
)

// A sealReader is a reader with its private key in every library's form.
type sealReader struct {
	did     string
	key     *keys.DecryptionKey
	private *ecdh.PrivateKey
	ec      *ecdsa.PrivateKey // nil for X25519
}

func newSealReader(t *testing.T, did string, curve ecdh.Curve) *sealReader {
	t.Helper()
	r := &sealReader{did: did}
	var err error
	if curve == ecdh.P256() {
		if r.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
		r.private, err = r.ec.ECDH()
	} else {
		r.private, err = curve.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.key, err = keys.NewDecryptionKey(did+"#e1", r.private); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *sealReader) entry() identity.EncryptionKey {
	return identity.EncryptionKey{ID: r.key.KeyID(), Public: r.key.Public()}
}

// jwk is the private key as JavaScript gets it.
func (r *sealReader) jwk() jsontext.Value {
	public := string(r.key.Public().JWK())
	return jsontext.Value(strings.TrimSuffix(public, "}") + `,"d":"` + canon.EncodeBase64(r.private.Bytes()) + `"}`)
}

type sealWorld struct {
	signer          *keys.Signer
	seed            ed25519.PrivateKey
	shop, risk, psp *sealReader
}

func newSealWorld(t *testing.T) *sealWorld {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(sealSender+"#k1", keys.AgentRequest, private)
	if err != nil {
		t.Fatal(err)
	}
	return &sealWorld{s, private, newSealReader(t, shopDID, ecdh.P256()), newSealReader(t, riskDID, ecdh.P256()), newSealReader(t, pspDID, ecdh.X25519())}
}

// seal makes four parts: for one reader on each curve, for two on one, and for
// three on both.
func (w *sealWorld) seal(t *testing.T) []byte {
	t.Helper()
	raw, err := sealed.Seal(w.signer, sealed.Payload{ID: messageID, IssuedAt: time.Now(), Parts: []sealed.Part{
		{Name: "address", Content: []byte(`"港湾路1号"`), Readers: []identity.EncryptionKey{w.shop.entry()}},
		{Name: "instrument", Content: []byte(`{"token":"t-1"}`), Readers: []identity.EncryptionKey{w.psp.entry()}},
		{Name: "goods", Content: []byte(`[1,2]`), Readers: []identity.EncryptionKey{w.shop.entry(), w.risk.entry()}},
		{Name: "device", Content: []byte(`{"n":1.5}`), Readers: []identity.EncryptionKey{w.shop.entry(), w.risk.entry(), w.psp.entry()}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// contents is what each reader must find.
var contents = map[string]map[string]string{
	shopDID: {"address": `"港湾路1号"`, "goods": `[1,2]`, "device": `{"n":1.5}`},
	pspDID:  {"instrument": `{"token":"t-1"}`, "device": `{"n":1.5}`},
	riskDID: {"goods": `[1,2]`, "device": `{"n":1.5}`},
}

type sealedMessage struct {
	Manifest string           `json:"manifest"`
	Parts    []jsontext.Value `json:"parts"`
}

// found reads the name and content of a plaintext.
func found(t *testing.T, into map[string]string, plaintext []byte) {
	t.Helper()
	var c struct {
		Name    string         `json:"name"`
		Content jsontext.Value `json:"content"`
	}
	if err := json.Unmarshal(plaintext, &c); err != nil {
		t.Fatal(err)
	}
	into[c.Name] = string(c.Content)
}

func same(t *testing.T, who string, got, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("PRV-02 %s opened %v, want %v", who, got, want)
	}
	for name, content := range want {
		if got[name] != content {
			t.Errorf("PRV-02 %s: %s is %s, want %s", who, name, got[name], content)
		}
	}
}

func TestOursOpenInGo(t *testing.T) {
	w := newSealWorld(t)
	var m sealedMessage
	if err := json.Unmarshal(w.seal(t), &m); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*sealReader{w.shop, w.risk, w.psp} {
		viaJWX, viaJose := map[string]string{}, map[string]string{}
		for _, part := range m.Parts {
			if plaintext, err := jwe.Decrypt(part, jwe.WithKey(jwa.ECDH_ES_A256KW(), r.private)); err == nil {
				found(t, viaJWX, plaintext)
			}
			if r.ec == nil {
				continue // go-jose has no X25519
			}
			object, err := jose.ParseEncryptedJSON(string(part), []jose.KeyAlgorithm{jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
			if err != nil {
				t.Fatalf("PRV-02 go-jose does not read %s: %v", part, err)
			}
			if _, _, plaintext, err := object.DecryptMulti(r.ec); err == nil {
				if !bytes.Equal(object.GetAuthData(), []byte(messageID)) {
					t.Error("PRV-02 the message id is not the additional data")
				}
				found(t, viaJose, plaintext)
			}
		}
		same(t, "jwx for "+r.did, viaJWX, contents[r.did])
		if r.ec != nil {
			same(t, "go-jose for "+r.did, viaJose, contents[r.did])
		}
	}
}

// around puts a JWE that somebody else made into a message.
func (w *sealWorld) around(t *testing.T, part []byte, plaintext string) []byte {
	t.Helper()
	claims, err := canon.Marshal(map[string]any{"iat": 1772443800, "iss": sealSender, "jti": messageID, "parts": []canon.Digest{canon.Sum([]byte(plaintext))}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := keys.SignCompact(w.signer, keys.AgentRequest, sealed.Type, claims)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(sealedMessage{Manifest: string(token), Parts: []jsontext.Value{part}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (w *sealWorld) opens(t *testing.T, who string, raw []byte, r *sealReader, want map[string]string) {
	t.Helper()
	u, err := sealed.Parse(raw)
	if err != nil {
		t.Errorf("PRV-02 %s: %v in %s", who, err, raw)
		return
	}
	m, err := u.Open(w.signer.Public(), r.key)
	if err != nil {
		t.Errorf("PRV-02 %s: %v", who, err)
		return
	}
	got := map[string]string{}
	for _, p := range m.Parts {
		got[p.Name] = string(p.Content)
	}
	same(t, who, got, want)
}

func TestTheirsOpenHere(t *testing.T) {
	w := newSealWorld(t)
	plaintext := `{"content":"x","message_id":"` + messageID + `","name":"note","readers":["` + pspDID + `","` + riskDID + `","` + shopDID + `"],"salt":"` +
		canon.EncodeBase64(make([]byte, 32)) + `","sender":"` + sealSender + `"}`
	want := map[string]string{"note": `"x"`}

	// go-jose, for two readers; its top-level encrypted_key is taken away.
	multi, err := jose.NewMultiEncrypter(jose.A256GCM, []jose.Recipient{
		{Algorithm: jose.ECDH_ES_A256KW, Key: &w.shop.ec.PublicKey}, {Algorithm: jose.ECDH_ES_A256KW, Key: &w.risk.ec.PublicKey},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	object, err := multi.EncryptWithAuthData([]byte(plaintext), []byte(messageID))
	if err != nil {
		t.Fatal(err)
	}
	full, err := canon.Without([]byte(object.FullSerialize()), "encrypted_key", "header")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*sealReader{w.shop, w.risk} {
		w.opens(t, "go-jose for "+r.did, w.around(t, full, plaintext), r, want)
	}

	// jwx, for readers on both curves.
	theirs, err := jwe.Encrypt([]byte(plaintext), jwe.WithJSON(), jwe.WithContentEncryption(jwa.A256GCM()), jwe.WithAuthenticateData([]byte(messageID)),
		jwe.WithKey(jwa.ECDH_ES_A256KW(), w.shop.private.PublicKey()), jwe.WithKey(jwa.ECDH_ES_A256KW(), w.psp.private.PublicKey()))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*sealReader{w.shop, w.psp} {
		w.opens(t, "jwx for "+r.did, w.around(t, theirs, plaintext), r, want)
	}
}

// A stranger's implementation in JavaScript, made from SPEC.md 8.3: it opens
// our messages, and we open its.
func TestSealedInJavaScript(t *testing.T) {
	node := newNode(t)
	w := newSealWorld(t)
	raw := w.seal(t)
	for _, r := range []*sealReader{w.shop, w.risk, w.psp} {
		var answer struct {
			ID    string                    `json:"id"`
			Parts map[string]jsontext.Value `json:"parts"`
		}
		request := map[string]any{
			"do": "open", "message": jsontext.Value(raw), "sender": jsontext.Value(w.signer.Public().JWK()), "reader": r.did, "keys": []jsontext.Value{r.jwk()},
		}
		if err := node.run(t, "jwe.mjs", request, &answer); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for name, content := range answer.Parts {
			got[name] = string(content)
		}
		same(t, "JavaScript for "+r.did, got, contents[r.did])
	}
	type reader struct {
		DID string         `json:"did"`
		JWK jsontext.Value `json:"jwk"`
	}
	as := func(list ...*sealReader) (out []reader) {
		for _, r := range list {
			out = append(out, reader{r.did, r.key.Public().JWK()})
		}
		return out
	}
	seed := canon.EncodeBase64(w.seed.Seed())
	private := strings.TrimSuffix(string(w.signer.Public().JWK()), "}") + `,"d":"` + seed + `"}`
	var theirs jsontext.Value
	err := node.run(t, "jwe.mjs", map[string]any{
		"do": "seal", "id": messageID, "iat": 1772443800, "sender": sealSender, "kid": w.signer.KeyID(), "key": jsontext.Value(private),
		"parts": []map[string]any{
			{"name": "address", "content": "港湾路1号", "readers": as(w.shop)},
			{"name": "instrument", "content": map[string]string{"token": "t-1"}, "readers": as(w.psp)},
			{"name": "goods", "content": []int{1, 2}, "readers": as(w.risk, w.shop)},
			{"name": "device", "content": map[string]float64{"n": 1.5}, "readers": as(w.psp, w.risk, w.shop)},
		},
	}, &theirs)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*sealReader{w.shop, w.risk, w.psp} {
		w.opens(t, "from JavaScript for "+r.did, theirs, r, contents[r.did])
	}
	// The JavaScript, too, refuses a message by another signer.
	other := newSealWorld(t)
	if err := node.run(t, "jwe.mjs", map[string]any{
		"do": "open", "message": jsontext.Value(raw), "sender": jsontext.Value(other.signer.Public().JWK()), "reader": shopDID, "keys": []jsontext.Value{w.shop.jwk()},
	}, new(any)); err == nil {
		t.Error("PRV-02 opened under a signature by somebody else")
	}
}
