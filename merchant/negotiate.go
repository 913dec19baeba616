package merchant

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/verifier"
)

// The paths at which buyers look for a shop's card below its base URL, and at
// which a statement is usually served.
const (
	CardPath       = "/.well-known/agent-card.json"
	CapabilityPath = "/.well-known/act-payment-capability.json"
)

// AgentCardHandler serves the shop's A2A agent card, signed by the shop
// (CID-PCA-NEG-02), at CardPath below the base URL that buyers are given. An
// empty AgentID, URL and Version are filled in: the shop's DID, its Origin, and
// "1".
//
// Name, Description, a Skill, and the mode of negotiation are the caller's to
// give. The mode's handler is CapabilityHandler
// or NegotiationHandler, and its address must be below the shop's Origin: a
// buyer's agent goes to no other host for it. The card is checked and signed
// here and now. A signature has no end: after a change of key make a new
// handler.
func (s *Shop) AgentCardHandler(card commerce.AgentCard) (http.Handler, error) {
	if card.AgentID == "" {
		card.AgentID = s.id
	}
	if card.URL == "" {
		card.URL = s.config.Origin
	}
	if card.Version == "" {
		card.Version = "1"
	}
	if err := s.checkNegotiation(card.Negotiation); err != nil {
		return nil, err
	}
	text, err := card.Encode()
	if err != nil {
		return nil, err
	}
	signed, err := commerce.SignAgentCard(s.config.Signer, text)
	if err != nil {
		return nil, err
	}
	return page(signed), nil
}

// checkNegotiation says which of mode and address is missing, before
// commerce.AgentCard.Encode says what is wrong with them.
func (s *Shop) checkNegotiation(n commerce.Negotiation) error {
	missing := func(field, detail string) error {
		return protocol.New(protocol.CodeFieldMissing, "negotiation."+field, "CID-PCA-NEG-02", detail)
	}
	switch {
	case n.Mode == "":
		return missing("mode", "one-way or two-way")
	case n.Mode == commerce.OneWay && n.CapabilityURL == "":
		return missing("capability_url", "where CapabilityHandler is, for one-way")
	case n.Mode == commerce.TwoWay && n.Endpoint == "":
		return missing("negotiation_endpoint", "where NegotiationHandler is, for two-way")
	}
	if address := n.URL(); address != "" && !strings.HasPrefix(address, s.config.Origin+"/") {
		return protocol.New(protocol.CodeFieldInvalid, "negotiation", "CID-PCA-NEG-02", "the address of the mode must be below the shop's origin")
	}
	return nil
}

// CapabilityHandler serves the shop's public statement of what it can be paid
// by (CID-PCA-NEG-01): its method through its provider. A shop on another rail
// states that there is nothing to negotiate. It fails when the provider's
// endpoint is not a plain https URL, without which nobody could use the
// statement.
func (s *Shop) CapabilityHandler() (http.Handler, error) {
	statement := commerce.Capability{AgentID: s.id, Mode: commerce.OneWay, Offers: s.offers()}
	body, err := statement.Encode()
	if err != nil {
		return nil, err
	}
	return page(body), nil
}

// A Payable says whether a shop takes a payment like the one that a buyer asks
// about: its currency and its estimated amount.
type Payable func(ctx context.Context, q commerce.NegotiationRequest) (bool, error)

// NegotiationHandler answers POST with those of the buyer's methods by which the
// shop can be paid for what the buyer asks about (CID-PCA-NEG-08), after it has
// verified the signed request. The list is empty when nothing matches. The
// answer binds neither side: price and method are fixed by the order.
//
// A nil payable takes any amount in a currency in which the catalogue has
// something, or in any when the shop has no catalogue.
func (s *Shop) NegotiationHandler(payable Payable) http.Handler {
	if payable == nil {
		payable = s.inCurrency
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			notAllowed(w, "POST")
			return
		}
		raw, err := readBody(w, r, canon.DefaultMaxBytes)
		if err != nil {
			problem.WriteStatus(w, http.StatusRequestEntityTooLarge, err, 0)
			return
		}
		body, err := s.negotiate(r.Context(), raw, payable)
		if err != nil {
			if protocol.CodeOf(err) == protocol.CodeTooManyRequests {
				w.Header().Set("Retry-After", strconv.Itoa(retrySeconds))
			}
			problem.Write(w, err, retrySeconds)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body)
	})
}

func (s *Shop) negotiate(ctx context.Context, raw []byte, payable Payable) ([]byte, error) {
	verified, err := s.config.Verifier.NegotiationRequest(ctx, raw, verifier.NegotiationExpectation{
		Merchant: s.id,
		Admit: func(_ context.Context, q commerce.NegotiationRequest) error {
			return s.admit(q.AgentID, "CID-PCA-NEG-06")
		},
	})
	if err != nil {
		return nil, err
	}
	q := verified.Value()
	q.Methods = slices.Clone(q.Methods)
	answer := commerce.NegotiationAnswer{RequestID: q.RequestID, AgentID: s.id}
	takes, err := payable(ctx, q)
	if err != nil {
		return nil, unavailable("whether the shop takes this payment could not be found out", err)
	}
	if takes {
		answer.Offers = slices.DeleteFunc(s.offers(), func(o commerce.Offer) bool { return !slices.Contains(q.Methods, o.MethodID) })
	}
	body, err := answer.Encode(q)
	if err != nil {
		return nil, unavailable("the shop's offer is not complete", err)
	}
	return body, nil
}

// offers is how the shop is paid, in the terms of a negotiation.
func (s *Shop) offers() []commerce.Offer {
	if s.act == nil {
		return nil
	}
	provider := s.config.PSP
	return []commerce.Offer{{
		MethodID: s.config.Method, PSPID: provider.ID(), Endpoint: provider.Endpoint(), MethodSchemaURL: provider.MethodSchemaURL(),
	}}
}

// inCurrency is the Payable of a shop that does not say.
func (s *Shop) inCurrency(ctx context.Context, q commerce.NegotiationRequest) (bool, error) {
	if s.config.Catalogue == nil {
		return true, nil
	}
	items, err := s.items(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(items, func(i commerce.Item) bool {
		return i.Price.Valid() && i.Price.Currency() == q.Estimated.Currency()
	}), nil
}

// page serves a public JSON text that does not change.
func page(body []byte) http.Handler {
	etag := `"` + string(canon.Sum(body)) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			notAllowed(w, "GET, HEAD")
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}
