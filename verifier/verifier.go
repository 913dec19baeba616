package verifier

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

const (
	// clockSkew is allowed for times at which others say they issued something.
	clockSkew = time.Minute
	// maxMessageAge is the greatest age of a signed message (SPEC.md 1.6).
	maxMessageAge = 5 * time.Minute
	// nonceLife is how long a nonce is kept: longer than a message can be
	// acceptable, which is its age plus the skew on either side.
	nonceLife = maxMessageAge + 2*clockSkew
	// maxAhead is how far ahead the timestamp of a payment request counts when
	// its nonce is kept: more than any mistaken time zone.
	maxAhead = 24 * time.Hour
	// maxVerifiedBytes bounds the memory of verified mandates.
	maxVerifiedBytes = 32 << 20
	// maxAdmitted is how many messages are remembered for which Config.Admit
	// was asked, at some 200 bytes each.
	maxAdmitted = 1 << 14
)

// Config is what a Verifier needs to know. Issuers, Keys and Status are always
// required, and Replay for everything that carries a nonce.
type Config struct {
	Issuers IssuerPolicy // who may issue mandates for whom; there is no default
	Keys    KeySource
	Status  StatusSource
	Replay  ReplayStore      // may be nil where no request and no message is verified
	Now     func() time.Time // nil means time.Now

	// Admit, when set, is asked for every message with a nonce, by the DID of
	// its sender, once its signature holds and it is addressed to the recipient
	// that is expected, and before anything else is done for it or kept of it.
	// It is the place for a limit by sender, since nobody can use up the share of
	// somebody else: fail with too_many_requests. It is asked once for a message
	// that it lets pass: a copy that comes soon, from whoever has got hold of it,
	// is replayed before it is asked again. An error ends the message, and
	// its nonce is not used. It must be safe for concurrent use.
	Admit func(ctx context.Context, sender string) error

	// Identities says which issuer may speak for the agents of which provider,
	// in credentials and bindings: Trusts(issuer, provider). Nil trusts nobody.
	Identities IssuerPolicy
}

// A Verifier verifies. It is safe for concurrent use.
//
// It remembers the signatures of mandates that it has verified, within a bound
// of memory, so that the second payment by a mandate costs no signature check;
// and, with Admit, the latest messages that it has let pass. Nothing else is
// remembered: issuer policy, key, state, window and
// expectations are judged anew each time.
type Verifier struct {
	issuers    IssuerPolicy
	identities IssuerPolicy // may be nil
	keys       KeySource
	status     StatusSource
	replay     ReplayStore
	admit      func(ctx context.Context, sender string) error // may be nil
	now        func() time.Time

	mu       sync.Mutex
	verified *lru[[sha256.Size]byte, *verifiedMandate]
	passed   *lru[[sha256.Size]byte, struct{}] // by Admit
}

// New returns a Verifier. It refuses a Config that lacks a required member:
// without an issuer policy nobody is trusted, and a Verifier that refuses
// everything is a mistake better found here.
func New(c Config) (*Verifier, error) {
	switch {
	case c.Issuers == nil:
		return nil, protocol.New(protocol.CodeFieldMissing, "issuers", "ADD-IAC-ISS-10", "an issuer policy is needed; nil trusts nobody")
	case c.Keys == nil:
		return nil, protocol.New(protocol.CodeFieldMissing, "keys", "IDN-02", "a key source is needed")
	case c.Status == nil:
		return nil, protocol.New(protocol.CodeFieldMissing, "status", "ADD-IAC-LCM-10", "a status source is needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Verifier{
		issuers:    c.Issuers,
		identities: c.Identities,
		keys:       c.Keys,
		status:     c.Status,
		replay:     c.Replay,
		admit:      c.Admit,
		now:        c.Now,
		verified:   newLRU[[sha256.Size]byte, *verifiedMandate](maxVerifiedBytes),
		passed:     newLRU[[sha256.Size]byte, struct{}](maxAdmitted),
	}, nil
}

// keyUnder returns the key of a key id that must lie under the DID of the
// party that is said to have signed.
func (v *Verifier) keyUnder(ctx context.Context, keyID, signer string, purpose keys.Purpose, at time.Time, requirement string) (keys.PublicKey, error) {
	did, _, err := identity.ParseKeyID(keyID)
	if err != nil {
		return keys.PublicKey{}, err
	}
	if did.String() != signer {
		return keys.PublicKey{}, protocol.New(protocol.CodeClaimsConflict, "kid", requirement, "the key is not one of the signer's")
	}
	if did.Method() == "key" && purpose != keys.AgentRequest {
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyPurpose, "kid", "ADD-IAC-ISS-12", "did:key serves agent requests only")
	}
	key, err := v.keys.Key(ctx, keyID, purpose, at)
	if err != nil {
		return keys.PublicKey{}, keyError(err)
	}
	if key.IsZero() {
		return keys.PublicKey{}, keyUnavailable("the key source gave no key", nil)
	}
	return key, nil
}

// keyError keeps the codes a KeySource may answer with and turns any other
// error, of a directory that is down for example, into key_unavailable.
func keyError(err error) error {
	switch protocol.CodeOf(err) {
	case protocol.CodeKeyUnknown, protocol.CodeKeyPurpose, protocol.CodeKeyNotValid, protocol.CodeKeyUnavailable,
		protocol.CodeFieldInvalid, protocol.CodeFieldMissing:
		return err
	}
	return keyUnavailable("the key source failed", err)
}

// checkTimestamp judges the time of sending of a signed message.
func checkTimestamp(sent, now time.Time, requirement string) error {
	if sent.After(now.Add(clockSkew)) || now.Sub(sent) > maxMessageAge {
		return protocol.New(protocol.CodeRequestExpired, "timestamp", requirement, "at most 5 minutes old and 60 seconds ahead")
	}
	return nil
}

// required refuses an expectation with an empty member.
func required(fields ...[2]string) error {
	for _, f := range fields {
		if f[1] == "" {
			return protocol.New(protocol.CodeFieldMissing, "expectation."+f[0], "", "an expectation that protects money is required")
		}
	}
	return nil
}
