package provider

import (
	"context"
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
)

var _ Bindings = (*MemoryLedger)(nil)

// BeginBinding implements [Bindings].
func (l *MemoryLedger) BeginBinding(_ context.Context, b Binding) (*Binding, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now, open := l.now(), 0
	for _, have := range l.bindings {
		have.lapse(now)
		switch {
		case have.Agent != b.Agent:
		case have.RequestID == b.RequestID:
			if err := b.Repeat(have); err != nil {
				return nil, err
			}
			return have.copy(), nil
		case have.State == BindingWaiting:
			open++
		}
	}
	if err := b.CheckBegin(open, l.bindings[b.ID] != nil); err != nil {
		return nil, err
	}
	fresh := Binding{
		ID: b.ID, Agent: b.Agent, RequestID: b.RequestID, Digest: b.Digest, Principal: b.Principal, Asked: b.Asked, Key: b.Key, Expires: b.Expires,
		State: BindingWaiting,
	}
	fresh.Asked.Merchants = slices.Clone(b.Asked.Merchants)
	fresh.lapse(now)
	l.bindings[b.ID] = &fresh
	return fresh.copy(), nil
}

// lapse refuses a binding request whose time is over.
func (b *Binding) lapse(now time.Time) {
	if b.Late(now) {
		b.Refuse(protocol.CodeConfirmationFailed)
	}
}

func (b *Binding) copy() *Binding {
	c := *b
	c.Asked.Merchants, c.Granted.Merchants = slices.Clone(b.Asked.Merchants), slices.Clone(b.Granted.Merchants)
	return &c
}

// binding finds one; the lock is held.
func (l *MemoryLedger) binding(id string) (*Binding, error) {
	b := l.bindings[id]
	if b == nil {
		return nil, UnknownBinding()
	}
	b.lapse(l.now())
	return b, nil
}

// Binding implements [Bindings].
func (l *MemoryLedger) Binding(_ context.Context, id string) (*Binding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.binding(id)
	if err != nil {
		return nil, err
	}
	return b.copy(), nil
}

// AcceptBinding implements [Bindings]. Limits of balance and task, which this
// ledger does not judge, are refused.
func (l *MemoryLedger) AcceptBinding(_ context.Context, id string, g Grant) (*Binding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.binding(id)
	if err != nil {
		return nil, err
	}
	now := l.now()
	fresh, err := b.Accept(g, now)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return b.copy(), nil
	}
	if g.Terms.Balance.Valid() || g.Terms.Task.Valid() {
		return nil, protocol.New(protocol.CodeFieldInvalid, "terms", "PSD-AGT-SUB-06", "this ledger keeps no limit of balance and task")
	}
	if code := l.bind(b, g); code != "" {
		b.Refuse(code)
		return nil, b.Refusal()
	}
	b.Bind(g, now)
	b.Granted.Merchants = slices.Clone(g.Terms.Merchants)
	return b.copy(), nil
}

// bind makes the instrument, or says why it cannot.
func (l *MemoryLedger) bind(b *Binding, g Grant) protocol.Code {
	if a := l.accounts[accountKey{b.Principal, g.Terms.Currency.Code()}]; a == nil || a.merchant {
		return protocol.CodeInstrumentInvalid
	}
	if g.Terms.Instrument == payment.BindPaymentToken {
		k := b.NewToken(g)
		k.Merchants = slices.Clone(k.Merchants)
		l.tokens[k.ID] = &bound{token: k}
		return ""
	}
	for _, s := range l.subs {
		if s.sub.Key.Equal(b.Key) {
			return protocol.CodeSubAccountKey
		}
	}
	l.subs[g.SubAccount] = &bound{sub: b.NewSubAccount(g)}
	return ""
}

// DeclineBinding implements [Bindings].
func (l *MemoryLedger) DeclineBinding(_ context.Context, id string, code protocol.Code) error {
	if err := CheckBindingDecline(code); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.binding(id)
	if err != nil {
		return err
	}
	refuse, err := b.Declines()
	if refuse {
		b.Refuse(code)
	}
	return err
}
