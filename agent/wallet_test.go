package agent_test

import (
	"cmp"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
)

func TestWallet(t *testing.T) {
	w := acttest.NewWorld(t)
	raw := w.Issue(t, nil)
	t.Run("PSD-PAY-DEL-05 of another agent", func(t *testing.T) {
		other := acttest.NewParty(t, "did:act:agents.test/other", keys.AgentRequest)
		_, err := agent.NewWallet(other.Signer(keys.AgentRequest)).Add(raw)
		wantCode(t, err, protocol.CodeAgentMismatch)
	})
	t.Run("PSD-PAY-DEL-05 for another key", func(t *testing.T) {
		other := acttest.NewParty(t, acttest.AgentDID, keys.AgentRequest)
		_, err := agent.NewWallet(other.Signer(keys.AgentRequest)).Add(raw)
		wantCode(t, err, protocol.CodeKeyUnknown)
	})
	t.Run("not a mandate", func(t *testing.T) {
		_, err := w.Agent.Wallet().Add([]byte("x.y.z"))
		if protocol.CodeOf(err) == "" {
			t.Fatal(err)
		}
	})
	first, err := w.Agent.Wallet().Add(raw)
	must(t, err)
	again, err := w.Agent.Wallet().Add(raw)
	must(t, err)
	if first.Key() != again.Key() || len(w.Agent.Wallet().Mandates()) != 1 {
		t.Fatal("the same mandate is held twice")
	}
	if first.Scenario() != "AUP" || first.Bounds().Mode() != delegation.Bounded {
		t.Fatal("PSD-PAY-AUP-01: a BOUNDED mandate is for autonomous payment")
	}
	w.Agent.Wallet().Remove(first.Key())
	if len(w.Agent.Wallet().Mandates()) != 0 {
		t.Fatal("not removed")
	}
}

func TestAgentConfig(t *testing.T) {
	w := acttest.NewWorld(t)
	s := w.Buyer.Signer(keys.AgentRequest)
	other := acttest.NewParty(t, "did:act:agents.test/other", keys.AgentRequest)
	missing := map[string]string{
		"PSD-PMT-BND-01 none": "instruments", "psp": "instruments[0].psp", "token": "instruments[0].token",
		"a purse without a key": "instruments[0].sub_account.signer", "a purse without an id": "instruments[0].sub_account.id",
	}
	for name, change := range map[string]func(*agent.Config){
		"a purse without a key": func(c *agent.Config) {
			c.Instruments[0].Token, c.Instruments[0].SubAccount = "", &agent.SubAccount{ID: "purse"}
		},
		"a purse without an id": func(c *agent.Config) {
			c.Instruments[0].Token, c.Instruments[0].SubAccount = "", &agent.SubAccount{Signer: s}
		},
		"signer":                 func(c *agent.Config) { c.Signer = nil },
		"ADD-IAC-ISS-12 purpose": func(c *agent.Config) { c.Signer = w.Seller.Signer(keys.Seller) },
		"wallet":                 func(c *agent.Config) { c.Wallet = nil },
		"another wallet":         func(c *agent.Config) { c.Wallet = agent.NewWallet(other.Signer(keys.AgentRequest)) },
		"verifier":               func(c *agent.Config) { c.Verifier = nil },
		"PSD-PMT-BND-01 none":    func(c *agent.Config) { c.Instruments = nil },
		"psp":                    func(c *agent.Config) { c.Instruments[0].PSP = nil },
		"spent":                  func(c *agent.Config) { c.Spent = nil },
		"token":                  func(c *agent.Config) { c.Instruments[0].Token = "" },
		"method":                 func(c *agent.Config) { c.Instruments[0].Method = "cash" },
	} {
		t.Run(name, func(t *testing.T) {
			c := agent.Config{
				Signer: s, Wallet: agent.NewWallet(s), Verifier: w.Verifier, Spent: w.Spent,
				Instruments: []agent.Instrument{{PSP: pspNamed{}, Method: acttest.Method, Token: "t"}},
			}
			change(&c)
			_, err := agent.New(c)
			e := protocol.AsError(err)
			if e == nil {
				t.Fatal("accepted")
			}
			if e.Code == protocol.CodeFieldMissing && e.Field != cmp.Or(missing[name], name) {
				t.Fatalf("the missing member is not named: %v", err)
			}
		})
	}
}

type pspNamed struct{ agent.PSP }

func (pspNamed) ID() string { return acttest.PSPDID }

func TestCheckExplains(t *testing.T) {
	w := acttest.NewWorld(t)
	mandate := w.Grant(t, func(i *delegation.ISR) { i.MaxTotalAmount = "10" })
	p := delegation.Purchase{Amount: acttest.CNY(t, "10.00"), Merchant: acttest.ShopDID, Categories: []string{"data"}, DeliverBy: acttest.Start}
	m, d := w.Agent.Check(ctx, p)
	if !d.Allowed() || m.Key() != mandate.Key() || len(d.Checks()) < 8 {
		t.Fatalf("%v with %d checks", d.Err(), len(d.Checks()))
	}
	p.Amount = acttest.CNY(t, "10.01")
	m, d = w.Agent.Check(ctx, p)
	if d.Allowed() || m.Key() != mandate.Key() || protocol.CodeOf(d.Err()) != protocol.CodeTotalLimitExceeded {
		t.Fatalf("%v", d.Err())
	}
	if w.Agent.Refusals() != nil {
		t.Fatal("a question is no refusal")
	}
}
