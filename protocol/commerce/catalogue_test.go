package commerce_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
)

func catalogue(t testing.TB) *commerce.Catalogue {
	plain := commerce.Item{ID: "water", Name: "Water", Category: "food", Price: cny(t, "0"), Delivery: commerce.DeliveryUnknown}
	return &commerce.Catalogue{MerchantID: shopDID, Items: []commerce.Item{latte(t), plain}, AsOf: now}
}

func TestCatalogueRoundTrip(t *testing.T) {
	c := catalogue(t)
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := commerce.DecodeCatalogue(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Items, back.Items, compareAmounts); diff != "" || back.MerchantID != shopDID || !back.AsOf.Equal(now) {
		t.Errorf("CID-MER-CAT-01: %s", diff)
	}
	if i, ok := back.Item("latte"); !ok || i.Name != "拿铁 Caffè latte" || len(back.Unusable()) != 0 {
		t.Error(i, back.Unusable())
	}
	if i, ok := back.Item("tea"); ok || i.ID != "" {
		t.Error(i)
	}
}

// TestUnusableItems: a bad item is left out and told, the others stay.
func TestUnusableItems(t *testing.T) {
	data, err := catalogue(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	missing, inv := protocol.CodeFieldMissing, protocol.CodeFieldInvalid
	for _, c := range []struct {
		name, member string
		value        any
		code         protocol.Code
		requirement  string
	}{
		{"no id", "item_id", nil, missing, "CID-MER-CAT-01"},
		{"no name", "name", nil, missing, "CID-MER-CAT-01"},
		{"no category", "category", nil, missing, "CID-MER-CAT-01"},
		{"no price", "price", nil, missing, "CID-MER-CAT-01"},
		{"no currency", "currency", nil, missing, "CID-MER-CAT-01"},
		{"an empty name", "name", "", missing, "CID-MER-CAT-01"},
		{"a price of two kinds", "price", 18, inv, ""},
		{"a price with hidden precision", "price", "18.001", inv, "CID-MER-CAT-01"},
		{"a negative price", "price", "-18", inv, "CID-MER-CAT-01"},
		{"no such currency", "currency", "YUAN", inv, "CID-MER-CAT-01"},
		{"a name that clears the terminal", "name", "latte\x1b[2J", inv, "CID-MER-CAT-01"},
		{"a name that turns the text around", "name", "latte\u202e", inv, "CID-MER-CAT-01"},
		{"a long name", "name", strings.Repeat("界", 257), inv, "CID-MER-CAT-01"},
		{"an empty segment", "category", "food/", inv, "CID-MER-CAT-01"},
		{"a segment with a space before", "category", "food/ coffee", inv, "CID-MER-CAT-01"},
		{"an id with a space", "item_id", "a b", inv, "CID-MER-CAT-01"},
		{"null availability", "available", "yes", inv, ""},
		{"delivery in the past", "delivery_seconds", -1, inv, "CID-MER-CAT-02"},
		{"delivery after the sun", "delivery_seconds", int64(9223372037), inv, "CID-MER-CAT-02"},
		{"no time", "price_valid_until", "soon", inv, "CID-MER-CAT-02"},
		{"an empty time", "price_valid_until", "", missing, "CID-MER-CAT-02"},
		{"a script as detail", "detail_url", "javascript:alert(1)", inv, "CID-MER-CAT-02"},
		{"another merchant", "merchant_id", pspDID, protocol.CodeClaimsConflict, "CID-MER-CAT-02"},
		{"a merchant without DID", "merchant_id", "shop", inv, ""},
		{"an unknown member", "discount", "50%", protocol.CodeFieldUnknown, ""},
	} {
		t.Run("CID-MER-CAT-03 "+c.name, func(t *testing.T) {
			m := object(t, data)
			if c.value == nil {
				delete(item(m, 0), c.member)
			} else {
				item(m, 0)[c.member] = c.value
			}
			back, err := commerce.DecodeCatalogue(marshal(t, m))
			if err != nil {
				t.Fatal(err)
			}
			if len(back.Items) != 1 || back.Items[0].ID != "water" || len(back.Unusable()) != 1 {
				t.Fatalf("%+v, %v", back.Items, back.Unusable())
			}
			wantError(t, back.Unusable()[0], c.code, "items[0]."+c.member, c.requirement)
		})
	}
	t.Run("CID-MER-CAT-03 an item that is no object", func(t *testing.T) {
		m := object(t, data)
		m["items"] = []any{"latte"}
		back, err := commerce.DecodeCatalogue(marshal(t, m))
		if err != nil || len(back.Items) != 0 || len(back.Unusable()) != 1 {
			t.Error(back, err)
		}
	})
}

func TestCatalogueRefused(t *testing.T) {
	data, err := catalogue(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(map[string]any)) error {
		m := object(t, data)
		f(m)
		_, err := commerce.DecodeCatalogue(marshal(t, m))
		return err
	}
	t.Run("CID-MER-CAT-01 one identifier twice", func(t *testing.T) {
		err := change(func(m map[string]any) { item(m, 1)["item_id"] = "latte" })
		wantError(t, err, protocol.CodeFieldInvalid, "items[1].item_id", "CID-MER-CAT-01")
	})
	t.Run("CID-MER-CAT-01 one identifier twice, once unusable", func(t *testing.T) {
		err := change(func(m map[string]any) { item(m, 1)["item_id"] = "latte"; delete(item(m, 0), "price") })
		wantError(t, err, protocol.CodeFieldInvalid, "items[1].item_id", "CID-MER-CAT-01")
	})
	t.Run("no items", func(t *testing.T) {
		wantError(t, change(func(m map[string]any) { delete(m, "items") }), protocol.CodeFieldMissing, "items", "CID-MER-CAT-01")
		if err := change(func(m map[string]any) { m["items"] = []any{} }); err != nil {
			t.Errorf("an empty shop: %v", err)
		}
	})
	t.Run("no merchant", func(t *testing.T) {
		wantError(t, change(func(m map[string]any) { delete(m, "merchant_id") }), protocol.CodeFieldMissing, "merchant_id", "CID-MER-CAT-01")
	})
	t.Run("null", func(t *testing.T) {
		err := change(func(m map[string]any) { item(m, 0)["detail_url"] = nil })
		wantError(t, err, protocol.CodeFieldInvalid, "items[0].detail_url", "")
	})
	t.Run("two members of one name", func(t *testing.T) {
		_, err := commerce.DecodeCatalogue([]byte(strings.Replace(string(data), `"price":"18.00"`, `"price":"18.00","price":"1.00"`, 1)))
		if protocol.CodeOf(err) != protocol.CodeMalformed {
			t.Error(err)
		}
	})
	t.Run("CID-MER-CAT-01 what is written is checked", func(t *testing.T) {
		c := catalogue(t)
		c.Items[1].Category = ""
		_, err := c.Encode()
		wantError(t, err, protocol.CodeFieldMissing, "items[1].category", "CID-MER-CAT-01")
		wantError(t, c.Items[1].Check(), protocol.CodeFieldMissing, "category", "CID-MER-CAT-01")
		if err := c.Items[0].Check(); err != nil {
			t.Error(err)
		}
	})
	t.Run("CID-MER-CAT-02 less than a second", func(t *testing.T) {
		c := catalogue(t)
		c.Items[0].Delivery = 1500 * time.Millisecond
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := commerce.DecodeCatalogue(data); err != nil || back.Items[0].Delivery != time.Second {
			t.Error(back, err)
		}
	})
}
