package agent_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// An http.Client that pays for what answers 402, until its budget is used up.
func ExampleAgent_Transport() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t) // an agent, a shop and a provider
		world.Sell("GET /report", merchant.Offer{Resource: "report-7", Category: "data/report", Price: acttest.CNY(t, "4.00")},
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "all is well") }))
		world.Grant(t, func(isr *delegation.ISR) { isr.MaxTotalAmount = "10" })

		client := &http.Client{Transport: world.Agent.Transport(world.Client.Transport)}
		for range 3 {
			resp, err := client.Get(world.URL + "/report")
			var refused *protocol.Error
			if errors.As(err, &refused) {
				fmt.Println("refused:", refused.Code)
				continue
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			fmt.Println(resp.StatusCode, string(body))
		}
	})
	// Output:
	// 200 all is well
	// 200 all is well
	// refused: total_limit_exceeded
}

// The agent's own check explains itself.
func ExampleAgent_Check() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Grant(t, func(isr *delegation.ISR) {
			isr.Ext = &delegation.Ext{Commerce: &delegation.Commerce{MaxSingleAmount: "5", AllowedMerchants: []string{"did:act:shop.test/books"}}}
		})
		_, decision := world.Agent.Check(ctx, delegation.Purchase{
			Amount: acttest.CNY(t, "4.00"), Merchant: acttest.ShopDID, Categories: []string{"food"}, DeliverBy: acttest.Start,
		})
		fmt.Println(decision.Outcome())
		for _, c := range decision.Checks() {
			if c.Outcome != protocol.Allowed {
				fmt.Println(c.Requirement, c.Code)
			}
		}
	})
	// Output:
	// denied
	// PSD-PAY-DEL-01 merchant_not_allowed
}
