package acttest

import (
	"context"
	"crypto/rand"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Store is a shop beside the World's own: another merchant, on an HTTPS server
// of its own on loopback, which World.Client trusts. The World's provider pays
// it.
type Store struct {
	DID    string
	URL    string // where it is
	Shop   *merchant.Shop
	Orders *merchant.MemoryOrders

	client *http.Client
	mux    *http.ServeMux
	mu     sync.Mutex
	items  []commerce.Item
}

// InStock is how many there are of each item that NewShop is given.
const InStock = 100

// NewShop opens another shop under a DID, "did:act:books.test/shop" for example,
// that sells these items by cart and, after Sell, by the request. It ends with
// the test.
func (w *World) NewShop(t TB, did string, items ...commerce.Item) *Store {
	t.Helper()
	p := NewParty(t, did, keys.Seller)
	w.Directory.Add(p)
	s := w.newStore(t, p, nil)
	for _, item := range items {
		s.Stock(t, item, InStock)
	}
	return s
}

func (w *World) newStore(t TB, p *Party, change func(*merchant.Config)) *Store {
	t.Helper()
	s := &Store{DID: p.DID.String(), Orders: new(merchant.MemoryOrders), mux: http.NewServeMux()}
	server := httptest.NewUnstartedServer(s.mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handlers that panic on purpose
	server.StartTLS()
	t.Cleanup(server.Close)
	s.URL, s.client = server.URL, server.Client()

	v := w.NewVerifier(t)
	c := merchant.Config{
		Signer: p.Signer(keys.Seller), Verifier: v, PSP: w.client(t, p.Signer(keys.Seller), v),
		Orders: s.Orders, Method: Method, Origin: s.URL, BillKey: make([]byte, 32), Now: w.Clock.Now,
		ConfirmPause: 5 * time.Millisecond, Catalogue: s.catalogue,
	}
	rand.Read(c.BillKey)
	if change != nil {
		change(&c)
	}
	shop, err := merchant.New(c)
	check(t, err)
	s.Shop = shop
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := shop.Close(ctx); err != nil {
			t.Errorf("closing the shop: %v", err)
		}
	})
	front, err := shop.Handler(merchant.Storefront{
		HandOver: http.HandlerFunc(handOver),
		Card: commerce.AgentCard{ // lets agents negotiate, one-way
			Name: "Test shop", Description: "Sells what the test needs.",
			Skills:      []commerce.Skill{{ID: "sell", Name: "Sell", Description: "Sells items of a catalogue.", Tags: []string{"shop"}}},
			Negotiation: commerce.Negotiation{Mode: commerce.OneWay},
		},
	})
	check(t, err)
	for _, path := range []string{"/catalogue", "/intents", "/carts", "/pickups", merchant.CardPath, merchant.CapabilityPath} {
		s.mux.Handle(path, front) // "/" is the test's
	}
	s.mux.Handle("/negotiations", shop.NegotiationHandler(nil)) // for a card that the test serves
	return s
}

// handOver answers a pick-up with the names of what was bought.
func handOver(w http.ResponseWriter, r *http.Request) {
	p, _ := merchant.PurchaseFrom(r.Context())
	for _, l := range p.Order.Items {
		_, _ = io.WriteString(w, l.Name+"\n")
	}
}

// Sell puts a paywall in front of a handler at a pattern of http.ServeMux.
func (s *Store) Sell(pattern string, offer merchant.Offer, h http.Handler) {
	s.mux.Handle(pattern, s.Shop.Paywall(offer, h))
}

// Serve adds a handler that costs nothing.
func (s *Store) Serve(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// Stock puts an item into the catalogue, or changes it, and sets how many of it
// there are.
func (s *Store) Stock(t TB, item commerce.Item, count int64) {
	t.Helper()
	s.mu.Lock()
	if i := slices.IndexFunc(s.items, func(have commerce.Item) bool { return have.ID == item.ID }); i >= 0 {
		s.items[i] = item
	} else {
		s.items = append(s.items, item)
	}
	s.mu.Unlock()
	check(t, s.Orders.SetStock(context.Background(), item.ID, count))
}

func (s *Store) catalogue(context.Context) ([]commerce.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.items), nil
}
