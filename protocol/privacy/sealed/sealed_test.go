package sealed

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

func TestSealAndOpen(t *testing.T) {
	w := newWorld(t)
	raw := w.seal(t)
	for _, tc := range []struct {
		reader *keys.DecryptionKey
		want   map[string]string
	}{
		{w.shop, map[string]string{"delivery_address": address}},
		{w.provider, map[string]string{"instrument": token, "device": device}},
		{w.risk, map[string]string{"device": device}},
	} {
		t.Run("PRV-02 "+tc.reader.DID(), func(t *testing.T) {
			m, err := open(raw, w.signer.Public(), tc.reader)
			if err != nil {
				t.Fatal(err)
			}
			if m.ID != "request-7" || m.Sender != buyer || m.KeyID != buyer+"#k1" || !m.IssuedAt.Equal(now) {
				t.Errorf("%+v", m)
			}
			if len(m.Parts) != len(tc.want) || m.Others != 3-len(tc.want) {
				t.Fatalf("%d parts, %d others", len(m.Parts), m.Others)
			}
			for name, want := range tc.want {
				if got, err := m.Part(name); err != nil || string(got) != want {
					t.Errorf("%s: %s, %v", name, got, err)
				}
			}
			_, err = m.Part("nothing")
			wantCode(t, "a part that is not there", err, protocol.CodeFieldMissing)
		})
	}
	_, err := open(raw, w.signer.Public(), newReader(t, "did:act:other.example/x", ecdh.P256()))
	wantCode(t, "PRV-02 somebody else", err, protocol.CodeAudienceMismatch)
	// A key that was replaced opens what was sealed for it.
	fresh, err := keys.GenerateDecryption(shop+"#e2", ecdh.X25519())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(raw, w.signer.Public(), fresh, w.shop); err != nil {
		t.Errorf("PRV-02 an older key: %v", err)
	}
}

// What can be seen from outside is the number of parts and readers, curves and
// lengths in steps: no name, reader or content, and none of it in another part.
func TestNothingElseIsVisible(t *testing.T) {
	w := newWorld(t)
	raw := string(w.seal(t))
	u, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	visible := raw + string(u.token.Payload)
	for _, secret := range []string{"Harbour", "delivery", "instrument", "device", "token-1", shop, provider, risk, "#e1"} {
		if strings.Contains(visible, secret) {
			t.Errorf("PRV-02 %q can be seen", secret)
		}
	}
	for i, e := range u.parts {
		if (len(e.ciphertext)-tagSize)%block != 0 {
			t.Errorf("PRV-02 part %d has %d bytes", i, len(e.ciphertext))
		}
	}
	// The same payload twice has no digest in common.
	again, err := Parse(w.seal(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range again.digests {
		if slices.Contains(u.digests, d) {
			t.Error("PRV-02 a digest without salt")
		}
	}
	m, err := u.Open(w.signer.Public(), w.shop)
	if err != nil {
		t.Fatal(err)
	}
	if r := m.Parts[0].Readers; !slices.Equal(r, []string{shop}) {
		t.Errorf("PRV-02 readers %v", r)
	}
}

func TestWithout(t *testing.T) {
	w := newWorld(t)
	u, err := Parse(w.seal(t))
	if err != nil {
		t.Fatal(err)
	}
	forwarded, err := u.Without(func(i int) bool { return i > 0 })
	if err != nil {
		t.Fatal(err)
	}
	m, err := open(forwarded, w.signer.Public(), w.risk)
	if err != nil || len(m.Parts) != 1 || m.Others != 2 {
		t.Fatalf("PRV-02 %v: %+v", err, m)
	}
	_, err = open(forwarded, w.signer.Public(), w.shop)
	wantCode(t, "PRV-02 what was left out", err, protocol.CodeAudienceMismatch)
	_, err = u.Without(func(int) bool { return false })
	wantCode(t, "nothing left", err, protocol.CodeFieldMissing)
}

func TestSealRefuses(t *testing.T) {
	w := newWorld(t)
	change := func(f func(*Payload)) Payload { p := w.payload(); f(&p); return p }
	for _, tc := range []struct {
		name string
		p    Payload
		want protocol.Code
	}{
		{"no id", change(func(p *Payload) { p.ID = "" }), protocol.CodeFieldInvalid},
		{"no time", change(func(p *Payload) { p.IssuedAt = now.AddDate(-100, 0, 0) }), protocol.CodeFieldMissing},
		{"no parts", change(func(p *Payload) { p.Parts = nil }), protocol.CodeTooLarge},
		{"nine parts", change(func(p *Payload) { p.Parts = make([]Part, 9) }), protocol.CodeTooLarge},
		{"no name", change(func(p *Payload) { p.Parts[0].Name = "" }), protocol.CodeFieldInvalid},
		{"a name of another kind", change(func(p *Payload) { p.Parts[0].Name = "Address" }), protocol.CodeFieldInvalid},
		{"one name twice", change(func(p *Payload) { p.Parts[0].Name = "device" }), protocol.CodeFieldInvalid},
		{"no readers", change(func(p *Payload) { p.Parts[0].Readers = nil }), protocol.CodeTooLarge},
		{"nine readers", change(func(p *Payload) { p.Parts[0].Readers = make([]identity.EncryptionKey, 9) }), protocol.CodeTooLarge},
		{"a reader twice", change(func(p *Payload) { p.Parts[0].Readers = to(w.shop, w.shop) }), protocol.CodeFieldInvalid},
		{"a reader without key", change(func(p *Payload) { p.Parts[0].Readers[0].Public = keys.EncryptionKey{} }), protocol.CodeFieldInvalid},
		{"a compromised key", change(func(p *Payload) { p.Parts[0].Readers[0].Compromised = true }), protocol.CodeFieldInvalid},
		{"a reader without DID", change(func(p *Payload) { p.Parts[0].Readers[0].ID = "k1" }), protocol.CodeFieldInvalid},
		{"content that is no JSON", change(func(p *Payload) { p.Parts[0].Content = []byte("x") }), protocol.CodeMalformed},
		{"content with null", change(func(p *Payload) { p.Parts[0].Content = []byte("null") }), protocol.CodeFieldInvalid},
		{"too long", change(func(p *Payload) { p.Parts[0].Content = []byte(`"` + strings.Repeat("x", 60_000) + `"`) }), protocol.CodeTooLarge},
	} {
		_, err := Seal(w.signer, tc.p)
		wantCode(t, "PRV-02 "+tc.name, err, tc.want)
	}
	_, err := Seal(newSigner(t, buyer, keys.Status), w.payload())
	wantCode(t, "ADD-IAC-ISS-12 a key for something else", err, protocol.CodeKeyPurpose)
	_, err = Seal(nil, w.payload())
	wantCode(t, "no signer", err, protocol.CodeFieldMissing)
}

func TestRing(t *testing.T) {
	w := newWorld(t)
	u, err := Parse(w.seal(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, ring := range map[string][]*keys.DecryptionKey{
		"no key": nil, "nil": {nil}, "of two readers": {w.shop, w.risk}, "nine": slices.Repeat([]*keys.DecryptionKey{w.shop}, 9),
	} {
		_, err := u.Open(w.signer.Public(), ring...)
		wantCode(t, "PRV-02 "+name, err, protocol.CodeFieldInvalid)
	}
	_, err = u.Open(newSigner(t, buyer, keys.AgentRequest).Public(), w.shop)
	wantCode(t, "PRV-02 another signer", err, protocol.CodeSignatureInvalid)
	_, err = u.Open(keys.PublicKey{}, w.shop)
	wantCode(t, "PRV-02 no signer", err, protocol.CodeAlgorithmRefused)
}

// What a dishonest sender, reader or carrier with real keys may try.
func TestHostileMessages(t *testing.T) {
	w := newWorld(t)
	mallory := newSigner(t, "did:act:evil.example/m", keys.AgentRequest)
	good := content{Content: []byte(address), MessageID: "request-7", Name: "a", Readers: []string{shop}, Salt: canon.EncodeBase64(make([]byte, saltSize)), Sender: buyer}
	one := func(c content, change func(*content), digestOf func([]byte) canon.Digest) []byte {
		change(&c)
		text, err := canon.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		m := manifest{IssuedAt: now.Unix(), Issuer: buyer, ID: "request-7", Parts: []canon.Digest{digestOf(text)}}
		return forge(t, w.signer, m, encryptFor(t, text, "request-7", w.shop))
	}
	for _, tc := range []struct {
		name string
		f    func(*content)
		want protocol.Code
	}{
		{"the control", func(*content) {}, ""},
		{"of another message", func(c *content) { c.MessageID = "request-8" }, protocol.CodeClaimsConflict},
		{"of another sender", func(c *content) { c.Sender = mallory.DID() }, protocol.CodeClaimsConflict},
		{"for other readers", func(c *content) { c.Readers = []string{risk} }, protocol.CodeAudienceMismatch},
		{"for no readers", func(c *content) { c.Readers = []string{} }, protocol.CodeFieldMissing},
		{"readers not sorted", func(c *content) { c.Readers = []string{shop, risk} }, protocol.CodeFieldInvalid},
		{"a reader twice", func(c *content) { c.Readers = []string{shop, shop} }, protocol.CodeFieldInvalid},
		{"a short salt", func(c *content) { c.Salt = "AAAA" }, protocol.CodeFieldInvalid},
		{"no salt", func(c *content) { c.Salt = "" }, protocol.CodeFieldMissing},
		{"a name that is none", func(c *content) { c.Name = "A b" }, protocol.CodeFieldInvalid},
	} {
		_, err := open(one(good, tc.f, canon.Sum), w.signer.Public(), w.shop)
		wantCode(t, "PRV-02 "+tc.name, err, tc.want)
	}
	_, err := open(one(good, func(*content) {}, func([]byte) canon.Digest { return canon.Sum(nil) }), w.signer.Public(), w.shop)
	wantCode(t, "PRV-02 a content that was not signed", err, protocol.CodeSignatureInvalid)

	// A carrier re-signs what it cannot read, to be taken for its sender.
	var e envelope
	if err := canon.Decode(w.seal(t), &e); err != nil {
		t.Fatal(err)
	}
	u, err := Parse(w.seal(t))
	if err != nil {
		t.Fatal(err)
	}
	m := manifest{IssuedAt: now.Unix(), Issuer: mallory.DID(), ID: u.ID, Parts: u.digests}
	var parts []jsontext.Value
	for _, p := range u.parts {
		parts = append(parts, p.text)
	}
	_, err = open(forge(t, mallory, m, parts...), mallory.Public(), w.shop)
	wantCode(t, "PRV-02 signed once more by a carrier", err, protocol.CodeClaimsConflict)

	// A reader passes its part on as if it had been sealed for another.
	opened, err := u.parts[0].decrypt([]*keys.DecryptionKey{w.shop})
	if err != nil {
		t.Fatal(err)
	}
	e.Manifest, e.Parts = u.manifest, []jsontext.Value{encryptFor(t, opened, u.ID, w.risk)}
	raw, err := canon.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(raw, w.signer.Public(), w.risk)
	wantCode(t, "PRV-02 passed on", err, protocol.CodeAudienceMismatch)

	// A part stands twice.
	e.Parts = []jsontext.Value{u.parts[0].text, u.parts[0].text}
	if raw, err = canon.Marshal(e); err != nil {
		t.Fatal(err)
	}
	_, err = open(raw, w.signer.Public(), w.shop)
	wantCode(t, "PRV-02 a part twice", err, protocol.CodeSignatureInvalid)
}

// The form: everything that a JWE could have and ours has not.
func TestHostileJWE(t *testing.T) {
	w := newWorld(t)
	plain := func(b string) string { return canon.EncodeBase64([]byte(b)) }
	base := w.seal(t)
	for _, tc := range []struct {
		name string
		f    func(map[string]any)
		want protocol.Code
	}{
		{"the control", func(map[string]any) {}, ""},
		{"alg none", func(j map[string]any) { j["protected"] = plain(`{"alg":"none","enc":"A256GCM"}`) }, protocol.CodeAlgorithmRefused},
		{"alg dir", func(j map[string]any) { j["protected"] = plain(`{"alg":"dir","enc":"A256GCM"}`) }, protocol.CodeAlgorithmRefused},
		{"alg ECDH-ES", func(j map[string]any) { j["protected"] = plain(`{"alg":"ECDH-ES","enc":"A256GCM"}`) }, protocol.CodeAlgorithmRefused},
		{"alg RSA1_5", func(j map[string]any) { j["protected"] = plain(`{"alg":"RSA1_5","enc":"A256GCM"}`) }, protocol.CodeAlgorithmRefused},
		{"alg in other case", func(j map[string]any) { j["protected"] = plain(`{"alg":"ecdh-es+a256kw","enc":"A256GCM"}`) }, protocol.CodeAlgorithmRefused},
		{"alg missing", func(j map[string]any) { j["protected"] = plain(`{"enc":"A256GCM"}`) }, protocol.CodeAlgorithmRefused},
		{"enc A128CBC-HS256", func(j map[string]any) {
			j["protected"] = plain(`{"alg":"ECDH-ES+A256KW","enc":"A128CBC-HS256"}`)
		}, protocol.CodeAlgorithmRefused},
		{"enc missing", func(j map[string]any) { j["protected"] = plain(`{"alg":"ECDH-ES+A256KW"}`) }, protocol.CodeAlgorithmRefused},
		{"zip", func(j map[string]any) {
			j["protected"] = plain(`{"alg":"ECDH-ES+A256KW","enc":"A256GCM","zip":"DEF"}`)
		}, protocol.CodeHeaderRefused},
		{"p2c", func(j map[string]any) {
			j["protected"] = plain(`{"alg":"ECDH-ES+A256KW","enc":"A256GCM","p2c":2147483647}`)
		}, protocol.CodeHeaderRefused},
		{"crit", func(j map[string]any) {
			j["protected"] = plain(`{"alg":"ECDH-ES+A256KW","enc":"A256GCM","crit":[]}`)
		}, protocol.CodeHeaderRefused},
		{"kid", func(j map[string]any) {
			j["protected"] = plain(`{"alg":"ECDH-ES+A256KW","enc":"A256GCM","kid":"x"}`)
		}, protocol.CodeHeaderRefused},
		{"alg twice", func(j map[string]any) {
			j["protected"] = plain(`{"alg":"ECDH-ES+A256KW","alg":"dir","enc":"A256GCM"}`)
		}, protocol.CodeMalformed},
		{"other bytes in the header", func(j map[string]any) {
			j["protected"] = plain(`{"enc":"A256GCM","alg":"ECDH-ES+A256KW"}`)
		}, protocol.CodeSignatureInvalid},
		{"a protected header that is no base64url", func(j map[string]any) { j["protected"] = "e30=" }, protocol.CodeMalformed},
		{"an unprotected header", func(j map[string]any) { j["unprotected"] = map[string]any{} }, protocol.CodeFieldUnknown},
		{"a key outside of recipients", func(j map[string]any) { j["encrypted_key"] = "AA" }, protocol.CodeFieldUnknown},
		{"no recipients", func(j map[string]any) { j["recipients"] = []any{} }, protocol.CodeTooLarge},
		{"nine recipients", func(j map[string]any) { j["recipients"] = slices.Repeat(j["recipients"].([]any), 9) }, protocol.CodeTooLarge},
		{"the id of another message", func(j map[string]any) { j["aad"] = plain("request-8") }, protocol.CodeClaimsConflict},
		{"no additional data", func(j map[string]any) { delete(j, "aad") }, protocol.CodeClaimsConflict},
		{"a short iv", func(j map[string]any) { j["iv"] = "AAAA" }, protocol.CodeFieldInvalid},
		{"another iv", func(j map[string]any) { j["iv"] = "AAAAAAAAAAAAAAAA" }, protocol.CodeSignatureInvalid},
		{"a short tag", func(j map[string]any) { j["tag"] = "AAAA" }, protocol.CodeFieldInvalid},
		{"another tag", func(j map[string]any) { j["tag"] = "AAAAAAAAAAAAAAAAAAAAAA" }, protocol.CodeSignatureInvalid},
		{"no ciphertext", func(j map[string]any) { j["ciphertext"] = "" }, protocol.CodeSignatureInvalid},
		{"a wrapped key of another length", rcpt(func(r map[string]any) { r["encrypted_key"] = "AAAA" }), protocol.CodeFieldInvalid},
		{"a wrapped key of nobody", rcpt(func(r map[string]any) {
			r["encrypted_key"] = canon.EncodeBase64(make([]byte, wrappedSize))
		}), protocol.CodeAudienceMismatch},
		{"alg in both places", rcpt(func(r map[string]any) { r["header"].(map[string]any)["alg"] = "ECDH-ES+A256KW" }), protocol.CodeHeaderRefused},
		{"enc outside", rcpt(func(r map[string]any) { r["header"].(map[string]any)["enc"] = "A256GCM" }), protocol.CodeHeaderRefused},
		{"apu", rcpt(func(r map[string]any) { r["header"].(map[string]any)["apu"] = "AA" }), protocol.CodeFieldUnknown},
		{"no epk", rcpt(func(r map[string]any) { delete(r, "header") }), protocol.CodeFieldMissing},
		{"epk off the curve", epk(`{"kty":"EC","crv":"P-256","x":"gTli65eTQ7z-Bh147ff8K3m7k2UiDiG2LpYkWAaFJCc","y":"cLAnjKa4bzjD7DJVPwa9EPrRzMG7rONgsiUD-kf30Fs"}`), protocol.CodeFieldInvalid},
		{"epk of small order", epk(`{"kty":"OKP","crv":"X25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`), protocol.CodeFieldInvalid},
		{"epk zero", epk(`{"kty":"OKP","crv":"X25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`), protocol.CodeFieldInvalid},
		{"epk on P-384", epk(`{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}`), protocol.CodeAlgorithmRefused},
		{"epk with more", epk(`{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08","kid":"x"}`), protocol.CodeHeaderRefused},
		{"epk on the other curve", epk(`{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`), protocol.CodeAudienceMismatch},
	} {
		t.Run("PRV-02 "+tc.name, func(t *testing.T) {
			var message map[string]any
			if err := json.Unmarshal(base, &message); err != nil {
				t.Fatal(err)
			}
			tc.f(message["parts"].([]any)[0].(map[string]any))
			raw, err := json.Marshal(message)
			if err != nil {
				t.Fatal(err)
			}
			_, err = open(raw, w.signer.Public(), w.shop)
			wantCode(t, tc.name, err, tc.want)
		})
	}
}

func rcpt(f func(map[string]any)) func(map[string]any) {
	return func(j map[string]any) { f(j["recipients"].([]any)[0].(map[string]any)) }
}

func epk(jwk string) func(map[string]any) {
	return rcpt(func(r map[string]any) { r["header"] = map[string]any{"epk": jsontext.Value(jwk)} })
}

// The manifest and the envelope.
func TestHostileManifest(t *testing.T) {
	w := newWorld(t)
	part := encryptFor(t, []byte(`{}`), "m", w.shop)
	ok := manifest{IssuedAt: 1, Issuer: buyer, ID: "m", Parts: []canon.Digest{canon.Sum(nil)}}
	change := func(f func(*manifest)) []byte { m := ok; f(&m); return forge(t, w.signer, m, part) }
	for _, tc := range []struct {
		name string
		raw  []byte
		want protocol.Code
	}{
		{"the control", change(func(*manifest) {}), ""},
		{"no time", change(func(m *manifest) { m.IssuedAt = 0 }), protocol.CodeFieldMissing},
		{"of another DID than its key", change(func(m *manifest) { m.Issuer = shop }), protocol.CodeClaimsConflict},
		{"an id with a space", change(func(m *manifest) { m.ID = "a b" }), protocol.CodeFieldInvalid},
		{"no digests", change(func(m *manifest) { m.Parts = []canon.Digest{} }), protocol.CodeTooLarge},
		{"nine digests", change(func(m *manifest) { m.Parts = slices.Repeat(ok.Parts, 9) }), protocol.CodeTooLarge},
		{"a digest twice", change(func(m *manifest) { m.Parts = slices.Repeat(ok.Parts, 2) }), protocol.CodeFieldInvalid},
		{"a digest by another hash", change(func(m *manifest) {
			m.Parts = []canon.Digest{"sm3:" + ok.Parts[0][len("sha-256:"):]}
		}), protocol.CodeFieldInvalid},
		{"more parts than digests", forge(t, w.signer, ok, part, part), protocol.CodeFieldInvalid},
		{"no parts", forge(t, w.signer, ok), protocol.CodeFieldInvalid},
		{"no manifest", []byte(`{"parts":[]}`), protocol.CodeFieldMissing},
		{"another member", []byte(`{"manifest":"x","parts":[],"to":"x"}`), protocol.CodeFieldUnknown},
		{"too long", bytes.Repeat([]byte(" "), 65_537), protocol.CodeTooLarge},
	} {
		_, err := Parse(tc.raw)
		wantCode(t, "PRV-02 "+tc.name, err, tc.want)
	}
	// A token of another kind by the same key.
	other, err := keys.SignCompact(w.signer, keys.AgentRequest, keys.TypeOrder, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse([]byte(`{"manifest":"` + string(other) + `","parts":[]}`))
	wantCode(t, "PRV-02 a token of another kind", err, protocol.CodeTypeMismatch)
}

// Whatever is changed on the way, no reader is shown anything that was not
// sealed for it.
func TestFlippedBits(t *testing.T) {
	w := newWorld(t)
	raw := w.seal(t)
	readers := []*keys.DecryptionKey{w.shop, w.provider, w.risk}
	want := map[string]string{"delivery_address": address, "instrument": token, "device": device}
	rapid.Check(t, func(t *rapid.T) {
		bad := bytes.Clone(raw)
		bad[rapid.IntRange(0, len(bad)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		reader := rapid.SampledFrom(readers).Draw(t, "reader")
		m, err := open(bad, w.signer.Public(), reader)
		if err != nil {
			if m != nil || !errors.As(err, new(*protocol.Error)) {
				t.Fatal(m, err)
			}
			return
		}
		for _, p := range m.Parts {
			if string(p.Content) != want[p.Name] {
				t.Fatalf("PRV-02 %s became %s", p.Name, p.Content)
			}
		}
	})
}
