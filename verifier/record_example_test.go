package verifier_test

import (
	"context"
	"fmt"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// An auditor verifies what an agent recorded, and the record that led to it,
// with nothing but the agent's document and the chain.
func ExampleVerifier_Record() {
	sealing, anchoring := exampleSigner(agentDID+"#att", keys.Attestation), exampleSigner(agentDID+"#anchor", keys.Anchor)
	agent, err := identity.ParseDID(agentDID)
	if err != nil {
		fmt.Println(err)
		return
	}
	document := &identity.Document{ID: agent, Keys: []identity.Key{
		{ID: sealing.KeyID(), Public: sealing.Public(), Purpose: keys.Attestation},
		{ID: anchoring.KeyID(), Public: anchoring.Public(), Purpose: keys.Anchor},
	}}
	now := time.Date(2026, 4, 19, 8, 10, 0, 0, time.UTC)
	clock := func() time.Time { return now }

	// The agent's side: package recorder does this in the background.
	chain, archive := &acttest.Chain{}, &acttest.Archive{}
	record := func(c attestation.Content, upstream ...string) string {
		draft, err := attestation.NewDraft(c, now, attestation.Links{IntentID: "intent-1", Upstream: upstream},
			attestation.Participant{ID: agentDID, Role: attestation.PayerAgent})
		if err != nil {
			panic(err)
		}
		id := attestation.NewID(agentDID)
		raw, err := attestation.Sealer{}.Seal(attestation.By(sealing), id, draft, now)
		if err != nil {
			panic(err)
		}
		sealed, err := attestation.Parse(raw)
		if err != nil {
			panic(err)
		}
		anchor, err := attestation.SignAnchor(anchoring, &sealed.Record, "retail", now)
		if err != nil {
			panic(err)
		}
		if _, err := chain.Submit(anchor, now); err != nil {
			panic(err)
		}
		archive.Put(id, raw)
		return id
	}
	intent := record(attestation.Intent{IntentDigest: canon.Sum([]byte("the intent"))})
	decision := record(attestation.Choice{DecisionDigest: canon.Sum([]byte("the log")), Candidates: 3}, intent)

	// The auditor's.
	v, err := verifier.NewRecordVerifier(verifier.NewStaticKeys(document), clock)
	if err != nil {
		fmt.Println(err)
		return
	}
	verdict, err := v.RecordByID(context.Background(), archive, decision, verifier.RecordExpectation{
		Channel: "retail", Anchors: chain, Upstream: archive,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	verdict.Each(func(r *verifier.RecordVerdict) { fmt.Println(r.Record.Type, r.Conclusion) })
	fmt.Println("whole:", verdict.Whole())
	// Output:
	// act:commerce:decision-logged VERIFIED
	// act:delegation:intent-created VERIFIED
	// whole: true
}
