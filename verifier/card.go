package verifier

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// CardExpectation is what the reader of an agent card expects of it.
type CardExpectation struct {
	Agent string // DID of the agent whose card it is said to be; required
}

// AgentCard verifies a merchant's agent card, for an agent that wants to know
// how the merchant can be paid (CID-PCA-NEG-07): form, that it is this
// merchant's, and a signature by a key of the merchant for selling that is
// valid now.
//
// It does not check where the card was fetched from, and a card says nothing
// of its age: one that the merchant has replaced is good as long as its key.
// What it points to is for the caller to fetch and to judge.
func (v *Verifier) AgentCard(ctx context.Context, raw []byte, expect CardExpectation) (*Verified[commerce.AgentCard], error) {
	if err := required([2]string{"agent", expect.Agent}); err != nil {
		return nil, err
	}
	u, err := commerce.ParseAgentCard(raw)
	if err != nil {
		return nil, err
	}
	const requirement = "CID-PCA-NEG-07"
	var d protocol.Decision
	d.Pass(requirement, "form of the card")
	// Judged before the key, so that a card cannot have keys of strangers fetched.
	if !d.Require(u.Card.AgentID == expect.Agent, protocol.CodeClaimsConflict, requirement, "agent of the card", "agent_id", "the card of another agent") {
		return nil, d.Err()
	}
	key, ok := v.authenticate(ctx, u, expect.Agent, keys.Seller, requirement, &d)
	if !ok {
		return nil, d.Err()
	}
	return &Verified[commerce.AgentCard]{value: u.Card, keyID: u.KeyID(), key: key, decision: d}, nil
}

// NegotiationExpectation is what a merchant expects of a negotiation request.
type NegotiationExpectation struct {
	Merchant string // the merchant's own DID; required

	// Admit may refuse a sender that has proved who it is, with
	// too_many_requests for example, before the nonce is used up: who sends more
	// than is served does not fill the replay store. Nil admits everybody.
	Admit func(ctx context.Context, q commerce.NegotiationRequest) error
}

// NegotiationRequest verifies an agent's question by which of its methods a
// merchant can be paid, for the merchant (CID-PCA-NEG-06): form, the agent's
// key and signature, the recipient, the time of sending and the nonce, which it
// uses up.
//
// It does not check whether the agent has a mandate, or any money.
func (v *Verifier) NegotiationRequest(ctx context.Context, raw []byte, expect NegotiationExpectation) (*Verified[commerce.NegotiationRequest], error) {
	if err := required([2]string{"merchant", expect.Merchant}); err != nil {
		return nil, err
	}
	u, err := commerce.ParseNegotiationRequest(raw)
	if err != nil {
		return nil, err
	}
	q := u.Request
	key, d, err := v.receive(ctx, u, envelope{
		admit: admission(ctx, expect.Admit, q),
		kind:  keys.KindNegotiationRequest, signer: q.AgentID, purpose: keys.AgentRequest,
		recipient: q.MerchantID, recipientField: "merchant_id", expectedRecipient: expect.Merchant,
		nonce: q.Nonce, timestamp: q.Timestamp, requirement: "CID-PCA-NEG-06",
	})
	if err != nil {
		return nil, err
	}
	return &Verified[commerce.NegotiationRequest]{value: q, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}
