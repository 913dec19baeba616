package merchant_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
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
