package commerce_test

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

func TestCartRequestRoundTrip(t *testing.T) {
	s := signer(t, agentDID, keys.AgentRequest, 0)
	bare := cart(t)
	bare.DelegationID, bare.Fulfilment = "", commerce.Fulfilment{}
	for name, c := range map[string]commerce.CartRequest{"full": cart(t), "bare": bare} {
		t.Run("CID-CART-CFM-03 "+name, func(t *testing.T) {
			data, err := commerce.SignCartRequest(s, c)
			if err != nil {
				t.Fatal(err)
			}
			u, err := commerce.ParseCartRequest(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c, u.Request, compareAmounts); diff != "" {
				t.Error(diff)
			}
			if err := u.Verify(s.Public()); err != nil || u.KeyID() != agentDID+"#k1" || u.SignerDID() != agentDID {
				t.Error(err, u.KeyID())
			}
			if err := u.Verify(signer(t, agentDID, keys.AgentRequest, 1).Public()); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
				t.Error(err)
			}
			again := c
			again.Nonce, again.Timestamp = canon.Nonce(), now.Add(1e9)
			more, err := commerce.SignCartRequest(s, again)
			if err != nil {
				t.Fatal(err)
			}
			v, err := commerce.ParseCartRequest(more)
			if err != nil || v.ContentDigest() != u.ContentDigest() {
				t.Errorf("a repetition is other content: %v", err)
			}
		})
	}
}

func TestCartRequestRefused(t *testing.T) {
	s := signer(t, agentDID, keys.AgentRequest, 0)
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	for _, c := range []struct {
		name   string
		change func(*commerce.CartRequest)
		code   protocol.Code
		field  string
	}{
		{"no items", func(c *commerce.CartRequest) { c.Items = nil }, missing, "items"},
		{"sum too small", func(c *commerce.CartRequest) { c.Amount = cny(t, "36.49") }, inv, "amount"},
		{"no piece", func(c *commerce.CartRequest) { c.Items[0].Quantity = 0 }, inv, "items[0].quantity"},
		{"minus one piece", func(c *commerce.CartRequest) { c.Items[1].Quantity = -1 }, inv, "items[1].quantity"},
		{"too many pieces", func(c *commerce.CartRequest) { c.Items[0].Quantity = commerce.MaxQuantity + 1 }, inv, "items[0].quantity"},
		{"one item twice", func(c *commerce.CartRequest) { c.Items[1].ItemID = "latte" }, inv, "items[1].item_id"},
		{"a line in dollars", func(c *commerce.CartRequest) { c.Items[0].UnitPrice = amount(t, "18.00", "USD") }, missing, "items[0].unit_price"},
		{"no nonce", func(c *commerce.CartRequest) { c.Nonce = "" }, missing, "nonce"},
		{"no intent", func(c *commerce.CartRequest) { c.IntentID = "" }, missing, "intent_id"},
		{"a method id", func(c *commerce.CartRequest) { c.PaymentMethod = "act:payment/balance" }, inv, "payment_method"},
		{"an address with a control character", func(c *commerce.CartRequest) { c.Fulfilment.DeliveryAddress = "a\x07" }, inv, "fulfilment.delivery_address"},
		{"for free", func(c *commerce.CartRequest) {
			c.Items, c.Amount = []commerce.CartLine{{ItemID: "a", Quantity: 1, UnitPrice: cny(t, "0")}}, cny(t, "0")
		}, inv, "amount"},
		{"another agent", func(c *commerce.CartRequest) { c.BuyerAgentID = pspDID }, protocol.CodeClaimsConflict, "buyer_agent_id"},
		{"a sum over the largest amount", func(c *commerce.CartRequest) {
			c.Items[0].UnitPrice, c.Items[0].Quantity = cny(t, "92233720368547758.07"), 2
		}, inv, "items[0].unit_price"},
	} {
		t.Run("CID-CART-CFM-03 "+c.name, func(t *testing.T) {
			q := cart(t)
			c.change(&q)
			data, err := commerce.SignCartRequest(s, q)
			if data != nil {
				t.Error("a message with an error")
			}
			wantError(t, err, c.code, c.field, "")
			if protocol.AsError(err).Requirement == "" {
				t.Errorf("%v names no requirement", err)
			}
		})
	}
	t.Run("a key for something else", func(t *testing.T) {
		if _, err := commerce.SignCartRequest(signer(t, agentDID, keys.Seller, 0), cart(t)); protocol.CodeOf(err) != protocol.CodeKeyPurpose {
			t.Error(err)
		}
	})
}

// TestCartRequestMembers changes the members of a request behind the back of
// SignCartRequest.
func TestCartRequestMembers(t *testing.T) {
	s := signer(t, agentDID, keys.AgentRequest, 0)
	data, err := commerce.SignCartRequest(s, cart(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"request_id", "nonce", "timestamp", "buyer_agent_id", "merchant_id", "intent_id", "psp_id",
		"payment_method", "amount", "currency", "items"} {
		t.Run("CID-CART-CFM-03 without "+member, func(t *testing.T) {
			m := object(t, data)
			for _, n := range []string{member, "signature", "signature_type", "signature_covered_fields", "signer_id"} {
				delete(m, n)
			}
			signed, err := keys.SignMessage(s, keys.AgentRequest, keys.KindCartRequest, jsontext.Value(marshal(t, m)))
			if err != nil {
				t.Fatal(err)
			}
			_, err = commerce.ParseCartRequest(signed)
			wantError(t, err, protocol.CodeFieldMissing, member, "CID-CART-CFM-03")
		})
	}
	t.Run("signed by somebody else", func(t *testing.T) {
		m := object(t, data)
		m["signer_id"] = shopDID + "#k1"
		_, err := commerce.ParseCartRequest(marshal(t, m))
		wantError(t, err, protocol.CodeClaimsConflict, "signer_id", "")
	})
	t.Run("changed on the way", func(t *testing.T) {
		m := object(t, data)
		m["psp_id"] = shopDID
		u, err := commerce.ParseCartRequest(marshal(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Verify(s.Public()); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
			t.Error(err)
		}
	})
}
