package agent_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// policed is a market whose agent has a policy and a mandate.
func policed(t *testing.T, p agent.Policy) *market {
	t.Helper()
	m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Policy = p }})
	m.Grant(t, nil)
	return m
}

var errCause = errors.New("secret cause")

func TestPolicyRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy agent.Policy
		code   protocol.Code
	}{
		{"an error of its own", func(context.Context, *agent.Proposal) error { return errCause }, protocol.CodePolicyRefused},
		{"an undetermined error is a refusal all the same", func(context.Context, *agent.Proposal) error {
			return protocol.New(protocol.CodeServiceUnavailable, "", "", "")
		}, protocol.CodePolicyRefused},
		{"it panics", func(context.Context, *agent.Proposal) error { panic("secret") }, protocol.CodePolicyRefused},
		{"a nil policy among others", agent.Policies(nil), protocol.CodePolicyRefused},
		{"a person is needed", func(context.Context, *agent.Proposal) error {
			return protocol.New(protocol.CodeConfirmationPending, "", "", "")
		}, protocol.CodeConfirmationPending},
		{"above an amount nobody decides", agent.AskAbove(acttest.CNY(t, "2.49"), nil), protocol.CodeConfirmationPending},
		{"above an amount the person cannot be reached", agent.AskAbove(acttest.CNY(t, "2.49"), func(context.Context, agent.Proposal) (bool, error) { return true, errCause }), protocol.CodeConfirmationPending},
		{"above an amount the person says no", agent.AskAbove(acttest.CNY(t, "2.49"), func(context.Context, agent.Proposal) (bool, error) { return false, nil }), protocol.CodePolicyRefused},
		{"no payments at all", agent.AtMost(0), protocol.CodePolicyRefused},
		{"fewer than none", agent.AtMost(-1), protocol.CodePolicyRefused},
		{"the host", agent.RefuseHosts("example.org", "127.0.0.1"), protocol.CodePolicyRefused},
		{"the host with a port", agent.RefuseHosts("127.0.0.1:443"), protocol.CodePolicyRefused},
		{"a refusal wins over a question", agent.Policies(agent.AskAbove(acttest.CNY(t, "0.01"), nil), agent.AtMost(5), agent.RefuseHosts("127.0.0.1")), protocol.CodePolicyRefused},
		{"a question that nobody refuses", agent.Policies(agent.AtMost(5), agent.AskAbove(acttest.CNY(t, "0.01"), nil)), protocol.CodeConfirmationPending},
	} {
		t.Run("PSD-PAY-A402-05 "+c.name, func(t *testing.T) {
			m := policed(t, c.policy)
			_, err := m.get("/report")
			wantCode(t, err, c.code)
			noSecret(t, err)
			if errors.Is(err, protocol.ErrUndetermined) != (c.code == protocol.CodeConfirmationPending) {
				t.Error("denied and undetermined are mixed up")
			}
			if n := m.PSP.Calls("/payments"); n != 0 {
				t.Errorf("%d payment requests were sent", n)
			}
			refusals := m.Agent.Refusals()
			if len(refusals) != 1 || protocol.CodeOf(refusals[0].Decision.Err()) != c.code {
				t.Errorf("CID-CART-CFM-02: refusals %+v", refusals)
			}
		})
	}
	t.Run("the cause is there for programs", func(t *testing.T) {
		m := policed(t, func(context.Context, *agent.Proposal) error { return errCause })
		if _, err := m.get("/report"); !errors.Is(err, errCause) {
			t.Error(err)
		}
	})
}

func TestPolicyAllows(t *testing.T) {
	for name, policy := range map[string]agent.Policy{
		"nothing to say":       func(context.Context, *agent.Proposal) error { return nil },
		"not above the amount": agent.AskAbove(acttest.CNY(t, "2.50"), nil),
		"a person agrees":      agent.AskAbove(acttest.CNY(t, "1.00"), func(context.Context, agent.Proposal) (bool, error) { return true, nil }),
		"another host":         agent.RefuseHosts("27.0.0.1", "example.org"),
		"none":                 agent.Policies(),
	} {
		t.Run("PSD-PAY-A402-05 "+name, func(t *testing.T) {
			m := policed(t, policy)
			_, err := m.get("/report")
			must(t, err)
			m.wantPaid(1, 250)
		})
	}
	t.Run("a policy never makes a refused purchase allowed, and is not asked about one", func(t *testing.T) {
		asked := 0
		m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) {
			c.Policy = func(context.Context, *agent.Proposal) error { asked++; return nil }
		}})
		m.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "1" })
		_, err := m.get("/report")
		wantCode(t, err, protocol.CodeTotalLimitExceeded)
		if asked != 0 {
			t.Errorf("asked %d times", asked)
		}
	})
	t.Run("what is proposed is what is paid, whatever the policy does to it", func(t *testing.T) {
		var seen agent.Proposal
		m := policed(t, func(_ context.Context, p *agent.Proposal) error {
			seen = *p
			seen.Purchase.Categories = append([]string(nil), p.Purchase.Categories...)
			p.Purchase.Amount, p.Purchase.Merchant, p.Purchase.Categories[0], p.Mandate = acttest.CNY(t, "0.01"), "did:act:shop.test/thief", "gold", agent.Mandate{}
			return nil
		})
		_, err := m.get("/report")
		must(t, err)
		m.wantPaid(1, 250)
		if seen.Host != "127.0.0.1" || seen.What != "report-7" || seen.Purchase.Amount != acttest.CNY(t, "2.50") || seen.Purchase.Merchant != acttest.ShopDID ||
			seen.Purchase.Categories[0] != "data/report" || seen.Scenario != "AUP" || seen.Purchase.Method != acttest.Method || seen.OrderNo == "" {
			t.Errorf("%+v", seen)
		}
	})
}

// A principal who widens the mandate slowly does not have an old bill paid.
func TestRefusedTakesTime(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration
		code  protocol.Code
	}{
		"PSD-PAY-A402-18 the bill is too old":    {time.Hour, protocol.CodeOrderExpired},
		"CID-CART-CFM-02 there is still time":    {time.Minute, ""},
		"PSD-PAY-AUP-02 the new one is over too": {3 * time.Minute, protocol.CodeMandateExpired},
	} {
		t.Run(name, func(t *testing.T) {
			var m *market
			m = newMarket(t, acttest.Options{Agent: func(cfg *agent.Config) {
				cfg.Refused = func(_ context.Context, r agent.Refusal) error {
					m.Agent.Wallet().Remove(r.Mandate)
					m.Grant(t, func(i *delegation.ISR) {
						if c.code == protocol.CodeMandateExpired {
							i.ValidityEnd = i.ValidityStart.Add(2 * time.Minute)
						}
					})
					m.Clock.Advance(c.takes)
					return nil
				}
			}})
			m.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "1" })
			_, err := m.get("/report")
			wantCode(t, err, c.code)
			m.wantPaid(map[protocol.Code]int{"": 1}[c.code], map[protocol.Code]int64{"": 250}[c.code])
		})
	}
}

// A cart is confirmed without the policy, and paid for with it.
func TestPolicyOfCarts(t *testing.T) {
	var seen []agent.Proposal
	m := policed(t, func(_ context.Context, p *agent.Proposal) error { seen = append(seen, *p); return errCause })
	m.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food", Price: acttest.CNY(t, "4.20")}, 5)
	shop, err := m.Agent.Shop(acttest.ShopDID, m.URL, m.Client)
	must(t, err)
	order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 2}}, commerce.Fulfilment{})
	must(t, err)
	_, err = m.Agent.PayOrder(ctx, order)
	wantCode(t, err, protocol.CodePolicyRefused)
	if len(seen) != 1 || seen[0].Host != "127.0.0.1" || seen[0].What != "2 × Latte" || seen[0].OrderNo != order.Confirmation.MerchantOrderID ||
		seen[0].Purchase.Amount != acttest.CNY(t, "8.40") {
		t.Errorf("%+v", seen)
	}
	m.wantPaid(0, 0)
}

// A policy that does not return does not hold the caller longer than it wants.
func TestPolicyBlocks(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	m := policed(t, func(context.Context, *agent.Proposal) error { <-release; return nil })
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(short, "GET", m.URL+"/report", nil)
	must(t, err)
	began := time.Now()
	_, err = m.Agent.Transport(m.Client.Transport).RoundTrip(request)
	wantCode(t, err, protocol.CodeConfirmationPending)
	if time.Since(began) > 5*time.Second {
		t.Error("waited for the policy")
	}
	m.wantPaid(0, 0)
	payments, err := m.Spent.Payments(ctx, m.Agent.Wallet().Mandates()[0].Key())
	must(t, err)
	if len(payments) != 0 {
		t.Errorf("reserved while nobody has decided: %+v", payments)
	}
}

// A person who decides slowly decides about the past: everything is checked
// once more.
func TestPolicyTakesTime(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration
		grant func(*delegation.ISR)
		code  protocol.Code
	}{
		"PSD-PAY-AUP-02 the mandate has ended": {2 * time.Minute, func(i *delegation.ISR) { i.ValidityEnd = i.ValidityStart.Add(time.Minute) }, protocol.CodeMandateExpired},
		"PSD-PAY-A402-18 the bill is too old":  {time.Hour, nil, protocol.CodeOrderExpired},
		"PSD-PAY-A402-05 there is still time":  {time.Minute, nil, ""},
		"PSD-PAY-AUP-02 the delivery is too late": {2 * time.Minute, func(i *delegation.ISR) {
			i.Ext = &delegation.Ext{Fulfillment: &delegation.Fulfillment{DeliveryTimeRequirement: acttest.Start.Add(time.Minute).Format(time.RFC3339)}}
		}, protocol.CodeDeliveryNotMet},
	} {
		t.Run(name, func(t *testing.T) {
			var m *market
			m = newMarket(t, acttest.Options{Agent: func(cfg *agent.Config) {
				cfg.Policy = func(context.Context, *agent.Proposal) error { m.Clock.Advance(c.takes); return nil }
			}})
			m.Grant(t, c.grant)
			_, err := m.get("/report")
			wantCode(t, err, c.code)
			paid := 0
			if c.code == "" {
				paid = 1
			}
			m.wantPaid(paid, int64(paid)*250)
		})
	}
	t.Run("PSD-PAY-AUP-02 revoked meanwhile", func(t *testing.T) {
		var m *market
		m = newMarket(t, acttest.Options{Agent: func(cfg *agent.Config) {
			cfg.Policy = func(_ context.Context, p *agent.Proposal) error {
				m.Statuses.Set(*p.Mandate.Claims().Status, delegation.StatusRevoked)
				m.Clock.Advance(2 * time.Second)
				return nil
			}
		}})
		m.Grant(t, nil)
		_, err := m.get("/report")
		wantCode(t, err, protocol.CodeMandateRevoked)
		m.wantPaid(0, 0)
	})
}

func TestAtMost(t *testing.T) {
	t.Run("PSD-PAY-A402-05 concurrently, and after a restart", func(t *testing.T) {
		var asked atomic.Int64
		policy := agent.Policies(func(context.Context, *agent.Proposal) error { asked.Add(1); return nil }, agent.AtMost(3), agent.AtMost(7))
		m := policed(t, policy)
		for _, path := range []string{"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"} {
			m.Sell(path, merchantOffer(t, path), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		}
		var paid, refused atomic.Int64
		var wg sync.WaitGroup
		for _, path := range []string{"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"} {
			wg.Go(func() {
				switch _, err := m.get(path); protocol.CodeOf(err) {
				case "":
					paid.Add(1)
				case protocol.CodePolicyRefused:
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		if n := len(m.Agent.Refusals()); n != 5 {
			t.Errorf("CID-CART-CFM-02: %d refusals are recorded", n)
		}
		if paid.Load() != 3 || refused.Load() != 5 || asked.Load() != 8 {
			t.Fatalf("%d paid, %d refused, %d asked", paid.Load(), refused.Load(), asked.Load())
		}
		again := m.NewAgent(t, func(c *agent.Config) { c.Policy = policy })
		_, err := again.Wallet().Add([]byte(m.Agent.Wallet().Mandates()[0].Raw()))
		must(t, err)
		_, err = read((&http.Client{Transport: again.Transport(m.Client.Transport)}).Get(m.URL + "/report"))
		wantCode(t, err, protocol.CodePolicyRefused)
		m.wantPaid(3, 300)
	})
	t.Run("what was refused by the provider does not count", func(t *testing.T) {
		m := newMarket(t, acttest.Options{Agent: func(c *agent.Config) { c.Policy = agent.AtMost(1) }})
		m.Grant(t, nil)
		m.PSP.Fail("/payments", acttest.Deny(protocol.CodeBalanceInsufficient))
		_, err := m.get("/report")
		wantCode(t, err, protocol.CodeBalanceInsufficient)
		_, err = m.get("/report")
		must(t, err)
		_, err = m.get("/report")
		wantCode(t, err, protocol.CodePolicyRefused)
	})
}

func merchantOffer(t testing.TB, path string) merchant.Offer {
	return merchant.Offer{Resource: path[1:], Category: "data", Price: acttest.CNY(t, "1.00")}
}

// Of several limits the lowest holds, in any order.
func TestLimitIsTheLowest(t *testing.T) {
	for _, limits := range [][]int{{2}, {3, 1}, {1, 3}, {4, 2, 3}} {
		m := policed(t, func(_ context.Context, p *agent.Proposal) error {
			for _, n := range limits {
				p.Limit(n)
			}
			return nil
		})
		paid := 0
		for range 5 {
			if _, err := m.get("/report"); err == nil {
				paid++
			}
		}
		if paid != slices.Min(limits) {
			t.Errorf("%d payments under limits %v", paid, limits)
		}
	}
}
