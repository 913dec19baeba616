package verifier

import (
	"context"
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/httpsig"
	"github.com/actprotocol/act-go/protocol/keys"
)

// HTTPExpectation is what a server expects of a signed request.
type HTTPExpectation struct {
	// Authority is the server's own host, with a port unless it is the
	// default, from its configuration. Required: a forwarding header is what
	// anybody says it is.
	Authority string
	// Covers names header fields that the signature must cover beside the
	// standard components, for example "payment-proof".
	Covers []string
	// Repeatable accepts a request whose nonce was used before. It is for a
	// receiver that answers a repetition with the first answer and does
	// nothing twice: an HTTP transport may send a request again by itself.
	Repeatable bool
}

// HTTPIdentity says which agent signed a request.
type HTTPIdentity struct {
	Agent      string // DID
	Thumbprint string // RFC 7638, of the key that signed: what cnf.jkt names
}

// HTTPSignature verifies the RFC 9421 signature of a request (IDN-04): form,
// coverage, body digest, the key named by keyid with the purpose
// agent-request, the signature, times, and then the nonce, which it uses up
// only when all else holds. body is the whole body, already read; a limit on
// its size is the server's to set.
//
// It says who sends the request, not what the sender may do.
func (v *Verifier) HTTPSignature(ctx context.Context, r *http.Request, body []byte, expect HTTPExpectation) (*Verified[HTTPIdentity], error) {
	const requirement = "IDN-04"
	if err := required([2]string{"authority", expect.Authority}); err != nil {
		return nil, err
	}
	u, err := httpsig.ParseFor(r, body, expect.Authority)
	if err != nil {
		return nil, err
	}
	var d protocol.Decision
	d.Pass(requirement, "form and body digest")
	for _, component := range expect.Covers {
		d.Require(u.Covers(component), protocol.CodeFieldMissing, requirement, "coverage", "signature-input", "the signature does not cover a header field that it must")
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	p := u.Params()
	key, ok := v.authenticate(ctx, httpSigned{u}, p.DID, keys.AgentRequest, requirement, &d)
	if !ok || !d.Record(requirement, "created and expires", u.Check(v.now())) {
		return nil, d.Err()
	}
	n := Nonce{Scope: "http " + p.DID, Value: p.Nonce, Until: p.Expires.Add(clockSkew)}
	if !expect.Repeatable && !d.Record(requirement, "nonce is fresh", v.use(ctx, n, requirement)) {
		return nil, d.Err()
	}
	id := HTTPIdentity{Agent: p.DID, Thumbprint: key.Thumbprint()}
	return &Verified[HTTPIdentity]{value: id, keyID: p.KeyID, key: key, decision: d}, nil
}

type httpSigned struct{ *httpsig.Unverified }

func (s httpSigned) KeyID() string { return s.Params().KeyID }
