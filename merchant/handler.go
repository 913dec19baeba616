package merchant

import (
	"net/http"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// A Storefront says what a shop serves below its base URL (SPEC.md 5.4). The
// zero value serves the catalogue and answers to intents.
type Storefront struct {
	// Base is the path of the base URL below Config.Origin, "/coffee" for
	// example; empty when the origin itself is the base.
	Base string

	// HandOver gives out the goods of a paid order, see PickupHandler. Without
	// it the shop takes no carts: nobody could pick up what was ordered.
	HandOver http.Handler

	// Match answers intents; nil is Shop.MatchCatalogue.
	Match Matcher

	// Card is the agent card without its addresses, which are filled in unless
	// they are there: URL, and of Negotiation the one of its mode. The zero
	// value is none: then there is no negotiation either, and agents find the
	// shop by its base URL.
	Card commerce.AgentCard
	// Payable says what the shop takes when it negotiates two-way, see
	// NegotiationHandler.
	Payable Payable
}

// Handler serves all of a merchant's addresses that the shop is configured for:
// with Config.Catalogue the catalogue, and carts and pick-ups when there are a
// provider and f.HandOver; intents when there is something to match them with;
// with f.Card the card, and the statement or the negotiation that it names.
// Everything else is 404. Mount it at "/" or at f.Base+"/" of a mux that has the
// shop's paywalls beside it.
//
// It fails when the card cannot be made, see AgentCardHandler.
func (s *Shop) Handler(f Storefront) (http.Handler, error) {
	if f.Base != "" && (!strings.HasPrefix(f.Base, "/") || strings.HasSuffix(f.Base, "/") || strings.ContainsAny(f.Base, "{}?# ")) {
		return nil, protocol.New(protocol.CodeFieldInvalid, "base", "CID-CART-CFM-03", "empty, or a path from its first slash and without a final one")
	}
	mux := http.NewServeMux()
	if s.config.Catalogue != nil {
		mux.Handle(f.Base+"/catalogue", s.CatalogueHandler())
	}
	if s.config.Catalogue != nil && s.act != nil && f.HandOver != nil {
		mux.Handle(f.Base+"/carts", s.CartHandler())
		mux.Handle(f.Base+"/pickups", s.PickupHandler(f.HandOver))
	}
	if s.config.Catalogue != nil || f.Match != nil {
		mux.Handle(f.Base+"/intents", s.IntentHandler(f.Match))
	}
	if f.hasCard() {
		if err := s.negotiates(mux, f); err != nil {
			return nil, err
		}
	}
	return mux, nil
}

func (f *Storefront) hasCard() bool {
	return f.Card.Name != "" || f.Card.Description != "" || len(f.Card.Skills) > 0 || f.Card.Negotiation != (commerce.Negotiation{})
}

// negotiates serves the card and the address of its mode.
func (s *Shop) negotiates(mux *http.ServeMux, f Storefront) error {
	base, way := s.config.Origin+f.Base, &f.Card.Negotiation
	if f.Card.URL == "" {
		f.Card.URL = base
	}
	var err error
	var answers http.Handler
	switch way.Mode {
	case commerce.OneWay:
		if way.CapabilityURL == "" {
			way.CapabilityURL = base + CapabilityPath
		}
		answers, err = s.CapabilityHandler()
	case commerce.TwoWay:
		if way.Endpoint == "" {
			way.Endpoint = base + negotiationPath
		}
		answers = s.NegotiationHandler(f.Payable)
	}
	if err != nil {
		return err
	}
	card, err := s.AgentCardHandler(f.Card)
	if err != nil {
		return err
	}
	at := strings.TrimPrefix(way.URL(), s.config.Origin) // AgentCardHandler has checked that it is below
	if at == f.Base+CardPath || strings.ContainsAny(at, "{}") {
		return protocol.New(protocol.CodeFieldInvalid, "negotiation", "CID-PCA-NEG-02", "an address of its own, without braces")
	}
	mux.Handle(f.Base+CardPath, card)
	mux.Handle(at, answers)
	return nil
}

// negotiationPath is where a shop that does not say otherwise negotiates.
const negotiationPath = "/negotiations"
