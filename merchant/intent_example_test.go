package merchant_test

import (
	"context"
	"fmt"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// A shop whose own search answers agents. What it returns is judged by the
// agent's constraints before it is sent, so that a search cannot offer what the
// agent may not buy.
func ExampleShop_IntentHandler() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Grant(t, nil)
		search := func(_ context.Context, q merchant.IntentQuery) ([]commerce.Item, error) {
			fmt.Printf("%s wants %q\n", q.Agent, q.Intent.Context.Explicit)
			return []commerce.Item{
				{ID: "grand", Name: "Grand piano", Category: "music/piano", Price: acttest.CNY(t, "90.00")},
				{ID: "toy", Name: "Toy piano", Category: "toys", Price: acttest.CNY(t, "30.00")},
			}, nil
		}
		world.Serve("POST /music/intents", world.Shop.IntentHandler(search))

		shop, err := world.Agent.Shop(acttest.ShopDID, world.URL+"/music", world.Client)
		check(err)
		found, err := shop.Ask(context.Background(), agent.Need{Explicit: "a piano", MaxPrice: acttest.CNY(t, "50.00")})
		check(err)
		for _, item := range found.Candidates {
			fmt.Println(item.Name, item.Price)
		}
	})
	// Output:
	// did:act:agents.test/buyer wants "a piano"
	// Toy piano 30.00
}
