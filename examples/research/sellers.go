package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/money"
)

// Sellers are the agents that sell data, each with a site of its own. Five of them
// have what weather stations measured.
type sellers struct {
	mirror   *seller // cheapest of those that can be paid, and closed at first
	weather  *seller // whose database fails once, after it was paid
	archive  *seller // dearest
	exchange *seller // answers questions, which are sent by POST
	sensors  *seller // sells measurements while they are made
	bureau   *seller // is paid in another way
	lure     *seller // says that it is paid at an address of its own

	failing atomic.Bool   // the database of weather
	heard   chan struct{} // the buyer has read what the sensors sent so far
}

// A seller sells one thing.
type seller struct {
	*stage.Store
	price  money.Amount
	mode   commerce.Mode // how it negotiates
	closed atomic.Bool   // for maintenance
}

// at is the address of something that a seller sells.
func (s *seller) at(path string) string { return s.Base + path }

// A stand is what a seller has to offer, and where.
type stand struct {
	name    string
	pattern string // of the requests that are sold
	mode    commerce.Mode
	offer   merchant.Offer
	next    http.HandlerFunc       // answers what was paid
	change  func(*merchant.Config) // may be nil
}

// open opens a seller, and puts a paywall before what it sells. All that makes
// it a merchant of ACT is in this function.
func (o stand) open(ctx context.Context, w *stage.World) (*seller, error) {
	store, err := w.NewStore(ctx, o.name, o.change)
	if err != nil {
		return nil, err
	}
	s := &seller{Store: store, price: o.offer.Price, mode: o.mode}
	paywall := s.Shop.Paywall(o.offer, o.next)
	s.Site.Mux.HandleFunc(o.pattern, func(rw http.ResponseWriter, r *http.Request) {
		if s.closed.Load() {
			http.Error(rw, "closed for maintenance", http.StatusServiceUnavailable)
			return
		}
		paywall.ServeHTTP(rw, r)
	})
	// What is sold by the request is in no catalogue that would tell the
	// currency: the seller says by itself what it takes.
	s.Site.Mux.Handle("POST /negotiations", s.Shop.NegotiationHandler(
		func(_ context.Context, q commerce.NegotiationRequest) (bool, error) {
			return q.Estimated.Currency() == stage.CNY, nil
		}))
	return s, s.Declare(o.mode)
}

// open opens all of them.
func (s *sellers) open(ctx context.Context, w *stage.World) (err error) {
	s.heard = make(chan struct{})
	station := func(price string) merchant.Offer {
		return merchant.Offer{Resource: "station-month", Category: "data/weather", Price: stage.Yuan(price)}
	}
	otherMethod := func(c *merchant.Config) { c.Method = "urn:act:payment:paper-cheque" }
	for _, o := range []struct {
		seller **seller
		stand  stand
	}{
		{&s.mirror, stand{"mirror", "GET /station", commerce.OneWay, station("0.20"), rain, nil}},
		{&s.weather, stand{"weather", "GET /station", commerce.OneWay, station("0.30"), s.rainOrNot, nil}},
		{&s.archive, stand{"archive", "GET /station", commerce.OneWay, station("0.40"), rain, nil}},
		{&s.exchange, stand{"exchange", "POST /question", commerce.TwoWay,
			merchant.Offer{Resource: "answer", Category: "data/prices", Price: stage.Yuan("0.40")}, answer, nil}},
		{&s.sensors, stand{"sensors", "GET /live", commerce.TwoWay,
			merchant.Offer{Resource: "live", Category: "data/weather", Price: stage.Yuan("0.65"), Stream: true}, s.measure, nil}},
		{&s.bureau, stand{"bureau", "GET /station", commerce.TwoWay, station("0.10"), rain, otherMethod}},
		{&s.lure, stand{"lure", "GET /station", commerce.OneWay, station("0.05"), rain, nil}},
	} {
		if *o.seller, err = o.stand.open(ctx, w); err != nil {
			return err
		}
	}
	return s.bait(w)
}

// bait has the lure state that the buyer's own provider is reached at the
// lure's address. Whoever believed it would send mandate and authorization
// there.
func (s *sellers) bait(w *stage.World) error {
	statement := commerce.Capability{AgentID: s.lure.ID, Mode: commerce.OneWay, Offers: []commerce.Offer{{
		MethodID: stage.Method, PSPID: w.Processor.ID().String(), Endpoint: s.lure.at("/pay"), MethodSchemaURL: commerce.ProfileSchemaURL,
	}}}
	text, err := statement.Encode()
	if err != nil {
		return err
	}
	s.lure.Site.Mux.HandleFunc("GET "+merchant.CapabilityPath, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write(text)
	})
	return nil
}

// all are the sellers, in the order in which the agent asks them.
func (s *sellers) all() []*seller {
	return []*seller{s.mirror, s.weather, s.archive, s.exchange, s.sensors, s.bureau, s.lure}
}

// rain is what a weather station measured.
func rain(rw http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(rw, "station %s: 212 mm of rain in a month", r.FormValue("id"))
}

// rainOrNot is rain from a database that may fail. The paywall keeps a failed
// delivery open: the same proof may try again.
func (s *sellers) rainOrNot(rw http.ResponseWriter, r *http.Request) {
	if s.failing.Swap(false) {
		http.Error(rw, "the database does not answer", http.StatusInternalServerError)
		return
	}
	rain(rw, r)
}

// answer answers a question about prices.
func answer(rw http.ResponseWriter, r *http.Request) {
	question, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, "the question could not be read", http.StatusBadRequest)
		return
	}
	fmt.Fprintf(rw, "%s: 31.40 yuan a kilo", question)
}

// measurements is how many lines one purchase of the sensors brings.
const measurements = 3

// measure sends each measurement when it is made, and makes the next one only
// when the buyer has the last.
func (s *sellers) measure(rw http.ResponseWriter, r *http.Request) {
	for n := range measurements {
		if n > 0 {
			select {
			case <-s.heard:
			case <-r.Context().Done(): // the lease has ended: this was not all
				panic(http.ErrAbortHandler)
			}
		}
		fmt.Fprintf(rw, "%d mm in the last minute\n", n+1)
		if err := http.NewResponseController(rw).Flush(); err != nil {
			panic(errors.Join(http.ErrAbortHandler, err))
		}
	}
}
