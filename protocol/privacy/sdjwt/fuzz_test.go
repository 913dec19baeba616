package sdjwt

import (
	"bytes"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// FuzzProcess reads any payload with any disclosures. What is accepted is strict
// JSON without reserved names, says the same when it is presented whole, and
// still reads when everything is withheld.
func FuzzProcess(f *testing.F) {
	name := `[` + salt1 + `,"name","Ann"]`
	f.Add([]byte(`{"_sd":["`+digestOf(name)+`"],"_sd_alg":"sha-256"}`), []byte(canon.EncodeBase64([]byte(name))+"~"))
	f.Fuzz(func(t *testing.T, payload, disclosures []byte) {
		if canon.Check(payload) != nil {
			return // keys.ParseCompact has seen to that
		}
		token, err := Parse(append([]byte("x~"), disclosures...))
		if err != nil {
			known(t, err)
			return
		}
		p, err := token.Process(payload)
		if err != nil {
			known(t, err)
			return
		}
		if err := (canon.Limits{MaxBytes: 1 << 20}).Check(p.Payload); err != nil {
			t.Fatalf("%s: %v", p.Payload, err)
		}
		if clean, err := (&Token{}).Process(p.Payload); err != nil || !bytes.Equal(clean.Payload, p.Payload) || len(clean.Hidden) > 0 {
			t.Fatalf("a reserved name is left in %s: %v", p.Payload, err)
		}
		again, err := Parse(p.Present(func(Disclosed) bool { return true }))
		if err != nil {
			t.Fatal(err)
		}
		q, err := again.Process(payload)
		if err != nil || !bytes.Equal(q.Payload, p.Payload) {
			t.Fatalf("presented whole: %v", err)
		}
		none, err := Parse(p.Present(nil))
		if err != nil {
			t.Fatal(err)
		}
		if q, err = none.Process(payload); err != nil || len(q.Disclosed) != 0 {
			t.Fatalf("presented with nothing: %v", err)
		}
	})
}

func known(t *testing.T, err error) {
	if !protocol.CodeOf(err).Known() {
		t.Fatalf("not one of our errors: %v", err)
	}
}

func FuzzParseBinding(f *testing.F) {
	f.Add([]byte("eyJhbGciOiJFZERTQSIsInR5cCI6ImtiK2p3dCJ9.e30.AA"))
	f.Fuzz(func(t *testing.T, jwt []byte) {
		b, err := ParseBinding(jwt)
		if err != nil {
			known(t, err)
			return
		}
		if b.Audience == "" || b.Nonce == "" || b.IssuedAt.Unix() <= 0 {
			t.Fatalf("%+v", b)
		}
	})
}
