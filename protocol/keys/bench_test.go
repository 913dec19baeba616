package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol/keys"
)

// benchToken is about as long as a mandate.
func benchToken(b *testing.B, alg keys.Algorithm) (*keys.Signer, []byte) {
	s := newSigner(b, alg, keys.Seller)
	payload := []byte(`{"iss":"did:act:shop.example/coffee","items":[{"item_id":"latte","name":"Latte","category":"food/coffee","unit_price":"18.00","quantity":1,"subtotal":"18.00"}],` +
		`"padding":"` + string(bytes.Repeat([]byte("x"), 900)) + `"}`)
	raw, err := keys.SignCompact(s, keys.Seller, keys.TypeOrder, payload)
	if err != nil {
		b.Fatal(err)
	}
	return s, raw
}

// rawVerify is the least that anybody must do: the signature check of the
// standard library over the same bytes, on a key and a signature that are
// already in its form.
func rawVerify(b *testing.B, s *keys.Signer, raw []byte) func() bool {
	dot := bytes.LastIndexByte(raw, '.')
	input := raw[:dot]
	sig, err := base64.RawURLEncoding.DecodeString(string(raw[dot+1:]))
	if err != nil {
		b.Fatal(err)
	}
	switch key := s.Public().Crypto().(type) {
	case ed25519.PublicKey:
		return func() bool { return ed25519.Verify(key, input, sig) }
	case *ecdsa.PublicKey:
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
		if err != nil {
			b.Fatal(err)
		}
		return func() bool {
			digest := sha256.Sum256(input)
			return ecdsa.VerifyASN1(key, digest[:], der)
		}
	}
	b.Fatal("no key")
	return nil
}

// BenchmarkVerifyCompact compares parsing and verifying a token with the bare
// signature check of the same bytes. "ratio" runs both alternately and reports
// ours by raw, so that both see the same machine.
func BenchmarkVerifyCompact(b *testing.B) {
	for name, alg := range map[string]keys.Algorithm{"ed25519": keys.EdDSA, "es256": keys.ES256} {
		b.Run(name, func(b *testing.B) {
			s, raw := benchToken(b, alg)
			key := s.Public()
			bare := rawVerify(b, s, raw)
			ours := func() bool {
				u, err := keys.ParseCompact(raw, keys.TypeOrder)
				return err == nil && u.Verify(key) == nil
			}
			b.Run("ours", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !ours() {
						b.Fatal("does not verify")
					}
				}
			})
			b.Run("raw", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !bare() {
						b.Fatal("does not verify")
					}
				}
			})
			b.Run("ratio", func(b *testing.B) {
				var mine, theirs time.Duration
				for b.Loop() {
					start := time.Now()
					ok := ours()
					middle := time.Now()
					ok = bare() && ok
					theirs += time.Since(middle)
					mine += middle.Sub(start)
					if !ok {
						b.Fatal("does not verify")
					}
				}
				b.ReportMetric(float64(mine)/float64(theirs), "ours/raw")
			})
		})
	}
}

func BenchmarkParseJWK(b *testing.B) {
	for name, alg := range map[string]keys.Algorithm{"ed25519": keys.EdDSA, "es256": keys.ES256} {
		jwk := newSigner(b, alg, keys.Seller).Public().JWK()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keys.ParseJWK(jwk); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMessage(b *testing.B) {
	s := newSigner(b, keys.EdDSA, keys.AgentRequest)
	raw, err := keys.SignMessage(s, keys.AgentRequest, keys.KindPaymentRequest, payment{"r-1", "n-1", "18.00", nil})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("parse and verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m, err := keys.ParseMessage(raw)
			if err != nil || m.Verify(s.Public(), keys.KindPaymentRequest) != nil {
				b.Fatal(err)
			}
		}
	})
}
