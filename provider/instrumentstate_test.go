package provider_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// question is a good one about the agent's token.
func (l *till) question() payment.InstrumentQuery {
	return payment.InstrumentQuery{
		RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: l.w.Clock.Now(), PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID, PaymentToken: token,
	}
}

func (l *till) ask(q payment.InstrumentQuery) (provider.Answer, error) {
	l.Helper()
	body, err := payment.SignInstrumentQuery(l.w.Buyer.Signer(keys.AgentRequest), q)
	l.must(err)
	return l.provider.Instrument(ctx, body)
}

// state is what the answer to a good question says.
func (l *till) state(q payment.InstrumentQuery) payment.InstrumentState {
	l.Helper()
	a, err := l.ask(q)
	l.must(err)
	u, err := payment.ParseInstrumentState(a.Body)
	l.must(err)
	l.must(u.Verify(l.w.PSP.Party.Signer(keys.Proof).Public()))
	if a.Status != http.StatusOK || u.State.RequestID != q.RequestID || u.State.PSPID != acttest.PSPDID || u.State.BuyerAgentID != acttest.AgentDID {
		l.Fatalf("%d %+v", a.Status, u.State)
	}
	return u.State
}

func TestInstrument(t *testing.T) {
	l := newTill(t, nil)
	if s := l.state(l.question()); s.State != payment.InstrumentActive || s.Available.Valid() || !s.ValidUntil.Equal(acttest.Start.Add(24*time.Hour)) || !s.AsOf.Equal(l.w.Clock.Now()) {
		t.Errorf("PSD-PMT-BND-01 told of the token: %+v", s)
	}
	purse := l.question()
	purse.PaymentToken, purse.SubAccountID = "", subID
	if s := l.state(purse); s.State != payment.InstrumentActive || s.Available != acttest.CNY(t, "40.00") || !s.ValidUntil.IsZero() {
		t.Errorf("PSD-AGT-SUB-02 told of the sub-account: %+v", s)
	}
	l.must(l.ledger.SetSubAccountState(subID, provider.SubAccountFrozen))
	purse.RequestID, purse.Nonce = canon.UUID(), canon.Nonce()
	a, err := l.ask(purse)
	l.must(err)
	for _, secret := range []string{acttest.PrincipalDID, "60.00", "40.00", "principal"} {
		if strings.Contains(string(a.Body), secret) {
			t.Errorf("PSD-PMT-BND-01 tells %s", secret)
		}
	}
	l.w.Clock.Advance(24*time.Hour - time.Second/2) // what is told has whole seconds, and contradicts itself in none
	if s := l.state(l.question()); s.State != payment.InstrumentActive {
		t.Errorf("PSD-PMT-BND-03 half a second before its end: %+v", s)
	}
	l.w.Clock.Advance(time.Second / 2)
	if s := l.state(l.question()); s.State != payment.InstrumentExpired {
		t.Errorf("PSD-PMT-BND-03 at its end: %+v", s)
	}
	l.spent(0)
	if len(l.verdicts) != 0 {
		t.Errorf("a question decides nothing: %+v", l.verdicts)
	}
}

func TestInstrumentRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		code  protocol.Code
		spoil func(l *till, q *payment.InstrumentQuery)
	}{
		{"PSD-PMT-BND-04 an unknown token", protocol.CodeInstrumentInvalid, func(_ *till, q *payment.InstrumentQuery) { q.PaymentToken = "pt-2" }},
		{"PSD-AGT-SUB-05 an unknown sub-account", protocol.CodeSubAccountUnknown, func(_ *till, q *payment.InstrumentQuery) { q.PaymentToken, q.SubAccountID = "", "sub-2" }},
		{"PSD-PMT-BND-04 another agent's token", protocol.CodeInstrumentMismatch, func(l *till, q *payment.InstrumentQuery) {
			l.must(l.ledger.BindToken(provider.Token{ID: "pt-2", Principal: acttest.PrincipalDID, Agent: "did:act:agents.test/other", Currency: "CNY",
				ValidFrom: acttest.Start, ValidUntil: acttest.Start.Add(time.Hour)}))
			l.must(l.ledger.SetTokenState("pt-2", provider.TokenCancelled)) // nor this
			q.PaymentToken = "pt-2"
		}},
		{"PSD-AGT-SUB-04 another agent's sub-account", protocol.CodeInstrumentMismatch, func(l *till, q *payment.InstrumentQuery) {
			l.must(l.ledger.OpenSubAccount(provider.SubAccount{ID: "sub-2", Principal: acttest.PrincipalDID, Agent: "did:act:agents.test/other", Currency: "CNY", Key: l.newKey().Public()}))
			q.PaymentToken, q.SubAccountID = "", "sub-2"
		}},
		{"another provider", protocol.CodeAudienceMismatch, func(_ *till, q *payment.InstrumentQuery) { q.PSPID = "did:act:psp.example/other" }},
		{"an old question", protocol.CodeRequestExpired, func(_ *till, q *payment.InstrumentQuery) { q.Timestamp = q.Timestamp.Add(-6 * time.Minute) }},
		{"keys not to be had", protocol.CodeKeyUnavailable, func(l *till, _ *payment.InstrumentQuery) { l.w.Directory.SetDown(true) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newTill(t, nil)
			q := l.question()
			c.spoil(l, &q)
			a, err := l.ask(q)
			l.want(err, c.code)
			if e := protocol.AsError(err); a.Body != nil || len(e.Checks) > 0 && c.code == protocol.CodeInstrumentMismatch {
				t.Errorf("told with a refusal: %s %+v", a.Body, e)
			}
		})
	}
	t.Run("PSD-PAY-AUP-02 a replay is no answer, and a flood changes nothing", func(t *testing.T) {
		l := newTill(t, nil)
		q := l.question()
		l.state(q)
		_, err := l.ask(q)
		l.want(err, protocol.CodeReplayed)
		for range 50 {
			l.state(l.question())
		}
		l.spent(0)
		l.paid(l.request(payment.ScenarioAUP, "18.00"))
		l.spent(18_00)
	})
	t.Run("PSD-PAY-AUP-02 a ledger that does not answer", func(t *testing.T) {
		l := newTill(t, nil)
		l.provider = l.with(func(c *provider.Config) { c.Ledger = &broken{MemoryLedger: l.ledger, at: "Instrument"} })
		_, err := l.ask(l.question())
		if !errors.Is(err, protocol.ErrUndetermined) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	})
	t.Run("PSD-PAY-AUP-02 the path, by POST only", func(t *testing.T) {
		l := newTill(t, nil)
		for method, want := range map[string]int{http.MethodGet: http.StatusMethodNotAllowed, http.MethodPost: http.StatusBadRequest} {
			w := httptest.NewRecorder()
			l.provider.Handler().ServeHTTP(w, httptest.NewRequest(method, provider.PathInstruments, strings.NewReader("{}")))
			if w.Code != want {
				t.Errorf("%s: %d", method, w.Code)
			}
		}
	})
}

// A state that this version does not know is nothing to pay with.
func TestUnknownStatesAreFrozen(t *testing.T) {
	f := provider.Facts{
		Token:      &provider.Token{Agent: acttest.AgentDID, ValidUntil: acttest.Start.Add(time.Hour), State: "sleeping"},
		SubAccount: &provider.SubAccount{Agent: acttest.AgentDID, Currency: "CNY", State: "sleeping"},
		Balance:    1,
	}
	for _, i := range []provider.Instrument{{Agent: acttest.AgentDID, Token: token}, {Agent: acttest.AgentDID, SubAccount: subID}} {
		s, err := f.State(i, acttest.Start)
		if err != nil || s.State != payment.InstrumentFrozen || !s.Available.IsZero() {
			t.Errorf("PSD-PMT-BND-04 %+v, %v", s, err)
		}
	}
	f.SubAccount.Currency = "gold"
	if _, err := f.State(provider.Instrument{Agent: acttest.AgentDID, SubAccount: subID}, acttest.Start); protocol.CodeOf(err) != protocol.CodeServiceUnavailable {
		t.Errorf("no currency: %v", err)
	}
}
