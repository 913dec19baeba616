package credit_test

import (
	"crypto/ed25519"
	"fmt"
	"log"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A relying party asks a verification service about an agent.
func ExampleVerificationRequest_Sign() {
	key, err := keys.NewSigner("did:act:shop.example/shop#credit", keys.Credit, ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		log.Fatal(err)
	}
	credential, err := credit.ReferenceTo("credential-1")
	if err != nil {
		log.Fatal(err)
	}
	now := time.Date(2026, 8, 12, 8, 0, 0, 0, time.UTC)
	text, err := credit.VerificationRequest{
		RequestID: "request-1", MessageVersion: credit.Version, RelyingPartyID: key.DID(), AgentID: "did:act:bank.example/agent",
		Level: credit.LevelCredential, Purpose: "MERCHANT_RISK_REFERENCE", Context: map[string]jsontext.Value{"orderId": jsontext.Value(`"o-1"`)},
		RequestedItems: []string{"credentialStatus"}, Credential: credential, RequestedAt: credit.At(now), AntiReplay: credit.NewAntiReplay(),
	}.Sign(key)
	if err != nil {
		log.Fatal(err)
	}
	u, err := credit.ParseRequest(text) // at the other side
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(credit.JudgeRequest(u, credit.KeyFact{Key: key.Public()}, now).Reason)
	fmt.Println(credit.JudgeRequest(u, credit.KeyFact{Key: key.Public()}, now.Add(time.Hour)).Reason)
	// Output:
	// VERIFIED
	// REQUEST_EXPIRED
}

// An association is paused by its owner, and resumed by nobody else.
func ExampleLifecycle_Move() {
	now := time.Date(2026, 8, 12, 8, 0, 0, 0, time.UTC)
	l, _ := credit.Begin(now).Move(credit.Active, credit.ByIssuer, credit.ChangeIssued, now)
	l, _ = l.Move(credit.Suspended, credit.BySubject, "HOLIDAY", now)
	_, err := l.Move(credit.Active, credit.ByCreditService, "RISK_ENDED", now)
	fmt.Println(l.Status, err)
	// Output: SUSPENDED act: actor_refused: requestedBy: this party may not do that (TSD-CRD-LCM-04)
}
