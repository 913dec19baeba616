package attestation_test

import (
	"testing"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
)

// BenchmarkRecord seals and reads a record of a payment.
func BenchmarkRecord(b *testing.B) {
	s, d := attestation.By(newSigner(pspDID, keys.Attestation)), everything(b)
	raw := seal(b, s, d)
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := (attestation.Sealer{}).Seal(s, "", d, epoch); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := attestation.Parse(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAnchor signs an anchor, and reads and compares one.
func BenchmarkAnchor(b *testing.B) {
	record, s, token := anchored(b)
	b.Run("sign", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := attestation.SignAnchor(s, record, "retail", epoch); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			u, err := attestation.ParseAnchor(token)
			if err != nil || u.Anchor.Matches(record) != nil || u.Verify(s.Public()) != nil {
				b.Fatal(err)
			}
		}
	})
}
