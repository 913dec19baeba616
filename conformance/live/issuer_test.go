package live_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/actprotocol/act-go/conformance/live"
	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// testIssuer starts an issuer and returns the scenario for it.
func testIssuer(t *testing.T, front func(http.Handler) http.Handler) *live.Scenario {
	t.Helper()
	local := localTLS(t)
	s := serve(t, local, "unused", keys.Seller)
	did, err := identity.NewActDID(s.host, "bank")
	must(t, did, err)
	signer := func(purpose keys.Purpose) *keys.Signer {
		private, err := keys.Generate(keys.EdDSA)
		must(t, private, err)
		k, err := keys.NewSigner(did.String()+"#"+string(purpose), purpose, private)
		return must(t, k, err)
	}
	bank, err := issuer.New(issuer.Config{
		DID: did, Signer: signer(keys.IssueAuthorization), StatusSigner: signer(keys.Status), ListURI: "https://" + s.host + "/status/1",
		Store: issuer.NewMemoryStore(), ListSize: 1024,
	})
	must(t, bank, err)
	h := bank.Handler()
	if front != nil {
		h = front(h)
	}
	s.mux.Handle("/.well-known/act/bank/", h)
	s.mux.Handle("/status/1", h)
	act := func(do func(v map[string]string) (map[string]string, error)) live.Action {
		return live.Action{Func: func(_ context.Context, v map[string]string) (map[string]string, error) { return do(v) }}
	}
	command := func(do func(context.Context, string, delegation.Actor) error) live.Action {
		return act(func(v map[string]string) (map[string]string, error) {
			return nil, do(context.Background(), v["delegation_id"], delegation.Actor(v["actor"]))
		})
	}
	return &live.Scenario{
		Site: site(t, local), Issuer: &live.IssuerScenario{ID: did.String(), Within: 5},
		Actions: map[string]live.Action{
			"issue":             act(func(v map[string]string) (map[string]string, error) { return issue(bank, v, true) }),
			"issue_unconfirmed": act(func(v map[string]string) (map[string]string, error) { return issue(bank, v, false) }),
			"suspend":           command(bank.Suspend), "resume": command(bank.Resume), "revoke": command(bank.Revoke),
		},
	}
}

// issue has the bank issue what the suite wants.
func issue(bank *issuer.Issuer, v map[string]string, confirm bool) (map[string]string, error) {
	now := time.Now().UTC().Truncate(time.Second)
	c := delegation.NewCapture(delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "coffee"}})
	g := issuer.Grant{Delegator: v["principal"], Audience: v["audience"]}
	until, err := time.Parse(time.RFC3339, v["valid_until"])
	if err != nil {
		return nil, err
	}
	if err := c.Clarify(func(i *delegation.ISR) {
		i.DelegationMode, i.AgentID, i.ValidityStart, i.ValidityEnd = delegation.Specified, v["agent"], now.Add(-time.Minute), until.UTC()
		i.MaxTotalAmount, i.Currency, i.AllowedPaymentMethods = delegation.Number(v["total"]), v["currency"], []string{v["method"]}
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{v["merchant"]}}}
	}); err != nil {
		return nil, err
	}
	_ = c.Summary(delegation.English)
	if confirm {
		if g.Confirmed, err = c.Confirm("BIOMETRIC", now); err != nil {
			return nil, err
		}
	}
	if g.Holder, err = keys.ParseJWK([]byte(v["holder"])); err != nil {
		return nil, err
	}
	token, err := bank.Issue(context.Background(), g)
	return map[string]string{"mandate": string(token)}, err
}

// An honest issuer passes every check.
func TestHonestIssuer(t *testing.T) {
	passes(t, run(t, testIssuer(t, nil)))
}
