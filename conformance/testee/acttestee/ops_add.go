package main

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/verifier"
)

// addOperations are about identity credentials, intents, mandates, status and bounds.
func addOperations() map[string]testee.Operation {
	return map[string]testee.Operation{
		"intent.check":           testee.Of(checkIntent),
		"mandate.issue":          testee.Of(issueMandate),
		"mandate.verify":         testee.Of(verifyMandate),
		"mandate.present_verify": testee.Of(verifyMandate),
		"mandate.decide":         testee.Of(decide),
		"mandate.transition":     testee.Of(transition),
		"status.read":            testee.Of(readStatus),
		"identity.verify":        testee.Of(verifyIdentity),
		"binding.verify":         testee.Of(verifyBinding),
	}
}

// fetched is what the network would give: documents and status lists.
type fetched struct {
	Documents documents         `json:"documents"`
	Status    map[string]string `json:"status"`           // tokens by URI; one that is not here cannot be reached
	Providers map[string]string `json:"status_providers"` // by issuer, who signs its lists
}

// resolver is the library's own, fetching from documents.
func (f *fetched) resolver(clock func() time.Time) *verifier.Resolver {
	byURL := make(map[string]jsontext.Value, len(f.Documents))
	for name, text := range f.Documents {
		did, err := identity.ParseDID(name)
		if err != nil {
			continue
		}
		if url, err := did.DocumentURL(); err == nil {
			byURL[url] = text
		}
	}
	return verifier.NewResolver(verifier.ResolverConfig{Now: clock, Fetch: func(_ context.Context, url string) ([]byte, error) {
		text, ok := byURL[url]
		if !ok {
			return nil, verifier.ErrUnreachable
		}
		if text.Kind() == '"' {
			return jsontext.AppendUnquote(nil, text)
		}
		return text, nil
	}})
}

// statuses is the library's own client, fetching what lists has at the time.
func (f *fetched) statuses(keys verifier.KeySource, grace time.Duration, clock func() time.Time) (*verifier.StatusClient, error) {
	return verifier.NewStatusClient(verifier.StatusConfig{
		Keys: keys, Providers: f.Providers, Grace: grace, Now: clock,
		Fetch: func(_ context.Context, url string) ([]byte, error) {
			token, ok := f.Status[url]
			if !ok {
				return nil, verifier.ErrUnreachable
			}
			return []byte(token), nil
		},
	})
}

// verifier returns one that trusts whom it is told to.
func (f *fetched) verifier(c verifier.Config, clock time.Time) (*verifier.Verifier, error) {
	now := func() time.Time { return clock }
	resolver := f.resolver(now)
	statuses, err := f.statuses(resolver, 0, now)
	if err != nil {
		return nil, err
	}
	c.Keys, c.Status, c.Now = resolver, statuses, now
	if c.Issuers == nil {
		c.Issuers = verifier.IssuerMap{}
	}
	c.Replay = verifier.NewMemoryReplay(0, now)
	return verifier.New(c)
}
