package agent_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

var ctx = context.Background()

func coffee(t testing.TB) (*acttest.World, *agent.Shop) {
	t.Helper()
	w := acttest.NewWorld(t)
	w.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, "18.00"), Delivery: 10 * time.Minute}, 5)
	shop, err := w.Agent.Shop(acttest.ShopDID, w.URL, w.Client)
	must(t, err)
	return w, shop
}

func lattes(n int64) []agent.Line { return []agent.Line{{ItemID: "latte", Quantity: n}} }

func TestCartIsBought(t *testing.T) {
	w, shop := coffee(t)
	mandate := w.Grant(t, specified)
	order, err := shop.ConfirmCart(ctx, lattes(2), commerce.Fulfilment{})
	must(t, err)
	c := order.Confirmation
	if c.Amount != acttest.CNY(t, "36.00") || c.DelegationID != mandate.Claims().ID || c.IntentID != mandate.Claims().Authorization.IntentID ||
		!c.DeliverBy.Equal(acttest.Start.Add(10*time.Minute)) {
		t.Fatalf("CID-CART-CFM-06: %+v", c)
	}
	paid, err := w.Agent.PayOrder(ctx, order)
	must(t, err)
	again, err := w.Agent.PayOrder(ctx, order)
	must(t, err)
	if again.RequestID != paid.RequestID || w.PSP.Balance() != acttest.Balance-3600 {
		t.Fatal("PSD-PAY-A402-23: an order was paid twice")
	}
	if spent, err := w.Agent.Spent(ctx, mandate); err != nil || spent != c.Amount {
		t.Fatalf("PSD-PAY-DEL-10: %v, %v", spent, err)
	}
	resp, err := w.Agent.PickUp(ctx, order, paid)
	must(t, err)
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "Latte\n" {
		t.Fatal(string(body))
	}
}

func TestCartIsChecked(t *testing.T) {
	for _, c := range []struct {
		name  string
		grant func(*delegation.ISR)
		after func(*acttest.World)
		code  protocol.Code
	}{
		{"cumulative amount", func(i *delegation.ISR) { i.MaxTotalAmount = "17.99" }, nil, protocol.CodeTotalLimitExceeded},
		{"single amount", func(i *delegation.ISR) { i.Ext.Commerce.MaxSingleAmount = "17" }, nil, protocol.CodeSingleLimitExceeded},
		{"category", func(i *delegation.ISR) { i.Ext.Commerce.ForbiddenCategories = []string{"food"} }, nil, protocol.CodeCategoryNotAllowed},
		{"merchant", func(i *delegation.ISR) { i.Ext.Commerce.AllowedMerchants = []string{"did:act:shop.test/other"} }, nil, protocol.CodeMerchantNotAllowed},
		{"fulfilment time", func(i *delegation.ISR) {
			i.Ext.Fulfillment = &delegation.Fulfillment{DeliveryTimeRequirement: "2026-09-01T09:09:59Z"}
		}, nil, protocol.CodeDeliveryNotMet},
		{"price tolerance", func(i *delegation.ISR) { i.Ext.AgentBehavior = &delegation.AgentBehavior{PriceDeviationTolerance: "5"} },
			func(w *acttest.World) { w.Agent.RecordPrice(acttest.ShopDID, "latte", acttest.CNY(t, "17.00")) }, protocol.CodePriceDeviation},
		{"nothing to object to", func(*delegation.ISR) {}, nil, ""},
	} {
		t.Run("CID-CART-CFM-01 "+c.name, func(t *testing.T) {
			w, shop := coffee(t)
			w.Grant(t, func(i *delegation.ISR) { specified(i); c.grant(i) })
			if c.after != nil {
				c.after(w)
			}
			_, err := shop.ConfirmCart(ctx, lattes(1), commerce.Fulfilment{})
			wantCode(t, err, c.code)
		})
	}
	t.Run("CID-CART-CFM-01 the price rises after it was first seen", func(t *testing.T) {
		w, shop := coffee(t)
		w.Grant(t, func(i *delegation.ISR) {
			specified(i)
			i.Ext.AgentBehavior = &delegation.AgentBehavior{PriceDeviationTolerance: "5", PriceDeviationAction: delegation.AutoCancel}
		})
		_, err := shop.Catalogue(ctx)
		must(t, err)
		w.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, "19.00")}, 5)
		_, err = shop.ConfirmCart(ctx, lattes(1), commerce.Fulfilment{})
		wantCode(t, err, protocol.CodePriceDeviation)
		if r := w.Agent.Refusals(); len(r) != 1 || r[0].Policy != delegation.AutoCancel {
			t.Fatalf("CID-CART-CFM-02: %+v", r)
		}
	})
	t.Run("CID-CART-CFM-04 out of stock", func(t *testing.T) {
		w, shop := coffee(t)
		w.Grant(t, specified)
		_, err := shop.ConfirmCart(ctx, lattes(5), commerce.Fulfilment{})
		must(t, err)
		_, err = shop.ConfirmCart(ctx, lattes(1), commerce.Fulfilment{})
		wantCode(t, err, protocol.CodeOutOfStock)
		if f := protocol.AsError(err).Field; f != "items[0].quantity" {
			t.Errorf("which line it is was lost on the way: %q", f)
		}
	})
	t.Run("CID-CART-CFM-03 a line that cannot be bought is named", func(t *testing.T) {
		w, shop := coffee(t)
		w.Grant(t, specified)
		for field, lines := range map[string][]agent.Line{
			"items":             nil,
			"items[0].quantity": lattes(0),
			"items[1].quantity": append(lattes(1), lattes(-1)...),
			"items[0]":          lattes(1 << 62),
			"items[1].item_id":  append(lattes(1), agent.Line{ItemID: "tea", Quantity: 1}),
		} {
			_, err := shop.ConfirmCart(ctx, lines, commerce.Fulfilment{})
			if e := protocol.AsError(err); e == nil || e.Field != field {
				t.Errorf("%v: %v, want the field %s", lines, err, field)
			}
		}
	})
	t.Run("a base URL of something else", func(t *testing.T) {
		w, _ := coffee(t)
		shop, err := w.Agent.Shop(acttest.ShopDID, w.URL+"/nothing/here", w.Client)
		must(t, err)
		_, err = shop.Catalogue(ctx)
		wantCode(t, err, protocol.CodeServiceUnavailable)
		if e := protocol.AsError(err); e.Field != "/catalogue" || !strings.Contains(e.Detail, "404") {
			t.Errorf("nobody could find the mistake: %v", err)
		}
	})
	t.Run("an empty wallet", func(t *testing.T) {
		_, shop := coffee(t)
		_, err := shop.ConfirmCart(ctx, lattes(1), commerce.Fulfilment{})
		wantCode(t, err, protocol.CodePolicyRefused)
		if e := protocol.AsError(err); e.Field != "wallet" || !strings.Contains(e.Detail, "no mandate") {
			t.Errorf("%v", err)
		}
	})
}

func TestPayOrderInTime(t *testing.T) {
	w, shop := coffee(t)
	mandate := w.Grant(t, specified)
	order, err := shop.ConfirmCart(ctx, lattes(1), commerce.Fulfilment{})
	must(t, err)
	w.Statuses.Set(*mandate.Claims().Status, delegation.StatusRevoked)
	_, err = w.Agent.PayOrder(ctx, order)
	wantCode(t, err, protocol.CodeMandateRevoked)
	w.Statuses.Set(*mandate.Claims().Status, delegation.StatusActive)
	w.Clock.Advance(10 * time.Minute)
	_, err = w.Agent.PayOrder(ctx, order)
	wantCode(t, err, protocol.CodeOrderExpired)
	if n := w.PSP.Calls("/payments"); n != 0 {
		t.Fatalf("%d payment requests", n)
	}
}

// A hostile shop answers what the test puts there.
func TestHostileShop(t *testing.T) {
	w := acttest.NewWorld(t)
	w.Grant(t, specified)
	var carts atomic.Int64
	catalogue := func(merchant, items string) string {
		return `{"merchant_id":"` + merchant + `","as_of":"2026-09-01T09:00:00Z","items":[` + items + `]}`
	}
	const full = `{"item_id":"latte","name":"Latte","category":"food","price":"18.00","currency":"CNY"}`
	var answer, order atomic.Value
	w.Serve("/x/catalogue", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer.Load().(string)) }))
	w.Serve("/x/carts", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		carts.Add(1)
		_, _ = io.WriteString(w, order.Load().(string))
	}))
	shop, err := w.Agent.Shop(acttest.ShopDID, w.URL+"/x", w.Client)
	must(t, err)
	order.Store("")
	for _, c := range []struct {
		name, catalogue string
		code            protocol.Code
	}{
		{"CID-MER-CAT-03 an item without category is not bought", catalogue(acttest.ShopDID, `{"item_id":"latte","name":"Latte","price":"18.00","currency":"CNY"}`), protocol.CodeOutOfStock},
		{"CID-MER-CAT-03 nor one without price", catalogue(acttest.ShopDID, `{"item_id":"latte","name":"Latte","category":"food","currency":"CNY"}`), protocol.CodeOutOfStock},
		{"CID-MER-CAT-01 two items of one name", catalogue(acttest.ShopDID, full+","+full), protocol.CodeFieldInvalid},
		{"CID-MER-CAT-01 the catalogue of another", catalogue("did:act:shop.test/other", full), protocol.CodeClaimsConflict},
		{"not a catalogue", "<html>", protocol.CodeMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer.Store(c.catalogue)
			_, err := shop.ConfirmCart(ctx, lattes(1), commerce.Fulfilment{})
			wantCode(t, err, c.code)
			if carts.Load() != 0 {
				t.Fatal("a cart was sent")
			}
		})
	}
	answer.Store(catalogue(acttest.ShopDID, full))
	forged := acttest.NewParty(t, acttest.ShopDID, keys.Seller)
	for name, s := range map[string]*keys.Signer{"for another request": w.Seller.Signer(keys.Seller), "by another key": forged.Signer(keys.Seller)} {
		t.Run("CID-CART-CFM-05 an order "+name, func(t *testing.T) {
			token, err := commerce.SignOrder(s, commerce.Order{
				MerchantID: acttest.ShopDID, BuyerAgentID: acttest.AgentDID, IssuedAt: acttest.Start, Expires: acttest.Start.Add(time.Minute),
				MerchantOrderID: "1", RequestID: "another", IntentID: "i", PSPID: acttest.PSPDID, PaymentMethod: acttest.Method,
				Items:  []commerce.OrderLine{{ItemID: "latte", Name: "Latte", Category: "food", UnitPrice: acttest.CNY(t, "18.00"), Quantity: 1}},
				Amount: acttest.CNY(t, "18.00"), DeliverBy: acttest.Start,
			})
			must(t, err)
			order.Store(string(token))
			if _, err := shop.ConfirmCart(ctx, lattes(1), commerce.Fulfilment{}); err == nil {
				t.Fatal("accepted")
			}
		})
	}
	t.Run("too long an answer", func(t *testing.T) {
		answer.Store(string(make([]byte, 1<<17)))
		_, err := shop.Catalogue(ctx)
		wantCode(t, err, protocol.CodeServiceUnavailable)
	})
}

func TestPickUpIsRefused(t *testing.T) {
	w, shop := coffee(t)
	w.Grant(t, specified)
	order, err := shop.ConfirmCart(ctx, lattes(1), commerce.Fulfilment{})
	must(t, err)
	paid, err := w.Agent.PayOrder(ctx, order)
	must(t, err)
	other := *paid
	other.Proof = "e30"
	_, err = w.Agent.PickUp(ctx, order, &other)
	wantCode(t, err, protocol.CodeMalformed)
	w.Clock.Advance(acttest.ProofLife)
	_, err = w.Agent.PickUp(ctx, order, paid)
	wantCode(t, err, protocol.CodeProofExpired)
	// It is still open: nobody pays for this order a second time.
	again, err := w.Agent.PayOrder(ctx, order)
	must(t, err)
	if again.RequestID != paid.RequestID {
		t.Fatal("PSD-PAY-A402-23: paid twice")
	}
}

func TestShopAddress(t *testing.T) {
	w := acttest.NewWorld(t)
	for _, base := range []string{"", "shop.example", "ftp://shop.example", "https://shop.example/", "https://u:p@shop.example", "https://shop.example?x"} {
		if _, err := w.Agent.Shop(acttest.ShopDID, base, w.Client); err == nil {
			t.Errorf("%q was accepted", base)
		}
	}
	if _, err := w.Agent.Shop("shop", w.URL, w.Client); err == nil {
		t.Error("a name that is no DID was accepted")
	}
	if _, err := w.Agent.Shop(acttest.ShopDID, w.URL, nil); err == nil {
		t.Error("no client was accepted")
	}
}

// TestBaitAndSwitch: a merchant that offers at one price and asks for another
// one, inside of the mandate, when its goods have been chosen.
func TestBaitAndSwitch(t *testing.T) {
	w, shop := coffee(t)
	w.Grant(t, specified)
	item := commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, "18.00"), Delivery: 10 * time.Minute}
	chosen := []agent.Line{{ItemID: "latte", Quantity: 1, MaxPrice: item.Price}}
	for price, code := range map[string]protocol.Code{"18.01": protocol.CodePriceChanged, "18.00": "", "0.01": ""} {
		item.Price = acttest.CNY(t, price)
		w.Stock(t, item, 1)
		_, err := shop.ConfirmCart(ctx, chosen, commerce.Fulfilment{})
		if protocol.CodeOf(err) != code {
			t.Errorf("CID-CART-CFM-01 at %s: %v", price, err)
		}
		if code != "" && protocol.AsError(err).Field != "items[0].unit_price" {
			t.Errorf("which line is it? %v", err)
		}
	}
	currency, err := money.ParseCurrency("USD")
	must(t, err)
	dollars, err := money.Parse("18.00", currency)
	must(t, err)
	_, err = shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1, MaxPrice: dollars}}, commerce.Fulfilment{})
	wantCode(t, err, protocol.CodePriceChanged)
}
