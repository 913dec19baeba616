package stage

import (
	"context"
	"fmt"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

// A Person is a principal: a customer of the bank with an account at the
// processor.
type Person struct {
	Name      string
	Deposited money.Amount

	world *World
	party *Party
}

// NewPerson opens an account with a deposit, and lets the bank sign mandates on
// the person's behalf.
func (w *World) NewPerson(ctx context.Context, name string, deposit money.Amount) (*Person, error) {
	party, err := w.home.party(name)
	if err != nil {
		return nil, err
	}
	p := &Person{Name: name, Deposited: deposit, world: w, party: party}
	if err := w.Processor.OpenPrincipal(ctx, p.ID(), CNY); err != nil {
		return nil, err
	}
	if err := w.Processor.Deposit(ctx, "first-deposit-"+name, p.ID(), deposit); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.people = append(w.people, p)
	w.mu.Unlock()
	return p, w.Processor.TrustIssuer(ctx, w.Bank.ID(), p.ID(), true)
}

// ID is the person's identifier.
func (p *Person) ID() string { return p.party.ID() }

// Balance is what the person has on the account.
func (p *Person) Balance(ctx context.Context) (money.Amount, error) {
	accounts, err := p.world.Book.Accounts(ctx)
	if err != nil {
		return money.Amount{}, err
	}
	for _, a := range accounts {
		if a.Owner == p.ID() {
			return money.FromMinor(a.Balance, CNY)
		}
	}
	return money.Amount{}, fmt.Errorf("%s has no account", p.Name)
}

// Token binds the person's account to an agent and returns the payment token,
// which is all that the agent gets of it (PSD-PMT-BND-01).
func (p *Person) Token(ctx context.Context, agentID string) (string, error) {
	return p.world.Processor.BindToken(ctx, server.Binding{
		Principal: p.ID(), Agent: agentID, Currency: CNY, ValidUntil: p.world.Now().Add(400 * 24 * time.Hour),
	})
}

// Confirm is the person who says what she wants, sees the summary, and agrees.
// The window is the next four hours unless update sets another.
func (p *Person) Confirm(b *Buyer, words string, update func(*delegation.ISR)) (*delegation.Confirmed, error) {
	now := p.world.Now()
	return p.ConfirmHeard(b, words, delegation.ConversationHistory{
		Raw:       delegation.RawIntent{Turns: []delegation.Turn{delegation.Say(words, now)}},
		InputMode: []string{delegation.InputText},
	}, delegation.English, update)
}

// ConfirmHeard is Confirm for what was said in another way than by text; the
// summary is shown in the given language.
func (p *Person) ConfirmHeard(b *Buyer, words string, heard delegation.ConversationHistory, in delegation.Language, update func(*delegation.ISR)) (*delegation.Confirmed, error) {
	n, now := p.world.Narrator, p.world.Now()
	n.Says(p.Name, b.Name, "“%s”", words)
	capture := delegation.NewCapture(heard)
	err := capture.Clarify(func(i *delegation.ISR) {
		i.ValidityStart = now.Truncate(time.Second).UTC()
		i.ValidityEnd = i.ValidityStart.Add(4 * time.Hour)
		i.Currency = "CNY"
		i.AllowedPaymentMethods = []string{Method}
		i.AgentID = b.ID()
		update(i)
	})
	if err != nil {
		return nil, err
	}
	n.Says(b.Name, p.Name, "understood as follows, please confirm (ADD-INT-ICS-05):")
	n.Quote(capture.Summary(in))
	confirmed, err := capture.Confirm("FINGERPRINT", now)
	if err != nil {
		return nil, err
	}
	n.Says(p.Name, b.Name, "confirmed, by fingerprint (ADD-INT-ICS-04, -12)")
	return confirmed, b.Agent.AttestIntent(confirmed)
}

// Grant has the bank issue a mandate from a confirmed intent, and gives it to
// the agent.
func (p *Person) Grant(ctx context.Context, b *Buyer, c *delegation.Confirmed) (agent.Mandate, error) {
	raw, err := p.world.Issuer.Issue(ctx, issuer.Grant{
		Confirmed: c, Delegator: p.ID(), Audience: p.world.Processor.ID().String(), Holder: b.Signer.Public(),
	})
	if err != nil {
		return agent.Mandate{}, err
	}
	m, err := b.Agent.Wallet().Add(raw)
	if err != nil {
		return agent.Mandate{}, err
	}
	p.world.Message("mandate", raw)
	p.world.Says("bank", b.Name, "%s mandate, signed, %d bytes (ADD-IAC-ISS-10)", m.Bounds().Mode(), len(raw))
	return m, nil
}
