package agent_test

import (
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
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// forgetful is a SpendStore that cannot tell what it holds.
type forgetful struct{ agent.SpendStore }

func (forgetful) Payments(context.Context, string) ([]agent.Payment, error) {
	return nil, protocol.New(protocol.CodeServiceUnavailable, "", "", "")
}

// sellers are a market with a second shop's worth of paths.
func sellers(t *testing.T, change func(*agent.Config)) *market {
	m := newMarket(t, acttest.Options{Agent: change})
	for _, path := range []string{"/one", "/two", "/three"} {
		m.Sell(path, merchantOffer(t, path), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, path+string(body))
		}))
	}
	m.Serve("/broken", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	m.Serve("/cut", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	return m
}

func (m *market) requests(paths ...string) (out []*http.Request) {
	for _, path := range paths {
		r, err := http.NewRequest("GET", m.URL+path, nil)
		must(m.t, err)
		out = append(out, r)
	}
	return out
}

func (m *market) fetch(paths ...string) (string, []agent.Attempt, error) {
	response, attempts, err := m.Agent.FetchAny(ctx, m.Buying(), m.requests(paths...)...)
	if response == nil {
		return "", attempts, err
	}
	body, err := read(response, err)
	return body, attempts, err
}

func TestFetchAny(t *testing.T) {
	t.Run("PSD-PAY-AUP-02 a 404 that was paid for is the answer, one that cost nothing is none", func(t *testing.T) {
		m := sellers(t, nil)
		m.Grant(t, nil)
		m.Serve("/free", http.NotFoundHandler())
		m.Sell("/empty", merchantOffer(t, "/empty"), http.NotFoundHandler())
		response, attempts, err := m.Agent.FetchAny(ctx, m.Buying(), m.requests("/free", "/empty", "/one")...)
		must(t, err)
		defer response.Body.Close()
		if len(attempts) != 2 || attempts[0].Open || !attempts[1].Open || attempts[1].Err == nil || response.StatusCode != http.StatusNotFound {
			t.Fatalf("%+v, %s", attempts, response.Status)
		}
		if body, err := io.ReadAll(response.Body); err != nil || len(body) == 0 {
			t.Errorf("the seller's word is gone: %q, %v", body, err)
		}
		if paid, _ := m.PSP.Trades(); paid != 1 {
			t.Errorf("%d payments", paid)
		}
	})
	t.Run("PSD-PAY-AUP-02 the first that delivers", func(t *testing.T) {
		m := sellers(t, nil)
		m.Grant(t, nil)
		got, attempts, err := m.fetch("/cut", "/broken", "/two", "/three")
		must(t, err)
		if got != "/two" || len(attempts) != 3 || attempts[0].Err == nil || attempts[1].Status != http.StatusBadGateway || attempts[2].Err != nil {
			t.Fatalf("%q %+v", got, attempts)
		}
		for n, path := range []string{"/cut", "/broken", "/two"} {
			if attempts[n].Request == nil || attempts[n].Request.URL.Path != path {
				t.Errorf("attempt %d is not told to be of the request for %s", n, path)
			}
		}
		m.wantPaid(1, 100)
	})
	t.Run("PSD-PAY-AUP-02 too dear here, good there", func(t *testing.T) {
		m := sellers(t, nil)
		m.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "2" })
		got, attempts, err := m.fetch("/report", "/one")
		must(t, err)
		if got != "/one" || protocol.CodeOf(attempts[0].Err) != protocol.CodeTotalLimitExceeded || attempts[0].Open {
			t.Errorf("%q %+v", got, attempts)
		}
	})
	t.Run("PSD-PAY-AUP-02 the provider refused for good, that is certain", func(t *testing.T) {
		m := sellers(t, nil)
		m.Grant(t, nil)
		m.PSP.Fail("/payments", acttest.Deny(protocol.CodeMerchantNotAllowed))
		got, _, err := m.fetch("/one", "/two")
		must(t, err)
		if got != "/two" {
			t.Error(got)
		}
		m.wantPaid(1, 100)
	})
	t.Run("nobody delivers, nothing is paid", func(t *testing.T) {
		m := sellers(t, nil)
		_, attempts, err := m.fetch("/cut", "/one", "/broken")
		wantCode(t, err, protocol.CodeNoMatch)
		if len(attempts) != 3 || errors.Is(err, protocol.ErrUndetermined) {
			t.Errorf("%+v %v", attempts, err)
		}
		if _, attempts, err := m.fetch(); protocol.CodeOf(err) != protocol.CodeNoMatch || attempts != nil {
			t.Errorf("no requests: %v", err)
		}
	})
	t.Run("with bodies", func(t *testing.T) {
		m := sellers(t, nil)
		m.Grant(t, nil)
		post := func(path string, body io.Reader) *http.Request {
			r, err := http.NewRequest("POST", m.URL+path, body)
			must(t, err)
			return r
		}
		got, _, err := m.Agent.FetchAny(ctx, m.Buying(), post("/broken", strings.NewReader("x")), post("/one", strings.NewReader("x")))
		body, err := read(got, err)
		must(t, err)
		if body != "/onex" {
			t.Error(body)
		}
		_, _, err = m.Agent.FetchAny(ctx, m.Buying(), post("/one", io.MultiReader(strings.NewReader("x"))))
		wantCode(t, err, protocol.CodeFieldMissing)
	})
}

// TestFetchAnyStops: nobody else is paid while a payment may have been made.
func TestFetchAnyStops(t *testing.T) {
	t.Run("PSD-PAY-A402-23 the outcome is not known", func(t *testing.T) {
		m := sellers(t, nil)
		m.Grant(t, nil)
		m.PSP.Fail("/payments", acttest.LoseAnswer)
		m.PSP.Fail("/queries", acttest.LoseAnswer, acttest.LoseAnswer)
		_, attempts, err := m.fetch("/one", "/two")
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		if len(attempts) != 1 || !attempts[0].Open {
			t.Errorf("%+v", attempts)
		}
		// Not in a later call either, nor when the seller comes last or is gone.
		_, attempts, err = m.fetch("/two", "/three", "/one")
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		if len(attempts) != 1 {
			t.Errorf("%+v", attempts)
		}
		gone := &http.Client{Transport: m.Agent.Transport(cutting{m.Client.Transport, "/one"})}
		response, attempts, err := m.Agent.FetchAny(ctx, gone, m.requests("/two", "/one")...)
		if response != nil || err == nil || len(attempts) != 1 || !attempts[0].Open {
			t.Errorf("%+v %v", attempts, err)
		}
		m.wantPaid(1, 100)
		got, _, err := m.fetch("/two", "/one") // the provider tells
		must(t, err)
		if got != "/one" {
			t.Error(got)
		}
		m.wantPaid(1, 100)
	})
	t.Run("PSD-PAY-A402-23 paid and not delivered", func(t *testing.T) {
		m := sellers(t, func(c *agent.Config) { c.Patience = time.Millisecond })
		m.Grant(t, nil)
		m.PSP.Fail("/consumptions", acttest.Unavailable, acttest.Unavailable)
		_, attempts, err := m.fetch("/one", "/two")
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		if len(attempts) != 1 || !attempts[0].Open {
			t.Errorf("%+v", attempts)
		}
		m.wantPaid(1, 100)
	})
	t.Run("the record does not answer", func(t *testing.T) {
		var down *noHistory
		m := sellers(t, func(c *agent.Config) { down = &noHistory{SpendStore: c.Spent}; c.Spent = down })
		m.Grant(t, nil)
		down.after = 2 // the two questions before, and then none
		_, attempts, err := m.fetch("/broken", "/two")
		if len(attempts) > 1 {
			t.Errorf("went on: %+v %v", attempts, err)
		}
		m.wantPaid(0, 0)
	})
}

func TestFetchAnyThroughClients(t *testing.T) {
	t.Run("what a paid answer redirects to fails", func(t *testing.T) {
		m := sellers(t, nil)
		m.Grant(t, nil)
		m.Sell("/moved", merchantOffer(t, "/moved"), http.RedirectHandler("/cut", http.StatusFound))
		_, attempts, err := m.fetch("/moved", "/two")
		if err == nil || len(attempts) != 1 || !attempts[0].Open {
			t.Errorf("%+v %v", attempts, err)
		}
		m.wantPaid(1, 100)
	})
	t.Run("a client that does not pay with this agent", func(t *testing.T) {
		m := sellers(t, nil)
		server := httptest.NewServer(http.NotFoundHandler())
		defer server.Close()
		r, err := http.NewRequest("GET", server.URL, nil)
		must(t, err)
		response, attempts, err := m.Agent.FetchAny(ctx, http.DefaultClient, append([]*http.Request{r}, m.requests("/one")...)...)
		must(t, err)
		response.Body.Close()
		if len(attempts) != 1 || response.StatusCode != http.StatusNotFound {
			t.Errorf("%+v", attempts)
		}
	})
	t.Run("the caller gives up", func(t *testing.T) {
		m := sellers(t, nil)
		m.Grant(t, nil)
		giveUp, cancel := context.WithCancel(ctx)
		cancel()
		_, attempts, err := m.Agent.FetchAny(giveUp, m.Buying(), m.requests("/one", "/two")...)
		if !errors.Is(err, context.Canceled) || len(attempts) != 1 {
			t.Errorf("%+v %v", attempts, err)
		}
	})
}

// cutting loses requests for one path.
type cutting struct {
	http.RoundTripper
	path string
}

func (c cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == c.path {
		return nil, errors.New("no route")
	}
	return c.RoundTripper.RoundTrip(r)
}

// noHistory is a SpendStore that stops answering after some questions.
type noHistory struct {
	agent.SpendStore
	after int
}

func (n *noHistory) History(ctx context.Context, mandate, subject string) (agent.History, error) {
	if n.after--; n.after < 0 {
		return agent.History{}, protocol.New(protocol.CodeServiceUnavailable, "", "", "")
	}
	return n.SpendStore.History(ctx, mandate, subject)
}
