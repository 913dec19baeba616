package commerce_test

import (
	"fmt"
	"time"

	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A merchant confirms an order; whoever gets it reads it back. Reading says
// nothing about who made it: the signature is checked with the merchant's key,
// which package verifier finds by KeyID.
func Example() {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		panic(err)
	}
	shop, err := keys.NewSigner("did:act:shop.example/coffee#k1", keys.Seller, key)
	if err != nil {
		panic(err)
	}
	yuan, err := money.ParseCurrency("CNY")
	if err != nil {
		panic(err)
	}
	price, err := money.Parse("18.00", yuan)
	if err != nil {
		panic(err)
	}
	total, err := price.Mul(2)
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	raw, err := commerce.SignOrder(shop, commerce.Order{
		MerchantID: "did:act:shop.example/coffee", BuyerAgentID: "did:act:platform.example/agent",
		IssuedAt: at, Expires: at.Add(10 * time.Minute), DeliverBy: at.Add(30 * time.Minute),
		MerchantOrderID: "ORDER-1", RequestID: "cart-1", IntentID: "intent-1",
		PSPID: "did:act:pay.example/psp", PaymentMethod: "urn:act:payment:balance",
		Items:  []commerce.OrderLine{{ItemID: "latte", Name: "Latte", Category: "food/coffee", UnitPrice: price, Quantity: 2}},
		Amount: total,
	})
	if err != nil {
		panic(err)
	}

	order, err := commerce.ParseOrder(raw)
	if err != nil {
		panic(err)
	}
	if err := order.Verify(shop.Public()); err != nil {
		panic(err)
	}
	fmt.Println(order.KeyID())
	fmt.Println(order.Order.MerchantOrderID, order.Order.Amount, order.Order.Amount.Currency(), order.Order.Categories())
	// Output:
	// did:act:shop.example/coffee#k1
	// ORDER-1 36.00 CNY [food/coffee]
}

// An item without its minimum is left out and told.
func ExampleDecodeCatalogue() {
	catalogue, err := commerce.DecodeCatalogue([]byte(`{
		"merchant_id": "did:act:shop.example/coffee",
		"as_of": "2026-03-02T09:30:00Z",
		"items": [
			{"item_id": "latte", "name": "Latte", "category": "food/coffee", "price": "18.00", "currency": "CNY"},
			{"item_id": "mystery", "name": "Mystery", "category": "food", "currency": "CNY"}
		]
	}`))
	if err != nil {
		panic(err)
	}
	for _, item := range catalogue.Items {
		fmt.Println(item.ID, item.Price)
	}
	for _, err := range catalogue.Unusable() {
		fmt.Println(err)
	}
	// Output:
	// latte 18.00
	// act: field_missing: items[1].price: a required member is absent or empty (CID-MER-CAT-01)
}
