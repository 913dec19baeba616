package verifier_test

import (
	"context"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// BenchmarkMandate measures a first verification (cold), a repeated one (warm),
// and the bare signature check of the same bytes (raw), which is the floor.
func BenchmarkMandate(b *testing.B) {
	b.Run("sdjwt", benchSelective)
	for name, alg := range map[string]keys.Algorithm{"ed25519": keys.EdDSA, "es256": keys.ES256} {
		w := newWorld(b, alg)
		w.v = w.verifier(func(c *verifier.Config) { c.Status = active{} })
		token := w.mandate()
		ctx := context.Background()
		b.Run(name+"/cold", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				verifier.Forget(w.v)
				if _, err := w.v.Mandate(ctx, token, expectation); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/warm", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.v.Mandate(ctx, token, expectation); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/raw", func(b *testing.B) {
			m, err := delegation.ParseMandate(token)
			if err != nil {
				b.Fatal(err)
			}
			key := w.signers[bankDID+"#issue"].Public()
			b.ReportAllocs()
			for b.Loop() {
				if err := m.VerifySignature(key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// active is a status source that costs nothing.
type active struct{}

func (active) Status(context.Context, delegation.StatusReference, string, time.Time) (delegation.Status, error) {
	return delegation.StatusActive, nil
}

func BenchmarkPayment(b *testing.B) {
	for name, alg := range map[string]keys.Algorithm{"ed25519": keys.EdDSA, "es256": keys.ES256} {
		w := newWorld(b, alg)
		w.v = w.verifier(func(c *verifier.Config) { c.Status = active{} })
		raw := w.signRequest(w.request())
		ctx := context.Background()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := w.v.PaymentRequest(ctx, raw, verifier.PaymentExpectation{PSP: pspDID})
				if err != nil {
					b.Fatal(err)
				}
				r.TakeNonce()
				if _, err := r.Authorize(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
