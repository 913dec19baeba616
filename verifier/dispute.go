package verifier

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Application verifies an application to open a dispute, for the arbiter
// (TSD-ATT-DSP-01): that it is addressed to this arbiter and signed by a key of
// the applicant's that is good now. What it says is the applicant's word;
// whether the id is new is the arbiter's to know.
func (v *Verifier) Application(ctx context.Context, raw []byte, arbiter string) (*Verified[attestation.Application], error) {
	u, err := attestation.ParseApplication(raw)
	if err != nil {
		return nil, err
	}
	a := u.Content
	return dispute(ctx, v, u, arbiter, a.Arbiter, a.Applicant, v.now(), a.AppliedAt)
}

// Call verifies an arbiter's call for records, for the parties
// (TSD-ATT-DSP-01). The arbiter is the one that the application names; its key
// is the one of the time of the call.
func (v *Verifier) Call(ctx context.Context, raw []byte, arbiter string) (*Verified[attestation.Call], error) {
	u, err := attestation.ParseCall(raw)
	if err != nil {
		return nil, err
	}
	c := u.Content
	return dispute(ctx, v, u, arbiter, c.Arbiter, c.Arbiter, c.CalledAt, c.CalledAt)
}

// Production verifies what a party produces, for the arbiter (TSD-ATT-DSP-01).
// The records it names are verified apart, by Record, and whether it came in
// time is [attestation.Case.Produce]'s to say.
func (v *Verifier) Production(ctx context.Context, raw []byte, party string) (*Verified[attestation.Production], error) {
	u, err := attestation.ParseProduction(raw)
	if err != nil {
		return nil, err
	}
	p := u.Content
	return dispute(ctx, v, u, party, p.Party, p.Party, v.now(), p.ProducedAt)
}

// Disposition verifies how a dispute ended, for whoever has to act on it
// (TSD-ATT-DSP-03). The arbiter's key is the one of the time of the
// disposition. Whether it follows from the case is [attestation.Case.Dispose]'s
// to say.
func (v *Verifier) Disposition(ctx context.Context, raw []byte, arbiter string) (*Verified[attestation.Disposition], error) {
	u, err := attestation.ParseDisposition(raw)
	if err != nil {
		return nil, err
	}
	d := u.Content
	return dispute(ctx, v, u, arbiter, d.Arbiter, d.Arbiter, d.DisposedAt, d.DisposedAt)
}

// dispute judges what the four messages have in common: who was expected in
// the message and is there, the sender's key at a time, and that the message
// is not of the future.
func dispute[T attestation.DisputeContent](ctx context.Context, v *Verifier, u *attestation.UnverifiedDispute[T], expected, named, sender string, at, stated time.Time) (*Verified[T], error) {
	const requirement = "TSD-ATT-DSP-01"
	if err := required([2]string{"party", expected}); err != nil {
		return nil, err
	}
	var d protocol.Decision
	d.Pass(requirement, "form of the message")
	if now := v.now(); at.After(now) {
		at = now
	}
	key, ok := v.authenticateAt(ctx, u, sender, keys.Attestation, at, requirement, &d)
	if !ok {
		return nil, d.Err()
	}
	d.Require(named == expected, protocol.CodeAudienceMismatch, requirement, "party that was expected", "", "of or for another party")
	d.Require(!stated.After(v.now().Add(clockSkew)), protocol.CodeRequestExpired, requirement, "time of the message", "", "of the future")
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[T]{value: u.Content, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}
