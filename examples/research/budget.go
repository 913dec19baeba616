package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/provider"
)

// budget is what is set aside for the agent. The mandate allows a little more:
// it says what the agent may do, the sub-account what it can do at worst.
var budget = "3.00"

// A purse is the sub-account of the story, from which the agent pays.
type purse struct {
	world *stage.World
	agent.SubAccount
}

// setAside opens the sub-account for one agent and one key, and moves the
// budget into it. The key is not the one that signs the agent's requests, and
// the provider knows it from here: no document of the agent's can replace it.
func setAside(ctx context.Context, w *stage.World, p *stage.Person, agentID string) (*purse, error) {
	key, err := newAccountKey(agentID)
	if err != nil {
		return nil, err
	}
	id, err := w.Processor.OpenSubAccount(ctx, server.Opening{
		Principal: p.ID(), Agent: agentID, Currency: stage.CNY, Key: key.Public(),
		Limits: server.Limits{Balance: stage.Yuan(budget), Single: stage.Yuan("1.00")},
	})
	if err != nil {
		return nil, err
	}
	w.Says(p.Name, "psp", "open a sub-account for this agent and this key: %s yuan in it at most, 1.00 at a time (PSD-AGT-SUB-01, -06)", budget)
	if err := w.Processor.TopUp(ctx, "research-budget", id, stage.Yuan(budget)); err != nil {
		return nil, err
	}
	w.Says(p.Name, "psp", "move %s of my %s yuan into it (PSD-AGT-SUB-02)", budget, p.Deposited)
	return &purse{w, agent.SubAccount{ID: id, Signer: key}}, nil
}

// newAccountKey makes a key of an agent for a sub-account.
func newAccountKey(agentID string) (*keys.Signer, error) {
	did, err := identity.ParseDID(agentID)
	if err != nil {
		return nil, err
	}
	return stage.NewSigner(did, keys.SubAccount)
}

// set changes the state at the principal's wish.
func (p *purse) set(ctx context.Context, state provider.SubAccountState) error {
	return p.world.Processor.SetSubAccountState(ctx, p.ID, state, book.ByPrincipal)
}

// look returns the sub-account as the ledger has it.
func (p *purse) look(ctx context.Context) (book.SubAccount, error) {
	all, err := p.world.Book.SubAccounts(ctx)
	if err != nil {
		return book.SubAccount{}, err
	}
	for _, a := range all {
		if a.ID == p.ID {
			return a, nil
		}
	}
	return book.SubAccount{}, errors.New("the ledger has no such sub-account")
}

// freeze: the principal wants to look at the bill first. The mandate is as good
// as before, and the agent does not know; nothing can be paid all the same.
func (r *research) freeze(ctx context.Context) error {
	r.Chapter("Stop")
	if err := r.purse.set(ctx, provider.SubAccountFrozen); err != nil {
		return err
	}
	r.Says("principal", "psp", "freeze the agent's money, I want to see the bill first (PSD-AGT-SUB-02, -03)")
	r.Says("agent", "archive", "GET /station?id=5")
	if err := r.refused(ctx, "psp", protocol.CodeSubAccountFrozen, r.buyer, r.archive.at("/station?id=5")); err != nil {
		return err
	}
	bill, err := r.buyer.Agent.TaskBill(ctx, r.mandate)
	if err != nil {
		return err
	}
	r.Says("agent", "principal", "%s yuan so far, for %d payments (PSD-PAY-AUP-05)", bill.Spent, len(bill.Entries)-1) // without the refused one
	if err := r.purse.set(ctx, provider.SubAccountActive); err != nil {
		return err
	}
	r.Says("principal", "psp", "all in order, go on (PSD-AGT-SUB-02)")
	return nil
}

// thief: somebody has taken what the agent's program holds in memory: its
// mandate and the key of its requests. The sub-account's own key is elsewhere.
func (r *research) thief(ctx context.Context) error {
	r.Chapter("A thief")
	another, err := newAccountKey(r.buyer.ID())
	if err != nil {
		return err
	}
	thief, err := r.NewBuyer(ctx, "thief", r.buyer.Signer, r.person, func(c *agent.Config) {
		c.Wallet = r.buyer.Agent.Wallet()
		c.Instruments[0].SubAccount = &agent.SubAccount{ID: r.purse.ID, Signer: another}
	})
	if err != nil {
		return err
	}
	r.Says("thief", "psp", "pay from the agent's sub-account, with the agent's mandate and request key")
	return r.refused(ctx, "psp", protocol.CodeSubAccountKey, thief, r.archive.at("/station?id=6"))
}

// takeBack ends the sub-account. What is left returns to the principal's
// account in the same transaction.
func (r *research) takeBack(ctx context.Context) error {
	r.Chapter("The rest goes back")
	before, err := r.purse.look(ctx)
	if err != nil {
		return err
	}
	if err := r.purse.set(ctx, provider.SubAccountCancelled); err != nil {
		return err
	}
	after, err := r.purse.look(ctx)
	if err != nil {
		return err
	}
	if before.Balance == 0 || after.Balance != 0 {
		return fmt.Errorf("the sub-account had %s and has %s yuan", stage.Minor(before.Balance), stage.Minor(after.Balance))
	}
	r.Says("principal", "psp", "cancel the sub-account (PSD-AGT-SUB-02)")
	r.Says("psp", "principal", "%s yuan are back in your account", stage.Minor(before.Balance))
	// This would be within the mandate; there is nothing to pay it from.
	r.Says("agent", "exchange", "POST /question")
	return r.refused(ctx, "agent", protocol.CodeSubAccountCancelled, r.buyer, r.exchange.at("/question"))
}

// refused fetches something that costs, and fails unless that was refused for
// this reason, and nothing has moved.
func (r *research) refused(ctx context.Context, who string, code protocol.Code, b *stage.Buyer, address string) error {
	return r.Unmoved(ctx, func(ctx context.Context) error {
		q, err := r.ask(ctx, address)
		if err != nil {
			return err
		}
		response, err := b.Client.Do(q)
		if err == nil {
			response.Body.Close()
		}
		return r.Expect(who, err, code)
	})
}

// agree fails when the ledger of the processor has another sum than the agent.
func (p *purse) agree(ctx context.Context, spent money.Amount) error {
	a, err := p.look(ctx)
	if err != nil {
		return err
	}
	if a.Spent != spent.Minor() {
		return fmt.Errorf("the agent's bill says %s, the sub-account %s", spent, stage.Minor(a.Spent))
	}
	return nil
}
