package commerce_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

func TestOrderRoundTrip(t *testing.T) {
	s := signer(t, shopDID, keys.Seller, 0)
	bare := order(t)
	bare.DelegationID = ""
	for name, o := range map[string]commerce.Order{"full": order(t), "bare": bare} {
		t.Run("CID-CART-CFM-04 "+name, func(t *testing.T) {
			raw, err := commerce.SignOrder(s, o)
			if err != nil {
				t.Fatal(err)
			}
			u, err := commerce.ParseOrder(raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(o, u.Order, compareAmounts); diff != "" {
				t.Errorf("CID-CART-CFM-06: %s", diff)
			}
			if err := u.Verify(s.Public()); err != nil || u.KeyID() != shopDID+"#k1" || u.SignerDID() != shopDID {
				t.Error(err, u.KeyID())
			}
			if err := u.Verify(signer(t, shopDID, keys.Seller, 1).Public()); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
				t.Error(err)
			}
		})
	}
	if got := order(t).Categories(); !slices.Equal(got, []string{"food/bakery", "food/coffee"}) {
		t.Error(got)
	}
}

// TestOrderRefused changes the payload of an order and signs it again.
func TestOrderRefused(t *testing.T) {
	s := signer(t, shopDID, keys.Seller, 0)
	raw, err := commerce.SignOrder(s, order(t))
	if err != nil {
		t.Fatal(err)
	}
	token, err := keys.ParseCompact(raw, keys.TypeOrder)
	if err != nil {
		t.Fatal(err)
	}
	resign := func(t *testing.T, s *keys.Signer, typ string, change func(map[string]any)) error {
		m := object(t, token.Payload)
		change(m)
		raw, err := keys.SignCompact(s, keys.Seller, typ, marshal(t, m))
		if err != nil {
			t.Fatal(err)
		}
		u, err := commerce.ParseOrder(raw)
		if (u == nil) != (err != nil) {
			t.Error("a value with an error")
		}
		return err
	}
	inv, missing, conflict := protocol.CodeFieldInvalid, protocol.CodeFieldMissing, protocol.CodeClaimsConflict
	for _, c := range []struct {
		name, field string
		code        protocol.Code
		change      func(map[string]any)
	}{
		{"CID-CART-CFM-05 amount is not the sum", "amount", inv, func(m map[string]any) { m["amount"] = "36.00" }},
		{"CID-CART-CFM-05 a cheaper amount with equal lines", "amount", inv, func(m map[string]any) { m["amount"] = "0.01" }},
		{"CID-CART-CFM-06 subtotal is not the product", "items[0].subtotal", inv, func(m map[string]any) { item(m, 0)["subtotal"] = "18.00" }},
		{"CID-CART-CFM-06 two errors that cancel out", "items[0].subtotal", inv, func(m map[string]any) {
			item(m, 0)["subtotal"], item(m, 1)["subtotal"] = "35.50", "1.00"
		}},
		{"CID-CART-CFM-05 hidden precision", "items[1].unit_price", inv, func(m map[string]any) { item(m, 1)["unit_price"] = "0.500" }},
		{"CID-CART-CFM-05 yen have no decimals", "amount", inv, func(m map[string]any) { m["currency"] = "JPY" }},
		{"CID-CART-CFM-06 half a piece", "items[0].quantity", inv, func(m map[string]any) { item(m, 0)["quantity"] = 0.5 }},
		{"CID-CART-CFM-06 no piece", "items[0].quantity", inv, func(m map[string]any) { item(m, 0)["quantity"] = 0 }},
		{"CID-CART-CFM-06 too many pieces", "items[0].quantity", inv, func(m map[string]any) { item(m, 0)["quantity"] = 1000001 }},
		{"CID-CART-CFM-06 one item twice", "items[1].item_id", inv, func(m map[string]any) { item(m, 1)["item_id"] = "latte" }},
		{"CID-CART-CFM-06 no category", "items[0].category", missing, func(m map[string]any) { delete(item(m, 0), "category") }},
		{"CID-CART-CFM-06 no items", "items", missing, func(m map[string]any) { m["items"] = []any{} }},
		{"CID-CART-CFM-06 another member in a line", "items[0].discount", protocol.CodeFieldUnknown, func(m map[string]any) { item(m, 0)["discount"] = "1" }},
		{"CID-CART-CFM-06 another issuer", "merchant_id", conflict, func(m map[string]any) { m["iss"] = pspDID }},
		{"CID-CART-CFM-06 another subject", "buyer_agent_id", conflict, func(m map[string]any) { m["sub"] = pspDID }},
		{"CID-CART-CFM-04 not confirmed", "status", inv, func(m map[string]any) { m["status"] = "PENDING" }},
		{"CID-CART-CFM-04 ends before it begins", "exp", inv, func(m map[string]any) { m["exp"] = m["iat"] }},
		{"CID-CART-CFM-04 time as text", "exp", inv, func(m map[string]any) { m["exp"] = "1772444400" }},
		{"CID-CART-CFM-04 negative time", "iat", inv, func(m map[string]any) { m["iat"] = -1 }},
		{"CID-CART-CFM-04 far future", "exp", inv, func(m map[string]any) { m["exp"] = 253402300800 }},
		{"CID-CART-CFM-04 boolean time", "exp", inv, func(m map[string]any) { m["exp"] = true }},
		{"CID-CART-CFM-06 empty delegation", "delegation_id", missing, func(m map[string]any) { m["delegation_id"] = "" }},
		{"CID-CART-CFM-06 unknown member", "tip", protocol.CodeFieldUnknown, func(m map[string]any) { m["tip"] = "1.00" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, resign(t, s, keys.TypeOrder, c.change), c.code, c.field, "")
		})
	}
	for name := range object(t, token.Payload) {
		if name == "delegation_id" {
			continue
		}
		t.Run("CID-CART-CFM-06 without "+name, func(t *testing.T) {
			wantError(t, resign(t, s, keys.TypeOrder, func(m map[string]any) { delete(m, name) }), missing, name, "")
		})
	}
	t.Run("CID-CART-CFM-06 another kind of token", func(t *testing.T) {
		err := resign(t, s, keys.TypeMandate, func(map[string]any) {})
		if protocol.CodeOf(err) != protocol.CodeTypeMismatch {
			t.Error(err)
		}
	})
	t.Run("CID-CART-CFM-06 a key of somebody else", func(t *testing.T) {
		err := resign(t, signer(t, pspDID, keys.Seller, 0), keys.TypeOrder, func(map[string]any) {})
		wantError(t, err, conflict, "header.kid", "CID-CART-CFM-06")
	})
}

func TestSignOrderRefuses(t *testing.T) {
	good := signer(t, shopDID, keys.Seller, 0)
	for _, c := range []struct {
		name   string
		signer *keys.Signer
		change func(*commerce.Order)
		code   protocol.Code
	}{
		{"a wrong sum", good, func(o *commerce.Order) { o.Amount = cny(t, "36.51") }, protocol.CodeFieldInvalid},
		{"a line in another currency", good, func(o *commerce.Order) { o.Items[0].UnitPrice = amount(t, "18", "USD") }, protocol.CodeFieldMissing},
		{"no amount", good, func(o *commerce.Order) { o.Amount = money.Amount{} }, protocol.CodeFieldMissing},
		{"no end of the lock", good, func(o *commerce.Order) { o.Expires = time.Time{} }, protocol.CodeFieldMissing},
		{"an overflow", good, func(o *commerce.Order) { o.Items[0].UnitPrice = cny(t, "92233720368547758.07") }, protocol.CodeFieldMissing},
		{"another merchant", signer(t, pspDID, keys.Seller, 0), func(*commerce.Order) {}, protocol.CodeClaimsConflict},
		{"another purpose", signer(t, shopDID, keys.Proof, 0), func(*commerce.Order) {}, protocol.CodeKeyPurpose},
	} {
		t.Run("CID-CART-CFM-04 "+c.name, func(t *testing.T) {
			o := order(t)
			c.change(&o)
			raw, err := commerce.SignOrder(c.signer, o)
			if raw != nil || protocol.CodeOf(err) != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
}

// TestSumsAreExact: an order is accepted exactly when its amount is the sum of
// the products, counted here in big steps of minor units.
func TestSumsAreExact(t *testing.T) {
	s := signer(t, shopDID, keys.Seller, 0)
	base := order(t)
	rapid.Check(t, func(rt *rapid.T) {
		code := rapid.SampledFrom([]string{"CNY", "JPY", "BHD"}).Draw(rt, "currency")
		c, err := money.ParseCurrency(code)
		if err != nil {
			rt.Fatal(err)
		}
		o := base
		o.Items = nil
		var sum int64
		for n := range rapid.IntRange(1, 6).Draw(rt, "lines") {
			price := rapid.Int64Range(0, 1e9).Draw(rt, "price")
			quantity := rapid.Int64Range(1, 1e3).Draw(rt, "quantity")
			unit, err := money.FromMinor(price, c)
			if err != nil {
				rt.Fatal(err)
			}
			o.Items = append(o.Items, commerce.OrderLine{ItemID: "i" + strconv.Itoa(n), Name: "x", Category: "x", UnitPrice: unit, Quantity: quantity})
			sum += price * quantity
		}
		wrong := rapid.SampledFrom([]int64{0, 0, 1, -1, 100}).Draw(rt, "error")
		if o.Amount, err = money.FromMinor(max(sum+wrong, 0), c); err != nil {
			rt.Fatal(err)
		}
		raw, err := commerce.SignOrder(s, o)
		if exact := o.Amount.Minor() == sum && sum > 0; exact != (err == nil) {
			rt.Fatalf("sum %d, amount %s: %v", sum, o.Amount, err)
		}
		if err != nil {
			return
		}
		u, err := commerce.ParseOrder(raw)
		if err != nil || u.Order.Amount != o.Amount || len(u.Order.Items) != len(o.Items) {
			rt.Fatal(u, err)
		}
	})
}

func TestOrderTokenAttacks(t *testing.T) {
	s := signer(t, shopDID, keys.Seller, 0)
	raw, err := commerce.SignOrder(s, order(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("a flipped character in any part", func(t *testing.T) {
		for i := range raw {
			changed := slices.Clone(raw)
			if changed[i] == 'A' {
				changed[i] = 'B'
			} else {
				changed[i] = 'A'
			}
			u, err := commerce.ParseOrder(changed)
			if err == nil && u.Verify(s.Public()) == nil {
				t.Fatalf("character %d may be changed", i)
			}
		}
	})
	t.Run("over the limit", func(t *testing.T) {
		if _, err := commerce.ParseOrder([]byte(strings.Repeat("A", keys.MaxToken+1))); protocol.CodeOf(err) != protocol.CodeTooLarge {
			t.Error(err)
		}
	})
}
