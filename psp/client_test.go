package psp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

var ctx = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != code || code == "" && err != nil {
		t.Fatalf("got %v, want %q", err, code)
	}
}

func client(t testing.TB, w *acttest.World, endpoint string, s *keys.Signer) *psp.Client {
	t.Helper()
	c, err := psp.New(psp.Config{
		ID: acttest.PSPDID, Endpoint: endpoint, Signer: s, Verifier: w.NewVerifier(t), HTTP: w.PSP.Server.Client(),
		Timeout: 2 * time.Second, Now: w.Clock.Now,
	})
	must(t, err)
	return c
}

// request is a payment request for an order that the shop has signed.
func request(t testing.TB, w *acttest.World, amount string) payment.Request {
	t.Helper()
	raw := w.Issue(t, func(i *delegation.ISR) {
		i.DelegationMode = delegation.Specified
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{acttest.ShopDID}}}
	})
	mandate, err := delegation.ParseMandate(raw)
	must(t, err)
	o := commerce.Order{
		MerchantID: acttest.ShopDID, BuyerAgentID: acttest.AgentDID, IssuedAt: acttest.Start, Expires: acttest.Start.Add(10 * time.Minute),
		MerchantOrderID: canon.UUID(), RequestID: "r", IntentID: mandate.Claims().Authorization.IntentID, PSPID: acttest.PSPDID, PaymentMethod: acttest.Method,
		Items:  []commerce.OrderLine{{ItemID: "latte", Name: "Latte", Category: "food", UnitPrice: acttest.CNY(t, amount), Quantity: 1}},
		Amount: acttest.CNY(t, amount), DeliverBy: acttest.Start,
	}
	token, err := commerce.SignOrder(w.Seller.Signer(keys.Seller), o)
	must(t, err)
	return payment.Request{
		Scenario: payment.ScenarioDEL, RequestID: canon.UUID(), PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID,
		MerchantID: acttest.ShopDID, DelegationID: mandate.Claims().ID, IAC: string(raw), MerchantOrderID: o.MerchantOrderID,
		Amount: o.Amount, PaymentMethod: acttest.Method, PaymentToken: w.PSP.Token, Order: string(token),
	}
}

func TestWholeTrade(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	seller := client(t, w, w.PSP.Server.URL, w.Seller.Signer(keys.Seller))
	q := request(t, w, "18.00")
	_, err := buyer.Query(ctx, q)
	wantCode(t, err, protocol.CodeTradeUnknown)
	first, err := buyer.Pay(ctx, q)
	must(t, err)
	if first.Amount != q.Amount || first.TradeState != payment.StateWaitSellerFulfillment {
		t.Fatalf("PSD-PAY-DEL-13: %+v", first)
	}
	again, err := buyer.Pay(ctx, q)
	must(t, err)
	if again.TradeNo != first.TradeNo || w.PSP.Balance() != acttest.Balance-1800 {
		t.Fatal("PSD-PAY-DEL-04: the same request was paid twice")
	}
	asked, err := buyer.Query(ctx, q)
	must(t, err)
	if asked.TradeNo != first.TradeNo {
		t.Fatal("PSD-PAY-A402-23: another answer to the question than to the payment")
	}
	changed := q
	changed.PaymentToken = "another"
	_, err = buyer.Pay(ctx, changed)
	wantCode(t, err, protocol.CodeRequestConflict)

	for range 2 {
		used, err := seller.Consume(ctx, first.PaymentProof, "1")
		must(t, err)
		if used.TradeNo != first.TradeNo || used.OutTradeNo != q.MerchantOrderID {
			t.Fatalf("%+v", used)
		}
	}
	_, err = seller.Consume(ctx, first.PaymentProof, "2")
	wantCode(t, err, protocol.CodeProofUsed)
	_, err = seller.ConfirmFulfilment(ctx, first.TradeNo, "2", acttest.Start)
	wantCode(t, err, protocol.CodeProofUsed) // as SPEC.md 6.3 says
	for range 2 {
		done, err := seller.ConfirmFulfilment(ctx, first.TradeNo, "1", acttest.Start)
		must(t, err)
		if done.TradeState != payment.StateTradeFinished {
			t.Fatalf("PSD-PAY-A402-10: %s", done.TradeState)
		}
	}
}

func TestRefusalsKeepTheirCode(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	q := request(t, w, "200.00")
	_, err := buyer.Pay(ctx, q)
	var e *protocol.Error
	if !errors.As(err, &e) || e.Code != protocol.CodeTotalLimitExceeded || e.Requirement != "PSD-PAY-DEL-07" || errors.Is(err, protocol.ErrUndetermined) {
		t.Fatalf("PSD-PAY-DEL-11: %v", err)
	}
	q = request(t, w, "18.00")
	w.Statuses.SetDown(true)
	_, err = buyer.Pay(ctx, q)
	wantCode(t, err, protocol.CodeStatusUnavailable)
	if !errors.Is(err, protocol.ErrUndetermined) {
		t.Fatal("undetermined became denied")
	}
	w.Statuses.SetDown(false)
	_, err = buyer.Pay(ctx, q) // undetermined outcomes are not stored
	must(t, err)
}

// TestStoredRefusals tells the provider's answer to a payment from its answer
// to a message.
func TestStoredRefusals(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	stored := func(err error) *payment.Refusal {
		var refusal *payment.Refusal
		errors.As(err, &refusal)
		return refusal
	}
	t.Run("PSD-PAY-A402-23 paying, paying again and asking get the same refusal", func(t *testing.T) {
		q := request(t, w, "200.00")
		for name, call := range map[string]func(context.Context, payment.Request) (payment.Result, error){"pay": buyer.Pay, "query": buyer.Query} {
			if name == "query" {
				_, _ = buyer.Pay(ctx, q)
			}
			_, err := call(ctx, q)
			r := stored(err)
			if r == nil || r.RequestID != q.RequestID || r.Reason.Code != protocol.CodeTotalLimitExceeded || r.Reason.Requirement != "PSD-PAY-DEL-07" {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
	t.Run("PSD-PAY-A402-23 what is not known is not refused", func(t *testing.T) {
		_, err := buyer.Query(ctx, request(t, w, "1.00"))
		wantCode(t, err, protocol.CodeTradeUnknown)
		if stored(err) != nil {
			t.Fatal("an unknown payment counts as refused")
		}
	})
	t.Run("PSD-PAY-DEL-04 a stranger's transmission is no answer", func(t *testing.T) {
		stranger := acttest.NewParty(t, acttest.AgentDID, keys.AgentRequest)
		q := request(t, w, "1.00")
		_, err := client(t, w, w.PSP.Server.URL, stranger.Signer(keys.AgentRequest)).Pay(ctx, q)
		wantCode(t, err, protocol.CodeSignatureInvalid)
		if stored(err) != nil {
			t.Fatal("stored")
		}
		_, err = buyer.Pay(ctx, q)
		must(t, err)
	})
	q := request(t, w, "1.00")
	for _, c := range []struct {
		name   string
		status int
		about  string
		body   string // what follows "code"
		code   protocol.Code
		stored bool
	}{
		{"as it should be", 403, q.RequestID, `"mandate_revoked"`, protocol.CodeMandateRevoked, true},
		{"to another payment", 403, "another", `"mandate_revoked"`, protocol.CodeOutcomeUnknown, false},
		{"to none", 403, "", `"mandate_revoked"`, protocol.CodeMandateRevoked, false},
		{"undetermined", 503, q.RequestID, `"status_unavailable"`, protocol.CodeOutcomeUnknown, false},
		{"by a broken server", 500, q.RequestID, `"mandate_revoked"`, protocol.CodeOutcomeUnknown, false},
		{"with an unknown code", 403, q.RequestID, `"because"`, protocol.CodeOutcomeUnknown, false},
	} {
		t.Run("PSD-PAY-A402-23 a stored refusal "+c.name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, `{"error":{"code":`+c.body+`,"payment_request_id":"`+c.about+`"}}`)
			}))
			defer server.Close()
			_, err := client(t, w, server.URL, w.Buyer.Signer(keys.AgentRequest)).Query(ctx, q)
			wantCode(t, err, c.code)
			if got := stored(err) != nil; got != c.stored {
				t.Fatalf("stored: %v", got)
			}
		})
	}
}

func TestWhatIsLostIsUnknown(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	seller := client(t, w, w.PSP.Server.URL, w.Seller.Signer(keys.Seller))
	for _, fault := range []acttest.Fault{acttest.Unavailable, acttest.LoseRequest, acttest.LoseAnswer} {
		for path, call := range map[string]func() error{
			"/payments":     func() error { _, err := buyer.Pay(ctx, request(t, w, "1.00")); return err },
			"/queries":      func() error { _, err := buyer.Query(ctx, request(t, w, "1.00")); return err },
			"/consumptions": func() error { _, err := seller.Consume(ctx, "e30", "1"); return err },
			"/fulfilments":  func() error { _, err := seller.ConfirmFulfilment(ctx, "1", "1", acttest.Start); return err },
		} {
			before := w.PSP.Calls(path)
			w.PSP.Fail(path, fault)
			if err := call(); !errors.Is(err, protocol.ErrUndetermined) {
				t.Errorf("%s fault %s: %v", path, fault, err)
			}
			if n := w.PSP.Calls(path) - before; n != 1 {
				t.Errorf("%s fault %s: sent %d times", path, fault, n)
			}
		}
	}
}

// TestHostileProvider answers in every wrong way there is.
func TestHostileProvider(t *testing.T) {
	w := acttest.NewWorld(t)
	q := request(t, w, "18.00")
	honest := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	other := request(t, w, "18.00")
	otherResult, err := honest.Pay(ctx, other)
	must(t, err)
	forger := acttest.NewParty(t, acttest.PSPDID, keys.Proof)
	sign := func(r payment.Result, s *keys.Signer) string {
		raw, err := payment.SignResult(s, r)
		must(t, err)
		return string(raw)
	}
	renamed := otherResult
	renamed.RequestID, renamed.MerchantOrderID, renamed.DelegationID = q.RequestID, q.MerchantOrderID, q.DelegationID
	var visits atomic.Int64
	for name, h := range map[string]http.HandlerFunc{
		"the answer to another request": func(w2 http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w2, sign(otherResult, w.PSP.Party.Signer(keys.Proof)))
		},
		"a result with the proof of another": func(w2 http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w2, sign(renamed, w.PSP.Party.Signer(keys.Proof)))
		},
		"another key": func(w2 http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w2, sign(renamed, forger.Signer(keys.Proof)))
		},
		"nothing":  func(http.ResponseWriter, *http.Request) {},
		"too much": func(w2 http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w2, strings.Repeat(" ", 1<<17)) },
		"a redirect": func(w2 http.ResponseWriter, r *http.Request) {
			visits.Add(1)
			http.Redirect(w2, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"a refusal without words": func(w2 http.ResponseWriter, _ *http.Request) { w2.WriteHeader(http.StatusForbidden) },
		"a refusal with unknown code": func(w2 http.ResponseWriter, _ *http.Request) {
			w2.WriteHeader(403)
			_, _ = io.WriteString(w2, `{"error":{"code":"because"}}`)
		},
		"a refusal by a broken server": func(w2 http.ResponseWriter, _ *http.Request) {
			w2.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w2, `{"error":{"code":"total_limit_exceeded","outcome":"denied"}}`)
		},
	} {
		t.Run("PSD-PAY-A402-23 "+name, func(t *testing.T) {
			server := httptest.NewTLSServer(h)
			defer server.Close()
			_, err := client(t, w, server.URL, w.Buyer.Signer(keys.AgentRequest)).Pay(ctx, q)
			wantCode(t, err, protocol.CodeOutcomeUnknown)
		})
	}
	if visits.Load() != 1 {
		t.Fatalf("a redirect was followed: %d visits", visits.Load())
	}
}

func TestConfig(t *testing.T) {
	w := acttest.NewWorld(t)
	good := psp.Config{
		ID: acttest.PSPDID, Endpoint: "https://psp.example/act", Signer: w.Buyer.Signer(keys.AgentRequest), Verifier: w.Verifier, HTTP: http.DefaultClient,
	}
	for name, edit := range map[string]func(*psp.Config){
		"id":                 func(c *psp.Config) { c.ID = "psp" },
		"no endpoint":        func(c *psp.Config) { c.Endpoint = "" },
		"without TLS":        func(c *psp.Config) { c.Endpoint = "http://psp.example" },
		"with a query":       func(c *psp.Config) { c.Endpoint = "https://psp.example?a" },
		"with a final slash": func(c *psp.Config) { c.Endpoint = "https://psp.example/" },
		"with a user":        func(c *psp.Config) { c.Endpoint = "https://u:p@psp.example" },
		"signer":             func(c *psp.Config) { c.Signer = nil },
		"verifier":           func(c *psp.Config) { c.Verifier = nil },
		"http":               func(c *psp.Config) { c.HTTP = nil },
		"a schema of no URL": func(c *psp.Config) { c.MethodSchemaURL = "https://psp.example/schema/" },
	} {
		c := good
		edit(&c)
		if _, err := psp.New(c); protocol.CodeOf(err) == "" {
			t.Errorf("%s: accepted: %v", name, err)
		}
	}
	c := good
	c.Endpoint, c.InsecureAllowHTTP = "http://127.0.0.1:1", true
	insecure, err := psp.New(c)
	must(t, err)
	if insecure.ID() != acttest.PSPDID || insecure.Endpoint() != c.Endpoint || insecure.MethodSchemaURL() != commerce.ProfileSchemaURL {
		t.Fatal("not what was configured")
	}
	_, err = insecure.Pay(ctx, payment.Request{PSPID: "did:act:psp.test/other"})
	wantCode(t, err, protocol.CodeAudienceMismatch)
}
