package verifier

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sealed"
)

// SealedExpectation is what a reader expects of a sealed payload.
type SealedExpectation struct {
	Sender  string                // DID; required
	Purpose keys.Purpose          // of the sender's key: agent-request, seller or proof; required
	Keys    []*keys.DecryptionKey // the reader's own, all of one DID; required
}

// Sealed verifies a sealed payload and opens the reader's parts (PRV-02):
// form, the sender's key and signature, recipient, sender, message and digest
// of every part that can be opened, the time of issue, and that the message id
// is new, which it uses up for the sender.
//
// It does not check what the parts say, or that a part of some name is there:
// ask with [sealed.Message.Part].
func (v *Verifier) Sealed(ctx context.Context, raw []byte, expect SealedExpectation) (*Verified[sealed.Message], error) {
	if err := required([2]string{"sender", expect.Sender}, [2]string{"purpose", string(expect.Purpose)}); err != nil {
		return nil, err
	}
	if p := expect.Purpose; p != keys.AgentRequest && p != keys.Seller && p != keys.Proof {
		return nil, protocol.New(protocol.CodeKeyPurpose, "expectation.purpose", "ADD-IAC-ISS-12", "agent-request, seller or proof")
	}
	u, err := sealed.Parse(raw)
	if err != nil {
		return nil, err
	}
	var d protocol.Decision
	d.Pass("PRV-02", "form")
	now := v.now()
	key, err := v.keyUnder(ctx, u.KeyID, expect.Sender, expect.Purpose, now, "PRV-02")
	if !d.Record("PRV-02", "key of the sender, for this purpose", err) {
		return nil, d.Err()
	}
	m, err := u.Open(key, expect.Keys...)
	if !d.Record("PRV-02", "signature, readers and digests", err) {
		return nil, d.Err()
	}
	if !d.Record("PRV-02", "time of issue", protocol.In(checkTimestamp(u.IssuedAt, now, "PRV-02"), "manifest")) {
		return nil, d.Err()
	}
	n := Nonce{Scope: "sealed " + u.Sender, Value: u.ID, Until: now.Add(nonceLife)}
	if !d.Record("PRV-02", "message id is fresh", v.use(ctx, n, "PRV-02")) {
		return nil, d.Err()
	}
	return &Verified[sealed.Message]{value: *m, keyID: u.KeyID, key: key, decision: d}, nil
}
