package credit_test

import (
	"testing"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
)

// FuzzParse feeds every decoder. What one accepts has a canonical form that it
// accepts too, is of one kind only, and comes with no panic.
func FuzzParse(f *testing.F) {
	for _, text := range texts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kinds := 0
		for kind, read := range readers {
			if read(data) != nil {
				continue
			}
			kinds++
			canonical, err := canon.Canonicalize(data)
			if err != nil {
				t.Fatalf("%s is not canonicalizable: %v", kind, err)
			}
			if err := read(canonical); err != nil {
				t.Fatalf("%s refuses its own canonical form: %v", kind, err)
			}
		}
		if kinds > 1 {
			t.Fatal("a text of two kinds")
		}
		if u, err := credit.ReadRequest(data); err == nil {
			if id, agent := credit.Named(data); id != u.Message().RequestID || agent != u.Message().AgentID {
				t.Fatal("a request is named otherwise than it says")
			}
		}
		_, _ = credit.ParseConfirmation(data)
	})
}

// FuzzPublicKey feeds the reader of subjects' keys.
func FuzzPublicKey(f *testing.F) {
	key, err := credit.NewPublicKey(signer(f, owner))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key.Value)
	f.Fuzz(func(t *testing.T, value string) {
		public, err := credit.PublicKey{KeyID: "k", Format: "pem-spki", Value: value}.Key()
		if err == nil && public.IsZero() {
			t.Fatal("no key and no error")
		}
	})
}
