package delegation

import (
	"testing"

	"github.com/actprotocol/act-go/protocol/keys"
)

func BenchmarkParseMandate(b *testing.B) {
	s := issuerKey(b)
	raw, err := Issue(s, fullClaims(b))
	if err != nil {
		b.Fatal(err)
	}
	m, err := ParseMandate(raw)
	if err != nil {
		b.Fatal(err)
	}
	// A mandate as NewAuthorization selects it: merchants, a category, a limit.
	isr := fullISR()
	isr.Ext = &Ext{Commerce: &Commerce{MaxSingleAmount: "20", AllowedMerchants: []string{shopDID}, AllowedCategories: []string{"food"}}}
	confirmed, err := ConfirmedISR(isr)
	if err != nil {
		b.Fatal(err)
	}
	a, err := NewAuthorization(confirmed, principalDID)
	if err != nil {
		b.Fatal(err)
	}
	usual, err := Issue(s, NewClaims(a, issuerDID, pspDID, m.claims.Holder, &StatusReference{Index: 7, URI: listURI}, start))
	if err != nil {
		b.Fatal(err)
	}
	for name, raw := range map[string][]byte{"full": raw, "parse": usual} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseMandate(raw); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(raw)), "token-bytes")
		})
	}
	// The part that every token has: base64url, header, strict JSON.
	b.Run("token", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := keys.ParseCompact(raw, keys.TypeMandate); err != nil {
				b.Fatal(err)
			}
		}
	})
	// The holder's key, whose point has to be found on the curve.
	jwk := m.claims.Holder.JWK()
	b.Run("holder", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := keys.ParseJWK(jwk); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bounds", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.claims.Bounds(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBoundsDecide(b *testing.B) {
	limits, p, spent := bounds(b, nil), latte(b), cny(b, "0.00")
	for name, role := range map[string]Role{"agent": RoleAgent, "psp": RolePSP} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := limits.Decide(role, p, &spent); !d.Allowed() {
					b.Fatal(d.Err())
				}
			}
		})
	}
}
