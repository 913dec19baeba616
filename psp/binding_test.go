package psp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

// wish asks for a token of 40.00 CNY for a day, at the shop.
func wish(t testing.TB) payment.BindingRequest {
	return payment.BindingRequest{RequestID: canon.UUID(), PrincipalID: acttest.PrincipalDID, Terms: payment.BindingTerms{
		Instrument: payment.BindPaymentToken, Currency: acttest.CNY(t, "0").Currency(), ValidUntil: acttest.Start.Add(24 * time.Hour),
		Ceiling: acttest.CNY(t, "40.00"), Merchants: []string{acttest.ShopDID},
	}}
}

// waits is the answer that the principal has to decide.
func waits(t testing.TB, err error) payment.BindingPending {
	t.Helper()
	var await *payment.AwaitsBinding
	if !errors.As(err, &await) || !errors.Is(err, protocol.ErrUndetermined) {
		t.Fatalf("PSD-PMT-BND-02: got %v, want that it waits", err)
	}
	return await.Pending
}

func TestBind(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	q := wish(t)
	_, err := buyer.Bind(ctx, q, nil)
	first := waits(t, err)
	_, err = buyer.Bind(ctx, q, nil)
	if again := waits(t, err); again.BindingURL != first.BindingURL || !again.ExpiresAt.Equal(first.ExpiresAt) {
		t.Errorf("PSD-PMT-BND-02: %+v, then %+v", first, again)
	}
	must(t, w.PSP.AcceptBinding(first.BindingURL, func(b *payment.BindingTerms) { b.Ceiling = acttest.CNY(t, "20.00") }))
	bound, err := buyer.Bind(ctx, q, nil)
	must(t, err)
	if bound.PaymentToken == "" || bound.SubAccountID != "" || bound.Terms.Ceiling != acttest.CNY(t, "20.00") || bound.PrincipalID != acttest.PrincipalDID || !bound.BoundAt.Equal(acttest.Start) {
		t.Errorf("PSD-PMT-BND-03: %+v", bound)
	}
	again, err := buyer.Bind(ctx, q, nil)
	must(t, err)
	if again.PaymentToken != bound.PaymentToken {
		t.Errorf("PSD-PMT-BND-05: bound twice: %+v", again)
	}
	state, err := buyer.Instrument(ctx, payment.InstrumentQuery{PaymentToken: bound.PaymentToken})
	must(t, err)
	if state.State != payment.InstrumentActive || state.Available != acttest.CNY(t, "20.00") {
		t.Errorf("PSD-PMT-BND-03: %+v", state)
	}
	pay := request(t, w, "18.00")
	pay.PaymentToken = bound.PaymentToken
	_, err = buyer.Pay(ctx, pay)
	must(t, err)
	pay = request(t, w, "18.00") // over what the principal lowered it to
	pay.PaymentToken = bound.PaymentToken
	_, err = buyer.Pay(ctx, pay)
	wantCode(t, err, protocol.CodeInstrumentInvalid)
	q.Terms.Ceiling = acttest.CNY(t, "41.00")
	_, err = buyer.Bind(ctx, q, nil)
	wantCode(t, err, protocol.CodeRequestConflict)
}

func TestBindSubAccount(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	key, err := keys.Generate(keys.ES256)
	must(t, err)
	sub, err := keys.NewSigner(acttest.AgentDID+"#purse", keys.SubAccount, key)
	must(t, err)
	q := wish(t)
	q.Terms = payment.BindingTerms{Instrument: payment.BindSubAccount, Currency: q.Terms.Currency, Single: acttest.CNY(t, "20.00")}
	_, err = buyer.Bind(ctx, q, sub)
	must(t, w.PSP.AcceptBinding(waits(t, err).BindingURL, nil))
	bound, err := buyer.Bind(ctx, q, sub)
	must(t, err)
	if bound.SubAccountID == "" || bound.PaymentToken != "" || bound.Terms.Single != acttest.CNY(t, "20.00") {
		t.Fatalf("PSD-AGT-SUB-01: %+v", bound)
	}
	must(t, w.PSP.Ledger().FundSubAccount(bound.SubAccountID, 30_00))
	pay := request(t, w, "18.00")
	pay.PaymentToken, pay.SubAccountID = "", bound.SubAccountID
	_, err = buyer.PayFrom(ctx, pay, sub)
	must(t, err)
	again := q
	again.RequestID = canon.UUID()
	_, err = buyer.Bind(ctx, again, sub)
	wantCode(t, w.PSP.AcceptBinding(waits(t, err).BindingURL, nil), protocol.CodeSubAccountKey)
	_, err = buyer.Bind(ctx, again, sub)
	var refused *payment.BindingRefusal
	if !errors.As(err, &refused) || refused.Reason.Code != protocol.CodeSubAccountKey {
		t.Errorf("PSD-PMT-BND-05: %v", err)
	}
}

func TestBindRefused(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	final := func(q payment.BindingRequest) {
		t.Helper()
		for range 2 {
			_, err := buyer.Bind(ctx, q, nil)
			var refused *payment.BindingRefusal
			if !errors.As(err, &refused) || refused.RequestID != q.RequestID || refused.Reason.Code != protocol.CodeConfirmationFailed || errors.Is(err, protocol.ErrUndetermined) {
				t.Fatalf("PSD-PMT-BND-05: %v", err)
			}
		}
	}
	q := wish(t)
	_, err := buyer.Bind(ctx, q, nil)
	must(t, w.PSP.DeclineBinding(waits(t, err).BindingURL))
	final(q)
	q = wish(t)
	_, err = buyer.Bind(ctx, q, nil)
	url := waits(t, err).BindingURL
	w.Clock.Advance(30 * time.Minute)
	wantCode(t, w.PSP.AcceptBinding(url, nil), protocol.CodeConfirmationFailed)
	final(q)
	q = wish(t)
	w.PSP.Fail("/bindings", acttest.LoseAnswer, acttest.Unavailable, acttest.Deny(protocol.CodeAccessDenied))
	for _, code := range []protocol.Code{protocol.CodeServiceUnavailable, protocol.CodeServiceUnavailable, protocol.CodeAccessDenied} {
		_, err = buyer.Bind(ctx, q, nil)
		wantCode(t, err, code)
		var refused *payment.BindingRefusal
		if errors.As(err, &refused) {
			t.Errorf("%v is taken for the stored answer", err)
		}
	}
	_, err = buyer.Bind(ctx, q, nil) // once more, and nothing was asked twice
	waits(t, err)
}

// TestLyingAboutBindings: answers by the provider's own good key that are none
// to what was asked.
func TestLyingAboutBindings(t *testing.T) {
	w := acttest.NewWorld(t)
	proof := w.PSP.Party.Signer(keys.Proof)
	q := wish(t)
	asks := func(h http.HandlerFunc) error {
		server := httptest.NewTLSServer(h)
		defer server.Close()
		c, err := psp.New(psp.Config{ID: acttest.PSPDID, Endpoint: server.URL, Signer: w.Buyer.Signer(keys.AgentRequest), Verifier: w.NewVerifier(t), HTTP: server.Client(), Now: w.Clock.Now})
		must(t, err)
		_, err = c.Bind(ctx, q, nil)
		return err
	}
	result := payment.BindingResult{
		RequestID: q.RequestID, PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID, PrincipalID: acttest.PrincipalDID, Terms: q.Terms, PaymentToken: "tok-1", BoundAt: acttest.Start,
	}
	result.Terms.ValidFrom = acttest.Start
	pending := payment.BindingPending{RequestID: q.RequestID, PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID, BindingURL: "https://psp.example/b", ExpiresAt: acttest.Start.Add(time.Minute)}
	says := func(change func(*payment.BindingResult)) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			r := result
			change(&r)
			body, err := payment.SignBindingResult(proof, r)
			must(t, err)
			_, _ = w.Write(body)
		}
	}
	later := func(change func(*payment.BindingPending)) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			p := pending
			change(&p)
			body, err := payment.SignBindingPending(proof, p)
			must(t, err)
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write(body)
		}
	}
	must(t, asks(says(func(*payment.BindingResult) {})))
	waits(t, asks(later(func(*payment.BindingPending) {})))
	for name, h := range map[string]http.HandlerFunc{
		"PSD-PMT-BND-03 a higher ceiling":      says(func(r *payment.BindingResult) { r.Terms.Ceiling = acttest.CNY(t, "40.01") }),
		"PSD-PMT-BND-03 more merchants":        says(func(r *payment.BindingResult) { r.Terms.Merchants = nil }),
		"PSD-PMT-BND-03 a longer time":         says(func(r *payment.BindingResult) { r.Terms.ValidUntil = r.Terms.ValidUntil.Add(time.Second) }),
		"PSD-PMT-BND-03 another principal":     says(func(r *payment.BindingResult) { r.PrincipalID = acttest.IssuerDID }),
		"PSD-PMT-BND-03 another agent's":       says(func(r *payment.BindingResult) { r.BuyerAgentID = acttest.IssuerDID }),
		"PSD-PMT-BND-03 another request":       says(func(r *payment.BindingResult) { r.RequestID = "other" }),
		"PSD-PMT-BND-03 bound tomorrow":        says(func(r *payment.BindingResult) { r.BoundAt = acttest.Start.Add(time.Hour) }),
		"PSD-PMT-BND-02 another request waits": later(func(p *payment.BindingPending) { p.RequestID = "other" }),
		"PSD-PMT-BND-02 another agent's waits": later(func(p *payment.BindingPending) { p.BuyerAgentID = acttest.IssuerDID }),
		"PSD-PMT-BND-02 no time left":          later(func(p *payment.BindingPending) { p.ExpiresAt = acttest.Start }),
		"a stored refusal of another request": func(w http.ResponseWriter, _ *http.Request) {
			problem.Write(w, &payment.BindingRefusal{RequestID: "other", Reason: protocol.New(protocol.CodeConfirmationFailed, "", "", "")}, 1)
		},
		"a stored refusal of a payment": func(w http.ResponseWriter, _ *http.Request) {
			problem.WriteStatus(w, http.StatusOK, &payment.Refusal{RequestID: q.RequestID, Reason: protocol.New(protocol.CodeConfirmationFailed, "", "", "")}, 1)
		},
		"a stored refusal that is undetermined": func(w http.ResponseWriter, _ *http.Request) {
			problem.Write(w, &payment.BindingRefusal{RequestID: q.RequestID, Reason: protocol.New(protocol.CodeOutcomeUnknown, "", "", "")}, 1)
		},
		"a page": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
	} {
		t.Run(name, func(t *testing.T) {
			err := asks(h)
			wantCode(t, err, protocol.CodeServiceUnavailable)
			if strings.Contains(err.Error(), "tok-1") {
				t.Error(err)
			}
		})
	}
}
