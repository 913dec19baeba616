package verifier

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// IntentExpectation is what a merchant expects of an intent request.
type IntentExpectation struct {
	Merchant string // the merchant's own DID; required

	// Admit may refuse an agent that has proved who it is, with access_denied
	// or too_many_requests for example. It is asked before the nonce is used
	// up, so that who sends more than is served does not fill the replay
	// store; it is therefore also asked about a message that is a replay.
	Admit func(ctx context.Context, q commerce.IntentRequest) error
}

// IntentRequest verifies an agent's intent request, for the merchant
// (CID-INT-XFR-01): form and consent, the buyer's key and signature, the
// recipient, the time of sending, admission, and the nonce, which it uses up.
//
// It does not know whether the request that an update names exists and is the
// same agent's, nor whether the principal really consented: the request is the
// agent's signed word for that.
func (v *Verifier) IntentRequest(ctx context.Context, raw []byte, expect IntentExpectation) (*Verified[commerce.IntentRequest], error) {
	const requirement = "CID-INT-XFR-01"
	if err := required([2]string{"merchant", expect.Merchant}); err != nil {
		return nil, err
	}
	u, err := commerce.ParseIntentRequest(raw)
	if err != nil {
		return nil, err
	}
	q := u.Request
	var d protocol.Decision
	d.Pass(requirement, "form")
	key, ok := v.authenticate(ctx, u, q.BuyerAgentID, keys.AgentRequest, requirement, &d)
	if !ok {
		return nil, d.Err()
	}
	now := v.now()
	d.Require(q.MerchantID == expect.Merchant, protocol.CodeAudienceMismatch, requirement, "recipient", "merchant_id", "addressed to another party")
	d.Record(requirement, "time of sending", checkTimestamp(q.Timestamp, now, requirement))
	if err := d.Err(); err != nil {
		return nil, err
	}
	if expect.Admit != nil && !d.Record("CID-INT-XFR-05", "admitted", expect.Admit(ctx, q)) {
		return nil, d.Err()
	}
	n := Nonce{Scope: keys.KindIntentRequest + " " + q.BuyerAgentID, Value: q.Nonce, Until: now.Add(nonceLife)}
	if !d.Record(requirement, "nonce is fresh", v.use(ctx, n, requirement)) {
		return nil, d.Err()
	}
	return &Verified[commerce.IntentRequest]{value: q, keyID: u.KeyID(), key: key, digest: u.ContentDigest(), decision: d}, nil
}
