package agentauth

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/verifier"
)

// Config is what a Guard needs. Verifier and Authority are required.
type Config struct {
	// Verifier finds keys and remembers nonces; it needs a replay store, and
	// Identities where credentials are to be believed.
	Verifier *verifier.Verifier
	// Authority is the server's own host, with a port unless it is the
	// default, in lower case.
	Authority string
	// Credential refuses agents that show no identity credential. Without it
	// an agent is anybody who has a DID and its key, and a did:key costs
	// nothing; a credential that is shown is verified all the same.
	Credential bool
	// Capabilities must be named in the credential; needs Credential.
	Capabilities []string
	// Covers names header fields, in lower case, that the signature must cover.
	Covers []string
	// Audience is the server's own DID, for Agent.ActsFor; may be empty.
	Audience string
	// MaxBody is the largest body, in bytes, since it is read before the
	// handler runs; 0 means 1 MiB.
	MaxBody int64
}

// A Guard is a middleware that lets only authenticated agents pass. It is safe
// for concurrent use.
type Guard struct{ config Config }

// NewGuard returns a Guard.
func NewGuard(c Config) (*Guard, error) {
	switch {
	case c.Verifier == nil:
		return nil, protocol.New(protocol.CodeFieldMissing, "verifier", "IDN-04", "")
	case c.Authority == "":
		return nil, protocol.New(protocol.CodeFieldMissing, "authority", "IDN-04", "the server's own host; no header is believed about it")
	case len(c.Capabilities) > 0 && !c.Credential:
		return nil, protocol.New(protocol.CodeFieldInvalid, "capabilities", "IDN-01", "only a credential names capabilities")
	case c.MaxBody < 0:
		return nil, protocol.New(protocol.CodeFieldInvalid, "max_body", "IDN-04", "not negative")
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	c.Capabilities, c.Covers = slices.Clone(c.Capabilities), slices.Clone(c.Covers)
	return &Guard{config: c}, nil
}

// An Agent is who sent a request: a verified value, made by a Guard only.
type Agent struct {
	signature *verifier.Verified[verifier.HTTPIdentity]
	identity  *verifier.AgentIdentity
	decision  protocol.Decision

	verifier *verifier.Verifier
	audience string
	binding  string
}

// DID is the agent's DID, under which its key was found.
func (a *Agent) DID() string { return a.signature.Value().Agent }

// Thumbprint is the RFC 7638 thumbprint of the key that signed.
func (a *Agent) Thumbprint() string { return a.signature.Value().Thumbprint }

// Identity is the agent's verified credential, or nil when it showed none.
func (a *Agent) Identity() *verifier.AgentIdentity { return a.identity }

// Decision returns the checks that were made.
func (a *Agent) Decision() protocol.Decision { return a.decision }

// ActsFor verifies that the agent acts for a principal towards this server
// (IDN-03), by the binding that came with the request. The request needs a
// credential, and the Guard an Audience. Without a binding it fails with
// field_missing.
func (a *Agent) ActsFor(ctx context.Context, principal string) (*verifier.PrincipalBinding, error) {
	if a.binding == "" {
		return nil, protocol.New(protocol.CodeFieldMissing, "act-principal-binding", "IDN-03", "the request carries no binding")
	}
	return a.verifier.PrincipalBinding(ctx, []byte(a.binding), verifier.BindingExpectation{
		Identity: a.identity, Principal: principal, Audience: a.audience,
	})
}

type contextKey struct{}

// FromContext returns the agent of a request that passed a Guard.
func FromContext(ctx context.Context) (*Agent, bool) {
	a, ok := ctx.Value(contextKey{}).(*Agent)
	return a, ok
}

// Handler returns a handler that authenticates the agent (IDN-04) and then
// calls next with the verified body and, in the context, the Agent. A request
// that is refused is answered with the JSON body of SPEC.md 6.1: 401 with
// Accept-Signature (RFC 9421, 5.1) when the signature is missing or wrong, 409
// for a replay, 503 with Retry-After when it cannot be decided now.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent, body, err := g.authenticate(r)
		if err != nil {
			g.refuse(w, err)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), contextKey{}, agent))
		setBody(r, body)
		next.ServeHTTP(w, r)
	})
}

func (g *Guard) authenticate(r *http.Request) (*Agent, []byte, error) {
	c := &g.config
	if len(r.Header.Values("Signature-Input")) == 0 { // before anything is read
		return nil, nil, errUnsigned
	}
	credential, err := token(r.Header, HeaderCredential)
	if err != nil {
		return nil, nil, err
	}
	binding, err := token(r.Header, HeaderBinding)
	if err != nil {
		return nil, nil, err
	}
	if credential == "" && c.Credential {
		return nil, nil, protocol.New(protocol.CodeFieldMissing, "act-agent-identity", "IDN-01", "a credential is needed")
	}
	body, err := readBody(r.Body, r.ContentLength, c.MaxBody)
	if err != nil {
		return nil, nil, err
	}
	covers := slices.Clone(c.Covers)
	if credential != "" {
		covers = append(covers, strings.ToLower(HeaderCredential))
	}
	if binding != "" {
		covers = append(covers, strings.ToLower(HeaderBinding))
	}
	signature, err := c.Verifier.HTTPSignature(r.Context(), r, body, verifier.HTTPExpectation{Authority: c.Authority, Covers: covers})
	if err != nil {
		return nil, nil, err
	}
	agent := &Agent{signature: signature, decision: signature.Decision(), verifier: c.Verifier, audience: c.Audience, binding: binding}
	if credential != "" {
		agent.identity, err = c.Verifier.AgentIdentity(r.Context(), []byte(credential), verifier.IdentityExpectation{
			Agent: agent.DID(), Possession: verifier.ByHTTPSignature(signature), Capabilities: c.Capabilities,
		})
		if err != nil {
			return nil, nil, err
		}
		agent.decision.Append(agent.identity.Decision())
	}
	return agent, body, nil
}

var errUnsigned = protocol.New(protocol.CodeSignatureInvalid, "signature-input", "IDN-04", "the request is not signed")

// token reads a header field of one line, or of none.
func token(header http.Header, name string) (string, error) {
	lines := header.Values(name)
	switch {
	case len(lines) == 0:
		return "", nil
	case len(lines) > 1 || lines[0] == "":
		return "", protocol.New(protocol.CodeMalformed, strings.ToLower(name), "IDN-04", "one line")
	case len(lines[0]) > maxToken:
		return "", protocol.New(protocol.CodeTooLarge, strings.ToLower(name), "IDN-04", "at most 4 KiB")
	}
	return lines[0], nil
}

// acceptSignature tells what is wanted, in the terms of RFC 9421, 5.1.
const acceptSignature = `act=("@method" "@authority" "@path" "@query" "content-digest");created;expires;nonce;keyid;alg;tag="act-agent"`

func (g *Guard) refuse(w http.ResponseWriter, err error) {
	switch protocol.CodeOf(err) {
	case protocol.CodeSignatureInvalid, protocol.CodeKeyUnknown, protocol.CodeKeyPurpose, protocol.CodeKeyNotValid, protocol.CodeRequestExpired:
		w.Header().Set("Accept-Signature", acceptSignature)
	}
	problem.Write(w, err, 5)
}
