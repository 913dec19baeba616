package issuer_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A bank issues the mandate that Ann has confirmed, and Ann revokes it.
func Example() {
	const bank, ann, agent, psp = "did:act:bank.example/mandates", "did:act:bank.example/ann", "did:act:agents.example/buyer", "did:act:psp.example/pay"
	newSigner := func(id string, purpose keys.Purpose) *keys.Signer {
		private, err := keys.Generate(keys.EdDSA) // in earnest: a KMS
		if err != nil {
			panic(err)
		}
		s, err := keys.NewSigner(id, purpose, private)
		if err != nil {
			panic(err)
		}
		return s
	}
	id, err := identity.ParseDID(bank)
	if err != nil {
		panic(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	iss, err := issuer.New(issuer.Config{
		DID:          id,
		Signer:       newSigner(bank+"#issue-1", keys.IssueAuthorization),
		StatusSigner: newSigner(bank+"#status-1", keys.Status),
		ListURI:      "https://bank.example/status/1",
		Store:        issuer.NewMemoryStore(),
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("bank.example/", iss.Handler()) // behind TLS

	capture := delegation.NewCapture(delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "a latte, under 20 yuan"}})
	err = capture.Clarify(func(i *delegation.ISR) {
		i.DelegationMode, i.AgentID = delegation.Specified, agent
		i.ValidityStart, i.ValidityEnd = now, now.Add(time.Hour)
		i.MaxTotalAmount, i.Currency = "20", "CNY"
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{"did:act:shop.example/coffee"}}}
	})
	if err != nil {
		panic(err)
	}
	_ = capture.Summary(delegation.English) // shown to the principal
	confirmed, err := capture.Confirm("FINGERPRINT", now)
	if err != nil {
		panic(err)
	}
	token, err := iss.Issue(context.Background(), issuer.Grant{
		Confirmed: confirmed, Delegator: ann, Audience: psp,
		Holder: newSigner(agent+"#k1", keys.AgentRequest).Public(),
	})
	if err != nil {
		panic(err)
	}
	mandate, err := delegation.ParseMandate(token)
	if err != nil {
		panic(err)
	}
	delegationID := mandate.Claims().ID
	for _, actor := range []delegation.Actor{delegation.ActorRiskControl, delegation.ActorPrincipal} {
		fmt.Println(actor, "revokes:", iss.Revoke(context.Background(), delegationID, actor))
	}
	fmt.Println(iss.State(context.Background(), delegationID))
	// Output:
	// risk-control revokes: act: actor_refused: actor: the principal or the agent revokes (ADD-IAC-LCM-04)
	// principal revokes: <nil>
	// Revoked <nil>
}
