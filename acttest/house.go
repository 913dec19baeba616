package acttest

import (
	"context"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// A house is the book of the PSP double: a MemoryLedger that opens an account
// for every merchant and principal who is named, and binds the one token that
// is known for every agent, so that a test need not.
type house struct {
	*provider.MemoryLedger
	token   string
	balance int64 // of a principal at first
	clock   *Clock

	mu    sync.Mutex
	first map[[2]string]bool // owners and currencies of principals
}

func newHouse(c *Clock, token string, balance int64) *house {
	return &house{MemoryLedger: provider.NewMemoryLedger(c.Now), token: token, balance: balance, clock: c, first: make(map[[2]string]bool)}
}

// welcome opens the account of a principal with what everybody has at first.
func (h *house) welcome(principal, currency string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first[[2]string{principal, currency}] {
		return nil
	}
	if err := h.OpenPrincipal(principal, currency); err != nil {
		return err
	}
	h.first[[2]string{principal, currency}] = true
	if h.balance == 0 {
		return nil
	}
	return h.Deposit(principal, currency, h.balance)
}

// admit opens what a payment needs. The token stands for one of the ledger's
// that is bound to the agent and to the mandate's principal; of an instant
// payment, which names none, to the World's.
func (h *house) admit(p *provider.Payment) error {
	if err := h.OpenMerchant(p.Payee, p.Currency); err != nil && protocol.CodeOf(err) != protocol.CodeStateConflict {
		return err
	}
	if p.Token != h.token {
		return nil
	}
	principal := p.Mandate.Delegator
	if p.Instant() {
		principal = PrincipalDID
	}
	if err := h.welcome(principal, p.Currency); err != nil {
		return err
	}
	k := provider.Token{
		ID: h.token + " " + p.Request.Agent + " " + principal + " " + p.Currency, Principal: principal, Agent: p.Request.Agent, Currency: p.Currency,
		ValidFrom: time.Time{}.Add(1), ValidUntil: forever(),
	}
	if err := h.BindToken(k); err != nil && protocol.CodeOf(err) != protocol.CodeStateConflict {
		return err
	}
	p.Token = k.ID
	return nil
}

// Pay implements provider.Ledger.
func (h *house) Pay(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	if err := h.admit(&p); err != nil {
		return nil, err
	}
	return h.MemoryLedger.Pay(ctx, p)
}

// Begin implements provider.Ledger.
func (h *house) Begin(ctx context.Context, p provider.Payment) (*provider.Trade, error) {
	if err := h.admit(&p); err != nil {
		return nil, err
	}
	return h.MemoryLedger.Begin(ctx, p)
}

// Instrument implements provider.Ledger. The one token is every agent's who asks,
// as it is for every agent who pays.
func (h *house) Instrument(ctx context.Context, i provider.Instrument) (provider.Facts, error) {
	if i.Token != h.token {
		return h.MemoryLedger.Instrument(ctx, i)
	}
	return provider.Facts{Token: &provider.Token{ID: h.token, Agent: i.Agent, ValidUntil: forever(), State: provider.TokenActive}}, nil
}

func forever() time.Time { return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }

// left is what a principal who began with the balance still has: what was paid
// and what was set aside in sub-accounts is gone.
func (h *house) left() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := h.balance
	for who := range h.first {
		left -= h.balance - h.Balance(who[0], who[1])
	}
	return left
}
