package agent_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/payment"
)

// stall is a World whose shop sells three pages.
func stall(t acttest.TB, change func(*agent.Config)) *acttest.World {
	world := acttest.NewWorldWith(t, acttest.Options{Agent: change})
	for path, price := range map[string]string{"/weather": "1.00", "/traffic": "2.00", "/prices": "6.00"} {
		world.Sell("GET "+path, merchant.Offer{Resource: path[1:], Category: "data", Price: acttest.CNY(t, price)},
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "about ", path[1:]) }))
	}
	return world
}

// show fetches a page and prints what came of it.
func show(client *http.Client, url string) {
	resp, err := client.Get(url)
	var refused *protocol.Error
	switch {
	case errors.As(err, &refused):
		fmt.Println("refused:", refused.Code)
	case err != nil:
		fmt.Println(err)
	default:
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		fmt.Println(string(body))
	}
}

// The principal is there: no mandate, and one confirmation for each payment at
// the provider's cashier.
func ExampleAgent_Instant() {
	acttest.Run(func(t acttest.TB) {
		world := stall(t, nil)
		intent, err := delegation.ConfirmedISR(&delegation.ISR{ // usually from a delegation.Capture
			ConversationHistory: &delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "How is the traffic?"}},
			IntentID:            "intent-1", DelegationMode: delegation.Bounded, AgentID: acttest.AgentDID,
			ValidityStart: acttest.Start, ValidityEnd: acttest.Start.Add(time.Hour),
			MaxTotalAmount: "5", Currency: "CNY", AllowedPaymentMethods: []string{acttest.Method},
			UserConfirmationMethod: "VOICE", UserConfirmationTimestamp: acttest.Start,
		})
		check(err)
		buyer, err := world.Agent.Instant(agent.InstantConfig{
			Intent: intent,
			Cashier: func(_ context.Context, p payment.Pending) error {
				fmt.Println("to the phone: confirm", p.Amount, p.Amount.Currency()) // and p.CashierURL
				return world.PSP.Confirm(p.TradeNo)                                 // here the principal does
			},
		})
		check(err)
		client := &http.Client{Transport: buyer.Transport(world.Client.Transport)}
		show(client, world.URL+"/traffic")
		show(client, world.URL+"/prices") // over what the principal has said
	})
	// Output:
	// to the phone: confirm 2.00 CNY
	// about traffic
	// refused: total_limit_exceeded
}

// An order that the principal pays for at once: the cart is confirmed by the
// merchant, paid for by the principal's own confirmation, and picked up. What
// the principal cancels was not paid.
func ExampleAgent_PayOrder_instant() {
	acttest.Run(func(t acttest.TB) {
		world := acttest.NewWorld(t)
		world.Stock(t, commerce.Item{ID: "tea", Name: "Jasmine tea", Category: "food/tea", Price: acttest.CNY(t, "12.00")}, 5)
		intent, err := delegation.ConfirmedISR(&delegation.ISR{ // usually from a delegation.Capture
			ConversationHistory: &delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "A tea, please."}},
			IntentID:            "intent-1", DelegationMode: delegation.Bounded, AgentID: acttest.AgentDID,
			ValidityStart: acttest.Start, ValidityEnd: acttest.Start.Add(time.Hour),
			MaxTotalAmount: "30", Currency: "CNY", AllowedPaymentMethods: []string{acttest.Method},
			UserConfirmationMethod: "VOICE", UserConfirmationTimestamp: acttest.Start,
		})
		check(err)
		says := world.PSP.Confirm // what the principal does at the cashier
		buyer, err := world.Agent.Instant(agent.InstantConfig{
			Intent:  intent,
			Cashier: func(_ context.Context, p payment.Pending) error { return says(p.TradeNo) },
		})
		check(err)
		shop, err := buyer.Shop(acttest.ShopDID, world.URL, world.Client) // not Agent.Shop
		check(err)
		buy := func() {
			order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "tea", Quantity: 1}}, commerce.Fulfilment{})
			check(err)
			paid, err := world.Agent.PayOrder(ctx, order) // returns when the principal has decided
			if protocol.CodeOf(err) == protocol.CodeConfirmationFailed {
				fmt.Println("cancelled, and not paid")
				return
			}
			check(err)
			resp, err := world.Agent.PickUp(ctx, order, paid)
			check(err)
			defer resp.Body.Close()
			goods, err := io.ReadAll(resp.Body)
			check(err)
			fmt.Print("paid ", paid.Amount, ": ", string(goods))
		}
		buy()
		says = world.PSP.Cancel
		buy()
	})
	// Output:
	// paid 12.00: Jasmine tea
	// cancelled, and not paid
}

// The user's own word, on top of what the mandate allows.
func ExamplePolicies() {
	acttest.Run(func(t acttest.TB) {
		ask := func(_ context.Context, p agent.Proposal) (bool, error) {
			fmt.Println("may I spend", p.Purchase.Amount, "on", p.What)
			return false, nil
		}
		world := stall(t, func(c *agent.Config) {
			c.Policy = agent.Policies(
				agent.RefuseHosts("casino.example"),
				agent.AtMost(2),
				agent.AskAbove(acttest.CNY(t, "5.00"), ask),
			)
		})
		world.Grant(t, nil)
		client := world.Buying()
		show(client, world.URL+"/prices")
		for range 3 {
			show(client, world.URL+"/weather")
		}
	})
	// Output:
	// may I spend 6.00 on prices
	// refused: policy_refused
	// about weather
	// about weather
	// refused: policy_refused
}

// What was paid for one task, and an alert when most of it is spent.
func ExampleAgent_TaskBill() {
	acttest.Run(func(t acttest.TB) {
		alerts := make(chan agent.Alert, 1)
		world := stall(t, func(c *agent.Config) { c.Alert = func(a agent.Alert) { alerts <- a } })
		mandate := world.Grant(t, func(isr *delegation.ISR) { isr.MaxTotalAmount = "10" })
		client := world.Buying()
		show(client, world.URL+"/traffic")
		show(client, world.URL+"/prices")
		alert := <-alerts
		fmt.Println(alert.Reason, alert.Spent, "of", alert.Total)
		bill, err := world.Agent.TaskBill(context.Background(), mandate)
		check(err)
		fmt.Print(bill.Text())
	})
	// Output:
	// about traffic
	// about prices
	// NEAR_TOTAL 8.00 of 10.00
	// 2026-09-01T09:00:00Z  2.00  CLOSED  did:act:shop.test/shop  traffic
	// 2026-09-01T09:00:00Z  6.00  CLOSED  did:act:shop.test/shop  prices
	// spent 8.00 of 10.00 CNY, 2.00 left until 2026-09-02T09:00:00Z
}

// The same from whoever delivers it within the mandate.
func ExampleAgent_FetchAny() {
	acttest.Run(func(t acttest.TB) {
		world := stall(t, nil)
		world.Grant(t, func(isr *delegation.ISR) { isr.MaxTotalAmount = "5" })
		dear, err := http.NewRequest("GET", world.URL+"/prices", nil)
		check(err)
		cheap, err := http.NewRequest("GET", world.URL+"/traffic", nil)
		check(err)
		resp, attempts, err := world.Agent.FetchAny(context.Background(), world.Buying(), dear, cheap)
		check(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		check(err)
		for _, a := range attempts {
			fmt.Printf("%d %q\n", a.Status, protocol.CodeOf(a.Err))
		}
		fmt.Println(string(body))
	})
	// Output:
	// 0 "total_limit_exceeded"
	// 200 ""
	// about traffic
}

// Money that the principal has set aside for the agent, spent by a key of its
// own until it is used up.
func ExampleSubAccount() {
	acttest.Run(func(t acttest.TB) {
		world := stall(t, nil)
		purse := world.SubAccount(t, acttest.CNY(t, "3.00")) // an instrument, in place of the payment token
		world.Agent = world.NewAgent(t, func(c *agent.Config) { c.Instruments = []agent.Instrument{purse} })
		world.Grant(t, nil)
		client := world.Buying()
		for range 2 {
			show(client, world.URL+"/traffic")
		}
	})
	// Output:
	// about traffic
	// refused: balance_insufficient
}
