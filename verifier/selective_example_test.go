package verifier_test

import (
	"context"
	"fmt"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sdjwt"
	"github.com/actprotocol/act-go/verifier"
)

// Show a merchant only its part of a mandate: that there is one, whose agent it
// is for, until when, and where to deliver. Who pays and how much may be spent
// stays hidden, and the merchant can tell that the mandate limits it.
func Example_showAMerchantOnlyItsPart() {
	const (
		bank  = "did:act:bank.example/mandates"
		buyer = "did:act:agents.example/buyer"
		psp   = "did:act:psp.example/pay"
		shop  = "did:act:shop.example/coffee"
	)
	now := time.Date(2026, 3, 19, 9, 0, 0, 0, time.UTC)
	issuer, agent := exampleSigner(bank+"#2026", keys.IssueAuthorization), exampleSigner(buyer+"#k1", keys.AgentRequest)

	// The issuer signs, and hands everything to the agent.
	whole, err := delegation.IssueSelective(issuer, delegation.NewClaims(&delegation.Authorization{
		DelegationID: canon.UUID(), IntentID: canon.UUID(), DelegatorIdentity: "did:act:bank.example/ann", AgentID: buyer,
		ValidityStart: now, ValidityEnd: now.Add(10 * time.Minute), MaxTotalAmount: "20", Currency: "CNY",
		UserConfirmationMethod: "FINGERPRINT", UserConfirmationTimestamp: now,
		Ext: &delegation.Ext{
			Commerce:    &delegation.Commerce{AllowedMerchants: []string{shop}},
			Fulfillment: &delegation.Fulfillment{DeliveryAddress: "the counter"},
		},
	}, bank, psp, agent.Public(), nil, now))
	if err != nil {
		panic(err)
	}

	// The agent shows the merchant its part, for this one occasion.
	mandate, err := delegation.ParseMandate(whole)
	if err != nil {
		panic(err)
	}
	part, err := mandate.Present(delegation.RoleMerchant, delegation.Purchase{})
	if err != nil {
		panic(err)
	}
	occasion := verifier.Presentation{Audience: shop, Nonce: canon.Nonce()} // the merchant's
	shown, err := sdjwt.Bind(agent, part, occasion.Audience, occasion.Nonce, now)
	if err != nil {
		panic(err)
	}

	// The merchant trusts the bank, whoever its customers are.
	bankID, err := identity.ParseDID(bank)
	if err != nil {
		panic(err)
	}
	v, err := verifier.New(verifier.Config{
		Issuers: verifier.IssuerMap{bank: {""}},
		Keys: verifier.NewStaticKeys(&identity.Document{ID: bankID, Keys: []identity.Key{
			{ID: issuer.KeyID(), Public: issuer.Public(), Purpose: keys.IssueAuthorization},
		}}),
		Status: active{},
		Now:    func() time.Time { return now },
	})
	if err != nil {
		panic(err)
	}
	seen, err := v.Mandate(context.Background(), shown, verifier.MandateExpectation{Agent: buyer, Audience: psp, Presented: &occasion})
	if err != nil {
		panic(err)
	}
	a := seen.Claims().Authorization
	fmt.Printf("deliver to %q\n", a.Ext.Fulfillment.DeliveryAddress)
	fmt.Printf("principal %q, total %q, merchants %q\n", a.DelegatorIdentity, a.MaxTotalAmount, a.Ext.Commerce.AllowedMerchants)
	fmt.Println("not shown:", a.Withheld())
	// Output:
	// deliver to "the counter"
	// principal "", total "", merchants []
	// not shown: [currency delegator_identity ext.commerce.allowed_merchants max_total_amount]
}

func exampleSigner(keyID string, purpose keys.Purpose) *keys.Signer {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		panic(err)
	}
	s, err := keys.NewSigner(keyID, purpose, private)
	if err != nil {
		panic(err)
	}
	return s
}
