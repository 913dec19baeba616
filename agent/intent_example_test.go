package agent_test

import (
	"fmt"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// An agent says what it needs, changes its mind, and never gets beyond its
// mandate.
func ExampleShop_Ask() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		for id, price := range map[string]string{"latte": "18.00", "espresso": "12.00", "coffee machine": "900.00"} {
			world.Stock(t, commerce.Item{ID: id[:5], Name: id, Category: "food/coffee", Price: acttest.CNY(t, price)}, 5)
		}
		world.Grant(t, func(isr *delegation.ISR) { isr.MaxTotalAmount = "20" })
		shop, err := world.Agent.Shop(acttest.ShopDID, world.URL, world.Client)
		check(err)

		found, err := shop.Ask(ctx, agent.Need{Explicit: "a coffee, please", Sort: commerce.SortPrice})
		check(err)
		for _, item := range found.Candidates {
			fmt.Println(item.Name, item.Price)
		}
		for _, o := range found.Outside {
			fmt.Println("not", o.Item.Name+":", protocol.CodeOf(o.Decision.Err()))
		}

		// Of an update the shop is told only what changed.
		found, err = found.Update(ctx, func(n *agent.Need) { n.MaxPrice = acttest.CNY(t, "15.00") })
		check(err)
		fmt.Println("then", found.Candidates[0].Name)

		// More than the mandate allows is not even asked for.
		_, err = found.Update(ctx, func(n *agent.Need) { n.MaxPrice = acttest.CNY(t, "25.00") })
		fmt.Println(protocol.CodeOf(err))
	})
	// Output:
	// espresso 12.00
	// latte 18.00
	// not coffee machine: total_limit_exceeded
	// then espresso
	// total_limit_exceeded
}

// Several merchants are asked at the same time. What one of them fails in is
// reported, and costs the others nothing.
func ExampleAskAll() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Grant(t, nil)
		latte := func(price string) commerce.Item {
			return commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, price)}
		}
		var shops []*agent.Shop
		for _, s := range []*acttest.Store{
			world.NewShop(t, "did:act:corner.test/cafe", latte("18.00")),
			world.NewShop(t, "did:act:station.test/kiosk", latte("16.50")),
		} {
			shop, err := world.Agent.Shop(s.DID, s.URL, world.Client)
			check(err)
			shops = append(shops, shop)
		}
		gone, err := world.Agent.Shop("did:act:shop.test/gone", world.URL+"/gone", world.Client)
		check(err)

		found := agent.AskAll(ctx, append(shops, gone), agent.Need{Explicit: "latte", Sort: commerce.SortPrice}, agent.AskOptions{Timeout: 2 * time.Second})
		check(found.Err())
		for _, c := range found.Candidates {
			fmt.Println(c.Item.Name, c.Item.Price, c.Shop.Merchant())
		}
		for n, s := range found.Shops {
			fmt.Println("shop", n, "answered:", s.Err == nil)
		}
	})
	// Output:
	// Latte 16.50 did:act:station.test/kiosk
	// Latte 18.00 did:act:corner.test/cafe
	// shop 0 answered: true
	// shop 1 answered: true
	// shop 2 answered: false
}
