package sealed

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"testing"

	"github.com/actprotocol/act-go/protocol/keys"
)

// BenchmarkSeal seals three parts for four readers, and does the same raw: one
// signature, and for each reader an ephemeral key and one agreement, on the
// same curves. The rest (JSON, hashes, AES) is what the message costs beyond.
func BenchmarkSeal(b *testing.B) {
	w := newWorld(b)
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			if _, err := Seal(w.signer, w.payload()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		message := make([]byte, 512)
		for b.Loop() {
			ed25519.Sign(private, message)
			for _, r := range []*keys.DecryptionKey{w.shop, w.provider, w.risk, w.provider} {
				agree(b, r.Public().ECDH())
			}
		}
	})
}

func agree(b *testing.B, key *ecdh.PublicKey) {
	ephemeral, err := key.Curve().GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := ephemeral.ECDH(key); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpen opens the two parts of four readers in all that are for the
// provider; raw is the signature and the two agreements.
func BenchmarkOpen(b *testing.B) {
	w := newWorld(b)
	raw := w.seal(b)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := open(raw, w.signer.Public(), w.provider); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		message := make([]byte, 512)
		sig, err := w.signer.Sign(keys.AgentRequest, message)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if !w.signer.Public().Verify(message, sig) {
				b.Fatal("not verified")
			}
			for range 2 {
				if _, err := w.provider.Agree(w.provider.Public()); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
