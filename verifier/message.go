package verifier

import (
	"context"
	"crypto/sha256"
	"strconv"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Verified is a value whose signature was verified and which met the caller's
// expectations. There is no way to make one but a method of Verifier, and none
// is returned together with an error. The zero value holds nothing.
type Verified[T any] struct {
	value    T
	keyID    string
	key      keys.PublicKey
	digest   canon.Digest
	decision protocol.Decision
}

// Value returns the content.
func (m *Verified[T]) Value() T { return m.value }

// KeyID is the id of the key that signed, an absolute DID URL.
func (m *Verified[T]) KeyID() string { return m.keyID }

// Key is the public key that signed.
func (m *Verified[T]) Key() keys.PublicKey { return m.key }

// ContentDigest is equal for two transmissions of one message, which differ in
// nonce, timestamp and signature only: what an idempotent receiver compares.
// It is empty for tokens, which have an id.
func (m *Verified[T]) ContentDigest() canon.Digest { return m.digest }

// Decision returns the checks that were made.
func (m *Verified[T]) Decision() protocol.Decision { return m.decision }

// A Nonce is what a ReplayStore has to remember of a message.
type Nonce struct {
	Scope string    // kind of message and DID of its signer
	Value string    // as the signer chose it
	Until time.Time // after this the message is too old to be accepted anyway
}

// use records a nonce in the configured store.
func (v *Verifier) use(ctx context.Context, n Nonce, requirement string) error {
	if v.replay == nil {
		return protocol.New(protocol.CodeServiceUnavailable, "nonce", requirement, "the verifier has no replay store")
	}
	return v.replay.Use(ctx, n.Scope, n.Value, n.Until)
}

// signedText is the side of a parsed message or token that signatures need.
type signedText interface {
	KeyID() string
	Verify(key keys.PublicKey) error
}

// authenticate finds the key of what arrives now and verifies the signature.
// The key must lie under signer, serve the purpose and be valid now: only
// mandates and results may be older than the period of the key that signed.
func (v *Verifier) authenticate(ctx context.Context, m signedText, signer string, purpose keys.Purpose, requirement string, d *protocol.Decision) (keys.PublicKey, bool) {
	return v.authenticateAt(ctx, m, signer, purpose, v.now(), requirement, d)
}

func (v *Verifier) authenticateAt(ctx context.Context, m signedText, signer string, purpose keys.Purpose, at time.Time, requirement string, d *protocol.Decision) (keys.PublicKey, bool) {
	key, err := v.keyUnder(ctx, m.KeyID(), signer, purpose, at, requirement)
	if !d.Record(requirement, "key of the signer, for this purpose", err) {
		return keys.PublicKey{}, false
	}
	return key, d.Record(requirement, "signature", m.Verify(key))
}

// envelope is what the messages that carry a nonce have in common.
type envelope struct {
	kind, signer, recipient, recipientField string
	expectedRecipient                       string
	nonce                                   string
	timestamp                               time.Time
	purpose                                 keys.Purpose
	requirement                             string
	admit                                   func() error // may be nil
}

// admission is an expectation's Admit for one message, or nil.
func admission[T any](ctx context.Context, admit func(context.Context, T) error, message T) func() error {
	if admit == nil {
		return nil
	}
	return func() error { return admit(ctx, message) }
}

// receive judges the envelope of a message and then uses its nonce up: signer,
// signature, recipient, time and, last, replay, so that nothing that fails
// before costs a place in the store.
func (v *Verifier) receive(ctx context.Context, m signedText, e envelope) (keys.PublicKey, protocol.Decision, error) {
	var d protocol.Decision
	d.Pass(e.requirement, "form")
	key, ok := v.authenticate(ctx, m, e.signer, e.purpose, e.requirement, &d)
	if !ok {
		return keys.PublicKey{}, d, d.Err()
	}
	now := v.now()
	d.Require(e.recipient == e.expectedRecipient, protocol.CodeAudienceMismatch, e.requirement, "recipient", e.recipientField, "addressed to another party")
	d.Record(e.requirement, "time of sending", checkTimestamp(e.timestamp, now, e.requirement))
	if err := d.Err(); err != nil {
		return keys.PublicKey{}, d, err
	}
	n := Nonce{Scope: e.kind + " " + e.signer, Value: e.nonce, Until: now.Add(nonceLife)}
	if !v.admitted(ctx, e.signer, n, e.requirement, &d) {
		return keys.PublicKey{}, d, d.Err()
	}
	if e.admit != nil && !d.Record(e.requirement, "admitted", e.admit()) {
		return keys.PublicKey{}, d, d.Err()
	}
	d.Record(e.requirement, "nonce is fresh", v.use(ctx, n, e.requirement))
	return key, d, d.Err()
}

// admitted asks Config.Admit for a sender whose signature holds, once for each
// of its messages: whoever has a copy of one could otherwise use up the sender's
// share with it. The nonce is used later, or not at all.
func (v *Verifier) admitted(ctx context.Context, sender string, n Nonce, requirement string, d *protocol.Decision) bool {
	if v.admit == nil {
		return true
	}
	message := sha256.Sum256([]byte(strconv.Itoa(len(n.Scope)) + " " + n.Scope + n.Value))
	v.mu.Lock()
	_, again := v.passed.get(message)
	v.mu.Unlock()
	if !d.Require(!again, protocol.CodeReplayed, requirement, "nonce is fresh", "nonce", "a copy of a message that came a moment ago") {
		return false
	}
	if !d.Record(requirement, "sender admitted", v.admit(ctx, sender)) {
		return false
	}
	v.mu.Lock()
	v.passed.put(message, struct{}{}, 1)
	v.mu.Unlock()
	return true
}
