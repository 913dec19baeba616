package evidence_test

import (
	"context"
	"fmt"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
	"github.com/actprotocol/act-go/recorder/recordertest"
)

// A shop records a delivery; years later somebody who has nothing but the file
// and the documents of shop and chain verifies it.
func Example() {
	acttest.Run(func(t acttest.TB) {
		shop := acttest.NewParty(t, "did:act:shop.example/coffee", keys.Attestation, keys.Anchor)
		chain := acttest.NewParty(t, "did:act:chain.example/log", keys.Anchor)
		data, err := recordDelivery(shop, chain)
		if err != nil {
			fmt.Println(err)
			return
		}

		file, err := evidence.Open(data)
		if err != nil {
			fmt.Println(err)
			return
		}
		report, err := file.Verify(context.Background(), evidence.TrustDocuments([]*identity.Document{shop.Document, chain.Document}))
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, r := range report.Results {
			fmt.Println(r.Conclusion, r.Record.Type, r.Places[0])
		}
		fmt.Println(report.Verified())
	})
	// Output:
	// VERIFIED act:commerce:fulfillment-completed chain.example/log/retail 0
	// true
}

// recordDelivery records a delivery, waits until it is anchored, and collects
// the evidence.
func recordDelivery(shop, chain *acttest.Party) ([]byte, error) {
	ctx := context.Background()
	dir, remove, err := temporary()
	if err != nil {
		return nil, err
	}
	defer remove()
	store, err := recorder.OpenFileStore(dir + "/records")
	if err != nil {
		return nil, err
	}
	defer store.Close()
	rec, err := recorder.New(recorder.Config{
		Dir: dir + "/queue", Store: store, Channel: "retail",
		Anchorer: recordertest.NewLog("chain.example/log", chain.Signer(keys.Anchor), time.Now),
		Signer:   attestation.By(shop.Signer(keys.Attestation)), AnchorSigner: shop.Signer(keys.Anchor),
	})
	if err != nil {
		return nil, err
	}
	defer rec.Close()

	now := time.Now()
	draft, err := attestation.NewDraft(attestation.Delivery{DeliveredAt: now}, now,
		attestation.Links{IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000", MerchantOrderID: "order-1", TradeNo: "trade-1"},
		attestation.Participant{ID: shop.DID.String(), Role: attestation.Merchant})
	if err != nil {
		return nil, err
	}
	if _, err := rec.Record(ctx, draft); err != nil { // returns once the draft is on the disk
		return nil, err
	}
	if err := rec.Flush(ctx); err != nil { // for the example: nobody else needs to wait
		return nil, err
	}
	documents := func(_ context.Context, did identity.DID) (*identity.Document, error) {
		if did == shop.DID {
			return shop.Document, nil
		}
		return chain.Document, nil
	}
	data, _, err := evidence.Collect(ctx, evidence.Sources{Stores: []recorder.RecordStore{store}, Documents: documents}, recorder.Query{TradeNo: "trade-1"})
	return data, err
}
