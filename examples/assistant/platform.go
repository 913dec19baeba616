package main

import (
	"net/http"
	"time"

	"github.com/actprotocol/act-go/agentauth"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/psp"
	"github.com/actprotocol/act-go/verifier"
)

// A platform is a company that runs one agent for many people. It vouches for
// the agent by a credential, which names no principal, and for each payment by
// a binding, which names one (IDN-03).
type platform struct {
	world      *stage.World
	company    *stage.Party
	agent      *keys.Signer
	credential []byte
}

func openPlatform(w *stage.World) (*platform, error) {
	site, err := w.NewSite()
	if err != nil {
		return nil, err
	}
	p := &platform{world: w}
	if p.company, err = site.Party("platform", keys.IssueIdentity); err != nil {
		return nil, err
	}
	party, err := site.Party("assistant", keys.AgentRequest)
	if err != nil {
		return nil, err
	}
	p.agent = party.Signer(keys.AgentRequest)
	// A credential that lives a quarter of an hour is over before anybody could
	// look up whether it was revoked, and needs no status.
	now := w.Now()
	p.credential, err = identity.IssueCredential(p.company.Signer(keys.IssueIdentity), identity.Credential{
		ID: canon.UUID(), Issuer: p.company.ID(), Agent: p.agent.DID(), Provider: p.company.ID(), Type: identity.Platform,
		IssuedAt: now, NotBefore: now, Expires: now.Add(15 * time.Minute), Holder: p.agent.Public(),
	})
	return p, err
}

// A binder makes the binding that goes with a request; nil makes none.
type binder func() ([]byte, error)

// bind returns a binder for one principal and one recipient. In a platform this
// is the session's: what is logged in as one person can bind for no other.
func (p *platform) bind(principal, recipient string) binder {
	return func() ([]byte, error) {
		now := p.world.Now()
		return identity.IssueBinding(p.company.Signer(keys.IssueIdentity), identity.Binding{
			ID: canon.UUID(), Issuer: p.company.ID(), Agent: p.agent.DID(), Principal: principal, Audience: recipient,
			IssuedAt: now, Expires: now.Add(time.Minute), Thumbprint: p.agent.Public().Thumbprint(),
		})
	}
}

// provider returns the processor as the agent reaches it: payment requests are
// what they are for every agent, and the HTTP requests that carry them are
// signed and have credential and binding in their headers (SPEC.md 9.2).
func (p *platform) provider(b binder) (*psp.Client, error) {
	w := p.world
	client := w.NewClient(&stage.Wiretap{Story: w.Narrator})
	signing, err := agentauth.NewTransport(agentauth.TransportConfig{
		Signer: p.agent, Base: client.Transport, Credential: p.credential, Now: w.Now,
	})
	if err != nil {
		return nil, err
	}
	client.Transport = &bound{next: signing, binder: b, story: w.Narrator}
	v, err := w.NewVerifier(verifier.IssuerMap{})
	if err != nil {
		return nil, err
	}
	return psp.New(psp.Config{
		ID: w.Processor.ID().String(), Endpoint: w.Processor.Endpoint(), Signer: p.agent, Verifier: v, HTTP: client, Now: w.Now,
	})
}

// bound puts a fresh binding into every request, for the transport below to
// sign.
type bound struct {
	next   http.RoundTripper
	binder binder
	story  *stage.Narrator
}

// RoundTrip implements http.RoundTripper.
func (t *bound) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context()) // a transport does not change its caller's request
	if t.binder != nil {
		binding, err := t.binder()
		if err != nil {
			if r.Body != nil {
				r.Body.Close()
			}
			return nil, err
		}
		r.Header.Set(agentauth.HeaderBinding, string(binding))
		t.story.Message("→ "+agentauth.HeaderBinding, binding) // worth nothing without the agent's key
	}
	return t.next.RoundTrip(r)
}
