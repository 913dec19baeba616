package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// goods are what the three merchants have, for the wishes below. The corner shop
// has no books for cooks, nothing for gardens and nothing for painters.
var goods = []struct {
	id, name, category        string
	warehouse, bazaar, corner string // yuan; empty where it is not sold
}{
	{"novel", "Novel, paperback", "books/novel", "38.00", "42.00", "49.00"},
	{"cookbook", "Noodles, a cookbook", "books/cookbook", "59.00", "55.00", ""},
	{"shoes", "Running shoes", "sport/shoes", "329.00", "309.00", "399.00"},
	{"lantern", "Lantern for a tent", "sport/lantern", "45.00", "39.00", "68.00"},
	{"bulbs", "Tulip bulbs, one bag", "garden/bulbs", "25.00", "29.00", ""},
	{"paint", "Watercolours, a set", "art/paint", "88.00", "79.00", ""},
	{"metronome", "Metronome", "music/metronome", "120.00", "135.00", "150.00"},
	{"adapter", "Travel adapter", "electronics/adapter", "32.00", "36.00", "45.00"},
}

// deliveries are how long the merchants take.
var deliveries = map[string]time.Duration{"warehouse": 72 * time.Hour, "bazaar": 24 * time.Hour, "corner": 2 * time.Hour}

// openMerchants opens the three. The bazaar's search for sports goods hangs: it
// answers when whoever asked has long given up.
func (a *assistant) openMerchants(ctx context.Context) error {
	for _, name := range []string{"warehouse", "bazaar", "corner"} {
		s, err := a.NewStore(ctx, name, nil)
		if err != nil {
			return err
		}
		a.stores = append(a.stores, s)
		if name == "bazaar" {
			s.Site.Mux.Handle("POST /intents", s.Shop.IntentHandler(hangsFor("sport", s.Shop.MatchCatalogue)))
		}
		for _, g := range goods {
			price := map[string]string{"warehouse": g.warehouse, "bazaar": g.bazaar, "corner": g.corner}[name]
			if price == "" {
				continue
			}
			item := commerce.Item{ID: g.id, Name: g.name, Category: g.category, Price: stage.Yuan(price), Delivery: deliveries[name]}
			if err := s.Stock(ctx, item, 20); err != nil {
				return err
			}
		}
	}
	return nil
}

// hangsFor is a search that never ends for one kind of goods.
func hangsFor(kind string, search merchant.Matcher) merchant.Matcher {
	return func(ctx context.Context, q merchant.IntentQuery) ([]commerce.Item, error) {
		if slices.ContainsFunc(q.Intent.Constraints.AllowedCategories, func(c string) bool { return strings.HasPrefix(c, kind+"/") }) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return search(ctx, q)
	}
}

// store finds a merchant by its identifier.
func (a *assistant) store(id string) *stage.Store {
	return a.stores[slices.IndexFunc(a.stores, func(s *stage.Store) bool { return s.ID == id })]
}
