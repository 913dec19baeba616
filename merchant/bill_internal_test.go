package merchant

import (
	"testing"

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
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		no := a.number(key)
		if err := canon.CheckID(no); err != nil {
			t.Fatalf("not an id: %v", err)
		}
		if !a.issued(key, no) {
			t.Fatal("PSD-PAY-A402-01: its own number is not known")
		}
		if a != b && b.issued(key, no) {
			t.Fatal("PSD-PAY-A402-08: a number passes for other terms")
		}
		if a.issued(other, no) || a.issued(key, no+"A") || a.issued(key, "A"+no) || a.issued(key, "") || a.issued(key, ".") {
			t.Fatal("PSD-PAY-A402-08: a number that was not issued passes")
		}
	})
}

// Moving a byte from one part of the terms to the next changes the tag.
func TestBillTermsAreSeparate(t *testing.T) {
	key := make([]byte, billKeySize)
	no := terms{resource: "ab", amount: "c"}.number(key)
	for _, other := range []terms{{resource: "a", amount: "bc"}, {resource: "abc"}, {amount: "abc"}, {resource: "ab", currency: "c"}} {
		if other.issued(key, no) {
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
