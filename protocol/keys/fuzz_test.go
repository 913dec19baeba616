package keys

import (
	"bytes"
	"slices"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// ours fails the test unless err is one of our errors.
func ours(t *testing.T, err error) {
	t.Helper()
	if !protocol.CodeOf(err).Known() {
		t.Fatalf("a foreign error: %v", err)
	}
}

func FuzzParseCompact(f *testing.F) {
	f.Add([]byte("eyJhbGciOiJFZERTQSIsImtpZCI6ImRpZDphY3Q6YS5leGFtcGxlL2IjayIsInR5cCI6ImFjdC1vcmRlcitqd3QifQ.e30."))
	f.Fuzz(func(t *testing.T, token []byte) {
		before := bytes.Clone(token)
		// The two readers of headers, fed directly as well.
		if fast, ok := plainHeader(token); ok {
			checkSameHeader(t, token, fast)
		}
		u, err := ParseCompact(token, TypeOrder)
		if !bytes.Equal(before, token) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			ours(t, err)
			return
		}
		if u.Header.Type != TypeOrder || !u.Header.Algorithm.Known() || checkKeyID(u.Header.KeyID) != nil {
			t.Fatalf("header %+v", u.Header)
		}
		if err := canon.Check(u.Payload); err != nil {
			t.Fatalf("payload: %v", err)
		}
		if u.Verify(PublicKey{}) == nil {
			t.Fatal("verified by no key")
		}
		// There is one text for these parts.
		_, header, err := decodeCompact(token)
		if err != nil {
			t.Fatal(err)
		}
		again := base64url.EncodeToString(header) + "." + base64url.EncodeToString(u.Payload) + "." + base64url.EncodeToString(u.signature)
		if again != string(token) {
			t.Fatal("two texts for one token")
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`{"a":1,"signature":"AA","signature_covered_fields":["a","signature_covered_fields","signature_type","signer_id"],"signature_type":"ES256","signer_id":"did:act:a.example/b#k"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		m, err := ParseMessage(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			ours(t, err)
			return
		}
		signed, err := canon.Without(data, memberSignature)
		if err != nil || !bytes.Equal(signed, m.Signed()) {
			t.Fatalf("%v: %s", err, m.Signed())
		}
		if c, err := canon.Canonicalize(signed); err != nil || !bytes.Equal(c, signed) {
			t.Fatalf("not canonical: %s", signed)
		}
		if m.Verify(PublicKey{}, KindBill) == nil {
			t.Fatal("verified by no key")
		}
		var content map[string]any
		if err := m.Decode(&content); err != nil {
			ours(t, err) // a null
			return
		}
		if len(content) != len(m.members)-len(signatureMembers) {
			t.Fatalf("%d members", len(content))
		}
	})
}

func FuzzParseJWK(f *testing.F) {
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := ParseJWK(data)
		if err != nil {
			ours(t, err)
			if !key.IsZero() {
				t.Fatal("a key together with an error")
			}
			return
		}
		again, err := ParseJWK(key.JWK())
		if err != nil || !again.Equal(key) {
			t.Fatalf("%s: %v", key.JWK(), err)
		}
		same, err := NewPublicKey(key.Crypto())
		if err != nil || !same.Equal(key) {
			t.Fatalf("%s: %v", key.JWK(), err)
		}
		if key.Verify([]byte("x"), make([]byte, SignatureSize)) {
			t.Fatal("a signature of zeros verifies")
		}
	})
}

// FuzzSplit: the members of a canonical object are those that the JSON library
// finds, and put together again they are the object.
func FuzzSplit(f *testing.F) {
	for _, in := range []string{`{}`, `{"a":1}`, `{"a":"}","b":[{"c":[]},"]"],"c":{"d":"\\","e":"\""},"f":true,"g":-1.5}`, `{"\u0000":{},"\\":"\\\\"}`, `{"é":[[],{}]}`, `[1]`, `1`} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		data, err := canon.Canonicalize(in)
		if err != nil {
			return
		}
		members, err := split(data)
		want, notObject := canon.Members(data)
		if (err == nil) != (notObject == nil) {
			t.Fatalf("%s: %v, and the JSON library says %v", data, err, notObject)
		}
		if err != nil {
			ours(t, err)
			return
		}
		got := make([]string, 0, len(members))
		for _, m := range members {
			got = append(got, string(m.name))
			if again, err := canon.Canonicalize(m.value); err != nil || !bytes.Equal(again, m.value) {
				t.Fatalf("%s: %q is not a value of it", data, m.value)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s: %q, want %q", data, got, want)
		}
		if again := join("", members); !bytes.Equal(again, data) {
			t.Fatalf("%s became %s", data, again)
		}
	})
}
