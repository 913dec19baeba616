package main

import (
	"bytes"
	"context"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
	"github.com/actprotocol/act-go/recorder/recordertest"
)

// makeEvidence writes delivery.json, tampered.json, and the documents of the two
// parties, shop.json and chain.json.
func makeEvidence(ts *testscript.TestScript, _ bool, _ []string) {
	acttest.Run(func(t acttest.TB) {
		shop := acttest.NewParty(t, "did:act:shop.example/coffee", keys.Attestation, keys.Anchor)
		chain := acttest.NewParty(t, "did:act:chain.example/log", keys.Anchor)
		for name, p := range map[string]*acttest.Party{"shop.json": shop, "chain.json": chain} {
			doc, err := p.Document.Encode()
			ts.Check(err)
			ts.Check(os.WriteFile(ts.MkAbs(name), doc, 0o600))
		}
		data := recordDelivery(ts, shop, chain)
		ts.Check(os.WriteFile(ts.MkAbs("delivery.json"), data, 0o600))
		tampered := bytes.Replace(data, []byte(`"delivered_at": "2`), []byte(`"delivered_at": "1`), 1)
		ts.Check(os.WriteFile(ts.MkAbs("tampered.json"), tampered, 0o600))
	})
}

func recordDelivery(ts *testscript.TestScript, shop, chain *acttest.Party) []byte {
	ctx := context.Background()
	store, err := recorder.OpenFileStore(ts.MkAbs("records"))
	ts.Check(err)
	defer store.Close()
	rec, err := recorder.New(recorder.Config{
		Dir: ts.MkAbs("queue"), Store: store, Channel: "retail",
		Anchorer: recordertest.NewLog("chain.example/log", chain.Signer(keys.Anchor), time.Now),
		Signer:   attestation.By(shop.Signer(keys.Attestation)), AnchorSigner: shop.Signer(keys.Anchor),
	})
	ts.Check(err)
	defer rec.Close()
	draft, err := attestation.NewDraft(attestation.Delivery{DeliveredAt: time.Now()}, time.Now(),
		attestation.Links{IntentID: "intent-1", MerchantOrderID: "order-1", TradeNo: "trade-1"},
		attestation.Participant{ID: shop.DID.String(), Role: attestation.Merchant})
	ts.Check(err)
	_, err = rec.Record(ctx, draft)
	ts.Check(err)
	ts.Check(rec.Flush(ctx))
	documents := func(_ context.Context, did identity.DID) (*identity.Document, error) {
		if did == shop.DID {
			return shop.Document, nil
		}
		return chain.Document, nil
	}
	data, _, err := evidence.Collect(ctx, evidence.Sources{Stores: []recorder.RecordStore{store}, Documents: documents}, recorder.Query{TradeNo: "trade-1"})
	ts.Check(err)
	return data
}
