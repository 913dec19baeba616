package agent

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/verifier"
)

// Config is what an Agent needs. Signer, Wallet, Verifier, Spent and Instruments
// are required.
type Config struct {
	// Signer has the agent's key of purpose agent-request: the key that its
	// mandates name. Its DID is the agent's.
	Signer *keys.Signer
	// Wallet holds the mandates.
	Wallet *Wallet
	// Verifier checks mandates before they are used, and what sellers sign.
	Verifier *verifier.Verifier
	// Spent is the agent's record of its payments.
	Spent SpendStore
	// Instruments are what the agent pays with. A payment uses the first whose
	// provider is the one that the mandate is made for, and whose method is
	// allowed by the mandate and taken by the seller; under a BOUNDED mandate
	// sub-accounts come before payment tokens (PSD-PAY-AUP-04), and instant
	// payment uses payment tokens only.
	Instruments []Instrument

	// Refused is told of every purchase that the agent's own check refused
	// (CID-CART-CFM-02). When the policy is PAUSE_AND_NOTIFY it may wait for
	// the principal; when it then returns nil, because there is a new mandate
	// for example, the check is made once more. It never makes a refused
	// purchase allowed. Nil means that nobody is told but the caller, and that
	// the purchase ends.
	Refused func(ctx context.Context, r Refusal) error

	// Policy is asked before each payment that the mandate allows, and can only
	// refuse it. Nil means that the mandate is enough.
	Policy Policy

	// Alert is told once for each mandate and reason, in a goroutine of its own,
	// when the agent notices that a mandate comes near its end
	// (PSD-PAY-AUP-05). Nil means that nobody is.
	Alert       func(Alert)
	AlertShare  int           // of the total, in percent, from which on NearTotal is told; 80
	AlertBefore time.Duration // before the end of the mandate, from which on NearEnd is told; a tenth of its window

	// InstrumentAge is how long the provider's word that an instrument can pay
	// is used before it is asked again (PSD-PAY-AUP-02); 1 minute.
	InstrumentAge time.Duration

	// Attest is told of what AttestIntent and AttestChoice are called for:
	// recorder.Recorder.Attest is such a function. It must not block. Nil keeps no
	// evidence.
	Attest func(attestation.Draft)

	Patience time.Duration    // how long a proof is presented again that the seller cannot check now; 30 seconds
	MaxBody  int64            // the largest body of a request that may have to be paid, in bytes; 1 MiB
	Now      func() time.Time // nil means time.Now
}

// An Agent buys. It is safe for concurrent use.
type Agent struct {
	config Config
	id     string
	locks  keyedLocks

	mu       sync.Mutex
	refusals []Refusal

	prices prices
	alerts alerts
	states states
}

// New checks the configuration and returns an Agent.
func New(c Config) (*Agent, error) {
	missing := func(field string) error { return protocol.New(protocol.CodeFieldMissing, field, "PSD-PAY-DEL-02", "") }
	switch {
	case c.Signer == nil:
		return nil, missing("signer")
	case c.Signer.Purpose() != keys.AgentRequest:
		return nil, protocol.New(protocol.CodeKeyPurpose, "signer", "ADD-IAC-ISS-12", "an agent signs with a key of purpose agent-request")
	case c.Wallet == nil:
		return nil, missing("wallet")
	case c.Wallet.agent != c.Signer.DID():
		return nil, protocol.New(protocol.CodeAgentMismatch, "wallet", "PSD-PAY-DEL-05", "the wallet of another agent")
	case c.Verifier == nil:
		return nil, missing("verifier")
	case c.Spent == nil:
		return nil, missing("spent")
	}
	c.Instruments = slices.Clone(c.Instruments)
	if err := instruments(c.Instruments).check(c.Signer); err != nil {
		return nil, err
	}
	if c.Patience <= 0 {
		c.Patience = 30 * time.Second
	}
	if c.InstrumentAge <= 0 {
		c.InstrumentAge = time.Minute
	}
	if c.AlertShare <= 0 {
		c.AlertShare = 80
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 1 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Agent{config: c, id: c.Signer.DID()}, nil
}

// ID is the agent's DID.
func (a *Agent) ID() string { return a.id }

// instruments are those of the configuration.
func (a *Agent) instruments() instruments { return a.config.Instruments }

// Wallet is the agent's wallet.
func (a *Agent) Wallet() *Wallet { return a.config.Wallet }

// Spent is what the agent's own record says was spent under a mandate,
// including what is reserved for payments whose outcome is open.
func (a *Agent) Spent(ctx context.Context, m Mandate) (money.Amount, error) {
	return a.config.Spent.Spent(ctx, m.Key(), m.bounds.Currency())
}

// Abandon gives up waiting for what was paid for by a request: the money stays
// spent, and the same thing can be bought anew. It fails with state_conflict
// while it is not known whether the payment happened.
func (a *Agent) Abandon(ctx context.Context, requestID string) error {
	return a.config.Spent.Close(ctx, requestID)
}

// keyedLocks lets one goroutine at a time do something about one subject.
type keyedLocks struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	token chan struct{} // holds one token while nobody has the lock
	users int
}

// lock waits for the lock of key, or for the context.
func (k *keyedLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = make(map[string]*keyedLock)
	}
	l := k.locks[key]
	if l == nil {
		l = &keyedLock{token: make(chan struct{}, 1)}
		l.token <- struct{}{}
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
	}
	select {
	case <-l.token:
		return func() { l.token <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "", "PSD-PAY-A402-23", "given up while the same is being bought", ctx.Err())
	}
}
