package merchant_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/verifier"
)

func TestCardAndStatementAreServed(t *testing.T) {
	w := acttest.NewWorld(t)
	get := func(method, path, tag string) *http.Response {
		t.Helper()
		req, err := http.NewRequest(method, w.URL+path, nil)
		must(t, err)
		req.Header.Set("If-None-Match", tag)
		resp, err := w.Client.Do(req)
		must(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	for _, path := range []string{merchant.CardPath, merchant.CapabilityPath} {
		resp := get(http.MethodGet, path, "")
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("CID-PCA-NEG-02 %s: %s %v", path, resp.Status, resp.Header)
		}
		if again := get(http.MethodGet, path, resp.Header.Get("Etag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %s", path, again.Status)
		}
		if post := get(http.MethodPost, path, ""); post.StatusCode != http.StatusMethodNotAllowed || post.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %s", path, post.Status)
		}
		if path == merchant.CardPath {
			verified, err := w.Verifier.AgentCard(context.Background(), body, verifier.CardExpectation{Agent: acttest.ShopDID})
			must(t, err)
			if verified.Value().Negotiation.CapabilityURL != w.URL+merchant.CapabilityPath || verified.KeyID() != w.Seller.Signer(keys.Seller).KeyID() {
				t.Errorf("CID-PCA-NEG-02 %+v", verified.Value())
			}
			continue
		}
		statement, err := commerce.DecodeCapability(body)
		must(t, err)
		want := commerce.Offer{MethodID: acttest.Method, PSPID: acttest.PSPDID, Endpoint: w.PSP.Server.URL, MethodSchemaURL: commerce.ProfileSchemaURL}
		if statement.AgentID != acttest.ShopDID || statement.Mode != commerce.OneWay || len(statement.Offers) != 1 || statement.Offers[0] != want {
			t.Errorf("CID-PCA-NEG-01 %+v", statement)
		}
	}
}

func TestCardIsNotMade(t *testing.T) {
	const origin = "https://shop.test"
	w := acttest.NewWorldWith(t, acttest.Options{Merchant: func(c *merchant.Config) { c.Origin = origin }})
	good := commerce.AgentCard{
		Name: "x", Description: "x", Skills: []commerce.Skill{{ID: "x", Name: "x", Description: "x", Tags: []string{"x"}}},
		Negotiation: commerce.Negotiation{Mode: commerce.TwoWay, Endpoint: origin + "/negotiations"},
	}
	_, err := w.Shop.AgentCardHandler(good)
	must(t, err)
	for name, c := range map[string]struct {
		change func(*commerce.AgentCard)
		code   protocol.Code
	}{
		"of another agent":        {func(c *commerce.AgentCard) { c.AgentID = "did:act:shop.test/other" }, protocol.CodeClaimsConflict},
		"without negotiation":     {func(c *commerce.AgentCard) { c.Negotiation = commerce.Negotiation{} }, protocol.CodeFieldMissing},
		"of an unknown mode":      {func(c *commerce.AgentCard) { c.Negotiation.Mode = "both" }, protocol.CodeFieldInvalid},
		"negotiating elsewhere":   {func(c *commerce.AgentCard) { c.Negotiation.Endpoint = "https://elsewhere.test/n" }, protocol.CodeFieldInvalid},
		"negotiating nearly here": {func(c *commerce.AgentCard) { c.Negotiation.Endpoint = origin + ".elsewhere.test/n" }, protocol.CodeFieldInvalid},
		"without a skill":         {func(c *commerce.AgentCard) { c.Skills = nil }, protocol.CodeFieldMissing},
	} {
		t.Run("CID-PCA-NEG-02 a card "+name, func(t *testing.T) {
			card := good
			c.change(&card)
			if _, err := w.Shop.AgentCardHandler(card); protocol.CodeOf(err) != c.code {
				t.Fatalf("got %v, want %s", err, c.code)
			}
		})
	}
}

// A missing mode and a missing address are told apart.
func TestCardSaysWhatIsMissing(t *testing.T) {
	w := acttest.NewWorld(t)
	for _, c := range []struct {
		way   commerce.Negotiation
		field string
	}{
		{commerce.Negotiation{CapabilityURL: w.URL + merchant.CapabilityPath}, "negotiation.mode"},
		{commerce.Negotiation{Mode: commerce.OneWay, Endpoint: w.URL + "/n"}, "negotiation.capability_url"},
		{commerce.Negotiation{Mode: commerce.TwoWay, CapabilityURL: w.URL + "/c"}, "negotiation.negotiation_endpoint"},
	} {
		_, err := w.Shop.AgentCardHandler(commerce.AgentCard{
			Name: "x", Description: "x", Skills: []commerce.Skill{{ID: "x", Name: "x", Description: "x", Tags: []string{"x"}}}, Negotiation: c.way,
		})
		if e := protocol.AsError(err); e == nil || e.Code != protocol.CodeFieldMissing || e.Field != c.field || e.Detail == "" {
			t.Errorf("CID-PCA-NEG-02 got %v, want %s", err, c.field)
		}
	}
}

type farPSP struct {
	merchant.PSP
	endpoint string
}

func (p farPSP) Endpoint() string { return p.endpoint }

func TestStatementNobodyCouldUse(t *testing.T) {
	for _, endpoint := range []string{"http://psp.test", "https://psp.test/", "https://PSP.test"} {
		var shop *merchant.Shop
		acttest.NewWorldWith(t, acttest.Options{Merchant: func(c *merchant.Config) {
			bad := *c
			bad.PSP = farPSP{c.PSP, endpoint}
			var err error
			shop, err = merchant.New(bad)
			must(t, err)
		}})
		if _, err := shop.CapabilityHandler(); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Errorf("CID-PCA-NEG-01 %s: %v", endpoint, err)
		}
		must(t, shop.Close(context.Background()))
	}
}

func negotiationRequest(t testing.TB, w *acttest.World, change func(*commerce.NegotiationRequest)) []byte {
	t.Helper()
	q := commerce.NegotiationRequest{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: w.Clock.Now(), AgentID: acttest.AgentDID, MerchantID: acttest.ShopDID,
		Methods: []string{"urn:act:payment:cash", acttest.Method}, Estimated: acttest.CNY(t, "500.00"),
	}
	if change != nil {
		change(&q)
	}
	raw, err := commerce.SignNegotiationRequest(w.Buyer.Signer(keys.AgentRequest), q)
	must(t, err)
	return raw
}

func TestNegotiation(t *testing.T) {
	w := acttest.NewWorld(t)
	w.Stock(t, latte(t), 1)
	ask := func(h http.Handler, method string, body []byte) (int, string) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(method, "/negotiations", bytes.NewReader(body)))
		return rec.Code, rec.Body.String()
	}
	h := w.Shop.NegotiationHandler(nil)
	for _, c := range []struct {
		name   string
		change func(*commerce.NegotiationRequest)
		status int
		has    string
	}{
		{"CID-PCA-NEG-08 what both have", nil, http.StatusOK, `"supported_methods":[{"endpoint":"` + w.PSP.Server.URL + `","method_id":"` + acttest.Method + `"`},
		{"CID-PCA-NEG-08 nothing in common", func(q *commerce.NegotiationRequest) { q.Methods = q.Methods[:1] }, http.StatusOK, `"supported_methods":[]`},
		{"CID-PCA-NEG-08 another currency", func(q *commerce.NegotiationRequest) { q.Estimated = money.MustParse("5.00", "USD") }, http.StatusOK, `"supported_methods":[]`},
		{"CID-PCA-NEG-06 for another merchant", func(q *commerce.NegotiationRequest) { q.MerchantID = "did:act:shop.test/other" }, http.StatusForbidden, "audience_mismatch"},
		{"CID-PCA-NEG-06 too old", func(q *commerce.NegotiationRequest) { q.Timestamp = q.Timestamp.Add(-6 * time.Minute) }, http.StatusUnauthorized, "request_expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := ask(h, http.MethodPost, negotiationRequest(t, w, c.change))
			if status != c.status || !strings.Contains(body, c.has) {
				t.Fatalf("%d %s", status, body)
			}
		})
	}
	t.Run("CID-PCA-NEG-06 a nonce is used once", func(t *testing.T) {
		raw := negotiationRequest(t, w, nil)
		if status, body := ask(h, http.MethodPost, raw); status != http.StatusOK {
			t.Fatal(body)
		}
		if status, body := ask(h, http.MethodPost, raw); status != http.StatusConflict || !strings.Contains(body, "replayed") {
			t.Fatalf("%d %s", status, body)
		}
	})
	t.Run("CID-PCA-NEG-06 a changed request", func(t *testing.T) {
		raw := bytes.Replace(negotiationRequest(t, w, nil), []byte("500.00"), []byte("900.00"), 1)
		if status, body := ask(h, http.MethodPost, raw); status != http.StatusUnauthorized || !strings.Contains(body, "signature_invalid") {
			t.Fatalf("%d %s", status, body)
		}
	})
	t.Run("CID-PCA-NEG-08 the shop decides", func(t *testing.T) {
		small := func(_ context.Context, q commerce.NegotiationRequest) (bool, error) {
			return q.Estimated.Minor() < 1000, nil
		}
		if _, body := ask(w.Shop.NegotiationHandler(small), http.MethodPost, negotiationRequest(t, w, nil)); !strings.Contains(body, `"supported_methods":[]`) {
			t.Fatal(body)
		}
		down := func(context.Context, commerce.NegotiationRequest) (bool, error) {
			return true, errors.New("secret of the shop")
		}
		status, body := ask(w.Shop.NegotiationHandler(down), http.MethodPost, negotiationRequest(t, w, nil))
		if status != http.StatusServiceUnavailable || strings.Contains(body, "secret") {
			t.Fatalf("%d %s", status, body)
		}
	})
	t.Run("methods and sizes", func(t *testing.T) {
		if status, _ := ask(h, http.MethodGet, nil); status != http.StatusMethodNotAllowed {
			t.Fatal(status)
		}
		if status, body := ask(h, http.MethodPost, make([]byte, 1<<17)); status != http.StatusRequestEntityTooLarge {
			t.Fatal(status, body)
		}
	})
}

func TestOpenCarts(t *testing.T) {
	w := acttest.NewWorldWith(t, acttest.Options{Merchant: func(c *merchant.Config) { c.OpenCarts = 2 }})
	w.Stock(t, latte(t), 100)
	w.Grant(t, func(i *delegation.ISR) {
		i.DelegationMode = delegation.Specified
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{acttest.ShopDID}}}
	})
	shop, err := w.Agent.Shop(acttest.ShopDID, w.URL, w.Client)
	must(t, err)
	ctx, one := context.Background(), []agent.Line{{ItemID: "latte", Quantity: 1}}
	first, err := shop.ConfirmCart(ctx, one, commerce.Fulfilment{})
	must(t, err)
	_, err = shop.ConfirmCart(ctx, one, commerce.Fulfilment{})
	must(t, err)
	_, err = shop.ConfirmCart(ctx, one, commerce.Fulfilment{})
	if protocol.CodeOf(err) != protocol.CodeTooManyRequests {
		t.Fatalf("CID-CART-CFM-04 a third open cart: %v", err)
	}
	raw, err := commerce.SignCartRequest(w.Buyer.Signer(keys.AgentRequest), cartRequest(t, w))
	must(t, err)
	resp, err := w.Client.Post(w.URL+"/carts", "application/json", bytes.NewReader(raw))
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "60" {
		t.Errorf("%s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	// Who pays and takes the goods may order again.
	paid, err := w.Agent.PayOrder(ctx, first)
	must(t, err)
	got, err := w.Agent.PickUp(ctx, first, paid)
	must(t, err)
	_ = got.Body.Close()
	_, err = shop.ConfirmCart(ctx, one, commerce.Fulfilment{})
	must(t, err)
	// And so may who has given up, once the locks have ended.
	w.Clock.Advance(21 * time.Minute)
	_, err = shop.ConfirmCart(ctx, one, commerce.Fulfilment{})
	must(t, err)
}
