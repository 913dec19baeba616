package agent_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A bargain is a merchant below /x that says what the test wants.
type bargain struct {
	*acttest.World
	t      *testing.T
	shop   *agent.Shop
	card   string
	answer func(request []byte) string // of /x/terms
	asked  atomic.Int64
}

func newBargain(t *testing.T) *bargain {
	t.Helper()
	b := &bargain{World: acttest.NewWorld(t), t: t}
	b.Serve("/x/.well-known/agent-card.json", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, b.card) }))
	b.Serve("/x/terms", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.asked.Add(1)
		request, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, b.answer(request))
	}))
	var err error
	b.shop, err = b.Agent.Shop(acttest.ShopDID, b.URL+"/x", b.Client)
	must(t, err)
	b.declare(commerce.OneWay, b.URL+"/x/terms")
	b.state(b.offer())
	return b
}

// declare signs a card with the address of a mode.
func (b *bargain) declare(mode commerce.Mode, address string) {
	b.card = b.signed(acttest.ShopDID, b.Seller.Signer(keys.Seller), mode, address)
}

func (b *bargain) signed(id string, s *keys.Signer, mode commerce.Mode, address string) string {
	b.t.Helper()
	n := commerce.Negotiation{Mode: mode, CapabilityURL: address}
	if mode == commerce.TwoWay {
		n = commerce.Negotiation{Mode: mode, Endpoint: address}
	}
	text, err := commerce.AgentCard{
		AgentID: id, Name: "x", Description: "x", Version: "1", URL: b.URL + "/x", Negotiation: n,
		Skills: []commerce.Skill{{ID: "x", Name: "x", Description: "x", Tags: []string{"x"}}},
	}.Encode()
	must(b.t, err)
	card, err := commerce.SignAgentCard(s, text)
	must(b.t, err)
	return string(card)
}

// offer is what the shop really is paid by.
func (b *bargain) offer() commerce.Offer {
	return commerce.Offer{
		MethodID: acttest.Method, PSPID: acttest.PSPDID, Endpoint: b.PSP.Server.URL, MethodSchemaURL: commerce.ProfileSchemaURL,
	}
}

// state answers with a statement.
func (b *bargain) state(offers ...commerce.Offer) {
	b.t.Helper()
	c := commerce.Capability{AgentID: acttest.ShopDID, Mode: commerce.OneWay, Offers: offers}
	body, err := c.Encode()
	must(b.t, err)
	b.say(string(body))
}

func (b *bargain) say(body string) { b.answer = func([]byte) string { return body } }

func (b *bargain) negotiate() (agent.Agreement, error) {
	return b.shop.Negotiate(ctx, acttest.CNY(b.t, "18.00"))
}

// refuse checks that nothing was agreed on, and what for.
func (b *bargain) refuse(code protocol.Code, field string) {
	b.t.Helper()
	got, err := b.negotiate()
	if e := protocol.AsError(err); e == nil || e.Code != code || field != "" && e.Field != field {
		b.t.Fatalf("got %v, want %s at %s", err, code, field)
	}
	if got != (agent.Agreement{}) {
		b.t.Fatalf("an agreement beside the error: %+v", got)
	}
	if b.PSP.Calls("/payments") != 0 {
		b.t.Fatal("CID-PCA-NEG-05: something was paid")
	}
}

func TestNegotiateOneWay(t *testing.T) {
	w, shop := coffee(t)
	w.Grant(t, specified)
	agreed, err := shop.Negotiate(ctx, acttest.CNY(t, "18.00"))
	must(t, err)
	if agreed != (agent.Agreement{MethodID: acttest.Method, PSPID: acttest.PSPDID, Endpoint: w.PSP.Server.URL, MethodSchemaURL: commerce.ProfileSchemaURL}) {
		t.Fatalf("CID-PCA-NEG-04: %+v", agreed)
	}
	order, err := shop.Under(agreed).ConfirmCart(ctx, lattes(1), commerce.Fulfilment{})
	must(t, err)
	if order.Confirmation.PSPID != agreed.PSPID || order.Confirmation.PaymentMethod != agreed.MethodID {
		t.Fatalf("%+v", order.Confirmation)
	}
	_, err = w.Agent.PayOrder(ctx, order)
	must(t, err)
	t.Run("CID-PCA-NEG-07 a made-up agreement pays nobody else", func(t *testing.T) {
		for name, change := range map[string]func(*agent.Agreement){
			"endpoint": func(a *agent.Agreement) { a.Endpoint = "https://evil.example" },
			"provider": func(a *agent.Agreement) { a.PSPID = "did:act:evil.example/pay" },
			"method":   func(a *agent.Agreement) { a.MethodID = "urn:act:payment:cash" },
			"schema":   func(a *agent.Agreement) { a.MethodSchemaURL = "https://evil.example/schema" },
			"all":      func(a *agent.Agreement) { *a = agent.Agreement{} },
		} {
			bad := agreed
			change(&bad)
			if _, err := shop.Under(bad).ConfirmCart(ctx, lattes(1), commerce.Fulfilment{}); err == nil {
				t.Errorf("another %s was used", name)
			}
		}
	})
}

func TestNegotiateTwoWay(t *testing.T) {
	b := newBargain(t)
	b.Grant(t, nil)
	b.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food", Price: acttest.CNY(t, "18.00")}, 1)
	b.Serve("/x/negotiations", b.Shop.NegotiationHandler(nil))
	b.declare(commerce.TwoWay, b.URL+"/x/negotiations")
	agreed, err := b.negotiate()
	must(t, err)
	if commerce.Offer(agreed) != b.offer() {
		t.Fatalf("CID-PCA-NEG-04: %+v", agreed)
	}
	t.Run("CID-PCA-NEG-06 what is asked", func(t *testing.T) {
		b.declare(commerce.TwoWay, b.URL+"/x/terms")
		var q map[string]any
		b.answer = func(raw []byte) string { _ = json.Unmarshal(raw, &q); return "" }
		_, _ = b.negotiate()
		methods, _ := q["buyer_supported_methods"].([]any)
		if q["agent_id"] != acttest.AgentDID || q["currency"] != "CNY" || q["estimated_amount"] != "18.00" || len(methods) != 1 || methods[0] != acttest.Method {
			t.Fatalf("%v", q)
		}
	})
	t.Run("CID-PCA-NEG-08 a currency the shop does not have", func(t *testing.T) {
		b.declare(commerce.TwoWay, b.URL+"/x/negotiations")
		if _, err := b.shop.Negotiate(ctx, usd(t, "2.00")); protocol.CodeOf(err) != protocol.CodeNoMatch {
			t.Fatal(err)
		}
	})
}

// answering answers a two-way request with some offers.
func answering(agentID string, offers string) func([]byte) string {
	return func(raw []byte) string {
		var q struct {
			RequestID string `json:"request_id"`
		}
		_ = json.Unmarshal(raw, &q)
		return `{"request_id":"` + q.RequestID + `","agent_id":"` + agentID + `","supported_methods":[` + offers + `]}`
	}
}

func TestNegotiateAnswers(t *testing.T) {
	b := newBargain(t)
	b.Grant(t, nil)
	b.declare(commerce.TwoWay, b.URL+"/x/terms")
	text := func(o commerce.Offer) string {
		return `{"method_id":"` + o.MethodID + `","psp_id":"` + o.PSPID + `","endpoint":"` + o.Endpoint + `","method_schema_url":"` + o.MethodSchemaURL + `"}`
	}
	cash := b.offer()
	cash.MethodID = "urn:act:payment:cash"
	for _, c := range []struct {
		name, agent, offers string
		code                protocol.Code
	}{
		{"the right one", acttest.ShopDID, text(b.offer()), ""},
		{"CID-PCA-NEG-05 nothing", acttest.ShopDID, "", protocol.CodeNoMatch},
		{"CID-PCA-NEG-08 a method that was not asked for", acttest.ShopDID, text(cash), protocol.CodeClaimsConflict},
		{"CID-PCA-NEG-08 the same beside the right one", acttest.ShopDID, text(b.offer()) + "," + text(cash), protocol.CodeClaimsConflict},
		{"CID-PCA-NEG-07 an offer twice", acttest.ShopDID, text(b.offer()) + "," + text(b.offer()), protocol.CodeFieldInvalid},
		{"CID-PCA-NEG-07 of another agent", "did:act:shop.test/other", text(b.offer()), protocol.CodeClaimsConflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.answer = answering(c.agent, c.offers)
			if _, err := b.negotiate(); protocol.CodeOf(err) != c.code {
				t.Fatalf("got %v, want %q", err, c.code)
			}
		})
	}
	t.Run("CID-PCA-NEG-07 the answer to another request", func(t *testing.T) {
		b.say(answering(acttest.ShopDID, text(b.offer()))([]byte(`{"request_id":"another"}`)))
		b.refuse(protocol.CodeClaimsConflict, "request_id")
	})
}

func TestNegotiateInsideTheMandate(t *testing.T) {
	b := newBargain(t)
	t.Run("CID-PCA-NEG-03 without a mandate nobody is asked", func(t *testing.T) {
		b.refuse(protocol.CodeNoMatch, "supported_methods")
		if b.asked.Load() != 0 {
			t.Fatal("the merchant was asked")
		}
	})
	b.Grant(t, func(i *delegation.ISR) { i.AllowedPaymentMethods = []string{"urn:act:payment:other"} })
	t.Run("CID-PCA-NEG-03 a method outside of the mandate", func(t *testing.T) {
		b.refuse(protocol.CodeNoMatch, "supported_methods")
		if b.asked.Load() != 0 {
			t.Fatal("the merchant was asked")
		}
	})
	t.Run("CID-PCA-NEG-03 of several instruments the first inside the mandate", func(t *testing.T) {
		other, told := "urn:act:payment:other", 0
		var refusal agent.Refusal
		buyer := b.NewAgent(t, func(c *agent.Config) {
			second := c.Instruments[0]
			second.Method = other
			c.Instruments = append(c.Instruments, second)
			c.Wallet = b.Agent.Wallet()
			c.Refused = func(_ context.Context, r agent.Refusal) error { told++; refusal = r; return nil }
		})
		shop, err := buyer.Shop(acttest.ShopDID, b.URL+"/x", b.Client)
		must(t, err)
		both := b.offer()
		both.MethodID = other
		b.state(b.offer(), both)
		agreed, err := shop.Negotiate(ctx, acttest.CNY(t, "1.00"))
		must(t, err)
		if agreed.MethodID != other {
			t.Fatalf("%+v", agreed)
		}
		b.state(b.offer())
		_, err = shop.Negotiate(ctx, acttest.CNY(t, "1.00"))
		wantCode(t, err, protocol.CodeNoMatch)
		if len(buyer.Refusals()) != 1 || told != 1 || refusal.Policy != delegation.PauseAndNotify || refusal.Purchase.Merchant != acttest.ShopDID {
			t.Fatalf("CID-PCA-NEG-05: told %d times, %+v", told, refusal)
		}
	})
}

type otherPSP struct{ agent.PSP }

func (otherPSP) ID() string { return "did:act:psp.test/other" }

func TestNegotiateAmongInstruments(t *testing.T) {
	b := newBargain(t)
	const other = "urn:act:payment:other"
	b.Grant(t, func(i *delegation.ISR) { i.AllowedPaymentMethods = []string{acttest.Method, other} })
	t.Run("CID-PCA-NEG-03 a provider that the mandate is not made for", func(t *testing.T) {
		buyer := b.NewAgent(t, func(c *agent.Config) {
			c.Instruments[0].PSP, c.Wallet = otherPSP{c.Instruments[0].PSP}, b.Agent.Wallet()
		})
		shop, err := buyer.Shop(acttest.ShopDID, b.URL+"/x", b.Client)
		must(t, err)
		_, err = shop.Negotiate(ctx, acttest.CNY(t, "1.00"))
		wantCode(t, err, protocol.CodeNoMatch)
		if b.asked.Load() != 0 {
			t.Fatal("the merchant was asked")
		}
	})
	t.Run("CID-PCA-NEG-04 the cart names what was agreed on, not what is preferred", func(t *testing.T) {
		w := acttest.NewWorldWith(t, acttest.Options{
			Merchant: func(c *merchant.Config) { c.Method = other },
			Agent: func(c *agent.Config) {
				second := c.Instruments[0]
				second.Method = other
				c.Instruments = append(c.Instruments, second)
			},
		})
		w.Grant(t, func(i *delegation.ISR) { i.AllowedPaymentMethods = []string{acttest.Method, other} })
		w.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food", Price: acttest.CNY(t, "18.00")}, 1)
		shop, err := w.Agent.Shop(acttest.ShopDID, w.URL, w.Client)
		must(t, err)
		_, err = shop.ConfirmCart(ctx, lattes(1), commerce.Fulfilment{})
		wantCode(t, err, protocol.CodeMethodNotAllowed)
		agreed, err := shop.Negotiate(ctx, acttest.CNY(t, "18.00"))
		must(t, err)
		order, err := shop.Under(agreed).ConfirmCart(ctx, lattes(1), commerce.Fulfilment{})
		must(t, err)
		if order.Confirmation.PaymentMethod != other {
			t.Fatalf("%+v", order.Confirmation)
		}
	})
}

// TestNegotiateInstant: while the principal is there the intent bounds the
// methods, and no mandate is needed.
func TestNegotiateInstant(t *testing.T) {
	w := acttest.NewWorld(t)
	negotiate := func(methods ...string) error {
		isr := &delegation.ISR{
			ConversationHistory: &delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "A coffee."}},
			IntentID:            "urn:uuid:00000000-0000-4000-8000-000000000002", DelegationMode: delegation.Bounded,
			ValidityStart: acttest.Start, ValidityEnd: acttest.Start.Add(time.Hour), MaxTotalAmount: "100", Currency: "CNY",
			AllowedPaymentMethods: methods, AgentID: acttest.AgentDID, UserConfirmationMethod: "PIN", UserConfirmationTimestamp: acttest.Start,
		}
		confirmed, err := delegation.ConfirmedISR(isr)
		must(t, err)
		buyer, err := w.Agent.Instant(agent.InstantConfig{Intent: confirmed, Cashier: func(context.Context, payment.Pending) error { return nil }})
		must(t, err)
		shop, err := buyer.Shop(acttest.ShopDID, w.URL, w.Client)
		must(t, err)
		_, err = shop.Negotiate(ctx, acttest.CNY(t, "18.00"))
		return err
	}
	t.Run("CID-PCA-NEG-03 inside the intent", func(t *testing.T) { must(t, negotiate("urn:act:payment:other", acttest.Method)) })
	t.Run("CID-PCA-NEG-03 outside of the intent", func(t *testing.T) { wantCode(t, negotiate("urn:act:payment:other"), protocol.CodeNoMatch) })
}

// TestHostileCards: what is fetched instead of the card.
func TestHostileCards(t *testing.T) {
	b := newBargain(t)
	b.Grant(t, nil)
	_, err := b.negotiate()
	must(t, err)
	good, terms := b.card, b.URL+"/x/terms"
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { b.asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	other := acttest.NewParty(t, "did:act:shop.test/other", keys.Seller)
	b.Directory.Add(other)
	forger := acttest.NewParty(t, acttest.ShopDID, keys.Seller) // not in the directory
	body, _, _ := strings.Cut(good, `,"signatures"`)
	address := strings.TrimPrefix(b.URL, "https://")
	_, port, _ := strings.Cut(address, ":")
	for _, c := range []struct {
		name, card string
		code       protocol.Code
	}{
		{"unsigned", `{"agent_id":"` + acttest.ShopDID + `","capabilities":{"act:payment:negotiation":{"mode":"one-way","capability_url":"` + terms + `"}}}`, protocol.CodeFieldMissing},
		{"of another merchant", b.signed("did:act:shop.test/other", other.Signer(keys.Seller), commerce.OneWay, terms), protocol.CodeClaimsConflict},
		{"signed by another merchant", strings.Replace(b.signed("did:act:shop.test/other", other.Signer(keys.Seller), commerce.OneWay, terms), "shop.test/other", "shop.test/shop", 1), protocol.CodeClaimsConflict},
		{"signed by a forger", b.signed(acttest.ShopDID, forger.Signer(keys.Seller), commerce.OneWay, terms), protocol.CodeSignatureInvalid},
		{"changed after it was signed", strings.Replace(good, "/x/terms", "/x/other", 1), protocol.CodeSignatureInvalid},
		{"cut off", body, protocol.CodeMalformed},
		{"a page", "<html>", protocol.CodeMalformed},
		{"another host", b.signed(acttest.ShopDID, b.Seller.Signer(keys.Seller), commerce.OneWay, elsewhere.URL+"/terms"), protocol.CodeClaimsConflict},
		{"another port", b.signed(acttest.ShopDID, b.Seller.Signer(keys.Seller), commerce.OneWay, "https://127.0.0.1:1/terms"), protocol.CodeClaimsConflict},
		{"a port that begins with this one", b.signed(acttest.ShopDID, b.Seller.Signer(keys.Seller), commerce.OneWay, "https://127.0.0.1/"+port+"/terms"), protocol.CodeClaimsConflict},
		{"a host that begins with this one", b.signed(acttest.ShopDID, b.Seller.Signer(keys.Seller), commerce.OneWay, "https://127.0.0.1.evil.example/terms"), protocol.CodeClaimsConflict},
		{"inside", b.signed(acttest.ShopDID, b.Seller.Signer(keys.Seller), commerce.TwoWay, "https://169.254.169.254/latest"), protocol.CodeClaimsConflict},
		{"without TLS", strings.Replace(good, terms, "http"+strings.TrimPrefix(terms, "https"), 1), protocol.CodeFieldInvalid},
		{"with a user", strings.Replace(good, terms, "https://u@"+address+"/x/terms", 1), protocol.CodeFieldInvalid},
	} {
		t.Run("CID-PCA-NEG-07 a card "+c.name, func(t *testing.T) {
			b.t, b.card = t, c.card
			b.asked.Store(0)
			b.refuse(c.code, "")
			if b.asked.Load() != 0 {
				t.Fatal("what the card points to was fetched")
			}
		})
	}
	t.Run("CID-PCA-NEG-02 a card without payment", func(t *testing.T) {
		text, err := commerce.AgentCard{AgentID: acttest.ShopDID, Name: "x", Description: "x", Version: "1", URL: b.URL, Skills: []commerce.Skill{{ID: "x", Name: "x", Description: "x", Tags: []string{"x"}}}}.Encode()
		must(t, err)
		card, err := commerce.SignAgentCard(b.Seller.Signer(keys.Seller), text)
		must(t, err)
		b.t, b.card = t, string(card)
		b.refuse(protocol.CodeNoMatch, "capabilities")
	})
	t.Run("CID-PCA-NEG-07 the directory is down", func(t *testing.T) {
		b.t, b.card = t, good
		b.Directory.SetDown(true)
		defer b.Directory.SetDown(false)
		b.refuse(protocol.CodeKeyUnavailable, "")
	})
}

// TestHostileStatements: what is fetched instead of the statement.
func TestHostileStatements(t *testing.T) {
	b := newBargain(t)
	b.Grant(t, nil)
	edit := func(change func(*commerce.Offer)) []commerce.Offer {
		o := b.offer()
		change(&o)
		return []commerce.Offer{o}
	}
	evil := commerce.Offer{MethodID: acttest.Method, PSPID: "did:act:evil.example/pay", Endpoint: "https://evil.example/act", MethodSchemaURL: commerce.ProfileSchemaURL}
	for _, c := range []struct {
		name   string
		offers []commerce.Offer
		code   protocol.Code
		field  string
	}{
		{"CID-PCA-NEG-05 an empty list", nil, protocol.CodeNoMatch, ""},
		{"CID-PCA-NEG-05 another method", edit(func(o *commerce.Offer) { o.MethodID = "urn:act:payment:cash" }), protocol.CodeNoMatch, ""},
		{"CID-PCA-NEG-05 another provider", []commerce.Offer{evil}, protocol.CodeNoMatch, ""},
		{"CID-PCA-NEG-07 our provider at another endpoint", edit(func(o *commerce.Offer) { o.Endpoint = "https://evil.example/act" }), protocol.CodeClaimsConflict, "supported_methods[0].endpoint"},
		{"CID-PCA-NEG-07 our provider at another path", edit(func(o *commerce.Offer) { o.Endpoint += "/v2" }), protocol.CodeClaimsConflict, "supported_methods[0].endpoint"},
		{"CID-PCA-NEG-07 our endpoint for another provider", edit(func(o *commerce.Offer) { o.PSPID = "did:act:evil.example/pay" }), protocol.CodeClaimsConflict, "supported_methods[0].psp_id"},
		{"CID-PCA-NEG-07 another form of payload", edit(func(o *commerce.Offer) { o.MethodSchemaURL = "https://evil.example/schema" }), protocol.CodeClaimsConflict, "supported_methods[0].method_schema_url"},
		{"CID-PCA-NEG-07 a lie beside the truth", append(edit(func(o *commerce.Offer) { o.MethodID, o.Endpoint = "urn:act:payment:cash", "https://evil.example/act" }), b.offer()), protocol.CodeClaimsConflict, "supported_methods[0].endpoint"},
		{"CID-PCA-NEG-03 the truth behind somebody else's offer", []commerce.Offer{evil, b.offer()}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			b.state(c.offers...)
			if c.code == "" {
				agreed, err := b.negotiate()
				must(t, err)
				if commerce.Offer(agreed) != b.offer() {
					t.Fatalf("%+v", agreed)
				}
				return
			}
			b.refuse(c.code, c.field)
		})
	}
	b.state(b.offer())
	good := b.answer(nil)
	for _, c := range []struct {
		name, old, new string
		code           protocol.Code
	}{
		{"of another agent", acttest.ShopDID, "did:act:shop.test/other", protocol.CodeClaimsConflict},
		{"of the other mode", "one-way", "two-way", protocol.CodeClaimsConflict},
		{"of a payer", "payee", "payer", protocol.CodeFieldInvalid},
		{"with capitals in an endpoint", "https://", "HTTPS://", protocol.CodeFieldInvalid},
		{"with a slash more", b.PSP.Server.URL, b.PSP.Server.URL + "/", protocol.CodeFieldInvalid},
		{"with an endpoint without TLS", "https://", "http://", protocol.CodeFieldInvalid},
		{"with an unknown member", `"role"`, `"terms":"free","role"`, protocol.CodeFieldUnknown},
		{"in a page", good, "<html>", protocol.CodeMalformed},
	} {
		t.Run("CID-PCA-NEG-07 a statement "+c.name, func(t *testing.T) {
			b.t = t
			b.say(strings.Replace(good, c.old, c.new, 1))
			b.refuse(c.code, "")
		})
	}
	t.Run("CID-PCA-NEG-07 a method twice", func(t *testing.T) {
		b.t = t
		list := good[strings.Index(good, `"supported_methods":[`)+len(`"supported_methods":[`) : strings.LastIndex(good, `],"version"`)]
		b.say(strings.Replace(good, list, list+","+list, 1))
		b.refuse(protocol.CodeFieldInvalid, "supported_methods[1].method_id")
	})
}

// TestNegotiateTransport: redirects, sizes and slowness.
func TestNegotiateTransport(t *testing.T) {
	b := newBargain(t)
	b.Grant(t, nil)
	good := b.answer(nil)
	var followed atomic.Int64
	for path, h := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/x/aside", http.StatusTemporaryRedirect)
		},
		"aside": func(w http.ResponseWriter, _ *http.Request) { followed.Add(1); _, _ = io.WriteString(w, good) },
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat(" ", 1<<20)+good)
		},
		"slow": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		},
		"down": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"gone": http.NotFound,
	} {
		b.Serve("/x/"+path, h)
	}
	for _, mode := range []commerce.Mode{commerce.OneWay, commerce.TwoWay} {
		for _, path := range []string{"redirect", "huge", "slow", "down", "gone"} {
			t.Run("CID-PCA-NEG-07 "+string(mode)+" "+path, func(t *testing.T) {
				b.t = t
				b.shop.Within(200 * time.Millisecond)
				b.declare(mode, b.URL+"/x/"+path)
				begun := time.Now()
				b.refuse(protocol.CodeServiceUnavailable, "")
				if took := time.Since(begun); took > 3*time.Second {
					t.Fatalf("held for %s", took)
				}
				if followed.Load() != 0 {
					t.Fatal("a redirect was followed")
				}
			})
		}
	}
	t.Run("CID-PCA-NEG-07 a base without TLS", func(t *testing.T) {
		plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, b.card) }))
		defer plain.Close()
		shop, err := b.Agent.Shop(acttest.ShopDID, plain.URL, plain.Client())
		must(t, err)
		b.card = b.signed(acttest.ShopDID, b.Seller.Signer(keys.Seller), commerce.OneWay, "https"+strings.TrimPrefix(plain.URL, "http")+"/terms")
		_, err = shop.Negotiate(ctx, acttest.CNY(t, "1.00"))
		wantCode(t, err, protocol.CodeClaimsConflict)
	})
	t.Run("CID-PCA-NEG-01 a shop without a card", func(t *testing.T) {
		shop, err := b.Agent.Shop(acttest.ShopDID, b.URL+"/nothing", b.Client)
		must(t, err)
		_, err = shop.Negotiate(ctx, acttest.CNY(t, "1.00"))
		wantCode(t, err, protocol.CodeServiceUnavailable)
	})
}

// TestNegotiateNothing: the World's own shop, paid by another method.
func TestNegotiateNothing(t *testing.T) {
	w := acttest.NewWorldWith(t, acttest.Options{Merchant: func(c *merchant.Config) { c.Method = "urn:act:payment:other" }})
	w.Grant(t, nil)
	shop, err := w.Agent.Shop(acttest.ShopDID, w.URL, w.Client)
	must(t, err)
	_, err = shop.Negotiate(ctx, acttest.CNY(t, "1.00"))
	wantCode(t, err, protocol.CodeNoMatch)
}

func usd(t *testing.T, decimal string) money.Amount {
	t.Helper()
	a, err := money.ParseCurrency("USD")
	must(t, err)
	sum, err := money.Parse(decimal, a)
	must(t, err)
	return sum
}

// TestNegotiateWithWhom: a merchant that no mandate lets the agent buy from now
// is not told by what the agent could pay, and about how much.
func TestNegotiateWithWhom(t *testing.T) {
	for name, grant := range map[string]func(*delegation.ISR){
		"another merchant's": func(i *delegation.ISR) {
			i.DelegationMode = delegation.Specified
			i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{"did:act:shop.test/other"}}}
		},
		"one that forbids it": func(i *delegation.ISR) {
			i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{ForbiddenMerchants: []string{acttest.ShopDID}}}
		},
		"one that is over": nil,
	} {
		t.Run("CID-PCA-NEG-03 PRV-01 "+name, func(t *testing.T) {
			b := newBargain(t)
			m := b.Grant(t, grant)
			b.declare(commerce.TwoWay, b.URL+"/x/terms")
			if grant == nil {
				_, end := m.Bounds().Window()
				b.Clock.Advance(end.Sub(b.Clock.Now()))
			}
			_, err := b.shop.Negotiate(context.Background(), acttest.CNY(t, "12.00"))
			wantCode(t, err, protocol.CodeNoMatch)
			if n := b.asked.Load(); n != 0 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}
