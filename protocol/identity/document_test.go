package identity

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

const shop = "did:act:shop.example/coffee"

func day(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }

// shopDocument has a key that was rotated, one that was lost, and one that
// went out of use and came back.
func shopDocument(t testing.TB) *Document {
	back := newKey(t, keys.EdDSA)
	return &Document{
		ID: mustDID(t, shop),
		Keys: []Key{
			{ID: shop + "#old", Public: newKey(t, keys.EdDSA), Purpose: keys.Seller, NotBefore: day(1), NotAfter: day(10)},
			{ID: shop + "#new", Public: newKey(t, keys.ES256), Purpose: keys.Seller, NotBefore: day(8)},
			{ID: shop + "#lost", Public: newKey(t, keys.EdDSA), Purpose: keys.Seller, Compromised: true},
			{ID: shop + "#always", Public: newKey(t, keys.ES256), Purpose: keys.Attestation},
			{ID: shop + "#spring", Public: back, Purpose: keys.Anchor, NotBefore: day(1), NotAfter: day(5)},
			{ID: shop + "#autumn", Public: back, Purpose: keys.Anchor, NotBefore: day(20), NotAfter: day(25)},
		},
		Services: []Service{{ID: shop + "#pay", Type: "Payments", Endpoint: "https://shop.example/pay"}},
	}
}

func TestKey(t *testing.T) {
	d := shopDocument(t)
	moment := time.Nanosecond
	for _, tc := range []struct {
		name    string
		id      string
		purpose keys.Purpose
		at      time.Time
		want    protocol.Code
	}{
		{"rotated key in its time", "#old", keys.Seller, day(1), ""},
		{"rotated key at its last moment", "#old", keys.Seller, day(10).Add(-moment), ""},
		{"rotated key at its end", "#old", keys.Seller, day(10), protocol.CodeKeyNotValid},
		{"rotated key later", "#old", keys.Seller, day(12), protocol.CodeKeyNotValid},
		{"rotated key before", "#old", keys.Seller, day(1).Add(-moment), protocol.CodeKeyNotValid},
		{"new key while both are valid", "#new", keys.Seller, day(9), ""},
		{"new key before its time", "#new", keys.Seller, day(7), protocol.CodeKeyNotValid},
		{"new key long after", "#new", keys.Seller, day(9).AddDate(50, 0, 0), ""},
		{"compromised key", "#lost", keys.Seller, day(9), protocol.CodeKeyNotValid},
		{"key without period", "#always", keys.Attestation, day(9), ""},
		{"no time given", "#always", keys.Attestation, time.Time{}, protocol.CodeKeyNotValid},
		{"first of two periods", "#spring", keys.Anchor, day(3), ""},
		{"first name in the second period", "#spring", keys.Anchor, day(22), protocol.CodeKeyNotValid},
		{"second of two periods", "#autumn", keys.Anchor, day(22), ""},
		{"between the two periods", "#autumn", keys.Anchor, day(10), protocol.CodeKeyNotValid},
		{"another purpose", "#new", keys.IssueAuthorization, day(9), protocol.CodeKeyPurpose},
		{"no purpose", "#new", "", day(9), protocol.CodeKeyPurpose},
		{"purpose is judged before the period", "#lost", keys.Proof, day(9), protocol.CodeKeyPurpose},
		{"unknown key", "#none", keys.Seller, day(9), protocol.CodeKeyUnknown},
		{"id in other case", "#NEW", keys.Seller, day(9), protocol.CodeKeyUnknown},
	} {
		t.Run("IDN-02 "+tc.name, func(t *testing.T) {
			key, err := d.Key(shop+tc.id, tc.purpose, tc.at)
			wantCode(t, err, tc.want)
			if key.IsZero() != (tc.want != "") {
				t.Error("a key together with an error, or neither")
			}
		})
	}
	for _, id := range []string{"", "#new", "new", shop, shop + "/x#new", "did:act:evil.example/coffee#new"} {
		_, err := d.Key(id, keys.Seller, day(9))
		wantCode(t, err, protocol.CodeKeyUnknown)
	}
	_, err := (&Document{}).Key("", "", day(9))
	wantCode(t, err, protocol.CodeKeyUnknown)
	_, err = (&Document{Keys: []Key{{ID: "x", Purpose: keys.Seller}}}).Key("x", keys.Seller, day(9))
	wantCode(t, err, protocol.CodeKeyUnknown)
}

// A key that is marked compromised under one id is so under all.
func TestCompromisedUnderAnotherID(t *testing.T) {
	d := shopDocument(t)
	d.Keys[4].Compromised = true
	_, err := d.Key(shop+"#autumn", keys.Anchor, day(22))
	wantCode(t, err, protocol.CodeKeyNotValid)
}

func TestKeyDIDServesAgentRequestsOnly(t *testing.T) {
	did, err := DIDFromKey(newKey(t, keys.EdDSA))
	if err != nil {
		t.Fatal(err)
	}
	d, err := ResolveKeyDID(did)
	if err != nil {
		t.Fatal(err)
	}
	id := did.String() + "#" + strings.TrimPrefix(did.String(), "did:key:")
	if _, err := d.Key(id, keys.AgentRequest, day(1)); err != nil {
		t.Error(err)
	}
	for _, p := range []keys.Purpose{keys.IssueAuthorization, keys.IssueIdentity, keys.Status, keys.Seller, keys.Proof, keys.Anchor} {
		_, err := d.Key(id, p, day(1))
		wantCode(t, err, protocol.CodeKeyPurpose)
	}
	if _, err := d.Encode(); err == nil {
		t.Error("the document of a did:key was written out")
	}
	if _, err := DecodeDocument([]byte(`{"id":"`+did.String()+`"}`), did); err == nil {
		t.Error("the document of a did:key was read from outside")
	}
}

func TestDocumentRoundTrip(t *testing.T) {
	d := shopDocument(t)
	data, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeDocument(data, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, again, cmp.AllowUnexported(DID{})); diff != "" {
		t.Error(diff)
	}
	if c, err := canon.Canonicalize(data); err != nil || !bytes.Equal(c, data) {
		t.Errorf("not canonical: %v", err)
	}
	if _, err := DecodeDocument(data, mustDID(t, "did:act:shop.example/tea")); protocol.CodeOf(err) != protocol.CodeClaimsConflict {
		t.Errorf("a document of another DID: %v", err)
	}
	if _, err := DecodeDocument(data, DID{}); err == nil {
		t.Error("a document for nobody")
	}
}

func TestHostileDocuments(t *testing.T) {
	ed, ec := newKey(t, keys.EdDSA), newKey(t, keys.ES256)
	entry := func(id, purpose string, key keys.PublicKey, more string) string {
		return `{"id":"` + id + `","type":"JsonWebKey","controller":"` + shop + `","publicKeyJwk":` + string(key.JWK()) + `,"actPurpose":"` + purpose + `"` + more + `}`
	}
	good := entry(shop+"#a", "seller", ed, "")
	document := func(entries ...string) string {
		return `{"id":"` + shop + `","verificationMethod":[` + strings.Join(entries, ",") + `]}`
	}
	many := func(n int, f func(i int) string) (all []string) {
		for i := range n {
			all = append(all, f(i))
		}
		return all
	}
	unused := func(i int) string { return `{"id":"#` + strconv.Itoa(i) + `"}` }
	for _, tc := range []struct {
		name, text string
		want       protocol.Code
		keys       int
	}{
		{"one key", document(good), "", 1},
		{"no keys", `{"id":"` + shop + `"}`, "", 0},
		{"open members", `{"id":"` + shop + `","alsoKnownAs":["x"],"verificationMethod":[` + good + `],"authentication":["#a"]}`, "", 1},
		{"open members of an entry", document(entry(shop+"#a", "seller", ed, `,"expires":"x"`)), "", 1},
		{"JsonWebKey2020", document(strings.Replace(good, `"JsonWebKey"`, `"JsonWebKey2020"`, 1)), "", 1},
		{"times with offsets", document(entry(shop+"#a", "seller", ed, `,"actValidFrom":"2026-03-01T08:00:00+08:00","actValidUntil":"2026-03-02T00:00:00Z"`)), "", 1},
		{"an entry without purpose is not used", document(`{"id":"#x","type":"Ed25519VerificationKey2020","publicKeyMultibase":"z6"}`, good), "", 1},
		{"relationships give no purpose", `{"id":"` + shop + `","assertionMethod":[` + good + `]}`, "", 0},
		{"an encryption key is not for verifying", document(`{"id":"` + shop + `#e","type":"JsonWebKey","controller":"` + shop + `","publicKeyJwk":{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"},"actPurpose":"encryption"}`), "", 0},
		{"32 entries", document(many(32, unused)...), "", 0},
		{"33 entries", document(many(33, unused)...), protocol.CodeTooLarge, 0},
		{"too long", document(good) + strings.Repeat(" ", 65_536), protocol.CodeTooLarge, 0},
		{"not JSON", `<html>`, protocol.CodeMalformed, 0},
		{"an array", `[]`, protocol.CodeFieldInvalid, 0},
		{"no id", `{"verificationMethod":[` + good + `]}`, protocol.CodeFieldMissing, 0},
		{"id twice", `{"id":"` + shop + `","id":"` + shop + `"}`, protocol.CodeMalformed, 0},
		{"another id", `{"id":"did:act:evil.example/coffee"}`, protocol.CodeClaimsConflict, 0},
		{"null", `{"id":"` + shop + `","verificationMethod":null}`, protocol.CodeFieldInvalid, 0},
		{"methods not a list", `{"id":"` + shop + `","verificationMethod":` + good + `}`, protocol.CodeFieldInvalid, 0},
		{"method not an object", document(`"x"`), protocol.CodeFieldInvalid, 0},
		{"key id of another document", document(entry("did:act:evil.example/coffee#a", "seller", ed, "")), protocol.CodeFieldInvalid, 0},
		{"key id with another name", document(entry(shop+"2#a", "seller", ed, "")), protocol.CodeFieldInvalid, 0},
		{"key id relative", document(entry("#a", "seller", ed, "")), protocol.CodeFieldInvalid, 0},
		{"key id empty", document(entry("", "seller", ed, "")), protocol.CodeFieldInvalid, 0},
		{"controller of another", document(strings.Replace(good, `"controller":"`+shop, `"controller":"did:act:evil.example/x`, 1)), protocol.CodeFieldInvalid, 0},
		{"type of another form", document(strings.Replace(good, `"JsonWebKey"`, `"Multikey"`, 1)), protocol.CodeFieldInvalid, 0},
		{"unknown purpose", document(entry(shop+"#a", "everything", ed, "")), protocol.CodeFieldInvalid, 0},
		{"empty purpose", document(entry(shop+"#a", "", ed, "")), protocol.CodeFieldInvalid, 0},
		{"purposes in a list", document(strings.Replace(good, `"seller"`, `["seller","proof"]`, 1)), protocol.CodeFieldInvalid, 0},
		{"purpose twice", document(entry(shop+"#a", "seller", ed, `,"actPurpose":"proof"`)), protocol.CodeMalformed, 0},
		{"one id for two keys", document(good, entry(shop+"#a", "seller", ec, "")), protocol.CodeFieldInvalid, 0},
		{"one key for two purposes", document(good, entry(shop+"#b", "proof", ed, "")), protocol.CodeFieldInvalid, 0},
		{"one key for signing and encryption", document(entry(shop+"#a", "seller", ec, ""), entry(shop+"#b", "encryption", ec, "")), protocol.CodeFieldInvalid, 0},
		{"no JWK", document(`{"id":"` + shop + `#a","type":"JsonWebKey","controller":"` + shop + `","actPurpose":"seller"}`), protocol.CodeFieldMissing, 0},
		{"a private key", document(strings.Replace(good, `"kty"`, `"d":"AA","kty"`, 1)), protocol.CodeFieldInvalid, 0},
		{"a key of another kind", document(strings.Replace(good, `"Ed25519"`, `"X25519"`, 1)), protocol.CodeAlgorithmRefused, 0},
		{"end before start", document(entry(shop+"#a", "seller", ed, `,"actValidFrom":"2026-03-02T00:00:00Z","actValidUntil":"2026-03-01T00:00:00Z"`)), protocol.CodeFieldInvalid, 0},
		{"empty period", document(entry(shop+"#a", "seller", ed, `,"actValidFrom":"2026-03-02T00:00:00Z","actValidUntil":"2026-03-02T00:00:00Z"`)), protocol.CodeFieldInvalid, 0},
		{"time not RFC 3339", document(entry(shop+"#a", "seller", ed, `,"actValidUntil":"tomorrow"`)), protocol.CodeFieldInvalid, 0},
		{"time empty", document(entry(shop+"#a", "seller", ed, `,"actValidUntil":""`)), protocol.CodeFieldInvalid, 0},
		{"time a number", document(entry(shop+"#a", "seller", ed, `,"actValidUntil":1770000000`)), protocol.CodeFieldInvalid, 0},
		{"compromised as text", document(entry(shop+"#a", "seller", ed, `,"actCompromised":"false"`)), protocol.CodeFieldInvalid, 0},
	} {
		t.Run("IDN-02 "+tc.name, func(t *testing.T) {
			d, err := DecodeDocument([]byte(tc.text), mustDID(t, shop))
			wantCode(t, err, tc.want)
			switch {
			case (d == nil) != (tc.want != ""):
				t.Error("a document together with an error, or neither")
			case d != nil && len(d.Keys) != tc.keys:
				t.Errorf("%d keys", len(d.Keys))
			case err != nil && strings.Contains(err.Error(), "evil"):
				t.Error("the error prints its input")
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	key := newKey(t, keys.EdDSA)
	ok := Key{ID: shop + "#a", Public: key, Purpose: keys.Seller}
	change := func(f func(*Key)) []Key { k := ok; f(&k); return []Key{k} }
	for name, bad := range map[string][]Key{
		"foreign id":  change(func(k *Key) { k.ID = "did:act:a.example/b#a" }),
		"no purpose":  change(func(k *Key) { k.Purpose = "" }),
		"no key":      change(func(k *Key) { k.Public = keys.PublicKey{} }),
		"no JWK":      change(func(k *Key) { k.Public, k.Purpose = keys.PublicKey{}, keys.Encryption }),
		"no period":   change(func(k *Key) { k.NotBefore, k.NotAfter = day(2), day(1) }),
		"twice":       {ok, ok},
		"two uses":    {ok, {ID: shop + "#b", Public: key, Purpose: keys.Proof}},
		"33 keys":     make([]Key, 33),
		"zero values": make([]Key, 1),
	} {
		if _, err := (&Document{ID: mustDID(t, shop), Keys: bad}).Encode(); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	if _, err := (&Document{Keys: []Key{ok}}).Encode(); err == nil {
		t.Error("a document of nobody")
	}
}

// The protocol's own example has no actPurpose, and a key of 22 bytes: it
// decodes, and none of its keys is used.
func TestOfficialExample(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for ; data == nil; dir = filepath.Dir(dir) {
		data, _ = os.ReadFile(filepath.Join(dir, "shared", "act-2.1", "official", "payload-examples", "did-document-example.json"))
		if dir == filepath.Dir(dir) {
			t.Skip("shared/act-2.1/official is not beside this project")
		}
	}
	d, err := DecodeDocument(data, mustDID(t, "did:act:example.com/agent-alice-001"))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Keys) != 0 || len(d.Services) != 1 || d.Services[0].Type != "AgentCard" {
		t.Errorf("%+v", d)
	}
	_, err = d.Key("did:act:example.com/agent-alice-001#key-1", keys.AgentRequest, day(1))
	wantCode(t, err, protocol.CodeKeyUnknown)
}
