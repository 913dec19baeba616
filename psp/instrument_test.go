package psp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

func TestInstrument(t *testing.T) {
	w := acttest.NewWorld(t)
	buyer := client(t, w, w.PSP.Server.URL, w.Buyer.Signer(keys.AgentRequest))
	s, err := buyer.Instrument(ctx, payment.InstrumentQuery{PaymentToken: w.PSP.Token})
	must(t, err)
	if s.State != payment.InstrumentActive || s.PaymentToken != w.PSP.Token || s.Available.Valid() {
		t.Errorf("PSD-PAY-AUP-02 %+v", s)
	}
	purse := w.SubAccount(t, acttest.CNY(t, "6.00")).SubAccount.ID
	s, err = buyer.Instrument(ctx, payment.InstrumentQuery{SubAccountID: purse})
	must(t, err)
	if s.State != payment.InstrumentActive || s.Available != acttest.CNY(t, "6.00") {
		t.Errorf("PSD-AGT-SUB-02 %+v", s)
	}
	must(t, w.PSP.Ledger().SetSubAccountState(purse, provider.SubAccountCancelled))
	s, err = buyer.Instrument(ctx, payment.InstrumentQuery{SubAccountID: purse})
	must(t, err)
	if s.State != payment.InstrumentCancelled {
		t.Errorf("PSD-AGT-SUB-03 %+v", s)
	}
	for code, q := range map[protocol.Code]payment.InstrumentQuery{
		protocol.CodeInstrumentInvalid: {PaymentToken: "unknown"}, protocol.CodeSubAccountUnknown: {SubAccountID: "unknown"},
		protocol.CodeFieldMissing: {}, protocol.CodeFieldInvalid: {PaymentToken: "a", SubAccountID: "b"},
	} {
		_, err = buyer.Instrument(ctx, q)
		wantCode(t, err, code)
	}
	w.PSP.Fail("/instruments", acttest.LoseAnswer, acttest.Unavailable)
	for range 2 {
		_, err = buyer.Instrument(ctx, payment.InstrumentQuery{SubAccountID: purse})
		wantCode(t, err, protocol.CodeServiceUnavailable)
	}
}

// TestLyingAboutInstruments: answers of the provider's that are not about what
// was asked, by its own good key, and providers that do not know the question.
func TestLyingAboutInstruments(t *testing.T) {
	w := acttest.NewWorld(t)
	proof := w.PSP.Party.Signer(keys.Proof)
	asks := func(h http.HandlerFunc) error {
		server := httptest.NewTLSServer(h)
		defer server.Close()
		s, err := client(t, w, server.URL, w.Buyer.Signer(keys.AgentRequest)).Instrument(ctx, payment.InstrumentQuery{SubAccountID: "sub-1"})
		if (s == payment.InstrumentState{}) == (err == nil) {
			t.Errorf("%+v with %v", s, err)
		}
		return err
	}
	var earlier []byte
	for name, edit := range map[string]func(*payment.InstrumentState){
		"":                       func(*payment.InstrumentState) {},
		"another request":        func(s *payment.InstrumentState) { s.RequestID = "another" },
		"another sub-account":    func(s *payment.InstrumentState) { s.SubAccountID = "sub-2" },
		"a token":                func(s *payment.InstrumentState) { s.SubAccountID, s.PaymentToken = "", "sub-1" },
		"another agent's":        func(s *payment.InstrumentState) { s.BuyerAgentID = "did:act:agents.test/other" },
		"of six minutes ago":     func(s *payment.InstrumentState) { s.AsOf = s.AsOf.Add(-6 * time.Minute) },
		"of two minutes to come": func(s *payment.InstrumentState) { s.AsOf = s.AsOf.Add(2 * time.Minute) },
	} {
		t.Run("PSD-PAY-AUP-02 "+name, func(t *testing.T) {
			err := asks(func(out http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				must(t, err)
				u, err := payment.ParseInstrumentQuery(body)
				must(t, err)
				s := payment.InstrumentState{
					RequestID: u.Query.RequestID, PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID, SubAccountID: "sub-1",
					State: payment.InstrumentActive, Available: acttest.CNY(t, "6.00"), AsOf: w.Clock.Now(),
				}
				edit(&s)
				earlier, err = payment.SignInstrumentState(proof, s)
				must(t, err)
				_, _ = out.Write(earlier)
			})
			if name == "" {
				must(t, err)
				return
			}
			wantCode(t, err, protocol.CodeServiceUnavailable)
		})
	}
	for name, h := range map[string]http.HandlerFunc{
		"an older answer, replayed":        func(out http.ResponseWriter, _ *http.Request) { _, _ = out.Write(earlier) },
		"no such address":                  http.NotFound,
		"a status that is no answer":       func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusAccepted) },
		"an empty answer":                  func(http.ResponseWriter, *http.Request) {},
		"a denial that contradicts itself": func(out http.ResponseWriter, _ *http.Request) { problem.WriteStatus(out, 500, denied(), 1) },
		"a redirect to somebody who knows it is": func(out http.ResponseWriter, r *http.Request) {
			http.Redirect(out, r, w.PSP.Server.URL, http.StatusTemporaryRedirect)
		},
	} {
		t.Run("PSD-PAY-AUP-02 "+name, func(t *testing.T) {
			if err := asks(h); !errors.Is(err, protocol.ErrUndetermined) {
				t.Errorf("%v", err)
			}
		})
	}
}

func denied() error { return protocol.New(protocol.CodeSubAccountFrozen, "", "", "") }
