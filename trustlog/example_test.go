package trustlog_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
	"github.com/actprotocol/act-go/trustlog/trustlogtest"
)

// A shop anchors a record, and somebody else finds the anchor and, years later,
// verifies the receipt without asking anybody.
func Example() {
	chain, err := trustlogtest.New("chain.example/log") // a real one is served by examples/trustchain
	if err != nil {
		fmt.Println(err)
		return
	}
	url, stop := chain.Start()
	defer stop()
	client, err := trustlog.New(trustlog.Config{
		Trust: chain.Trust(), URL: url, Store: &trustlog.MemoryStore{}, HTTP: &http.Client{}, InsecureAllowHTTP: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	id, token := exampleAnchor()

	receipt, err := client.Submit(ctx, token)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("anchored at", receipt)

	found, err := client.Anchor(ctx, "retail", id)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("found at", found.Place)

	offline, err := chain.Trust().Verify("retail", receipt.Proof())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("of this record:", offline.Anchor.RecordID == id)
	// Output:
	// anchored at chain.example/log/retail 0
	// found at chain.example/log/retail 0
	// of this record: true
}

// exampleAnchor signs the anchor of a record of a shop's.
func exampleAnchor() (recordID string, token []byte) {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		panic(err)
	}
	signer, err := keys.NewSigner("did:act:shop.example/coffee#anchor-1", keys.Anchor, private)
	if err != nil {
		panic(err)
	}
	record := &attestation.Record{
		Version: attestation.Version, ID: attestation.NewID(signer.DID()), Type: attestation.IntentCreated,
		EventTime: time.Now().Truncate(time.Second), PayloadHash: make([]byte, 32), HashAlgorithm: attestation.SHA256,
		Links: attestation.Links{IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000"},
	}
	token, err = attestation.SignAnchor(signer, record, "retail", time.Now())
	if err != nil {
		panic(err)
	}
	return record.ID, token
}
