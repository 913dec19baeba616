package agent_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// asked is a provider that notes with what it is asked to pay.
type asked struct {
	agent.PSP
	id   string
	mu   sync.Mutex
	with []string
}

func (a *asked) ID() string {
	if a.id != "" {
		return a.id
	}
	return a.PSP.ID()
}

func (a *asked) PayFrom(ctx context.Context, q payment.Request, sub *keys.Signer) (payment.Result, error) {
	a.mu.Lock()
	a.with = append(a.with, fmt.Sprint(q.PaymentMethod, " ", q.PaymentToken, q.SubAccountID))
	a.mu.Unlock()
	return a.PSP.PayFrom(ctx, q, sub)
}

const otherMethod = "urn:act:payment:other"

// subAccount opens one for the agent of a till.
func subAccount(t *testing.T, s *till, balance int64) agent.SubAccount {
	t.Helper()
	key := acttest.NewParty(t, acttest.AgentDID, keys.SubAccount).Signer(keys.SubAccount)
	must(t, s.ledger.OpenSubAccount(provider.SubAccount{
		ID: "purse", Principal: acttest.PrincipalDID, Agent: acttest.AgentDID, Currency: "CNY", Key: key.Public(), State: provider.SubAccountActive,
	}))
	must(t, s.ledger.FundSubAccount("purse", balance))
	return agent.SubAccount{ID: "purse", Signer: key}
}

func TestInstruments(t *testing.T) {
	order := func(t *testing.T, s *till) error {
		t.Helper()
		s.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food", Price: acttest.CNY(t, "4.20")}, 5)
		shop, err := s.Agent.Shop(acttest.ShopDID, s.URL, s.Client)
		must(t, err)
		o, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{})
		if err != nil {
			return err
		}
		_, err = s.Agent.PayOrder(ctx, o)
		return err
	}
	t.Run("PSD-PAY-A402-05 the first that mandate and seller allow, of the mandate's provider", func(t *testing.T) {
		var notes asked
		s := newTill(t, func(c *agent.Config) {
			notes.PSP = c.Instruments[0].PSP
			mine := c.Instruments[0].Token
			c.Instruments = []agent.Instrument{
				{PSP: &asked{PSP: notes.PSP, id: "did:act:psp.test/other"}, Method: acttest.Method, Token: "elsewhere"},
				{PSP: &notes, Method: otherMethod, Token: "other"},
				{PSP: &notes, Method: acttest.Method, Token: mine},
				{PSP: &notes, Method: acttest.Method, Token: "second"},
			}
		})
		s.Grant(t, func(i *delegation.ISR) { i.AllowedPaymentMethods = []string{acttest.Method} })
		_, err := s.get("/report")
		must(t, err)
		must(t, order(t, s))
		if want := acttest.Method + " " + tillToken; !slices.Equal(notes.with, []string{want, want}) {
			t.Errorf("paid with %q", notes.with)
		}
	})
	t.Run("PSD-PAY-A402-05 none that fits", func(t *testing.T) {
		s := newTill(t, func(c *agent.Config) {
			c.Instruments[0].PSP = &asked{PSP: c.Instruments[0].PSP, id: "did:act:psp.test/other"}
		})
		s.Grant(t, nil)
		_, err := s.get("/report")
		wantCode(t, err, protocol.CodeAudienceMismatch)
		wantCode(t, order(t, s), protocol.CodeAudienceMismatch)
		if n := s.called("/payments"); n != 0 {
			t.Errorf("%d payment requests", n)
		}
	})
}

func TestSubAccounts(t *testing.T) {
	t.Run("PSD-PAY-AUP-04 autonomous payment prefers the sub-account", func(t *testing.T) {
		var notes asked
		s := newTill(t, nil)
		notes.PSP = s.client
		sub := subAccount(t, s, 600)
		m := s.Issue(t, nil)
		buyer := s.NewAgent(t, func(c *agent.Config) {
			c.Instruments = []agent.Instrument{{PSP: &notes, Method: acttest.Method, Token: tillToken}, {PSP: &notes, Method: acttest.Method, SubAccount: &sub}}
		})
		_, err := buyer.Wallet().Add(m)
		must(t, err)
		s.Agent = buyer
		for range 2 {
			_, err = s.get("/report")
			must(t, err)
		}
		if want := acttest.Method + " purse"; !slices.Equal(notes.with, []string{want, want}) || s.ledger.SubAccountBalance("purse") != 100 {
			t.Errorf("paid with %q, %d left", notes.with, s.ledger.SubAccountBalance("purse"))
		}
		// The principal is there: that goes to the main account.
		_, err = s.buy(s.instant(s.agree))
		must(t, err)
		if last := notes.with[len(notes.with)-1]; last != acttest.Method+" "+tillToken {
			t.Errorf("PSD-PAY-INS-08 paid with %s", last)
		}
	})
	t.Run("PSD-AGT-SUB-04 a key that is not the sub-account's", func(t *testing.T) {
		s := newTill(t, nil)
		sub := subAccount(t, s, 600)
		sub.Signer = acttest.NewParty(t, acttest.AgentDID, keys.SubAccount).Signer(keys.SubAccount)
		buyer := s.NewAgent(t, func(c *agent.Config) {
			c.Instruments = []agent.Instrument{{PSP: s.client, Method: acttest.Method, SubAccount: &sub}}
		})
		mandate, err := buyer.Wallet().Add(s.Issue(t, nil))
		must(t, err)
		s.Agent = buyer
		_, err = s.get("/report")
		wantCode(t, err, protocol.CodeSubAccountKey)
		s.wantReserved(mandate, "0.00")
	})
}

func TestInstrumentConfig(t *testing.T) {
	w := acttest.NewWorld(t)
	agents := w.Buyer.Signer(keys.AgentRequest)
	purse := func(did string, purpose keys.Purpose) *agent.SubAccount {
		return &agent.SubAccount{ID: "purse", Signer: acttest.NewParty(t, did, purpose).Signer(purpose)}
	}
	for name, i := range map[string]agent.Instrument{
		"neither token nor sub-account":              {},
		"both":                                       {Token: "t", SubAccount: purse(acttest.AgentDID, keys.SubAccount)},
		"PSD-AGT-SUB-04 no key":                      {SubAccount: &agent.SubAccount{ID: "purse"}},
		"PSD-AGT-SUB-04 no id":                       {SubAccount: &agent.SubAccount{Signer: purse(acttest.AgentDID, keys.SubAccount).Signer}},
		"PSD-AGT-SUB-04 another purpose":             {SubAccount: purse(acttest.AgentDID, keys.AgentRequest)},
		"PSD-AGT-SUB-04 another agent's key":         {SubAccount: purse("did:act:agents.test/other", keys.SubAccount)},
		"PSD-AGT-SUB-04 the key that signs requests": {SubAccount: &agent.SubAccount{ID: "purse", Signer: agents}},
	} {
		t.Run(name, func(t *testing.T) {
			i.PSP, i.Method = pspNamed{}, acttest.Method
			_, err := agent.New(agent.Config{
				Signer: agents, Wallet: agent.NewWallet(agents), Verifier: w.Verifier, Spent: w.Spent, Instruments: []agent.Instrument{i},
			})
			if protocol.CodeOf(err) == "" {
				t.Errorf("accepted: %v", err)
			}
		})
	}
}
