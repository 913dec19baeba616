package attestation_test

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A merchant records that it has delivered, and anchors the record.
func Example() {
	shop := "did:act:shop.example/coffee"
	signer, anchoring := newSigner(shop, keys.Attestation), newSigner(shop, keys.Anchor)
	now := time.Date(2026, 4, 19, 8, 10, 0, 0, time.UTC)

	raw, err := attestation.Sealer{}.Seal(attestation.By(signer), "", attestation.Draft{
		Type: attestation.FulfillmentCompleted, EventTime: now.Add(-time.Minute),
		Links: attestation.Links{
			IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000", MerchantOrderID: "order-1", TradeNo: "trade-1",
		},
		Participants: []attestation.Participant{{ID: shop, Role: attestation.Merchant}},
		Body:         jsontext.Value(`{"delivered_at":"2026-04-19T08:09:00Z","goods_digest":"sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}`),
	}, now)
	if err != nil {
		fmt.Println(err)
		return
	}

	record, err := attestation.Parse(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("hash:", record.CheckHash() == nil)
	fmt.Println("signature:", record.VerifySignature(0, signer.Public().JWK()) == nil)

	token, err := attestation.SignAnchor(anchoring, &record.Record, "retail", now)
	if err != nil {
		fmt.Println(err)
		return
	}
	anchor, err := attestation.ParseAnchor(token)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("anchor:", anchor.Verify(anchoring.Public()) == nil, anchor.Anchor.Matches(&record.Record) == nil)
	// Output:
	// hash: true
	// signature: true
	// anchor: true true
}

func newSigner(did string, purpose keys.Purpose) *keys.Signer {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		panic(err)
	}
	s, err := keys.NewSigner(did+"#"+string(purpose), purpose, key)
	if err != nil {
		panic(err)
	}
	return s
}
