package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// doorPart is the name of the part of a sealed message that a courier needs.
const doorPart = "delivery_address"

// A shop delivers, and is reached through the marketplace only.
//
// A cart names the digest of a sealed message in fulfilment.delivery_address, and
// the message itself follows when the shop has confirmed the cart: a shop that
// has nothing to deliver is not told where to. The digest stands in what the
// agent has signed. Nobody on the way can therefore put another message, and
// another door, in the place of the agent's.
type shop struct {
	*stage.Store
	verifier *verifier.Verifier
	toPSP    *stage.Wiretap // what the shop sends the processor

	mu    sync.Mutex
	doors map[string]door // of orders that were not handed over yet, by number
	trips []string        // where couriers have been sent
}

// A door is where an order goes.
type door struct {
	message canon.Digest // of the sealed message
	buyer   string       // who has to have sealed it
	address string       // empty until the message has come
}

// openShop opens a shop that sells one item and lists it at the marketplace.
func (e *evening) openShop(ctx context.Context, name, title string, item commerce.Item, count int64) (*shop, error) {
	s := &shop{toPSP: &stage.Wiretap{Story: e.Narrator}, doors: map[string]door{}}
	var err, lost error
	s.Store, err = e.NewStore(ctx, name, func(c *merchant.Config) {
		c.Origin = e.market.site.URL() // what buyers sign is addressed to the marketplace
		var provider merchant.PSP
		if provider, lost = e.Provider(c.Signer, s.toPSP); lost == nil {
			c.PSP = provider
		}
	}, keys.Encryption)
	if err = errors.Join(err, lost); err != nil {
		return nil, err
	}
	if s.verifier, err = e.NewVerifier(verifier.IssuerMap{}); err != nil {
		return nil, err
	}
	if err := s.Stock(ctx, item, count); err != nil {
		return nil, err
	}
	if err := e.Processor.NameMerchant(ctx, s.ID, title); err != nil {
		return nil, err
	}
	at := "/" + name
	s.Site.Mux.Handle("GET "+at+"/catalogue", s.Shop.CatalogueHandler())
	s.Site.Mux.Handle("POST "+at+"/carts", answer(s.confirm))
	s.Site.Mux.Handle("POST "+at+"/addresses", answer(s.learn))
	s.Site.Mux.Handle("POST "+at+"/pickups", s.Shop.PickupHandler(http.HandlerFunc(s.handOver)))
	return s, e.market.list(s, item)
}

// answer serves a function of a message.
func answer(f func(context.Context, []byte) ([]byte, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, canon.DefaultMaxBytes))
		if err != nil {
			problem.Write(rw, protocol.New(protocol.CodeTooLarge, "", "", "the message is too long or did not arrive whole"), 0)
			return
		}
		body, err := f(r.Context(), raw)
		if err != nil {
			problem.Write(rw, err, 1)
			return
		}
		_, _ = rw.Write(body)
	}
}

// confirm confirms a cart and remembers which sealed message goes with it.
func (s *shop) confirm(ctx context.Context, raw []byte) ([]byte, error) {
	cart, err := commerce.ParseCartRequest(raw)
	if err != nil {
		return nil, err
	}
	message, err := canon.ParseDigest(cart.Request.Fulfilment.DeliveryAddress)
	if err != nil { // too late for this one, and a lesson for the next
		return nil, protocol.New(protocol.CodeFieldInvalid, "fulfilment.delivery_address", "PRV-02", "the digest of a message that is sealed for this shop")
	}
	token, err := s.Shop.ConfirmCart(ctx, raw) // verifies what was parsed above
	if err != nil {
		return nil, err
	}
	order, err := commerce.ParseOrder(token)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if number := order.Order.MerchantOrderID; s.doors[number].address == "" { // a request that is sent again has the same order
		s.doors[number] = door{message: message, buyer: cart.Request.BuyerAgentID}
	}
	return token, nil
}

// learn opens a sealed message. One that no cart has named is not even looked
// into, and one that comes again changes nothing.
func (s *shop) learn(ctx context.Context, raw []byte) ([]byte, error) {
	number, d := s.expecting(canon.Sum(raw))
	if number == "" {
		return nil, protocol.New(protocol.CodeOrderUnknown, "fulfilment.delivery_address", "PRV-02", "no order waits for this message")
	}
	if d.address != "" {
		return nil, nil
	}
	verified, err := s.verifier.Sealed(ctx, raw, verifier.SealedExpectation{
		Sender: d.buyer, Purpose: keys.AgentRequest, Keys: []*keys.DecryptionKey{s.Opens()},
	})
	if err != nil {
		return nil, err
	}
	opened := verified.Value()
	content, err := opened.Part(doorPart)
	if err != nil {
		return nil, err
	}
	if err := canon.Decode(content, &d.address); err != nil {
		return nil, protocol.In(err, doorPart)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doors[number] = d
	return nil, nil
}

// expecting returns the order that waits for a message.
func (s *shop) expecting(message canon.Digest) (string, door) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for number, d := range s.doors {
		if d.message == message {
			return number, d
		}
	}
	return "", door{}
}

// couriers are the doors that couriers have been sent to.
func (s *shop) couriers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.trips)
}

// handOver sends the courier of a paid order, and forgets the address. Its answer
// passes through the marketplace, and does not say where to.
func (s *shop) handOver(rw http.ResponseWriter, r *http.Request) {
	bought, ok := merchant.PurchaseFrom(r.Context())
	if !ok || bought.Order == nil {
		http.Error(rw, "nothing was paid for", http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	d := s.doors[bought.Order.MerchantOrderID]
	if d.address != "" {
		s.trips = append(s.trips, d.address)
		delete(s.doors, bought.Order.MerchantOrderID)
	}
	s.mu.Unlock()
	if d.address == "" { // paid without an address: a person has to ask the buyer
		http.Error(rw, "nobody knows where to", http.StatusInternalServerError)
		return
	}
	stage.HandOver(rw, r)
}
