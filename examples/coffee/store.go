package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A store is a merchant's site: a catalogue with carts and a counter, and two
// pages behind a paywall.
type store struct {
	id   string
	base string
	shop *merchant.Shop

	mu   sync.Mutex
	item commerce.Item
}

// setPrice changes the price of what the store sells.
func (s *store) setPrice(a money.Amount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.item.Price = a
}

func (s *store) catalogue(context.Context) ([]commerce.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	item := s.item
	item.PriceValidUntil = time.Now().Add(time.Hour).Truncate(time.Second)
	return []commerce.Item{item}, nil
}

func (w *world) openShops(ctx context.Context) (err error) {
	available := true
	if w.shop, err = w.openStore(ctx, "coffee", commerce.Item{
		ID: "latte", Name: "Caffè latte, 12 oz", Category: "food/coffee", Price: mustParse("18.00"),
		Available: &available, Delivery: 5 * time.Minute,
	}); err != nil {
		return err
	}
	w.tea, err = w.openStore(ctx, "tea", commerce.Item{
		ID: "latte", Name: "Hojicha latte", Category: "food/tea", Price: mustParse("16.00"),
		Available: &available, Delivery: 5 * time.Minute,
	})
	return err
}

func (w *world) openStore(ctx context.Context, name string, item commerce.Item) (*store, error) {
	l, host, err := listen()
	if err != nil {
		return nil, err
	}
	id, err := identity.NewActDID(host, name)
	if err != nil {
		return nil, err
	}
	signer, err := newSigner(id, keys.Seller)
	if err != nil {
		return nil, err
	}
	v, err := w.newVerifier(noMandates)
	if err != nil {
		return nil, err
	}
	provider, err := w.provider(signer, nil)
	if err != nil {
		return nil, err
	}
	s := &store{id: id.String(), base: "https://" + host, item: item}
	orders := new(merchant.MemoryOrders)
	if err := orders.SetStock(ctx, item.ID, 12); err != nil {
		return nil, err
	}
	s.shop, err = merchant.New(merchant.Config{
		Signer: signer, Verifier: v, PSP: provider, Orders: orders, Method: method, Origin: s.base,
		BillKey: randomBytes(32), Catalogue: s.catalogue,
	})
	if err != nil {
		return nil, err
	}
	w.closed = append(w.closed, s.shop.Close)
	mux := s.routes()
	if err := publish(mux, id, signer); err != nil {
		return nil, err
	}
	return s, w.serve(l, mux)
}

// routes is everything that a merchant has to write: what is sold, and what is
// handed over once it is paid.
func (s *store) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /catalogue", s.shop.CatalogueHandler())
	mux.Handle("POST /carts", s.shop.CartHandler())
	mux.Handle("POST /pickups", s.shop.PickupHandler(http.HandlerFunc(handOver)))
	for _, page := range []string{"report", "forecast"} {
		offer := merchant.Offer{Resource: page, Category: "data/" + page, Price: mustParse("0.30")}
		mux.Handle("GET /"+page, s.shop.Paywall(offer, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(rw, "bean price %s, day %s: 31.40 yuan a kilo", page, r.URL.Query().Get("day"))
		})))
	}
	return mux
}

// handOver gives the goods of a paid order.
func handOver(rw http.ResponseWriter, r *http.Request) {
	bought, ok := merchant.PurchaseFrom(r.Context())
	if !ok || bought.Order == nil {
		http.Error(rw, "nothing was paid for", http.StatusInternalServerError)
		return
	}
	for _, line := range bought.Order.Items {
		fmt.Fprintf(rw, "%d × %s", line.Quantity, line.Name)
	}
}
