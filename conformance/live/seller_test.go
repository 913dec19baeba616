package live_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/conformance/live"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// testSeller starts a shop and returns the scenario for it.
func testSeller(t *testing.T, mode commerce.Mode) *live.Scenario {
	t.Helper()
	local := localTLS(t)
	at := site(t, local)
	s := serve(t, local, "shop", keys.Seller)
	resolver := verifier.NewResolver(verifier.ResolverConfig{RootCAs: local.Roots, InsecureAllowLoopback: true})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: resolver, RootCAs: local.Roots, InsecureAllowLoopback: true})
	v, err2 := verifier.New(verifier.Config{Issuers: verifier.IssuerMap{}, Keys: resolver, Status: must(t, status, err), Replay: verifier.NewMemoryReplay(verifier.DefaultReplayCapacity, time.Now)})
	must(t, v, err2)
	client, err := psp.New(psp.Config{
		ID: "did:act:" + "localhost%3A" + at.Listen[len("127.0.0.1:"):] + "/psp", Endpoint: "https://" + at.Host + "/psp", Signer: s.signer, Verifier: v,
		HTTP: verifier.NewHTTPClient(verifier.HTTPClientConfig{Roots: local.Roots, InsecureAllowLoopback: true, Timeout: 5 * time.Second}),
	})
	must(t, client, err)
	key := make([]byte, 32)
	rand.Read(key)
	yes := true
	items := []commerce.Item{
		{ID: "latte", Name: "Latte", Category: "food/coffee", Price: money.MustParse("18.00", "CNY"), Available: &yes, Delivery: time.Hour},
		{ID: "rare", Name: "Rare bean", Category: "food/coffee", Price: money.MustParse("99.00", "CNY"), Available: &yes, Delivery: time.Hour},
	}
	orders := new(merchant.MemoryOrders)
	shop, err := merchant.New(merchant.Config{
		Signer: s.signer, Verifier: v, PSP: client, Orders: orders, Method: method, Origin: "https://" + s.host, BillKey: key,
		Catalogue: func(context.Context) ([]commerce.Item, error) { return items, nil }, ConfirmPause: 100 * time.Millisecond,
	})
	must(t, shop, err)
	t.Cleanup(func() { _ = shop.Close(context.Background()) })
	for item, n := range map[string]int64{"latte": 10000, "rare": 3} {
		if err := orders.SetStock(context.Background(), item, n); err != nil {
			t.Fatal(err)
		}
	}
	front, err := shop.Handler(merchant.Storefront{
		HandOver: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p, _ := merchant.PurchaseFrom(r.Context())
			fmt.Fprintln(w, "here you are:", p.Order.MerchantOrderID)
		}),
		Card: commerce.AgentCard{
			Name: "Test shop", Description: "Sells what the test needs.",
			Skills:      []commerce.Skill{{ID: "sell", Name: "Sell", Description: "Sells.", Tags: []string{"shop"}}},
			Negotiation: commerce.Negotiation{Mode: mode},
		},
	})
	s.mux.Handle("/", must(t, front, err))
	sell(s.mux, shop)
	return &live.Scenario{
		Site: at,
		Seller: &live.SellerScenario{
			ID: s.did.String(), Base: "https://" + s.host, Method: method, Intents: true, Negotiation: true,
			Safe:  &live.Resource{Path: "/report?year=2026", Price: "18.00", Label: "the report"},
			Other: &live.Resource{Path: "/map"}, Unsafe: &live.Resource{Path: "/print", Body: "a page"},
			Slow: &live.Resource{Path: "/bake"}, Faulty: &live.Resource{Path: "/shaky"},
			Items: &live.Items{Plain: "latte", Scarce: "rare", Stock: 3, MaxCarts: 16},
		},
	}
}

// sell puts the resources of the scenario behind paywalls.
func sell(mux *http.ServeMux, shop *merchant.Shop) {
	price := money.MustParse("18.00", "CNY")
	var count atomic.Int64
	offer := func(pattern, id string, h http.HandlerFunc) {
		mux.Handle(pattern, shop.Paywall(merchant.Offer{Resource: id, Category: "data/" + id, Price: price}, h))
	}
	offer("GET /report", "report", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the report") })
	offer("GET /map", "map", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the map") })
	offer("POST /print", "print", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "copy", count.Add(1)) })
	offer("POST /bake", "bake", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(1200 * time.Millisecond)
		fmt.Fprintln(w, "loaf", count.Add(1))
	})
	var tried atomic.Int64
	offer("GET /shaky", "shaky", func(w http.ResponseWriter, _ *http.Request) {
		if tried.Add(1) == 1 {
			http.Error(w, "not now", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "at last")
	})
}

// An honest seller passes every check that its scenario supports.
func TestHonestSeller(t *testing.T) {
	t.Parallel()
	for _, mode := range []commerce.Mode{commerce.OneWay, commerce.TwoWay} {
		t.Run(string(mode), func(t *testing.T) {
			only := []string{"live/seller/"}
			skipped := []string{"live/seller/delivery/009", "live/seller/negotiation/002"}
			if mode == commerce.OneWay {
				skipped = []string{"live/seller/delivery/009", "live/seller/negotiation/00"}
			} else {
				only = []string{"live/seller/negotiation/"}
			}
			passes(t, run(t, testSeller(t, mode), only...), skipped...)
		})
	}
}
