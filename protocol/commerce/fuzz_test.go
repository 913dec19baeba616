package commerce_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// refused checks what holds for every refusal: one of our errors, with a code
// of the closed list, and without the input in its text.
func refused(t *testing.T, input []byte, err error) {
	t.Helper()
	e := protocol.AsError(err)
	if !e.Code.Known() || e.Code == protocol.CodeServiceUnavailable {
		t.Errorf("code %q", e.Code)
	}
	if len(input) > 24 && strings.Contains(err.Error(), string(input)) {
		t.Error("the error repeats the input")
	}
}

func FuzzParseCatalogue(f *testing.F) {
	data, err := catalogue(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := commerce.DecodeCatalogue(data)
		if err != nil {
			refused(t, data, err)
			return
		}
		seen := map[string]bool{}
		for _, i := range c.Items {
			if seen[i.ID] || !i.Price.Valid() || i.Check() != nil {
				t.Errorf("%+v", i)
			}
			seen[i.ID] = true
		}
		for _, err := range c.Unusable() {
			refused(t, data, err)
			if !strings.HasPrefix(protocol.AsError(err).Field, "items[") {
				t.Error(err)
			}
		}
		// What was read is written and read again as the same.
		again, err := c.Encode()
		if protocol.CodeOf(err) == protocol.CodeTooLarge {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		back, err := commerce.DecodeCatalogue(again)
		if err != nil {
			t.Fatal(err)
		}
		third, err := back.Encode()
		if err != nil || !bytes.Equal(again, third) || len(back.Items) != len(c.Items) {
			t.Errorf("%s\n%s\n%v", again, third, err)
		}
	})
}

// FuzzParseOrder puts any payload into a token with the right header, and reads
// any bytes as a token.
func FuzzParseOrder(f *testing.F) {
	raw, err := commerce.SignOrder(signer(f, shopDID, keys.Seller, 0), order(f))
	if err != nil {
		f.Fatal(err)
	}
	parts := bytes.Split(raw, []byte("."))
	payload, err := canon.DecodeBase64(string(parts[1]))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := commerce.ParseOrder(data); err != nil {
			refused(t, data, err)
		}
		u, err := commerce.ParseOrder(bytes.Join([][]byte{parts[0], []byte(canon.EncodeBase64(data)), parts[2]}, []byte(".")))
		if err != nil {
			refused(t, data, err)
			return
		}
		o := u.Order
		var sum int64
		for _, l := range o.Items {
			sub, err := l.Subtotal()
			if err != nil || l.Quantity < 1 {
				t.Fatalf("%+v: %v", l, err)
			}
			sum += sub.Minor()
		}
		if sum != o.Amount.Minor() || o.MerchantID != u.SignerDID() || !o.IssuedAt.Before(o.Expires) || len(o.Categories()) == 0 {
			t.Errorf("%+v", o)
		}
		if u.Verify(signer(t, shopDID, keys.Seller, 1).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		if _, err := commerce.SignOrder(signer(t, o.MerchantID, keys.Seller, 0), o); err != nil {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

func FuzzParseCartRequest(f *testing.F) {
	data, err := commerce.SignCartRequest(signer(f, agentDID, keys.AgentRequest, 0), cart(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := commerce.ParseCartRequest(data)
		if err != nil {
			refused(t, data, err)
			return
		}
		if u.Verify(signer(t, agentDID, keys.AgentRequest, 1).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		c := u.Request
		if _, err := commerce.SignCartRequest(signer(t, c.BuyerAgentID, keys.AgentRequest, 0), c); err != nil && protocol.CodeOf(err) != protocol.CodeTooLarge {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}
