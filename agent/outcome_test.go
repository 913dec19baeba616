package agent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/psp"
)

// badToken is one that the provider refuses when it is asked to pay, and not
// before.
func badToken(c *agent.Config) {
	c.Instruments[0].Token, c.Instruments[0].PSP = "unknown", hopeful{c.Instruments[0].PSP}
}

// hopeful is a provider that calls every payment token usable.
type hopeful struct{ agent.PSP }

func (h hopeful) Instrument(_ context.Context, q payment.InstrumentQuery) (payment.InstrumentState, error) {
	return payment.InstrumentState{PaymentToken: q.PaymentToken, State: payment.InstrumentActive}, nil
}

// wantRefused expects the provider's stored refusal.
func wantRefused(t *testing.T, err error, code protocol.Code) {
	t.Helper()
	var refusal *payment.Refusal
	if !errors.As(err, &refusal) || refusal.Reason.Code != code || refusal.RequestID == "" {
		t.Fatalf("got %v, want the stored refusal %s", err, code)
	}
}

// TestRefusedInTruth loses the answer to a payment that the provider refused
// for good: the query says so, and the reservation is given back.
func TestRefusedInTruth(t *testing.T) {
	for _, c := range []struct {
		name          string
		payments      []acttest.Fault
		queries       []acttest.Fault
		first, second protocol.Code
	}{
		{"the query in the same call", []acttest.Fault{acttest.LoseAnswer}, nil, protocol.CodeInstrumentInvalid, ""},
		{"the query of the next call", []acttest.Fault{acttest.LoseAnswer}, []acttest.Fault{acttest.LoseAnswer}, protocol.CodeOutcomeUnknown, protocol.CodeInstrumentInvalid},
		{"the answer to the second transmission", []acttest.Fault{acttest.LoseRequest}, nil, protocol.CodeInstrumentInvalid, ""},
	} {
		t.Run("PSD-PAY-A402-23 "+c.name, func(t *testing.T) {
			m := newMarket(t, acttest.Options{Agent: badToken})
			mandate := m.Grant(t, behavior(delegation.AgentBehavior{OnPaymentFailure: delegation.AutoRetry}))
			m.PSP.Fail("/payments", c.payments...)
			m.PSP.Fail("/queries", c.queries...)
			_, err := m.get("/report")
			wantCode(t, err, c.first)
			if c.second != "" {
				m.wantSpent(mandate, "2.50") // held until it is known
				_, err = m.get("/report")
				wantCode(t, err, c.second)
			}
			wantRefused(t, err, protocol.CodeInstrumentInvalid)
			m.wantSpent(mandate, "0.00")
			m.wantPaid(0, 0)

			// The subject is free: with a token that holds it is paid for.
			again := m.NewAgent(t, nil)
			_, err = again.Wallet().Add([]byte(mandate.Raw()))
			must(t, err)
			client := &http.Client{Transport: again.Transport(m.Client.Transport)}
			_, err = read(client.Get(m.URL + "/report"))
			must(t, err)
			m.wantPaid(1, 250)
			m.wantSpent(mandate, "2.50")
		})
	}
}

func TestPaidInTruth(t *testing.T) {
	m := newMarket(t, acttest.Options{})
	mandate := m.Grant(t, nil)
	m.PSP.Fail("/payments", acttest.LoseAnswer)
	m.PSP.Fail("/queries", acttest.LoseAnswer)
	_, err := m.get("/report")
	wantCode(t, err, protocol.CodeOutcomeUnknown)
	_, err = m.get("/report")
	must(t, err)
	if n := m.PSP.Calls("/payments"); n != 1 {
		t.Fatalf("PSD-PAY-A402-23: %d transmissions; the proof of the first is to be used", n)
	}
	m.wantPaid(1, 250)
	m.wantSpent(mandate, "2.50")
}

// TestUnknownStaysOpen: a payment that the provider does not know may still
// arrive, until no transmission of it can be accepted any more.
func TestUnknownStaysOpen(t *testing.T) {
	const final = 8 * time.Minute
	m := newMarket(t, acttest.Options{})
	mandate := m.Grant(t, nil)
	m.PSP.Fail("/payments", acttest.LoseRequest)
	ends := m.Clock.Now().Add(final)
	for _, step := range []time.Duration{0, final / 2, final/2 - time.Second} {
		m.Clock.Advance(step)
		_, err := m.get("/report")
		wantCode(t, err, protocol.CodeOutcomeUnknown)
		var open *agent.Unresolved
		if !errors.As(err, &open) || !open.FinalAfter.Equal(ends) || open.RequestID == "" || !errors.Is(err, protocol.ErrUndetermined) ||
			!strings.Contains(err.Error(), canon.FormatTime(ends)) {
			t.Fatalf("PSD-PAY-A402-23: until when? %v", err)
		}
		m.wantSpent(mandate, "2.50")
	}
	if n := m.PSP.Calls("/payments"); n != 1 {
		t.Fatalf("PSD-PAY-A402-23: %d transmissions while the first was open", n)
	}
	m.Clock.Advance(time.Second)
	_, err := m.get("/report")
	must(t, err)
	m.wantPaid(1, 250)
	m.wantSpent(mandate, "2.50")
}

// TestARefusedQueryAnswersNothing: the provider refuses to be asked, with the
// very codes of a refused payment.
func TestARefusedQueryAnswersNothing(t *testing.T) {
	for _, code := range []protocol.Code{
		protocol.CodeRequestExpired, protocol.CodeKeyUnknown, protocol.CodeReplayed, protocol.CodeMandateRevoked,
		protocol.CodeInstrumentInvalid, protocol.CodeStatusUnavailable,
	} {
		t.Run("PSD-PAY-A402-23 "+string(code), func(t *testing.T) {
			m := newMarket(t, acttest.Options{})
			mandate := m.Grant(t, nil)
			g := m.gate(func(w http.ResponseWriter, _ *http.Request, path string, _ []byte) bool {
				if path == "/queries" {
					problem.Write(w, protocol.New(code, "", "", ""), 1)
				}
				return path == "/queries"
			})
			m.PSP.Fail("/payments", acttest.LoseAnswer)
			for range 2 {
				_, err := read(g.buying(mandate).Get(m.URL + "/report"))
				wantCode(t, err, protocol.CodeOutcomeUnknown)
				m.wantSpent(mandate, "2.50")
			}
			m.wantPaid(1, 250)
		})
	}
}

// TestSecondTransmissionRefused holds the first transmission back in the
// network, lets the second be refused for what it is itself, and then delivers
// the first: nothing may have been released.
func TestSecondTransmissionRefused(t *testing.T) {
	for _, code := range []protocol.Code{
		protocol.CodeRequestExpired, protocol.CodeSignatureInvalid, protocol.CodeIssuerUntrusted, protocol.CodeMandateExpired,
		protocol.CodeStatusUnavailable,
	} {
		t.Run("PSD-PAY-A402-23 "+string(code), func(t *testing.T) {
			m := newMarket(t, acttest.Options{})
			one := 1
			mandate := m.Grant(t, behavior(delegation.AgentBehavior{OnPaymentFailure: delegation.AutoRetry, MaxRetryCount: &one}))
			var held []byte
			sent := 0
			g := m.gate(func(w http.ResponseWriter, _ *http.Request, path string, body []byte) bool {
				if path != "/payments" {
					return false
				}
				if sent++; sent == 1 {
					held = body
					panic(http.ErrAbortHandler)
				}
				problem.Write(w, protocol.New(code, "", "", ""), 1)
				return true
			})
			client := g.buying(mandate)
			_, err := read(client.Get(m.URL + "/report"))
			wantCode(t, err, protocol.CodeOutcomeUnknown)
			if sent != 2 {
				t.Fatalf("%d transmissions", sent)
			}
			m.wantSpent(mandate, "2.50")
			g.deliver("/payments", held) // late, but in time
			m.wantPaid(1, 250)
			_, err = read(client.Get(m.URL + "/report"))
			must(t, err)
			m.wantPaid(1, 250)
			m.wantSpent(mandate, "2.50")
		})
	}
	t.Run("PSD-PAY-DEL-10 a first transmission that is refused settles it", func(t *testing.T) {
		m := newMarket(t, acttest.Options{})
		mandate := m.Grant(t, nil)
		g := m.gate(func(w http.ResponseWriter, _ *http.Request, path string, _ []byte) bool {
			if path == "/payments" {
				problem.Write(w, protocol.New(protocol.CodeIssuerUntrusted, "", "", ""), 1)
			}
			return path == "/payments"
		})
		_, err := read(g.buying(mandate).Get(m.URL + "/report"))
		wantCode(t, err, protocol.CodeIssuerUntrusted)
		m.wantSpent(mandate, "0.00")
	})
}

// A gate stands between the agent and the provider, on a socket of its own.
type gate struct {
	m      *market
	server *httptest.Server
}

// gate starts one. handle answers a message itself and returns true, or lets
// it through.
func (m *market) gate(handle func(w http.ResponseWriter, r *http.Request, path string, body []byte) bool) *gate {
	m.t.Helper()
	g := &gate{m: m}
	var mu sync.Mutex
	g.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		mu.Lock()
		defer mu.Unlock()
		if handle(w, r, r.URL.Path, body) {
			return
		}
		status, answer := g.forward(r.Context(), r.URL.Path, body)
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	}))
	m.t.Cleanup(g.server.Close)
	return g
}

// forward sends a message on; status 0 means that no answer came.
func (g *gate) forward(ctx context.Context, path string, body []byte) (int, []byte) {
	request, err := http.NewRequestWithContext(ctx, "POST", g.m.PSP.Server.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil
	}
	response, err := g.m.PSP.Server.Client().Do(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil
	}
	return response.StatusCode, answer
}

func (g *gate) deliver(path string, body []byte) {
	g.m.t.Helper()
	if status, answer := g.forward(context.Background(), path, body); status != http.StatusOK {
		g.m.t.Fatalf("%s: %d %s", path, status, answer)
	}
}

// buying is the client of an agent that reaches the provider through the gate.
func (g *gate) buying(mandate agent.Mandate) *http.Client {
	g.m.t.Helper()
	through, err := psp.New(psp.Config{
		ID: acttest.PSPDID, Endpoint: g.server.URL, Signer: g.m.Buyer.Signer(keys.AgentRequest), Verifier: g.m.NewVerifier(g.m.t),
		HTTP: g.server.Client(), Now: g.m.Clock.Now,
	})
	must(g.m.t, err)
	buyer := g.m.NewAgent(g.m.t, func(c *agent.Config) { c.Instruments[0].PSP = through })
	_, err = buyer.Wallet().Add([]byte(mandate.Raw()))
	must(g.m.t, err)
	return &http.Client{Transport: buyer.Transport(g.m.Client.Transport)}
}
