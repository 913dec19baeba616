package verifier

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
)

// MandateExpectation is what the caller knows apart from the mandate. Agent and
// Audience are required.
type MandateExpectation struct {
	Agent    string // DID of the agent that uses the mandate: the signer of the request, or oneself
	Audience string // DID of the one PSP the mandate may be used at

	// Presented asks for a mandate with selective disclosure that its holder
	// has bound to this occasion, and for nothing else. Nil is for a mandate
	// that nobody presents: the agent's own, or one whose holder proves itself
	// in another way, as the signer of a payment request does. A key binding is
	// then refused.
	Presented *Presentation
}

// A Mandate is a verified one: its issuer is trusted for its delegator, its
// signature holds, and at the time of the call it was inside its window and
// Active. It is immutable. The zero value belongs to nobody and its bounds
// allow nothing.
//
// It is a statement about the moment of the call. Verify again before the next
// payment; the second time is cheap.
type Mandate struct {
	core   *verifiedMandate
	checks protocol.Decision
}

// verifiedMandate is what only the bytes and the key decide, and what may
// therefore be remembered. It is shared and never changed.
type verifiedMandate struct {
	parsed *delegation.UnverifiedMandate
	claims delegation.Claims // not handed out: accessors copy
	bounds delegation.Bounds
	digest canon.Digest   // of the payload
	key    keys.PublicKey // the one that verified the signature
}

// Mandate verifies a mandate, a VC-JWT (SPEC.md 4.2) or an SD-JWT VC (SPEC.md
// 8.1), against what the caller expects: form and twins (ADD-IAC-ISS-04, -08, -10), issuer
// policy, key purpose (ADD-IAC-ISS-12), signature, agent (PSD-PAY-DEL-05),
// audience, window and state (ADD-IAC-LCM-01, -05, -06, -07, -10). A member
// that this version does not know makes the outcome undetermined. A failure
// lists all checks made; several may have failed.
//
// The key is judged at the time of issuing, iat: a retired key verifies what it
// signed in its period, and one that its owner marks as compromised nothing.
//
// Of a mandate with selective disclosure the issuer policy is asked about the
// delegator "" when the delegator was withheld, as it is from merchants: it says
// with true that this issuer is trusted whoever its principals are.
//
// It does not judge a purchase: ask Bounds, which know what was withheld. It
// does not check that the caller's counterpart holds the key of cnf, unless
// Presented is set: PaymentRequest does.
func (v *Verifier) Mandate(ctx context.Context, raw []byte, expect MandateExpectation) (*Mandate, error) {
	if err := required([2]string{"agent", expect.Agent}, [2]string{"audience", expect.Audience}); err != nil {
		return nil, err
	}
	if p := expect.Presented; p != nil {
		if err := required([2]string{"presented.audience", p.Audience}, [2]string{"presented.nonce", p.Nonce}); err != nil {
			return nil, err
		}
	}
	var d protocol.Decision
	raw, binding, err := expect.Presented.cut(raw)
	if err != nil {
		d.Record("PRV-01", "form of the presentation", err)
		return nil, d.Err()
	}
	core := v.authenticMandate(ctx, raw, &d)
	if core == nil {
		return nil, d.Err()
	}
	// The time is read when the key is there, which may have taken seconds.
	c, now := &core.claims, v.now()
	d.Require(c.Subject == expect.Agent, protocol.CodeAgentMismatch, "PSD-PAY-DEL-05", "agent", "sub", "made for another agent")
	d.Require(c.Audience == expect.Audience, protocol.CodeAudienceMismatch, "PSD-PAY-DEL-07", "audience", "aud", "made for another provider")
	expect.Presented.check(binding, raw, c.Holder, now, &d)
	checkWindow(c, now, &d)
	d.Require(len(c.Unknown) == 0, protocol.CodeConstraintUnknown, "ADD-IAC-ISS-07", "all constraints understood", "", "a member that this version does not know")
	if d.Outcome() != protocol.Denied { // no fetch for what is refused anyway
		v.checkStatus(ctx, c, now, &d)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Mandate{core: core, checks: d}, nil
}

// Claims returns a copy of what the mandate says.
func (m *Mandate) Claims() delegation.Claims {
	if m.core == nil {
		return delegation.Claims{}
	}
	return m.core.parsed.Claims()
}

// Bounds returns the boundaries; those of the zero Mandate allow nothing.
func (m *Mandate) Bounds() delegation.Bounds {
	if m.core == nil {
		return delegation.Bounds{}
	}
	return m.core.bounds
}

// PayloadDigest is the digest of the signed payload, byte by byte, which a PSP
// pins for (Issuer, DelegationID). It is empty for the zero Mandate.
func (m *Mandate) PayloadDigest() canon.Digest {
	if m.core == nil {
		return ""
	}
	return m.core.digest
}

// Holder is the key of cnf, zero for the zero Mandate.
func (m *Mandate) Holder() keys.PublicKey {
	if m.core == nil {
		return keys.PublicKey{}
	}
	return m.core.claims.Holder
}

// Decision returns the checks that were made; the zero Mandate's denies.
func (m *Mandate) Decision() protocol.Decision { return m.checks }

// authenticMandate establishes who signed these bytes, for whom and with which
// key. It returns nil when d denies or cannot decide.
func (v *Verifier) authenticMandate(ctx context.Context, raw []byte, d *protocol.Decision) *verifiedMandate {
	id := sha256.Sum256(raw)
	v.mu.Lock()
	core, known := v.verified.get(id)
	v.mu.Unlock()
	if !known {
		var err error
		core, err = parseMandate(raw)
		if !d.Record("ADD-IAC-ISS-04", "form and twins", err) {
			return nil
		}
	} else {
		d.Pass("ADD-IAC-ISS-04", "form and twins")
	}
	c := &core.claims
	if !d.Require(v.issuers.Trusts(c.Issuer, c.Authorization.DelegatorIdentity), protocol.CodeIssuerUntrusted,
		"ADD-IAC-ISS-10", "issuer trusted for the delegator", "iss", "not trusted to issue for this delegator") {
		return nil
	}
	key, err := v.keyUnder(ctx, core.parsed.KeyID(), c.Issuer, keys.IssueAuthorization, c.IssuedAt, "ADD-IAC-ISS-12")
	if !d.Record("ADD-IAC-ISS-12", "key of the issuer, for issuing authorizations", err) {
		return nil
	}
	if known && core.key.Equal(key) {
		d.Pass("PSD-PAY-DEL-05", "signature")
		return core
	}
	if !d.Record("PSD-PAY-DEL-05", "signature", core.parsed.VerifySignature(key)) {
		return nil
	}
	verified := *core
	verified.key = key
	v.mu.Lock()
	v.verified.put(id, &verified, 8*len(raw)+1024)
	v.mu.Unlock()
	return &verified
}

// parseMandate does everything that needs nothing but the bytes.
func parseMandate(raw []byte) (*verifiedMandate, error) {
	parsed, err := delegation.ParseMandate(raw)
	if err != nil {
		return nil, err
	}
	claims := parsed.Claims()
	bounds, err := claims.Bounds()
	if err != nil {
		return nil, err
	}
	return &verifiedMandate{parsed: parsed, claims: claims, bounds: bounds, digest: parsed.PayloadDigest()}, nil
}

// checkWindow judges the times of a mandate. The end has no skew.
func checkWindow(c *delegation.Claims, now time.Time, d *protocol.Decision) {
	d.Require(!c.IssuedAt.After(now.Add(clockSkew)), protocol.CodeMandateNotYetValid,
		"ADD-IAC-LCM-06", "issued in the past", "iat", "issued in the future")
	d.Require(!now.Before(c.NotBefore), protocol.CodeMandateNotYetValid,
		"ADD-IAC-LCM-01", "window begun", "nbf", "before the start of the window")
	d.Require(now.Before(c.Expires), protocol.CodeMandateExpired,
		"ADD-IAC-LCM-05", "window not over", "exp", "at or after the end of the window")
}

// checkStatus asks for the current state.
func (v *Verifier) checkStatus(ctx context.Context, c *delegation.Claims, now time.Time, d *protocol.Decision) {
	const name = "state is Active"
	if c.Status == nil { // ParseMandate refuses that in a mandate of more than 15 minutes
		d.Pass("ADD-IAC-LCM-10", "life short enough to need no status")
		return
	}
	status, err := v.status.Status(ctx, *c.Status, c.Issuer, now)
	switch {
	case err != nil:
		d.Record("ADD-IAC-LCM-10", name, statusError(err))
	case status == delegation.StatusActive:
		d.Pass("ADD-IAC-LCM-07", name)
	case status == delegation.StatusRevoked:
		d.Fail(protocol.CodeMandateRevoked, "ADD-IAC-LCM-07", name, "status", "")
	case status == delegation.StatusSuspended:
		d.Fail(protocol.CodeMandateSuspended, "ADD-IAC-LCM-07", name, "status", "")
	default:
		d.Fail(protocol.CodeStatusUnavailable, "ADD-IAC-LCM-07", name, "status", "an entry without a meaning")
	}
}

// statusError makes sure that a StatusSource of any make is undetermined when
// it fails: only an answer can say that a mandate is not Active.
func statusError(err error) error {
	if protocol.CodeOf(err) == protocol.CodeStatusUnavailable {
		return err
	}
	return statusUnavailable("status", "the status source failed", err)
}
