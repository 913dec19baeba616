package provider_test

import (
	"context"
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

// binds lets agents ask for instruments.
func binds(l *till, c *provider.Config) {
	c.Bindings = l.ledger
	c.BindingPage = func(_ context.Context, b *provider.Binding) (string, error) {
		return "https://psp.example/binding/" + b.ID, nil
	}
}

func (l *till) wish() payment.BindingRequest {
	return payment.BindingRequest{
		RequestID: canon.UUID(), PSPID: acttest.PSPDID, BuyerAgentID: acttest.AgentDID, PrincipalID: acttest.PrincipalDID,
		Terms: payment.BindingTerms{Instrument: payment.BindPaymentToken, Currency: acttest.CNY(l, "1").Currency(), ValidUntil: acttest.Start.Add(time.Hour), Ceiling: acttest.CNY(l, "30.00")},
	}
}

// bind is one transmission of a wish.
func (l *till) bind(q payment.BindingRequest) (provider.Answer, error) {
	l.Helper()
	q.Nonce, q.Timestamp = canon.Nonce(), l.w.Clock.Now()
	body, err := payment.SignBindingRequest(l.w.Buyer.Signer(keys.AgentRequest), nil, q)
	l.must(err)
	return l.provider.Bind(ctx, body)
}

// page is the id of the binding that waits.
func (l *till) page(q payment.BindingRequest) string {
	l.Helper()
	a, err := l.bind(q)
	l.must(err)
	u, err := payment.ParseBindingPending(a.Body)
	l.must(err)
	l.must(u.Verify(l.w.PSP.Party.Signer(keys.Proof).Public()))
	if a.Status != http.StatusAccepted || u.Pending.RequestID != q.RequestID || !u.Pending.ExpiresAt.Equal(acttest.Start.Add(provider.DefaultTimeToBind)) {
		l.Fatalf("PSD-PMT-BND-02: %d %+v", a.Status, u.Pending)
	}
	return strings.TrimPrefix(u.Pending.BindingURL, "https://psp.example/binding/")
}

// bound is what the provider says of a binding that was made.
func (l *till) bound(q payment.BindingRequest) payment.BindingResult {
	l.Helper()
	a, err := l.bind(q)
	l.must(err)
	u, err := payment.ParseBindingResult(a.Body)
	l.must(err)
	l.must(u.Verify(l.w.PSP.Party.Signer(keys.Proof).Public()))
	if a.Status != http.StatusOK {
		l.Fatalf("status %d", a.Status)
	}
	return u.Result
}

func TestBinding(t *testing.T) {
	l := newTill(t, binds)
	q := l.wish()
	id := l.page(q)
	l.w.Clock.Advance(90*time.Second + 300*time.Millisecond)
	made, err := l.provider.AcceptBinding(ctx, id, q.Terms, l.confirmation())
	l.must(err)
	r := l.bound(q)
	if r.PaymentToken != made.Token || r.PaymentToken == "" || !r.Terms.ValidFrom.Equal(acttest.Start.Add(90*time.Second)) || !r.BoundAt.Equal(r.Terms.ValidFrom) ||
		r.PrincipalID != acttest.PrincipalDID || r.Terms.Ceiling != q.Terms.Ceiling || made.Confirmation.Method != "PIN" {
		t.Errorf("PSD-PMT-BND-03: %+v", r)
	}
	for _, secret := range []string{"60.00", "40.00", "PIN"} {
		if a, err := l.bind(q); err != nil || strings.Contains(string(a.Body), secret) {
			t.Errorf("PSD-PMT-BND-01: the agent is told %s, %v", secret, err)
		}
	}
	pay := l.request(payment.ScenarioAUP, "18.00")
	pay.PaymentToken = r.PaymentToken
	l.paid(pay)
	l.spent(18_00)
	over := l.request(payment.ScenarioAUP, "18.00")
	over.PaymentToken = r.PaymentToken
	_, err = l.send(over)
	l.want(err, protocol.CodeInstrumentInvalid)
	l.want(l.provider.DeclineBinding(ctx, id, protocol.CodeConfirmationFailed), protocol.CodeStateConflict)
}

func TestBindingRefused(t *testing.T) {
	final := func(t *testing.T, l *till, q payment.BindingRequest, code protocol.Code) {
		t.Helper()
		_, err := l.bind(q)
		var refused *payment.BindingRefusal
		if !errors.As(err, &refused) || refused.RequestID != q.RequestID || refused.Reason.Code != code {
			t.Fatalf("PSD-PMT-BND-05: %v, want %s", err, code)
		}
	}
	t.Run("PSD-PMT-BND-05 declined", func(t *testing.T) {
		l := newTill(t, binds)
		q := l.wish()
		l.must(l.provider.DeclineBinding(ctx, l.page(q), protocol.CodeConfirmationFailed))
		final(t, l, q, protocol.CodeConfirmationFailed)
	})
	t.Run("PSD-PMT-BND-05 too late", func(t *testing.T) {
		l := newTill(t, binds)
		q := l.wish()
		id := l.page(q)
		l.w.Clock.Advance(provider.DefaultTimeToBind)
		_, err := l.provider.AcceptBinding(ctx, id, q.Terms, l.confirmation())
		l.want(err, protocol.CodeConfirmationFailed)
		final(t, l, q, protocol.CodeConfirmationFailed)
	})
	t.Run("PSD-PMT-BND-05 a stranger, of whom nobody is told", func(t *testing.T) {
		l := newTill(t, binds)
		q := l.wish()
		q.PrincipalID = acttest.IssuerDID
		id := l.page(q) // waits like everybody's
		_, err := l.provider.AcceptBinding(ctx, id, q.Terms, l.confirmation())
		l.want(err, protocol.CodeInstrumentInvalid)
		final(t, l, q, protocol.CodeInstrumentInvalid)
	})
	t.Run("PSD-PMT-BND-02 wider than what was asked for", func(t *testing.T) {
		l := newTill(t, binds)
		q := l.wish()
		id, wide := l.page(q), q.Terms
		wide.Ceiling = acttest.CNY(t, "30.01")
		_, err := l.provider.AcceptBinding(ctx, id, wide, l.confirmation())
		l.want(err, protocol.CodeConstraintConflict)
		if protocol.AsError(err).Field != "terms.ceiling" {
			t.Error(err)
		}
		l.page(q) // and goes on waiting
	})
	t.Run("PSD-PMT-BND-02 nobody confirmed", func(t *testing.T) {
		l := newTill(t, binds)
		q := l.wish()
		_, err := l.provider.AcceptBinding(ctx, l.page(q), q.Terms, provider.Confirmation{})
		l.want(err, protocol.CodeFieldMissing)
		l.page(q)
	})
	t.Run("PSD-PMT-BND-02 a page that does not answer", func(t *testing.T) {
		l := newTill(t, func(l *till, c *provider.Config) {
			binds(l, c)
			c.BindingPage = func(context.Context, *provider.Binding) (string, error) { return "", errors.New("secret") }
		})
		_, err := l.bind(l.wish())
		l.want(err, protocol.CodeServiceUnavailable)
		if strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	})
}

func TestBindsNothing(t *testing.T) {
	l := newTill(t, nil)
	_, err := l.bind(l.wish())
	l.want(err, protocol.CodeMethodNotAllowed)
	_, err = l.provider.AcceptBinding(ctx, "x", payment.BindingTerms{}, l.confirmation())
	l.want(err, protocol.CodeMethodNotAllowed)
	l.want(l.provider.DeclineBinding(ctx, "x", protocol.CodeConfirmationFailed), protocol.CodeMethodNotAllowed)
	for want, p := range map[int]*provider.Provider{http.StatusNotFound: l.provider, http.StatusBadRequest: l.with(func(c *provider.Config) { binds(l, c) })} {
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, provider.PathBindings, strings.NewReader("{}")))
		if w.Code != want {
			t.Errorf("%d, want %d", w.Code, want)
		}
	}
	good := provider.Config{Signer: l.w.PSP.Party.Signer(keys.Proof), Verifier: l.w.NewVerifier(t), Ledger: l.ledger, Bindings: l.ledger}
	_, err = provider.New(good)
	l.want(err, protocol.CodeFieldMissing)
	binds(l, &good)
	good.TimeToBind = -1
	_, err = provider.New(good)
	l.want(err, protocol.CodeFieldInvalid)
}
