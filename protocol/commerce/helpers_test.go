package commerce_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

const (
	agentDID = "did:act:platform.example/alices-agent"
	shopDID  = "did:act:shop.example/coffee"
	pspDID   = "did:act:pay.example/psp"
)

var now = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

// compareAmounts lets cmp compare what it cannot look into.
var compareAmounts = cmp.Comparer(func(a, b money.Amount) bool { return a == b })

// signer returns a key that is the same for the same seed, so that workers of
// a fuzzing run see the same messages.
func signer(t testing.TB, did string, p keys.Purpose, seed byte) *keys.Signer {
	t.Helper()
	s, err := keys.NewSigner(did+"#k1", p, ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), 32))))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func amount(t testing.TB, s, currency string) money.Amount {
	t.Helper()
	c, err := money.ParseCurrency(currency)
	if err != nil {
		t.Fatal(err)
	}
	a, err := money.Parse(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func cny(t testing.TB, s string) money.Amount { return amount(t, s, "CNY") }

func latte(t testing.TB) commerce.Item {
	yes := true
	return commerce.Item{
		ID: "latte", Name: "拿铁 Caffè latte", Category: "food/coffee", Price: cny(t, "18.00"), Available: &yes,
		PriceValidUntil: now.Add(time.Hour), Delivery: 10 * time.Minute, MerchantID: shopDID, DetailURL: "https://shop.example/latte",
	}
}

func cart(t testing.TB) commerce.CartRequest {
	return commerce.CartRequest{
		RequestID: "cart-1", Nonce: strings.Repeat("A", 22), Timestamp: now, BuyerAgentID: agentDID, MerchantID: shopDID,
		IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000", DelegationID: "urn:uuid:7f3e9a12-b4c8-4d56-a321-8b7c6d5e4f30",
		PSPID: pspDID, PaymentMethod: "urn:act:payment:balance",
		Items:      []commerce.CartLine{{ItemID: "latte", Quantity: 2, UnitPrice: cny(t, "18.00")}, {ItemID: "biscuit", Quantity: 1, UnitPrice: cny(t, "0.50")}},
		Amount:     cny(t, "36.50"),
		Fulfilment: commerce.Fulfilment{DeliveryTimeRequirement: "2026-03-02T12:00:00Z", DeliveryAddress: "ref:home"},
	}
}

func order(t testing.TB) commerce.Order {
	return commerce.Order{
		MerchantID: shopDID, BuyerAgentID: agentDID, IssuedAt: now, Expires: now.Add(10 * time.Minute),
		MerchantOrderID: "ORDER-1", RequestID: "cart-1", IntentID: "intent-1", DelegationID: "delegation-1",
		PSPID: pspDID, PaymentMethod: "urn:act:payment:balance",
		Items: []commerce.OrderLine{
			{ItemID: "latte", Name: "Caffè latte", Category: "food/coffee", UnitPrice: cny(t, "18.00"), Quantity: 2},
			{ItemID: "biscuit", Name: "Biscuit", Category: "food/bakery", UnitPrice: cny(t, "0.50"), Quantity: 1},
		},
		Amount: cny(t, "36.50"), DeliverBy: now.Add(30 * time.Minute),
	}
}

// object reads JSON with another library than the one under test.
func object(t testing.TB, data []byte) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wantError checks code, field and requirement of err.
func wantError(t *testing.T, err error, code protocol.Code, field, requirement string) {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || e.Field != field || requirement != "" && e.Requirement != requirement {
		t.Errorf("got %v, want %s at %s (%s)", err, code, field, requirement)
	}
}

// item and line return the n-th object of the member "items".
func item(m map[string]any, n int) map[string]any { return m["items"].([]any)[n].(map[string]any) }
