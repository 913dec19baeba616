package keys_test

import (
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

func TestBound(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		private, err := keys.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		s, err := keys.NewSigner("did:act:agents.example/buyer#k1", keys.AgentRequest, private)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := keys.SignBound(s, keys.AgentRequest, keys.TypeKeyBinding, []byte(`{"b":1,"a":2}`))
		if err != nil {
			t.Fatal(err)
		}
		u, err := keys.ParseBound(raw, keys.TypeKeyBinding)
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Verify(s.Public()); err != nil || u.Header.KeyID != "" || u.Header.Algorithm != alg || string(u.Payload) != `{"a":2,"b":1}` {
			t.Errorf("PRV-01 %v %+v %s", err, u.Header, u.Payload)
		}
		if _, err := keys.ParseCompact(raw, keys.TypeKeyBinding); protocol.CodeOf(err) != protocol.CodeFieldMissing {
			t.Errorf("a token without key id was read as one with: %v", err)
		}
		if _, err := keys.SignBound(s, keys.Seller, keys.TypeKeyBinding, []byte(`{}`)); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
			t.Errorf("ADD-IAC-ISS-12 %v", err)
		}
		if _, err := keys.SignBound(s, keys.AgentRequest, `a"b`, []byte(`{}`)); protocol.CodeOf(err) != protocol.CodeTypeMismatch {
			t.Error(err)
		}
		if _, err := keys.SignBound(s, keys.AgentRequest, keys.TypeKeyBinding, []byte(`{`)); protocol.CodeOf(err) != protocol.CodeMalformed {
			t.Error(err)
		}
	}
}

func TestParseBoundRefuses(t *testing.T) {
	body := "." + canon.EncodeBase64([]byte(`{}`)) + "." + canon.EncodeBase64(make([]byte, 64))
	for _, c := range []struct {
		name, header string
		code         protocol.Code
	}{
		{"a key id", `{"alg":"EdDSA","kid":"did:act:a.example/b#c","typ":"kb+jwt"}`, protocol.CodeHeaderRefused},
		{"an empty key id", `{"alg":"EdDSA","kid":"","typ":"kb+jwt"}`, protocol.CodeHeaderRefused},
		{"a key", `{"alg":"EdDSA","jwk":{},"typ":"kb+jwt"}`, protocol.CodeHeaderRefused},
		{"crit", `{"alg":"EdDSA","crit":["x"],"typ":"kb+jwt","x":1}`, protocol.CodeHeaderRefused},
		{"no algorithm", `{"typ":"kb+jwt"}`, protocol.CodeFieldMissing},
		{"no type", `{"alg":"EdDSA"}`, protocol.CodeFieldMissing},
		{"nothing", `{}`, protocol.CodeFieldMissing},
		{"another type", `{"alg":"EdDSA","typ":"JWT"}`, protocol.CodeTypeMismatch},
		{"none", `{"alg":"none","typ":"kb+jwt"}`, protocol.CodeAlgorithmRefused},
		{"HMAC", `{"alg":"HS256","typ":"kb+jwt"}`, protocol.CodeAlgorithmRefused},
		{"a name twice", `{"alg":"EdDSA","alg":"none","typ":"kb+jwt"}`, protocol.CodeMalformed},
		{"a comma at the end", `{"alg":"EdDSA","typ":"kb+jwt",}`, protocol.CodeMalformed},
		{"a comma too many", `{"alg":"EdDSA",,"typ":"kb+jwt"}`, protocol.CodeMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := keys.ParseBound([]byte(canon.EncodeBase64([]byte(c.header))+body), "kb+jwt")
			if got := protocol.CodeOf(err); got != c.code {
				t.Errorf("got %q (%v), want %q", got, err, c.code)
			}
		})
	}
	good := canon.EncodeBase64([]byte(`{"alg":"EdDSA","typ":"kb+jwt"}`))
	for _, raw := range []string{good, good + body + ".", good + "." + canon.EncodeBase64([]byte(`{"a":1,"a":1}`)) + ".AA", strings.Repeat("A", keys.MaxToken+1)} {
		if _, err := keys.ParseBound([]byte(raw), "kb+jwt"); err == nil {
			t.Error("accepted")
		}
	}
}

// DigestMessage foretells ContentDigest.
func TestDigestMessage(t *testing.T) {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner("did:act:agents.example/buyer#k1", keys.AgentRequest, private)
	if err != nil {
		t.Fatal(err)
	}
	message := map[string]any{"a": 1, "iac": "later", "z": "x"}
	digest, err := keys.DigestMessage(s, message, "iac")
	if err != nil {
		t.Fatal(err)
	}
	message["iac"] = "now"
	raw, err := keys.SignMessage(s, keys.AgentRequest, keys.KindPaymentRequest, message)
	if err != nil {
		t.Fatal(err)
	}
	m, err := keys.ParseMessage(raw)
	if err != nil {
		t.Fatal(err)
	}
	if m.ContentDigest("iac") != digest {
		t.Error("PRV-01 another digest than was foretold")
	}
	if _, err := keys.DigestMessage(s, map[string]any{"signature": "x"}); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
		t.Error(err)
	}
}

// The short way of reading a key agrees with the long one, which a space in
// front forces.
func TestPlainJWK(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		private, err := keys.Generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		key, err := keys.NewPublicKey(private.Public())
		if err != nil {
			t.Fatal(err)
		}
		good := key.JWK()
		for i := range good {
			for _, c := range []byte(`"\{},: A-=`) {
				changed := append([]byte{}, good...)
				changed[i] = c
				short, shortErr := keys.ParseJWK(changed)
				long, longErr := keys.ParseJWK(append([]byte{' '}, changed...))
				if !short.Equal(long) || protocol.CodeOf(shortErr) != protocol.CodeOf(longErr) {
					t.Fatalf("IDN-02 %s: %v %v, with a space in front %v %v", changed, short, shortErr, long, longErr)
				}
			}
		}
		if got, err := keys.ParseJWK(good); err != nil || !got.Equal(key) {
			t.Error(err)
		}
	}
}
