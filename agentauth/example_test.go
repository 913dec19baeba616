package agentauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agentauth"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// Put the identity middleware in front of a handler, and let an agent call it.
func ExampleGuard_Handler() {
	acttest.Run(func(t acttest.TB) {
		provider := acttest.NewParty(t, "did:act:agents.example/provider", keys.IssueIdentity)
		buyer := acttest.NewParty(t, "did:act:agents.example/buyer", keys.AgentRequest)

		// The server.
		server := httptest.NewUnstartedServer(nil)
		v, err := verifier.New(verifier.Config{
			Issuers:    verifier.IssuerMap{}, // no mandates here
			Identities: verifier.IssuerMap{provider.DID.String(): {provider.DID.String()}},
			Keys:       verifier.NewStaticKeys(provider.Document, buyer.Document), // or a verifier.Resolver
			Status:     new(acttest.Statuses),                                     // or a verifier.StatusClient
			Replay:     verifier.NewMemoryReplay(0, nil),
		})
		if err != nil {
			t.Fatal(err)
		}
		guard, err := agentauth.NewGuard(agentauth.Config{
			Verifier: v, Authority: server.Listener.Addr().String(), Credential: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		server.Config.Handler = guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who, _ := agentauth.FromContext(r.Context())
			fmt.Fprintf(w, "hello %s, a %s agent", who.DID(), who.Identity().Type())
		}))
		server.Start()
		t.Cleanup(server.Close)

		// The agent.
		signer, now := buyer.Signer(keys.AgentRequest), time.Now()
		credential, err := identity.IssueCredential(provider.Signer(keys.IssueIdentity), identity.Credential{
			ID: "credential-1", Issuer: provider.DID.String(), Agent: buyer.DID.String(), Provider: provider.DID.String(),
			Type: identity.Platform, Holder: signer.Public(), IssuedAt: now, NotBefore: now, Expires: now.Add(15 * time.Minute),
		})
		if err != nil {
			t.Fatal(err)
		}
		transport, err := agentauth.NewTransport(agentauth.TransportConfig{Signer: signer, Credential: credential})
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: transport}
		for _, c := range []*http.Client{client, http.DefaultClient} {
			resp, err := c.Post(server.URL+"/greet?lang=en", "text/plain", strings.NewReader("good morning"))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				fmt.Println(string(body))
			} else {
				fmt.Println(resp.Status)
			}
		}
	})
	// Output:
	// hello did:act:agents.example/buyer, a PLATFORM agent
	// 401 Unauthorized
}
