package agent_test

import (
	"context"
	"fmt"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// An agent finds out how a shop can be paid, and confirms a cart on that ground.
func ExampleShop_Negotiate() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Grant(t, nil)
		world.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, "18.00")}, 5)
		shop, err := world.Agent.Shop(acttest.ShopDID, world.URL, world.Client)
		if err != nil {
			t.Fatal(err)
		}

		agreed, err := shop.Negotiate(context.Background(), acttest.CNY(t, "18.00"))
		if err != nil {
			t.Fatal(err) // no_match: another method, another shop, or the end
		}
		fmt.Println(agreed.MethodID, "through", agreed.PSPID)

		order, err := shop.Under(agreed).ConfirmCart(context.Background(), []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(order.Confirmation.Amount, order.Confirmation.PaymentMethod)
	})
	// Output:
	// urn:act:payment:test-wallet through did:act:psp.test/pay
	// 18.00 urn:act:payment:test-wallet
}
