package merchant_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
)

// TestHandler: the addresses of SPEC.md 5.4 are there exactly when the shop is
// configured for them.
func TestHandler(t *testing.T) {
	card := commerce.AgentCard{
		Name: "x", Description: "x", Skills: []commerce.Skill{{ID: "x", Name: "x", Description: "x", Tags: []string{"x"}}},
		Negotiation: commerce.Negotiation{Mode: commerce.OneWay},
	}
	twoWay := card
	twoWay.Negotiation.Mode = commerce.TwoWay
	const catalogue, intents, carts, pickups, negotiations = "/catalogue", "/intents", "/carts", "/pickups", "/negotiations"
	for name, c := range map[string]struct {
		front merchant.Storefront
		bare  bool // a shop without a catalogue
		want  []string
	}{
		"the zero value": {want: []string{catalogue, intents}},
		"carts":          {front: merchant.Storefront{HandOver: http.NotFoundHandler()}, want: []string{catalogue, intents, carts, pickups}},
		"one-way":        {front: merchant.Storefront{Card: card}, want: []string{catalogue, intents, merchant.CardPath, merchant.CapabilityPath}},
		"two-way":        {front: merchant.Storefront{Card: twoWay}, want: []string{catalogue, intents, merchant.CardPath, negotiations}},
		"no catalogue":   {front: merchant.Storefront{HandOver: http.NotFoundHandler(), Card: twoWay}, bare: true, want: []string{merchant.CardPath, negotiations}},
		"below a path":   {front: merchant.Storefront{Base: "/a/b", Card: twoWay}, want: []string{"/a/b" + catalogue, "/a/b" + intents, "/a/b" + merchant.CardPath, "/a/b" + negotiations}},
	} {
		t.Run("CID-MER-CAT-01 "+name, func(t *testing.T) {
			w := acttest.NewWorldWith(t, acttest.Options{Merchant: func(m *merchant.Config) {
				if c.bare {
					m.Catalogue = nil
				}
			}})
			h, err := w.Shop.Handler(c.front)
			must(t, err)
			served := map[string]bool{}
			for _, path := range c.want {
				served[path] = true
			}
			for _, path := range []string{catalogue, intents, carts, pickups, merchant.CardPath, merchant.CapabilityPath, negotiations, "/"} {
				for _, at := range []string{path, "/a/b" + path} {
					rec := httptest.NewRecorder()
					h.ServeHTTP(rec, httptest.NewRequest(http.MethodPut, at, nil))
					if there := rec.Code == http.StatusMethodNotAllowed; there != served[at] {
						t.Errorf("%s: %d", at, rec.Code)
					}
				}
			}
		})
	}
	w := acttest.NewWorld(t)
	clash, elsewhere, nothing := card, card, card
	clash.Negotiation.CapabilityURL = w.URL + merchant.CardPath
	elsewhere.Negotiation.CapabilityURL = "https://elsewhere.test/c"
	nothing.Negotiation = commerce.Negotiation{}
	for name, f := range map[string]merchant.Storefront{
		"a base with a final slash":       {Base: "/a/"},
		"a base that is a pattern":        {Base: "/{x}"},
		"a base that is a URL":            {Base: "https://shop.test"},
		"a statement at the card's place": {Card: clash},
		"a statement elsewhere":           {Card: elsewhere},
		"a card without a mode":           {Card: nothing},
	} {
		if _, err := w.Shop.Handler(f); protocol.AsError(err) == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
