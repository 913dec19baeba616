package merchant

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

func TestBillNumber(t *testing.T) {
	key, other := make([]byte, billKeySize), append(make([]byte, billKeySize-1), 1)
	text := rapid.StringMatching(`[ -~]{0,8}`)
	draw := func(t *rapid.T, name string) terms {
		return terms{
			resource: text.Draw(t, name+" resource"), amount: text.Draw(t, name+" amount"), currency: text.Draw(t, name+" currency"),
			fingerprint: canon.Digest(text.Draw(t, name+" fingerprint")), idempotencyKey: text.Draw(t, name+" key"),
		}
	}
	knows := func(a terms, key []byte, no string) bool {
		_, ok := a.issued(key, no)
		return ok
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		now := time.Unix(rapid.Int64Range(0, 1<<40-1).Draw(t, "now"), 5)
		no := a.number(key, now)
		if len(no) != 60 || strings.Trim(no, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Fatalf("not of the form that every rail carries: %q", no)
		}
		if at, ok := a.issued(key, no); !ok || at.Unix() != now.Unix() {
			t.Fatalf("PSD-PAY-A402-01: its own number of %d is not known, or of %d", now.Unix(), at.Unix())
		}
		if a != b && knows(b, key, no) {
			t.Fatal("PSD-PAY-A402-08: a number passes for other terms")
		}
		if knows(a, other, no) || knows(a, key, no+"a") || knows(a, key, "a"+no) || knows(a, key, "") || knows(a, key, strings.ToUpper(no)) {
			t.Fatal("PSD-PAY-A402-08: a number that was not issued passes")
		}
		// One character changed, also in the bits to spare at the end.
		i := rapid.IntRange(0, len(no)-1).Draw(t, "at")
		c := rapid.SampledFrom([]byte("abcdefghijklmnopqrstuvwxyz234567")).Draw(t, "to")
		if changed := no[:i] + string(c) + no[i+1:]; changed != no && knows(a, key, changed) {
			t.Fatalf("PSD-PAY-A402-08: a number has two spellings, at %d", i)
		}
	})
}

// Moving a byte from one part of the terms to the next changes the tag.
func TestBillTermsAreSeparate(t *testing.T) {
	key := make([]byte, billKeySize)
	no := terms{resource: "ab", amount: "c"}.number(key, time.Unix(1, 0))
	for _, other := range []terms{{resource: "a", amount: "bc"}, {resource: "abc"}, {amount: "abc"}, {resource: "ab", currency: "c"}} {
		if _, ok := other.issued(key, no); ok {
			t.Fatalf("%+v passes", other)
		}
	}
}

func FuzzPickup(f *testing.F) {
	f.Add([]byte(`{"merchant_order_id":"1","payment_proof":"e30"}`))
	f.Add([]byte(`{"merchant_order_id":"1","merchant_order_id":"2","payment_proof":"e30"}`))
	f.Add([]byte(`{"merchant_order_id":null,"payment_proof":"e30"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodePickup(data)
		if err != nil {
			if protocol.CodeOf(err) == "" {
				t.Fatalf("not one of our errors: %v", err)
			}
			return
		}
		if p.Proof == "" || canon.CheckID(p.OrderID) != nil {
			t.Fatalf("accepted %+v", p)
		}
		if canon.Check(data) != nil {
			t.Fatal("accepted what is not strict JSON")
		}
	})
}
