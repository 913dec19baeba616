package sdjwt

import (
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

const testType = "dc+sd-jwt"

func signer(t testing.TB, keyID string, purpose keys.Purpose) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(keyID, purpose, private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func issuerKey(t testing.TB) *keys.Signer {
	return signer(t, "did:act:issuer.example/a#k1", keys.IssueAuthorization)
}

func holderKey(t testing.TB) *keys.Signer {
	return signer(t, "did:act:agents.example/a#k1", keys.AgentRequest)
}

// forge makes an SD-JWT of any payload and any disclosure texts, signed well.
func forge(t testing.TB, payload string, texts ...string) []byte {
	t.Helper()
	jwt, err := keys.SignCompact(issuerKey(t), keys.IssueAuthorization, testType, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	raw := append(jwt, '~')
	for _, text := range texts {
		raw = append(append(raw, canon.EncodeBase64([]byte(text))...), '~')
	}
	return raw
}

// digestOf is what a payload has in place of a disclosure.
func digestOf(text string) string { return sum([]byte(canon.EncodeBase64([]byte(text)))) }

// read does what a reader does, except for the signature.
func read(raw []byte) (*Processed, error) {
	token, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	jwt, err := keys.ParseCompact(token.JWT, testType)
	if err != nil {
		return nil, err
	}
	return token.Process(jwt.Payload)
}

// same reports whether two JSON texts have one canonical form.
func same(t testing.TB, a, b []byte) bool {
	t.Helper()
	x, err := canon.Canonicalize(a)
	if err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	y, err := canon.Canonicalize(b)
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return string(x) == string(y)
}

func wantCode(t testing.TB, err error, code protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != code {
		t.Errorf("got %q (%v), want %q", got, err, code)
	}
}
