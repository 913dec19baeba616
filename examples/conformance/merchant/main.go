// A merchant that the conformance suite tests: package merchant with a few
// things to sell, in memory, on this machine.
//
//	merchant -addr 127.0.0.1:9447 -tls-cert cert.pem -tls-key key.pem -psp did:act:localhost%3A9449/psp -psp-endpoint https://localhost:9449/psp
//
// It is a subject for tests and for reading. A shop that is to survive a crash
// needs an order store and a bill key that do.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actprotocol/act-go/examples/conformance/internal/host"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// options are the flags.
type options struct {
	host          *host.Host
	psp, endpoint string
	method, mode  string
}

func run() error {
	o := options{host: host.Flags()}
	flag.StringVar(&o.psp, "psp", "", "DID of the provider that the shop is paid through")
	flag.StringVar(&o.endpoint, "psp-endpoint", "", "its https endpoint")
	flag.StringVar(&o.method, "method", "urn:act:payment:conformance", "payment method")
	flag.StringVar(&o.mode, "negotiation", string(commerce.TwoWay), "one-way or two-way")
	flag.Parse()
	did, err := o.host.DID("shop")
	if err != nil {
		return err
	}
	signer, err := host.NewSigner(did, keys.Seller)
	if err != nil {
		return err
	}
	documents, err := identity.Handler(&identity.Document{ID: did, Keys: []identity.Key{{ID: signer.KeyID(), Purpose: keys.Seller, Public: signer.Public()}}})
	if err != nil {
		return err
	}
	shop, err := open(o, signer)
	if err != nil {
		return err
	}
	defer shop.Close(context.Background())
	if err := front(o, shop); err != nil {
		return err
	}
	o.host.Mux.Handle("/.well-known/act/", documents)
	fmt.Println(did)
	return o.host.Serve()
}

// open makes the shop.
func open(o options, signer *keys.Signer) (*merchant.Shop, error) {
	name, err := o.host.Name()
	if err != nil {
		return nil, err
	}
	roots, err := o.host.Pool()
	if err != nil {
		return nil, err
	}
	resolver := verifier.NewResolver(verifier.ResolverConfig{RootCAs: roots, InsecureAllowLoopback: true})
	status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: resolver, RootCAs: roots, InsecureAllowLoopback: true})
	if err != nil {
		return nil, err
	}
	v, err := verifier.New(verifier.Config{
		Issuers: verifier.IssuerMap{}, Keys: resolver, Status: status, Replay: verifier.NewMemoryReplay(verifier.DefaultReplayCapacity, time.Now),
	})
	if err != nil {
		return nil, err
	}
	provider, err := psp.New(psp.Config{
		ID: o.psp, Endpoint: o.endpoint, Signer: signer, Verifier: v, Timeout: 5 * time.Second,
		HTTP: verifier.NewHTTPClient(verifier.HTTPClientConfig{Roots: roots, InsecureAllowLoopback: true, Timeout: 5 * time.Second}),
	})
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	orders := new(merchant.MemoryOrders)
	for _, i := range goods() {
		if err := orders.SetStock(context.Background(), i.item.ID, i.stock); err != nil {
			return nil, err
		}
	}
	return merchant.New(merchant.Config{
		Signer: signer, Verifier: v, PSP: provider, Orders: orders, Method: o.method, Origin: "https://" + name, BillKey: key, ConfirmPause: 200 * time.Millisecond,
		Catalogue: func(context.Context) ([]commerce.Item, error) {
			var items []commerce.Item
			for _, g := range goods() {
				items = append(items, g.item)
			}
			return items, nil
		},
	})
}

// A good is an item and how many there are of it.
type good struct {
	item  commerce.Item
	stock int64
}

func goods() []good {
	there := true
	return []good{
		{commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: money.MustParse("18.00", "CNY"), Available: &there, Delivery: time.Hour}, 1_000_000},
		{commerce.Item{ID: "rare", Name: "Rare bean", Category: "food/coffee", Price: money.MustParse("99.00", "CNY"), Available: &there, Delivery: time.Hour}, 3},
	}
}

// front mounts what the shop serves.
func front(o options, shop *merchant.Shop) error {
	h, err := shop.Handler(merchant.Storefront{
		HandOver: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p, _ := merchant.PurchaseFrom(r.Context())
			fmt.Fprintln(w, "handed out:", p.Order.MerchantOrderID)
		}),
		Card: commerce.AgentCard{
			Name: "Conformance coffee", Description: "A shop that is there to be tested.",
			Skills:      []commerce.Skill{{ID: "sell", Name: "Sell", Description: "Sells coffee and a report.", Tags: []string{"shop"}}},
			Negotiation: commerce.Negotiation{Mode: commerce.Mode(o.mode)},
		},
	})
	if err != nil {
		return err
	}
	o.host.Mux.Handle("/", h)
	m := &machine{shop: shop, prices: map[string]money.Amount{}}
	m.sell(o.host.Mux)
	o.host.Desk("/desk/prices", m.setPrice)
	return nil
}

// A machine sells by the request, at prices that the desk can change.
type machine struct {
	shop *merchant.Shop

	mu     sync.Mutex
	prices map[string]money.Amount // by path
	made   atomic.Int64
	tried  atomic.Int64
}

func (m *machine) price(path string) money.Amount {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.prices[path]; ok {
		return p
	}
	return money.MustParse("18.00", "CNY")
}

func (m *machine) setPrice(_ context.Context, form map[string]string) (map[string]string, error) {
	currency, err := money.ParseCurrency("CNY")
	if err != nil {
		return nil, err
	}
	p, err := money.Parse(form["price"], currency)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(form["path"], "/") {
		return nil, protocol.New(protocol.CodeFieldInvalid, "path", "", "a path")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prices[form["path"]] = p
	return map[string]string{"price": p.String()}, nil
}

// sell puts things to buy behind paywalls, at the price of the moment.
func (m *machine) sell(mux *http.ServeMux) {
	for _, g := range []struct {
		pattern, id string
		make        http.HandlerFunc
	}{
		{"GET /report", "report", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the report of the year") }},
		{"GET /map", "map", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the map") }},
		{"POST /print", "print", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "copy", m.made.Add(1)) }},
		{"POST /bake", "bake", func(w http.ResponseWriter, r *http.Request) {
			select { // as long as a customer has to wait
			case <-time.After(1200 * time.Millisecond):
				fmt.Fprintln(w, "loaf", m.made.Add(1))
			case <-r.Context().Done():
			}
		}},
		{"GET /shaky", "shaky", func(w http.ResponseWriter, _ *http.Request) {
			if m.tried.Add(1) == 1 {
				http.Error(w, "the machine is cold", http.StatusInternalServerError)
				return
			}
			_, _ = io.WriteString(w, "at last")
		}},
	} {
		_, path, _ := strings.Cut(g.pattern, " ")
		mux.HandleFunc(g.pattern, func(w http.ResponseWriter, r *http.Request) {
			m.shop.Paywall(merchant.Offer{Resource: g.id, Category: "data/" + g.id, Price: m.price(path)}, g.make).ServeHTTP(w, r)
		})
	}
}
