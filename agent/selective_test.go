package agent_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// watched is a provider that notes which mandates it is shown.
type watched struct {
	agent.PSP
	mu    sync.Mutex
	shown []string
}

func (w *watched) PayFrom(ctx context.Context, q payment.Request, sub *keys.Signer) (payment.Result, error) {
	w.mu.Lock()
	w.shown = append(w.shown, q.IAC)
	w.mu.Unlock()
	return w.PSP.PayFrom(ctx, q, sub)
}

// A mandate with selective disclosure pays like any other, and the provider is
// shown only what it judges.
func TestSelectiveMandatePays(t *testing.T) {
	provider := &watched{}
	m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { provider.PSP, c.Instruments[0].PSP = c.Instruments[0].PSP, provider }})
	parsed, err := delegation.ParseMandate(m.Issue(t, func(i *delegation.ISR) {
		i.MaxTotalAmount, i.AllowedPaymentMethods = "5", []string{"urn:act:payment:secret-card", acttest.Method}
		retries := 1
		i.Ext = &delegation.Ext{
			Commerce:      &delegation.Commerce{AllowedMerchants: []string{"did:act:secret.test/other", acttest.ShopDID}, AllowedCategories: []string{"secret", "data"}},
			AgentBehavior: &delegation.AgentBehavior{MaxRetryCount: &retries, OnPaymentFailure: delegation.AutoRetry},
		}
	}))
	must(t, err)
	raw, err := delegation.IssueSelective(m.Issuer.Signer(keys.IssueAuthorization), parsed.Claims())
	must(t, err)
	held, err := m.Agent.Wallet().Add(raw)
	must(t, err)

	m.PSP.Fail("/payments", acttest.LoseAnswer) // the second transmission is a repetition, not a conflict
	for range 2 {
		if body, err := m.get("/report"); err != nil || body != "report " {
			t.Fatalf("%q %v", body, err)
		}
	}
	if _, err := m.get("/report"); err == nil {
		t.Fatal("PSD-PAY-DEL-07 the total is 5.00, three times 2.50 were paid")
	}
	if paid, _ := m.PSP.Trades(); paid != 2 {
		t.Errorf("%d payments", paid)
	}
	if len(provider.shown) < 2 {
		t.Fatalf("%d transmissions", len(provider.shown))
	}
	for _, iac := range provider.shown {
		if iac == held.Raw() {
			t.Error("PRV-01 the provider is shown everything")
		}
		for _, part := range strings.Split(strings.TrimSuffix(iac, "~"), "~")[1:] {
			text, err := canon.DecodeBase64(part)
			must(t, err)
			for _, secret := range []string{"secret", "retry", "PIN", "conversation"} {
				if strings.Contains(string(text), secret) {
					t.Errorf("PRV-01 the provider is shown %s", text)
				}
			}
		}
	}
}
