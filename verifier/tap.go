package verifier

import (
	"context"
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A TAPKeySource is the key directory of Visa's Trusted Agent Protocol, or a
// copy of it. Its key ids are opaque and name no DID. TAPKey fails with
// key_unknown or key_not_valid when the directory says so, and with
// key_unavailable when it cannot be asked.
type TAPKeySource interface {
	TAPKey(ctx context.Context, keyID string) (keys.PublicKey, error)
}

// TAPKeys is a TAPKeySource in memory, by key id. It must not change while in
// use.
type TAPKeys map[string]keys.PublicKey

// TAPKey implements TAPKeySource.
func (k TAPKeys) TAPKey(_ context.Context, keyID string) (keys.PublicKey, error) {
	key, ok := k[keyID]
	if !ok {
		return keys.PublicKey{}, protocol.New(protocol.CodeKeyUnknown, "keyid", "IDN-04", "the directory has no such key")
	}
	return key, nil
}

// TAPExpectation is what a server expects of a request signed by the Trusted
// Agent Protocol. Authority and Keys are required.
type TAPExpectation struct {
	Authority string // as in HTTPExpectation
	Keys      TAPKeySource
	Tag       string   // httpsig.TagBrowser or TagPayer; empty means either
	Covers    []string // components that must be covered, for example "@method" and "@query"
}

// A TAPAgent is who signed a request by the Trusted Agent Protocol. It is no
// HTTPIdentity and cannot stand for one: there is no DID, and the signature as
// a rule covers host and path only. The zero value is nobody.
type TAPAgent struct {
	signature *httpsig.TAP
	key       keys.PublicKey
	decision  protocol.Decision
}

// KeyID is the key id in the network's directory.
func (a *TAPAgent) KeyID() string {
	if a.signature == nil {
		return ""
	}
	return a.signature.KeyID
}

// Tag is httpsig.TagBrowser or httpsig.TagPayer.
func (a *TAPAgent) Tag() string {
	if a.signature == nil {
		return ""
	}
	return a.signature.Tag
}

// Key is the key that signed.
func (a *TAPAgent) Key() keys.PublicKey { return a.key }

// Uncovered names what the signature leaves open: of "@method", "@query" and,
// when the request has a body, "content-digest". Do not act on those as if the
// agent had said them. It is all of them for the zero value.
func (a *TAPAgent) Uncovered() []string {
	if a.signature == nil {
		return []string{"@method", "@query", "content-digest"}
	}
	return a.signature.Uncovered()
}

// Decision returns the checks that were made; the zero value's denies.
func (a *TAPAgent) Decision() protocol.Decision { return a.decision }

// TAPSignature verifies a request signed by Visa's Trusted Agent Protocol:
// form, tag, the coverage that the caller asks for, key, signature, times, and
// then the nonce, which it uses up only when all else holds. A request that
// passes comes from an agent of that network, to this host and path, now; see
// TAPAgent.Uncovered for what it does not say.
func (v *Verifier) TAPSignature(ctx context.Context, r *http.Request, body []byte, expect TAPExpectation) (*TAPAgent, error) {
	const requirement = "IDN-04"
	if err := required([2]string{"authority", expect.Authority}); err != nil {
		return nil, err
	}
	if expect.Keys == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "expectation.keys", requirement, "the network's key directory is needed")
	}
	u, err := httpsig.ParseTAP(r, body, expect.Authority)
	if err != nil {
		return nil, err
	}
	var d protocol.Decision
	d.Pass(requirement, "form")
	d.Require(expect.Tag == "" || u.Tag == expect.Tag, protocol.CodeTypeMismatch, requirement, "tag", "signature-input.tag", "signed for another use")
	for _, component := range expect.Covers {
		d.Require(u.Covers(component), protocol.CodeFieldMissing, requirement, "coverage", "signature-input", "the signature does not cover what it must")
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	key, err := expect.Keys.TAPKey(ctx, u.KeyID)
	if err != nil {
		err = keyError(err)
	}
	if !d.Record(requirement, "key of the network's directory", err) ||
		!d.Record(requirement, "signature", u.Verify(key)) ||
		!d.Record(requirement, "created and expires", u.Check(v.now())) {
		return nil, d.Err()
	}
	n := Nonce{Scope: "tap " + u.KeyID, Value: u.Nonce, Until: u.Expires.Add(clockSkew)}
	if !d.Record(requirement, "nonce is fresh", v.use(ctx, n, requirement)) {
		return nil, d.Err()
	}
	return &TAPAgent{signature: u, key: key, decision: d}, nil
}
