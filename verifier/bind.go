package verifier

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// BindingRequest verifies that an agent asks for an instrument, for the provider
// (PSD-PMT-BND-02, PSD-AGT-SUB-01): form, the agent's key and signature,
// recipient, time of sending, for a sub-account that the agent has the key
// which it wants registered, and the nonce, which it uses up.
//
// It says nothing about the principal, who has to be identified and to agree.
func (v *Verifier) BindingRequest(ctx context.Context, raw []byte, expect PaymentExpectation) (*Verified[payment.BindingRequest], error) {
	if err := required([2]string{"psp", expect.PSP}); err != nil {
		return nil, err
	}
	u, err := payment.ParseBindingRequest(raw)
	if err != nil {
		return nil, err
	}
	q := u.Request
	var signedBy keys.PublicKey
	key, d, err := v.receive(ctx, &remembering{u, &signedBy}, envelope{
		kind: keys.KindBindingRequest, signer: q.BuyerAgentID, purpose: keys.AgentRequest,
		recipient: q.PSPID, recipientField: "psp_id", expectedRecipient: expect.PSP,
		nonce: q.Nonce, timestamp: q.Timestamp, requirement: "PSD-PMT-BND-02",
		admit: func() error { return v.subAccountKey(u, signedBy) },
	})
	if err != nil {
		return nil, err
	}
	return &Verified[payment.BindingRequest]{value: q, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// remembering keeps the key that verified.
type remembering struct {
	signedText
	key *keys.PublicKey
}

func (r *remembering) Verify(key keys.PublicKey) error {
	*r.key = key
	return r.signedText.Verify(key)
}

// subAccountKey checks that the key of a new sub-account has agreed to this
// transmission, and that it is not the one by which the agent signs requests.
func (v *Verifier) subAccountKey(u *payment.UnverifiedBindingRequest, agent keys.PublicKey) error {
	const requirement, field = "PSD-AGT-SUB-01", "subaccount_key_proof"
	q := u.Request
	if q.Terms.Instrument != payment.BindSubAccount {
		return nil
	}
	proof, err := payment.ParseSubAccountKeyProof(q.SubAccountKeyProof)
	if err != nil {
		return protocol.In(err, field)
	}
	p, now := proof.Proof, v.now()
	var d protocol.Decision
	check := func(ok bool, code protocol.Code, name, member, detail string) {
		d.Require(ok, code, requirement, name, field+"."+member, detail)
	}
	check(proof.KeyID() != u.KeyID() && !q.SubAccountKey.Equal(agent), protocol.CodeKeyPurpose, "another key than the request's", "header.kid",
		"the key of the request is not the sub-account's")
	check(p.AgentID == q.BuyerAgentID, protocol.CodeAgentMismatch, "key of this agent", "iss", "not the agent of the request")
	check(p.PSPID == q.PSPID, protocol.CodeAudienceMismatch, "key for this provider", "aud", "for another provider")
	check(p.RequestDigest == u.KeyProofDigest(), protocol.CodeClaimsConflict, "key for this transmission", "request_digest", "not for this message")
	check(!p.IssuedAt.After(now.Add(clockSkew)) && now.Before(p.Expires), protocol.CodeRequestExpired, "key's word in its time", "exp", "over, or not begun")
	if err := proof.Verify(q.SubAccountKey); err != nil {
		d.Record(requirement, "signature of the sub-account's key", protocol.Wrap(protocol.CodeSubAccountKey, field, requirement, "", err))
	}
	return d.Err()
}

// BindExpectation is what an agent expects of the answer to a binding request:
// that it answers the one which it sent.
type BindExpectation struct {
	Request payment.BindingRequest // required
}

func (e BindExpectation) check() error {
	q := e.Request
	return required([2]string{"request.request_id", q.RequestID}, [2]string{"request.psp_id", q.PSPID}, [2]string{"request.buyer_agent_id", q.BuyerAgentID},
		[2]string{"request.principal_id", q.PrincipalID}, [2]string{"request.terms", string(q.Terms.Instrument)})
}

// BindingPending verifies a provider's word that a binding request waits for the
// principal, for the agent: the provider's key for proofs and its signature,
// that it answers this request of this agent, and that there is still time.
// Only then the principal is sent to the address, which is not opened here.
func (v *Verifier) BindingPending(ctx context.Context, raw []byte, expect BindExpectation) (*Verified[payment.BindingPending], error) {
	const requirement = "PSD-PMT-BND-02"
	if err := expect.check(); err != nil {
		return nil, err
	}
	u, err := payment.ParseBindingPending(raw)
	if err != nil {
		return nil, err
	}
	p, q := u.Pending, expect.Request
	key, d, err := v.answer(ctx, u, requirement, p.PSPID, q.PSPID, p.RequestID == q.RequestID)
	if err != nil {
		return nil, err
	}
	d.Require(p.BuyerAgentID == q.BuyerAgentID, protocol.CodeAgentMismatch, requirement, "for this agent", "buyer_agent_id", "not who asked")
	d.Require(v.now().Before(p.ExpiresAt), protocol.CodeRequestExpired, requirement, "still time to decide", "expires_at", "the time to decide has passed")
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[payment.BindingPending]{value: p, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}

// BindingResult verifies a provider's word that an instrument was bound, for the
// agent (PSD-PMT-BND-03): the provider's key for proofs and its signature, that
// it answers this request of this agent about this principal, and that what was
// granted is what was asked for, or less.
//
// Whether the instrument is usable now is told by the state of the instrument.
func (v *Verifier) BindingResult(ctx context.Context, raw []byte, expect BindExpectation) (*Verified[payment.BindingResult], error) {
	const requirement = "PSD-PMT-BND-03"
	if err := expect.check(); err != nil {
		return nil, err
	}
	u, err := payment.ParseBindingResult(raw)
	if err != nil {
		return nil, err
	}
	b, q := u.Result, expect.Request
	key, d, err := v.answer(ctx, u, requirement, b.PSPID, q.PSPID, b.RequestID == q.RequestID)
	if err != nil {
		return nil, err
	}
	d.Require(b.BuyerAgentID == q.BuyerAgentID, protocol.CodeAgentMismatch, requirement, "for this agent", "buyer_agent_id", "not who asked")
	d.Require(b.PrincipalID == q.PrincipalID, protocol.CodePrincipalMismatch, requirement, "of this principal", "principal_id", "not whose account was asked for")
	d.Record(requirement, "what was asked for, or less", protocol.In(b.Terms.NoWider(q.Terms), "terms"))
	d.Require(!b.BoundAt.After(v.now().Add(clockSkew).Truncate(time.Second)), protocol.CodeRequestExpired, requirement, "time of the binding", "bound_at", "in the future")
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &Verified[payment.BindingResult]{value: b, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}
