package main

import (
	"context"
	"sync"
	"time"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/money"
)

// An airline has one seat left, whose price may move between a look at it and
// the booking.
type airline struct {
	*stage.Store

	mu   sync.Mutex
	next money.Amount // the price after the next look; not valid when it stays
}

// moveAfterLook makes the price another one as soon as somebody has seen it.
func (a *airline) moveAfterLook(price money.Amount) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = price
}

func (a *airline) catalogue(ctx context.Context) ([]commerce.Item, error) {
	items, err := a.Catalogue(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next.Valid() {
		a.SetPrice("seat", a.next)
		a.next = money.Amount{}
	}
	return items, err
}

func (t *trip) openMerchants(ctx context.Context) (err error) {
	t.airline = new(airline)
	t.airline.Store, err = t.NewStore(ctx, "airline", func(c *merchant.Config) { c.Catalogue = t.airline.catalogue })
	if err != nil {
		return err
	}
	seat := commerce.Item{ID: "seat", Name: "Morning flight, one seat", Category: "travel/flight", Price: stage.Yuan("1180.00"), Delivery: time.Minute}
	if err := t.airline.Stock(ctx, seat, 1); err != nil {
		return err
	}
	if t.hotel, err = t.NewStore(ctx, "hotel", nil); err != nil {
		return err
	}
	night := commerce.Item{ID: "night", Name: "Room with a view of the lake, one night", Category: "travel/hotel", Price: stage.Yuan("420.00"), Delivery: time.Minute}
	if err := t.hotel.Stock(ctx, night, 5); err != nil {
		return err
	}
	breakfast := commerce.Item{ID: "breakfast", Name: "Breakfast", Category: "food/breakfast", Price: stage.Yuan("58.00"), Delivery: time.Minute}
	return t.hotel.Stock(ctx, breakfast, 20)
}

// bind gives the agent a payment token for one merchant, up to a ceiling.
func (t *trip) bind(ctx context.Context, agentID, merchantID, ceiling string) (string, error) {
	return t.Processor.BindToken(ctx, server.Binding{
		Principal: t.person.ID(), Agent: agentID, Currency: stage.CNY, ValidUntil: t.Now().Add(48 * time.Hour),
		Ceiling: stage.Yuan(ceiling), Merchants: []string{merchantID},
	})
}
