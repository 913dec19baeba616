package acttest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TestTenLines is what a user's test looks like.
func TestTenLines(t *testing.T) {
	w := acttest.NewWorld(t)
	w.Grant(t, func(isr *delegation.ISR) { isr.MaxTotalAmount = "10" })
	w.Sell("GET /report", merchant.Offer{Resource: "report-7", Category: "data/report", Price: acttest.CNY(t, "4.00")},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the report") }))
	for range 2 {
		resp, err := w.Buying().Get(w.URL + "/report")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != "the report" {
			t.Fatalf("%s: %s", resp.Status, body)
		}
	}
	_, err := w.Buying().Get(w.URL + "/report")
	var refused *protocol.Error
	if !errors.As(err, &refused) || refused.Code != protocol.CodeTotalLimitExceeded {
		t.Fatalf("third report: %v", err)
	}
	if got := w.PSP.Balance(); got != acttest.Balance-800 {
		t.Fatalf("balance %d", got)
	}
}

func TestCart(t *testing.T) {
	w := acttest.NewWorld(t)
	ctx := context.Background()
	w.Grant(t, func(isr *delegation.ISR) {
		isr.DelegationMode = delegation.Specified
		isr.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{acttest.ShopDID}}}
	})
	w.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, "18.00"), Delivery: 0}, 1)
	shop, err := w.Agent.Shop(acttest.ShopDID, w.URL, w.Client)
	if err != nil {
		t.Fatal(err)
	}
	order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
	if err != nil {
		t.Fatal(err)
	}
	paid, err := w.Agent.PayOrder(ctx, order)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		resp, err := w.Agent.PickUp(ctx, order, paid)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != "Latte\n" {
			t.Fatalf("%s: %s", resp.Status, body)
		}
	}
}

// TestDeny has the provider refuse what its rules would allow.
func TestDeny(t *testing.T) {
	sell := func(t *testing.T) *acttest.World {
		w := acttest.NewWorld(t)
		w.Grant(t, nil)
		w.Sell("GET /report", merchant.Offer{Resource: "r", Category: "data", Price: acttest.CNY(t, "4.00")}, http.NotFoundHandler())
		return w
	}
	buy := func(w *acttest.World) error {
		resp, err := w.Buying().Get(w.URL + "/report")
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	for _, code := range []protocol.Code{protocol.CodeBalanceInsufficient, protocol.CodeMandateRevoked, protocol.CodeKeyUnknown} {
		t.Run(string(code), func(t *testing.T) {
			w := sell(t)
			w.PSP.Fail("/payments", acttest.Deny(code))
			err := buy(w)
			var stored *payment.Refusal
			if protocol.CodeOf(err) != code || errors.Is(err, protocol.ErrUndetermined) || errors.As(err, &stored) != payment.Final(code) {
				t.Fatalf("%v", err)
			}
			if paid, _ := w.PSP.Trades(); paid != 0 {
				t.Fatal("refused and paid")
			}
			if err := buy(w); err != nil {
				t.Fatalf("one fault, and two calls went wrong: %v", err)
			}
		})
	}
	t.Run("PSD-PAY-A402-23 the answer to a question", func(t *testing.T) {
		w := sell(t)
		w.PSP.Fail("/payments", acttest.Unavailable)
		w.PSP.Fail("/queries", acttest.Deny(protocol.CodeReplayed))
		if err := buy(w); protocol.CodeOf(err) != protocol.CodeOutcomeUnknown {
			t.Fatalf("%v", err)
		}
	})
}

// TestFailKnowsItsFaults: a fault that would never happen is a mistake in the
// test.
func TestFailKnowsItsFaults(t *testing.T) {
	for path, fault := range map[string]acttest.Fault{
		"/paymentz": acttest.Unavailable, "payments": acttest.LoseAnswer, "/payments": "refuse", "/queries": acttest.Deny("no_such_code"),
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Fail(%q, %s) was accepted", path, fault)
				}
			}()
			acttest.Run(func(t acttest.TB) { acttest.NewWorld(t).PSP.Fail(path, fault) })
		}()
	}
	if s := fmt.Sprint(acttest.LoseAnswer, "; ", acttest.Deny(protocol.CodeMandateRevoked)); s != "lose the answer; deny with mandate_revoked" {
		t.Error(s)
	}
}

// hopeful is a provider that calls every payment token usable.
type hopeful struct{ agent.PSP }

func (hopeful) Instrument(_ context.Context, q payment.InstrumentQuery) (payment.InstrumentState, error) {
	return payment.InstrumentState{PaymentToken: q.PaymentToken, State: payment.InstrumentActive}, nil
}

// TestRefusalExplainsItself: what the ledger refuses comes with the checks, as
// what the mandate refuses does.
func TestRefusalExplainsItself(t *testing.T) {
	w := acttest.NewWorldWith(t, acttest.Options{Agent: func(c *agent.Config) {
		c.Instruments[0].Token, c.Instruments[0].PSP = "unknown", hopeful{c.Instruments[0].PSP}
	}})
	w.Grant(t, nil)
	w.Sell("GET /report", merchant.Offer{Resource: "r", Category: "data", Price: acttest.CNY(t, "4.00")}, http.NotFoundHandler())
	_, err := w.Buying().Get(w.URL + "/report")
	e := protocol.AsError(err)
	if e == nil || e.Code != protocol.CodeInstrumentInvalid || len(e.Checks) < 20 {
		t.Fatalf("%v with %d checks", err, len(e.Checks))
	}
	var failed []string
	for _, c := range e.Checks {
		if c.Name == "" {
			t.Errorf("a check without a name: %v", c)
		}
		if c.Outcome != protocol.Allowed {
			failed = append(failed, c.Name)
		}
	}
	if len(failed) != 1 || failed[0] != "payment token known" {
		t.Errorf("failed: %q", failed)
	}
}

// TestNewShop: two shops of one World sell and are paid, each for itself.
func TestNewShop(t *testing.T) {
	w := acttest.NewWorld(t)
	ctx := context.Background()
	w.Grant(t, nil)
	tea := commerce.Item{ID: "tea", Name: "Tea", Category: "food/tea", Price: acttest.CNY(t, "12.00")}
	for _, did := range []string{"did:act:corner.test/cafe", "did:act:station.test/kiosk"} {
		s := w.NewShop(t, did, tea)
		s.Sell("GET /report", merchant.Offer{Resource: "r", Category: "data", Price: acttest.CNY(t, "1.00")},
			http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(rw, did) }))
		shop, err := w.Agent.Shop(s.DID, s.URL, w.Client)
		if err != nil {
			t.Fatal(err)
		}
		agreed, err := shop.Negotiate(ctx, tea.Price)
		if err != nil {
			t.Fatal(err)
		}
		order, err := shop.Under(agreed).ConfirmCart(ctx, []agent.Line{{ItemID: "tea", Quantity: 1}}, commerce.Fulfilment{})
		if err != nil {
			t.Fatal(err)
		}
		if paid, err := w.Agent.PayOrder(ctx, order); err != nil || order.Confirmation.MerchantID != did || paid.Merchant != did {
			t.Fatalf("%v", err)
		}
		resp, err := w.Buying().Get(s.URL + "/report")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != did {
			t.Fatalf("%s: %s", resp.Status, body)
		}
	}
	if got := w.PSP.Balance(); got != acttest.Balance-2*13_00 {
		t.Errorf("balance %d", got)
	}
}
