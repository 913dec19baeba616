package verifier_test

import (
	"context"
	"fmt"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// Give an agent an identity: its provider issues a credential for its key, and
// the agent shows it to a shop, which gives it a challenge to sign.
func ExampleVerifier_AgentIdentity() {
	acttest.Run(func(t acttest.TB) {
		provider := acttest.NewParty(t, "did:act:agents.example/provider", keys.IssueIdentity)
		agent := acttest.NewParty(t, "did:act:agents.example/buyer", keys.AgentRequest)
		now := time.Now()

		// The provider, once.
		credential, err := identity.IssueCredential(provider.Signer(keys.IssueIdentity), identity.Credential{
			ID: "credential-1", Issuer: provider.DID.String(), Agent: agent.DID.String(), Provider: provider.DID.String(),
			Type: identity.Dedicated, Principal: "ps_9Xk2", // how the provider calls the principal towards others
			Capabilities: []string{"act:pay"}, Holder: agent.Signer(keys.AgentRequest).Public(),
			IssuedAt: now, NotBefore: now, Expires: now.Add(15 * time.Minute), // longer needs a status reference
		})
		if err != nil {
			t.Fatal(err)
		}

		// The shop asks, the agent answers.
		const shop = "did:act:shop.example/coffee"
		challenge := verifier.NewChallenge()
		answer, err := identity.AnswerChallenge(agent.Signer(keys.AgentRequest), credential, shop, challenge, now)
		if err != nil {
			t.Fatal(err)
		}

		// The shop trusts this provider for its own agents.
		v, err := verifier.New(verifier.Config{
			Issuers:    verifier.IssuerMap{},
			Identities: verifier.IssuerMap{provider.DID.String(): {provider.DID.String()}},
			Keys:       verifier.NewStaticKeys(provider.Document),
			Status:     new(acttest.Statuses),
			Replay:     verifier.NewMemoryReplay(0, nil),
		})
		if err != nil {
			t.Fatal(err)
		}
		who, err := v.AgentIdentity(context.Background(), credential, verifier.IdentityExpectation{
			Agent:      agent.DID.String(),
			Possession: verifier.ByChallenge(answer, shop, challenge),
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(who.Agent(), who.Type(), who.Principal())
		for _, c := range who.Decision().Checks() {
			fmt.Println(c.Outcome, c.Requirement, c.Name)
		}
	})
	// Output:
	// did:act:agents.example/buyer DEDICATED ps_9Xk2
	// allowed IDN-01 form and twins
	// allowed IDN-01 issuer trusted for the provider
	// allowed IDN-01 key of the signer, for this purpose
	// allowed IDN-01 signature
	// allowed IDN-01 agent
	// allowed IDN-01 form of the answer
	// allowed IDN-01 holds the key
	// allowed IDN-01 answer for this credential
	// allowed IDN-01 answer for this verifier
	// allowed IDN-01 answer to this challenge
	// allowed IDN-01 time of the answer
	// allowed IDN-01 issued in the past
	// allowed IDN-01 window begun
	// allowed IDN-01 window not over
	// allowed IDN-01 life short enough to need no status
	// allowed IDN-01 challenge is fresh
}
