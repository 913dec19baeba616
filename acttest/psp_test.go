package acttest_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

func sellReport(t *testing.T, w *acttest.World) func(*http.Client) error {
	w.Sell("GET /report", merchant.Offer{Resource: "report-7", Category: "data/report", Price: acttest.CNY(t, "4.00")},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the report") }))
	return func(c *http.Client) error {
		resp, err := c.Get(w.URL + "/report")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != "the report" {
			t.Fatalf("%s: %s", resp.Status, body)
		}
		return nil
	}
}

func wantCode(t *testing.T, err error, code protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); err == nil && code != "" || err != nil && got != code {
		t.Fatalf("got %v, want %q", err, code)
	}
}

func TestSubAccount(t *testing.T) {
	w := acttest.NewWorld(t)
	buy := sellReport(t, w)
	purse := w.SubAccount(t, acttest.CNY(t, "10.00"))
	a := w.NewAgent(t, func(c *agent.Config) { c.Instruments = []agent.Instrument{purse} })
	_, err := a.Wallet().Add(w.Issue(t, nil))
	wantCode(t, err, "")
	client := &http.Client{Transport: a.Transport(w.Client.Transport)}
	for range 2 {
		wantCode(t, buy(client), "")
	}
	if main, sub := w.PSP.Balance(), w.PSP.Ledger().SubAccountBalance(purse.SubAccount.ID); main != acttest.Balance-10_00 || sub != 2_00 {
		t.Fatalf("PSD-PAY-DEL-08: account %d, sub-account %d", main, sub)
	}
	wantCode(t, buy(client), protocol.CodeBalanceInsufficient)
	if err := w.PSP.Ledger().SetSubAccountState(purse.SubAccount.ID, provider.SubAccountFrozen); err != nil {
		t.Fatal(err)
	}
	wantCode(t, buy(client), protocol.CodeSubAccountFrozen)
	if paid, _ := w.PSP.Trades(); paid != 2 {
		t.Fatalf("PSD-AGT-SUB-03: %d payments", paid)
	}
}

func TestInstantPayment(t *testing.T) {
	confirmed, err := delegation.ConfirmedISR(isr())
	wantCode(t, err, "")
	at := func(t *testing.T, w *acttest.World, cashier func(payment.Pending) error) *http.Client {
		i, err := w.Agent.Instant(agent.InstantConfig{Intent: confirmed, Cashier: func(_ context.Context, p payment.Pending) error { return cashier(p) }, Poll: 1})
		wantCode(t, err, "")
		return &http.Client{Transport: i.Transport(w.Client.Transport)}
	}
	t.Run("PSD-PAY-INS-03 confirmed", func(t *testing.T) {
		w := acttest.NewWorld(t)
		buy := sellReport(t, w)
		wantCode(t, buy(at(t, w, func(p payment.Pending) error {
			waiting := w.PSP.Waiting()
			if len(waiting) != 1 || waiting[0].No != p.TradeNo || waiting[0].Principal != acttest.PrincipalDID || w.PSP.Balance() != acttest.Balance {
				t.Errorf("PSD-PAY-INS-04: waiting %+v", waiting)
			}
			return w.PSP.Confirm(p.TradeNo)
		})), "")
		if paid, _ := w.PSP.Trades(); paid != 1 || w.PSP.Balance() != acttest.Balance-4_00 || len(w.PSP.Waiting()) != 0 {
			t.Fatalf("%d paid, balance %d", paid, w.PSP.Balance())
		}
	})
	t.Run("PSD-PAY-INS-04 cancelled", func(t *testing.T) {
		w := acttest.NewWorld(t)
		buy := sellReport(t, w)
		wantCode(t, buy(at(t, w, func(p payment.Pending) error { return w.PSP.Cancel(p.TradeNo) })), protocol.CodeConfirmationFailed)
		if paid, _ := w.PSP.Trades(); paid != 0 || w.PSP.Balance() != acttest.Balance {
			t.Fatalf("%d paid, balance %d", paid, w.PSP.Balance())
		}
	})
}

// isr is what the principal of an instant payment has confirmed.
func isr() *delegation.ISR {
	return &delegation.ISR{
		ConversationHistory: &delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "Buy the report."}},
		IntentID:            "intent-1", DelegationMode: delegation.Bounded,
		ValidityStart: acttest.Start, ValidityEnd: acttest.Start.Add(3600e9), MaxTotalAmount: "10", Currency: "CNY",
		AllowedPaymentMethods: []string{acttest.Method}, AgentID: acttest.AgentDID,
		UserConfirmationMethod: "PIN", UserConfirmationTimestamp: acttest.Start,
	}
}
