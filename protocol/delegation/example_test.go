package delegation_test

import (
	"fmt"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

var morning = time.Date(2026, 3, 19, 9, 0, 0, 0, time.UTC)

// latte is what the principal confirmed in the examples below.
func latte() *delegation.Capture {
	capture := delegation.NewCapture(delegation.ConversationHistory{
		Raw: delegation.RawIntent{Turns: []delegation.Turn{
			delegation.Say("a latte, under 20 yuan, from this shop, today", morning),
		}},
	})
	if err := capture.Clarify(func(isr *delegation.ISR) {
		isr.DelegationMode = delegation.Specified
		isr.AgentID = "did:act:agents.example/buyer"
		isr.ValidityStart, isr.ValidityEnd = morning, morning.Add(12*time.Hour)
		isr.MaxTotalAmount, isr.Currency = "20", "CNY"
		isr.AllowedPaymentMethods = []string{"urn:act:payment:wallet"}
		isr.Ext = &delegation.Ext{Commerce: &delegation.Commerce{
			AllowedMerchants:  []string{"did:act:shop.example/coffee"},
			AllowedCategories: []string{"food/coffee"},
		}}
	}); err != nil {
		fmt.Println(err)
	}
	return capture
}

// From words to a confirmed intent: ask for what is missing, show the summary,
// confirm.
func ExampleCapture() {
	capture := latte()
	fmt.Println("missing:", capture.Missing())
	fmt.Print(capture.Summary(delegation.English))
	confirmed, err := capture.Confirm("FINGERPRINT", morning)
	fmt.Println(confirmed.ISR().UserConfirmationMethod, capture.State(), err)
	// Output:
	// missing: []
	// Goal: a latte, under 20 yuan, from this shop, today
	// Agent: did:act:agents.example/buyer
	// Delegation: specified: the goal and the merchants are settled
	// Valid: from 2026-03-19T09:00:00Z until before 2026-03-19T21:00:00Z
	// At most in total: 20 CNY
	// At most per payment: no limit of its own
	// Payment methods: urn:act:payment:wallet
	// Merchants: did:act:shop.example/coffee
	// Categories: food/coffee
	// FINGERPRINT CONFIRMED <nil>
}

// An issuer signs a mandate and somebody else reads it.
func ExampleIssue() {
	issuerKey, _ := keys.Generate(keys.EdDSA)
	agentKey, _ := keys.Generate(keys.EdDSA)
	issuer, err := keys.NewSigner("did:act:issuer.example/mandates#2026", keys.IssueAuthorization, issuerKey)
	if err != nil {
		fmt.Println(err)
		return
	}
	holder, err := keys.NewPublicKey(agentKey.Public())
	if err != nil {
		fmt.Println(err)
		return
	}
	capture := latte()
	_ = capture.Summary(delegation.English) // shown to the principal
	confirmed, err := capture.Confirm("FINGERPRINT", morning)
	if err != nil {
		fmt.Println(err)
		return
	}
	authorization, err := delegation.NewAuthorization(confirmed, "did:act:people.example/principal")
	if err != nil {
		fmt.Println(err)
		return
	}
	raw, err := delegation.Issue(issuer, delegation.NewClaims(authorization,
		issuer.DID(), "did:act:psp.example/main", holder,
		&delegation.StatusReference{Index: 7, URI: "https://issuer.example/status/1"}, morning))
	if err != nil {
		fmt.Println(err)
		return
	}

	mandate, err := delegation.ParseMandate(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(mandate.KeyID(), mandate.VerifySignature(issuer.Public()))
	fmt.Println(mandate.Claims().Audience)
	// Output:
	// did:act:issuer.example/mandates#2026 <nil>
	// did:act:psp.example/main
}

// An agent asks itself before it asks for money.
func ExampleBounds_Decide() {
	capture := latte()
	_ = capture.Summary(delegation.English) // shown to the principal
	confirmed, err := capture.Confirm("FINGERPRINT", morning)
	if err != nil {
		fmt.Println(err)
		return
	}
	authorization, err := delegation.NewAuthorization(confirmed, "did:act:people.example/principal")
	if err != nil {
		fmt.Println(err)
		return
	}
	bounds, err := authorization.Bounds()
	if err != nil {
		fmt.Println(err)
		return
	}
	price, _ := money.Parse("21.00", bounds.Currency())
	spent := money.Zero(bounds.Currency())
	decision := bounds.Decide(delegation.RoleAgent, delegation.Purchase{
		At:         morning.Add(time.Hour),
		Amount:     price,
		Merchant:   "did:act:shop.example/coffee",
		Categories: []string{"food/coffee"},
		Method:     "urn:act:payment:wallet",
	}, &spent)
	for _, check := range decision.Checks() {
		if check.Outcome != protocol.Allowed {
			fmt.Println(check.Requirement, check.Name, check.Outcome, check.Code)
		}
	}
	fmt.Println(decision.Outcome())
	// Output:
	// PSD-PAY-DEL-01 total limit denied total_limit_exceeded
	// denied
}

// The issuer holds the state of each mandate and publishes it in a list.
func ExampleLifecycle() {
	life := delegation.NewLifecycle(morning, morning.Add(12*time.Hour))
	noon := morning.Add(3 * time.Hour)
	fmt.Println(life.State(noon))
	fmt.Println(life.Apply(delegation.Suspend, delegation.ActorRiskControl, noon), life.State(noon))
	fmt.Println(life.Apply(delegation.Resume, delegation.ActorPrincipal, noon))
	fmt.Println(life.Apply(delegation.Revoke, delegation.ActorPrincipal, noon), life.State(noon))

	list := delegation.NewStatusList(1024)
	fmt.Println(list.Set(7, life.Status()))
	// Output:
	// Active
	// <nil> Suspended
	// act: actor_refused: actor: risk control resumes, or the principal what the principal suspended (ADD-IAC-LCM-04)
	// <nil> Revoked
	// <nil>
}
