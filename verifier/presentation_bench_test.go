package verifier_test

import (
	"context"
	"testing"

	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
	"github.com/actprotocol/act-go/verifier"
)

// benchSelective measures a first verification of a presentation with ten
// disclosures, key binding included (cold), and the two bare signature checks
// of the same bytes (raw).
func benchSelective(b *testing.B) {
	w := newWorld(b, keys.EdDSA)
	w.v = w.verifier(func(c *verifier.Config) { c.Status = active{} })
	a := authorization()
	a.Ext.Commerce.MaxSingleAmount = "" // leaves ten: four members, three lists, an entry of each
	whole, err := delegation.ParseMandate(w.issueSelective(w.claims(a)))
	if err != nil {
		b.Fatal(err)
	}
	part, err := whole.Present(delegation.RolePSP, latte(b))
	if err != nil {
		b.Fatal(err)
	}
	occasion := verifier.Presentation{Audience: pspDID, Nonce: "sha-256:GZ8yu1tnVw7Vx2pzFEkzj0jsKSsLGIjDqzhFHw1iVyc"}
	shown, err := sdjwt.Bind(w.signers[agentDID+"#k1"], part, occasion.Audience, occasion.Nonce, epoch)
	if err != nil {
		b.Fatal(err)
	}
	if n := count(shown, '~'); n != 10+1 {
		b.Fatalf("%d disclosures", n-1)
	}
	e := expectation
	e.Presented = &occasion
	ctx := context.Background()
	b.Run("cold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			verifier.Forget(w.v)
			if _, err := w.v.Mandate(ctx, shown, e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("warm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.v.Mandate(ctx, shown, e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("raw", func(b *testing.B) {
		m, err := delegation.ParseMandate(part)
		if err != nil {
			b.Fatal(err)
		}
		_, jwt := sdjwt.Cut(shown)
		binding, err := keys.ParseBound(jwt, keys.TypeKeyBinding)
		if err != nil {
			b.Fatal(err)
		}
		issuer, holder := w.signers[bankDID+"#issue"].Public(), w.signers[agentDID+"#k1"].Public()
		b.ReportAllocs()
		for b.Loop() {
			if m.VerifySignature(issuer) != nil || binding.Verify(holder) != nil {
				b.Fatal("a signature")
			}
		}
	})
}

func count(b []byte, c byte) (n int) {
	for _, x := range b {
		if x == c {
			n++
		}
	}
	return n
}
