package main

import (
	"context"
	"sync"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
)

// A till is the processor as the agent sees it. When the agent is to be
// dishonest, it first shows the processor a mandate with one member less.
type till struct {
	agent.PSP

	mu      sync.Mutex
	hide    string // JSON pointer of what to withhold from the next payment
	refused error  // what the processor said to that
}

// withhold makes the agent leave something out of the mandate at the next
// payment, before it pays as it should.
func (t *till) withhold(pointer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hide = pointer
}

// PayFrom implements agent.PSP.
func (t *till) PayFrom(ctx context.Context, q payment.Request, sub *keys.Signer) (payment.Result, error) {
	t.mu.Lock()
	hide := t.hide
	t.hide = ""
	t.mu.Unlock()
	if hide == "" {
		return t.PSP.PayFrom(ctx, q, sub)
	}
	less := q
	var err error
	if less.IAC, err = without(q.IAC, hide); err != nil {
		return payment.Result{}, err
	}
	paid, err := t.PSP.PayFrom(ctx, less, sub)
	if err == nil { // which ends the story, see evening.withheld
		return paid, nil
	}
	t.mu.Lock()
	t.refused = err
	t.mu.Unlock()
	return t.PSP.PayFrom(ctx, q, sub)
}

// said is what the processor said to less than it has to see.
func (t *till) said() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused
}

// without leaves a disclosure out of a presentation (RFC 9901). The agent can
// always do that; the manifest, which the issuer has signed, tells that it did.
func without(presentation, pointer string) (string, error) {
	presented, err := sdjwt.Parse([]byte(presentation))
	if err != nil {
		return "", err
	}
	token, err := keys.ParseCompact(presented.JWT, keys.TypeMandateSD)
	if err != nil {
		return "", err
	}
	shown, err := presented.Process(token.Payload)
	if err != nil {
		return "", err
	}
	return string(shown.Present(func(d sdjwt.Disclosed) bool { return d.Path != pointer })), nil
}
