package merchant_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// A shop that tells buyers' agents how it can be paid: its A2A agent card, and
// the statement that the card points to.
func ExampleShop_AgentCardHandler() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		shop, origin := world.Shop, world.URL // for example "https://shop.example"
		card, err := shop.AgentCardHandler(commerce.AgentCard{
			Name: "Coffee house", Description: "Coffee to go.",
			Skills: []commerce.Skill{{
				ID: "order", Name: "Order", Description: "Takes orders by cart.", Tags: []string{"coffee"},
			}},
			Negotiation: commerce.Negotiation{Mode: commerce.OneWay, CapabilityURL: origin + merchant.CapabilityPath},
		})
		check(err)
		statement, err := shop.CapabilityHandler()
		check(err)
		mux := http.NewServeMux()
		mux.Handle("GET "+merchant.CardPath, card)
		mux.Handle("GET "+merchant.CapabilityPath, statement)

		// Somebody reads the statement.
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, httptest.NewRequest("GET", merchant.CapabilityPath, nil))
		read, err := commerce.DecodeCapability(rec.Body.Bytes())
		check(err)
		for _, o := range read.Offers {
			fmt.Println(read.AgentID, "takes", o.MethodID, "through", o.PSPID)
		}
	})
	// Output: did:act:shop.test/shop takes urn:act:payment:test-wallet through did:act:psp.test/pay
}

// A shop that is asked how it can be paid: the card declares two-way mode and
// where the handler is, and payable says what the shop takes.
func ExampleShop_NegotiationHandler() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Grant(t, nil)
		shop, base := world.Shop, world.URL+"/house"
		card, err := shop.AgentCardHandler(commerce.AgentCard{
			Name: "Coffee house", Description: "Coffee to go.",
			Skills: []commerce.Skill{{
				ID: "order", Name: "Order", Description: "Takes orders by cart.", Tags: []string{"coffee"},
			}},
			Negotiation: commerce.Negotiation{Mode: commerce.TwoWay, Endpoint: base + "/negotiations"},
		})
		check(err)
		payable := func(_ context.Context, q commerce.NegotiationRequest) (bool, error) {
			return q.Estimated.Currency().Code() == "CNY" && q.Estimated.Minor() <= 50_00, nil
		}
		world.Serve("/house"+merchant.CardPath, card)
		world.Serve("/house/negotiations", shop.NegotiationHandler(payable))

		seller, err := world.Agent.Shop(shop.ID(), base, world.Client)
		check(err)
		agreed, err := seller.Negotiate(context.Background(), acttest.CNY(t, "18.00"))
		check(err)
		fmt.Println(agreed.MethodID, "through", agreed.PSPID)
		_, err = seller.Negotiate(context.Background(), acttest.CNY(t, "80.00"))
		fmt.Println(protocol.CodeOf(err))
	})
	// Output:
	// urn:act:payment:test-wallet through did:act:psp.test/pay
	// no_match
}

// Everything that agents ask a shop for, in one handler: catalogue, intents,
// carts, pick-ups, the agent card and what it points to.
func ExampleShop_Handler() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, "18.00")}, 5)
		world.Grant(t, nil)
		front, err := world.Shop.Handler(merchant.Storefront{
			Base: "/house",
			HandOver: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p, _ := merchant.PurchaseFrom(r.Context())
				fmt.Fprint(w, "one ", p.Order.Items[0].Name)
			}),
			Card: commerce.AgentCard{
				Name: "Coffee house", Description: "Coffee to go.",
				Skills:      []commerce.Skill{{ID: "order", Name: "Order", Description: "Takes orders by cart.", Tags: []string{"coffee"}}},
				Negotiation: commerce.Negotiation{Mode: commerce.OneWay},
			},
		})
		check(err)
		world.Serve("/house/", front) // beside the paywalls

		ctx := context.Background()
		seller, err := world.Agent.Shop(world.Shop.ID(), world.URL+"/house", world.Client)
		check(err)
		order, err := seller.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
		check(err)
		paid, err := world.Agent.PayOrder(ctx, order)
		check(err)
		resp, err := world.Agent.PickUp(ctx, order, paid)
		check(err)
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		check(err)
		fmt.Println(string(got))
	})
	// Output: one Latte
}
