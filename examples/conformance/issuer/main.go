// An issuer of mandates that the conformance suite tests: package issuer in
// memory, on this machine, with a desk at which mandates are issued and change
// their states.
//
//	ACT_CONFORMANCE_TOKEN=... issuer -addr 127.0.0.1:9448 -tls-cert cert.pem -tls-key key.pem
//
// It is a subject for tests and for reading: whoever has the token of the desk is
// taken for every principal.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/actprotocol/act-go/examples/conformance/internal/host"
	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	h := host.Flags()
	flag.Parse()
	bank, err := open(h)
	if err != nil {
		return err
	}
	h.Mux.Handle("/", bank.Handler())
	h.Desk("/desk/issue", func(ctx context.Context, form map[string]string) (map[string]string, error) {
		return issue(ctx, bank, form)
	})
	for name, change := range map[string]func(context.Context, string, delegation.Actor) error{
		"suspend": bank.Suspend, "resume": bank.Resume, "revoke": bank.Revoke,
	} {
		h.Desk("/desk/"+name, func(ctx context.Context, form map[string]string) (map[string]string, error) {
			return nil, change(ctx, form["delegation_id"], delegation.Actor(form["actor"]))
		})
	}
	return h.Serve()
}

func open(h *host.Host) (*issuer.Issuer, error) {
	did, err := h.DID("bank")
	if err != nil {
		return nil, err
	}
	signer, err := host.NewSigner(did, keys.IssueAuthorization)
	if err != nil {
		return nil, err
	}
	status, err := host.NewSigner(did, keys.Status)
	if err != nil {
		return nil, err
	}
	name, err := h.Name()
	if err != nil {
		return nil, err
	}
	fmt.Println(did)
	return issuer.New(issuer.Config{
		DID: did, Signer: signer, StatusSigner: status, ListURI: "https://" + name + "/status/1", Store: issuer.NewMemoryStore(), ListSize: 1024,
	})
}

// issue captures an intent, has it confirmed unless the form says otherwise, and
// issues a mandate from it.
func issue(ctx context.Context, bank *issuer.Issuer, form map[string]string) (map[string]string, error) {
	now := time.Now().UTC().Truncate(time.Second)
	until, err := time.Parse(time.RFC3339, form["valid_until"])
	if err != nil {
		until = now.Add(time.Hour)
	}
	c := delegation.NewCapture(delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "buy what the suite wants"}})
	if err := c.Clarify(func(i *delegation.ISR) {
		i.DelegationMode, i.AgentID, i.ValidityStart, i.ValidityEnd = delegation.Specified, form["agent"], now.Add(-time.Minute), until.UTC()
		i.MaxTotalAmount, i.Currency, i.AllowedPaymentMethods = delegation.Number(form["total"]), form["currency"], []string{form["method"]}
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{form["merchant"]}}}
	}); err != nil {
		return nil, err
	}
	_ = c.Summary(delegation.English) // what a person would be shown
	g := issuer.Grant{Delegator: form["principal"], Audience: form["audience"]}
	if form["confirmed"] != "no" {
		if g.Confirmed, err = c.Confirm("CONFORMANCE_DESK", now); err != nil {
			return nil, err
		}
	}
	if g.Holder, err = keys.ParseJWK([]byte(form["holder"])); err != nil {
		return nil, err
	}
	mandate, err := bank.Issue(ctx, g)
	return map[string]string{"mandate": string(mandate)}, err
}
