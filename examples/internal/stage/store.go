package stage

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/verifier"
)

// A Store is a merchant's site: a catalogue, answers to intents and to questions
// about payment, carts and a counter. What else it has is added to Site.Mux, and
// stands there before what every store has, also at the same path.
type Store struct {
	Name string
	ID   string
	Base string
	Site *Site
	Shop *merchant.Shop

	world  *World
	party  *Party
	orders *merchant.MemoryOrders
	mu     sync.Mutex
	items  []commerce.Item
	front  http.Handler // as last declared
}

// NewStore opens a store. Its goods are added by Stock. change may alter the
// configuration, and purposes are keys that it has beside the one for selling.
func (w *World) NewStore(ctx context.Context, name string, change func(*merchant.Config), purposes ...keys.Purpose) (*Store, error) {
	site, err := w.NewSite()
	if err != nil {
		return nil, err
	}
	party, err := site.Party(name, append([]keys.Purpose{keys.Seller}, purposes...)...)
	if err != nil {
		return nil, err
	}
	signer := party.Signer(keys.Seller)
	v, err := w.NewVerifier(verifier.IssuerMap{})
	if err != nil {
		return nil, err
	}
	provider, err := w.Provider(signer, nil)
	if err != nil {
		return nil, err
	}
	s := &Store{world: w, Name: name, ID: party.ID(), Base: site.URL(), Site: site, party: party, orders: new(merchant.MemoryOrders)}
	billKey := make([]byte, 32)
	_, _ = rand.Read(billKey) // never fails
	config := merchant.Config{
		Signer: signer, Verifier: v, PSP: provider, Orders: s.orders, Method: Method, Origin: s.Base,
		BillKey: billKey, Catalogue: s.Catalogue, Now: w.Now, Attest: w.attests(s.ID),
	}
	if change != nil {
		change(&config)
		s.Base = config.Origin // a store may be reached through somebody else
	}
	if s.Shop, err = merchant.New(config); err != nil {
		return nil, err
	}
	w.opened(s)
	if err := s.Declare(commerce.OneWay); err != nil {
		return nil, err
	}
	s.Site.Mux.HandleFunc("/", s.serve)
	return s, w.Processor.RegisterMerchant(ctx, s.ID, CNY)
}

// Declare makes the store's agent card say how it negotiates (CID-PCA-NEG-02).
// The card of a new store says by its public statement, which is one-way.
func (s *Store) Declare(mode commerce.Mode) error {
	front, err := s.Shop.Handler(merchant.Storefront{
		HandOver: http.HandlerFunc(HandOver),
		Card: commerce.AgentCard{
			Name: s.Name, Description: "Sells by cart.", Negotiation: commerce.Negotiation{Mode: mode},
			Skills: []commerce.Skill{{ID: "sell", Name: "Sell", Description: "Answers intents and takes orders.", Tags: []string{"shop"}}},
		},
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.front = front
	return nil
}

func (s *Store) serve(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	front := s.front
	s.mu.Unlock()
	front.ServeHTTP(rw, r)
}

// Stock puts an item into the catalogue, or changes it, and says how many there
// are.
func (s *Store) Stock(ctx context.Context, item commerce.Item, count int64) error {
	if item.Available == nil {
		yes := true
		item.Available = &yes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.items, func(i commerce.Item) bool { return i.ID == item.ID }); i >= 0 {
		s.items[i] = item
	} else {
		s.items = append(s.items, item)
	}
	return s.orders.SetStock(ctx, item.ID, count)
}

// SetPrice changes the price of an item.
func (s *Store) SetPrice(id string, a money.Amount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.items {
		if s.items[i].ID == id {
			s.items[i].Price = a
		}
	}
}

// Catalogue is what can be ordered now.
func (s *Store) Catalogue(context.Context) ([]commerce.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := slices.Clone(s.items)
	for i := range items {
		items[i].PriceValidUntil = s.world.Now().Add(time.Hour).Truncate(time.Second)
	}
	return items, nil
}

// Signer is the store's key for a purpose.
func (s *Store) Signer(purpose keys.Purpose) *keys.Signer { return s.party.Signer(purpose) }

// Sell puts a paywall before a handler.
func (s *Store) Sell(pattern string, offer merchant.Offer, next http.HandlerFunc) {
	s.Site.Mux.Handle(pattern, s.Shop.Paywall(offer, next))
}

// HandOver gives the goods of a paid order.
func HandOver(rw http.ResponseWriter, r *http.Request) {
	bought, ok := merchant.PurchaseFrom(r.Context())
	if !ok || bought.Order == nil {
		http.Error(rw, "nothing was paid for", http.StatusInternalServerError)
		return
	}
	for i, line := range bought.Order.Items {
		if i > 0 {
			fmt.Fprint(rw, ", ")
		}
		fmt.Fprintf(rw, "%d × %s", line.Quantity, line.Name)
	}
}
