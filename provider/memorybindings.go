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
		case have.RequestID == b.RequestID && have.Digest == b.Digest:
			return have.copy(), nil
		case have.RequestID == b.RequestID:
			return nil, protocol.New(protocol.CodeRequestConflict, "request_id", "PSD-PMT-BND-05", "")
		case have.State == BindingWaiting:
			open++
		}
	}
	switch {
	case open >= MaxOpenBindings:
		return nil, protocol.New(protocol.CodeTooManyRequests, "buyer_agent_id", "PSD-PMT-BND-02", "too many requests wait for their principals")
	case l.bindings[b.ID] != nil:
		return nil, protocol.New(protocol.CodeStateConflict, "id", "PSD-PMT-BND-02", "begun before")
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
		b.State, b.Reason = BindingRefused, protocol.CodeConfirmationFailed
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
		return nil, protocol.New(protocol.CodeContextUnknown, "binding_id", "PSD-PMT-BND-02", "")
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
	switch {
	case err != nil:
		return nil, err
	case b.State == BindingBound:
		return b.copy(), nil
	case b.State == BindingRefused:
		return nil, b.Refusal()
	}
	now := l.now()
	if err := b.Judge(g, now); err != nil {
		return nil, err
	}
	if g.Terms.Balance.Valid() || g.Terms.Task.Valid() {
		return nil, protocol.New(protocol.CodeFieldInvalid, "terms", "PSD-AGT-SUB-06", "this ledger keeps no limit of balance and task")
	}
	if code := l.bind(b, g); code != "" {
		b.State, b.Reason = BindingRefused, code
		return nil, b.Refusal()
	}
	b.State, b.Granted, b.Token, b.SubAccount = BindingBound, g.Terms, g.Token, g.SubAccount
	b.Granted.Merchants = slices.Clone(g.Terms.Merchants)
	b.Confirmation, b.BoundAt = g.Confirmation, now.UTC().Truncate(time.Second)
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
	if !BindingDeclines(code) {
		return protocol.New(protocol.CodeFieldInvalid, "code", "PSD-PMT-BND-05", "confirmation_failed or risk_refused")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := l.binding(id)
	switch {
	case err != nil:
		return err
	case b.State == BindingBound:
		return protocol.New(protocol.CodeStateConflict, "binding_id", "PSD-PMT-BND-05", "bound already")
	case b.State == BindingWaiting:
		b.State, b.Reason = BindingRefused, code
	}
	return nil
}
