package merchant_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
)

func latte(t testing.TB) commerce.Item {
	return commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, "18.00")}
}

func cartRequest(t testing.TB, w *acttest.World) commerce.CartRequest {
	return commerce.CartRequest{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: w.Clock.Now(), BuyerAgentID: acttest.AgentDID,
		MerchantID: acttest.ShopDID, IntentID: "intent-1", PSPID: acttest.PSPDID, PaymentMethod: acttest.Method,
		Items: []commerce.CartLine{{ItemID: "latte", Quantity: 2, UnitPrice: acttest.CNY(t, "18.00")}}, Amount: acttest.CNY(t, "36.00"),
	}
}

func confirm(t testing.TB, w *acttest.World, c commerce.CartRequest) (string, error) {
	t.Helper()
	raw, err := commerce.SignCartRequest(w.Buyer.Signer(keys.AgentRequest), c)
	must(t, err)
	token, err := w.Shop.ConfirmCart(context.Background(), raw)
	return string(token), err
}

func TestCartConfirmation(t *testing.T) {
	w := acttest.NewWorld(t)
	w.Stock(t, latte(t), 3)
	t.Run("CID-CART-CFM-04 CID-CART-CFM-06 confirmed and locked", func(t *testing.T) {
		c := cartRequest(t, w)
		token, err := confirm(t, w, c)
		must(t, err)
		u, err := commerce.ParseOrder([]byte(token))
		must(t, err)
		must(t, u.Verify(w.Seller.Signer(keys.Seller).Public()))
		o := u.Order
		if o.Amount != c.Amount || o.RequestID != c.RequestID || o.BuyerAgentID != acttest.AgentDID || o.MerchantOrderID == "" ||
			!o.Expires.Equal(acttest.Start.Add(10*time.Minute)) || o.Items[0].Name != "Latte" || !o.DeliverBy.Equal(acttest.Start) {
			t.Fatalf("order %+v", o)
		}
		again := c
		again.Nonce = canon.Nonce()
		if second, err := confirm(t, w, again); err != nil || second != token {
			t.Fatalf("sent again: another order, %v", err)
		}
		again.Nonce, again.Items, again.Amount = canon.Nonce(), []commerce.CartLine{{ItemID: "latte", Quantity: 1, UnitPrice: acttest.CNY(t, "18.00")}}, acttest.CNY(t, "18.00")
		if _, err := confirm(t, w, again); protocol.CodeOf(err) != protocol.CodeRequestConflict {
			t.Fatal(err)
		}
		if _, err := confirm(t, w, cartRequest(t, w)); protocol.CodeOf(err) != protocol.CodeOutOfStock {
			t.Fatalf("the last piece was sold twice: %v", err)
		}
	})
	t.Run("CID-CART-CFM-04 the lock ends", func(t *testing.T) {
		w.Clock.Advance(20 * time.Minute)
		_, err := confirm(t, w, cartRequest(t, w))
		must(t, err)
		w.Clock.Advance(20 * time.Minute)
	})
	no := false
	for _, c := range []struct {
		name string
		item func(*commerce.Item)
		edit func(*commerce.CartRequest)
		code protocol.Code
	}{
		{"CID-CART-CFM-04 the price was raised", func(i *commerce.Item) { i.Price = acttest.CNY(t, "19.00") }, nil, protocol.CodePriceChanged},
		{"CID-CART-CFM-04 the price is over", func(i *commerce.Item) { i.PriceValidUntil = w.Clock.Now() }, nil, protocol.CodePriceChanged},
		{"CID-CART-CFM-04 not available", func(i *commerce.Item) { i.Available = &no }, nil, protocol.CodeOutOfStock},
		{"CID-CART-CFM-04 not offered", func(i *commerce.Item) {}, func(c *commerce.CartRequest) { c.Items[0].ItemID = "tea" }, protocol.CodeOutOfStock},
		{"CID-CART-CFM-03 another provider", func(i *commerce.Item) {}, func(c *commerce.CartRequest) { c.PSPID = "did:act:psp.test/other" }, protocol.CodeFieldInvalid},
		{"CID-CART-CFM-03 another method", func(i *commerce.Item) {}, func(c *commerce.CartRequest) { c.PaymentMethod = "urn:act:payment:cash" }, protocol.CodeMethodNotAllowed},
		{"CID-CART-CFM-03 for another merchant", func(i *commerce.Item) {}, func(c *commerce.CartRequest) { c.MerchantID = "did:act:shop.test/other" }, protocol.CodeAudienceMismatch},
		{"CID-CART-CFM-03 an old request", func(i *commerce.Item) {}, func(c *commerce.CartRequest) { c.Timestamp = w.Clock.Now().Add(-6 * time.Minute) }, protocol.CodeRequestExpired},
		{"CID-CART-CFM-04 too late for the buyer", func(i *commerce.Item) { i.Delivery = time.Hour }, func(c *commerce.CartRequest) {
			c.Fulfilment.DeliveryTimeRequirement = canon.FormatTime(w.Clock.Now().Add(59 * time.Minute))
		}, protocol.CodeDeliveryNotMet},
		{"CID-CART-CFM-04 in time for the buyer", func(i *commerce.Item) { i.Delivery = time.Hour }, func(c *commerce.CartRequest) {
			c.Fulfilment.DeliveryTimeRequirement = canon.FormatTime(w.Clock.Now().Add(time.Hour))
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			item := latte(t)
			c.item(&item)
			w.Stock(t, item, 3)
			request := cartRequest(t, w)
			if c.edit != nil {
				c.edit(&request)
			}
			_, err := confirm(t, w, request)
			if protocol.CodeOf(err) != c.code {
				t.Fatalf("%v, want %q", err, c.code)
			}
			if c.code == protocol.CodeOutOfStock && protocol.AsError(err).Field != "items[0].item_id" || c.code == protocol.CodePriceChanged && protocol.AsError(err).Field != "items[0].unit_price" {
				t.Fatalf("which line is it? %v", err)
			}
		})
	}
	t.Run("a nonce is used once", func(t *testing.T) {
		w.Stock(t, latte(t), 3)
		request := cartRequest(t, w)
		_, err := confirm(t, w, request)
		must(t, err)
		if _, err := confirm(t, w, request); protocol.CodeOf(err) != protocol.CodeReplayed {
			t.Fatal(err)
		}
	})
}

func TestShopHTTP(t *testing.T) {
	w := acttest.NewWorld(t)
	w.Stock(t, latte(t), 1)
	get := func(method, path, body string) (int, string) {
		req, err := http.NewRequest(method, w.URL+path, strings.NewReader(body))
		must(t, err)
		resp, err := w.Client.Do(req)
		must(t, err)
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		must(t, err)
		return resp.StatusCode, string(data)
	}
	t.Run("CID-MER-CAT-01 catalogue", func(t *testing.T) {
		status, body := get("GET", "/catalogue", "")
		c, err := commerce.DecodeCatalogue([]byte(body))
		if status != http.StatusOK || err != nil || len(c.Items) != 1 || c.MerchantID != acttest.ShopDID {
			t.Fatalf("%d %s %v", status, body, err)
		}
		if status, _ := get("POST", "/catalogue", ""); status != http.StatusMethodNotAllowed {
			t.Fatal(status)
		}
	})
	t.Run("CID-MER-CAT-01 an incomplete item is a fault of the shop", func(t *testing.T) {
		broken := latte(t)
		broken.Category = ""
		w.Stock(t, broken, 1)
		defer w.Stock(t, latte(t), 1)
		if status, _ := get("GET", "/catalogue", ""); status != http.StatusServiceUnavailable {
			t.Fatal(status)
		}
	})
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/carts", "{}", http.StatusBadRequest},
		{"/carts", strings.Repeat(" ", 65537), http.StatusRequestEntityTooLarge},
		{"/pickups", "{}", http.StatusBadRequest},
		{"/pickups", `{"merchant_order_id":"1","payment_proof":"e30","x":1}`, http.StatusBadRequest},
		{"/pickups", `{"merchant_order_id":"1","payment_proof":""}`, http.StatusBadRequest},
		{"/pickups", `{"merchant_order_id":"1","payment_proof":"e30"}`, http.StatusNotFound},
		{"/pickups", strings.Repeat(" ", 65537), http.StatusRequestEntityTooLarge},
	} {
		if status, body := get("POST", c.path, c.body); status != c.status {
			t.Errorf("%s: %d %s, want %d", c.path, status, body, c.status)
		}
		if status, _ := get("GET", c.path, ""); status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", c.path, status)
		}
	}
}

// A counter is where orders are picked up, with the means to do it by hand.
type counter struct {
	*acttest.World
	t    testing.TB
	shop *agent.Shop
}

func newCounter(t testing.TB) *counter {
	t.Helper()
	c := &counter{World: acttest.NewWorld(t), t: t}
	c.Grant(t, func(isr *delegation.ISR) {
		isr.DelegationMode = delegation.Specified
		isr.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{acttest.ShopDID}}}
	})
	c.Stock(t, latte(t), 3)
	var err error
	c.shop, err = c.Agent.Shop(acttest.ShopDID, c.URL, c.Client)
	must(t, err)
	return c
}

// buy confirms and pays an order of one latte.
func (c *counter) buy() (*agent.Order, *agent.Payment) {
	c.t.Helper()
	o, err := c.shop.ConfirmCart(context.Background(), []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
	must(c.t, err)
	p, err := c.Agent.PayOrder(context.Background(), o)
	must(c.t, err)
	return o, p
}

// pickup presents any proof for any order, signed by anybody.
func (c *counter) pickup(order, proof string, s *keys.Signer) (int, string) {
	c.t.Helper()
	return c.pickupAt("/pickups", order, proof, s)
}

func (c *counter) pickupAt(path, order, proof string, s *keys.Signer) (int, string) {
	c.t.Helper()
	body, err := canon.Marshal(map[string]string{"merchant_order_id": order, "payment_proof": proof})
	must(c.t, err)
	req, err := http.NewRequest("POST", c.URL+path, bytes.NewReader(body))
	must(c.t, err)
	if s != nil {
		must(c.t, httpsig.Sign(req, body, s, c.Clock.Now(), time.Minute))
	}
	resp, err := c.Client.Do(req)
	must(c.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(c.t, err)
	return resp.StatusCode, string(data)
}

// TestPickup pays an order and tries every way to get the goods wrongly.
func TestPickup(t *testing.T) {
	w := newCounter(t)
	first, paid := w.buy()
	second, _ := w.buy()
	me := w.Buyer.Signer(keys.AgentRequest)
	stranger := acttest.NewParty(t, "did:act:agents.test/stranger", keys.AgentRequest)
	w.Directory.Add(stranger)
	for name, c := range map[string]struct {
		order  string
		signer *keys.Signer
		code   protocol.Code
	}{
		"PSD-PAY-A402-08 another order":       {second.Confirmation.MerchantOrderID, me, protocol.CodeProofMismatch},
		"PSD-PAY-A402-08 no signature":        {first.Confirmation.MerchantOrderID, nil, protocol.CodeSignatureInvalid},
		"PSD-PAY-A402-08 somebody else":       {first.Confirmation.MerchantOrderID, stranger.Signer(keys.AgentRequest), protocol.CodeProofMismatch},
		"PSD-PAY-A402-08 an order of nowhere": {"nowhere", me, protocol.CodeOrderUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			if status, body := w.pickup(c.order, paid.Proof, c.signer); status < 400 || !strings.Contains(body, string(c.code)) {
				t.Fatalf("%d %s, want %s", status, body, c.code)
			}
		})
	}
	t.Run("PSD-PAY-A402-15 handed over once", func(t *testing.T) {
		var got atomic.Int64
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if status, body := w.pickup(first.Confirmation.MerchantOrderID, paid.Proof, me); status == 200 && body == "Latte\n" {
					got.Add(1)
				}
			})
		}
		wg.Wait()
		if got.Load() != 20 {
			t.Fatalf("%d of 20 got the answer", got.Load())
		}
		must(t, w.Shop.Flush(context.Background()))
		if _, confirmed := w.PSP.Trades(); confirmed != 1 {
			t.Fatalf("%d trades confirmed", confirmed)
		}
	})
}

func TestPickupTooLate(t *testing.T) {
	w := newCounter(t)
	order, paid := w.buy()
	me := w.Buyer.Signer(keys.AgentRequest)
	w.Clock.Advance(20 * time.Minute) // the lock ends, and somebody else buys all there is
	w.Stock(t, latte(t), 1)
	request := cartRequest(t, w.World)
	_, err := confirm(t, w.World, request)
	must(t, err)
	if status, body := w.pickup(order.Confirmation.MerchantOrderID, paid.Proof, me); status != http.StatusConflict || !strings.Contains(body, "out_of_stock") {
		t.Fatalf("CID-CART-CFM-04: %d %s", status, body)
	}
	w.Stock(t, latte(t), 1)
	if status, body := w.pickup(order.Confirmation.MerchantOrderID, paid.Proof, me); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
}

// TestCartAskedAgain: an agent that did not hear of its order asks again, and
// gets it, although a new cart of the same would be refused by now.
func TestCartAskedAgain(t *testing.T) {
	no := false
	for name, change := range map[string]func(w *acttest.World){
		"the price was raised":     func(w *acttest.World) { i := latte(t); i.Price = acttest.CNY(t, "19.00"); w.Stock(t, i, 9) },
		"it is no longer offered":  func(w *acttest.World) { i := latte(t); i.Available = &no; w.Stock(t, i, 0) },
		"it takes longer than was": func(w *acttest.World) { i := latte(t); i.Delivery = 2 * time.Hour; w.Stock(t, i, 9) },
	} {
		t.Run("CID-CART-CFM-04 "+name, func(t *testing.T) {
			w := acttest.NewWorld(t)
			w.Stock(t, latte(t), 9)
			c := cartRequest(t, w)
			c.Fulfilment.DeliveryTimeRequirement = canon.FormatTime(w.Clock.Now().Add(time.Hour))
			token, err := confirm(t, w, c)
			must(t, err)
			change(w)
			c.Nonce = canon.Nonce()
			if again, err := confirm(t, w, c); err != nil || again != token {
				t.Errorf("stock is locked for it, and it is refused: %v", err)
			}
			c.Nonce, c.DelegationID = canon.Nonce(), "another"
			if _, err := confirm(t, w, c); protocol.CodeOf(err) != protocol.CodeRequestConflict {
				t.Errorf("other content: %v", err)
			}
		})
	}
}

// TestAdmitCart: a shop says who may hold how much before anything is held.
func TestAdmitCart(t *testing.T) {
	w := acttest.NewWorldWith(t, acttest.Options{Merchant: func(m *merchant.Config) {
		m.AdmitCart = func(_ context.Context, c commerce.CartRequest) error {
			if c.BuyerAgentID != acttest.AgentDID || c.Items[0].Quantity > 2 {
				return protocol.New(protocol.CodeOutOfStock, "items[0].quantity", "CID-CART-CFM-04", "two for each")
			}
			return nil
		}
	}})
	w.Stock(t, latte(t), 9)
	c := cartRequest(t, w)
	c.Items[0].Quantity, c.Amount = 9, acttest.CNY(t, "162.00")
	if _, err := confirm(t, w, c); protocol.CodeOf(err) != protocol.CodeOutOfStock {
		t.Errorf("CID-CART-CFM-04: all the stock for one cart: %v", err)
	}
	_, err := confirm(t, w, cartRequest(t, w))
	must(t, err)
}
