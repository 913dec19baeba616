package agent_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// A till is a market whose provider also takes instant payments and pays from
// sub-accounts: package provider in front of a ledger in memory, on a socket of
// its own. What it answers can be changed on the way.
type till struct {
	*market
	provider *provider.Provider
	ledger   *provider.MemoryLedger
	client   agent.PSP // the agent's

	mu     sync.Mutex
	meddle func(w http.ResponseWriter, r *http.Request, next http.Handler) // nil is honest
	calls  map[string]int
}

const tillToken = "token-at-the-till"

// newTill makes one; change may change the agent's configuration further.
func newTill(t testing.TB, change func(*agent.Config)) *till {
	t.Helper()
	s := &till{calls: map[string]int{}}
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	client := func(signer *keys.Signer, v *verifier.Verifier, now func() time.Time) *psp.Client {
		c, err := psp.New(psp.Config{ID: acttest.PSPDID, Endpoint: server.URL, Signer: signer, Verifier: v, HTTP: server.Client(), Now: now})
		must(t, err)
		return c
	}
	s.market = newMarket(t, acttest.Options{
		Merchant: func(c *merchant.Config) { c.PSP = client(c.Signer, c.Verifier, c.Now) },
		Agent: func(c *agent.Config) {
			s.client = client(c.Signer, c.Verifier, c.Now)
			c.Instruments = []agent.Instrument{{PSP: s.client, Method: acttest.Method, Token: tillToken}}
			if change != nil {
				change(c)
			}
		},
	})
	now := s.Clock.Now
	s.ledger = provider.NewMemoryLedger(now)
	must(t, s.ledger.OpenPrincipal(acttest.PrincipalDID, "CNY"))
	must(t, s.ledger.OpenMerchant(acttest.ShopDID, "CNY"))
	must(t, s.ledger.Deposit(acttest.PrincipalDID, "CNY", 100000))
	must(t, s.ledger.BindToken(provider.Token{
		ID: tillToken, Principal: acttest.PrincipalDID, Agent: acttest.AgentDID, Currency: "CNY",
		ValidFrom: acttest.Start.Add(-time.Hour), ValidUntil: acttest.Start.AddDate(1, 0, 0), State: provider.TokenActive,
	}))
	var err error
	s.provider, err = provider.New(provider.Config{
		Signer: s.PSP.Party.Signer(keys.Proof), Verifier: s.NewVerifier(t), Ledger: s.ledger, Now: now, TimeToConfirm: 5 * time.Minute,
		Cashier: func(_ context.Context, trade *provider.Trade) (string, error) {
			return "https://cashier.test/" + trade.No, nil
		},
	})
	must(t, err)
	return s
}

// ServeHTTP is the provider, with whoever meddles in between.
func (s *till) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mu.Lock()
	s.calls[r.URL.Path]++
	meddle := s.meddle
	s.mu.Unlock()
	if meddle != nil {
		meddle(w, r, s.provider.Handler())
		return
	}
	s.provider.Handler().ServeHTTP(w, r)
}

func (s *till) called(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[path]
}

func (s *till) setMeddle(f func(http.ResponseWriter, *http.Request, http.Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meddle = f
}

// tradeNo is the trade that a cashier's address shows.
func tradeNo(p payment.Pending) string { return path.Base(p.CashierURL) }

// agree is a principal who confirms.
func (s *till) agree(ctx context.Context, p payment.Pending) error {
	_, err := s.provider.Confirm(ctx, tradeNo(p), provider.Confirmation{Method: "FACE", At: s.Clock.Now()})
	return err
}

// cancel is a principal who does not.
func (s *till) cancel(ctx context.Context, p payment.Pending) error {
	return s.provider.Decline(ctx, tradeNo(p), protocol.CodeConfirmationFailed)
}

// intent is one that the principal has confirmed.
func (s *till) intent(change func(*delegation.ISR)) *delegation.Confirmed {
	s.t.Helper()
	now := s.Clock.Now().UTC().Truncate(time.Second)
	isr := &delegation.ISR{
		ConversationHistory: &delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "A report, please."}},
		IntentID:            "intent-now", DelegationMode: delegation.Bounded, ValidityStart: now, ValidityEnd: now.Add(time.Hour),
		MaxTotalAmount: "5", Currency: "CNY", AllowedPaymentMethods: []string{acttest.Method}, AgentID: acttest.AgentDID,
		UserConfirmationMethod: "VOICE", UserConfirmationTimestamp: now,
	}
	if change != nil {
		change(isr)
	}
	c, err := delegation.ConfirmedISR(isr)
	must(s.t, err)
	return c
}

func (s *till) instant(cashier func(context.Context, payment.Pending) error) *agent.Instant {
	s.t.Helper()
	i, err := s.Agent.Instant(agent.InstantConfig{Intent: s.intent(nil), Cashier: cashier, Poll: 5 * time.Millisecond})
	must(s.t, err)
	return i
}

// buy fetches the paid report.
func (s *till) buy(i *agent.Instant) (string, error) {
	client := &http.Client{Transport: i.Transport(s.Client.Transport)}
	return read(client.Get(s.URL + "/report"))
}

// wantBalance checks the principal's account at the till, in fen.
func (s *till) wantCost(cost int64) {
	s.t.Helper()
	if got := 100000 - s.ledger.Balance(acttest.PrincipalDID, "CNY"); got != cost {
		s.t.Fatalf("%d paid, want %d", got, cost)
	}
}

func (s *till) wantReserved(m agent.Mandate, decimal string) {
	s.t.Helper()
	got, err := s.Agent.Spent(context.Background(), m)
	must(s.t, err)
	if got != acttest.CNY(s.t, decimal) {
		s.t.Fatalf("own record %s, want %s", got, decimal)
	}
}

// refuse answers as a provider that has stored a refusal for good.
func refuse(w http.ResponseWriter, requestID string, code protocol.Code) {
	problem.Write(w, &payment.Refusal{RequestID: requestID, Reason: protocol.New(code, "", "", "")}, 1)
}

func noSecret(t testing.TB, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Errorf("PRV-04 an error prints what a function of the user's said: %v", err)
	}
}
