package acttest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// TestTenLines is what a user's test looks like.
func TestTenLines(t *testing.T) {
	w := acttest.NewWorld(t)
	w.Grant(t, func(isr *delegation.ISR) { isr.MaxTotalAmount = "10" })
	w.Sell("GET /report", merchant.Offer{Resource: "report-7", Category: "data/report", Price: acttest.CNY(t, "4.00")},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the report") }))
	for range 2 {
		resp, err := w.Buying().Get(w.URL + "/report")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != "the report" {
			t.Fatalf("%s: %s", resp.Status, body)
		}
	}
	_, err := w.Buying().Get(w.URL + "/report")
	var refused *protocol.Error
	if !errors.As(err, &refused) || refused.Code != protocol.CodeTotalLimitExceeded {
		t.Fatalf("third report: %v", err)
	}
	if got := w.PSP.Balance(); got != acttest.Balance-800 {
		t.Fatalf("balance %d", got)
	}
}

func TestCart(t *testing.T) {
	w := acttest.NewWorld(t)
	ctx := context.Background()
	w.Grant(t, func(isr *delegation.ISR) {
		isr.DelegationMode = delegation.Specified
		isr.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{acttest.ShopDID}}}
	})
	w.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, "18.00"), Delivery: 0}, 1)
	shop, err := w.Agent.Shop(acttest.ShopDID, w.URL, w.Client)
	if err != nil {
		t.Fatal(err)
	}
	order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
	if err != nil {
		t.Fatal(err)
	}
	paid, err := w.Agent.PayOrder(ctx, order)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		resp, err := w.Agent.PickUp(ctx, order, paid)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != "Latte\n" {
			t.Fatalf("%s: %s", resp.Status, body)
		}
	}
}
